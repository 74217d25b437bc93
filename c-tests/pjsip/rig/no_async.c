/* The asynchronous functions for the control programs, where PJSIP lacks them: so
 * that cases which are skipped there link all the same. */
#include "pj.h"

#if !HAS_ASYNC
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
