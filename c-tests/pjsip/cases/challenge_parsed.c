/* Challenges as they come over the wire, read by PJSIP's own parser: what it makes of them,
 * and what goes back. */
#include "challenge_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char sent[40000]; /* the request, printed */

/* The response becomes one with these header lines. False where PJSIP's parser does not
 * understand one: such a response PJSIP drops, as a whole. */
static int is_understood(int code, const char *lines)
{
    pjsip_parser_err_report errors;
    const size_t room = strlen(lines) + 400;
    char *text = pj_pool_alloc(m.pool, room);
    pjsip_msg *msg;

    snprintf(text, room,
             "SIP/2.0 %d No\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKlongago\r\n"
             "From: <sip:me@127.0.0.1>;tag=1\r\nTo: <sip:me@127.0.0.1>;tag=2\r\n"
             "Call-ID: 1\r\nCSeq: 7 REGISTER\r\n%sContent-Length: 0\r\n\r\n",
             code, lines);
    pj_list_init(&errors);
    msg = pjsip_parse_msg(m.pool, text, strlen(text), &errors);
    if (msg)
        m.response->msg_info.msg = msg;
    return msg && pj_list_empty(&errors);
}

static void print(void)
{
    int length = (int)pjsip_msg_print(m.request->msg, sent, sizeof(sent) - 1);
    sent[length > 0 ? length : 0] = '\0';
}

/* One challenge, and either a status or what the answer has in it. */
static void one(const char *parameters, pj_status_t want, const char *answered)
{
    char *line = malloc(strlen(parameters) + 40);

    sprintf(line, "WWW-Authenticate: Digest %s\r\n", parameters);
    make("sip:127.0.0.1");
    password();
    if (!is_understood(401, line))
        lab_fail(__FILE__, __LINE__, "not understood: %.100s", parameters);
    else if (reinit() != want)
        lab_fail(__FILE__, __LINE__, "not %d: %.100s", want, parameters);
    print();
    if (answered && !strstr(sent, answered))
        lab_fail(__FILE__, __LINE__, "%.100s not in\n%s", answered, sent);
    unmake();
    free(line);
}

void parsed_oddities(void)
{
    /* What is missing, or there twice. */
    one("nonce=\"n\", qop=\"auth\"", PJ_SUCCESS, "realm=\"\"");
    one("realm=\"here\", nonce=\"\", qop=\"auth\"", PJ_SUCCESS, "nonce=\"\"");
    one("realm=\"here\"", PJ_SUCCESS, "realm=\"here\"");
    one("realm=\"a\", realm=\"b\", nonce=\"1\", nonce=\"2\", qop=\"x\", qop=\"auth\"", PJ_SUCCESS,
        "realm=\"b\", nonce=\"2\"");
    /* Lists of nothing known, and of something. */
    one("realm=\"here\", nonce=\"n\", qop=\"chocolate,auth-conf\"", PJSIP_EINVALIDQOP, NULL);
    one("realm=\"here\", nonce=\"n\", qop=\"chocolate, auth-int ,vanilla\"", PJ_SUCCESS,
        "qop=auth-int");
    one("realm=\"here\", nonce=\"n\", qop=\"\"", PJ_SUCCESS, "nonce=\"n\"");
    one("realm=\"here\", nonce=\"n\", qop=AUTH", PJ_SUCCESS, "qop=auth");
    /* Tokens have no case. */
    one("realm=\"here\", nonce=\"n\", algorithm=md5, qop=\"auth\"", PJ_SUCCESS, "algorithm=md5");
    one("realm=\"here\", nonce=\"n\", algorithm=sHa-256, qop=\"auth\"", PJ_SUCCESS,
        "algorithm=sHa-256");
    one("realm=\"here\", nonce=\"n\", algorithm=sha-512-256-SESS, qop=\"auth\"", PJ_SUCCESS,
        "algorithm=sha-512-256-SESS");
    one("realm=\"here\", nonce=\"n\", algorithm=\"SHA-256\", qop=\"auth\"", PJ_SUCCESS, "SHA-256");
    one("REALM=\"here\", Nonce=\"n\", ALGORITHM=MD5, QoP=\"auth\"", PJ_SUCCESS, "realm=\"here\"");
    one("realm=\"here\", nonce=\"n\", algorithm=SHA-256, userhash=TRUE", PJ_SUCCESS,
        "userhash=true");
    one("realm=\"here\", nonce=\"n\", algorithm=SHA-256, userhash=\"true\"", PJ_SUCCESS,
        "userhash=true");
    /* Quoted pairs go back as they came. */
    one("realm=\"a \\\"b\\\" \\\\\", nonce=\"n\\\\\", opaque=\"\\\\\\\"\"", PJ_SUCCESS,
        "realm=\"a \\\"b\\\" \\\\\", nonce=\"n\\\\\"");
    one("realm=here, nonce=n, opaque=o", PJ_SUCCESS, "realm=\"here\", nonce=\"n\"");
    one("realm=\"a\tb\", nonce=\"n\"", PJ_SUCCESS, "realm=\"a\tb\"");
}

