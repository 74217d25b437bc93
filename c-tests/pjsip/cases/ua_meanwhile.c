/* What the user and the application do while a call's challenge waits. */
#include "ua.h"

#include <string.h>

/* Hanging up ends the call at once, whether or not the answer is made. */
static void hang_up(const char *scenario, int is_answered,
                    const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv;
    pjsip_tx_data *answer = NULL;

    inv = call_start(&vault, VAULT_KEEP, scenario, transport, NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(100);
    if (is_answered)
        answer = challenge_answer(&vault.kept);
    call_end(inv);
    CHECK_EQ(ua_seen.disconnected, 1);
    /* With the call its session has gone: nothing can be prepared any more. */
    if (answer)
        expect_unanswerable(&vault, answer);
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_EINVAL);
    vault_close(&vault);
    lab_events(200);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"INVITE\""), 1);
}

static void cancel_before(void) { hang_up("invite", 0, "tcp"); }
static void cancel_before_tls(void) { hang_up("invite", 0, "tls"); }
static void cancel_after(void) { hang_up("invite", 1, "tcp"); }
static void cancel_after_tls(void) { hang_up("invite", 1, "tls"); }
static void cancel_rings(void) { hang_up("rings", 1, "tcp"); }
/* The peer says nothing to the CANCEL either. */
static void cancel_mute(void) { hang_up("mute", 0, "tcp"); }
static void cancel_mute_tls(void) { hang_up("mute", 0, "tls"); }

/* Hung up before the challenge is there. */
static void cancel_first(void)
{
    struct vault vault;
    pjsip_inv_session *inv;
    pjsip_tx_data *cancel = NULL;

    inv = call_start(&vault, VAULT_KEEP, "invite", "udp", NULL);
    CHECK_EQ(pjsip_inv_end_session(inv, 487, NULL, &cancel), PJ_SUCCESS);
    CHECK(cancel == NULL);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    vault_close(&vault);
}

/* BYE while a re-INVITE waits. */
static void bye_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = call_confirmed(&vault, "reinvite", transport);
    pjsip_tx_data *answer;

    reinvite_send(inv);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    call_end(inv);
    lab_events(100);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
}

static void bye_meanwhile(void) { bye_over("udp"); }
static void bye_meanwhile_tls(void) { bye_over("tls"); }

static void abandon(const char *scenario, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, scenario, transport, NULL);

    if (strcmp(scenario, "reinvite") == 0) {
        REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
        reinvite_send(inv);
    }
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(defer_msec());
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_SUCCESS);
    if (strcmp(scenario, "reinvite") == 0) {
        CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
        call_end(inv);
    }
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    CHECK_EQ(ua_seen.disconnected, 1);
    vault_close(&vault);
}

static void abandon_invite(void) { abandon("invite", "tcp"); }
static void abandon_invite_tls(void) { abandon("invite", "tls"); }
static void abandon_reinvite(void) { abandon("reinvite", "tcp"); }

/* The session is torn down under the challenge. */
static void terminated_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, "invite", transport, NULL);
    pjsip_tx_data *answer;

    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(50);
    answer = challenge_answer(&vault.kept);
    CHECK_EQ(pjsip_inv_terminate(inv, 487, PJ_TRUE), PJ_SUCCESS);
    lab_events(300);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
}

static void terminated(void) { terminated_over("tcp"); }
static void terminated_tls(void) { terminated_over("tls"); }

struct prepared {
    struct challenge *challenge;
    pjsip_tx_data *answer;
    volatile int sent;
};

static int send_prepared(void *arg)
{
    struct prepared *p = arg;
    pj_status_t status = pjsip_auth_clt_async_send_req(
        p->challenge->sess, p->challenge->token, p->answer);
    if (status == PJ_EINVAL)
        pjsip_tx_data_dec_ref(p->answer);
    LAB_COUNT(p->sent);
    return 0;
}

/* The answer comes from one thread just as another hangs up, tears the call
 * down or does nothing. Whoever is first, the call ends once, and cleanly. */
static void storm_over(const char *first, const char *second)
{
    enum { CALLS = 60 };
    struct prepared prepared;
    struct worker worker;
    struct vault vault;
    pjsip_inv_session *inv;
    pjsip_tx_data *cancel;
    int i, waited;

    for (i = 0; i < CALLS; ++i) {
        inv = call_start(&vault, VAULT_KEEP, "invite", i % 2 ? first : second,
                         NULL);
        REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
        prepared.challenge = &vault.kept;
        prepared.answer = challenge_answer(&vault.kept);
        prepared.sent = 0;
        worker_start(&worker, &send_prepared, &prepared);
        if (i % 3 == 0) {
            pjsip_dialog *dlg = inv->dlg;
            cancel = NULL;
            pjsip_dlg_inc_lock(dlg);
            CHECK_EQ(pjsip_inv_end_session(inv, 487, NULL, &cancel), PJ_SUCCESS);
            if (cancel)
                CHECK_EQ(pjsip_inv_send_msg(inv, cancel), PJ_SUCCESS);
            pjsip_dlg_dec_lock(dlg);
        } else if (i % 3 == 1) {
            CHECK_EQ(pjsip_inv_terminate(inv, 487, PJ_TRUE), PJ_SUCCESS);
        }
        REQUIRE(lab_until(&prepared.sent, 1, WAIT_MSEC));
        worker_join(&worker);
        for (waited = 0; waited < WAIT_MSEC && !ua_seen.confirmed &&
                         !ua_seen.disconnected; waited += 10)
            lab_events(10);
        /* A 200 may be faster than what PJSIP cancels it with. */
        if (ua_seen.confirmed && !ua_seen.disconnected)
            call_end(inv);
        REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
        CHECK_EQ(ua_seen.disconnected, 1);
        vault_close(&vault);
    }
}

static void storm(void) { storm_over("tcp", "udp"); }
static void storm_tls(void) { storm_over("tls", "tls"); }

#define CASE(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}
#define TLS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_TLS}

const struct lab_case meanwhile_cases[] = {
    CASE(cancel_before), TLS(cancel_before_tls), CASE(cancel_after),
    TLS(cancel_after_tls), CASE(cancel_rings), CASE(cancel_mute),
    TLS(cancel_mute_tls), CASE(cancel_first), CASE(bye_meanwhile),
    TLS(bye_meanwhile_tls), CASE(abandon_invite), TLS(abandon_invite_tls),
    CASE(abandon_reinvite), CASE(terminated), TLS(terminated_tls), CASE(storm),
    TLS(storm_tls),
};
const int meanwhile_case_count =
    sizeof(meanwhile_cases) / sizeof(meanwhile_cases[0]);
