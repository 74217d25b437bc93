/* The callback of sessions that have none of their own: before pjproject 2.17 the
 * only way to the challenges of REGISTER and PUBLISH, which are held there as those
 * of calls are. */
#include "presence.h"

#include <pjauth.h>
#include <stdio.h>
#include <string.h>

enum { TIMER_T1_MSEC = 15, LONG_MSEC = 5 * 64 * TIMER_T1_MSEC / 2 };

static void wait_and_answer(struct vault *vault)
{
    REQUIRE(lab_until(&vault->challenged, 1, WAIT_MSEC));
    vault_answer_after(vault, LONG_MSEC);
    CHECK_EQ(vault->challenged, 1);
    CHECK_EQ(vault->status, PJ_SUCCESS);
}

/* ---------------------------------------------------------------- REGISTER */

static void register_with(enum vault_mode mode, const char *transport)
{
    struct registration r;
    struct vault vault;

    vault_open_default(&vault, mode);
    registration_open(&r, "sha-256-401", transport);
    registration_start(&r);
    if (mode == VAULT_KEEP)
        wait_and_answer(&vault);
    REQUIRE(lab_until(&r.done, 1, WAIT_MSEC));
    CHECK_EQ(r.code, 200);
    CHECK_EQ(vault.challenged, 1);
    vault_close_default(&vault);
    CHECK_EQ(pjsip_regc_destroy(r.regc), PJ_SUCCESS);
    expect_clean(transport, "REGISTER", 2);
}

static void register_udp(void) { register_with(VAULT_KEEP, "udp"); }
static void register_tcp(void) { register_with(VAULT_KEEP, "tcp"); }
static void register_tls(void) { register_with(VAULT_KEEP, "tls"); }
static void register_inside(void) { register_with(VAULT_INSIDE, "udp"); }

static void register_abandoned(void)
{
    struct registration r;
    struct vault vault;

    vault_open_default(&vault, VAULT_KEEP);
    registration_open(&r, "md5-407", "tcp");
    registration_start(&r);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_SUCCESS);
    REQUIRE(lab_until(&r.done, 1, WAIT_MSEC));
    CHECK(r.code == 407 || r.status != PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_EINVAL);
    vault_close_default(&vault);
    CHECK_EQ(pjsip_regc_destroy(r.regc), PJ_SUCCESS);
}

/* Destroyed while it waits: the registration ends with its challenge. */
static void destroyed_over(const char *transport)
{
    struct registration r;
    struct vault vault;

    vault_open_default(&vault, VAULT_KEEP);
    registration_open(&r, "sha-256-401", transport);
    registration_start(&r);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(50);
    CHECK_EQ(pjsip_regc_destroy(r.regc), PJ_SUCCESS);
    lab_events(50);
    pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token);
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_EINVAL);
    vault_close_default(&vault);
    CHECK_EQ(r.done, 0);
}

static void register_destroyed(void) { destroyed_over("udp"); }
static void register_destroyed_tls(void) { destroyed_over("tls"); }

/* ----------------------------------------------------------------- PUBLISH */

static void publish_over(const char *transport)
{
    pjsip_publishc *pub;
    pjsip_cred_info cred;
    struct vault vault;

    vault_open_default(&vault, VAULT_KEEP);
    vault_credential(&cred, UA_USER);
    pub = presence_publication(transport);
    CHECK_EQ(pjsip_publishc_set_credentials(pub, 1, &cred), PJ_SUCCESS);
    publish_send(pub);
    wait_and_answer(&vault);
    REQUIRE(lab_until(&presence_seen.published, 1, WAIT_MSEC));
    CHECK_EQ(presence_seen.code, 200);
    vault_close_default(&vault);
    CHECK_EQ(pjsip_publishc_destroy(pub), PJ_SUCCESS);
    expect_clean(transport, "PUBLISH", 2);
}

static void publish(void) { publish_over("udp"); }
static void publish_tcp(void) { publish_over("tcp"); }
static void publish_tls(void) { publish_over("tls"); }

/* --------------------------------------------------------------- in dialogs */

static void subscribe_over(const char *transport)
{
    pjsip_dialog *dlg;
    pjsip_evsub *sub = presence_subscription(transport, &dlg);
    pjsip_cred_info cred;
    struct vault vault;
    int i;

    vault_credential(&cred, UA_USER);
    CHECK_EQ(pjsip_auth_clt_set_credentials(&dlg->auth_sess, 1, &cred), PJ_SUCCESS);
    for (i = 1; i <= 2; ++i) { /* for five minutes, and then no longer */
        vault_open_default(&vault, VAULT_KEEP);
        subscribe_send(sub, i == 1 ? 300 : 0);
        wait_and_answer(&vault);
        REQUIRE(lab_until(i == 1 ? &presence_seen.active : &presence_seen.terminated, 1,
                          WAIT_MSEC));
        vault_close_default(&vault);
    }
    lab_events(100);
    expect_clean(transport, "SUBSCRIBE", 4);
}

static void subscribe(void) { subscribe_over("tcp"); }
static void subscribe_tls(void) { subscribe_over("tls"); }

static void invite_over(const char *transport)
{
    struct vault vault, unused;
    pjsip_inv_session *inv;

    vault_open_default(&vault, VAULT_KEEP);
    inv = call_start(&unused, VAULT_SYNC, "invite", transport, NULL);
    wait_and_answer(&vault);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    call_end(inv);
    vault_close_default(&vault);
    expect_clean(transport, "INVITE", 2);
}

static void invite(void) { invite_over("tcp"); }
static void invite_tls(void) { invite_over("tls"); }

/* Who has a callback of his own is asked himself. */
static void own_callback(void)
{
    struct vault vault, own;
    pjsip_inv_session *inv;

    vault_open_default(&vault, VAULT_KEEP);
    inv = call_start(&own, VAULT_INSIDE, "invite", "udp", NULL);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    call_end(inv);
    CHECK_EQ(own.challenged, 1);
    CHECK_EQ(vault.challenged, 0);
    vault_close(&own);
    vault_close_default(&vault);
}

static void misused(void)
{
    __typeof__(&pjauth_async_configure_default) configure =
        PJAUTH(pjauth_async_configure_default);
    pjsip_auth_clt_async_setting empty;

    memset(&empty, 0, sizeof(empty));
    CHECK_EQ(configure(NULL, NULL), PJ_EINVAL);
    CHECK_EQ(configure(NULL, &empty), PJ_EINVAL);
    CHECK_EQ(configure(lab.endpt, &empty), PJ_EINVAL);
    CHECK_EQ(configure(lab.endpt, NULL), PJ_SUCCESS);
}

#define CASE(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}
#define TLS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_TLS}

static const struct lab_case cases[] = {
    CASE(register_udp), CASE(register_tcp), TLS(register_tls),
    CASE(register_inside), CASE(register_abandoned), CASE(register_destroyed),
    TLS(register_destroyed_tls), CASE(publish), CASE(publish_tcp),
    TLS(publish_tls), CASE(subscribe), TLS(subscribe_tls), CASE(invite),
    TLS(invite_tls), CASE(own_callback), CASE(misused),
};

int main(int argc, char **argv)
{
    lab_open(argc, argv);
    lab.settles_late = 1;
    ua_modules();
    /* Shorter than LONG_MSEC, so that a transaction which is not held ends. */
    pjsip_tsx_set_timers(TIMER_T1_MSEC, 0, 250, 1000);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
