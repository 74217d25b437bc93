/* What the shared-library test programs use of pjproject 2.17, declared in
 * our own words, so that they build where pjproject's headers are not
 * installed and run against a shared build such as Debian's.
 *
 * x86-64 Linux, the threads and types of pjproject's Unix port. Objects that
 * no program here looks into stay incomplete. layout_check.c compares every
 * size and offset below with the real headers where those are installed.
 */
#ifndef PJAUTH_TESTS_PJ217_H
#define PJAUTH_TESTS_PJ217_H

#include <stddef.h>

typedef int pj_status_t;
typedef int pj_bool_t;
typedef size_t pj_size_t;
typedef ptrdiff_t pj_ssize_t;

typedef unsigned char pj_uint8_t;

enum { PJ_FALSE = 0, PJ_TRUE = 1, PJ_SUCCESS = 0 };

enum {
    PJ_EINVAL = 70004,
    PJ_EINVALIDOP = 70013,
    PJ_ECANCELLED = 70014,
    PJ_EIGNORED = 70020,
    PJSIP_EBUSY = 171001,
    PJSIP_ENOTINITIALIZED = 171004,
    PJSIP_EINVALIDHDR = 171051,
    PJSIP_EFAILEDCREDENTIAL = 171100,
    PJSIP_ENOCREDENTIAL = 171101,
    PJSIP_EINVALIDALGORITHM = 171102,
    PJSIP_EINVALIDQOP = 171103,
    PJSIP_EINVALIDAUTHSCHEME = 171104,
    PJSIP_EAUTHSTALECOUNT = 171111,
    PJSIP_EAUTHINNONCE = 171112,
    PJSIP_EAUTHNOCHAL = 171114
};

typedef struct pj_pool_t pj_pool_t;
typedef struct pj_lock_t pj_lock_t;
typedef struct pj_atomic_t pj_atomic_t;
typedef struct pj_grp_lock_t pj_grp_lock_t;
typedef struct pj_thread_t pj_thread_t;
typedef struct pjsip_endpoint pjsip_endpoint;
typedef struct pjsip_transport pjsip_transport;
typedef struct pjsip_tpfactory pjsip_tpfactory;
typedef struct pjsip_tpmgr pjsip_tpmgr;
typedef struct pjsip_transport_state_info pjsip_transport_state_info;
typedef struct pjsip_rx_data pjsip_rx_data;
typedef struct pjsip_regc pjsip_regc;

typedef struct pj_str_t {
    char *ptr;
    pj_ssize_t slen;
} pj_str_t;

typedef struct pj_time_val {
    long sec;
    long msec;
} pj_time_val;

typedef struct pj_sockaddr_in {
    unsigned short sin_family;
    unsigned short sin_port;
    struct { unsigned int s_addr; } sin_addr;
    char sin_zero_pad[8];
} pj_sockaddr_in;

/* The factory of pools: only the count of pools in use is read. */
typedef struct pj_pool_factory {
    void *policy_and_functions[9];
} pj_pool_factory;

typedef struct pj_caching_pool {
    pj_pool_factory factory;
    pj_size_t capacity;
    pj_size_t max_capacity;
    pj_size_t used_count;
    char rest[808];
} pj_caching_pool;

/* The outgoing message: only its count of references is read. */
typedef struct pjsip_tx_data {
    char before_ref_cnt[432];
    pj_atomic_t *ref_cnt;
} pjsip_tx_data;

typedef struct pjsip_host_port {
    pj_str_t host;
    int port;
} pjsip_host_port;

typedef enum pjsip_auth_algorithm_type {
    PJSIP_AUTH_ALGORITHM_NOT_SET,
    PJSIP_AUTH_ALGORITHM_MD5,
    PJSIP_AUTH_ALGORITHM_SHA256,
    PJSIP_AUTH_ALGORITHM_SHA512_256,
    PJSIP_AUTH_ALGORITHM_AKAV1_MD5,
    PJSIP_AUTH_ALGORITHM_AKAV2_MD5,
    PJSIP_AUTH_ALGORITHM_COUNT
} pjsip_auth_algorithm_type;

enum { PJSIP_CRED_DATA_PLAIN_PASSWD = 0, PJSIP_CRED_DATA_DIGEST = 1 };

typedef struct pjsip_cred_info {
    pj_str_t realm;
    pj_str_t scheme;
    pj_str_t username;
    int data_type;
    pj_str_t data;
    pjsip_auth_algorithm_type algorithm_type;
    union {
        struct {
            pj_str_t k, op, amf;
            void (*cb)(void);
        } aka;
    } ext;
} pjsip_cred_info;

typedef struct pjsip_auth_algorithm {
    pjsip_auth_algorithm_type algorithm_type;
    pj_str_t iana_name;
    const char *openssl_name;
    unsigned digest_length;
    unsigned digest_str_length;
} pjsip_auth_algorithm;

typedef struct pjsip_auth_clt_pref {
    pj_bool_t initial_auth;
    pj_str_t algorithm;
} pjsip_auth_clt_pref;

