/* What pjauth touches of pjproject, for builds on machines that have no
 * pjproject headers. Only names, layouts and values: the parts of a structure
 * that we never look at are bytes.
 *
 * It describes 2.17, and 2.16 and 2.15 where PJ_VERSION_NUM_MINOR says so. The
 * macros are the knobs of pjproject's own config_site.h; set them with
 * PJAUTH_CONFIG (a file of src/pjsip/configs) or CFLAGS-like -D options in
 * PJAUTH_CPPFLAGS. They must be those the host's pjproject was built with. */
#ifndef PJAUTH_PJPROJECT_H
#define PJAUTH_PJPROJECT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define _Static_assert static_assert
#endif

#define PJ_VERSION_NUM_MAJOR 2
#ifndef PJ_VERSION_NUM_MINOR
#define PJ_VERSION_NUM_MINOR 17
#endif
#ifndef PJ_VERSION_NUM_REV
#define PJ_VERSION_NUM_REV 0
#endif
#if PJ_VERSION_NUM_MINOR < 15 || PJ_VERSION_NUM_MINOR > 17
#error "pjauth: this version of pjproject is not described: build with its own headers"
#endif

#ifndef PJ_HAS_IPV6
#define PJ_HAS_IPV6 0
#endif
#ifndef PJ_MAX_OBJ_NAME
#define PJ_MAX_OBJ_NAME 32
#endif
#ifndef PJ_LOG_MAX_LEVEL
#define PJ_LOG_MAX_LEVEL 5
#endif
#ifndef PJ_POOL_ALIGNMENT
#define PJ_POOL_ALIGNMENT 8
#endif
#ifndef PJ_POOL_DEBUG
#define PJ_POOL_DEBUG 0
#endif
#ifndef PJ_TIMER_DEBUG
#define PJ_TIMER_DEBUG 1
#endif
#ifndef PJ_TIMER_USE_COPY
#define PJ_TIMER_USE_COPY 1
#endif
#ifndef PJ_TIMER_USE_LINKED_LIST
#define PJ_TIMER_USE_LINKED_LIST 0
#endif
#ifndef PJSIP_MAX_MODULE
#define PJSIP_MAX_MODULE 32
#endif
#ifndef PJSIP_MAX_PKT_LEN
#define PJSIP_MAX_PKT_LEN 4000
#endif
#ifndef PJSIP_MAX_URL_SIZE
#define PJSIP_MAX_URL_SIZE 256
#endif
#ifndef PJSIP_MAX_STALE_COUNT
#define PJSIP_MAX_STALE_COUNT 3
#endif
#ifndef PJSIP_MAX_RESOLVED_ADDRESSES
#define PJSIP_MAX_RESOLVED_ADDRESSES (PJ_HAS_IPV6 ? 32 : 16)
#endif
#ifndef PJSIP_AUTH_QOP_SUPPORT
#define PJSIP_AUTH_QOP_SUPPORT 1
#endif
#ifndef PJSIP_AUTH_HEADER_CACHING
#define PJSIP_AUTH_HEADER_CACHING 0
#endif
#ifndef PJSIP_AUTH_AUTO_SEND_NEXT
#define PJSIP_AUTH_AUTO_SEND_NEXT 0
#endif
#ifndef PJSIP_HAS_DIGEST_AKA_AUTH
#define PJSIP_HAS_DIGEST_AKA_AUTH 0
#endif

typedef int pj_bool_t;
typedef int pj_status_t;
typedef size_t pj_size_t;
typedef ptrdiff_t pj_ssize_t;
typedef uint8_t pj_uint8_t;
typedef uint32_t pj_uint32_t;

enum { PJ_FALSE, PJ_TRUE };

