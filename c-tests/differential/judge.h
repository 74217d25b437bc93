/* An independent judge of answers: RFC 7616 with OpenSSL's hashes. It shares
 * nothing with either side. */
#ifndef PJAUTH_DIFFERENTIAL_JUDGE_H
#define PJAUTH_DIFFERENTIAL_JUDGE_H

#include "scenario.h"

enum { HEX_SIZE = 65 };

/* An algorithm by the name that a challenge gives it. */
struct algorithm {
    const char *hash; /* OpenSSL's name, NULL: not one of Digest's */
    int session;
};
struct algorithm algorithm_named(const pj_str_t *name);

/* Whether a qop offer has this token, as RFC 7616 section 3.3 writes lists. */
int offers(const pj_str_t *list, const char *token);

/* H(parts[0] ":" parts[1] ":" ...), zero-terminated. */
void hash_joined(char hex[HEX_SIZE], const char *hash, const pj_str_t *parts,
                 unsigned count);

/* H(user ":" realm ":" password) of a credential, in lower case. */
void credential_ha1(char hex[HEX_SIZE], const char *hash,
                    const struct credential *credential,
                    const pj_str_t *realm);

/* The credential of the scenario whose use explains the response in the
 * answer, -1: the response is wrong. */
int credential_used(const struct scenario *scenario,
                    const pjsip_www_authenticate_hdr *challenge,
                    const pjsip_digest_credential *answer);

#endif
