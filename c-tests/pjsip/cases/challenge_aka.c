/* AKA (RFC 3310, RFC 4169) through a credential's callback, with test set 1 of 3GPP
 * TS 35.207 and TS 35.208: what the callback is given, and what becomes of what it
 * returns. */
#include "challenge_rig.h"
#include "milenage.h"

#include <stdio.h>
#include <string.h>

#if HAS_ALGORITHMS

static const unsigned char K[16] = {0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f,
                                    0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6, 0xbc};
static const unsigned char OP[16] = {0xcd, 0xc2, 0x02, 0xd5, 0x12, 0x3e, 0x20, 0xf6,
                                     0x2b, 0x6d, 0x67, 0x6a, 0xc7, 0x2c, 0xb3, 0x18};
static const unsigned char RAND[16] = {0x23, 0x55, 0x3c, 0xbe, 0x96, 0x37, 0xa8, 0x9d,
                                       0x21, 0x8a, 0xe6, 0x4d, 0xae, 0x47, 0xbf, 0x35};
static const unsigned char SQN[6] = {0xff, 0x9b, 0xb4, 0xd0, 0xb6, 0x07};
static const unsigned char AMF[2] = {0xb9, 0xb9};
static const unsigned char F1[8] = {0x4a, 0x9f, 0xfa, 0xc3, 0x54, 0xdf, 0xaf, 0xb3};
static const unsigned char F1_S[8] = {0x01, 0xcf, 0xaf, 0x9e, 0xc4, 0xe8, 0x71, 0xe9};
static const unsigned char F2[8] = {0xa5, 0x42, 0x11, 0xd5, 0xe3, 0xba, 0x50, 0xbf};
static const unsigned char F3[16] = {0xb4, 0x0b, 0xa9, 0xa3, 0xc5, 0x8b, 0x2a, 0x05,
                                     0xbb, 0xf0, 0xd9, 0x87, 0xb2, 0x1b, 0xf8, 0xcb};
static const unsigned char F4[16] = {0xf7, 0x69, 0xbc, 0xd7, 0x51, 0x04, 0x46, 0x04,
                                     0x12, 0x76, 0x72, 0x71, 0x1c, 0x6d, 0x34, 0x41};
static const unsigned char F5[6] = {0xaa, 0x68, 0x9c, 0x64, 0x83, 0x70};
static const unsigned char F5_S[6] = {0x45, 0x1e, 0x8b, 0xec, 0xa4, 0x3b};

static const char USER[] = "user@ims.example", REALM[] = "ims.example";
static unsigned char expected_sqn; /* the last byte of the least that is accepted */
static int calls, refuses;

static void to_hex(const unsigned char *bytes, char *hex)
{
    int i;
    for (i = 0; i < 16; ++i)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

/* MD5 of a few texts, in hexadecimal. */
static void hash(char *hex, const void *first, size_t size, const char *rest)
{
    unsigned char digest[16];
    pj_md5_context md5;

    pj_md5_init(&md5);
    pj_md5_update(&md5, first, (unsigned)size);
    pj_md5_update(&md5, (const unsigned char *)rest, (unsigned)strlen(rest));
    pj_md5_final(&md5, digest);
    to_hex(digest, hex);
}

/* RFC 2617's response, where the password is bytes. */
static void respond(const pjsip_digest_credential *auth, const char *method,
                    const void *password, size_t size, char *hex)
{
    char ha1[33], ha2[33], text[600];
    unsigned char a1[100];
    int length = snprintf((char *)a1, sizeof(a1), "%s:%s:", USER, REALM);

    memcpy(a1 + length, password, size);
    hash(ha1, a1, (size_t)length + size, "");
    snprintf(text, sizeof(text), "%s:%.*s", method, (int)auth->uri.slen,
             auth->uri.ptr);
    hash(ha2, text, strlen(text), "");
    length = snprintf(text, sizeof(text), "%s:%.*s", ha1, (int)auth->nonce.slen,
                      auth->nonce.ptr);
    if (auth->qop.slen)
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           ":%.*s:%.*s:%.*s", (int)auth->nc.slen, auth->nc.ptr,
                           (int)auth->cnonce.slen, auth->cnonce.ptr,
                           (int)auth->qop.slen, auth->qop.ptr);
    snprintf(text + length, sizeof(text) - (size_t)length, ":%s", ha2);
    hash(hex, text, strlen(text), "");
}