/* Status codes. */
enum {
    PJ_SUCCESS = 0,
    PJ_EUNKNOWN = 70001,
    PJ_EPENDING = 70002,
    PJ_EINVAL = 70004,
    PJ_ENOMEM = 70007,
    PJ_EBUG = 70008,
    PJ_ENOTSUP = 70012,
    PJ_EINVALIDOP = 70013,
    PJ_ECANCELLED = 70014,
    PJ_EIGNORED = 70020,
    PJSIP_ENOTINITIALIZED = 171004,
    PJSIP_ENOTREQUESTMSG = 171021,
    PJSIP_ENOTRESPONSEMSG = 171022,
    PJSIP_EINVALIDSTATUS = 171030,
    PJSIP_EURITOOLONG = 171043,
    PJSIP_EINVALIDHDR = 171051,
    PJSIP_EFAILEDCREDENTIAL = 171100,
    PJSIP_ENOCREDENTIAL = 171101,
    PJSIP_EINVALIDALGORITHM = 171102,
    PJSIP_EINVALIDQOP = 171103,
    PJSIP_EINVALIDAUTHSCHEME = 171104,
    PJSIP_EAUTHNOAUTH = 171106,
    PJSIP_EAUTHSTALECOUNT = 171111,
    PJSIP_EAUTHINAKACRED = 171113,
    PJSIP_EAUTHNOCHAL = 171114
};

/* ---- PJLIB ---- */

typedef struct pj_str_t {
    char *ptr;
    pj_ssize_t slen;
} pj_str_t;

typedef struct pj_time_val {
    long sec;
    long msec;
} pj_time_val;

typedef struct pj_lock_t pj_lock_t;
typedef struct pj_atomic_t pj_atomic_t;
typedef struct pj_grp_lock_t pj_grp_lock_t;
typedef struct pj_mutex_t pj_mutex_t;
typedef struct pj_thread_t pj_thread_t;
typedef struct pj_timer_heap_t pj_timer_heap_t;
typedef struct pj_pool_t pj_pool_t;

typedef void pj_pool_callback(pj_pool_t *pool, pj_size_t size);

typedef struct pj_pool_block {
    struct pj_pool_block *prev, *next;
    unsigned char *buf, *cur, *end;
} pj_pool_block;

struct pj_pool_t {
    struct pj_pool_t *prev, *next;
    char obj_name[PJ_MAX_OBJ_NAME];
    void *factory;
    void *factory_data;
    pj_size_t capacity;
    pj_size_t increment_size;
    pj_pool_block block_list;
    pj_pool_callback *callback;
#if PJ_VERSION_NUM_MINOR >= 16
    pj_size_t alignment;
#endif
};

typedef struct pj_timer_entry pj_timer_entry;
typedef void pj_timer_heap_callback(pj_timer_heap_t *heap,
                                    pj_timer_entry *entry);

struct pj_timer_entry {
#if !PJ_TIMER_USE_COPY && PJ_TIMER_USE_LINKED_LIST
    struct pj_timer_entry *prev, *next;
#endif
    void *user_data;
    int id;
    pj_timer_heap_callback *cb;
    int _timer_id;
#if !PJ_TIMER_USE_COPY
    pj_time_val _timer_value;
    pj_grp_lock_t *_grp_lock;
#endif
};

void *pj_pool_alloc(pj_pool_t *pool, pj_size_t size);
const char *pj_get_version(void);
int pj_log_get_level(void);
void pj_log_1(const char *sender, const char *format, ...);
void pj_log_4(const char *sender, const char *format, ...);
int pj_grp_lock_add_ref(pj_grp_lock_t *lock);
int pj_grp_lock_dec_ref(pj_grp_lock_t *lock);
int pj_grp_lock_acquire(pj_grp_lock_t *lock);
int pj_grp_lock_tryacquire(pj_grp_lock_t *lock);
int pj_grp_lock_release(pj_grp_lock_t *lock);
typedef int pj_thread_proc(void *arg);
pj_status_t pj_thread_create(pj_pool_t *pool, const char *name,
                             pj_thread_proc *proc, void *arg,
                             pj_size_t stack_size, unsigned flags,
                             pj_thread_t **thread);
pj_status_t pj_thread_join(pj_thread_t *thread);
pj_status_t pj_thread_destroy(pj_thread_t *thread);
pj_status_t pj_mutex_lock(pj_mutex_t *mutex);
pj_status_t pj_mutex_unlock(pj_mutex_t *mutex);
pj_status_t pj_lock_create_simple_mutex(pj_pool_t *pool, const char *name,
                                        pj_lock_t **lock);
