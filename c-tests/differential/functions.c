/* What works without a session: tables, digests, copies of credentials. Here
 * nothing is random, so both sides must give the same bytes. */
#include "compare.h"
#include "judge.h"

#include <stdio.h>
#include <string.h>

struct call {
    char text[8][40];
    pj_str_t nonce, nc, cnonce, qop, uri, realm, method;
    pjsip_cred_info credential;
    int with_nc, with_cnonce, with_qop, which;
    pj_ssize_t room;
    int algorithm;
};

struct result {
    pj_status_t status;
    pj_str_t text;
    char bytes[PJSIP_SHA256STRLEN];
};

static pj_str_t random_text(struct dice *dice, char room[40])
{
    static const char alphabet[] = "abcdefXYZ0123456789+/=:\"\\ ,\xc3\xa4\x01";
    pj_str_t t;
    unsigned i, length = roll(dice, 4) ? roll(dice, 40) : 0;

    for (i = 0; i < length; ++i)
        room[i] = alphabet[roll(dice, sizeof(alphabet) - 1)];
    t.ptr = room;
    t.slen = length;
    return t;
}

static void make_credential(struct dice *dice, struct call *call)
{
    static const char digits[] =
        "0123456789abcdef0123456789ABCDEF0123456789abcdeffedcba9876543210";
    pjsip_cred_info *c = &call->credential;

    c->realm = call->realm;
    c->username = random_text(dice, call->text[6]);
    c->data = random_text(dice, call->text[7]);
    if (roll(dice, 3))
        return;
    /* As long as the longest: stock reads shorter ones past their end. */
    c->data_type = PJSIP_CRED_DATA_DIGEST;
    c->data.ptr = (char *)digits;
    c->data.slen = 64;
    c->algorithm_type = roll(dice, 2)
                            ? PJSIP_AUTH_ALGORITHM_NOT_SET
                            : PJSIP_AUTH_ALGORITHM_MD5 + (int)roll(dice, 3);
}

static void make_call(struct dice *dice, struct call *call)
{
    static const char *const qops[] = {"auth", "auth-int", "", "AUTH", "x"};

    memset(call, 0, sizeof(*call));
    call->nonce = random_text(dice, call->text[0]);
    call->nc = random_text(dice, call->text[1]);
    call->cnonce = random_text(dice, call->text[2]);
    call->uri = random_text(dice, call->text[3]);
    call->realm = random_text(dice, call->text[4]);
    call->method = random_text(dice, call->text[5]);
    pj_cstr(&call->qop, qops[roll(dice, PJ_ARRAY_SIZE(qops))]);
    call->with_qop = roll(dice, 3) > 0;
    call->with_nc = roll(dice, 8) > 0;
    call->with_cnonce = roll(dice, 8) > 0;
    call->which = (int)roll(dice, 4);
    call->room = roll(dice, 8) ? PJSIP_SHA256STRLEN
                               : (pj_ssize_t)roll(dice, PJSIP_SHA256STRLEN);
    call->algorithm = (int)roll(dice, 8) - 1;
    make_credential(dice, call);
}

static void make(const struct side *side, const struct call *c,
                 struct result *result)
{
    const pj_str_t *nc = c->with_nc ? &c->nc : NULL;
    const pj_str_t *cnonce = c->with_cnonce ? &c->cnonce : NULL;
    const pj_str_t *qop = c->with_qop ? &c->qop : NULL;

    memset(result->bytes, 0, sizeof(result->bytes));
    result->text.ptr = result->bytes;
    result->text.slen = c->room;
    if (c->which == 0)
        result->status = CALL(side, auth_create_digest)(
            &result->text, &c->nonce, nc, cnonce, qop, &c->uri, &c->realm,
            &c->credential, &c->method);
    else if (c->which == 1)
        result->status = CALL(side, auth_create_digestSHA256)(
            &result->text, &c->nonce, nc, cnonce, qop, &c->uri, &c->realm,
            &c->credential, &c->method);
    else
        result->status = CALL(side, auth_create_digest2)(
            &result->text, &c->nonce, nc, cnonce, qop, &c->uri, &c->realm,
            &c->credential, &c->method,
            (pjsip_auth_algorithm_type)c->algorithm);
}

static int compare_digest(struct dice *dice)
{
    struct difference d;
    struct result by_stock, by_ours;
    struct call call;
    struct rule *rule;

    make_call(dice, &call);
    make(&stock, &call, &by_stock);
    make(&ours, &call, &by_ours);
    if (by_stock.status == by_ours.status &&
        (by_ours.status != PJ_SUCCESS ||
         pj_strcmp(&by_stock.text, &by_ours.text) == 0))
        return 1;
    memset(&d, 0, sizeof(d));
    d.kind = DIGEST;
    d.field = "digest";
    d.credential = &call.credential;
    rule = by_stock.status == by_ours.status ? rule_for(&d) : NULL;
    if (rule) {
        ++rule->seen;
        return 1;
    }
    ++tally.unlisted;
    printf("# UNLISTED difference: digest of function %d, algorithm %d, room "
           "%ld, qop %d, nc %d, cnonce %d, data type %d: status %d and %d\n",
           call.which, call.algorithm, (long)call.room, call.with_qop,
           call.with_nc, call.with_cnonce, call.credential.data_type,
           by_stock.status, by_ours.status);
    return 0;
}

