/* Both sides play a scenario; what they do differently is looked up. */
#ifndef PJAUTH_DIFFERENTIAL_COMPARE_H
#define PJAUTH_DIFFERENTIAL_COMPARE_H

#include "rules.h"

struct tally {
    unsigned long steps, answers, unlisted, wrong;
    unsigned long unasked; /* answers of ours, judged */
    unsigned long memories; /* of one server, compared field by field */
    unsigned long ambiguous; /* scenarios given up: which challenge was
                                answered could not be told */
};
extern struct tally tally;

/* Plays the scenario; every difference is counted with its rule. An unlisted
 * one, or an answer of ours that is wrong, is printed. Returns whether the
 * scenario was free of both. */
int compare(pjsip_endpoint *endpoint, const struct scenario *scenario);

/* The functions that work without a session, on tables and on `count` random
 * arguments. */
int compare_functions(pjsip_endpoint *endpoint, unsigned long long seed,
                      unsigned count);

#endif
