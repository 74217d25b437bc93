/* Registrations before 2.17, where no module of PJSIP's knows of asynchronous
 * challenges: the library holds them back, and one callback is asked about all
 * sessions, for a registration shows its own to nobody. */
#include "app.h"
#include "lab.h"
#include "regc_cases.h"

#include <pjauth.h>
#include <string.h>
#include <unistd.h>

enum { LONG_MSEC = 1500 }; /* many retransmissions, if there were any */

static void open_on(struct app *app, enum action action, const char *user,
                    const char *transport)
{
    memset(app, 0, sizeof(*app));
    app->action = action;
    app->first = app->second = -1;
    app_configure(NULL, app);
    registration_open(&app->r, user, transport);
    registration_start(&app->r);
}

/* Waits until the challenge is kept. */
static void kept_on(struct app *app, const char *user, const char *transport)
{
    open_on(app, KEEP, user, transport);
    REQUIRE(lab_until(&app->challenged, 1, WAIT_MSEC));
    CHECK_EQ(app->r.done, 0);
}

static void close_all(struct app *app)
{
    app_close(app);
    lab_ask(NULL);
}

static void inside(void)
{
    struct app app;
    open_on(&app, ANSWER, "md5-401", "udp");
    expect_registered(&app, 2);
    CHECK_EQ(app.first, PJ_SUCCESS);
    CHECK_EQ(app.challenged, 1);
    close_all(&app);
}

static void inside_twice(void)
{
    struct app app;
    open_on(&app, ANSWER_TWICE, "sha-256-407", "udp");
    expect_registered(&app, 2);
    CHECK_EQ(app.first, PJ_SUCCESS);
    CHECK_EQ(app.second, PJ_EINVAL);
    CHECK_EQ(app.refs_after, app.refs_before);
    close_all(&app);
}

static void stale_nonce(void)
{
    struct app app;
    open_on(&app, ANSWER, "stale", "udp");
    expect_registered(&app, 3);
    CHECK_EQ(app.challenged, 2);
    close_all(&app);
}

static void declines(void)
{
    struct app app;
    open_on(&app, DECLINE, "sha-256-401", "udp");
    expect_registered(&app, 2);
    CHECK_EQ(app.challenged, 1);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    close_all(&app);
}

/* The peer hears nothing in between: no retransmission, no second REGISTER. */
static void later_on(const char *user, const char *transport)
{
    struct app app;
    struct registration other;

    kept_on(&app, user, transport);
    registration_once(&other, "open", transport);
    CHECK_EQ(other.code, 200);
    lab_events(LONG_MSEC);
    CHECK_EQ(app.r.done, 0);
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    expect_registered(&app, 3);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    close_all(&app);
}

static void later_udp(void) { later_on("md5-401", "udp"); }
static void later_tcp(void) { later_on("sha-512-256-407", "tcp"); }
static void later_tls(void) { later_on("sha-256-407", "tls"); }

static int vault(void *arg)
{
    struct app *app = arg;
    usleep(100 * 1000);
    app->first = challenge_send(&app->kept[0]);
    return 0;
}

static void other_thread_on(const char *transport)
{
    struct app app;
    struct worker worker;

    kept_on(&app, "sha-256-401", transport);
    worker_start(&worker, &vault, &app);
    expect_registered(&app, 2);
    worker_join(&worker);
    CHECK_EQ(app.first, PJ_SUCCESS);
    close_all(&app);
}

static void other_thread(void) { other_thread_on("udp"); }
static void other_thread_tls(void) { other_thread_on("tls"); }

/* The transaction ends with the connection, and the registration with that. */
static void closed_on(const char *transport)
{
    struct app app;
    kept_on(&app, "register-closes", transport);
    lab_reconnect(transport);
    REQUIRE(lab_until(&app.r.done, 1, WAIT_MSEC));
    CHECK_EQ(app.r.code, PJSIP_SC_TSX_TRANSPORT_ERROR);
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_EINVAL);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    close_all(&app);
}

static void closed_tcp(void) { closed_on("tcp"); }
static void closed_tls(void) { closed_on("tls"); }

