/* What a process does to the challenges it has outstanding: it forks, ends one of its endpoints, sees its wall clock
 * jump. */
#define _GNU_SOURCE
#include "clock.h"
#include "vault.h"
#include "workbench.h"

#include <pjauth.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SECONDS = 10, DAY = 86400 };

/* A registration that waits for the answer to its challenge. */
static void challenged(struct registration *r, struct vault *vault)
{
    vault_open_default(vault, VAULT_KEEP);
    registration_open(r, "sha-256-401", "udp");
    registration_start(r);
    REQUIRE(lab_until(&vault->challenged, 1, WAIT_MSEC));
}

static void registered(struct registration *r, struct vault *vault)
{
    CHECK_EQ(challenge_send(&vault->kept), PJ_SUCCESS);
    REQUIRE(lab_until(&r->done, 1, WAIT_MSEC));
    CHECK_EQ(r->code, 200);
}

static void closed(struct registration *r, struct vault *vault)
{
    vault_close_default(vault);
    CHECK_EQ(pjsip_regc_destroy(r->regc), PJ_SUCCESS);
}

/* ------------------------------------------------------------------- fork */

enum { CNONCE_SIZE = 32 };

/* The answer, and its cnonce. */
static pjsip_tx_data *draw(struct challenge *kept, char cnonce[CNONCE_SIZE])
{
    pjsip_tx_data *answer = challenge_answer(kept);
    const pjsip_authorization_hdr *header;

    memset(cnonce, 0, CNONCE_SIZE);
    header = answer ? pjsip_msg_find_hdr(answer->msg, PJSIP_H_AUTHORIZATION, NULL) : NULL;
    if (header && header->credential.digest.cnonce.slen == CNONCE_SIZE)
        memcpy(cnonce, header->credential.digest.cnonce.ptr, CNONCE_SIZE);
    return answer;
}

/* The token is the child's as well: it works there, once, and on the child's memory alone. */
static int child_uses(struct registration *r, struct challenge *kept, int say)
{
    char cnonce[CNONCE_SIZE];
    pjsip_tx_data *answer = draw(kept, cnonce);

    return write(say, cnonce, sizeof(cnonce)) == (ssize_t)sizeof(cnonce) &&
           PJAUTH(pjauth_challenge_is_live)(kept->token) &&
           pjsip_auth_clt_async_abandon(kept->sess, kept->token) == PJ_SUCCESS &&
           r->done == 1 && !PJAUTH(pjauth_challenge_is_live)(kept->token) &&
           pjsip_auth_clt_async_abandon(kept->sess, kept->token) == PJ_EINVAL &&
           pjsip_auth_clt_async_send_req(kept->sess, kept->token, answer) == PJ_EINVAL;
}

static void forked(void)
{
    char ours[CNONCE_SIZE], theirs[CNONCE_SIZE];
    struct registration r;
    struct vault vault;
    pjsip_tx_data *answer;
    int say[2], status = -1;
    pid_t child;

    challenged(&r, &vault);
    CHECK(pipe(say) == 0);
    child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS); /* fork does not hand the parent's down */
        _exit(!child_uses(&r, &vault.kept, say[1]));
    }
    close(say[1]);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(read(say[0], theirs, sizeof(theirs)) == (ssize_t)sizeof(theirs));
    close(say[0]);
    answer = draw(&vault.kept, ours);
    CHECK(*ours && *theirs && memcmp(ours, theirs, sizeof(ours)) != 0);
    CHECK_EQ(r.done, 0);
    CHECK(PJAUTH(pjauth_challenge_is_live)(vault.kept.token));
    CHECK_EQ(pjsip_auth_clt_async_send_req(vault.kept.sess, vault.kept.token, answer), PJ_SUCCESS);
    REQUIRE(lab_until(&r.done, 1, WAIT_MSEC));
    CHECK_EQ(r.code, 200);
    closed(&r, &vault);
}

static int is_over;

/* Keeps every lock of the library's busy, so that forks come at every moment. */
static int work(void *arg)
{
    struct workbench *bench = arg;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        struct pjauth_challenge_info info;
        void *tokens[8];
        unsigned i, count = 1;
        for (i = 0; i < 8; ++i) {
            CHECK_EQ(workbench_mint(bench, &bench->sess), PJ_SUCCESS);
            tokens[i] = bench->token;
            PJAUTH(pjauth_challenge_set_deadline)(tokens[i], 60000 + i);
        }
        PJAUTH(pjauth_session_challenges)(NULL, &info, sizeof(info), &count);
        for (i = 0; i < 8; ++i)
            pjsip_auth_clt_async_abandon(&bench->sess, tokens[i]);
    }
    return 0;
}

