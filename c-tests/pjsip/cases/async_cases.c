/* Who answers a challenge, and when: inside the callback, later from another
 * thread, twice, after the owner is gone, never. */
#define _GNU_SOURCE
#include "app.h"
#include "lab.h"
#include "regc_cases.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------ inside the callback */

static void inside_with(const char *user, const char *transport)
{
    struct app app;
    app_open_over(&app, ANSWER, user, transport);
    registration_start(&app.r);
    expect_registered(&app, 2);
    CHECK_EQ(app.first, PJ_SUCCESS);
    CHECK_EQ(app.challenged, 1);
    app_close(&app);
}

static void inside_401(void) { inside_with("md5-401", "udp"); }
static void inside_407(void) { inside_with("sha-256-407", "udp"); }
static void inside_tls(void) { inside_with("sha-256-407", "tls"); }

static void inside_stale(void)
{
    struct app app;
    app_open(&app, ANSWER, "stale");
    registration_start(&app.r);
    expect_registered(&app, 3);
    CHECK_EQ(app.challenged, 2);
    app_close(&app);
}

static void inside_twice(void)
{
    struct app app;
    app_open(&app, ANSWER_TWICE, "md5-401");
    registration_start(&app.r);
    expect_registered(&app, 2);
    CHECK_EQ(app.first, PJ_SUCCESS);
    CHECK_EQ(app.second, PJ_EINVAL);
    CHECK_EQ(app.refs_after, app.refs_before);
    app_close(&app);
}

static void declines(void)
{
    struct app app;
    app_open(&app, DECLINE, "sha-256-401");
    registration_start(&app.r);
    expect_registered(&app, 2);
    CHECK_EQ(app.challenged, 1);
    app_close(&app);
}

static void declined_token_is_dead(void)
{
    struct app app;
    app_open(&app, DECLINE, "sha-256-401");
    registration_start(&app.r);
    expect_registered(&app, 2);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    app_close(&app);
}

static void answers_and_declines(void)
{
    struct app app;
    app_open(&app, ANSWER_AND_DECLINE, "md5-401");
    registration_start(&app.r);
    expect_registered(&app, 2);
    CHECK_EQ(app.first, PJ_SUCCESS);
    app_close(&app);
}

static void abandons_and_declines(void)
{
    struct app app;
    app_open(&app, ABANDON_AND_DECLINE, "md5-401");
    registration_start(&app.r);
    REQUIRE(lab_until(&app.r.done, 1, WAIT_MSEC));
    CHECK_EQ(app.r.status, PJ_ECANCELLED);
    lab_events(100);
    CHECK_EQ(app.r.done, 1);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 1);
    app_close(&app);
}

static void destroys_inside(void)
{
    struct app app;
    app_open(&app, DESTROY, "md5-401");
    registration_start(&app.r);
    REQUIRE(lab_until(&app.challenged, 1, WAIT_MSEC));
    lab_events(GONE_MSEC);
    CHECK_EQ(app.r.done, 0);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    challenge_drop(&app.kept[0]);
}

/* ------------------------------------------------------------------- later */

static int vault(void *arg)
{
    struct app *app = arg;
    usleep(100 * 1000);
    app->first = challenge_send(&app->kept[0]);
    return 0;
}

/* While the vault thinks, the SIP thread serves another registration. */
static void later_with(const char *user, const char *transport)
{
    struct app app;
    struct registration other;
    struct worker worker;

    app_challenged_over(&app, user, transport);
    worker_start(&worker, &vault, &app);
    registration_once(&other, "open", transport);
    CHECK_EQ(other.code, 200);
    CHECK_EQ(app.r.done, 0);
    expect_registered(&app, 3);
    worker_join(&worker);
    CHECK_EQ(app.first, PJ_SUCCESS);
    app_close(&app);
}

static void later_401(void) { later_with("md5-401", "udp"); }
static void later_407(void) { later_with("sha-512-256-407", "udp"); }
static void later_tcp(void) { later_with("md5-401", "tcp"); }
static void later_tls(void) { later_with("sha-256-401", "tls"); }

