/* Every exported function that has a status to give, with each of its pointers
 * NULL in turn. */
#ifndef PJAUTH_TESTS_NULL_CALLS_H
#define PJAUTH_TESTS_NULL_CALLS_H

#include "pj.h"

/* Good arguments, to take one away at a time. */
struct null_arguments {
    pjsip_endpoint *endpt;
    pj_pool_t *pool;
    pjsip_auth_clt_sess *sess, *fresh;
    pjsip_cred_info *cred;
    pjsip_auth_clt_pref *pref;
    pjsip_auth_clt_async_setting *setting;
    pjsip_auth_clt_async_impl_token *impl;
    pjsip_tx_data *request;
    pjsip_rx_data *response;
    void *token;
};

/* `missing` is the number of the argument that was NULL. */
typedef void null_report(const char *name, int missing, pj_status_t status);

/* Returns how many calls were made. */
int null_calls(const struct null_arguments *g, null_report *report);

#endif