/* RFC 4169: base64(PRF(RES || IK || CK, "http-digest-akav2-password")). */
static int password2(const struct milenage *m, char *password)
{
    static const char label[] = "http-digest-akav2-password";
    unsigned char key[40], digest[16];
    int length = 30;

    memcpy(key, m->res, 8);
    memcpy(key + 8, m->ik, 16);
    memcpy(key + 24, m->ck, 16);
    pj_hmac_md5((const unsigned char *)label, sizeof(label) - 1, key, sizeof(key),
                digest);
    pj_base64_encode(digest, sizeof(digest), password, &length);
    return length;
}

static void resynchronise(pj_pool_t *pool, const struct milenage *m,
                          pjsip_digest_credential *auth)
{
    pjsip_param *param = PJ_POOL_ZALLOC_T(pool, pjsip_param);
    unsigned char auts[14];
    char text[24];
    int i, length = sizeof(text);
    char *quoted = pj_pool_alloc(pool, 32);

    for (i = 0; i < 6; ++i)
        auts[i] = SQN[i] ^ m->ak_s[i];
    memcpy(auts + 6, m->mac_s, 8);
    pj_base64_encode(auts, sizeof(auts), text, &length);
    snprintf(quoted, 32, "\"%.*s\"", length, text);
    param->name = lab_str("auts");
    param->value = lab_str(quoted);
    pj_list_push_back(&auth->other_param, param);
}

/* What a SIM card would do. */
static pj_status_t sim(pj_pool_t *pool, const pjsip_digest_challenge *chal,
                       const pjsip_cred_info *cred, const pj_str_t *method,
                       pjsip_digest_credential *auth)
{
    unsigned char nonce[64], sqn[6];
    const unsigned char *autn = nonce + 16;
    int i, length = sizeof(nonce), size = 8;
    char password[32], hex[33];
    struct milenage m;

    ++calls;
    if (refuses)
        return PJSIP_EAUTHINNONCE;
    /* What it is told is what was set and what came, byte for byte. */
    CHECK(cred->ext.aka.k.slen == 16 && !memcmp(cred->ext.aka.k.ptr, K, 16));
    CHECK(cred->ext.aka.op.slen == 16 && !memcmp(cred->ext.aka.op.ptr, OP, 16));
    CHECK(cred->ext.aka.amf.slen == 2 && !memcmp(cred->ext.aka.amf.ptr, AMF, 2));
    CHECK(pj_strcmp2(&cred->username, USER) == 0);
    CHECK(pj_strcmp2(method, "REGISTER") == 0);
    CHECK(pj_strcmp(&auth->nonce, &chal->nonce) == 0);
    CHECK(pj_strcmp2(&auth->realm, REALM) == 0);
    CHECK_EQ(auth->response.slen, 32);
    if (pj_base64_decode(&chal->nonce, nonce, &length) != PJ_SUCCESS || length < 32)
        return PJSIP_EAUTHINNONCE;
    milenage((const unsigned char *)cred->ext.aka.k.ptr,
             (const unsigned char *)cred->ext.aka.op.ptr, nonce, SQN, autn + 6, &m);
    for (i = 0; i < 6; ++i)
        sqn[i] = autn[i] ^ m.ak[i];
    milenage((const unsigned char *)cred->ext.aka.k.ptr,
             (const unsigned char *)cred->ext.aka.op.ptr, nonce, sqn, autn + 6, &m);
    if (memcmp(m.mac, autn + 8, 8) != 0)
        return PJSIP_EAUTHINNONCE;
    if (sqn[5] < expected_sqn) {
        static const unsigned char zero[2];
        milenage((const unsigned char *)cred->ext.aka.k.ptr,
                 (const unsigned char *)cred->ext.aka.op.ptr, nonce, SQN, zero, &m);
        resynchronise(pool, &m, auth);
        size = 0;
    }
    memcpy(password, m.res, 8);
    if (size && pj_stricmp2(&chal->algorithm, "AKAv2-MD5") == 0)
        size = password2(&m, password);
    respond(auth, "REGISTER", password, (size_t)size, hex);
    memcpy(auth->response.ptr, hex, 32);
    return PJ_SUCCESS;
}

static void aka_credential_of(__typeof__(&sim) callback)
{
    pjsip_cred_info cred;

    memset(&cred, 0, sizeof(cred));
    cred.realm = lab_str(REALM);
    cred.scheme = lab_str("digest");
    cred.username = lab_str(USER);
    cred.data_type = PJSIP_CRED_DATA_EXT_AKA;
    cred.ext.aka.k.ptr = (char *)K;
    cred.ext.aka.k.slen = 16;
    cred.ext.aka.op.ptr = (char *)OP;
    cred.ext.aka.op.slen = 16;
    cred.ext.aka.amf.ptr = (char *)AMF;
    cred.ext.aka.amf.slen = 2;
    cred.ext.aka.cb = callback;
    CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 1, &cred), PJ_SUCCESS);
    expected_sqn = 0;
    calls = 0;
}