typedef struct pjsip_auth_clt_async_setting pjsip_auth_clt_async_setting;

typedef struct pjsip_auth_clt_sess {
    pj_pool_t *pool;
    pjsip_endpoint *endpt;
    pjsip_auth_clt_pref pref;
    unsigned cred_cnt;
    pjsip_cred_info *cred_info;
    void *cached_auth[11];
    pj_lock_t *lock;
    struct pjsip_auth_clt_sess *parent;
    pjsip_auth_clt_async_setting *async_opt;
} pjsip_auth_clt_sess;

typedef struct pjsip_auth_clt_async_on_chal_param {
    pjsip_tx_data *tdata;
    const pjsip_rx_data *rdata;
    void *user_data;
} pjsip_auth_clt_async_on_chal_param;

typedef pj_bool_t pjsip_auth_clt_async_on_challenge(
    pjsip_auth_clt_sess *sess, void *token,
    const pjsip_auth_clt_async_on_chal_param *param);

struct pjsip_auth_clt_async_setting {
    pjsip_auth_clt_async_on_challenge *cb;
    void *user_data;
};

typedef pj_status_t pjsip_auth_clt_async_impl_send(pjsip_auth_clt_sess *sess,
                                                   void *user_data,
                                                   pjsip_tx_data *new_request);
typedef void pjsip_auth_clt_async_impl_abandon(pjsip_auth_clt_sess *sess,
                                               void *user_data);

typedef struct pjsip_auth_clt_async_impl_token {
    void *user_data;
    pjsip_auth_clt_async_impl_send *send_impl;
    pjsip_auth_clt_async_impl_abandon *abandon_impl;
    pj_grp_lock_t *grp_lock;
    pj_uint8_t signature[4];
} pjsip_auth_clt_async_impl_token;

enum { PJSIP_REGC_MAX_CONTACT = 10 };

struct pjsip_regc_cbparam {
    pjsip_regc *regc;
    void *token;
    pj_status_t status;
    int code;
    pj_str_t reason;
    pjsip_rx_data *rdata;
    unsigned expiration;
    int contact_cnt;
    void *contact[PJSIP_REGC_MAX_CONTACT];
    pj_bool_t is_unreg;
};

typedef void pjsip_regc_cb(struct pjsip_regc_cbparam *param);
typedef int pj_thread_proc(void *arg);

pj_status_t pj_init(void);
void pj_shutdown(void);
const char *pj_get_version(void);
void pj_log_set_level(int level);
pj_status_t pjlib_util_init(void);
void pj_caching_pool_init(pj_caching_pool *factory, const void *policy,
                          pj_size_t max_capacity);
void pj_caching_pool_destroy(pj_caching_pool *factory);
long pj_atomic_get(pj_atomic_t *atomic);
pj_status_t pj_grp_lock_create(pj_pool_t *pool, const void *config,
                               pj_grp_lock_t **lock);
pj_status_t pj_grp_lock_add_ref(pj_grp_lock_t *lock);
pj_status_t pj_grp_lock_dec_ref(pj_grp_lock_t *lock);
int pj_grp_lock_get_ref(pj_grp_lock_t *lock);
pj_status_t pj_thread_create(pj_pool_t *pool, const char *name,
                             pj_thread_proc *proc, void *arg,
                             pj_size_t stack_size, unsigned flags,
                             pj_thread_t **thread);
pj_status_t pj_thread_join(pj_thread_t *thread);
pj_status_t pj_thread_destroy(pj_thread_t *thread);

pj_status_t pjsip_endpt_create(pj_pool_factory *factory, const char *name,
                               pjsip_endpoint **endpt);
void pjsip_endpt_destroy(pjsip_endpoint *endpt);
pj_status_t pjsip_endpt_handle_events(pjsip_endpoint *endpt,
                                      const pj_time_val *max_timeout);
pj_pool_t *pjsip_endpt_create_pool(pjsip_endpoint *endpt, const char *name,
                                   pj_size_t initial, pj_size_t increment);
void pjsip_endpt_release_pool(pjsip_endpoint *endpt, pj_pool_t *pool);
pj_status_t pjsip_tsx_layer_init_module(pjsip_endpoint *endpt);
void pjsip_tsx_set_timers(unsigned t1, unsigned t2, unsigned t4, unsigned td);
pj_status_t pjsip_udp_transport_start(pjsip_endpoint *endpt,
                                      const pj_sockaddr_in *local,
                                      const pjsip_host_port *published,
                                      unsigned async_cnt,
                                      pjsip_transport **transport);
pj_status_t pjsip_tcp_transport_start(pjsip_endpoint *endpt,
                                      const pj_sockaddr_in *local,
                                      unsigned async_cnt,
                                      pjsip_tpfactory **factory);
#define PJSIP_HAS_TLS_TRANSPORT 1
enum { PJSIP_TRANSPORT_TCP = 2, PJSIP_TRANSPORT_TLS = 3 };
pj_status_t pjsip_tls_transport_start(pjsip_endpoint *endpt,
                                      const void *settings,
                                      const pj_sockaddr_in *local,
                                      const pjsip_host_port *published,
                                      unsigned async_cnt,
                                      pjsip_tpfactory **factory);
