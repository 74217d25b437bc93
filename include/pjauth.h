/* pjauth: answer SIP and TURN authentication challenges later.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Generated from src/ by `make header`; do not edit.
 *
 * This header needs no header of PJSIP. Where it speaks of PJSIP's objects it
 * names their struct tags; a status is PJSIP's pj_status_t, which is an int.
 */

#ifndef PJAUTH_H
#define PJAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pj_str_t;
struct pjsip_auth_clt_sess;
struct pjsip_tx_data;

/**
 * Refuses MD5 and MD5-sess, for `pjauth_refuse_algorithms()`.
 */
#define PJAUTH_REFUSE_MD5 1

/**
 * Refuses SHA-256 and SHA-256-sess.
 */
#define PJAUTH_REFUSE_SHA256 2

/**
 * Refuses SHA-512-256 and SHA-512-256-sess.
 */
#define PJAUTH_REFUSE_SHA512_256 4

/**
 * Bytes of a realm in `pjauth_challenge_info`, with the terminator.
 */
#define PJAUTH_REALM_SIZE 49

/**
 * Sizes and offsets of PJSIP's structures; `PJAUTH_LAYOUT` are the application's.
 */
typedef struct pjauth_layout {
    /**
     * pjproject's version: major, minor, revision.
     */
    unsigned int pj_version[3];
    /**
     * `sizeof(pjsip_auth_clt_sess)`
     */
    size_t session_size;
    /**
     * `offsetof(pjsip_auth_clt_sess, cached_auth)`
     */
    size_t session_cached_auth;
    /**
     * `sizeof(pjsip_cached_auth)`
     */
    size_t cached_auth_size;
    /**
     * `sizeof(pjsip_cred_info)`
     */
    size_t credential_size;
    /**
     * `sizeof(pjsip_tx_data)`
     */
    size_t tx_data_size;
    /**
     * `offsetof(pjsip_tx_data, msg)`
     */
    size_t tx_data_msg;
    /**
     * `offsetof(pjsip_tx_data, auth_retry)`
     */
    size_t tx_data_auth_retry;
    /**
     * `sizeof(pjsip_rx_data)`
     */
    size_t rx_data_size;
    /**
     * `offsetof(pjsip_rx_data, msg_info.msg)`
     */
    size_t rx_data_msg;
    /**
     * `sizeof(pjsip_msg)`
     */
    size_t msg_size;
    /**
     * `sizeof(pjsip_authorization_hdr)`
     */
    size_t authorization_size;
    /**
     * `sizeof(pjsip_digest_challenge)`
     */
    size_t challenge_size;
    /**
     * `sizeof(pjsip_digest_credential)`
     */
    size_t digest_credential_size;
} pjauth_layout;

/**
 * What is known of an outstanding challenge.
 */
typedef struct pjauth_challenge_info {
    /**
     * The token, as the application's callback got it.
     */
    void *token;
    /**
     * Milliseconds since the challenge arrived, to about 4 ms.
     */
    uint64_t age_msec;
    /**
     * Milliseconds until it is abandoned, 0 if that is due; -1 without a deadline.
     */
    int64_t expires_msec;
    /**
     * 401 or 407.
     */
    unsigned int status_code;
    /**
     * The first challenge's realm, zero-terminated; cut off where it is longer.
     */
    char realm[PJAUTH_REALM_SIZE];
} pjauth_challenge_info;

/**
 * How tokens have fared in this process. Each one minted ends in one of the next
 * five, or is outstanding.
 */
typedef struct pjauth_sip_stats {
    /**
     * Tokens lent to a callback.
     */
    uint64_t minted;
    /**
     * Consumed by `pjsip_auth_clt_async_send_req()`.
     */
    uint64_t sent;
    /**
     * Consumed by `pjsip_auth_clt_async_abandon()`.
     */
    uint64_t abandoned;
    /**
     * Declined by the callback, to be answered synchronously.
     */
    uint64_t declined;
    /**
     * Died with their session or endpoint.
     */
    uint64_t revoked;
    /**
     * Abandoned by the library at their deadline.
     */
    uint64_t expired;
    /**
     * Calls that were refused because their token was dead or foreign.
     */
    uint64_t refused;
    /**
     * Tokens that are live now.
     */
    uint64_t outstanding;
} pjauth_sip_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Where the layouts of PJSIP's structures come from that the library was built
 * with, such as `headers of libpjproject 2.17 (pkg-config)`.
 *
 * The string is static; never free it. May be called from any thread, at any time.
 */
const char *pjauth_layout_source(void);

/**
 * Compares the application's layout of PJSIP's structures with the library's. Call
 * it once, at start-up, before PJSIP is used.
 *
 * @param app       The application's layout, `PJAUTH_LAYOUT`.
 * @param app_size  `sizeof(pjauth_layout)` as the application sees it.
 * @return 0 if they agree, PJ_EINVAL if not: the library was built for another
 *         pjproject or another `config_site.h` and must not be used.
 *
 * May be called from any thread, at any time.
 */
