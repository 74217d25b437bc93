/* Prints what src/pjsip/headers/pjproject.h says of sizes, offsets and values.
 * Built once with that and once with pjproject's own headers, it must print the
 * same. */
#ifdef OWN_DESCRIPTION
#include OWN_DESCRIPTION
#else
#include <pjlib.h>
#include <pjsip.h>
#include <pjsip_ua.h>
#endif

#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf("sizeof %s %zu\n", #type, sizeof(type))
#define FIELD(type, field) \
    printf("offsetof %s.%s %zu\n", #type, #field, offsetof(type, field))
#define VALUE(name) printf("value %s %d\n", #name, (int)(name))

static void pjlib(void)
{
    SIZE(pj_str_t);
    SIZE(pj_time_val);
    SIZE(pj_pool_t);
    FIELD(pj_pool_t, capacity);
    FIELD(pj_pool_t, callback);
    SIZE(pj_timer_entry);
    FIELD(pj_timer_entry, id);
    FIELD(pj_timer_entry, cb);
    VALUE(PJ_EUNKNOWN);
    VALUE(PJ_EINVAL);
    VALUE(PJ_ENOMEM);
    VALUE(PJ_EBUG);
    VALUE(PJ_ENOTSUP);
    VALUE(PJ_EINVALIDOP);
    VALUE(PJ_EIGNORED);
}

static void messages(void)
{
    SIZE(pjsip_msg);
    FIELD(pjsip_msg, line);
    FIELD(pjsip_msg, hdr);
    FIELD(pjsip_msg, body);
    SIZE(pjsip_msg_body);
    FIELD(pjsip_msg_body, data);
    FIELD(pjsip_msg_body, len);
    FIELD(pjsip_msg_body, print_body);
    SIZE(pjsip_hdr);
    SIZE(pjsip_param);
    SIZE(pjsip_uri_vptr);
    FIELD(pjsip_uri_vptr, p_print);
    SIZE(pjsip_via_hdr);
    FIELD(pjsip_via_hdr, branch_param);
    SIZE(pjsip_digest_challenge);
    FIELD(pjsip_digest_challenge, stale);
    SIZE(pjsip_www_authenticate_hdr);
    FIELD(pjsip_www_authenticate_hdr, challenge);
    SIZE(pjsip_digest_credential);
    FIELD(pjsip_digest_credential, nc);
    SIZE(pjsip_authorization_hdr);
    FIELD(pjsip_authorization_hdr, credential);
    SIZE(pjsip_tx_data);
    FIELD(pjsip_tx_data, pool);
    FIELD(pjsip_tx_data, obj_name);
    FIELD(pjsip_tx_data, msg);
    FIELD(pjsip_tx_data, tp_info.transport);
    FIELD(pjsip_tx_data, auth_retry);
    FIELD(pjsip_tx_data, mod_data);
    SIZE(pjsip_rx_data);
    FIELD(pjsip_rx_data, pkt_info.packet);
    FIELD(pjsip_rx_data, msg_info.msg);
    FIELD(pjsip_rx_data, endpt_info.mod_data);
    VALUE(PJSIP_REQUEST_MSG);
    VALUE(PJSIP_RESPONSE_MSG);
    VALUE(PJSIP_H_AUTHORIZATION);
    VALUE(PJSIP_H_PROXY_AUTHENTICATE);
    VALUE(PJSIP_H_PROXY_AUTHORIZATION);
    VALUE(PJSIP_H_VIA);
    VALUE(PJSIP_H_WWW_AUTHENTICATE);
    VALUE(PJSIP_H_OTHER);
    VALUE(PJSIP_URI_IN_REQ_URI);
    VALUE(PJSIP_URI_IN_OTHER);
}

static void authentication(void)
{
    SIZE(pjsip_cred_info);
    FIELD(pjsip_cred_info, data_type);
    FIELD(pjsip_cred_info, data);
    FIELD(pjsip_cred_info, algorithm_type);
    FIELD(pjsip_cred_info, ext);
    FIELD(pjsip_cred_info, ext.aka.cb);
    SIZE(pjsip_cached_auth);
    FIELD(pjsip_cached_auth, realm);
    FIELD(pjsip_cached_auth, stale_cnt);
    FIELD(pjsip_cached_auth, last_chal);
    SIZE(pjsip_auth_clt_pref);
    FIELD(pjsip_auth_clt_pref, algorithm);
    SIZE(pjsip_auth_clt_sess);
    FIELD(pjsip_auth_clt_sess, pref);
    FIELD(pjsip_auth_clt_sess, cred_cnt);
    FIELD(pjsip_auth_clt_sess, cred_info);
    FIELD(pjsip_auth_clt_sess, cached_auth);
    SIZE(pjsip_auth_algorithm);
    FIELD(pjsip_auth_algorithm, digest_str_length);
    VALUE(PJSIP_AUTH_ALGORITHM_AKAV2_MD5);
    VALUE(PJSIP_AUTH_ALGORITHM_COUNT);
    VALUE(PJSIP_CRED_DATA_PLAIN_PASSWD);
    VALUE(PJSIP_CRED_DATA_DIGEST);
    VALUE(PJSIP_CRED_DATA_EXT_AKA);
    VALUE(PJSIP_ENOTINITIALIZED);
    VALUE(PJSIP_ENOTREQUESTMSG);
    VALUE(PJSIP_ENOTRESPONSEMSG);
    VALUE(PJSIP_EINVALIDSTATUS);
    VALUE(PJSIP_EURITOOLONG);
    VALUE(PJSIP_EINVALIDHDR);
    VALUE(PJSIP_EFAILEDCREDENTIAL);
    VALUE(PJSIP_ENOCREDENTIAL);
    VALUE(PJSIP_EINVALIDALGORITHM);
    VALUE(PJSIP_EINVALIDQOP);
    VALUE(PJSIP_EINVALIDAUTHSCHEME);
    VALUE(PJSIP_EAUTHNOAUTH);
    VALUE(PJSIP_EAUTHSTALECOUNT);
    VALUE(PJSIP_EAUTHINAKACRED);
    VALUE(PJSIP_EAUTHNOCHAL);
}

static void modules(void)
{
    SIZE(pjsip_cseq_hdr);
    FIELD(pjsip_cseq_hdr, method);
    SIZE(pjsip_generic_int_hdr);
    FIELD(pjsip_generic_int_hdr, ivalue);
    VALUE(PJSIP_H_EXPIRES);
    FIELD(pjsip_tx_data, is_pending);
    FIELD(pjsip_rx_data, tp_info.pool);
    FIELD(pjsip_rx_data, tp_info.transport);
    FIELD(pjsip_rx_data, msg_info.via);
    FIELD(pjsip_rx_data, msg_info.cseq);
    SIZE(pjsip_module);
    FIELD(pjsip_module, priority);
    FIELD(pjsip_module, stop);
    FIELD(pjsip_module, on_rx_response);
    FIELD(pjsip_module, on_tsx_state);
    SIZE(pjsip_transport);
    FIELD(pjsip_transport, ref_cnt);
    FIELD(pjsip_transport, idle_timer);
    FIELD(pjsip_transport, send_msg);
    SIZE(pjsip_transaction);
    FIELD(pjsip_transaction, tsx_user);
    FIELD(pjsip_transaction, grp_lock);
    FIELD(pjsip_transaction, mutex_b);
    FIELD(pjsip_transaction, role);
    FIELD(pjsip_transaction, method);
    FIELD(pjsip_transaction, branch);
    FIELD(pjsip_transaction, state);
    FIELD(pjsip_transaction, transport);
    FIELD(pjsip_transaction, addr);
    FIELD(pjsip_transaction, addr_len);
    FIELD(pjsip_transaction, last_tx);
    FIELD(pjsip_transaction, retransmit_timer);
    FIELD(pjsip_transaction, timeout_timer);
    FIELD(pjsip_transaction, mod_data);
    SIZE(pjsip_dialog);
    FIELD(pjsip_dialog, auth_sess);
    FIELD(pjsip_dialog, usage_cnt);
    FIELD(pjsip_dialog, mod_data);
    VALUE(PJ_ECANCELLED);
    VALUE(PJSIP_MOD_PRIORITY_TSX_LAYER);
    VALUE(PJSIP_ROLE_UAC);
    VALUE(PJSIP_INVITE_METHOD);
    VALUE(PJSIP_CANCEL_METHOD);
    VALUE(PJSIP_BYE_METHOD);
    VALUE(PJSIP_TSX_STATE_CALLING);
    VALUE(PJSIP_TSX_STATE_PROCEEDING);
    VALUE(PJSIP_TSX_STATE_COMPLETED);
}

static void knobs(void)
{
    VALUE(PJ_VERSION_NUM_MAJOR);
    VALUE(PJ_VERSION_NUM_MINOR);
    VALUE(PJ_VERSION_NUM_REV);
    VALUE(PJSIP_MAX_MODULE);
    VALUE(PJSIP_MAX_PKT_LEN);
    VALUE(PJSIP_MAX_URL_SIZE);
    VALUE(PJSIP_MAX_STALE_COUNT);
    VALUE(PJSIP_AUTH_QOP_SUPPORT);
    VALUE(PJSIP_AUTH_HEADER_CACHING);
    VALUE(PJSIP_AUTH_AUTO_SEND_NEXT);
    VALUE(PJSIP_HAS_DIGEST_AKA_AUTH);
    VALUE(PJ_LOG_MAX_LEVEL);
    VALUE(PJ_TIMER_DEBUG);
    VALUE(PJ_POOL_ALIGNMENT);
}

int main(void)
{
    pjlib();
    messages();
    authentication();
    modules();
    knobs();
    return 0;
}
