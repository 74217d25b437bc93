/* Challenges that several threads answer at once. */
#define _GNU_SOURCE
#include "app.h"
#include "lab.h"
#include "regc_cases.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { RACES = 40, STORM = 24, STORM_THREADS = 4 };

struct racer {
    struct app *app;
    pjsip_tx_data *answer; /* NULL: abandons */
    pthread_barrier_t *start;
    pj_status_t status;
};

static int race(void *arg)
{
    struct racer *racer = arg;
    struct challenge *c = &racer->app->kept[0];

    pthread_barrier_wait(racer->start);
    if (racer->answer)
        racer->status = pjsip_auth_clt_async_send_req(c->sess, c->token,
                                                      racer->answer);
    else
        racer->status = pjsip_auth_clt_async_abandon(c->sess, c->token);
    if (racer->answer && racer->status == PJ_EINVAL)
        pjsip_tx_data_dec_ref(racer->answer);
    return 0;
}

/* Exactly one of two threads gets the token. */
static void race_once(int against_abandon)
{
    struct app app;
    struct racer racers[2];
    struct worker workers[2];
    pthread_barrier_t start;
    int i, won = 0;

    app_challenged(&app, "md5-401");
    pthread_barrier_init(&start, NULL, 2);
    memset(racers, 0, sizeof(racers));
    racers[0].answer = challenge_answer(&app.kept[0]);
    if (!against_abandon) {
        racers[1].answer = racers[0].answer;
        pjsip_tx_data_add_ref(racers[0].answer);
    }
    for (i = 0; i < 2; ++i) {
        racers[i].app = &app;
        racers[i].start = &start;
        worker_start(&workers[i], &race, &racers[i]);
    }
    for (i = 0; i < 2; ++i) {
        worker_join(&workers[i]);
        won += racers[i].status == PJ_SUCCESS;
        CHECK(racers[i].status == PJ_SUCCESS || racers[i].status == PJ_EINVAL);
    }
    CHECK_EQ(won, 1);
    REQUIRE(lab_until(&app.r.done, 1, WAIT_MSEC));
    CHECK_EQ(app.r.done, 1);
    pthread_barrier_destroy(&start);
    app_close(&app);
}

static void race_two_sends(void)
{
    int i;
    for (i = 0; i < RACES; ++i)
        race_once(0);
}

static void race_send_and_abandon(void)
{
    int i;
    for (i = 0; i < RACES; ++i)
        race_once(1);
}

/* Many sessions, a few threads, each challenge answered by whoever comes. */
static struct app storm_apps[STORM];

static int storm_thread(void *arg)
{
    int i, first = *(int *)arg;
    for (i = first; i < STORM; i += STORM_THREADS)
        storm_apps[i].first = challenge_send(&storm_apps[i].kept[0]);
    return 0;
}

static void storm(void)
{
    struct worker workers[STORM_THREADS];
    int firsts[STORM_THREADS], i;

    for (i = 0; i < STORM; ++i)
        app_challenged(&storm_apps[i], i % 2 ? "sha-256-407" : "md5-401");
    for (i = 0; i < STORM_THREADS; ++i) {
        firsts[i] = i;
        worker_start(&workers[i], &storm_thread, &firsts[i]);
    }
    for (i = 0; i < STORM; ++i) {
        REQUIRE(lab_until(&storm_apps[i].r.done, 1, WAIT_MSEC));
        CHECK_EQ(storm_apps[i].r.code, 200);
    }
    for (i = 0; i < STORM_THREADS; ++i)
        worker_join(&workers[i]);
    for (i = 0; i < STORM; ++i) {
        CHECK_EQ(storm_apps[i].first, PJ_SUCCESS);
        app_close(&storm_apps[i]);
    }
    CHECK_EQ(lab_count(lab_wire(), "\"faults\":[]"), 2 * STORM);
}

#define BOTH(name) {#name, name, LAB_BOTH}
#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}

const struct lab_case race_cases[] = {
    OURS(race_two_sends), OURS(race_send_and_abandon), BOTH(storm),
};
const int race_case_count = sizeof(race_cases) / sizeof(race_cases[0]);
