/* Wrong arguments: every exported function with each pointer NULL, and tokens
 * that are none. The answer is PJ_EINVAL, and nothing else happens. */
#include "workbench.h"

#include <stdint.h>
#include <string.h>

/* ------------------------------------------------------------------- NULLs */

/* Good arguments for every function, to take one away at a time. */
static struct {
    struct workbench bench;
    pjsip_auth_clt_sess fresh;
    pjsip_auth_clt_pref pref;
    pjsip_auth_clt_async_setting setting;
    pjsip_auth_clt_async_on_chal_param param;
    pjsip_tx_data *request, *answer;
    pj_str_t text, result;
    char buffer[64];
} g;

static pj_bool_t never_called(pjsip_auth_clt_sess *sess, void *token,
                              const pjsip_auth_clt_async_on_chal_param *param)
{
    (void)sess;
    (void)token;
    (void)param;
    lab_fail(__FILE__, __LINE__, "the callback was called");
    return PJ_FALSE;
}

/* Argument number `n` of a call: NULL if it is the one taken away. */
#define ARG(n, value) ((n) == missing ? NULL : (value))

static pj_status_t call_init(int missing)
{
    return pjsip_auth_clt_init(ARG(0, &g.fresh), ARG(1, lab.endpt),
                               ARG(2, g.bench.pool), 0);
}

static pj_status_t call_deinit(int missing)
{
    return pjsip_auth_clt_deinit(ARG(0, &g.fresh));
}

static pj_status_t call_clone(int missing)
{
    return pjsip_auth_clt_clone(ARG(0, g.bench.pool), ARG(1, &g.fresh),
                                ARG(2, &g.bench.sess));
}

static pj_status_t call_set_credentials(int missing)
{
    return pjsip_auth_clt_set_credentials(ARG(0, &g.bench.sess), 1,
                                          ARG(1, &g.bench.cred));
}

static pj_status_t call_set_prefs(int missing)
{
    return pjsip_auth_clt_set_prefs(ARG(0, &g.bench.sess), ARG(1, &g.pref));
}

static pj_status_t call_get_prefs(int missing)
{
    return pjsip_auth_clt_get_prefs(ARG(0, &g.bench.sess), ARG(1, &g.pref));
}

static pj_status_t call_set_parent(int missing)
{
    return pjsip_auth_clt_set_parent(ARG(0, &g.fresh), NULL);
}

static pj_status_t call_init_req(int missing)
{
    return pjsip_auth_clt_init_req(ARG(0, &g.bench.sess), ARG(1, g.request));
}

static pj_status_t call_reinit_req(int missing)
{
    return pjsip_auth_clt_reinit_req(
        ARG(0, &g.bench.sess), ARG(1, g.bench.challenge.response),
        ARG(2, g.request), ARG(3, &g.answer));
}

static pj_status_t call_async_configure(int missing)
{
    return pjsip_auth_clt_async_configure(ARG(0, &g.bench.sess),
                                          ARG(1, &g.setting));
}

static pj_status_t call_async_send_req(int missing)
{
    return pjsip_auth_clt_async_send_req(ARG(0, &g.bench.sess),
                                         ARG(1, g.bench.token),
                                         ARG(2, g.request));
}

static pj_status_t call_async_abandon(int missing)
{
    return pjsip_auth_clt_async_abandon(ARG(0, &g.bench.sess),
                                        ARG(1, g.bench.token));
}

/* Three pointers, and two in the structure that the third points to. */
static pj_status_t call_async_impl_on_challenge(int missing)
{
    pjsip_auth_clt_async_on_chal_param param = g.param;
    param.tdata = ARG(3, param.tdata);
    param.rdata = ARG(4, param.rdata);
    return pjsip_auth_clt_async_impl_on_challenge(
        ARG(0, &g.bench.sess), ARG(1, &g.bench.impl), ARG(2, &param));
}

/* result, nonce, uri, realm, credential and method; qop, nc and cnonce may
 * be missing, but not nc or cnonce alone. */
