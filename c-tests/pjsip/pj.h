/* PJSIP as the tests see it: the installed headers, or our own where
 * PJAUTH_TESTS_OWN_HEADER asks for them. */
#ifndef PJAUTH_TESTS_PJ_H
#define PJAUTH_TESTS_PJ_H

#ifdef PJAUTH_TESTS_OWN_HEADER
#include "pj217.h"
#else
#include <pjlib.h>
#include <pjlib-util.h>
#include <pjsip.h>
#include <pjsip_ua.h>
#endif

#endif
