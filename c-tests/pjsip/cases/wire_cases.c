/* What goes over the wire: one registration for each scenario of the
 * registrar, which judges every answer. */
#include "lab.h"
#include "registration.h"
#include "regc_cases.h"

#include <stdio.h>
#include <string.h>

/* How a registration ends. */
struct ending {
    pj_status_t status;
    int code;
    int requests;      /* REGISTERs sent; 0: not checked */
    const char *fault; /* what the registrar finds wrong; NULL: nothing */
    const char *says;  /* what one of the lines must hold */
};

#define OK2(says) {PJ_SUCCESS, 200, 2, NULL, says}
#define GAVE_UP(status, requests) GAVE_UP_AT(401, status, requests)
#define GAVE_UP_AT(code, status, requests) {status, code, requests, NULL, NULL}

static void expect(const char *user, const char *transport,
                   const struct ending *want)
{
    struct registration r;
    const char *wire;

    registration_once(&r, user, transport);
    CHECK_EQ(r.status, want->status);
    CHECK_EQ(r.code, want->code);
    wire = lab_wire();
    if (want->requests)
        CHECK_EQ(lab_count(wire, "\"method\":\"REGISTER\""), want->requests);
    if (want->says && !strstr(wire, want->says))
        lab_fail(__FILE__, __LINE__, "no %s in\n%s", want->says, wire);
    if (want->fault ? !strstr(wire, want->fault)
                    : lab_count(wire, "\"faults\":[]") !=
                      lab_count(wire, "\"faults\":"))
        lab_fail(__FILE__, __LINE__, "expected fault %s in\n%s",
                 want->fault ? want->fault : "(none)", wire);
}

/* A scenario that ends alike with stock and with pjauth. */
#define SAME(id, user, transport, ...) \
    static void id(void) \
    { \
        const struct ending want = __VA_ARGS__; \
        expect(user, transport, &want); \
    }

/* One where the original is wrong (design, "What is wrong today"): the
 * fault is asserted too, so that this test is known to be able to fail. */
#define DIFFERS(id, user, transport, ours, stocks) \
    static void id(void) \
    { \
        const struct ending want_ours = ours, want_stock = stocks; \
        expect(user, transport, lab.stock ? &want_stock : &want_ours); \
    }
#define WANT(...) __VA_ARGS__

/* One that the original of 2.15 and later gets right, and older ones do not. */
#if HAS_ALGORITHMS
#define SINCE_2_15(id, user, transport, ours, older) \
    SAME(id, user, transport, ours)
#define OLDER(older, stocks) stocks
#else
#define SINCE_2_15(id, user, transport, ours, older) \
    DIFFERS(id, user, transport, WANT(ours), WANT(older))
#define OLDER(older, stocks) older
#endif

SAME(open_, "open", "udp", {PJ_SUCCESS, 200, 1, NULL, NULL})
SAME(md5_401, "md5-401", "udp", OK2("\"algorithm\":\"MD5\",\"qop\":\"auth\",\"nc\":\"00000001\""))
SAME(md5_407, "md5-407", "udp", OK2("\"algorithm\":\"MD5\",\"qop\":\"auth\""))
SAME(md5_noqop_401, "md5-noqop-401", "udp", OK2("\"algorithm\":\"MD5\",\"qop\":\"\",\"nc\":\"\",\"cnonce\":\"\""))
SAME(md5_noqop_407, "md5-noqop-407", "udp", OK2("\"algorithm\":\"MD5\",\"qop\":\"\""))
SAME(sha256_401, "sha-256-401", "udp", OK2("\"algorithm\":\"SHA-256\",\"qop\":\"auth\""))
SAME(sha256_407, "sha-256-407", "udp", OK2("\"algorithm\":\"SHA-256\",\"qop\":\"auth\""))
SAME(sha256_noqop_401, "sha-256-noqop-401", "udp", OK2("\"algorithm\":\"SHA-256\",\"qop\":\"\""))
SAME(sha256_noqop_407, "sha-256-noqop-407", "udp", OK2("\"algorithm\":\"SHA-256\",\"qop\":\"\""))
SINCE_2_15(sha512_401, "sha-512-256-401", "udp", OK2("\"algorithm\":\"SHA-512-256\",\"qop\":\"auth\""),
           WANT(GAVE_UP_AT(401, PJSIP_EINVALIDALGORITHM, 1)))
SINCE_2_15(sha512_407, "sha-512-256-407", "udp", OK2("\"algorithm\":\"SHA-512-256\",\"qop\":\"auth\""),
           WANT(GAVE_UP_AT(407, PJSIP_EINVALIDALGORITHM, 1)))
SINCE_2_15(sha512_noqop_401, "sha-512-256-noqop-401", "udp", OK2("\"algorithm\":\"SHA-512-256\",\"qop\":\"\""),
           WANT(GAVE_UP_AT(401, PJSIP_EINVALIDALGORITHM, 1)))
