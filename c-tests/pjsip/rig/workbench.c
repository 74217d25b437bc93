#include "workbench.h"

#include <string.h>

static pj_bool_t on_challenge(pjsip_auth_clt_sess *sess, void *token,
                              const pjsip_auth_clt_async_on_chal_param *param)
{
    struct workbench *bench = param->user_data;
    bench->seen = sess;
    bench->token = token;
    ++bench->challenged;
    if (bench->inside)
        bench->inside(bench);
    return bench->accept;
}

/* Two threads may be in these functions at once, with two tokens. */
static void note(struct workbench *bench, int *count)
{
    __atomic_store_n(&bench->lock_refs_during,
                     pj_grp_lock_get_ref(bench->lock), __ATOMIC_RELAXED);
    LAB_COUNT(*count);
}

/* Takes the request over, as PJSIP's modules do. */
static pj_status_t send_impl(pjsip_auth_clt_sess *sess, void *user_data,
                             pjsip_tx_data *request)
{
    struct workbench *bench = user_data;
    (void)sess;
    note(bench, &bench->sent);
    if (bench->during)
        bench->during(bench);
    pjsip_tx_data_dec_ref(request);
    return bench->send_status;
}

static void abandon_impl(pjsip_auth_clt_sess *sess, void *user_data)
{
    struct workbench *bench = user_data;
    (void)sess;
    note(bench, &bench->abandoned);
    if (bench->during)
        bench->during(bench);
}

static pj_bool_t keep(pjsip_auth_clt_sess *sess, void *token,
                      const pjsip_auth_clt_async_on_chal_param *param)
{
    struct workbench *bench = param->user_data;
    challenge_keep(&bench->challenge, sess, token, param);
    ++bench->challenged;
    return PJ_TRUE;
}

static void borrow_challenge(struct workbench *bench)
{
    pjsip_auth_clt_async_setting setting;
    pjsip_auth_clt_sess *sess;
    volatile int *challenged = &bench->challenged;

    registration_open(&bench->r, "sha-256-401", "udp");
    sess = pjsip_regc_get_auth_sess(bench->r.regc);
    setting.cb = &keep;
    setting.user_data = bench;
    CHECK_EQ(pjsip_auth_clt_async_configure(sess, &setting), PJ_SUCCESS);
    registration_start(&bench->r);
    REQUIRE(lab_until(challenged, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_auth_clt_async_abandon(sess, bench->challenge.token),
             PJ_SUCCESS);
    bench->challenged = 0;
}

void workbench_open(struct workbench *bench)
{
    memset(bench, 0, sizeof(*bench));
    borrow_challenge(bench);
    bench->accept = PJ_TRUE;
    bench->send_status = PJ_SUCCESS;
    bench->pool = pjsip_endpt_create_pool(lab.endpt, "bench", 4000, 4000);
    CHECK_EQ(pj_grp_lock_create(bench->pool, NULL, &bench->lock), PJ_SUCCESS);
    pj_grp_lock_add_ref(bench->lock);
    bench->cred.realm = lab_str("*");
    bench->cred.scheme = lab_str("digest");
    bench->cred.username = lab_str("sha-256-401");
    bench->cred.data_type = PJSIP_CRED_DATA_PLAIN_PASSWD;
    bench->cred.data = lab_str(PASSWORD);
    CHECK_EQ(pjsip_auth_clt_init(&bench->sess, lab.endpt, bench->pool, 0),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_set_credentials(&bench->sess, 1, &bench->cred),
             PJ_SUCCESS);
    workbench_configure(bench, &bench->sess);
}

void workbench_close(struct workbench *bench)
{
    CHECK_EQ(pj_grp_lock_get_ref(bench->lock), 1);
    pj_grp_lock_dec_ref(bench->lock);
    pjsip_endpt_release_pool(lab.endpt, bench->pool);
    challenge_drop(&bench->challenge);
    CHECK_EQ(pjsip_regc_destroy(bench->r.regc), PJ_SUCCESS);
}

void workbench_configure(struct workbench *bench, pjsip_auth_clt_sess *sess)
{
    pjsip_auth_clt_async_setting setting;
    setting.cb = &on_challenge;
    setting.user_data = bench;
    CHECK_EQ(pjsip_auth_clt_async_configure(sess, &setting), PJ_SUCCESS);
}

pj_status_t workbench_mint(struct workbench *bench, pjsip_auth_clt_sess *sess)
{
    pjsip_auth_clt_async_on_chal_param param;
    pj_status_t status;

    bench->impl.user_data = bench;
    bench->impl.send_impl = &send_impl;
    if (!bench->impl.abandon_impl)
        bench->impl.abandon_impl = &abandon_impl;
    bench->impl.grp_lock = bench->lock;
    pj_grp_lock_add_ref(bench->lock);
    param.tdata = bench->challenge.request;
    param.rdata = bench->challenge.response;
    param.user_data = NULL;
    status = pjsip_auth_clt_async_impl_on_challenge(sess, &bench->impl, &param);
    if (status != PJ_SUCCESS)
        pj_grp_lock_dec_ref(bench->lock);
    return status;
}
