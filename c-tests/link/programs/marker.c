/* Prints which pjauth it got. */
#include <pjauth.h>
#include <stdio.h>

int main(void)
{
    puts(pjauth_version());
    return 0;
}
