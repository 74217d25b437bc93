/* The contract that PJSIP's modules rely on, point by point (design, "The
 * contract that existing callers rely on"), with this program in the place of
 * the module that mints the token and owns the group lock. */
#include "contract.h"
#include "workbench.h"

#include <string.h>

/* A reference to the request for one send. */
static pjsip_tx_data *request(struct workbench *b)
{
    pjsip_tx_data_add_ref(b->challenge.request);
    return b->challenge.request;
}

static void expect_refused(struct workbench *b, pjsip_auth_clt_sess *sess,
                           void *token)
{
    long before = references(b->challenge.request);
    CHECK_EQ(pjsip_auth_clt_async_send_req(sess, token, b->challenge.request),
             PJ_EINVAL);
    CHECK_EQ(references(b->challenge.request), before);
    CHECK_EQ(pjsip_auth_clt_async_abandon(sess, token), PJ_EINVAL);
}

/* 1: with a parent set, the callback and the settings are the parent's. */
static void parent_session(void)
{
    struct workbench b;
    pjsip_auth_clt_sess child;

    workbench_open(&b);
    memset(&child, 0, sizeof(child));
    CHECK_EQ(pjsip_auth_clt_init(&child, lab.endpt, b.pool, 0), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_set_parent(&child, &b.sess), PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&b, &child), PJ_SUCCESS);
    CHECK(b.seen == &b.sess);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&child, b.token, request(&b)),
             PJ_SUCCESS);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(lock_refs(&b), ALONE);
    CHECK_EQ(pjsip_auth_clt_deinit(&child), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    workbench_close(&b);
}

/* 1: the session passed need not be the token's. */
static void session_of_another(void)
{
    struct workbench b;
    pjsip_auth_clt_sess other;

    workbench_open(&b);
    memset(&other, 0, sizeof(other));
    CHECK_EQ(pjsip_auth_clt_init(&other, lab.endpt, b.pool, 0), PJ_SUCCESS);
    workbench_configure(&b, &other);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&other, b.token, request(&b)),
             PJ_SUCCESS);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(&other);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* 2: taken, declined, not configured. */
static void on_challenge_statuses(void)
{
    struct workbench b;
    pjsip_auth_clt_sess bare;

    workbench_open(&b);
    b.accept = PJ_FALSE;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_EIGNORED);
    CHECK_EQ(lock_refs(&b), ALONE);
    memset(&bare, 0, sizeof(bare));
    CHECK_EQ(pjsip_auth_clt_init(&bare, lab.endpt, b.pool, 0), PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&b, &bare), PJ_EINVALIDOP);
    CHECK_EQ(lock_refs(&b), ALONE);
    b.accept = PJ_TRUE;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(lock_refs(&b), HELD);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&b.sess, b.token), PJ_SUCCESS);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(&bare);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

static void send_inside(struct workbench *b)
{
    CHECK_EQ(pjsip_auth_clt_async_send_req(b->seen, b->token, request(b)),
             PJ_SUCCESS);
}

static void abandon_inside(struct workbench *b)
{
    CHECK_EQ(pjsip_auth_clt_async_abandon(b->seen, b->token), PJ_SUCCESS);
}

/* 2: consumed inside the callback counts as taken, whatever is returned. */
static void consumed_inside(void)
{
    struct workbench b;

    workbench_open(&b);
    b.accept = PJ_FALSE;
    b.inside = &send_inside;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(lock_refs(&b), ALONE);
    b.inside = &abandon_inside;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(b.abandoned, 1);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* 3: the lock's reference goes once, after the implementation returned. */
static void lock_reference(void)
{
    struct workbench b;

    workbench_open(&b);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&b.sess, b.token, request(&b)),
             PJ_SUCCESS);
    CHECK_EQ(b.lock_refs_during, HELD);
    CHECK_EQ(lock_refs(&b), ALONE);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    b.lock_refs_during = 0;
    CHECK_EQ(pjsip_auth_clt_async_abandon(&b.sess, b.token), PJ_SUCCESS);
    CHECK_EQ(b.lock_refs_during, HELD);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* 3: what a module without abandon_impl or without a group lock gives. */
