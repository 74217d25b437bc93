/* Sessions that others share, or that are none of the token's. */
#define _GNU_SOURCE
#include "app.h"
#include "lab.h"
#include "regc_cases.h"

#include <string.h>
#include <unistd.h>

static void shared_sync(void)
{
    struct shared shared;
    struct registration r;

    shared_open(&shared, "sha-256-401");
    registration_open(&r, "sha-256-401", "udp");
    CHECK_EQ(pjsip_regc_set_auth_sess(r.regc, &shared.sess), PJ_SUCCESS);
    registration_start(&r);
    REQUIRE(lab_until(&r.done, 1, WAIT_MSEC));
    CHECK_EQ(r.code, 200);
    pjsip_regc_destroy(r.regc);
    shared_close(&shared);
}

/* With a parent, the callback belongs to the parent and is given it. */
static void shared_later(void)
{
    struct app app;
    struct shared shared;

    shared_app(&app, &shared, KEEP);
    REQUIRE(lab_until(&app.challenged, 1, WAIT_MSEC));
    CHECK(app.seen == &shared.sess);
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    expect_registered(&app, 2);
    app_close(&app);
    shared_close(&shared);
}

static void shared_inside(void)
{
    struct app app;
    struct shared shared;

    shared_app(&app, &shared, ANSWER);
    expect_registered(&app, 2);
    CHECK(app.seen == &shared.sess);
    CHECK_EQ(app.first, PJ_SUCCESS);
    app_close(&app);
    shared_close(&shared);
}

/* The child's end kills the token, though the callback was the parent's. */
static void shared_child_destroyed(void)
{
    struct app app;
    struct shared shared;

    shared_app(&app, &shared, KEEP);
    REQUIRE(lab_until(&app.challenged, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_regc_destroy(app.r.regc), PJ_SUCCESS);
    lab_events(GONE_MSEC);
    expect_dead(&shared.sess, app.kept[0].token, app.kept[0].request);
    challenge_drop(&app.kept[0]);
    shared_close(&shared);
}

/* pjsua passes a session of its own choice; any configured one will do. */
static void another_session(void)
{
    struct app app;
    struct shared shared;
    pjsip_tx_data *answer;

    app_challenged(&app, "md5-401");
    shared_open(&shared, "md5-401");
    app_configure(&shared.sess, &app);
    answer = challenge_answer(&app.kept[0]);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&shared.sess, app.kept[0].token,
                                           answer), PJ_SUCCESS);
    expect_registered(&app, 2);
    app_close(&app);
    shared_close(&shared);
}

/* A session with nothing configured is refused, and the token lives on. */
static void unconfigured_session(void)
{
    struct app app;
    struct shared shared;
    pjsip_tx_data *answer;
    long before;

    app_challenged(&app, "md5-401");
    shared_open(&shared, "md5-401");
    answer = challenge_answer(&app.kept[0]);
    before = references(answer);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&shared.sess, app.kept[0].token,
                                           answer), PJ_EINVALIDOP);
    CHECK_EQ(references(answer), before);
    CHECK_EQ(pjsip_auth_clt_async_send_req(app.kept[0].sess, app.kept[0].token,
                                           answer), PJ_SUCCESS);
    expect_registered(&app, 2);
    app_close(&app);
    shared_close(&shared);
}

#define BOTH(name) {#name, name, LAB_BOTH}
#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}

const struct lab_case shared_cases[] = {
    BOTH(shared_sync), BOTH(shared_later), BOTH(shared_inside),
    OURS(shared_child_destroyed), BOTH(another_session),
    OURS(unconfigured_session),
};
const int shared_case_count = sizeof(shared_cases) / sizeof(shared_cases[0]);
