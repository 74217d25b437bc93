/* See pjlib.h. */
#ifndef PJAUTH_TESTS_PJLIB_UTIL_H
#define PJAUTH_TESTS_PJLIB_UTIL_H

#include <pjlib.h>

PJ_BEGIN_DECL
pj_status_t pjlib_util_init(void);
PJ_END_DECL

#endif
