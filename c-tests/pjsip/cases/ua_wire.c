/* What goes over the wire around a challenge in a call, and who is asked about it. */
#include "ua.h"

#include <string.h>

/* INVITE, 180, hung up, 200 to the CANCEL, and only then the challenge: nobody is asked,
 * and the challenge ends the call. */
static void hung_up_first_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, "hesitates", transport, NULL);
    int waited;

    for (waited = 0; waited < WAIT_MSEC && inv->state != PJSIP_INV_STATE_EARLY;
         waited += 10)
        lab_events(10);
    call_end(inv);
    CHECK_EQ(ua_seen.disconnected, 1);
    CHECK_EQ(vault.challenged, 0);
    lab_events(100);
    expect_clean(transport, "INVITE", 1);
    vault_close(&vault);
}

static void hung_up_first(void) { hung_up_first_over("udp"); }
static void hung_up_first_tcp(void) { hung_up_first_over("tcp"); }
static void hung_up_first_tls(void) { hung_up_first_over("tls"); }

/* The INVITE has had its final response: there is nothing to cancel any more (RFC 3261,
 * 9.1), and nothing to wait for. */
static void nothing_to_cancel_over(const char *scenario, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, scenario, transport, NULL);
    pjsip_tx_data *answer;

    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(100);
    answer = challenge_answer(&vault.kept);
    call_end(inv);
    CHECK_EQ(ua_seen.disconnected, 1);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
    lab_events(200);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"CANCEL\""), 0);
}

static void nothing_to_cancel(void) { nothing_to_cancel_over("mute", "udp"); }
static void nothing_to_cancel_tcp(void) { nothing_to_cancel_over("mute", "tcp"); }
static void nothing_to_cancel_tls(void) { nothing_to_cancel_over("mute", "tls"); }
static void nothing_to_cancel_rings(void) { nothing_to_cancel_over("rings", "udp"); }

/* RFC 3261, 17.1.1.3: the challenge is acknowledged when it comes, and no second time when
 * it is answered, or given up. */
static void one_ack_over(const char *transport, int is_answered)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, "rings", transport, NULL);
    const char *wire;

    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(400);
    if (is_answered) {
        CHECK_EQ(challenge_send(&vault.kept), PJ_SUCCESS);
        REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    } else {
        CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
                 PJ_SUCCESS);
        REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    }
    lab_events(100);
    wire = lab_wire();
    if (lab_count(wire, "\"method\":\"ACK\",\"cseq\":true") != 1)
        lab_fail(__FILE__, __LINE__, "not one ACK in\n%s", wire);
    if (is_answered)
        call_end(inv);
    vault_close(&vault);
}

static void one_ack_udp(void) { one_ack_over("udp", 1); }
static void one_ack_tcp(void) { one_ack_over("tcp", 1); }
static void one_ack_tls(void) { one_ack_over("tls", 1); }
static void one_ack_abandoned(void) { one_ack_over("udp", 0); }

/* RFC 3261, 22.1: a CANCEL cannot be sent again. */
static void cancel_challenged_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, "guards", transport, NULL);
    int waited;

    for (waited = 0; waited < WAIT_MSEC && inv->state != PJSIP_INV_STATE_EARLY;
         waited += 10)
        lab_events(10);
    call_end(inv);
    lab_events(100);
    CHECK_EQ(vault.challenged, 0);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"CANCEL\""), 1);
    vault_close(&vault);
}

static void cancel_challenged(void) { cancel_challenged_over("udp"); }
static void cancel_challenged_tls(void) { cancel_challenged_over("tls"); }

/* A re-INVITE is challenged when the call is over, its session gone. */
static void challenged_after_bye_over(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, mode, "reinvite-late", transport, NULL);

    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    reinvite_send(inv);
    lab_events(50);
    call_end(inv);
    lab_events(200);
    CHECK_EQ(vault.challenged, 0);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"INVITE\""), 1);
    vault_close(&vault);
}

static void challenged_after_bye(void) { challenged_after_bye_over(VAULT_SYNC, "udp"); }
static void challenged_after_bye_tls(void) { challenged_after_bye_over(VAULT_SYNC, "tls"); }
static void asked_after_bye(void) { challenged_after_bye_over(VAULT_KEEP, "udp"); }

/* --------------------------------------------- a subscription inside a call */

static pjsip_evsub *subscription;
static volatile int subscription_ended;

