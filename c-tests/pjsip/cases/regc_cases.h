/* The lists of cases that regc_test runs. */
#ifndef PJAUTH_TESTS_REGC_CASES_H
#define PJAUTH_TESTS_REGC_CASES_H

#include "lab.h"

extern const struct lab_case wire_cases[];
extern const int wire_case_count;
extern const struct lab_case async_cases[];
extern const int async_case_count;
extern const struct lab_case race_cases[];
extern const int race_case_count;
extern const struct lab_case shared_cases[];
extern const int shared_case_count;
extern const struct lab_case extra_cases[];
extern const int extra_case_count;
extern const struct lab_case old_cases[];
extern const int old_case_count;

#endif
