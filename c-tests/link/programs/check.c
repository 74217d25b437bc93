/* An application as through.c, which asks whether pjauth is in use; prints the status, after what the log says. */
#include <pjauth.h>
#include <stdio.h>

void (*caller_entry(void))(void);

int main(void)
{
    int status = pjauth_check_in_use();

    printf("\n%d %d\n", status, caller_entry() != NULL);
    return 0;
}
