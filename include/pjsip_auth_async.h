/* The asynchronous half of PJSIP's client authentication, for pjproject before 2.17, which lacks it.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The names, types and functions are those of 2.17's <pjsip/sip_auth.h>, so that an application's source is the same
 * for all versions; from 2.17 on this header declares nothing. The functions are pjauth's: without pjauth an
 * application for an older version does not link.
 *
 * Older modules of PJSIP know nothing of asynchronous challenges, so pjauth holds each challenge back below the
 * transaction layer until it is answered: nothing is retransmitted meanwhile, and no operation fails. What differs
 * from 2.17 for the application:
 *
 * - pjsip_auth_clt_async_configure() needs a session, and PJSIP shows only those of dialogs (dlg->auth_sess) and, from
 *   2.16 on, shared ones. For registrations, publications and all else there is pjauth_async_configure_default(), in
 *   pjauth.h.
 * - A registration that is destroyed while its challenge waits lives on until that is answered, as in PJSIP itself.
 * - pjsua's MESSAGE outside of calls is never deferred: pjsua answers it with a session that it makes after the fact.
 * - pjsua's on_auth_challenge does not exist.
 *
 * docs/deferral.md and docs/versions.md tell more: the latter has a table of what works where, and the tests that show it.
 */
#ifndef PJSIP_AUTH_ASYNC_H
#define PJSIP_AUTH_ASYNC_H

#include <pjsip/sip_auth.h>

/* 2.17, as PJ_VERSION_NUM counts. */
#if PJ_VERSION_NUM < ((2 << 24) | (17 << 16))

PJ_BEGIN_DECL

/** What the callback is told of a challenge. */
typedef struct pjsip_auth_clt_async_on_chal_param {
    /** The challenged request: pjsip_auth_clt_reinit_req() makes the new one of it. */
    pjsip_tx_data *tdata;

    /** The 401 or 407. Good until the callback returns; clone it to keep it. */
    const pjsip_rx_data *rdata;

    /** From the setting. */
    void *user_data;
} pjsip_auth_clt_async_on_chal_param;

/**
 * Asks the application about a challenge.
 *
 * @param sess   The session, or the last of its parents.
 * @param token  Stands for the challenge, until it is sent or abandoned.
 * @param param  What there is to know.
 * @return       PJ_TRUE: the application takes it, and answers now or later. PJ_FALSE: PJSIP answers by itself.
 */
typedef pj_bool_t pjsip_auth_clt_async_on_challenge(pjsip_auth_clt_sess *sess, void *token,
                                                    const pjsip_auth_clt_async_on_chal_param *param);

/** Who is asked. */
typedef struct pjsip_auth_clt_async_setting {
    /** The callback. */
    pjsip_auth_clt_async_on_challenge *cb;

    /** Handed to the callback as it is. */
    void *user_data;
} pjsip_auth_clt_async_setting;

/**
 * Sets who is asked about a session's challenges.
 *
 * @param sess  The session; its parent's setting is set if it has one.
 * @param opt   The setting, which is copied.
 * @return      PJ_SUCCESS, or an error.
 */
PJ_DECL(pj_status_t) pjsip_auth_clt_async_configure(pjsip_auth_clt_sess *sess,
                                                    const pjsip_auth_clt_async_setting *opt);

/**
 * Answers a challenge that the callback took.
 *
 * @param sess         The session.
 * @param token        The token.
 * @param new_request  The new request. On a live token its reference is consumed, whatever the status.
 * @return             PJ_SUCCESS; PJ_EINVAL if the token is dead, and the request is still the caller's; an error.
 */
PJ_DECL(pj_status_t) pjsip_auth_clt_async_send_req(pjsip_auth_clt_sess *sess, void *token,
                                                   pjsip_tx_data *new_request);

/**
 * Gives up a challenge that the callback took: the request has failed.
 *
 * @param sess   The session.
 * @param token  The token.
 * @return       PJ_SUCCESS, or PJ_EINVAL if the token is dead.
 */
PJ_DECL(pj_status_t) pjsip_auth_clt_async_abandon(pjsip_auth_clt_sess *sess, void *token);

PJ_END_DECL

#endif

#endif