SINCE_2_15(sha512_noqop_407, "sha-512-256-noqop-407", "udp", OK2("\"algorithm\":\"SHA-512-256\",\"qop\":\"\""),
           WANT(GAVE_UP_AT(407, PJSIP_EINVALIDALGORITHM, 1)))
SAME(tcp_md5, "md5-401", "tcp", OK2("\"algorithm\":\"MD5\""))
SAME(tcp_sha256, "sha-256-407", "tcp", OK2("\"algorithm\":\"SHA-256\""))
SAME(tls_md5, "md5-401", "tls", OK2("\"algorithm\":\"MD5\""))
SAME(tls_sha256, "sha-256-407", "tls", OK2("\"algorithm\":\"SHA-256\""))
SAME(noalg, "noalg", "udp", OK2("\"algorithm\":\"\""))
SAME(no_opaque, "no-opaque", "udp", OK2(NULL))
SAME(realm_case, "realm-case", "udp", OK2("\"realm\":\"PJAuth.TEST\""))
SAME(realm_empty, "realm-empty", "udp", OK2("\"realm\":\"\""))
SAME(realm_quoted, "realm-quoted", "udp", OK2("the "))
SAME(unknown_first, "unknown-first", "udp", OK2("\"algorithm\":\"SHA-256\""))
SINCE_2_15(two_realms, "two-realms", "udp", OK2("\"realm\":\"b.test\""),
           WANT({PJSIP_EAUTHSTALECOUNT, 401, 0, "choice", NULL}))
SAME(proxy_then_www, "proxy-then-www", "udp", {PJ_SUCCESS, 200, 3, NULL, NULL})
SAME(same_nonces, "same-nonces", "udp", OK2("\"algorithm\":\"SHA-256\""))
SAME(stale, "stale", "udp", {PJ_SUCCESS, 200, 3, NULL, NULL})
SAME(changed_nonce, "changed-nonce", "udp", {PJ_SUCCESS, 200, 3, NULL, NULL})
SAME(changed_for_ever, "changed-for-ever", "udp", GAVE_UP(PJSIP_EAUTHSTALECOUNT, 4))
SAME(stale_for_ever, "stale-for-ever", "udp", GAVE_UP(PJSIP_EAUTHSTALECOUNT, 4))
SAME(wrong_password, "wrong-password", "udp", {PJSIP_EFAILEDCREDENTIAL, 401, 2, "response", NULL})
SAME(unknown_only, "unknown-only", "udp", GAVE_UP(PJSIP_EINVALIDALGORITHM, 1))
SAME(no_challenge, "no-challenge", "udp", GAVE_UP(PJSIP_EAUTHNOCHAL, 1))
SAME(qop_list_caps, "qop-list-caps", "udp", OK2("\"qop\":\"auth\""))
SAME(qop_unknown, "qop-unknown", "udp", GAVE_UP(PJSIP_EINVALIDQOP, 1))

DIFFERS(two_nonces, "two-nonces", "udp", OK2("\"algorithm\":\"SHA-256\""),
        OLDER(OK2("\"algorithm\":\"SHA-256\""),
              WANT({PJ_SUCCESS, 200, 0, "choice", "\"algorithm\":\"MD5\""})))
DIFFERS(md5_first, "md5-first", "udp", OK2("\"algorithm\":\"MD5\""),
        OLDER(OK2("\"algorithm\":\"MD5\""),
              WANT({PJ_SUCCESS, 200, 0, "choice", "\"algorithm\":\"SHA-256\""})))
DIFFERS(qop_list, "qop-list", "udp", OK2("\"qop\":\"auth\""),
        WANT(GAVE_UP(PJSIP_EINVALIDQOP, 1)))
DIFFERS(md5_authint, "md5-authint", "udp", OK2("\"qop\":\"auth-int\""),
        WANT(GAVE_UP(PJSIP_EINVALIDQOP, 1)))
DIFFERS(sha256_authint, "sha-256-authint", "udp", OK2("\"qop\":\"auth-int\""),
        WANT(GAVE_UP(PJSIP_EINVALIDQOP, 1)))
DIFFERS(md5_sess, "md5-sess", "udp", OK2("\"algorithm\":\"MD5-sess\""),
        WANT(GAVE_UP(PJSIP_EINVALIDALGORITHM, 1)))
DIFFERS(sha256_sess, "sha-256-sess", "udp", OK2("\"algorithm\":\"SHA-256-sess\""),
        WANT(GAVE_UP(PJSIP_EINVALIDALGORITHM, 1)))
DIFFERS(sha512_sess, "sha-512-256-sess", "udp", OK2("\"algorithm\":\"SHA-512-256-sess\""),
        WANT(GAVE_UP(PJSIP_EINVALIDALGORITHM, 1)))