/* The connection that brought the challenge ends; the answer takes another. */
static void closed_over(const char *transport)
{
    struct app app;
    app_challenged_over(&app, "register-closes", transport);
    lab_reconnect(transport);
    CHECK_EQ(app.r.done, 0);
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    expect_registered(&app, 2);
    app_close(&app);
}

static void closed_tcp(void) { closed_over("tcp"); }
static void closed_tls(void) { closed_over("tls"); }

static void later_twice(void)
{
    struct app app;
    pjsip_tx_data *answer;

    app_challenged(&app, "md5-401");
    answer = challenge_answer(&app.kept[0]);
    pjsip_tx_data_add_ref(answer);
    CHECK_EQ(pjsip_auth_clt_async_send_req(app.kept[0].sess, app.kept[0].token,
                                           answer), PJ_SUCCESS);
    CHECK_EQ(send_watched(&app, answer), PJ_EINVAL);
    CHECK_EQ(app.refs_after, app.refs_before);
    pjsip_tx_data_dec_ref(answer);
    expect_registered(&app, 2);
    app_close(&app);
}

/* Once more when the transaction, its pool and the token are long freed. */
static void used_long_after(void)
{
    struct app app;
    app_challenged(&app, "md5-401");
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    expect_registered(&app, 2);
    lab_events(GONE_MSEC);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    app_close(&app);
}

static void destroyed_over(const char *transport)
{
    struct app app;
    pjsip_tx_data *answer;

    app_challenged_over(&app, "md5-401", transport);
    answer = challenge_answer(&app.kept[0]);
    CHECK_EQ(pjsip_regc_destroy(app.r.regc), PJ_SUCCESS);
    lab_events(GONE_MSEC);
    /* The session's memory is gone too: the token alone decides. */
    expect_dead(app.kept[0].sess, app.kept[0].token, answer);
    pjsip_tx_data_dec_ref(answer);
    challenge_drop(&app.kept[0]);
    CHECK_EQ(app.r.done, 0);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 1);
}

static void after_destroy(void) { destroyed_over("udp"); }
static void after_destroy_tls(void) { destroyed_over("tls"); }

static void abandon_over(const char *transport)
{
    struct app app;
    app_challenged_over(&app, "md5-401", transport);
    CHECK_EQ(pjsip_auth_clt_async_abandon(app.kept[0].sess, app.kept[0].token),
             PJ_SUCCESS);
    CHECK_EQ(app.r.done, 1);
    CHECK_EQ(app.r.status, PJ_ECANCELLED);
    CHECK_EQ(app.r.code, 401);
    CHECK_EQ(pjsip_auth_clt_async_abandon(app.kept[0].sess, app.kept[0].token),
             PJ_EINVAL);
    CHECK_EQ(app.r.done, 1);
    app_close(&app);
}

static void abandon(void) { abandon_over("udp"); }
static void abandon_tls(void) { abandon_over("tls"); }

static void abandon_then_send(void)
{
    struct app app;
    pjsip_tx_data *answer;

    app_challenged(&app, "md5-401");
    answer = challenge_answer(&app.kept[0]);
    CHECK_EQ(pjsip_auth_clt_async_abandon(app.kept[0].sess, app.kept[0].token),
             PJ_SUCCESS);
    CHECK_EQ(send_watched(&app, answer), PJ_EINVAL);
    CHECK_EQ(app.refs_after, app.refs_before);
    pjsip_tx_data_dec_ref(answer);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 1);
    app_close(&app);
}

static void send_then_abandon(void)
{
    struct app app;
    app_challenged(&app, "md5-401");
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(app.kept[0].sess, app.kept[0].token),
             PJ_EINVAL);
    expect_registered(&app, 2);
    app_close(&app);
}

/* A session may be challenged again before it has answered. */
static void two_outstanding(void)
{
    struct app app;
    app_challenged(&app, "md5-401");
    registration_start(&app.r);
    REQUIRE(lab_until(&app.challenged, 2, WAIT_MSEC));
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    REQUIRE(lab_until(&app.r.done, 1, WAIT_MSEC));
    CHECK_EQ(app.r.code, 200);
    CHECK_EQ(pjsip_auth_clt_async_abandon(app.kept[1].sess, app.kept[1].token),
             PJ_SUCCESS);
    CHECK_EQ(app.r.done, 2);
    app_close(&app);
}