pj_status_t pj_lock_acquire(pj_lock_t *lock);
pj_status_t pj_lock_release(pj_lock_t *lock);
pj_status_t pj_lock_destroy(pj_lock_t *lock);
pj_timer_entry *pj_timer_entry_init(pj_timer_entry *entry, int id,
                                    void *user_data,
                                    pj_timer_heap_callback *cb);
int pj_timer_heap_cancel_if_active(pj_timer_heap_t *heap,
                                   pj_timer_entry *entry, int id);

/* ---- PJSIP messages ---- */

typedef struct pjsip_endpoint pjsip_endpoint;
typedef struct pjsip_msg pjsip_msg;
typedef struct pjsip_hdr pjsip_hdr;
typedef struct pjsip_tx_data pjsip_tx_data;
typedef struct pjsip_rx_data pjsip_rx_data;
typedef struct pjsip_msg_body pjsip_msg_body;
typedef struct pjsip_transport pjsip_transport;

typedef enum pjsip_msg_type_e {
    PJSIP_REQUEST_MSG,
    PJSIP_RESPONSE_MSG
} pjsip_msg_type_e;

typedef enum pjsip_hdr_e {
    PJSIP_H_AUTHORIZATION = 6,
    PJSIP_H_CSEQ = 15,
    PJSIP_H_EXPIRES = 18,
    PJSIP_H_PROXY_AUTHENTICATE = 26,
    PJSIP_H_PROXY_AUTHORIZATION = 27,
    PJSIP_H_ROUTE = 33,
    PJSIP_H_VIA = 41,
    PJSIP_H_WWW_AUTHENTICATE = 43,
    PJSIP_H_OTHER = 44
} pjsip_hdr_e;

typedef enum pjsip_uri_context_e {
    PJSIP_URI_IN_REQ_URI,
    PJSIP_URI_IN_OTHER = 4
} pjsip_uri_context_e;

typedef enum pjsip_method_e {
    PJSIP_INVITE_METHOD,
    PJSIP_CANCEL_METHOD,
    PJSIP_ACK_METHOD,
    PJSIP_BYE_METHOD,
    PJSIP_REGISTER_METHOD
} pjsip_method_e;

typedef struct pjsip_method {
    pjsip_method_e id;
    pj_str_t name;
} pjsip_method;

typedef struct pjsip_uri_vptr {
    const pj_str_t *(*p_get_scheme)(const void *uri);
    void *(*p_get_uri)(void *uri);
    pj_ssize_t (*p_print)(pjsip_uri_context_e context, const void *uri,
                          char *buf, pj_size_t size);
    pj_status_t (*p_compare)(pjsip_uri_context_e context, const void *a,
                             const void *b);
    void *(*p_clone)(pj_pool_t *pool, const void *uri);
} pjsip_uri_vptr;

typedef struct pjsip_uri {
    pjsip_uri_vptr *vptr;
} pjsip_uri;

struct pjsip_hdr {
    struct pjsip_hdr *prev, *next;
    pjsip_hdr_e type;
    pj_str_t name, sname;
    void *vptr;
};

typedef struct pjsip_param {
    struct pjsip_param *prev, *next;
    pj_str_t name, value;
} pjsip_param;

struct pjsip_msg_body {
    char content_type[80];
    void *data;
    unsigned len;
    int (*print_body)(pjsip_msg_body *body, char *buf, pj_size_t size);
    void *(*clone_data)(pj_pool_t *pool, const void *data, unsigned len);
};

struct pjsip_msg {
    pjsip_msg_type_e type;
    union {
        struct {
            pjsip_method method;
            pjsip_uri *uri;
        } req;
        struct {
            int code;
            pj_str_t reason;
        } status;
    } line;
    pjsip_hdr hdr;
    pjsip_msg_body *body;
};

typedef struct pjsip_host_port {
    pj_str_t host;
    int port;
} pjsip_host_port;

