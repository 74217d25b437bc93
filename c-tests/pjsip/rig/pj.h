/* PJSIP as the tests see it: the installed headers, or ours of ../pj217.
 *
 * What versions lack: 2.15 brought algorithms to credentials, 2.16 parents to
 * sessions, 2.17 asynchronous challenges. */
#ifndef PJAUTH_TESTS_PJ_H
#define PJAUTH_TESTS_PJ_H

#include <pjlib.h>
#include <pjlib-util.h>
#include <pjsip.h>
#include <pjsip_ua.h>
#include <pjsip_auth_async.h>
#define PJ_SINCE(minor) (PJ_VERSION_NUM >= ((2 << 24) | ((minor) << 16)))

#define HAS_ALGORITHMS PJ_SINCE(15)
#define HAS_PARENTS PJ_SINCE(16)
#define HAS_ASYNC PJ_SINCE(17) /* of PJSIP's own */

/* What a config_site.h may ask for, where a version knows of it: that what is remembered is
 * answered before it is asked, or each algorithm of a realm; AKA of PJSIP's own. */
#if defined(PJSIP_AUTH_AUTO_SEND_NEXT) && PJSIP_AUTH_AUTO_SEND_NEXT
#define SENDS_UNASKED 1
#else
#define SENDS_UNASKED 0
#endif
#if defined(PJSIP_AUTH_HEADER_CACHING) && PJSIP_AUTH_HEADER_CACHING
#define CACHES_HEADERS 1
#else
#define CACHES_HEADERS 0
#endif
/* Asterisk's configuration names it; Debian's library does not do it. */
#if defined(PJSIP_AUTH_ALLOW_MULTIPLE_AUTH_HEADER) && \
    PJSIP_AUTH_ALLOW_MULTIPLE_AUTH_HEADER && defined(PJSIP_AUTH_AUTO_SEND_NEXT)
#define ANSWERS_EACH 1
#else
#define ANSWERS_EACH 0
#endif
#if defined(PJSIP_HAS_DIGEST_AKA_AUTH) && PJSIP_HAS_DIGEST_AKA_AUTH
#define HAS_AKA 1
#else
#define HAS_AKA 0
#endif

/* So that a case which is skipped compiles all the same. */
#if !HAS_PARENTS
static inline pj_status_t pjsip_dlg_set_auth_sess(pjsip_dialog *dlg,
                                                  pjsip_auth_clt_sess *sess)
{
    (void)dlg;
    (void)sess;
    return PJ_ENOTSUP;
}
#endif

#endif