static void on_transfer_state(pjsip_evsub *sub, pjsip_event *event)
{
    (void)event;
    if (pjsip_evsub_get_state(sub) == PJSIP_EVSUB_STATE_TERMINATED)
        ++subscription_ended;
}

static pjsip_inv_session *transfer(struct vault *vault, enum vault_mode mode,
                                   const char *transport)
{
    static pjsip_evsub_user callbacks;
    const pj_str_t target = lab_str("sip:somebody@127.0.0.1");
    pjsip_inv_session *inv = call_start(vault, mode, "refer", transport, NULL);
    pjsip_tx_data *refer;

    callbacks.on_evsub_state = &on_transfer_state;
    subscription_ended = 0;
    CHECK(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    CHECK_EQ(pjsip_xfer_create_uac(inv->dlg, &callbacks, &subscription),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_xfer_initiate(subscription, &target, &refer), PJ_SUCCESS);
    CHECK_EQ(pjsip_xfer_send_request(subscription, refer), PJ_SUCCESS);
    return inv;
}

/* The call and the subscription are both told of the challenge: one question, and the
 * subscription goes on with the answer. */
static void refer_over(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = transfer(&vault, mode, transport);

    REQUIRE(lab_until(&vault.answered, 1, WAIT_MSEC));
    lab_events(300);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(vault.status, PJ_SUCCESS);
    CHECK_EQ(subscription_ended, 0);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    expect_clean(transport, "REFER", 2);
    /* No NOTIFY will come. */
    CHECK_EQ(pjsip_evsub_terminate(subscription, PJ_FALSE), PJ_SUCCESS);
    call_end(inv);
    vault_close(&vault);
}

static void refer_inside(void) { refer_over(VAULT_INSIDE, "udp"); }
static void refer_later(void) { refer_over(VAULT_LATER, "udp"); }
static void refer_tls(void) { refer_over(VAULT_LATER, "tls"); }

/* Given up, it has failed for both: the call goes on, the subscription ends, as with no
 * credential. */
static void refer_abandoned(void)
{
    struct vault vault;
    pjsip_inv_session *inv = transfer(&vault, VAULT_KEEP, "udp");

    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(100);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(subscription_ended, 0);
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_SUCCESS);
    lab_events(100);
    CHECK_EQ(subscription_ended, 1);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    call_end(inv);
    vault_close(&vault);
}

/* The call ends, with its dialog, under the challenge that two wait for. */
static void refer_ended(void)
{
    struct vault vault;
    pjsip_inv_session *inv = transfer(&vault, VAULT_KEEP, "udp");

    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    call_end(inv);
    lab_events(100);
    CHECK_EQ(vault.challenged, 1);
    pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token);
    lab_events(100);
    vault_close(&vault);
}

/* The call is over, the subscription is not: it is what the answer is sent with. */
static void refer_outlives_call(void)
{
    struct vault vault;
    pjsip_inv_session *inv = transfer(&vault, VAULT_KEEP, "udp");

    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    call_end(inv);
    CHECK_EQ(challenge_send(&vault.kept), PJ_SUCCESS);
    lab_events(200);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(subscription_ended, 0);
    expect_clean("udp", "REFER", 2);
    CHECK_EQ(pjsip_evsub_terminate(subscription, PJ_FALSE), PJ_SUCCESS);
    vault_close(&vault);
}

#define CASE(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}
#define TLS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_TLS}
#define ASKS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK}

const struct lab_case ua_wire_cases[] = {
    CASE(hung_up_first), CASE(hung_up_first_tcp), TLS(hung_up_first_tls),
    CASE(nothing_to_cancel), CASE(nothing_to_cancel_tcp),
    TLS(nothing_to_cancel_tls), CASE(nothing_to_cancel_rings),
    CASE(one_ack_udp), CASE(one_ack_tcp), TLS(one_ack_tls),
    CASE(one_ack_abandoned), CASE(cancel_challenged), TLS(cancel_challenged_tls),
    CASE(challenged_after_bye), TLS(challenged_after_bye_tls),
    CASE(asked_after_bye), ASKS(refer_inside), ASKS(refer_later),
    {"refer_tls", refer_tls, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK | LAB_TLS},
    ASKS(refer_abandoned), ASKS(refer_ended), ASKS(refer_outlives_call),
};
const int ua_wire_case_count = sizeof(ua_wire_cases) / sizeof(ua_wire_cases[0]);
