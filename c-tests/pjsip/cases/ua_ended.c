/* What has ended when its challenge is answered, or ends while the application is asked.
 * First requests inside a call that PJSIP's own modules hand over: the call is over, its
 * dialog not yet, for over UDP it stays for as long as the BYE's transaction. */
#include "presence.h"
#include "ua.h"

#include <pjauth.h>
#include <stdio.h>
#include <string.h>

static pjsip_inv_session *info_challenged(struct vault *vault, enum vault_mode mode,
                                          const char *transport)
{
    pjsip_inv_session *inv = call_start(vault, mode, "info", transport, NULL);
    pj_str_t name = lab_str("INFO");
    pjsip_method info;
    pjsip_tx_data *request;

    CHECK(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    pjsip_method_init_np(&info, &name);
    CHECK_EQ(pjsip_dlg_create_request(inv->dlg, &info, -1, &request),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, request), PJ_SUCCESS);
    CHECK(lab_until(&vault->challenged, 1, WAIT_MSEC));
    return inv;
}

static void info_over(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = info_challenged(&vault, mode, transport);

    REQUIRE(lab_until(&vault.answered, 1, WAIT_MSEC));
    lab_events(100);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(vault.status, PJ_SUCCESS);
    expect_clean(transport, "INFO", 2);
    call_end(inv);
    vault_close(&vault);
}

static void info_inside(void) { info_over(VAULT_INSIDE, "udp"); }
static void info_later(void) { info_over(VAULT_LATER, "udp"); }
static void info_tls(void) { info_over(VAULT_LATER, "tls"); }

/* The call is gone, and with it what PJSIP would send with. */
static void info_after_bye_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = info_challenged(&vault, VAULT_KEEP, transport);
    pjsip_tx_data *answer = challenge_answer(&vault.kept);

    lab_wire();
    call_end(inv);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
    lab_events(100);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"INFO\""), 0);
}

static void info_after_bye(void) { info_after_bye_over("udp"); }
static void info_after_bye_tls(void) { info_after_bye_over("tls"); }

static void info_abandoned_after_bye(void)
{
    struct vault vault;
    pjsip_inv_session *inv = info_challenged(&vault, VAULT_KEEP, "udp");

    call_end(inv);
    pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(vault.kept.token));
    vault_close(&vault);
}

/* The library's own deadline. */
static void info_expires_after_bye(void)
{
    struct vault vault;
    pjsip_inv_session *inv = info_challenged(&vault, VAULT_KEEP, "udp");

    call_end(inv);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(vault.kept.token, 10),
             PJ_SUCCESS);
    lab_events(100);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(vault.kept.token));
    vault_close(&vault);
}

/* --------------------------------------------- ended inside the callback */

/* What the callback ends; all of the others is NULL. */
static struct {
    pjsip_inv_session *inv;
    pjsip_evsub *sub;
    pjsip_publishc *pub;
    pj_bool_t hangs_up, accepts;
    volatile int asked;
} within;

static pj_bool_t end_within(pjsip_auth_clt_sess *sess, void *token,
                            const pjsip_auth_clt_async_on_chal_param *param)
{
    pjsip_tx_data *request = NULL;
    (void)sess;
    (void)token;
    (void)param;
    LAB_COUNT(within.asked);
    if (within.inv && within.hangs_up) {
        CHECK_EQ(pjsip_inv_end_session(within.inv, 487, NULL, &request), PJ_SUCCESS);
        if (request)
            pjsip_inv_send_msg(within.inv, request);
    } else if (within.inv) {
        CHECK_EQ(pjsip_inv_terminate(within.inv, 487, PJ_TRUE), PJ_SUCCESS);
    }
    if (within.sub)
        CHECK_EQ(pjsip_pres_terminate(within.sub, PJ_TRUE), PJ_SUCCESS);
    if (within.pub)
        CHECK_EQ(pjsip_publishc_destroy(within.pub), PJ_SUCCESS);
    return within.accepts;
}

static void configure_within(pjsip_auth_clt_sess *sess)
{
    pjsip_auth_clt_async_setting setting = {&end_within, NULL};
    memset(&within, 0, sizeof(within));
    CHECK_EQ(pjsip_auth_clt_async_configure(sess, &setting), PJ_SUCCESS);
}

static void call_within(const char *transport, int hangs_up, int accepts)
{
    struct vault vault;
    pjsip_inv_session *inv = call_start(&vault, VAULT_SYNC, "invite", transport, NULL);

    configure_within(&inv->dlg->auth_sess);
    within.inv = inv;
    within.hangs_up = hangs_up;
    within.accepts = accepts;
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    lab_events(100);
    CHECK_EQ(within.asked, 1);
    CHECK_EQ(ua_seen.disconnected, 1);
    expect_clean(transport, "INVITE", 1);
    vault_close(&vault);
}

static void inside_hang_up(void) { call_within("udp", 1, 1); }
static void inside_hang_up_tcp(void) { call_within("tcp", 1, 0); }
static void inside_terminate(void) { call_within("udp", 0, 1); }
static void inside_terminate_tcp(void) { call_within("tcp", 0, 0); }

