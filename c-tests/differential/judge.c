#include "judge.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pj_str_t text(const char *s)
{
    pj_str_t t;
    t.ptr = (char *)s;
    t.slen = (pj_ssize_t)strlen(s);
    return t;
}

static pj_str_t trimmed(const pj_str_t *value)
{
    pj_str_t t = *value;
    while (t.slen > 0 && strchr("\" \t\r\n", *t.ptr))
        ++t.ptr, --t.slen;
    while (t.slen > 0 && strchr("\" \t\r\n", t.ptr[t.slen - 1]))
        --t.slen;
    return t;
}

struct algorithm algorithm_named(const pj_str_t *name)
{
    static const struct {
        const char *name;
        struct algorithm algorithm;
    } all[] = {
        {"", {"MD5", 0}},
        {"MD5", {"MD5", 0}},
        {"MD5-sess", {"MD5", 1}},
        {"SHA-256", {"SHA256", 0}},
        {"SHA-256-sess", {"SHA256", 1}},
        {"SHA-512-256", {"SHA512-256", 0}},
        {"SHA-512-256-sess", {"SHA512-256", 1}},
    };
    const struct algorithm none = {NULL, 0};
    pj_str_t wanted = trimmed(name);
    unsigned i;

    for (i = 0; i < PJ_ARRAY_SIZE(all); ++i)
        if (pj_stricmp2(&wanted, all[i].name) == 0)
            return all[i].algorithm;
    return none;
}

int offers(const pj_str_t *list, const char *token)
{
    const char *at = list->ptr, *end = list->ptr + list->slen;

    while (at < end) {
        pj_str_t item;
        item.ptr = (char *)at;
        while (at < end && *at != ',')
            ++at;
        item.slen = at++ - item.ptr;
        item = trimmed(&item);
        if (pj_stricmp2(&item, token) == 0)
            return 1;
    }
    return 0;
}

void hash_joined(char hex[HEX_SIZE], const char *hash, const pj_str_t *parts,
                 unsigned count)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0, i;

    if (!context ||
        !EVP_DigestInit_ex(context, EVP_get_digestbyname(hash), NULL)) {
        fprintf(stderr, "OpenSSL has no %s\n", hash);
        exit(2);
    }
    for (i = 0; i < count; ++i) {
        EVP_DigestUpdate(context, ":", i > 0);
        EVP_DigestUpdate(context, parts[i].ptr, (size_t)parts[i].slen);
    }
    EVP_DigestFinal_ex(context, digest, &length);
    EVP_MD_CTX_free(context);
    for (i = 0; i < length; ++i)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void credential_ha1(char hex[HEX_SIZE], const char *hash,
                    const struct credential *credential, const pj_str_t *realm)
{
    pj_str_t parts[3];

    parts[0] = text(credential->user);
    parts[1] = *realm;
    parts[2] = text(credential->password);
    hash_joined(hex, hash, parts, 3);
}

/* The response that is right where `ha1` is. */
static void respond(char response[HEX_SIZE], const char *ha1,
                    struct algorithm algorithm,
                    const struct scenario *scenario,
                    const pjsip_digest_credential *answer)
{
    char session[HEX_SIZE], a2[HEX_SIZE], body[HEX_SIZE];
    int integrity = pj_strcmp2(&answer->qop, "auth-int") == 0;
    pj_str_t parts[6];

    parts[0] = text(ha1);
    if (algorithm.session) {
        parts[1] = answer->nonce;
        parts[2] = answer->cnonce;
        hash_joined(session, algorithm.hash, parts, 3);
        parts[0] = text(session);
    }
    parts[1] = text(scenario->body ? scenario->body : "");
    hash_joined(body, algorithm.hash, parts + 1, 1);
    parts[1] = text(scenario->method ? scenario->method : "REGISTER");
    parts[2] = answer->uri;
    parts[3] = text(body);
    hash_joined(a2, algorithm.hash, parts + 1, integrity ? 3 : 2);
    parts[1] = answer->nonce;
    if (answer->qop.slen == 0) {
        parts[2] = text(a2);
        hash_joined(response, algorithm.hash, parts, 3);
        return;
    }
    parts[2] = answer->nc;
    parts[3] = answer->cnonce;
    parts[4] = answer->qop;
    parts[5] = text(a2);
    hash_joined(response, algorithm.hash, parts, 6);
}

/* The user's name as the answer gives it: hashed where the answer says so. */
static int is_user(const struct credential *credential, const char *hash,
                   const pjsip_www_authenticate_hdr *challenge,
                   const pjsip_digest_credential *answer)
{
    char hex[HEX_SIZE];
    pj_str_t parts[2];

    if (pj_list_empty(&answer->other_param))
        return pj_strcmp2(&answer->username, credential->user) == 0;
    parts[0] = text(credential->user);
    parts[1] = challenge->challenge.digest.realm;
    hash_joined(hex, hash, parts, 2);
    return pj_strcmp2(&answer->username, hex) == 0;
}

int credential_used(const struct scenario *scenario,
                    const pjsip_www_authenticate_hdr *challenge,
                    const pjsip_digest_credential *answer)
{
    const pjsip_digest_challenge *asked = &challenge->challenge.digest;
    struct algorithm algorithm = algorithm_named(&asked->algorithm);
    char ha1[HEX_SIZE], response[HEX_SIZE];
    unsigned i;

    if (!algorithm.hash)
        return -1;
    for (i = 0; i < count_credentials(scenario); ++i) {
        const struct credential *credential = &scenario->credentials[i];
        pj_str_t realm = asked->realm;

        if (!is_user(credential, algorithm.hash, challenge, answer))
            continue;
        /* A hash was made for the credential's realm, whatever is asked. */
        if (credential->secret != PASSWORD)
            realm = text(credential->realm);
        credential_ha1(ha1, algorithm.hash, credential, &realm);
        respond(response, ha1, algorithm, scenario, answer);
        if (pj_strcmp2(&answer->response, response) == 0)
            return (int)i;
    }
    return -1;
}