#define DIGEST_ARGUMENTS \
    ARG(0, &g.result), ARG(1, &g.text), ARG(6, &g.text), ARG(7, &g.text), \
        &g.text, ARG(2, &g.text), ARG(3, &g.text), ARG(4, &g.bench.cred), \
        ARG(5, &g.text)

static void fresh_result(void)
{
    g.result.ptr = g.buffer;
    g.result.slen = sizeof(g.buffer);
}

static pj_status_t call_create_digest(int missing)
{
    fresh_result();
    return pjsip_auth_create_digest(DIGEST_ARGUMENTS);
}

static pj_status_t call_create_digest2(int missing)
{
    fresh_result();
    return pjsip_auth_create_digest2(DIGEST_ARGUMENTS,
                                     PJSIP_AUTH_ALGORITHM_SHA512_256);
}

static pj_status_t call_create_digestSHA256(int missing)
{
    fresh_result();
    return pjsip_auth_create_digestSHA256(DIGEST_ARGUMENTS);
}

static const struct {
    const char *name;
    pj_status_t (*call)(int missing);
    int pointers;
} calls[] = {
    {"clt_init", call_init, 3},
    {"clt_deinit", call_deinit, 1},
    {"clt_clone", call_clone, 3},
    {"clt_set_credentials", call_set_credentials, 2},
    {"clt_set_prefs", call_set_prefs, 2},
    {"clt_get_prefs", call_get_prefs, 2},
    {"clt_set_parent", call_set_parent, 1},
    {"clt_init_req", call_init_req, 2},
    {"clt_reinit_req", call_reinit_req, 4},
    {"clt_async_configure", call_async_configure, 2},
    {"clt_async_send_req", call_async_send_req, 3},
    {"clt_async_abandon", call_async_abandon, 2},
    {"clt_async_impl_on_challenge", call_async_impl_on_challenge, 5},
    {"create_digest", call_create_digest, 8},
    {"create_digest2", call_create_digest2, 8},
    {"create_digestSHA256", call_create_digestSHA256, 8},
};

static void good_arguments(void)
{
    memset(&g, 0, sizeof(g));
    workbench_open(&g.bench);
    CHECK_EQ(pjsip_auth_clt_init(&g.fresh, lab.endpt, g.bench.pool, 0),
             PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&g.bench, &g.bench.sess), PJ_SUCCESS);
    g.setting.cb = &never_called;
    g.param.tdata = g.bench.challenge.request;
    g.param.rdata = g.bench.challenge.response;
    g.request = g.bench.challenge.request;
    g.text = lab_str("text");
}

static void nulls(void)
{
    long refs, lock_refs;
    size_t i;
    int missing;

    good_arguments();
    refs = references(g.request);
    lock_refs = pj_grp_lock_get_ref(g.bench.lock);
    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); ++i) {
        for (missing = 0; missing < calls[i].pointers; ++missing) {
            pj_status_t status = calls[i].call(missing);
            if (status != PJ_EINVAL)
                lab_fail(__FILE__, __LINE__, "%s without argument %d: %d",
                         calls[i].name, missing, status);
        }
    }
    CHECK_EQ(references(g.request), refs);
    CHECK_EQ(pj_grp_lock_get_ref(g.bench.lock), lock_refs);
    CHECK_EQ(g.bench.challenged, 1);
    /* After all that, the token still works. */
    CHECK_EQ(pjsip_auth_clt_async_abandon(&g.bench.sess, g.bench.token),
             PJ_SUCCESS);
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