/* A line that is folded between the parameters is white space; in a quoted string it would be
 * as well (RFC 3261, 25.1), but PJSIP's parser knows none there and drops the response. */
void parsed_folds(void)
{
    one("realm=\"here\",\r\n nonce=\"n\",\r\n\topaque=\"o\"", PJ_SUCCESS, "nonce=\"n\"");
    make("sip:127.0.0.1");
    CHECK(!is_understood(401, "WWW-Authenticate: Digest realm=\"a\r\n b\", nonce=\"n\"\r\n"));
    CHECK(!is_understood(401, "WWW-Authenticate: Digest realm=\"a\", nonce=\"n\r\n\t1\"\r\n"));
    unmake();
}

/* What is long is answered, or refused, whole. */
void parsed_lengths(void)
{
    static const char *const names[] = {"realm", "nonce", "opaque"};
    static const unsigned lengths[] = {1, 2047, 2048, 2049, 8192};
    static char parameters[9000], value[8200];
    unsigned i, j;

    for (i = 0; i < PJ_ARRAY_SIZE(names); ++i) {
        for (j = 0; j < PJ_ARRAY_SIZE(lengths); ++j) {
            memset(value, 'v', lengths[j]);
            value[lengths[j]] = '\0';
            snprintf(parameters, sizeof(parameters), "%s%s%s=\"%s\"",
                     i == 0 ? "" : "realm=\"here\", ", i == 1 ? "" : "nonce=\"n\", ",
                     names[i], value);
            one(parameters, lengths[j] <= 2048 ? PJ_SUCCESS : PJSIP_EINVALIDHDR,
                lengths[j] <= 2048 ? value : NULL);
        }
    }
}

/* A proxy and a server in one response; the topmost of each realm that we know (RFC 8760). */
void parsed_both(void)
{
    make("sip:127.0.0.1");
    password();
    CHECK(is_understood(407,
        "Proxy-Authenticate: Digest realm=\"p\", nonce=\"1\", algorithm=BLAKE9, qop=\"auth\"\r\n"
        "WWW-Authenticate: Digest realm=\"w\", nonce=\"2\", algorithm=SHA-512-256, qop=\"auth\"\r\n"
        "Proxy-Authenticate: Digest realm=\"p\", nonce=\"3\", algorithm=SHA-256, qop=\"auth\"\r\n"
        "Proxy-Authenticate: Digest realm=\"P\", nonce=\"4\", algorithm=MD5, qop=\"auth\"\r\n"
        "WWW-Authenticate: Digest realm=\"w\", nonce=\"5\", algorithm=MD5, qop=\"auth\"\r\n"));
    CHECK_EQ(reinit(), PJ_SUCCESS);
    print();
    CHECK_EQ(lab_count(sent, "Proxy-Authorization: "), 1);
    CHECK_EQ(lab_count(sent, "Authorization: "), 2);
    CHECK(strstr(sent, "nonce=\"2\"") && strstr(sent, "nonce=\"3\""));
    unmake();
}

/* The value of a parameter of the only answer. */
static void parameter(const char *name, char value[100])
{
    const char *at;

    value[0] = '\0';
    print();
    at = strstr(sent, name);
    if (at)
        sscanf(at + strlen(name), "%99[^,\r\n]", value);
    while ((at = pjsip_msg_find_remove_hdr(m.request->msg, PJSIP_H_AUTHORIZATION, NULL)))
        ;
}

/* A new number for each new nonce, the same for the same; counts are of each nonce, in
 * whatever order the realms ask. */