static void inside_unsubscribe_as(int accepts)
{
    struct vault vault;
    pjsip_dialog *dlg;
    pjsip_evsub *sub = presence_subscription("udp", &dlg);

    vault_open(&vault, VAULT_SYNC, &dlg->auth_sess, UA_USER);
    configure_within(&dlg->auth_sess);
    within.sub = sub;
    within.accepts = accepts;
    subscribe_send(sub, 300);
    REQUIRE(lab_until(&within.asked, 1, WAIT_MSEC));
    lab_events(100);
    CHECK_EQ(presence_seen.terminated, 1);
    vault_close(&vault);
    expect_clean("udp", "SUBSCRIBE", 1);
}

static void inside_unsubscribe(void) { inside_unsubscribe_as(1); }
static void inside_unsubscribe_declined(void) { inside_unsubscribe_as(0); }

static void inside_unpublish_as(int accepts)
{
    pjsip_publishc *pub = presence_publication("udp");
    pjsip_cred_info cred;

    vault_credential(&cred, UA_USER);
    CHECK_EQ(pjsip_publishc_set_credentials(pub, 1, &cred), PJ_SUCCESS);
#if HAS_ASYNC
    configure_within(pjsip_publishc_get_auth_sess(pub));
#endif
    within.pub = pub;
    within.accepts = accepts;
    publish_send(pub);
    REQUIRE(lab_until(&within.asked, 1, WAIT_MSEC));
    lab_events(300);
}

static void inside_unpublish(void) { inside_unpublish_as(1); }
static void inside_unpublish_declined(void) { inside_unpublish_as(0); }

/* ------------------------------------- subscriptions that end first */

static pjsip_evsub *subscription_challenged(struct vault *vault)
{
    pjsip_dialog *dlg;
    pjsip_evsub *sub = presence_subscription("udp", &dlg);

    vault_open(vault, VAULT_KEEP, &dlg->auth_sess, UA_USER);
    subscribe_send(sub, 300);
    CHECK(lab_until(&vault->challenged, 1, WAIT_MSEC));
    return sub;
}

static void unsubscribed_first(void)
{
    struct vault vault;
    pjsip_evsub *sub = subscription_challenged(&vault);
    pjsip_tx_data *answer = challenge_answer(&vault.kept);

    CHECK_EQ(pjsip_evsub_terminate(sub, PJ_TRUE), PJ_SUCCESS);
    CHECK_EQ(presence_seen.terminated, 1);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
    lab_events(200);
    expect_clean("udp", "SUBSCRIBE", 1);
    CHECK_EQ(presence_seen.terminated, 1);
}

static void unsubscribed_expires(void)
{
    struct vault vault;
    pjsip_evsub *sub = subscription_challenged(&vault);

    CHECK_EQ(pjsip_evsub_terminate(sub, PJ_TRUE), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(vault.kept.token, 10), PJ_SUCCESS);
    lab_events(100);
    CHECK_EQ(presence_seen.terminated, 1);
    vault_close(&vault);
}

/* ------------------------------------------------- one that is never content */

enum { MOST_STALE = 3 }; /* PJSIP_MAX_STALE_COUNT, as it comes */

static void stale_for_ever_over(const char *transport)
{
    struct vault vault;
    int asked;

    call_start(&vault, VAULT_KEEP, "invite-stale", transport, NULL);
    for (asked = 1; !ua_seen.disconnected && asked < 10; ++asked) {
        pjsip_tx_data *answer = NULL;
        REQUIRE(lab_until(&vault.challenged, asked, WAIT_MSEC));
        if (pjsip_auth_clt_reinit_req(vault.kept.sess, vault.kept.response,
                                      vault.kept.request, &answer) == PJ_SUCCESS)
            CHECK_EQ(pjsip_auth_clt_async_send_req(vault.kept.sess, vault.kept.token,
                                                   answer), PJ_SUCCESS);
        else
            CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
                     PJ_SUCCESS);
        lab_events(50);
    }
    CHECK_EQ(ua_seen.disconnected, 1);
    CHECK_EQ(vault.challenged, 1 + MOST_STALE);
    vault_close(&vault);
    expect_clean(transport, "INVITE", 1 + MOST_STALE);
}

static void stale_for_ever(void) { stale_for_ever_over("udp"); }
static void stale_for_ever_tcp(void) { stale_for_ever_over("tcp"); }

#define ASKS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK}
#define TLS(name) \
    {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK | LAB_TLS}

const struct lab_case ended_cases[] = {
    ASKS(info_inside), ASKS(info_later), TLS(info_tls), ASKS(info_after_bye),
    TLS(info_after_bye_tls), ASKS(info_abandoned_after_bye),
    ASKS(info_expires_after_bye), ASKS(inside_hang_up), ASKS(inside_hang_up_tcp),
    ASKS(inside_terminate), ASKS(inside_terminate_tcp), ASKS(inside_unsubscribe),
    ASKS(inside_unsubscribe_declined),
    ASKS(inside_unpublish), ASKS(inside_unpublish_declined), ASKS(unsubscribed_first),
    ASKS(unsubscribed_expires), ASKS(stale_for_ever), ASKS(stale_for_ever_tcp),
};
const int ended_case_count = sizeof(ended_cases) / sizeof(ended_cases[0]);