static void abandon_on(const char *transport)
{
    struct app app;
    kept_on(&app, "md5-401", transport);
    CHECK_EQ(pjsip_auth_clt_async_abandon(app.kept[0].sess, app.kept[0].token),
             PJ_SUCCESS);
    CHECK_EQ(app.r.done, 1);
    CHECK(app.r.status != PJ_SUCCESS);
    CHECK_EQ(app.r.code, 401);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 1);
    close_all(&app);
}

static void abandon(void) { abandon_on("udp"); }
static void abandon_tls(void) { abandon_on("tls"); }

/* Before 2.17 a registration that is destroyed lives on until its transaction
 * ends, and PJSIP answers its challenges up to then. */
static void destroyed_first_on(const char *transport)
{
    struct app app;

    kept_on(&app, "md5-401", transport);
    CHECK_EQ(pjsip_regc_destroy(app.r.regc), PJ_SUCCESS);
    lab_events(GONE_MSEC);
    CHECK_EQ(challenge_send(&app.kept[0]), PJ_SUCCESS);
    lab_events(GONE_MSEC);
    expect_dead(app.kept[0].sess, app.kept[0].token, app.kept[0].request);
    challenge_drop(&app.kept[0]);
    CHECK_EQ(app.r.done, 0);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 2);
    lab_ask(NULL);
}

static void destroyed_first(void) { destroyed_first_on("udp"); }
static void destroyed_first_tls(void) { destroyed_first_on("tls"); }

/* Destroyed, and never answered but given up. */
static void destroyed_and_abandoned(void)
{
    struct app app;

    kept_on(&app, "md5-401", "udp");
    CHECK_EQ(pjsip_regc_destroy(app.r.regc), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(app.kept[0].sess, app.kept[0].token),
             PJ_SUCCESS);
    challenge_drop(&app.kept[0]);
    CHECK_EQ(app.r.done, 0);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 1);
    lab_ask(NULL);
}

static void deadline(void)
{
    struct app app;
    kept_on(&app, "md5-401", "udp");
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(app.kept[0].token, 150),
             PJ_SUCCESS);
    REQUIRE(lab_until(&app.r.done, 1, WAIT_MSEC));
    CHECK_EQ(app.r.code, 401);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(app.kept[0].token));
    close_all(&app);
}

/* Nobody is asked once nobody is named. */
static void asked_no_more(void)
{
    struct app app;
    open_on(&app, DECLINE, "md5-401", "udp");
    lab_ask(NULL);
    expect_registered(&app, 2);
    CHECK_EQ(app.challenged, 0);
    close_all(&app);
}

static void wrong_arguments(void)
{
    const pjsip_auth_clt_async_setting none = {NULL, NULL};
    CHECK_EQ(PJAUTH(pjauth_async_configure_default)(NULL, NULL), PJ_EINVAL);
    CHECK_EQ(PJAUTH(pjauth_async_configure_default)(lab.endpt, &none), PJ_EINVAL);
    CHECK_EQ(pjsip_auth_clt_async_configure(NULL, &none), PJ_EINVAL);
    CHECK_EQ(pjsip_auth_clt_async_abandon(NULL, NULL), PJ_EINVAL);
    CHECK_EQ(pjsip_auth_clt_async_send_req(NULL, NULL, NULL), PJ_EINVAL);
}

#define OURS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}

#define TLS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_TLS}

const struct lab_case old_cases[] = {
    OURS(inside), OURS(inside_twice), OURS(stale_nonce), OURS(declines),
    OURS(later_udp), OURS(later_tcp), TLS(later_tls), OURS(other_thread),
    TLS(other_thread_tls), OURS(closed_tcp), TLS(closed_tls), OURS(abandon),
    TLS(abandon_tls), OURS(destroyed_first), TLS(destroyed_first_tls),
    OURS(destroyed_and_abandoned), OURS(deadline), OURS(asked_no_more),
    OURS(wrong_arguments),
};
const int old_case_count = sizeof(old_cases) / sizeof(old_cases[0]);