void parsed_cnonces(void)
{
    enum { NONCES = 40 };
    static char cnonces[NONCES][100];
    char line[100], again[100], count[100];
    int i, j;

    make("sip:127.0.0.1");
    password();
    for (i = 0; i < NONCES; ++i) {
        snprintf(line, sizeof(line), "WWW-Authenticate: Digest realm=\"r%d\", nonce=\"n%d\", "
                 "qop=\"auth\"\r\n", i % 3, i);
        CHECK(is_understood(401, line));
        CHECK_EQ(reinit(), PJ_SUCCESS);
        parameter(" cnonce=", cnonces[i]);
        CHECK_EQ((int)strlen(cnonces[i]), 34);
        CHECK_EQ(reinit(), PJ_SUCCESS);
        parameter(" cnonce=", again);
        CHECK(strcmp(again, cnonces[i]) == 0);
        CHECK_EQ(reinit(), PJ_SUCCESS);
        parameter(" nc=", count);
        CHECK(strcmp(count, "00000003") == 0);
        for (j = 0; j < i; ++j)
            CHECK(strcmp(cnonces[i], cnonces[j]) != 0);
    }
    unmake();
}

/* ------------------------------------------------------------- auth-int */

static const char *const AUTH_INT =
    "WWW-Authenticate: Digest realm=\"here\", nonce=\"n\", algorithm=MD5, qop=\"auth-int\"\r\n";

/* What MD5 makes of several texts in a row, as hexadecimal digits. */
static void md5(char hex[33], const char *first, const char *second, const char *third)
{
    static const char digits[] = "0123456789abcdef";
    const char *texts[] = {first, second, third};
    pj_md5_context context;
    pj_uint8_t digest[16];
    unsigned i;

    pj_md5_init(&context);
    for (i = 0; i < 3; ++i)
        pj_md5_update(&context, (const pj_uint8_t *)texts[i], (unsigned)strlen(texts[i]));
    pj_md5_final(&context, digest);
    for (i = 0; i < 16; ++i) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[32] = '\0';
}

/* The answer is about the body that goes over the wire, byte by byte. */
static void integrity(pjsip_msg_body *body)
{
    char a1[33], a2[33], hashed[33], want[33], cnonce[100], middle[200];
    const char *text, *response, *at;

    m.request->msg->body = body;
    CHECK(is_understood(401, AUTH_INT));
    CHECK_EQ(reinit(), PJ_SUCCESS);
    print();
    text = strstr(sent, "\r\n\r\n");
    at = strstr(sent, "cnonce=\"");
    response = strstr(sent, "response=\"");
    REQUIRE(text && at && response);
    sscanf(at + 8, "%99[0-9a-f]", cnonce);
    md5(hashed, text + 4, "", "");
    md5(a1, "me:here:secret", "", "");
    md5(a2, "REGISTER:sip:127.0.0.1:", hashed, "");
    snprintf(middle, sizeof(middle), ":n:00000001:%s:auth-int:", cnonce);
    md5(want, a1, middle, a2);
    if (strncmp(response + 10, want, 32) != 0)
        lab_fail(__FILE__, __LINE__, "not the answer to\n%s", sent);
}

void parsed_integrity(void)
{
    pj_str_t type = lab_str("text"), subtype = lab_str("plain"), none = lab_str("");
    pj_str_t long_text;
    pjsip_multipart_part *part;
    pjsip_msg_body *body;
    int i;

    for (i = 0; i < 5; ++i) {
        make("sip:127.0.0.1");
        password();
        if (i == 0) {
            body = NULL;
        } else if (i == 1) {
            body = pjsip_msg_body_create(m.pool, &type, &subtype, &none);
        } else if (i == 2) {
            long_text.ptr = pj_pool_alloc(m.pool, 20000);
            long_text.slen = 20000;
            memset(long_text.ptr, 'x', 20000);
            body = pjsip_msg_body_create(m.pool, &type, &subtype, &long_text);
        } else {
            pj_str_t inner = lab_str("one\r\ntwo");
            if (i == 4) {
                inner.ptr = pj_pool_alloc(m.pool, 9000);
                inner.slen = 9000;
                memset(inner.ptr, 'y', 9000);
            }
            body = pjsip_multipart_create(m.pool, NULL, NULL);
            part = pjsip_multipart_create_part(m.pool);
            part->body = pjsip_msg_body_create(m.pool, &type, &subtype, &inner);
            pjsip_multipart_add_part(m.pool, body, part);
            part = pjsip_multipart_create_part(m.pool);
            part->body = pjsip_msg_body_create(m.pool, &type, &subtype, &inner);
            pjsip_multipart_add_part(m.pool, body, part);
        }
        integrity(body);
        unmake();
    }
}