static void optional_parts(void)
{
    struct workbench b;
    pjsip_auth_clt_async_impl_token impl;
    pjsip_auth_clt_async_on_chal_param param;

    workbench_open(&b);
    memset(&impl, 0, sizeof(impl));
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&b.sess, b.token), PJ_SUCCESS);
    impl = b.impl;
    impl.abandon_impl = NULL;
    impl.grp_lock = NULL;
    param.tdata = b.challenge.request;
    param.rdata = b.challenge.response;
    param.user_data = NULL;
    CHECK_EQ(pjsip_auth_clt_async_impl_on_challenge(&b.sess, &impl, &param),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&b.sess, b.token), PJ_SUCCESS);
    CHECK_EQ(b.abandoned, 1);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

static void deinit_during(struct workbench *b)
{
    CHECK_EQ(pjsip_auth_clt_deinit(&b->sess), PJ_SUCCESS);
}

/* 3: the session may go while it sends. */
static void deinit_inside_send(void)
{
    struct workbench b;

    workbench_open(&b);
    b.during = &deinit_during;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&b.sess, b.token, request(&b)),
             PJ_SUCCESS);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(lock_refs(&b), ALONE);
    workbench_close(&b);
}

static void reuse_during(struct workbench *b)
{
    expect_refused(b, b->seen, b->token);
}

/* 4: the token is dead before the implementation runs. */
static void dead_while_sending(void)
{
    struct workbench b;

    workbench_open(&b);
    b.during = &reuse_during;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&b.sess, b.token, request(&b)),
             PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&b.sess, b.token), PJ_SUCCESS);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(b.abandoned, 1);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* 5: a failed send uses the token up, and its status is the caller's. */
static void failed_send(void)
{
    struct workbench b;

    workbench_open(&b);
    b.send_status = PJSIP_EBUSY;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&b.sess, b.token, request(&b)),
             PJSIP_EBUSY);
    CHECK_EQ(lock_refs(&b), ALONE);
    expect_refused(&b, &b.sess, b.token);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* 5: PJ_EINVAL says whose the request is, so a module's own PJ_EINVAL, after
 * which the request is gone, must come back as another error. */
static void failed_send_einval(void)
{
    struct workbench b;
    pj_status_t status;

    workbench_open(&b);
    b.send_status = PJ_EINVAL;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    status = pjsip_auth_clt_async_send_req(&b.sess, b.token, request(&b));
    CHECK(status != PJ_SUCCESS && status != PJ_EINVAL);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* 6: deinit kills the session's tokens and gives their references back. */
static void deinit_kills(void)
{
    enum { TOKENS = 5 };
    struct workbench b;
    void *tokens[TOKENS];
    int i;

    workbench_open(&b);
    for (i = 0; i < TOKENS; ++i) {
        CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
        tokens[i] = b.token;
    }
    CHECK_EQ(lock_refs(&b), ALONE + TOKENS);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    CHECK_EQ(lock_refs(&b), ALONE);
    for (i = 0; i < TOKENS; ++i)
        expect_refused(&b, &b.sess, tokens[i]);
    CHECK_EQ(b.sent, 0);
    CHECK_EQ(lock_refs(&b), ALONE);
    workbench_close(&b);
}

/* 6: the tokens are the child's, though the callback was the parent's. */
static void deinit_of_child(void)
{
    struct workbench b;
    pjsip_auth_clt_sess child;
    void *childs, *parents;

    workbench_open(&b);
    memset(&child, 0, sizeof(child));
    CHECK_EQ(pjsip_auth_clt_init(&child, lab.endpt, b.pool, 0), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_set_parent(&child, &b.sess), PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&b, &child), PJ_SUCCESS);
    childs = b.token;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    parents = b.token;
    CHECK_EQ(pjsip_auth_clt_deinit(&child), PJ_SUCCESS);
    expect_refused(&b, &b.sess, childs);
    CHECK_EQ(lock_refs(&b), HELD);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&b.sess, parents, request(&b)),
             PJ_SUCCESS);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* 7: the original request lives as long as the token. */
