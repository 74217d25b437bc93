/* What pjauth.h adds: lists of outstanding challenges, deadlines, statistics. */
#include "app.h"
#include "lab.h"
#include "regc_cases.h"

#include <pjauth.h>
#include <stddef.h>
#include <string.h>

static unsigned outstanding(const pjsip_auth_clt_sess *sess)
{
    unsigned count = 0;
    CHECK_EQ(PJAUTH(pjauth_session_challenges)(
                 sess, NULL, sizeof(struct pjauth_challenge_info), &count), PJ_SUCCESS);
    return count;
}

static void list(void)
{
    struct app first, second;
    struct pjauth_challenge_info info[4];
    unsigned count = 4;

    app_challenged(&first, "md5-401");
    lab_events(30);
    app_challenged(&second, "sha-256-407");
    CHECK_EQ(outstanding(first.kept[0].sess), 1);
    CHECK_EQ(outstanding(NULL), 2);
    memset(info, 0, sizeof(info));
    CHECK_EQ(PJAUTH(pjauth_session_challenges)(second.kept[0].sess, info,
                                               sizeof(*info), &count),
             PJ_SUCCESS);
    CHECK_EQ(count, 1);
    CHECK(info[0].token == second.kept[0].token);
    CHECK_EQ(info[0].status_code, 407);
    CHECK_EQ(info[0].expires_msec, -1);
    CHECK_EQ(strcmp(info[0].realm, "pjauth.test"), 0);
    CHECK_EQ(PJAUTH(pjauth_challenge_get_info)(first.kept[0].token, info,
                                               sizeof(*info)),
             PJ_SUCCESS);
    CHECK_EQ(info[0].status_code, 401);
    CHECK(info[0].age_msec >= 20);
    /* Less room than there is to tell: the count tells it. */
    count = 1;
    info[1].token = NULL;
    CHECK_EQ(PJAUTH(pjauth_session_challenges)(NULL, info, sizeof(*info),
                                               &count), PJ_SUCCESS);
    CHECK_EQ(count, 2);
    CHECK(info[1].token == NULL);
    CHECK_EQ(challenge_send(&first.kept[0]), PJ_SUCCESS);
    CHECK_EQ(outstanding(first.kept[0].sess), 0);
    CHECK_EQ(PJAUTH(pjauth_challenge_get_info)(first.kept[0].token, info,
                                               sizeof(*info)),
             PJ_EINVAL);
    REQUIRE(lab_until(&first.r.done, 1, WAIT_MSEC));
    app_close(&first);
    app_close(&second);
    CHECK_EQ(outstanding(NULL), 0);
}

static void list_of_parent(void)
{
    struct app app;
    struct shared shared;

    shared_app(&app, &shared, KEEP);
    REQUIRE(lab_until(&app.challenged, 1, WAIT_MSEC));
    CHECK_EQ(outstanding(&shared.sess), 1);
    CHECK_EQ(outstanding(pjsip_regc_get_auth_sess(app.r.regc)), 1);
    app_close(&app);
    CHECK_EQ(outstanding(&shared.sess), 0);
    shared_close(&shared);
}

/* ---------------------------------------------------------------- deadlines */

static void expect_expired(struct app *app)
{
    REQUIRE(lab_until(&app->r.done, 1, WAIT_MSEC));
    CHECK_EQ(app->r.status, PJ_ECANCELLED);
    CHECK_EQ(app->r.code, 401);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(app->kept[0].token));
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app->kept[0].token, 1),
             PJ_EINVAL);
    expect_dead(app->kept[0].sess, app->kept[0].token, app->kept[0].request);
}

static void deadline(void)
{
    struct app app;
    struct pjauth_challenge_info info;

    app_challenged(&app, "md5-401");
    CHECK(PJAUTH(pjauth_challenge_is_live)(app.kept[0].token));
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app.kept[0].token, 60000),
             PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_challenge_get_info)(app.kept[0].token, &info,
                                               sizeof(info)),
             PJ_SUCCESS);
    CHECK(info.expires_msec > 0 && info.expires_msec <= 60010);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app.kept[0].token, 150),
             PJ_SUCCESS);
    expect_expired(&app);
    app_close(&app);
}

static void default_deadline(void)
{
    struct app app;

    PJAUTH(pjauth_set_default_deadline)(120);
    app_challenged(&app, "md5-401");
    PJAUTH(pjauth_set_default_deadline)(0);
    expect_expired(&app);
    app_close(&app);
}

static void deadline_taken_away(void)
{
    struct app app;

    app_challenged(&app, "md5-401");
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app.kept[0].token, 500),
             PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app.kept[0].token, 0),
             PJ_SUCCESS);
    lab_events(700);
    CHECK_EQ(app.r.done, 0);
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    expect_registered(&app, 2);
    app_close(&app);
}

/* Whoever was in time is not told of the deadline. */
static void answered_in_time(void)
{
    struct app app;

    app_challenged(&app, "md5-401");
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app.kept[0].token, 800),
             PJ_SUCCESS);
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    expect_registered(&app, 2);
    lab_events(1000);
    CHECK_EQ(app.r.done, 1);
    app_close(&app);
}