static void aka_credential(void) { aka_credential_of(&sim); }

/* RAND || SQN ^ AK || AMF || MAC; `spoilt` is added to the MAC. */
static pjsip_digest_challenge *aka_challenge(const char *algorithm, const char *qop,
                                             int spoilt)
{
    static char text[64];
    unsigned char nonce[32];
    int i, length = sizeof(text);
    pjsip_digest_challenge *d = &challenge(REALM, algorithm)->challenge.digest;

    memcpy(nonce, RAND, 16);
    for (i = 0; i < 6; ++i)
        nonce[16 + i] = SQN[i] ^ F5[i];
    memcpy(nonce + 22, AMF, 2);
    memcpy(nonce + 24, F1, 8);
    nonce[31] = (unsigned char)(nonce[31] + spoilt);
    pj_base64_encode(nonce, sizeof(nonce), text, &length);
    d->nonce.ptr = text;
    d->nonce.slen = length;
    d->qop = lab_str(qop);
    return d;
}

static void expect_response(const void *password, size_t size)
{
    char hex[33];

    CHECK_EQ(calls, 1);
    if (!answer()) {
        CHECK(!"an answer");
        return;
    }
    respond(answer(), "REGISTER", password, size, hex);
    CHECK(pj_strcmp2(&answer()->response, hex) == 0);
    CHECK(pj_strcmp2(&answer()->username, USER) == 0);
}

/* The functions that the SIM is made of are the standard's. */
void aka_test_set(void)
{
    struct milenage out;

    milenage(K, OP, RAND, SQN, AMF, &out);
    CHECK(!memcmp(out.mac, F1, 8) && !memcmp(out.mac_s, F1_S, 8));
    CHECK(!memcmp(out.res, F2, 8) && !memcmp(out.ck, F3, 16));
    CHECK(!memcmp(out.ik, F4, 16) && !memcmp(out.ak, F5, 6));
    CHECK(!memcmp(out.ak_s, F5_S, 6));
}

void aka_v1(void)
{
    static const char *const offers[] = {"", "auth", "auth-int,auth"};
    unsigned i;

    for (i = 0; i < PJ_ARRAY_SIZE(offers); ++i) {
        make("sip:127.0.0.1");
        aka_credential();
        aka_challenge("AKAv1-MD5", offers[i], 0);
        CHECK_EQ(reinit(), PJ_SUCCESS);
        expect_response(F2, 8);
        CHECK(answer() && pj_strcmp2(&answer()->qop, i ? "auth" : "") == 0);
        CHECK(answer() && pj_strcmp2(&answer()->nc, i ? "00000001" : "") == 0);
        unmake();
    }
}

void aka_v2(void)
{
    struct milenage out;
    char password[32];

    milenage(K, OP, RAND, SQN, AMF, &out);
    make("sip:127.0.0.1");
    aka_credential();
    aka_challenge("AKAv2-MD5", "auth", 0);
    CHECK_EQ(reinit(), PJ_SUCCESS);
    expect_response(password, (size_t)password2(&out, password));
    unmake();
}

/* Somebody else than the network asks: what the callback says is what comes out, and
 * the request is as it was. */
void aka_wrong_mac(void)
{
    make("sip:127.0.0.1");
    aka_credential();
    aka_challenge("AKAv1-MD5", "auth", 1);
    CHECK_EQ(reinit(), PJSIP_EAUTHINNONCE);
    CHECK_EQ(calls, 1);
    /* The next challenge is judged anew. */
    pjsip_msg_find_remove_hdr(m.response->msg_info.msg, PJSIP_H_WWW_AUTHENTICATE, NULL);
    aka_challenge("AKAv1-MD5", "auth", 0);
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK_EQ(answers(), 1);
    unmake();
}

/* The network is behind: the answer says so (auts), under an empty password. */
void aka_resynchronises(void)
{
    char buffer[4000], want[64], text[24];
    unsigned char auts[14];
    int i, length, size = sizeof(text);

    make("sip:127.0.0.1");
    aka_credential();
    expected_sqn = 0x08;
    aka_challenge("AKAv1-MD5", "auth", 0);
    CHECK_EQ(reinit(), PJ_SUCCESS);
    expect_response("", 0);
    for (i = 0; i < 6; ++i)
        auts[i] = SQN[i] ^ F5_S[i];
    /* RFC 3310, 3.4: MAC-S is made with an AMF of zero. */
    {
        static const unsigned char zero[2];
        struct milenage out;
        milenage(K, OP, RAND, SQN, zero, &out);
        memcpy(auts + 6, out.mac_s, 8);
    }
    pj_base64_encode(auts, sizeof(auts), text, &size);
    snprintf(want, sizeof(want), "auts=\"%.*s\"", size, text);
    length = (int)pjsip_msg_print(m.request->msg, buffer, sizeof(buffer) - 1);
    CHECK(length > 0);
    buffer[length > 0 ? length : 0] = '\0';
    if (!strstr(buffer, want) || !strstr(buffer, "algorithm=AKAv1-MD5"))
        lab_fail(__FILE__, __LINE__, "no %s in %s", want, strstr(buffer, "response="));
    unmake();
}

