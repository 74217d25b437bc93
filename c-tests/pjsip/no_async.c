/* The asynchronous functions for a pjproject that lacks them: weak, so that the
 * library's are taken where it has them, and cases that are skipped otherwise
 * link all the same. lab.c knows them by their status. */
#include "pj.h"

#if !HAS_ASYNC
#pragma weak pjsip_auth_clt_async_configure
#pragma weak pjsip_auth_clt_async_send_req
#pragma weak pjsip_auth_clt_async_abandon

pj_status_t pjsip_auth_clt_async_configure(
    pjsip_auth_clt_sess *sess, const pjsip_auth_clt_async_setting *opt)
{
    (void)sess;
    (void)opt;
    return PJ_ENOTSUP;
}

pj_status_t pjsip_auth_clt_async_send_req(pjsip_auth_clt_sess *sess,
                                          void *token,
                                          pjsip_tx_data *new_request)
{
    (void)sess;
    (void)token;
    (void)new_request;
    return PJ_ENOTSUP;
}

pj_status_t pjsip_auth_clt_async_abandon(pjsip_auth_clt_sess *sess, void *token)
{
    (void)sess;
    (void)token;
    return PJ_ENOTSUP;
}
#endif