typedef struct pjsip_via_hdr {
    struct pjsip_via_hdr *prev, *next;
    pjsip_hdr_e type;
    pj_str_t name, sname;
    void *vptr;
    pj_str_t transport;
    pjsip_host_port sent_by;
    char before_branch[40];
    pj_str_t branch_param;
    char after_branch[64];
} pjsip_via_hdr;

typedef struct pjsip_cseq_hdr {
    struct pjsip_cseq_hdr *prev, *next;
    pjsip_hdr_e type;
    pj_str_t name, sname;
    void *vptr;
    int cseq;
    pjsip_method method;
} pjsip_cseq_hdr;

typedef struct pjsip_generic_int_hdr {
    struct pjsip_generic_int_hdr *prev, *next;
    pjsip_hdr_e type;
    pj_str_t name, sname;
    void *vptr;
    pj_uint32_t ivalue;
} pjsip_generic_int_hdr;

typedef struct pjsip_digest_challenge {
    pj_str_t realm;
    pjsip_param other_param;
    pj_str_t domain, nonce, opaque;
    int stale;
    pj_str_t algorithm, qop;
} pjsip_digest_challenge;

typedef struct pjsip_www_authenticate_hdr {
    struct pjsip_www_authenticate_hdr *prev, *next;
    pjsip_hdr_e type;
    pj_str_t name, sname;
    void *vptr;
    pj_str_t scheme;
    union {
        pjsip_digest_challenge digest;
    } challenge;
} pjsip_www_authenticate_hdr;

typedef struct pjsip_digest_credential {
    pj_str_t realm;
    pjsip_param other_param;
    pj_str_t username, nonce, uri, response, algorithm, cnonce, opaque, qop, nc;
} pjsip_digest_credential;

typedef struct pjsip_oauth_credential {
    pj_str_t realm;
    pjsip_param other_param;
    pj_str_t username, token;
} pjsip_oauth_credential;

typedef struct pjsip_authorization_hdr {
    struct pjsip_authorization_hdr *prev, *next;
    pjsip_hdr_e type;
    pj_str_t name, sname;
    void *vptr;
    pj_str_t scheme;
    union {
        pjsip_digest_credential digest;
        pjsip_oauth_credential oauth;
    } credential;
} pjsip_authorization_hdr;

/* The addresses that a request may be sent to: a record's bytes, and those of
 * what stands around the records. */
#if PJ_VERSION_NUM_MINOR >= 16
#define PJAUTH_ADDRESS_SIZE 64
#define PJAUTH_ADDRESSES_SIZE 32
#else
#define PJAUTH_ADDRESS_SIZE 44
#define PJAUTH_ADDRESSES_SIZE 24
#endif

struct pjsip_tx_data {
    struct pjsip_tx_data *prev, *next;
    pj_pool_t *pool;
    char obj_name[PJ_MAX_OBJ_NAME];
    char before_msg[336];
    pjsip_msg *msg;
    struct pjsip_routing_hdr *saved_strict_route;
    struct {
        char *start, *cur, *end;
    } buf;
    pj_atomic_t *ref_cnt;
    int is_pending;
    char before_dest[20];
    char dest_info[PJAUTH_ADDRESSES_SIZE +
                   PJAUTH_ADDRESS_SIZE * PJSIP_MAX_RESOLVED_ADDRESSES];
    struct {
        pjsip_transport *transport;
        char rest[88];
    } tp_info;
    char tp_sel[16];
    pj_bool_t auth_retry;
    void *mod_data[PJSIP_MAX_MODULE];
    char via[32];
};

struct pjsip_rx_data {
    struct {
        pj_pool_t *pool;
        pjsip_transport *transport;
        char keys[288];
    } tp_info;
    struct {
        pj_time_val timestamp;
        char packet[PJSIP_MAX_PKT_LEN];
        pj_uint32_t zero;
        pj_ssize_t len;
        char source[88];
    } pkt_info;
    struct {
        char *msg_buf;
        int len;
        pjsip_msg *msg;
        char *info;
        void *cid, *from, *to;
        pjsip_via_hdr *via;
        pjsip_cseq_hdr *cseq;
        char headers[56];
        struct {
            void *prev, *next;
            char rest[32];
        } parse_err;
    } msg_info;
    struct {
        void *mod_data[PJSIP_MAX_MODULE];
    } endpt_info;
};