int pjauth_check_layout(const struct pjauth_layout *app, size_t app_size);

/**
 * Whether a token stands for a challenge that can still be answered.
 *
 * @param token  Anything: a token, a dead one, NULL, garbage.
 * @return 1 if it is live, 0 if not. Another thread may consume it in the next
 *         moment: what counts is the status of the call that consumes it.
 *
 * May be called from any thread.
 */
int32_t pjauth_challenge_is_live(const void *token);

/**
 * What is known of one outstanding challenge.
 *
 * @param token  The token.
 * @param out    Where to write.
 * @return 0, or PJ_EINVAL for a dead token or a NULL; then nothing is written.
 *
 * May be called from any thread.
 */
int pjauth_challenge_get_info(const void *token, struct pjauth_challenge_info *out);

/**
 * Gives an outstanding challenge a deadline: unless it is consumed before, the
 * library abandons it then, on a thread that polls the endpoint, as if by
 * `pjsip_auth_clt_async_abandon()`.
 *
 * @param token  The token.
 * @param msec   Milliseconds from now; 0 takes the deadline away.
 * @return 0, or PJ_EINVAL for a dead token.
 *
 * May be called from any thread that is registered with PJLIB, also from within
 * the challenge's callback.
 */
int pjauth_challenge_set_deadline(const void *token, unsigned int msec);

/**
 * Sets the deadline that every new challenge of this process gets.
 *
 * @param msec  Milliseconds; 0, the default, is none.
 *
 * May be called from any thread, at any time.
 */
void pjauth_set_default_deadline(unsigned int msec);

/**
 * Lists the outstanding challenges of a session, of those that share it as their
 * parent, or of the whole process.
 *
 * @param sess   The session; NULL for all. It is compared, not looked at.
 * @param out    Where to write; may be NULL if `*count` is 0.
 * @param count  In: how many there is room for. Out: how many there are, which
 *               may be more than were written.
 * @return 0, or PJ_EINVAL for a NULL.
 *
 * May be called from any thread. The cost grows with the most challenges that were
 * ever outstanding at once.
 */
int pjauth_session_challenges(const struct pjsip_auth_clt_sess *sess,
                              struct pjauth_challenge_info *out,
                              unsigned int *count);

/**
 * Refuses to answer challenges of weak algorithms: they are passed over, and where
 * there is no other the status is PJSIP_EINVALIDALGORITHM.
 *
 * @param sess  A session, which its children go by; NULL for all of the process.
 * @param mask  PJAUTH_REFUSE_* values; 0, the default, refuses none.
 * @return 0, or PJ_EINVAL for a mask of other values.
 *
 * May be called from any thread; on a session, as its other functions.
 */
int pjauth_refuse_algorithms(struct pjsip_auth_clt_sess *sess, unsigned int mask);

/**
 * Reads the counters of this process.
 *
 * @param out  Where to write; nothing is done if it is NULL.
 *
 * May be called from any thread, at any time. Counters that change meanwhile may
 * be read before or after.
 */
void pjauth_sip_get_stats(struct pjauth_sip_stats *out);

/**
 * Returns the version of the pjauth library in use, such as `"0.1.0"`.
 *
 * It serves as a marker too: a program that finds this symbol has pjauth in
 * it, and since all of pjauth is one object, the `pjsip_auth_*` functions it
 * calls are pjauth's.
 *
 * The string is static; never free it. May be called from any thread, at any
 * time, also before `pj_init()`.
 */
const char *pjauth_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PJAUTH_H */


/* The layout of PJSIP's structures as this program sees it. To use it, include PJSIP's headers:
 *
 *     pjauth_layout layout = PJAUTH_LAYOUT;
 *     if (pjauth_check_layout(&layout, sizeof(layout)) != PJ_SUCCESS) ...
 */
#ifndef PJAUTH_LAYOUT
#define PJAUTH_LAYOUT \
    { \
        {PJ_VERSION_NUM_MAJOR, PJ_VERSION_NUM_MINOR, PJ_VERSION_NUM_REV}, \
        sizeof(pjsip_auth_clt_sess), offsetof(pjsip_auth_clt_sess, cached_auth), \
        sizeof(pjsip_cached_auth), sizeof(pjsip_cred_info), \
        sizeof(pjsip_tx_data), offsetof(pjsip_tx_data, msg), \
        offsetof(pjsip_tx_data, auth_retry), \
        sizeof(pjsip_rx_data), offsetof(pjsip_rx_data, msg_info.msg), \
        sizeof(pjsip_msg), sizeof(pjsip_authorization_hdr), \
        sizeof(pjsip_digest_challenge), sizeof(pjsip_digest_credential) \
    }
#endif