DIFFERS(userhash, "userhash", "udp", OK2("\"algorithm\":\"SHA-256\""),
        WANT({PJSIP_EAUTHSTALECOUNT, 401, 0, "userhash", NULL}))

/* Twelve requests on one nonce: the count is hexadecimal, so the tenth says
 * 0000000a and the twelfth 0000000c. */
static void nonce_count(void)
{
    struct registration r;
    const char *wire;
    int i;

    registration_open(&r, "same-nonce", "udp");
    for (i = 1; i <= 12; ++i) {
        registration_start(&r);
        REQUIRE(lab_until(&r.done, i, WAIT_MSEC));
    }
    pjsip_regc_destroy(r.regc);
    wire = lab_wire();
    CHECK(strstr(wire, "\"nc\":\"00000009\"") != NULL);
    if (lab.stock) {
        CHECK(strstr(wire, "\"nc\":\"00000010\"") != NULL);
        CHECK(strstr(wire, "\"faults\":[\"nc\"") != NULL);
    } else {
        CHECK_EQ(r.code, 200);
        CHECK(strstr(wire, "\"nc\":\"0000000a\"") != NULL);
        CHECK(strstr(wire, "\"nc\":\"0000000c\"") != NULL);
        /* Each but the first is answered at once, or asked once more. */
        CHECK_EQ(lab_count(wire, "\"faults\":[]"), SENDS_UNASKED ? 13 : 24);
    }
}

/* A registration and its removal use one session and two nonces. */
static void unregister(void)
{
    struct registration r;
    pjsip_tx_data *request;
    const char *wire;

    registration_open(&r, "sha-256-401", "udp");
    registration_start(&r);
    REQUIRE(lab_until(&r.done, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_regc_unregister(r.regc, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_regc_send(r.regc, request), PJ_SUCCESS);
    REQUIRE(lab_until(&r.done, 2, WAIT_MSEC));
    CHECK_EQ(r.code, 200);
    pjsip_regc_destroy(r.regc);
    wire = lab_wire();
    CHECK_EQ(lab_count(wire, "\"faults\":[]"), 4);
}

/* Answered as pjproject does, whose own tests challenge so. */
SAME(missing_nonce, "missing-nonce", "udp",
     WANT({PJSIP_EFAILEDCREDENTIAL, 401, 2, "offered", NULL}))
DIFFERS(nonce_control, "nonce-control", "udp",
        WANT(GAVE_UP(PJSIP_EINVALIDHDR, 1)),
        WANT({PJSIP_EFAILEDCREDENTIAL, 401, 2, "offered", NULL}))
/* What would go unchecked into our own header is refused by pjauth. */
DIFFERS(realm_control, "realm-control", "udp",
        WANT(GAVE_UP(PJSIP_EINVALIDHDR, 1)), OK2(NULL))
DIFFERS(realm_endless, "realm-endless", "tcp",
        WANT(GAVE_UP(PJSIP_EINVALIDHDR, 1)), OK2(NULL))
SAME(params_many, "params-many", "tcp", OK2(NULL))

#define ROW(name) {#name, name, LAB_BOTH}
/* Stock may be built to answer each of several algorithms. */
#define SEVERAL(name) {#name, name, ANSWERS_EACH ? LAB_PJAUTH_ONLY : LAB_BOTH}
#define ROW_TLS(name) {#name, name, LAB_BOTH | LAB_TLS}

const struct lab_case wire_cases[] = {
    {"open", open_, LAB_BOTH},
    ROW(md5_401), ROW(md5_407), ROW(md5_noqop_401), ROW(md5_noqop_407),
    ROW(sha256_401), ROW(sha256_407), ROW(sha256_noqop_401),
    ROW(sha256_noqop_407), ROW(sha512_401), ROW(sha512_407),
    ROW(sha512_noqop_401), ROW(sha512_noqop_407), ROW(tcp_md5),
    ROW(tcp_sha256), ROW_TLS(tls_md5), ROW_TLS(tls_sha256), ROW(noalg), ROW(no_opaque), ROW(realm_case),
    ROW(realm_empty), ROW(realm_quoted), SEVERAL(md5_first), ROW(unknown_first),
    ROW(two_realms), ROW(proxy_then_www), SEVERAL(same_nonces),
    ROW(stale), ROW(changed_nonce), ROW(changed_for_ever),
    ROW(stale_for_ever), ROW(wrong_password), ROW(unknown_only),
    ROW(no_challenge), ROW(qop_unknown), SEVERAL(two_nonces),
    ROW(qop_list), ROW(qop_list_caps), ROW(md5_authint), ROW(sha256_authint),
    ROW(md5_sess), ROW(sha256_sess), ROW(sha512_sess), ROW(userhash),
    ROW(nonce_count), ROW(unregister), ROW(missing_nonce), ROW(nonce_control),
    ROW(realm_control), ROW(realm_endless), ROW(params_many),
};
const int wire_case_count = sizeof(wire_cases) / sizeof(wire_cases[0]);
