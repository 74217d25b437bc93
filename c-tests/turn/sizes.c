/* What callers of the TURN half and the library hand each other by value or in arrays, without saying its size: a program that was
 * compiled against an older header must still fit, so these stay as they are as long as the soname does.
 * `pjauth_turn_options`, `pjauth_turn_allocation_info` and `pjauth_turn_counters`, of which the library is told the size, may
 * grow. */
#include <pjauth.h>

#include <stdio.h>

/* An enumerator divided by 0 where the size is another. */
#define PINNED(structure, size) enum { structure##_has_changed = 1 / (sizeof(struct structure) == (size)) }

PINNED(pjauth_turn_listener, 16);
PINNED(pjauth_turn_relay, 16);
PINNED(pjauth_turn_observer_vtable, 24);
PINNED(pjauth_turn_observer, 8);
PINNED(pjauth_turn_opening, 40);
PINNED(pjauth_turn_driver, 32);
PINNED(pjauth_turn_output, 56);

/* Of `pjauth_turn_options` in 0.1. */
enum { FIRST_OPTIONS = 224 };

int main(void)
{
    struct pjauth_turn_options options;
    int fits = sizeof(options) >= FIRST_OPTIONS && pjauth_turn_options_init(&options, FIRST_OPTIONS) == 0 &&
               options.size == FIRST_OPTIONS;
    puts(fits ? "passed" : "failed");
    return !fits;
}
