/* Prints what pj217.h says of sizes, offsets and values. Built once with our
 * own header and once with pjproject's, it must print the same. */
#include "pj.h"

#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf("sizeof %s %zu\n", #type, sizeof(type))
#define FIELD(type, field) \
    printf("offsetof %s.%s %zu\n", #type, #field, offsetof(type, field))
#define VALUE(name) printf("value %s %d\n", #name, (int)name)

int main(void)
{
    typedef struct pjsip_regc_cbparam pjsip_regc_cbparam;

    SIZE(pj_status_t);
    SIZE(pj_bool_t);
    SIZE(pj_size_t);
    SIZE(pj_ssize_t);
    SIZE(pj_str_t);
    FIELD(pj_str_t, ptr);
    FIELD(pj_str_t, slen);
    SIZE(pj_time_val);
    FIELD(pj_time_val, msec);
    SIZE(pj_sockaddr_in);
    FIELD(pj_sockaddr_in, sin_port);
    FIELD(pj_sockaddr_in, sin_addr);
    SIZE(pj_pool_factory);
    SIZE(pj_caching_pool);
    FIELD(pj_caching_pool, used_count);
    FIELD(pjsip_tx_data, ref_cnt);
    SIZE(pjsip_host_port);
    FIELD(pjsip_host_port, port);
    SIZE(pjsip_cred_info);
    FIELD(pjsip_cred_info, realm);
    FIELD(pjsip_cred_info, scheme);
    FIELD(pjsip_cred_info, username);
    FIELD(pjsip_cred_info, data_type);
    FIELD(pjsip_cred_info, data);
    FIELD(pjsip_cred_info, algorithm_type);
    FIELD(pjsip_cred_info, ext);
    SIZE(pjsip_auth_algorithm);
    FIELD(pjsip_auth_algorithm, iana_name);
    FIELD(pjsip_auth_algorithm, digest_str_length);
    SIZE(pjsip_auth_clt_pref);
    FIELD(pjsip_auth_clt_pref, algorithm);
    SIZE(pjsip_auth_clt_sess);
    FIELD(pjsip_auth_clt_sess, endpt);
    FIELD(pjsip_auth_clt_sess, pref);
    FIELD(pjsip_auth_clt_sess, cred_cnt);
    FIELD(pjsip_auth_clt_sess, cred_info);
    FIELD(pjsip_auth_clt_sess, cached_auth);
    FIELD(pjsip_auth_clt_sess, lock);
    FIELD(pjsip_auth_clt_sess, parent);
    FIELD(pjsip_auth_clt_sess, async_opt);
    SIZE(pjsip_auth_clt_async_on_chal_param);
    FIELD(pjsip_auth_clt_async_on_chal_param, rdata);
    FIELD(pjsip_auth_clt_async_on_chal_param, user_data);
    SIZE(pjsip_auth_clt_async_setting);
    FIELD(pjsip_auth_clt_async_setting, user_data);
    SIZE(pjsip_auth_clt_async_impl_token);
    FIELD(pjsip_auth_clt_async_impl_token, send_impl);
    FIELD(pjsip_auth_clt_async_impl_token, abandon_impl);
    FIELD(pjsip_auth_clt_async_impl_token, grp_lock);
    FIELD(pjsip_auth_clt_async_impl_token, signature);
    SIZE(pjsip_regc_cbparam);
    FIELD(pjsip_regc_cbparam, token);
    FIELD(pjsip_regc_cbparam, status);
    FIELD(pjsip_regc_cbparam, code);
    FIELD(pjsip_regc_cbparam, is_unreg);

    VALUE(PJ_EINVAL);
    VALUE(PJ_EINVALIDOP);
    VALUE(PJ_ECANCELLED);
    VALUE(PJ_EIGNORED);
    VALUE(PJSIP_EBUSY);
    VALUE(PJSIP_ENOTINITIALIZED);
    VALUE(PJSIP_EINVALIDHDR);
    VALUE(PJSIP_EFAILEDCREDENTIAL);
    VALUE(PJSIP_ENOCREDENTIAL);
    VALUE(PJSIP_EINVALIDALGORITHM);
    VALUE(PJSIP_EINVALIDQOP);
    VALUE(PJSIP_EINVALIDAUTHSCHEME);
    VALUE(PJSIP_EAUTHSTALECOUNT);
    VALUE(PJSIP_EAUTHINNONCE);
    VALUE(PJSIP_EAUTHNOCHAL);
    VALUE(PJSIP_CRED_DATA_PLAIN_PASSWD);
    VALUE(PJSIP_CRED_DATA_DIGEST);
    VALUE(PJSIP_AUTH_ALGORITHM_SHA512_256);
    VALUE(PJSIP_AUTH_ALGORITHM_COUNT);
    VALUE(PJSIP_TRANSPORT_TCP);
    VALUE(PJSIP_TRANSPORT_TLS);
    VALUE(PJSIP_TP_STATE_CONNECTED);
    VALUE(PJSIP_TP_STATE_DISCONNECTED);
    VALUE(PJSIP_REGC_MAX_CONTACT);
    return 0;
}
