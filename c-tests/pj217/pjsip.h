/* See pjlib.h. */
#ifndef PJAUTH_TESTS_PJSIP_H
#define PJAUTH_TESTS_PJSIP_H

#include <pjlib.h>

PJ_BEGIN_DECL

enum {
    PJSIP_EBUSY = 171001,
    PJSIP_EINVALIDMSG = 171020,
    PJSIP_EAUTHINNONCE = 171112
};

enum { PJSIP_SC_TSX_TIMEOUT = 408, PJSIP_SC_TSX_TRANSPORT_ERROR = 503 };

/* ---- Settings ---- */

typedef struct pjsip_cfg_t {
    int endpoint[13];
    struct {
        unsigned max_count, t1, t2, t4, td;
    } tsx;
    char rest[24];
} pjsip_cfg_t;

extern pjsip_cfg_t pjsip_sip_cfg_var;

static inline pjsip_cfg_t *pjsip_cfg(void)
{
    return &pjsip_sip_cfg_var;
}

/* ---- Messages ---- */

typedef struct pjsip_name_addr {
    pjsip_uri_vptr *vptr;
    pj_str_t display;
    pjsip_uri *uri;
} pjsip_name_addr;

typedef struct pjsip_routing_hdr {
    struct pjsip_routing_hdr *prev, *next;
    pjsip_hdr_e type;
    pj_str_t name, sname;
    void *vptr;
    pjsip_name_addr name_addr;
    pjsip_param other_param;
} pjsip_routing_hdr;
typedef pjsip_routing_hdr pjsip_route_hdr;

typedef struct pjsip_sip_uri {
    pjsip_uri_vptr *vptr;
    pj_str_t user, passwd, host;
    int port;
    char rest[168];
} pjsip_sip_uri;

typedef struct pjsip_host_info {
    unsigned flag;
    int type;
    pjsip_host_port addr;
} pjsip_host_info;

extern const pjsip_method pjsip_register_method;
const pjsip_method *pjsip_get_invite_method(void);
const pjsip_method *pjsip_get_bye_method(void);
const pjsip_method *pjsip_get_options_method(void);
void pjsip_method_init_np(pjsip_method *method, pj_str_t *name);

pjsip_msg *pjsip_msg_create(pj_pool_t *pool, pjsip_msg_type_e type);
void *pjsip_msg_find_hdr(const pjsip_msg *msg, pjsip_hdr_e type,
                         const void *start);
void *pjsip_msg_find_remove_hdr(pjsip_msg *msg, pjsip_hdr_e type, void *start);
pj_ssize_t pjsip_msg_print(const pjsip_msg *msg, char *buf, pj_size_t size);
void *pjsip_hdr_clone(pj_pool_t *pool, const void *header);
int pjsip_hdr_print_on(void *header, char *buf, pj_size_t size);
pjsip_msg_body *pjsip_msg_body_create(pj_pool_t *pool, const pj_str_t *type,
                                      const pj_str_t *subtype,
                                      const pj_str_t *text);

typedef struct pjsip_multipart_part {
    struct pjsip_multipart_part *prev, *next;
    pjsip_hdr hdr;
    pjsip_msg_body *body;
} pjsip_multipart_part;

pjsip_msg_body *pjsip_multipart_create(pj_pool_t *pool, const void *type,
                                       const pj_str_t *boundary);
pjsip_multipart_part *pjsip_multipart_create_part(pj_pool_t *pool);
pj_status_t pjsip_multipart_add_part(pj_pool_t *pool, pjsip_msg_body *body,
                                     pjsip_multipart_part *part);

pjsip_via_hdr *pjsip_via_hdr_create(pj_pool_t *pool);
pjsip_cseq_hdr *pjsip_cseq_hdr_create(pj_pool_t *pool);
pjsip_route_hdr *pjsip_route_hdr_create(pj_pool_t *pool);
pjsip_www_authenticate_hdr *pjsip_www_authenticate_hdr_create(pj_pool_t *pool);
pjsip_www_authenticate_hdr *pjsip_proxy_authenticate_hdr_create(pj_pool_t *pool);
pjsip_sip_uri *pjsip_sip_uri_create(pj_pool_t *pool, pj_bool_t secure);
pjsip_uri *pjsip_parse_uri(pj_pool_t *pool, char *text, pj_size_t size,
                           unsigned options);

typedef struct pjsip_parser_err_report {
    struct pjsip_parser_err_report *prev, *next;
    int except_code, line, col;
    pj_str_t hname;
} pjsip_parser_err_report;

pjsip_msg *pjsip_parse_msg(pj_pool_t *pool, char *text, pj_size_t size,
                           pjsip_parser_err_report *errors);
pjsip_msg *pjsip_parse_rdata(char *text, pj_size_t size, pjsip_rx_data *rdata);
pj_status_t pjsip_process_route_set(pjsip_tx_data *tdata,
                                    pjsip_host_info *destination);

