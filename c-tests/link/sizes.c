/* What callers of the SIP half and the library hand each other without saying its size: a program that was compiled
 * against an older header must still fit, so these stay as they are as long as the soname does.
 * `c-tests/turn/sizes.c` is the same for the TURN half. */
#include <pjauth.h>

#include <stdio.h>

/* An enumerator divided by 0 where the size is another. */
#define PINNED(structure, size) enum { structure##_has_changed = 1 / (sizeof(struct structure) == (size)) }

PINNED(pjauth_layout, 120);

int main(void)
{
    puts("passed");
    return 0;
}
