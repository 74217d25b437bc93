/* What later versions of pjproject declare and the code speaks of, for builds
 * against older headers. None of it goes over the boundary there: what is
 * exported is in that version's list of symbols, and structure fields that a
 * version lacks are cfgs of build.rs. */

/* Before 2.15 there is no table of algorithms; the numbers are 2.15's. */
#ifndef PJSIP_AUTH_MAX_DIGEST_BUFFER_LENGTH
typedef enum pjsip_auth_algorithm_type {
    PJSIP_AUTH_ALGORITHM_NOT_SET,
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
#endif

/* Before 2.17 no module of PJSIP hands a challenge over: these are ours. */
#if PJ_VERSION_NUM < ((2 << 24) | (17 << 16))
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
#endif
