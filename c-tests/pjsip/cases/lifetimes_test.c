/* Tokens and their owners that end at the same time, on several threads: the
 * library's own deadline is one of them. The module is this program. */
#include "workbench.h"

#include <pjauth.h>
#include <string.h>
#include <unistd.h>

enum { ALONE = 1, HELD = 2, LONG_MSEC = 150, SOON_MSEC = 10 };

#define SET(flag) __atomic_store_n(&(flag), 1, __ATOMIC_RELEASE)
#define IS_SET(flag) __atomic_load_n(&(flag), __ATOMIC_ACQUIRE)

static int wait_for(const int *flag)
{
    int i;
    for (i = 0; i < WAIT_MSEC && !IS_SET(*flag); ++i)
        usleep(1000);
    return IS_SET(*flag);
}

/* ------------------------------------------------- a thread that polls, too */

struct poller {
    pj_thread_t *thread;
    int is_over;
};

static int poll(void *arg)
{
    struct poller *poller = arg;
    while (!IS_SET(poller->is_over)) {
        pj_time_val patience = {0, 10};
        pjsip_endpt_handle_events(lab.endpt, &patience);
    }
    return 0;
}

static void poller_start(struct poller *poller, pj_pool_t *pool)
{
    poller->is_over = 0;
    CHECK_EQ(pj_thread_create(pool, "poller", &poll, poller, 0, 0,
                              &poller->thread), PJ_SUCCESS);
}

static void poller_stop(struct poller *poller)
{
    SET(poller->is_over);
    pj_thread_join(poller->thread);
    pj_thread_destroy(poller->thread);
}

/* ----------------------------------------------- a module that takes its time */

static int inside, has_ended, touched_after_end;

static void take_time(struct workbench *bench)
{
    (void)bench;
    SET(inside);
    usleep(LONG_MSEC * 1000);
    if (IS_SET(has_ended))
        SET(touched_after_end);
}

static void open_slow(struct workbench *bench)
{
    workbench_open(bench);
    bench->during = &take_time;
    inside = has_ended = touched_after_end = 0;
}

/* The deadline's thread is in the module's function: deinit waits for it. */
static void deadline_beside_end(void)
{
    struct workbench b;
    struct poller poller;

    open_slow(&b);
    poller_start(&poller, b.pool);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(b.token, SOON_MSEC),
             PJ_SUCCESS);
    CHECK(wait_for(&inside));
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    SET(has_ended);
    poller_stop(&poller);
    CHECK_EQ(b.abandoned, 1);
    CHECK(!touched_after_end);
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    workbench_close(&b);
}

/* An owner that ends under its lock, as dialogs do, when the deadline has come:
 * it does not wait for the thread that waits for the lock, and that thread then
 * leaves the owner alone. */
static void end_under_lock(void)
{
    struct workbench b;
    struct poller poller;
    int i;

    workbench_open(&b);
    poller_start(&poller, b.pool);
    pj_grp_lock_acquire(b.lock);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(b.token, SOON_MSEC),
             PJ_SUCCESS);
    for (i = 0; i < WAIT_MSEC && PJAUTH(pjauth_challenge_is_live)(b.token); ++i)
        usleep(1000);
    usleep(SOON_MSEC * 1000);
    CHECK_EQ(b.abandoned, 0);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    pj_grp_lock_release(b.lock);
    poller_stop(&poller);
    CHECK_EQ(b.abandoned, 0);
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    workbench_close(&b);
}

static void end_session(struct workbench *bench)
{
    CHECK_EQ(pjsip_auth_clt_deinit(&bench->sess), PJ_SUCCESS);
}

/* The module ends the session inside its function, on the deadline's thread. */
static void end_inside_deadline(void)
{
    struct workbench b;
    volatile int *abandoned = &b.abandoned;

    workbench_open(&b);
    b.during = &end_session;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(b.token, SOON_MSEC),
             PJ_SUCCESS);
    CHECK(lab_until(abandoned, 1, WAIT_MSEC));
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    workbench_close(&b);
}

/* --------------------------------------- the application itself, on a thread */

static int send_one(void *arg)
{
    struct workbench *bench = arg;
    pjsip_tx_data_add_ref(bench->challenge.request);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&bench->sess, bench->token,
                                           bench->challenge.request),
             PJ_SUCCESS);
    return 0;
}

static void application_beside_end(void)
{
    struct workbench b;
    pj_thread_t *thread;

    open_slow(&b);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pj_thread_create(b.pool, "sender", &send_one, &b, 0, 0, &thread),
             PJ_SUCCESS);
    CHECK(wait_for(&inside));
    /* One that waits dies; the one in use is waited for. */
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_session_revoke)(&b.sess), PJ_SUCCESS);
    SET(has_ended);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(b.token));
    pj_thread_join(thread);
    pj_thread_destroy(thread);
    CHECK(!touched_after_end);
    CHECK_EQ(b.sent, 1);
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    /* The session goes on. */
    b.during = NULL;
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&b.sess, b.token), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_session_revoke)(NULL), PJ_EINVAL);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    workbench_close(&b);
}