static void destroyed_before_deadline(void)
{
    struct app app;

    app_challenged(&app, "md5-401");
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app.kept[0].token, 500),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_regc_destroy(app.r.regc), PJ_SUCCESS);
    lab_events(GONE_MSEC + 500);
    CHECK_EQ(app.r.done, 0);
    challenge_drop(&app.kept[0]);
}

/* -------------------------------------------------------------------- sizes */

/* A program that knows a shorter structure, or a longer one, gets what there is,
 * and no byte beyond what it has room for. */
static void sizes(void)
{
    enum { SHORT = offsetof(struct pjauth_challenge_info, status_code) };
    struct {
        struct pjauth_challenge_info known;
        unsigned char later[24];
    } info[3];
    struct pjauth_sip_stats stats;
    unsigned i, count = 2;
    struct app app;

    app_challenged(&app, "md5-401");
    memset(info, 0x5a, sizeof(info));
    CHECK_EQ(PJAUTH(pjauth_challenge_get_info)(app.kept[0].token,
                                               &info[0].known, SHORT),
             PJ_SUCCESS);
    CHECK(info[0].known.token == app.kept[0].token);
    for (i = SHORT; i < sizeof(info[0]); ++i)
        CHECK_EQ(((unsigned char *)info)[i], 0x5a);
    CHECK_EQ(PJAUTH(pjauth_session_challenges)(NULL, &info[0].known,
                                               sizeof(info[0]), &count),
             PJ_SUCCESS);
    CHECK_EQ(count, 1);
    CHECK_EQ(info[0].known.status_code, 401);
    for (i = 0; i < sizeof(info[0].later); ++i)
        CHECK_EQ(info[0].later[i], 0);
    CHECK_EQ(info[1].later[0], 0x5a);
    memset(&stats, 0x5a, sizeof(stats));
    PJAUTH(pjauth_sip_get_stats)(&stats, sizeof(stats.minted));
    CHECK(stats.minted > 0 && stats.minted < 0x5a5a5a5a);
    CHECK_EQ(stats.sent, 0x5a5a5a5a5a5a5a5a);
    app_close(&app);
    challenge_drop(&app.kept[0]);
}

/* --------------------------------------------------------------- statistics */

/* One token for each way there is to end. */
static void statistics(void)
{
    struct pjauth_sip_stats a, b;
    struct app app;

    PJAUTH(pjauth_sip_get_stats)(&a, sizeof(a));
    CHECK_EQ(a.outstanding, 0);

    app_challenged(&app, "md5-401");
    PJAUTH(pjauth_sip_get_stats)(&b, sizeof(b));
    CHECK_EQ(b.outstanding, 1);
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    expect_registered(&app, 2);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    app_close(&app);

    app_challenged(&app, "md5-401");
    CHECK_EQ(pjsip_auth_clt_async_abandon(app.kept[0].sess, app.kept[0].token),
             PJ_SUCCESS);
    app_close(&app);

    app_open(&app, DECLINE, "md5-401");
    registration_start(&app.r);
    REQUIRE(lab_until(&app.r.done, 1, WAIT_MSEC));
    app_close(&app);

    app_challenged(&app, "md5-401");
    app_close(&app);

    app_challenged(&app, "md5-401");
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app.kept[0].token, 50),
             PJ_SUCCESS);
    REQUIRE(lab_until(&app.r.done, 1, WAIT_MSEC));
    app_close(&app);

    PJAUTH(pjauth_sip_get_stats)(&b, sizeof(b));
    CHECK_EQ(b.minted - a.minted, 5);
    CHECK_EQ(b.sent - a.sent, 1);
    CHECK_EQ(b.abandoned - a.abandoned, 1);
    CHECK_EQ(b.declined - a.declined, 1);
    CHECK_EQ(b.revoked - a.revoked, 1);
    CHECK_EQ(b.expired - a.expired, 1);
    CHECK_EQ(b.refused - a.refused, 2);
    CHECK_EQ(b.outstanding, 0);
}

static void wrong_arguments(void)
{
    struct pjauth_challenge_info info;
    unsigned count = 1;
    int here;

    CHECK(!PJAUTH(pjauth_challenge_is_live)(NULL));
    CHECK(!PJAUTH(pjauth_challenge_is_live)(&here));
    CHECK_EQ(PJAUTH(pjauth_challenge_get_info)(&here, &info, sizeof(info)),
             PJ_EINVAL);
    CHECK_EQ(PJAUTH(pjauth_challenge_get_info)(NULL, NULL, 0), PJ_EINVAL);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(&here, 10), PJ_EINVAL);
    CHECK_EQ(PJAUTH(pjauth_session_challenges)(NULL, NULL, sizeof(info),
                                               &count), PJ_EINVAL);
    CHECK_EQ(PJAUTH(pjauth_session_challenges)(NULL, &info, sizeof(info),
                                               NULL), PJ_EINVAL);
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(NULL, 0x80), PJ_EINVAL);
    PJAUTH(pjauth_sip_get_stats)(NULL, 0);
}

#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}

const struct lab_case extra_cases[] = {
    OURS(list), OURS(list_of_parent), OURS(deadline), OURS(default_deadline),
    OURS(deadline_taken_away), OURS(answered_in_time),
    OURS(destroyed_before_deadline), OURS(sizes), OURS(statistics),
    OURS(wrong_arguments),
};
const int extra_case_count = sizeof(extra_cases) / sizeof(extra_cases[0]);