/* The registration refuses the answer because it is busy: the token and the
 * request are used up all the same. */
static void send_fails(void)
{
    struct app app;
    pjsip_tx_data *answer;

    app_challenged(&app, "md5-401");
    answer = challenge_answer(&app.kept[0]);
    pjsip_tx_data_add_ref(answer);
    registration_start(&app.r);
    CHECK_EQ(send_watched(&app, answer), PJSIP_EBUSY);
    /* pjauth's token had a reference to the request of its own. */
    CHECK_EQ(app.refs_after, app.refs_before - (lab.stock ? 1 : 2));
    CHECK_EQ(app.r.done, 1);
    CHECK_EQ(app.r.status, PJSIP_EBUSY);
    CHECK_EQ(send_watched(&app, answer), PJ_EINVAL);
    pjsip_tx_data_dec_ref(answer);
    REQUIRE(lab_until(&app.challenged, 2, WAIT_MSEC));
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    REQUIRE(lab_until(&app.r.done, 2, WAIT_MSEC));
    CHECK_EQ(app.r.code, 200);
    app_close(&app);
}

/* The registration is given up as soon as its end has been sent, and that is challenged: PJSIP
 * still hands it over. Answered inside, the binding goes; later, there is nothing to send with. */
static void unregistered_as(enum action action)
{
    struct app app;
    pjsip_tx_data *request, *answer = NULL;

    app_open(&app, ANSWER, "md5-401");
    registration_start(&app.r);
    expect_registered(&app, 2);
    app.action = action;
    CHECK_EQ(pjsip_regc_unregister(app.r.regc, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_regc_send(app.r.regc, request), PJ_SUCCESS);
    CHECK_EQ(pjsip_regc_destroy(app.r.regc), PJ_SUCCESS);
    REQUIRE(lab_until(&app.challenged, 2, WAIT_MSEC));
    lab_events(GONE_MSEC);
    CHECK_EQ(app.r.done, 1);
    if (action == KEEP) {
        answer = app.kept[0].request;
        pjsip_tx_data_add_ref(answer);
        expect_dead(app.kept[0].sess, app.kept[0].token, answer);
        pjsip_tx_data_dec_ref(answer);
    } else if (action == ANSWER) {
        CHECK_EQ(app.first, PJ_SUCCESS);
    }
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"REGISTER\""), action == KEEP ? 1 : 2);
    challenge_drop(&app.kept[0]);
    challenge_drop(&app.kept[1]);
}

static void unregistered_inside(void) { unregistered_as(ANSWER); }
static void unregistered_later(void) { unregistered_as(KEEP); }
static void unregistered_declined(void) { unregistered_as(DECLINE); }

/* ------------------------------------------------------------------- never */

static void never_then_destroyed(void)
{
    struct app app;
    app_challenged(&app, "md5-401");
    challenge_drop(&app.kept[0]);
    lab_events(GONE_MSEC);
    app_close(&app);
    CHECK_EQ(app.r.done, 0);
}

#define BOTH(name) {#name, name, LAB_BOTH}
#define BOTH_TLS(name) {#name, name, LAB_BOTH | LAB_TLS}
#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}
#define OURS_TLS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_TLS}

const struct lab_case async_cases[] = {
    BOTH(inside_401), BOTH(inside_407), BOTH_TLS(inside_tls),
    BOTH(inside_stale), BOTH(inside_twice),
    BOTH(declines), OURS(declined_token_is_dead), OURS(answers_and_declines),
    OURS(abandons_and_declines), OURS(destroys_inside), BOTH(later_401),
    BOTH(later_407), BOTH(later_tcp), BOTH_TLS(later_tls), BOTH(closed_tcp),
    BOTH_TLS(closed_tls), BOTH(later_twice), OURS(used_long_after),
    OURS(after_destroy), OURS_TLS(after_destroy_tls), BOTH(abandon),
    BOTH_TLS(abandon_tls), BOTH(abandon_then_send),
    BOTH(send_then_abandon), BOTH(two_outstanding), BOTH(send_fails),
    OURS(unregistered_inside), OURS(unregistered_later), OURS(unregistered_declined),
    OURS(never_then_destroyed),
};
const int async_case_count = sizeof(async_cases) / sizeof(async_cases[0]);