pj_status_t pjsip_rx_data_clone(const pjsip_rx_data *rdata, unsigned flags,
                                pjsip_rx_data **clone);
pj_status_t pjsip_rx_data_free_cloned(pjsip_rx_data *rdata);

/* ---- Transports ---- */

typedef void pj_sockaddr_t;
typedef void (*pjsip_transport_callback)(pjsip_transport *transport, void *token,
                                         pj_ssize_t sent);

struct pjsip_transport {
    char obj_name[PJ_MAX_OBJ_NAME];
    pj_pool_t *pool;
    void *ref_cnt, *lock, *grp_lock;
    pj_bool_t tracing, is_shutdown, is_destroying;
    struct {
        long type;
        pj_uint32_t rem_addr[7];
    } key;
    char *type_name;
    unsigned flag;
    char *info;
    int addr_len;
    pj_uint32_t local_addr[7];
#if PJ_VERSION_NUM_MINOR >= 16
    pj_bool_t has_addr_name;
#endif
    pjsip_host_port local_name, remote_name;
    int dir;
    pjsip_endpoint *endpt;
    void *tpmgr, *factory;
    pj_timer_entry idle_timer;
    long long last_recv_ts;
    pj_size_t last_recv_len;
    void *data;
    unsigned initial_timeout;
    pj_status_t (*send_msg)(pjsip_transport *transport, pjsip_tx_data *tdata,
                            const pj_sockaddr_t *rem_addr, int addr_len,
                            void *token, pjsip_transport_callback callback);
    pj_status_t (*do_shutdown)(pjsip_transport *transport);
    pj_status_t (*destroy)(pjsip_transport *transport);
};

typedef void (*pjsip_tp_send_callback)(void *token, pjsip_tx_data *tdata,
                                       pj_ssize_t sent);
pj_status_t pjsip_transport_send(pjsip_transport *transport,
                                 pjsip_tx_data *tdata, const void *addr,
                                 int addr_len, void *token,
                                 pjsip_tp_send_callback callback);
pjsip_authorization_hdr *pjsip_authorization_hdr_create(pj_pool_t *pool);
pjsip_authorization_hdr *pjsip_proxy_authorization_hdr_create(pj_pool_t *pool);
void pjsip_restore_strict_route_set(pjsip_tx_data *tdata);
void pjsip_tx_data_invalidate_msg(pjsip_tx_data *tdata);
void pjsip_tx_data_add_ref(pjsip_tx_data *tdata);
pj_status_t pjsip_tx_data_dec_ref(pjsip_tx_data *tdata);
pj_pool_t *pjsip_endpt_create_pool(pjsip_endpoint *endpt, const char *name,
                                   pj_size_t initial, pj_size_t increment);
void pjsip_endpt_release_pool(pjsip_endpoint *endpt, pj_pool_t *pool);
pj_status_t pjsip_endpt_schedule_timer(pjsip_endpoint *endpt,
                                       pj_timer_entry *entry,
                                       const pj_time_val *delay);
#if PJ_TIMER_DEBUG
pj_status_t pjsip_endpt_schedule_timer_dbg(pjsip_endpoint *endpt,
                                           pj_timer_entry *entry,
                                           const pj_time_val *delay,
                                           const char *file, int line);
#endif
void pjsip_endpt_cancel_timer(pjsip_endpoint *endpt, pj_timer_entry *entry);
typedef void (*pjsip_endpt_exit_callback)(pjsip_endpoint *endpt);
pj_status_t pjsip_endpt_atexit(pjsip_endpoint *endpt,
                               pjsip_endpt_exit_callback func);

/* ---- The client authentication object ---- */

typedef enum pjsip_auth_algorithm_type {
    PJSIP_AUTH_ALGORITHM_NOT_SET = 0,
    PJSIP_AUTH_ALGORITHM_MD5,
    PJSIP_AUTH_ALGORITHM_SHA256,
    PJSIP_AUTH_ALGORITHM_SHA512_256,
    PJSIP_AUTH_ALGORITHM_AKAV1_MD5,
    PJSIP_AUTH_ALGORITHM_AKAV2_MD5,
    PJSIP_AUTH_ALGORITHM_COUNT
} pjsip_auth_algorithm_type;

