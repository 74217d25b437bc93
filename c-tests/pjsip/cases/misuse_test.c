/* Wrong arguments: every exported function with each pointer NULL, and tokens
 * that are none. The answer is PJ_EINVAL, and nothing else happens. */
#include "null_calls.h"
#include "workbench.h"

#include <stdint.h>
#include <string.h>

/* ------------------------------------------------------------------- NULLs */

/* What the cases have in common. */
static struct {
    struct workbench bench;
    pjsip_auth_clt_sess fresh;
    pjsip_auth_clt_pref pref;
    pjsip_auth_clt_async_setting setting;
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

#define DIGEST_ARGUMENTS \
    &g.result, &g.text, &g.text, &g.text, &g.text, &g.text, &g.text, \
        &g.bench.cred, &g.text

static void fresh_result(void)
{
    g.result.ptr = g.buffer;
    g.result.slen = sizeof(g.buffer);
}

static void open_all(void)
{
    memset(&g, 0, sizeof(g));
    workbench_open(&g.bench);
    CHECK_EQ(pjsip_auth_clt_init(&g.fresh, lab.endpt, g.bench.pool, 0),
             PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&g.bench, &g.bench.sess), PJ_SUCCESS);
    g.setting.cb = &never_called;
    g.request = g.bench.challenge.request;
    g.text = lab_str("text");
}

static void close_all(void)
{
    pjsip_auth_clt_deinit(&g.fresh);
    pjsip_auth_clt_deinit(&g.bench.sess);
    workbench_close(&g.bench);
}

static void expect_einval(const char *name, int missing, pj_status_t status)
{
    if (status != PJ_EINVAL)
        lab_fail(__FILE__, __LINE__, "%s without argument %d: %d", name,
                 missing, status);
}

static void nulls(void)
{
    struct null_arguments good;
    long refs, lock_refs;

    open_all();
    good.endpt = lab.endpt;
    good.pool = g.bench.pool;
    good.sess = &g.bench.sess;
    good.fresh = &g.fresh;
    good.cred = &g.bench.cred;
    good.pref = &g.pref;
    good.setting = &g.setting;
    good.impl = &g.bench.impl;
    good.request = g.request;
    good.response = g.bench.challenge.response;
    good.token = g.bench.token;
    refs = references(g.request);
    lock_refs = pj_grp_lock_get_ref(g.bench.lock);
    CHECK_EQ(null_calls(&good, &expect_einval), 56);
    CHECK_EQ(references(g.request), refs);
    CHECK_EQ(pj_grp_lock_get_ref(g.bench.lock), lock_refs);
    CHECK_EQ(g.bench.challenged, 1);
    /* After all that, the token still works. */
    CHECK_EQ(pjsip_auth_clt_async_abandon(&g.bench.sess, g.bench.token),
             PJ_SUCCESS);
    close_all();
}

/* The functions that have no status to give: nothing must happen. */
static void nulls_without_status(void)
{
    pjsip_cred_info cred;
    pjsip_auth_clt_pref pref;
    const pj_str_t unknown = lab_str("BLAKE9"), md5 = lab_str("md5");

    open_all();
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
    close_all();
}

/* Algorithms that are none, from a caller whose enum is an int. */
static void algorithms_out_of_range(void)
{
    static const int types[] = {0, 6, 7, 1000, -1, INT32_MAX, INT32_MIN};
    size_t i;

    open_all();
    for (i = 0; i < sizeof(types) / sizeof(types[0]); ++i) {
        pjsip_auth_algorithm_type type = (pjsip_auth_algorithm_type)types[i];
        CHECK(pjsip_auth_get_algorithm_by_type(type) == NULL);
        CHECK(!pjsip_auth_is_algorithm_supported(type));
        fresh_result();
        CHECK(pjsip_auth_create_digest2(DIGEST_ARGUMENTS, type) != PJ_SUCCESS);
    }
    for (i = 1; i < 6; ++i)
        CHECK(pjsip_auth_get_algorithm_by_type((pjsip_auth_algorithm_type)i));
    close_all();
}

/* Arguments that are there but wrong. */
static void wrong_values(void)
{
    pjsip_auth_clt_async_setting no_callback = {NULL, NULL};
    pjsip_auth_clt_sess zero;

    open_all();
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
    close_all();
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

    open_all();
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
    close_all();
}

/* A live token with one or two bits flipped is no token. */
static void flipped_bits(void)
{
    uintptr_t live;
    int i, j;

    open_all();
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
    close_all();
}

/* Bits drawn at random, by a generator with a fixed seed. */
static void random_tokens(void)
{
    uint64_t x = 0x9e3779b97f4a7c15u;
    int i;

    open_all();
    for (i = 0; i < 20000; ++i) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if ((void *)(uintptr_t)x != g.bench.token && x)
            expect_refused((void *)(uintptr_t)x);
    }
    CHECK_EQ(pjsip_auth_clt_async_abandon(&g.bench.sess, g.bench.token),
             PJ_SUCCESS);
    close_all();
}

/* Used tokens stay refused while thousands of others come and go. */
static void no_token_returns(void)
{
    enum { OLD = 64, ROUNDS = 5000 };
    void *old[OLD];
    int i, j;

    open_all();
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
    close_all();
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
