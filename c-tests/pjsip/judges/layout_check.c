/* Prints what ../pj217 says of sizes, offsets and values. Built once with our
 * own headers and once with pjproject's, it must print the same. */
#include "pj.h"

#include <pjsip_simple.h>

#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf("sizeof %s %zu\n", #type, sizeof(type))
#define FIELD(type, field) \
    printf("offsetof %s.%s %zu\n", #type, #field, offsetof(type, field))
#define VALUE(name) printf("value %s %d\n", #name, (int)name)

static void pjlib(void)
{
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
    SIZE(pj_pool_t);
    FIELD(pj_pool_t, block_list);
    SIZE(pj_pool_block);
    FIELD(pj_pool_block, cur);
    FIELD(pj_pool_block, end);
    SIZE(pj_pool_factory);
    FIELD(pj_pool_factory, policy.block_alloc);
    SIZE(pj_caching_pool);
    FIELD(pj_caching_pool, used_count);
    SIZE(pj_thread_desc);
    SIZE(struct pj_exception_state_t);
    FIELD(struct pj_exception_state_t, state);
    FIELD(struct pj_exception_state_t, prev);
    VALUE(PJ_VERSION_NUM);
    VALUE(PJ_ERR_MSG_SIZE);
    VALUE(PJ_STATUS_FROM_OS(0));
    VALUE(PJ_STATUS_FROM_OS(5));
    VALUE(PJ_EINVAL);
    VALUE(PJ_EINVALIDOP);
    VALUE(PJ_ETOOMANY);
    VALUE(PJ_ECANCELLED);
    VALUE(PJ_EIGNORED);
}

static void messages(void)
{
    FIELD(pjsip_tx_data, pool);
    FIELD(pjsip_tx_data, msg);
    FIELD(pjsip_tx_data, saved_strict_route);
    FIELD(pjsip_tx_data, buf.start);
    FIELD(pjsip_tx_data, buf.cur);
    FIELD(pjsip_tx_data, ref_cnt);
    FIELD(pjsip_tx_data, auth_retry);
    SIZE(pjsip_tx_data);
    FIELD(pjsip_rx_data, tp_info.pool);
    FIELD(pjsip_rx_data, pkt_info.packet);
    FIELD(pjsip_rx_data, pkt_info.len);
    FIELD(pjsip_rx_data, msg_info.msg);
    FIELD(pjsip_rx_data, msg_info.parse_err);
    SIZE(pjsip_rx_data);
    SIZE(pjsip_name_addr);
    FIELD(pjsip_name_addr, uri);
    SIZE(pjsip_route_hdr);
    FIELD(pjsip_route_hdr, name_addr);
    SIZE(pjsip_sip_uri);
    FIELD(pjsip_sip_uri, host);
    FIELD(pjsip_sip_uri, port);
    SIZE(pjsip_via_hdr);
    FIELD(pjsip_via_hdr, transport);
    FIELD(pjsip_via_hdr, sent_by);
    SIZE(pjsip_host_info);
    FIELD(pjsip_host_info, addr);
    SIZE(pjsip_host_port);
    FIELD(pjsip_host_port, port);
    FIELD(pjsip_transport, local_name);
    SIZE(pjsip_cfg_t);
    FIELD(pjsip_cfg_t, tsx.t1);
    VALUE(PJSIP_H_CSEQ);
    VALUE(PJSIP_H_ROUTE);
    VALUE(PJSIP_REGISTER_METHOD);
    VALUE(PJSIP_SC_TSX_TIMEOUT);
    VALUE(PJSIP_SC_TSX_TRANSPORT_ERROR);
    VALUE(PJSIP_MOD_PRIORITY_TRANSPORT_LAYER);
    VALUE(PJSIP_MOD_PRIORITY_APPLICATION);
    VALUE(PJSIP_TRANSPORT_TCP);
    VALUE(PJSIP_TRANSPORT_TLS);
    VALUE(PJSIP_TP_STATE_CONNECTED);
    VALUE(PJSIP_TP_STATE_DISCONNECTED);
}

static void authentication(void)
{
    SIZE(pjsip_auth_srv);
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
    VALUE(PJSIP_EBUSY);
    VALUE(PJSIP_ENOTINITIALIZED);
    VALUE(PJSIP_EINVALIDMSG);
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
    VALUE(PJSIP_SHA256STRLEN);
}

static void user_agent(void)
{
    typedef struct pjsip_regc_cbparam pjsip_regc_cbparam;
    typedef struct pjsip_publishc_cbparam pjsip_publishc_cbparam;

    SIZE(pjsip_regc_cbparam);
    FIELD(pjsip_regc_cbparam, token);
    FIELD(pjsip_regc_cbparam, status);
    FIELD(pjsip_regc_cbparam, code);
    FIELD(pjsip_regc_cbparam, is_unreg);
    SIZE(pjsip_publishc_cbparam);
    FIELD(pjsip_publishc_cbparam, status);
    FIELD(pjsip_publishc_cbparam, code);
    SIZE(pjsip_publishc_opt);
    SIZE(pjsip_ua_init_param);
    FIELD(pjsip_dialog, pool);
    FIELD(pjsip_dialog, auth_sess);
    FIELD(pjsip_inv_session, state);
    FIELD(pjsip_inv_session, cause);
    FIELD(pjsip_inv_session, dlg);
    FIELD(pjsip_inv_session, invite_tsx);
    SIZE(pjsip_inv_callback);
    FIELD(pjsip_inv_callback, on_tsx_state_changed);
    SIZE(pjsip_event);
    FIELD(pjsip_event, body.tsx_state.src.rdata);
    FIELD(pjsip_event, body.tsx_state.tsx);
    FIELD(pjsip_transaction, role);
    FIELD(pjsip_transaction, state);
    FIELD(pjsip_multipart_part, body);
    SIZE(pjsip_multipart_part);
    SIZE(pjsip_parser_err_report);
    VALUE(PJSIP_INV_SUPPORT_100REL);
    VALUE(PJSIP_TSX_STATE_TRYING);
    VALUE(PJSIP_ROLE_UAS);
    SIZE(pjsip_inv_callback);
    FIELD(pjsip_inv_callback, on_new_session);
    SIZE(pjsip_evsub_user);
    SIZE(pjsip_module);
    FIELD(pjsip_module, on_rx_request);
    VALUE(PJSIP_INV_STATE_CONFIRMED);
    VALUE(PJSIP_INV_STATE_DISCONNECTED);
    VALUE(PJSIP_EVSUB_STATE_ACTIVE);
    VALUE(PJSIP_EVSUB_STATE_TERMINATED);
    VALUE(PJSIP_REGC_MAX_CONTACT);
}

int main(void)
{
    if (CACHES_HEADERS) {
        fprintf(stderr, "SKIP ../pj217 knows no PJSIP_AUTH_HEADER_CACHING\n");
        return 77;
    }
    pjlib();
    messages();
    authentication();
    user_agent();
    return 0;
}