typedef struct pjsip_auth_algorithm {
    pjsip_auth_algorithm_type algorithm_type;
    pj_str_t iana_name;
    const char *openssl_name;
    unsigned digest_length;
    unsigned digest_str_length;
} pjsip_auth_algorithm;

typedef enum pjsip_cred_data_type {
    PJSIP_CRED_DATA_PLAIN_PASSWD = 0,
    PJSIP_CRED_DATA_DIGEST = 1,
    PJSIP_CRED_DATA_EXT_AKA = 16
} pjsip_cred_data_type;

typedef enum pjsip_auth_qop_type {
    PJSIP_AUTH_QOP_NONE,
    PJSIP_AUTH_QOP_AUTH,
    PJSIP_AUTH_QOP_AUTH_INT,
    PJSIP_AUTH_QOP_UNKNOWN
} pjsip_auth_qop_type;

typedef struct pjsip_cred_info pjsip_cred_info;
typedef pj_status_t (*pjsip_cred_cb)(pj_pool_t *pool,
                                     const pjsip_digest_challenge *chal,
                                     const pjsip_cred_info *cred,
                                     const pj_str_t *method,
                                     pjsip_digest_credential *auth);

struct pjsip_cred_info {
    pj_str_t realm, scheme, username;
    int data_type;
    pj_str_t data;
    pjsip_auth_algorithm_type algorithm_type;
    union {
        struct {
            pj_str_t k, op, amf;
            pjsip_cred_cb cb;
        } aka;
    } ext;
};

typedef struct pjsip_cached_auth_hdr {
    struct pjsip_cached_auth_hdr *prev, *next;
    pjsip_method method;
    pjsip_authorization_hdr *hdr;
} pjsip_cached_auth_hdr;

typedef struct pjsip_cached_auth {
    struct pjsip_cached_auth *prev, *next;
    pj_pool_t *pool;
    pj_str_t realm;
    pj_bool_t is_proxy;
    pjsip_auth_qop_type qop_value;
    unsigned stale_cnt;
#if PJSIP_AUTH_QOP_SUPPORT
    pj_uint32_t nc;
    pj_str_t cnonce;
#endif
    pjsip_www_authenticate_hdr *last_chal;
#if PJSIP_AUTH_HEADER_CACHING
    pjsip_cached_auth_hdr cached_hdr;
#endif
    pjsip_auth_algorithm_type challenge_algorithm_type;
} pjsip_cached_auth;

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
    pjsip_cached_auth cached_auth;
#if PJ_VERSION_NUM_MINOR >= 16
    pj_lock_t *lock;
    struct pjsip_auth_clt_sess *parent;
#endif
#if PJ_VERSION_NUM_MINOR >= 17
    pjsip_auth_clt_async_setting *async_opt;
#endif
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
                                                   pjsip_tx_data *request);
typedef void pjsip_auth_clt_async_impl_abandon(pjsip_auth_clt_sess *sess,
                                               void *user_data);

typedef struct pjsip_auth_clt_async_impl_token {
    void *user_data;
    pjsip_auth_clt_async_impl_send *send_impl;
    pjsip_auth_clt_async_impl_abandon *abandon_impl;
    pj_grp_lock_t *grp_lock;
    pj_uint8_t signature[4];
} pjsip_auth_clt_async_impl_token;

/* ---- Modules, transactions, dialogs ---- */

typedef enum pjsip_module_priority {
    PJSIP_MOD_PRIORITY_TSX_LAYER = 16
} pjsip_module_priority;

typedef struct pjsip_event pjsip_event;
typedef struct pjsip_transaction pjsip_transaction;