static inline void pjsip_msg_add_hdr(pjsip_msg *msg, pjsip_hdr *header)
{
    pj_list_insert_before(&msg->hdr, header);
}

static inline void pjsip_msg_insert_first_hdr(pjsip_msg *msg, pjsip_hdr *header)
{
    pj_list_insert_before(msg->hdr.next, header);
}

/* ---- Transports ---- */

#define PJSIP_HAS_TLS_TRANSPORT 1
enum { PJSIP_TRANSPORT_TCP = 2, PJSIP_TRANSPORT_TLS = 3 };

typedef struct pjsip_tpfactory pjsip_tpfactory;
typedef struct pjsip_tpmgr pjsip_tpmgr;
typedef struct pjsip_transport_state_info pjsip_transport_state_info;

typedef enum pjsip_transport_state {
    PJSIP_TP_STATE_CONNECTED,
    PJSIP_TP_STATE_DISCONNECTED
} pjsip_transport_state;
typedef void (*pjsip_tp_state_callback)(
    pjsip_transport *transport, pjsip_transport_state state,
    const pjsip_transport_state_info *info);

pj_status_t pjsip_udp_transport_start(pjsip_endpoint *endpt,
                                      const pj_sockaddr_in *local,
                                      const pjsip_host_port *published,
                                      unsigned async_cnt,
                                      pjsip_transport **transport);
pj_status_t pjsip_tcp_transport_start(pjsip_endpoint *endpt,
                                      const pj_sockaddr_in *local,
                                      unsigned async_cnt,
                                      pjsip_tpfactory **factory);
pj_status_t pjsip_tls_transport_start(pjsip_endpoint *endpt,
                                      const void *settings,
                                      const pj_sockaddr_in *local,
                                      const pjsip_host_port *published,
                                      unsigned async_cnt,
                                      pjsip_tpfactory **factory);
pjsip_tpmgr *pjsip_endpt_get_tpmgr(pjsip_endpoint *endpt);
pjsip_tp_state_callback pjsip_tpmgr_get_state_cb(const pjsip_tpmgr *manager);
pj_status_t pjsip_tpmgr_set_state_cb(pjsip_tpmgr *manager,
                                     pjsip_tp_state_callback callback);
pj_status_t pjsip_endpt_acquire_transport(pjsip_endpoint *endpt, int type,
                                          const void *remote, int addr_len,
                                          const void *selector,
                                          pjsip_transport **transport);
pj_status_t pjsip_transport_dec_ref(pjsip_transport *transport);

/* ---- The endpoint and its requests ---- */

enum { PJSIP_MOD_PRIORITY_TRANSPORT_LAYER = 8, PJSIP_MOD_PRIORITY_APPLICATION = 64 };

struct pjsip_process_rdata_param;

pj_status_t pjsip_endpt_create(pj_pool_factory *factory, const char *name,
                               pjsip_endpoint **endpt);
void pjsip_endpt_destroy(pjsip_endpoint *endpt);
pj_status_t pjsip_endpt_process_rx_data(pjsip_endpoint *endpt, pjsip_rx_data *rdata,
                                        struct pjsip_process_rdata_param *p,
                                        pj_bool_t *handled);
pj_status_t pjsip_endpt_unregister_module(pjsip_endpoint *endpt, pjsip_module *mod);
pj_status_t pjsip_endpt_handle_events(pjsip_endpoint *endpt,
                                      const pj_time_val *max_timeout);
pj_status_t pjsip_endpt_create_request(
    pjsip_endpoint *endpt, const pjsip_method *method, const pj_str_t *target,
    const pj_str_t *from, const pj_str_t *to, const pj_str_t *contact,
    const pj_str_t *call_id, int cseq, const pj_str_t *text,
    pjsip_tx_data **request);
pj_status_t pjsip_endpt_create_response(pjsip_endpoint *endpt,
                                        const pjsip_rx_data *request, int code,
                                        const pj_str_t *text,
                                        pjsip_tx_data **response);
pj_status_t pjsip_endpt_send_response2(pjsip_endpoint *endpt,
                                       pjsip_rx_data *request,
                                       pjsip_tx_data *response, void *token,
                                       void *callback);

pj_status_t pjsip_tsx_layer_init_module(pjsip_endpoint *endpt);
unsigned pjsip_tsx_layer_get_tsx_count(void);
void pjsip_tsx_set_timers(unsigned t1, unsigned t2, unsigned t4, unsigned td);

/* ---- Authentication: the client's, and the server's that judges it ---- */

pj_status_t pjsip_auth_clt_init(pjsip_auth_clt_sess *sess,
                                pjsip_endpoint *endpt, pj_pool_t *pool,
                                unsigned options);