static void request_lives(void)
{
    struct workbench b;
    long before;

    workbench_open(&b);
    before = references(b.challenge.request);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK(references(b.challenge.request) > before);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&b.sess, b.token), PJ_SUCCESS);
    CHECK_EQ(references(b.challenge.request), before);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* 8: reinit_req gives back the same request with one more reference. */
static void reinit_references(void)
{
    struct workbench b;
    pjsip_tx_data *answer = NULL;
    long before;

    workbench_open(&b);
    before = references(b.challenge.request);
    CHECK_EQ(pjsip_auth_clt_reinit_req(&b.sess, b.challenge.response,
                                       b.challenge.request, &answer),
             PJ_SUCCESS);
    CHECK(answer == b.challenge.request);
    CHECK_EQ(references(answer), before + 1);
    pjsip_tx_data_dec_ref(answer);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

/* Inside a callback everything about the session, its parent and its children
 * may be called: no lock of ours is held. Stock holds the parent's, and stops
 * for ever when a child asks for it again. */
static pjsip_auth_clt_sess child_of_bench;

static void rearrange(struct workbench *b)
{
    pjsip_auth_clt_sess *sessions[2] = {&b->sess, &child_of_bench};
    pjsip_auth_clt_pref pref;
    int i;

    memset(&pref, 0, sizeof(pref));
    for (i = 0; i < 2; ++i) {
        CHECK_EQ(pjsip_auth_clt_set_credentials(sessions[i], 1, &b->cred),
                 PJ_SUCCESS);
        CHECK_EQ(pjsip_auth_clt_set_prefs(sessions[i], &pref), PJ_SUCCESS);
        CHECK_EQ(pjsip_auth_clt_get_prefs(sessions[i], &pref), PJ_SUCCESS);
        workbench_configure(b, sessions[i]);
    }
}

static void reentry(void)
{
    struct workbench b;
    pjsip_auth_clt_sess *child = &child_of_bench;
    pjsip_tx_data *answer = NULL;

    workbench_open(&b);
    memset(child, 0, sizeof(*child));
    CHECK_EQ(pjsip_auth_clt_init(child, lab.endpt, b.pool, 0), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_set_parent(child, &b.sess), PJ_SUCCESS);
    b.inside = &rearrange;
    CHECK_EQ(workbench_mint(&b, child), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_reinit_req(child, b.challenge.response,
                                       b.challenge.request, &answer),
             PJ_SUCCESS);
    b.inside = NULL;
    b.during = &rearrange;
    CHECK_EQ(pjsip_auth_clt_async_send_req(child, b.token, answer), PJ_SUCCESS);
    CHECK_EQ(lock_refs(&b), ALONE);
    pjsip_auth_clt_deinit(child);
    pjsip_auth_clt_deinit(&b.sess);
    workbench_close(&b);
}

#define BOTH(name) {#name, name, LAB_BOTH}
#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}

int main(int argc, char **argv)
{
    static const struct lab_case cases[] = {
        BOTH(parent_session), BOTH(session_of_another),
        BOTH(on_challenge_statuses), OURS(consumed_inside),
        BOTH(lock_reference), BOTH(optional_parts), BOTH(deinit_inside_send),
        OURS(dead_while_sending), BOTH(failed_send), OURS(failed_send_einval),
        OURS(deinit_kills), OURS(deinit_of_child), OURS(request_lives),
        BOTH(reinit_references), OURS(reentry),
    };
    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    lab_run(contract_session_cases, contract_session_case_count);
    return lab_close();
}