typedef struct pjsip_module {
    struct pjsip_module *prev, *next;
    pj_str_t name;
    int id;
    int priority;
    pj_status_t (*load)(pjsip_endpoint *endpt);
    pj_status_t (*start)(void);
    pj_status_t (*stop)(void);
    pj_status_t (*unload)(void);
    pj_bool_t (*on_rx_request)(pjsip_rx_data *rdata);
    pj_bool_t (*on_rx_response)(pjsip_rx_data *rdata);
    pj_status_t (*on_tx_request)(pjsip_tx_data *tdata);
    pj_status_t (*on_tx_response)(pjsip_tx_data *tdata);
    void (*on_tsx_state)(pjsip_transaction *tsx, pjsip_event *event);
} pjsip_module;

typedef enum pjsip_role_e { PJSIP_ROLE_UAC, PJSIP_ROLE_UAS } pjsip_role_e;

typedef enum pjsip_tsx_state_e {
    PJSIP_TSX_STATE_NULL,
    PJSIP_TSX_STATE_CALLING,
    PJSIP_TSX_STATE_TRYING,
    PJSIP_TSX_STATE_PROCEEDING,
    PJSIP_TSX_STATE_COMPLETED
} pjsip_tsx_state_e;

struct pjsip_transaction {
    pj_pool_t *pool;
    pjsip_module *tsx_user;
    pjsip_endpoint *endpt;
    pj_bool_t terminating;
    pj_grp_lock_t *grp_lock;
#if PJ_VERSION_NUM_MINOR >= 17
    pj_grp_lock_t *chained_lock;
#endif
    pj_mutex_t *mutex_b;
    char obj_name[PJ_MAX_OBJ_NAME];
    pjsip_role_e role;
    pjsip_method method;
    int cseq;
    pj_str_t transaction_key, transaction_key2;
    pj_uint32_t hashed_key, hashed_key2;
    pj_str_t branch;
    int status_code;
    pj_str_t status_text;
    pjsip_tsx_state_e state;
    int handle_200resp, tracing;
    pj_status_t (*state_handler)(pjsip_transaction *tsx, pjsip_event *event);
    pjsip_transport *transport;
    pj_bool_t is_reliable;
    pj_uint32_t addr[7];
    int addr_len;
    void *res_addr[9];
    unsigned transport_flag;
    pj_status_t transport_err;
    void *tp_sel[2];
    pjsip_tx_data *pending_tx;
    void *tp_st_key;
    pjsip_tx_data *last_tx;
    int retransmit_count;
    pj_timer_entry retransmit_timer, timeout_timer;
#if PJ_VERSION_NUM_MINOR >= 16
    pj_timer_entry misc_timer;
#endif
    void *mod_data[PJSIP_MAX_MODULE];
};

typedef struct pjsip_dialog {
    struct pjsip_dialog *prev, *next;
    char obj_name[PJ_MAX_OBJ_NAME];
    pj_pool_t *pool;
    void *ua, *endpt;
    pj_grp_lock_t *grp_lock_;
    void *before_auth[61];
    pjsip_auth_clt_sess auth_sess;
    pj_str_t initial_dest;
    int sess_count, tsx_count;
    void *tp_sel[2];
    unsigned usage_cnt;
    pjsip_module *usage[PJSIP_MAX_MODULE];
    void *mod_data[PJSIP_MAX_MODULE];
    void *via[4];
} pjsip_dialog;

pj_status_t pjsip_endpt_register_module(pjsip_endpoint *endpt,
                                        pjsip_module *module);
pj_timer_heap_t *pjsip_endpt_get_timer_heap(pjsip_endpoint *endpt);
pj_status_t pjsip_endpt_create_tdata(pjsip_endpoint *endpt,
                                     pjsip_tx_data **tdata);
pj_status_t pjsip_endpt_create_ack(pjsip_endpoint *endpt,
                                   const pjsip_tx_data *invite,
                                   const pjsip_rx_data *rdata,
                                   pjsip_tx_data **ack);
pjsip_module *pjsip_tsx_layer_instance(void);
pj_status_t pjsip_tsx_create_key(pj_pool_t *pool, pj_str_t *key,
                                 pjsip_role_e role, const pjsip_method *method,
                                 const pjsip_rx_data *rdata);
