/* What the tests of the contract have in common. */
#ifndef PJAUTH_TESTS_CONTRACT_H
#define PJAUTH_TESTS_CONTRACT_H

#include "workbench.h"

/* References of a workbench's group lock. */
enum { ALONE = 1, HELD = 2 };

static inline long lock_refs(struct workbench *b)
{
    return pj_grp_lock_get_ref(b->lock);
}

/* contract_sessions.c */
extern const struct lab_case contract_session_cases[];
extern const int contract_session_case_count;

#endif