/* The functions that have no status to give: nothing must happen. */
static void nulls_without_status(void)
{
    pjsip_cred_info cred;
    pjsip_auth_clt_pref pref;
    const pj_str_t unknown = lab_str("BLAKE9"), md5 = lab_str("md5");

    good_arguments();
    memset(&cred, 0x11, sizeof(cred));
    memset(&pref, 0x11, sizeof(pref));
    pjsip_cred_info_dup(NULL, &cred, &g.bench.cred);
    pjsip_cred_info_dup(g.bench.pool, NULL, &g.bench.cred);
    pjsip_cred_info_dup(g.bench.pool, &cred, NULL);
    pjsip_auth_clt_pref_dup(NULL, &pref, &g.pref);
    pjsip_auth_clt_pref_dup(g.bench.pool, NULL, &g.pref);
    pjsip_auth_clt_pref_dup(g.bench.pool, &pref, NULL);
    CHECK(pjsip_cred_info_cmp(NULL, &g.bench.cred) != 0);
    CHECK(pjsip_cred_info_cmp(&g.bench.cred, NULL) != 0);
    CHECK_EQ(pjsip_cred_info_cmp(&g.bench.cred, &g.bench.cred), 0);
    CHECK(pjsip_auth_get_algorithm_by_iana_name(NULL) == NULL);
    CHECK(pjsip_auth_get_algorithm_by_iana_name(&unknown) == NULL);
    CHECK(pjsip_auth_get_algorithm_by_iana_name(&md5) != NULL);
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

/* Algorithms that are none, from a caller whose enum is an int. */
static void algorithms_out_of_range(void)
{
    static const int types[] = {0, 6, 7, 1000, -1, INT32_MAX, INT32_MIN};
    size_t i;

    good_arguments();
    for (i = 0; i < sizeof(types) / sizeof(types[0]); ++i) {
        pjsip_auth_algorithm_type type = (pjsip_auth_algorithm_type)types[i];
        int missing = -1;
        CHECK(pjsip_auth_get_algorithm_by_type(type) == NULL);
        CHECK(!pjsip_auth_is_algorithm_supported(type));
        fresh_result();
        CHECK(pjsip_auth_create_digest2(DIGEST_ARGUMENTS, type) != PJ_SUCCESS);
    }
    for (i = 1; i < 6; ++i)
        CHECK(pjsip_auth_get_algorithm_by_type((pjsip_auth_algorithm_type)i));
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

/* Arguments that are there but wrong. */
static void wrong_values(void)
{
    int missing = -1;
    pjsip_auth_clt_async_setting no_callback = {NULL, NULL};
    pjsip_auth_clt_sess zero;

    good_arguments();
    memset(&zero, 0, sizeof(zero));
    CHECK_EQ(pjsip_auth_clt_init(&g.fresh, lab.endpt, g.bench.pool, 1),
             PJ_EINVAL);
    CHECK_EQ(pjsip_auth_clt_deinit(&zero), PJ_EINVAL);
    CHECK_EQ(pjsip_auth_clt_init_req(&zero, g.request), PJSIP_ENOTINITIALIZED);
    CHECK_EQ(pjsip_auth_clt_reinit_req(&zero, g.bench.challenge.response,
                                       g.request, &g.answer),
             PJSIP_ENOTINITIALIZED);
    CHECK_EQ(pjsip_auth_clt_async_configure(&g.bench.sess, &no_callback),
             PJ_EINVAL);
    CHECK_EQ(pjsip_auth_clt_set_credentials(&g.bench.sess, -1, &g.bench.cred),
             PJ_EINVAL);
    fresh_result();
    g.result.slen = 31;
    CHECK_EQ(pjsip_auth_create_digest(DIGEST_ARGUMENTS), PJ_EINVAL);
    /* A hash that is shorter than its algorithm says is not read past. */
    g.bench.cred.data_type = PJSIP_CRED_DATA_DIGEST;
    g.bench.cred.data = lab_str("d41d8cd98f00b204");
    fresh_result();
    CHECK_EQ(pjsip_auth_create_digest(DIGEST_ARGUMENTS), PJ_EINVAL);
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

/* ------------------------------------------------------------------ tokens */

static void expect_refused(void *token)
{
    long refs = references(g.request);
    pj_status_t sent = pjsip_auth_clt_async_send_req(&g.bench.sess, token,
                                                     g.request);
    pj_status_t abandoned = pjsip_auth_clt_async_abandon(&g.bench.sess, token);
    if (sent != PJ_EINVAL || abandoned != PJ_EINVAL)
        lab_fail(__FILE__, __LINE__, "token %p: send %d, abandon %d", token,
                 sent, abandoned);
    CHECK_EQ(references(g.request), refs);
}

static void foreign_pointers(void)
{
    long on_stack[8] = {0};
    static const char text[] = "AUTHAUTHAUTHAUTHAUTHAUTHAUTHAUTHAUTHAUTHAUTH";
    int i;

    good_arguments();
    expect_refused(on_stack);
    expect_refused((char *)on_stack + 1);
    expect_refused((void *)(uintptr_t)text);
    expect_refused(&g);
    expect_refused(g.bench.pool);
    expect_refused(&g.bench.sess);
    expect_refused(g.request);
    /* What stock takes for a token: the module's own structure. */
    memcpy(g.bench.impl.signature, "AUTH", 4);
    expect_refused(&g.bench.impl);
    expect_refused((void *)(uintptr_t)&expect_refused);
    for (i = 0; i < 64; ++i) {
        expect_refused((void *)((uintptr_t)1 << i));
        expect_refused((void *)~((uintptr_t)1 << i));
    }
    expect_refused((void *)UINTPTR_MAX);
    CHECK_EQ(g.bench.sent + g.bench.abandoned, 0);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&g.bench.sess, g.bench.token),
             PJ_SUCCESS);
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

/* A live token with one or two bits flipped is no token. */
static void flipped_bits(void)
{
    uintptr_t live;
    int i, j;

    good_arguments();
    live = (uintptr_t)g.bench.token;
    CHECK(live & 1);
    for (i = 0; i < 64; ++i)
        for (j = i; j < 64; ++j)
            expect_refused((void *)(live ^ ((uintptr_t)1 << i) ^
                                    (i == j ? 0 : (uintptr_t)1 << j)));
    CHECK_EQ(g.bench.sent + g.bench.abandoned, 0);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&g.bench.sess, g.bench.token),
             PJ_SUCCESS);
    expect_refused((void *)live);
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

/* Bits drawn at random, by a generator with a fixed seed. */
static void random_tokens(void)
{
    uint64_t x = 0x9e3779b97f4a7c15u;
    int i;

    good_arguments();
    for (i = 0; i < 20000; ++i) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if ((void *)(uintptr_t)x != g.bench.token && x)
            expect_refused((void *)(uintptr_t)x);
    }
    CHECK_EQ(pjsip_auth_clt_async_abandon(&g.bench.sess, g.bench.token),
             PJ_SUCCESS);
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

/* Used tokens stay refused while thousands of others come and go. */
static void no_token_returns(void)
{
    enum { OLD = 64, ROUNDS = 5000 };
    void *old[OLD];
    int i, j;

    good_arguments();
    CHECK_EQ(pjsip_auth_clt_async_abandon(&g.bench.sess, g.bench.token),
             PJ_SUCCESS);
    for (i = 0; i < ROUNDS; ++i) {
        CHECK_EQ(workbench_mint(&g.bench, &g.bench.sess), PJ_SUCCESS);
        for (j = 0; j < OLD && j < i; ++j)
            if (old[j] == g.bench.token)
                lab_fail(__FILE__, __LINE__, "token %d came again", j);
        if (i < OLD)
            old[i] = g.bench.token;
        CHECK_EQ(pjsip_auth_clt_async_abandon(&g.bench.sess, g.bench.token),
                 PJ_SUCCESS);
    }
    for (j = 0; j < OLD; ++j)
        expect_refused(old[j]);
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}

int main(int argc, char **argv)
{
    static const struct lab_case cases[] = {
        OURS(nulls), OURS(nulls_without_status), OURS(algorithms_out_of_range),
        OURS(wrong_values), OURS(foreign_pointers), OURS(flipped_bits),
        OURS(random_tokens), OURS(no_token_returns),
    };
    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