/* In a child no call waits for what another thread of the parent held. */
static void forked_while_busy(void)
{
    enum { FORKS = 40 };
    static struct workbench busy, own;
    pj_thread_t *thread;
    int i, status;

    workbench_open(&busy);
    workbench_open(&own);
    CHECK_EQ(workbench_mint(&own, &own.sess), PJ_SUCCESS);
    CHECK_EQ(pj_thread_create(busy.pool, "busy", &work, &busy, 0, 0, &thread), PJ_SUCCESS);
    for (i = 0; i < FORKS; ++i) {
        pid_t child = fork();
        if (child == 0) {
            int j;
            alarm(CHILD_SECONDS);
            CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(own.token, 60000), PJ_SUCCESS);
            for (j = 0; j < 8; ++j)
                CHECK_EQ(workbench_mint(&own, &own.sess), PJ_SUCCESS);
            CHECK_EQ(pjsip_auth_clt_async_abandon(&own.sess, own.token), PJ_SUCCESS);
            CHECK_EQ(pjsip_auth_clt_deinit(&own.sess), PJ_SUCCESS);
            _exit(pj_grp_lock_get_ref(own.lock) != 1);
        }
        status = -1;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    pj_thread_join(thread);
    pj_thread_destroy(thread);
    CHECK_EQ(pjsip_auth_clt_deinit(&busy.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_deinit(&own.sess), PJ_SUCCESS);
    workbench_close(&busy);
    workbench_close(&own);
}

/* ---------------------------------------------------------- two endpoints */

/* Tokens of both endpoints, then one of them goes. PJSIP's modules live in one endpoint of a process only: the
 * tokens are minted as those do. One of these modules, which prints messages, every endpoint registers all the same,
 * and so breaks the list of the endpoint before it, which cannot be destroyed from then on: the lab's is left alone. */
static void endpoints(void)
{
    static struct workbench bench;
    pjsip_auth_clt_async_setting setting;
    pjsip_auth_clt_sess other_sess, bare;
    pjsip_endpoint *other;
    pj_pool_t *pool;
    void *ours, *theirs;
    long request_refs;
    volatile int *abandoned = &bench.abandoned;

    workbench_open(&bench);
    CHECK_EQ(pjsip_endpt_create(&lab.factory.factory, "other", &other), PJ_SUCCESS);
    pool = pjsip_endpt_create_pool(other, "other", 4000, 4000);
    CHECK_EQ(pjsip_auth_clt_init(&other_sess, other, pool, 0), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_set_credentials(&other_sess, 1, &bench.cred), PJ_SUCCESS);
    workbench_configure(&bench, &other_sess);

    CHECK_EQ(workbench_mint(&bench, &bench.sess), PJ_SUCCESS);
    ours = bench.token;
    request_refs = references(bench.challenge.request);
    CHECK_EQ(workbench_mint(&bench, &other_sess), PJ_SUCCESS);
    theirs = bench.token;
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(theirs, 100), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(ours, 300), PJ_SUCCESS);

    /* What is set for all sessions of an endpoint is for those alone, and goes with it. */
    setting = *other_sess.async_opt;
    CHECK_EQ(PJAUTH(pjauth_async_configure_default)(other, &setting), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_init(&bare, lab.endpt, bench.pool, 0), PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&bench, &bare), PJ_EINVALIDOP);
    bare.endpt = other;
    CHECK_EQ(workbench_mint(&bench, &bare), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(&bare, bench.token), PJ_SUCCESS);
    bench.abandoned = 0;

    pjsip_endpt_destroy(other);
    pj_pool_release(pool);
    CHECK_EQ(workbench_mint(&bench, &bare), PJ_EINVALIDOP);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(theirs));
    CHECK_EQ(pjsip_auth_clt_async_abandon(&bench.sess, theirs), PJ_EINVAL);
    CHECK(PJAUTH(pjauth_challenge_is_live)(ours));
    /* What a token held is left alone, for it goes with its endpoint; here it is the other endpoint's. */
    CHECK_EQ(pj_grp_lock_get_ref(bench.lock), 3);
    CHECK_EQ(references(bench.challenge.request), request_refs + 1);
    pj_grp_lock_dec_ref(bench.lock);
    pjsip_tx_data_dec_ref(bench.challenge.request);

    /* The one that stays keeps its deadline too. */
    lab_events(100);
    CHECK_EQ(bench.abandoned, 0);
    CHECK(lab_until(abandoned, 1, WAIT_MSEC));
    CHECK(!PJAUTH(pjauth_challenge_is_live)(ours));
    workbench_close(&bench);
    lab_events(300); /* what has ended goes */
    lab.endpt = NULL;
}

/* ------------------------------------------------------------------ clock */

/* A day ahead and a day back: a deadline is neither early nor late, and an answer is right. */
static void clock_jumps(void)
{
    static const long long jumps[] = {DAY, -DAY, 0};
    struct pjauth_challenge_info info;
    struct registration r;
    struct vault vault;
    unsigned i, reads = clock_reads();

    for (i = 0; i < sizeof(jumps) / sizeof(*jumps); ++i) {
        challenged(&r, &vault);
        CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(vault.kept.token, 5000), PJ_SUCCESS);
        clock_off_by(jumps[i]);
        lab_events(50);
        CHECK_EQ(r.done, 0);
        CHECK_EQ(PJAUTH(pjauth_challenge_get_info)(vault.kept.token, &info, sizeof(info)), PJ_SUCCESS);
        CHECK(info.expires_msec > 0 && info.expires_msec <= 5010);
        registered(&r, &vault);
        closed(&r, &vault);

        challenged(&r, &vault);
        CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(vault.kept.token, 150), PJ_SUCCESS);
        clock_off_by(-jumps[i]);
        REQUIRE(lab_until(&r.done, 1, WAIT_MSEC));
        CHECK_EQ(r.status, PJ_ECANCELLED);
        CHECK(!PJAUTH(pjauth_challenge_is_live)(vault.kept.token));
        closed(&r, &vault);
    }
    CHECK(clock_reads() > reads);
}

static const struct lab_case cases[] = {
    {"forked", forked, LAB_PJAUTH_ONLY | LAB_MODULES_ASK},
    {"forked_while_busy", forked_while_busy, LAB_PJAUTH_ONLY | LAB_MODULES_ASK},
    {"clock", clock_jumps, LAB_PJAUTH_ONLY | LAB_MODULES_ASK},
    {"endpoints", endpoints, LAB_PJAUTH_ONLY | LAB_MODULES_ASK},
};

int main(int argc, char **argv)
{
    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(*cases));
    return lab_close();
}