pj_status_t pjsip_auth_clt_deinit(pjsip_auth_clt_sess *sess);
pj_status_t pjsip_auth_clt_clone(pj_pool_t *pool, pjsip_auth_clt_sess *sess,
                                 const pjsip_auth_clt_sess *rhs);
pj_status_t pjsip_auth_clt_set_credentials(pjsip_auth_clt_sess *sess, int count,
                                           const pjsip_cred_info *creds);
pj_status_t pjsip_auth_clt_set_prefs(pjsip_auth_clt_sess *sess,
                                     const pjsip_auth_clt_pref *prefs);
pj_status_t pjsip_auth_clt_get_prefs(pjsip_auth_clt_sess *sess,
                                     pjsip_auth_clt_pref *prefs);
void pjsip_auth_clt_pref_dup(pj_pool_t *pool, pjsip_auth_clt_pref *dst,
                             const pjsip_auth_clt_pref *src);
pj_status_t pjsip_auth_clt_set_parent(pjsip_auth_clt_sess *sess,
                                      pjsip_auth_clt_sess *parent);
pj_status_t pjsip_auth_clt_init_req(pjsip_auth_clt_sess *sess,
                                    pjsip_tx_data *tdata);
pj_status_t pjsip_auth_clt_reinit_req(pjsip_auth_clt_sess *sess,
                                      const pjsip_rx_data *rdata,
                                      pjsip_tx_data *old_request,
                                      pjsip_tx_data **new_request);
pj_status_t pjsip_auth_clt_async_configure(
    pjsip_auth_clt_sess *sess, const pjsip_auth_clt_async_setting *opt);
pj_status_t pjsip_auth_clt_async_send_req(pjsip_auth_clt_sess *sess,
                                          void *token,
                                          pjsip_tx_data *new_request);
pj_status_t pjsip_auth_clt_async_abandon(pjsip_auth_clt_sess *sess,
                                         void *token);
pj_status_t pjsip_auth_clt_async_impl_on_challenge(
    pjsip_auth_clt_sess *sess, pjsip_auth_clt_async_impl_token *token,
    const pjsip_auth_clt_async_on_chal_param *param);
pj_status_t pjsip_auth_create_digest(
    pj_str_t *result, const pj_str_t *nonce, const pj_str_t *nc,
    const pj_str_t *cnonce, const pj_str_t *qop, const pj_str_t *uri,
    const pj_str_t *realm, const pjsip_cred_info *cred,
    const pj_str_t *method);
pj_status_t pjsip_auth_create_digestSHA256(
    pj_str_t *result, const pj_str_t *nonce, const pj_str_t *nc,
    const pj_str_t *cnonce, const pj_str_t *qop, const pj_str_t *uri,
    const pj_str_t *realm, const pjsip_cred_info *cred,
    const pj_str_t *method);
pj_status_t pjsip_auth_create_digest2(
    pj_str_t *result, const pj_str_t *nonce, const pj_str_t *nc,
    const pj_str_t *cnonce, const pj_str_t *qop, const pj_str_t *uri,
    const pj_str_t *realm, const pjsip_cred_info *cred,
    const pj_str_t *method, pjsip_auth_algorithm_type algorithm);
enum { PJSIP_SHA256STRLEN = 64 };
const pjsip_auth_algorithm *pjsip_auth_get_algorithm_by_type(
    pjsip_auth_algorithm_type type);
const pjsip_auth_algorithm *pjsip_auth_get_algorithm_by_iana_name(
    const pj_str_t *name);
pj_bool_t pjsip_auth_is_algorithm_supported(pjsip_auth_algorithm_type type);
int pjsip_cred_info_cmp(const pjsip_cred_info *a, const pjsip_cred_info *b);
void pjsip_cred_info_dup(pj_pool_t *pool, pjsip_cred_info *dst,
                         const pjsip_cred_info *src);

typedef pj_status_t pjsip_auth_lookup_cred(pj_pool_t *pool,
                                           const pj_str_t *realm,
                                           const pj_str_t *account,
                                           pjsip_cred_info *found);

typedef struct pjsip_auth_srv {
    pj_str_t realm;
    pj_bool_t is_proxy;
    void (*lookups[2])(void);
} pjsip_auth_srv;

pj_status_t pjsip_auth_srv_init(pj_pool_t *pool, pjsip_auth_srv *server,
                                const pj_str_t *realm,
                                pjsip_auth_lookup_cred *lookup,
                                unsigned options);
pj_status_t pjsip_auth_srv_challenge(pjsip_auth_srv *server,
                                     const pj_str_t *qop, const pj_str_t *nonce,
                                     const pj_str_t *opaque, pj_bool_t stale,
                                     pjsip_tx_data *response);
pj_status_t pjsip_auth_srv_verify(pjsip_auth_srv *server, pjsip_rx_data *request,
                                  int *code);

PJ_END_DECL

#endif