/* ------------------------------------------------ found as soon as it is there */

struct thief {
    pj_thread_t *thread;
    struct workbench *bench;
    int is_over, stolen;
};

static int steal(void *arg)
{
    struct thief *thief = arg;
    while (!IS_SET(thief->is_over)) {
        struct pjauth_challenge_info info[4];
        unsigned i, count = 4;
        PJAUTH(pjauth_session_challenges)(&thief->bench->sess, info,
                                          sizeof(*info), &count);
        for (i = 0; i < count && i < 4; ++i) {
            /* What has a default deadline has it from the start. */
            CHECK(info[i].expires_msec > 0 || !PJAUTH(pjauth_challenge_is_live)(
                                                  info[i].token));
            thief->stolen += pjsip_auth_clt_async_abandon(
                                 &thief->bench->sess, info[i].token) ==
                             PJ_SUCCESS;
        }
    }
    return 0;
}

/* Whoever takes a token before its deadline is set has taken it all the same:
 * the challenge counts as taken, and the reference goes once. */
static void stolen_at_once(void)
{
    enum { CHALLENGES = 30000 };
    struct workbench b;
    struct thief thief = {0};
    int i, not_taken = 0;

    workbench_open(&b);
    b.impl.abandon_impl = NULL;
    thief.bench = &b;
    PJAUTH(pjauth_set_default_deadline)(60000);
    CHECK_EQ(pj_thread_create(b.pool, "thief", &steal, &thief, 0, 0,
                              &thief.thread), PJ_SUCCESS);
    for (i = 0; i < CHALLENGES; ++i) {
        not_taken += workbench_mint(&b, &b.sess) != PJ_SUCCESS;
        pjsip_auth_clt_async_abandon(&b.sess, b.token);
    }
    SET(thief.is_over);
    pj_thread_join(thief.thread);
    pj_thread_destroy(thief.thread);
    PJAUTH(pjauth_set_default_deadline)(0);
    CHECK_EQ(not_taken, 0);
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    workbench_close(&b);
}

/* More than a nest has room for, and more than one alarm ends. */
static void many_at_once(void)
{
    enum { TOKENS = 300 };
    static void *tokens[TOKENS];
    struct workbench b;
    volatile int *abandoned = &b.abandoned;
    int i, live = 0;

    workbench_open(&b);
    for (i = 0; i < TOKENS; ++i) {
        CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
        tokens[i] = b.token;
        if (i % 3 == 0)
            CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(b.token, SOON_MSEC),
                     PJ_SUCCESS);
    }
    CHECK(lab_until(abandoned, TOKENS / 3, WAIT_MSEC));
    for (i = 0; i < TOKENS; ++i)
        live += PJAUTH(pjauth_challenge_is_live)(tokens[i]);
    CHECK_EQ(live, TOKENS - TOKENS / 3);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    for (i = 0; i < TOKENS; ++i)
        CHECK(!PJAUTH(pjauth_challenge_is_live)(tokens[i]));
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    workbench_close(&b);
}

/* A clone has its own tokens from the start, and each session ends its own. */
static void clone_beside_tokens(void)
{
    struct workbench b;
    pjsip_auth_clt_sess clone;
    void *first, *second;
    unsigned count = 0;

    workbench_open(&b);
    CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
    first = b.token;
    CHECK_EQ(pjsip_auth_clt_clone(b.pool, &clone, &b.sess), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_session_challenges)(
                 &clone, NULL, sizeof(struct pjauth_challenge_info), &count), PJ_SUCCESS);
    CHECK_EQ(count, 0);
    CHECK_EQ(workbench_mint(&b, &clone), PJ_SUCCESS);
    second = b.token;
    CHECK_EQ(pjsip_auth_clt_deinit(&clone), PJ_SUCCESS);
    CHECK(PJAUTH(pjauth_challenge_is_live)(first));
    CHECK(!PJAUTH(pjauth_challenge_is_live)(second));

    CHECK_EQ(pjsip_auth_clt_clone(b.pool, &clone, &b.sess), PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&b, &clone), PJ_SUCCESS);
    second = b.token;
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(first));
    CHECK_EQ(pjsip_auth_clt_async_abandon(&clone, second), PJ_SUCCESS);
    CHECK_EQ(b.abandoned, 1);
    CHECK_EQ(pjsip_auth_clt_deinit(&clone), PJ_SUCCESS);
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    workbench_close(&b);
}

#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}

int main(int argc, char **argv)
{
    static const struct lab_case cases[] = {
        OURS(deadline_beside_end), OURS(end_under_lock),
        OURS(end_inside_deadline), OURS(application_beside_end),
        OURS(stolen_at_once), OURS(many_at_once), OURS(clone_beside_tokens),
    };
    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