/* Nobody here could hash a body for the callback: not to be promised to the server. */
void aka_auth_int(void)
{
    static const char *const versions[] = {"AKAv1-MD5", "AKAv2-MD5"};
    unsigned i;

    for (i = 0; i < PJ_ARRAY_SIZE(versions); ++i) {
        make("sip:127.0.0.1");
        aka_credential();
        aka_challenge(versions[i], "auth-int", 0);
        CHECK_EQ(reinit(), PJSIP_EINVALIDQOP);
        CHECK_EQ(calls, 0);
        unmake();
    }
}

/* A password is no answer to AKA, an AKA key none to a password. */
void aka_credentials_apart(void)
{
    make("sip:127.0.0.1");
    password();
    aka_challenge("AKAv1-MD5", "auth", 0);
    CHECK_EQ(reinit(), PJSIP_ENOCREDENTIAL);
    aka_credential();
    CHECK_EQ(reinit(), PJ_SUCCESS);
    unmake();
    make("sip:127.0.0.1");
    aka_credential();
    challenge(REALM, "MD5");
    CHECK_EQ(reinit(), PJSIP_ENOCREDENTIAL);
    CHECK_EQ(calls, 0);
    unmake();
}

/* PJSIP's own implementation, where it is built with one. */
void aka_of_pjsip(void)
{
#if HAS_AKA
    static const char *const versions[] = {"AKAv1-MD5", "AKAv2-MD5"};
    unsigned i;

    for (i = 0; i < 4; ++i) {
        struct milenage out;
        char password[32], hex[33];

        milenage(K, OP, RAND, SQN, AMF, &out);
        make("sip:127.0.0.1");
        aka_credential_of(&pjsip_auth_create_aka_response);
        aka_challenge(versions[i / 2], i % 2 ? "auth" : "", 1);
        CHECK_EQ(reinit(), PJSIP_EAUTHINNONCE);
        pjsip_msg_find_remove_hdr(m.response->msg_info.msg, PJSIP_H_WWW_AUTHENTICATE, NULL);
        aka_challenge(versions[i / 2], i % 2 ? "auth" : "", 0);
        CHECK_EQ(reinit(), PJ_SUCCESS);
        REQUIRE(answer());
        if (i / 2)
            respond(answer(), "REGISTER", password, (size_t)password2(&out, password), hex);
        else
            respond(answer(), "REGISTER", F2, 8, hex);
        CHECK_EQ(pj_strcmp2(&answer()->response, hex), 0);
        unmake();
    }
#endif
}

/* A SIM card that does not answer twice is no reason not to send the next request. */
void aka_unasked(void)
{
    make("sip:127.0.0.1");
    aka_credential();
    aka_challenge("AKAv1-MD5", "auth", 0);
    CHECK_EQ(reinit(), PJ_SUCCESS);
    while (pjsip_msg_find_remove_hdr(m.request->msg, PJSIP_H_AUTHORIZATION, NULL))
        ;
    CHECK_EQ(pjsip_auth_clt_init_req(&m.sess, m.request), PJ_SUCCESS);
    CHECK_EQ(calls, 2);
    CHECK_EQ(answers(), 1);
    CHECK(answer() && pj_strcmp2(&answer()->nc, "00000002") == 0);
    while (pjsip_msg_find_remove_hdr(m.request->msg, PJSIP_H_AUTHORIZATION, NULL))
        ;
    refuses = 1;
    CHECK_EQ(pjsip_auth_clt_init_req(&m.sess, m.request), PJ_SUCCESS);
    refuses = 0;
    CHECK_EQ(calls, 3);
    CHECK_EQ(answers(), 0);
    unmake();
}

#else
void aka_unasked(void) {}
void aka_of_pjsip(void) {}
void aka_test_set(void) {}
void aka_v1(void) {}
void aka_v2(void) {}
void aka_wrong_mac(void) {}
void aka_resynchronises(void) {}
void aka_auth_int(void) {}
void aka_credentials_apart(void) {}
#endif