pj_status_t pjsip_tsx_terminate(pjsip_transaction *tsx, int code);
pjsip_transaction *pjsip_tsx_layer_find_tsx2(const pj_str_t *key,
                                             pj_bool_t add_ref);
void pjsip_tsx_recv_msg(pjsip_transaction *tsx, pjsip_rx_data *rdata);
pjsip_dialog *pjsip_tsx_get_dlg(pjsip_transaction *tsx);
pjsip_module *pjsip_ua_instance(void);
pj_status_t pjsip_dlg_inc_session(pjsip_dialog *dlg, pjsip_module *module);
pj_status_t pjsip_dlg_dec_session(pjsip_dialog *dlg, pjsip_module *module);

/* The figures of 2.17's default configuration, so that a slip here cannot pass;
 * the tests compare all versions with their own headers. */
#if PJ_VERSION_NUM_MINOR == 17 && !PJ_HAS_IPV6 && PJSIP_MAX_MODULE == 32 &&     \
    PJSIP_MAX_PKT_LEN == 4000 && PJ_MAX_OBJ_NAME == 32 &&                      \
    PJSIP_AUTH_QOP_SUPPORT && !PJSIP_AUTH_HEADER_CACHING
_Static_assert(sizeof(pjsip_tx_data) == 1928, "pjsip_tx_data");
_Static_assert(offsetof(pjsip_tx_data, msg) == 392, "tdata.msg");
_Static_assert(offsetof(pjsip_tx_data, auth_retry) == 1632, "tdata.auth_retry");
_Static_assert(sizeof(pjsip_rx_data) == 4856, "pjsip_rx_data");
_Static_assert(offsetof(pjsip_rx_data, msg_info.msg) == 4440, "rdata.msg");
_Static_assert(offsetof(pjsip_tx_data, is_pending) == 440, "tdata.is_pending");
_Static_assert(offsetof(pjsip_rx_data, msg_info.via) == 4480, "rdata.via");
_Static_assert(offsetof(pjsip_rx_data, endpt_info) == 4600, "rdata.endpt_info");
_Static_assert(sizeof(pjsip_cseq_hdr) == 96, "pjsip_cseq_hdr");
_Static_assert(sizeof(pjsip_module) == 112, "pjsip_module");
_Static_assert(offsetof(pjsip_module, on_rx_response) == 80, "on_rx_response");
_Static_assert(sizeof(pjsip_transaction) == 760, "pjsip_transaction");
_Static_assert(offsetof(pjsip_transaction, branch) == 168, "tsx.branch");
_Static_assert(offsetof(pjsip_transaction, state) == 208, "tsx.state");
_Static_assert(offsetof(pjsip_transaction, addr) == 244, "tsx.addr");
_Static_assert(offsetof(pjsip_transaction, last_tx) == 392, "tsx.last_tx");
_Static_assert(offsetof(pjsip_dialog, grp_lock_) == 72, "dlg.grp_lock_");
_Static_assert(offsetof(pjsip_dialog, auth_sess) == 568, "dlg.auth_sess");
_Static_assert(offsetof(pjsip_dialog, usage_cnt) == 776, "dlg.usage_cnt");
_Static_assert(offsetof(pjsip_dialog, mod_data) == 1040, "dlg.mod_data");
_Static_assert(sizeof(pjsip_dialog) == 1328, "pjsip_dialog");
_Static_assert(sizeof(pjsip_auth_clt_sess) == 168, "pjsip_auth_clt_sess");
_Static_assert(sizeof(pjsip_cached_auth) == 88, "pjsip_cached_auth");
_Static_assert(sizeof(pjsip_cred_info) == 136, "pjsip_cred_info");
_Static_assert(sizeof(pjsip_msg) == 112, "pjsip_msg");
_Static_assert(sizeof(pjsip_via_hdr) == 224, "pjsip_via_hdr");
_Static_assert(offsetof(pjsip_via_hdr, branch_param) == 144, "via.branch");
_Static_assert(sizeof(pjsip_digest_challenge) == 152, "digest_challenge");
_Static_assert(sizeof(pjsip_digest_credential) == 208, "digest_credential");
#endif

#ifdef __cplusplus
#undef _Static_assert
}
#endif

#endif
