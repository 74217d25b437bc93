/* Challenges of calls that wait for their answer longer than a transaction
 * lives, and what the peer does meanwhile. */
#include "ua.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Two and a half times Timer B, D, F, H, J and K of these cases. DEFER_MSEC in
 * the environment makes it longer, for those who want to see a minute pass. */
enum { TIMER_T1_MSEC = 15, TIMER_B_MSEC = 64 * TIMER_T1_MSEC };

/* What the library takes for granted of a call's session. */
typedef char state_is_where_it_was
    [offsetof(pjsip_inv_session, state) == PJ_MAX_OBJ_NAME + 3 * sizeof(void *) &&
     offsetof(pjsip_inv_session, cancelling) ==
         PJ_MAX_OBJ_NAME + 3 * sizeof(void *) + sizeof(int) &&
     PJSIP_INV_STATE_EARLY == 3 && PJSIP_INV_STATE_DISCONNECTED == 6 ? 1 : -1];

unsigned defer_msec(void)
{
    const char *text = getenv("DEFER_MSEC");
    return text ? (unsigned)atoi(text) : 5 * TIMER_B_MSEC / 2;
}

/* Waits for a challenge, lets time pass, and answers from another thread. */
static void answer_late(struct vault *vault, int challenged)
{
    REQUIRE(lab_until(&vault->challenged, challenged, WAIT_MSEC));
    vault_answer_after(vault, defer_msec());
    CHECK_EQ(vault->status, PJ_SUCCESS);
}

/* UDP may have asked twice, and then is answered twice. */
static void expect_acks(int count)
{
    const char *wire = lab_wire();
    CHECK_EQ(lab_count(wire, "\"method\":\"INVITE\""), 1);
    if (lab_count(wire, "\"method\":\"ACK\",\"cseq\":true") < count)
        lab_fail(__FILE__, __LINE__, "not %d ACKs in\n%s", count, wire);
}

/* ------------------------------------------------------------ long deferral */

static void invite_long(const char *scenario, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, scenario, transport, NULL);
    answer_late(&vault, 1);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    expect_clean(transport, "INVITE", 2);
    call_end(inv);
    CHECK_EQ(vault.challenged, 1);
    vault_close(&vault);
}

static void invite_udp(void) { invite_long("invite", "udp"); }
static void invite_tcp(void) { invite_long("invite", "tcp"); }
static void invite_tls(void) { invite_long("invite", "tls"); }
static void invite_rings(void) { invite_long("rings", "udp"); }
static void invite_401(void) { invite_long("repeats", "tcp"); }

/* A proxy and then the server: each is answered late. */
static void invite_twice_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, "invite-twice", transport, NULL);
    answer_late(&vault, 1);
    answer_late(&vault, 2);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    expect_clean(transport, "INVITE", 3);
    call_end(inv);
    vault_close(&vault);
}

static void invite_twice(void) { invite_twice_over("tcp"); }
static void invite_twice_tls(void) { invite_twice_over("tls"); }

/* ------------------------------------------------------------- in a dialog */

pjsip_inv_session *call_confirmed(struct vault *vault, const char *scenario,
                                  const char *transport)
{
    pjsip_inv_session *inv =
        call_start(vault, VAULT_KEEP, scenario, transport, NULL);
    CHECK(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    return inv;
}

void reinvite_send(pjsip_inv_session *inv)
{
    pjsip_tx_data *request;
    CHECK_EQ(pjsip_inv_reinvite(inv, NULL, NULL, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, request), PJ_SUCCESS);
}

static void reinvite_long(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = call_confirmed(&vault, "reinvite", transport);
    reinvite_send(inv);
    answer_late(&vault, 1);
    lab_events(200);
    expect_clean(transport, "INVITE", 2);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    CHECK(inv->invite_tsx == NULL);
    /* Nothing is left of the first that a second could trip over. */
    reinvite_send(inv);
    answer_late(&vault, 2);
    lab_events(200);
    expect_clean(transport, "INVITE", 2);
    call_end(inv);
    CHECK_EQ(vault.challenged, 2);
    vault_close(&vault);
}

static void update_long(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = call_confirmed(&vault, "update", transport);
    pjsip_tx_data *request;
    CHECK_EQ(pjsip_inv_update(inv, NULL, NULL, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, request), PJ_SUCCESS);
    answer_late(&vault, 1);
    lab_events(200);
    expect_clean(transport, "UPDATE", 2);
    call_end(inv);
    vault_close(&vault);
}

static void bye_long(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = call_confirmed(&vault, "bye", transport);
    pjsip_tx_data *bye = NULL;
    CHECK_EQ(pjsip_inv_end_session(inv, 200, NULL, &bye), PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, bye), PJ_SUCCESS);
    answer_late(&vault, 1);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    CHECK_EQ(ua_seen.cause, 200);
    lab_events(50);
    expect_clean(transport, "BYE", 2);
    vault_close(&vault);
}