/* ------------------------------------------------------------------- tables */

static int same_row(const pjsip_auth_algorithm *a,
                    const pjsip_auth_algorithm *b)
{
    if (!a || !b)
        return a == b;
    return a->algorithm_type == b->algorithm_type &&
           pj_strcmp(&a->iana_name, &b->iana_name) == 0 &&
           strcmp(a->openssl_name, b->openssl_name) == 0 &&
           a->digest_length == b->digest_length &&
           a->digest_str_length == b->digest_str_length;
}

static int expect(int condition, const char *what, int number)
{
    if (!condition) {
        ++tally.unlisted;
        printf("# UNLISTED difference: %s %d\n", what, number);
    }
    return condition;
}

static int compare_tables(void)
{
    static const char *const names[] = {"", "MD5", "md5", "SHA-256", "sha-256",
        "SHA-512-256", "SHA256", "AKAv1-MD5", "akav2-md5", "SHA-1", "MD5 "};
    int i, ok = 1;

    for (i = 0; i <= PJSIP_AUTH_ALGORITHM_COUNT; ++i)
        ok &= expect(same_row(&stock.algorithms[i], &ours.algorithms[i]),
                     "row of the table", i);
    for (i = -2; i < PJSIP_AUTH_ALGORITHM_COUNT + 3; ++i) {
        pjsip_auth_algorithm_type type = (pjsip_auth_algorithm_type)i;
        ok &= expect(
            same_row(CALL(&stock, auth_get_algorithm_by_type)(type),
                     CALL(&ours, auth_get_algorithm_by_type)(type)),
            "algorithm by type", i);
        ok &= expect(CALL(&stock, auth_is_algorithm_supported)(type) ==
                         CALL(&ours, auth_is_algorithm_supported)(type),
                     "support of algorithm", i);
    }
    for (i = 0; i < (int)PJ_ARRAY_SIZE(names); ++i) {
        pj_str_t name = {(char *)names[i], (pj_ssize_t)strlen(names[i])};
        ok &= expect(
            same_row(CALL(&stock, auth_get_algorithm_by_iana_name)(&name),
                     CALL(&ours, auth_get_algorithm_by_iana_name)(&name)),
            "algorithm by name", i);
    }
    return ok;
}

/* ------------------------------------------------------------------- copies */

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static int compare_copies(struct dice *dice, pj_pool_t *pool)
{
    struct call a, b;
    pjsip_cred_info by_stock, by_ours;
    pjsip_auth_clt_pref pref, pref_stock, pref_ours;
    int ok = 1;

    make_call(dice, &a);
    make_call(dice, &b);
    CALL(&stock, cred_info_dup)(pool, &by_stock, &a.credential);
    CALL(&ours, cred_info_dup)(pool, &by_ours, &a.credential);
    ok &= expect(CALL(&stock, cred_info_cmp)(&by_stock, &by_ours) == 0 &&
                     CALL(&ours, cred_info_cmp)(&by_stock, &by_ours) == 0,
                 "copy of a credential", 0);
    ok &= expect(
        sign(CALL(&stock, cred_info_cmp)(&a.credential, &b.credential)) ==
            sign(CALL(&ours, cred_info_cmp)(&a.credential, &b.credential)),
        "order of credentials", 0);
    pref.initial_auth = (pj_bool_t)roll(dice, 2);
    pref.algorithm = a.nonce;
    CALL(&stock, auth_clt_pref_dup)(pool, &pref_stock, &pref);
    CALL(&ours, auth_clt_pref_dup)(pool, &pref_ours, &pref);
    ok &= expect(
        pref_stock.initial_auth == pref_ours.initial_auth &&
            pj_strcmp(&pref_stock.algorithm, &pref_ours.algorithm) == 0,
        "copy of preferences", 0);
    return ok;
}

int compare_functions(pjsip_endpoint *endpoint, unsigned long long seed,
                      unsigned count)
{
    struct dice dice = {seed};
    pj_pool_t *pool = pjsip_endpt_create_pool(endpoint, "copies", 4000, 4000);
    int ok = compare_tables();
    unsigned i;

    for (i = 0; i < count; ++i) {
        ok &= compare_digest(&dice);
        pj_pool_reset(pool);
        ok &= compare_copies(&dice, pool);
    }
    pjsip_endpt_release_pool(endpoint, pool);
    return ok;
}