typedef enum pjsip_transport_state {
    PJSIP_TP_STATE_CONNECTED,
    PJSIP_TP_STATE_DISCONNECTED
} pjsip_transport_state;
typedef void (*pjsip_tp_state_callback)(
    pjsip_transport *transport, pjsip_transport_state state,
    const pjsip_transport_state_info *info);
pjsip_tpmgr *pjsip_endpt_get_tpmgr(pjsip_endpoint *endpt);
pjsip_tp_state_callback pjsip_tpmgr_get_state_cb(const pjsip_tpmgr *manager);
pj_status_t pjsip_tpmgr_set_state_cb(pjsip_tpmgr *manager,
                                     pjsip_tp_state_callback callback);
pj_status_t pjsip_endpt_acquire_transport(pjsip_endpoint *endpt, int type,
                                          const void *remote, int addr_len,
                                          const void *selector,
                                          pjsip_transport **transport);
pj_status_t pjsip_transport_dec_ref(pjsip_transport *transport);
void pjsip_tx_data_add_ref(pjsip_tx_data *tdata);
pj_status_t pjsip_tx_data_dec_ref(pjsip_tx_data *tdata);
pj_status_t pjsip_rx_data_clone(const pjsip_rx_data *src, unsigned flags,
                                pjsip_rx_data **copy);
pj_status_t pjsip_rx_data_free_cloned(pjsip_rx_data *rdata);

pj_status_t pjsip_auth_clt_init(pjsip_auth_clt_sess *sess,
                                pjsip_endpoint *endpt, pj_pool_t *pool,
                                unsigned options);
pj_status_t pjsip_auth_clt_deinit(pjsip_auth_clt_sess *sess);
pj_status_t pjsip_auth_clt_clone(pj_pool_t *pool, pjsip_auth_clt_sess *sess,
                                 const pjsip_auth_clt_sess *rhs);
pj_status_t pjsip_auth_clt_set_prefs(pjsip_auth_clt_sess *sess,
                                     const pjsip_auth_clt_pref *prefs);
pj_status_t pjsip_auth_clt_get_prefs(pjsip_auth_clt_sess *sess,
                                     pjsip_auth_clt_pref *prefs);
pj_status_t pjsip_auth_clt_set_parent(pjsip_auth_clt_sess *sess,
                                      pjsip_auth_clt_sess *parent);
pj_status_t pjsip_auth_clt_init_req(pjsip_auth_clt_sess *sess,
                                    pjsip_tx_data *tdata);
pj_status_t pjsip_auth_clt_async_impl_on_challenge(
    pjsip_auth_clt_sess *sess, pjsip_auth_clt_async_impl_token *token,
    const pjsip_auth_clt_async_on_chal_param *param);
void pjsip_auth_clt_pref_dup(pj_pool_t *pool, pjsip_auth_clt_pref *dst,
                             const pjsip_auth_clt_pref *src);
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
const pjsip_auth_algorithm *pjsip_auth_get_algorithm_by_type(
    pjsip_auth_algorithm_type type);
const pjsip_auth_algorithm *pjsip_auth_get_algorithm_by_iana_name(
    const pj_str_t *name);
pj_bool_t pjsip_auth_is_algorithm_supported(pjsip_auth_algorithm_type type);
int pjsip_cred_info_cmp(const pjsip_cred_info *a, const pjsip_cred_info *b);
void pjsip_cred_info_dup(pj_pool_t *pool, pjsip_cred_info *dst,
                         const pjsip_cred_info *src);
pj_status_t pjsip_auth_clt_set_credentials(pjsip_auth_clt_sess *sess, int count,
                                           const pjsip_cred_info *creds);
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

pj_status_t pjsip_regc_create(pjsip_endpoint *endpt, void *token,
                              pjsip_regc_cb *cb, pjsip_regc **regc);
pj_status_t pjsip_regc_init(pjsip_regc *regc, const pj_str_t *registrar,
                            const pj_str_t *from, const pj_str_t *to,
                            int contact_cnt, const pj_str_t contact[],
                            unsigned expires);
pj_status_t pjsip_regc_destroy(pjsip_regc *regc);
pj_status_t pjsip_regc_set_credentials(pjsip_regc *regc, int count,
                                       const pjsip_cred_info creds[]);
pj_status_t pjsip_regc_register(pjsip_regc *regc, pj_bool_t auto_refresh,
                                pjsip_tx_data **request);
pj_status_t pjsip_regc_unregister(pjsip_regc *regc, pjsip_tx_data **request);
pj_status_t pjsip_regc_send(pjsip_regc *regc, pjsip_tx_data *request);
pj_status_t pjsip_regc_set_auth_sess(pjsip_regc *regc,
                                     pjsip_auth_clt_sess *shared);
pjsip_auth_clt_sess *pjsip_regc_get_auth_sess(pjsip_regc *regc);

#endif
