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

/* The same of a re-INVITE, over and over: each challenge has its one ACK. */
static void one_ack_reinvite_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, "reinvite-rings", transport, NULL);
    int i;

    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    for (i = 1; i <= 3; ++i) {
        const char *wire;
        reinvite_send(inv);
        REQUIRE(lab_until(&vault.challenged, i, WAIT_MSEC));
        lab_events(100);
        if (i == 2)
            CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
                     PJ_SUCCESS);
        else
            CHECK_EQ(challenge_send(&vault.kept), PJ_SUCCESS);
        lab_events(150);
        wire = lab_wire();
        if (lab_count(wire, "\"method\":\"ACK\",\"cseq\":true") != 1)
            lab_fail(__FILE__, __LINE__, "%d: not one ACK in\n%s", i, wire);
        CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    }
    call_end(inv);
    vault_close(&vault);
}

static void one_ack_reinvite(void) { one_ack_reinvite_over("udp"); }
static void one_ack_reinvite_tcp(void) { one_ack_reinvite_over("tcp"); }

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

#define CASE(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}
#define TLS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_TLS}

const struct lab_case ua_wire_cases[] = {
    CASE(hung_up_first), CASE(hung_up_first_tcp), TLS(hung_up_first_tls),
    CASE(nothing_to_cancel), CASE(nothing_to_cancel_tcp),
    TLS(nothing_to_cancel_tls), CASE(nothing_to_cancel_rings),
    CASE(one_ack_udp), CASE(one_ack_tcp), TLS(one_ack_tls),
    CASE(one_ack_abandoned), CASE(one_ack_reinvite), CASE(one_ack_reinvite_tcp),
    CASE(cancel_challenged), TLS(cancel_challenged_tls),
    CASE(challenged_after_bye), TLS(challenged_after_bye_tls),
    CASE(asked_after_bye),
};
const int ua_wire_case_count = sizeof(ua_wire_cases) / sizeof(ua_wire_cases[0]);