static void reinvite_udp(void) { reinvite_long("udp"); }
static void reinvite_tcp(void) { reinvite_long("tcp"); }
static void reinvite_tls(void) { reinvite_long("tls"); }
static void update_udp(void) { update_long("udp"); }
static void update_tcp(void) { update_long("tcp"); }
static void update_tls(void) { update_long("tls"); }
static void late_bye_udp(void) { bye_long("udp"); }
static void late_bye_tcp(void) { bye_long("tcp"); }
static void late_bye_tls(void) { bye_long("tls"); }

/* ------------------------------------------------------ the peer, meanwhile */

/* The peer does not leave it at one final response: each is acknowledged, the
 * first counts, and nobody is asked again. */
static void peer_talks_on(const char *scenario, unsigned msec, int acks)
{
    struct vault vault;
    pjsip_inv_session *inv;

    inv = call_start(&vault, VAULT_KEEP, scenario, "udp", NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(msec);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(ua_seen.disconnected, 0);
    CHECK_EQ(ua_seen.confirmed, 0);
    expect_acks(acks);
    CHECK_EQ(challenge_send(&vault.kept), PJ_SUCCESS);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    call_end(inv);
    vault_close(&vault);
}

static void peer_repeats(void) { peer_talks_on("repeats", 400, 4); }
static void peer_second(void) { peer_talks_on("second", 300, 2); }

/* The connection ends, the transaction with it, and the call. */
static void peer_closes_over(const char *transport)
{
    struct vault vault;
    pjsip_tx_data *answer;

    call_start(&vault, VAULT_KEEP, "closes", transport, NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    CHECK_EQ(ua_seen.cause, PJSIP_SC_TSX_TRANSPORT_ERROR);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
    lab_reconnect(transport);
}

static void peer_closes(void) { peer_closes_over("tcp"); }
static void peer_closes_tls(void) { peer_closes_over("tls"); }

/* The answer is never answered: the new transaction times out by itself. */
static void peer_mute(void)
{
    struct vault vault;
    call_start(&vault, VAULT_KEEP, "mute", "udp", NULL);
    answer_late(&vault, 1);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    CHECK_EQ(ua_seen.cause, PJSIP_SC_TSX_TIMEOUT);
    vault_close(&vault);
}

#define CASE(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}
#define TLS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_TLS}

const struct lab_case defer_cases[] = {
    CASE(invite_udp), CASE(invite_tcp), TLS(invite_tls), CASE(invite_rings),
    CASE(invite_401), CASE(invite_twice), TLS(invite_twice_tls),
    CASE(reinvite_udp), CASE(reinvite_tcp), TLS(reinvite_tls),
    CASE(update_udp), CASE(update_tcp), TLS(update_tls), CASE(late_bye_udp),
    CASE(late_bye_tcp), TLS(late_bye_tls), CASE(peer_repeats),
    CASE(peer_second), CASE(peer_closes), TLS(peer_closes_tls),
    CASE(peer_mute),
};
const int defer_case_count = sizeof(defer_cases) / sizeof(defer_cases[0]);

void defer_start(void)
{
    /* Shorter than defer_msec(), so that a transaction which is not held ends. */
    pjsip_tsx_set_timers(TIMER_T1_MSEC, 0, TIMER_B_MSEC / 4, TIMER_B_MSEC);
    pjsip_cfg()->tsx.t1 = TIMER_T1_MSEC;
}
