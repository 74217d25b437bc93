/* Challenges of calls that wait for their answer longer than a transaction
 * lives, and what the peer, the user and the application do meanwhile. */
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
     PJSIP_INV_STATE_DISCONNECTED == 6 ? 1 : -1];

static unsigned long_time(void)
{
    const char *text = getenv("DEFER_MSEC");
    return text ? (unsigned)atoi(text) : 5 * TIMER_B_MSEC / 2;
}

/* Waits for a challenge, lets time pass, and answers from another thread. */
static void answer_late(struct vault *vault, int challenged)
{
    REQUIRE(lab_until(&vault->challenged, challenged, WAIT_MSEC));
    vault_answer_after(vault, long_time());
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

/* A dead token: PJ_EINVAL, and the answer stays the caller's. */
static void expect_dead(struct vault *vault, pjsip_tx_data *answer)
{
    CHECK_EQ(pjsip_auth_clt_async_send_req(vault->kept.sess, vault->kept.token,
                                           answer), PJ_EINVAL);
    CHECK(references(answer) >= 2); /* and the vault's */
    pjsip_tx_data_dec_ref(answer);
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault->kept.sess, vault->kept.token),
             PJ_EINVAL);
}

/* ------------------------------------------------------------ long deferral */

static void invite_long(const char *scenario, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, scenario, transport, NULL);
    answer_late(&vault, 1);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    expect_clean("INVITE", 2);
    call_end(inv);
    CHECK_EQ(vault.challenged, 1);
    vault_close(&vault);
}

static void invite_udp(void) { invite_long("invite", "udp"); }
static void invite_tcp(void) { invite_long("invite", "tcp"); }
static void invite_rings(void) { invite_long("rings", "udp"); }
static void invite_401(void) { invite_long("repeats", "tcp"); }

/* A proxy and then the server: each is answered late. */
static void invite_twice(void)
{
    struct vault vault;
    pjsip_inv_session *inv =
        call_start(&vault, VAULT_KEEP, "invite-twice", "tcp", NULL);
    answer_late(&vault, 1);
    answer_late(&vault, 2);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    expect_clean("INVITE", 3);
    call_end(inv);
    vault_close(&vault);
}

/* ------------------------------------------------------------- in a dialog */

static pjsip_inv_session *call_confirmed(struct vault *vault,
                                         const char *scenario,
                                         const char *transport)
{
    pjsip_inv_session *inv =
        call_start(vault, VAULT_KEEP, scenario, transport, NULL);
    CHECK(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    return inv;
}

static void reinvite_send(pjsip_inv_session *inv)
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
    expect_clean("INVITE", 2);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    CHECK(inv->invite_tsx == NULL);
    /* Nothing is left of the first that a second could trip over. */
    reinvite_send(inv);
    answer_late(&vault, 2);
    lab_events(200);
    expect_clean("INVITE", 2);
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
    expect_clean("UPDATE", 2);
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
    expect_clean("BYE", 2);
    vault_close(&vault);
}

static void reinvite_udp(void) { reinvite_long("udp"); }
static void reinvite_tcp(void) { reinvite_long("tcp"); }
static void update_udp(void) { update_long("udp"); }
static void update_tcp(void) { update_long("tcp"); }
static void late_bye_udp(void) { bye_long("udp"); }
static void late_bye_tcp(void) { bye_long("tcp"); }

/* ------------------------------------------------------ the peer, meanwhile */

/* Each repetition of the challenge is acknowledged, and nobody asked again. */
static void peer_repeats(void)
{
    struct vault vault;
    pjsip_inv_session *inv;

    inv = call_start(&vault, VAULT_KEEP, "repeats", "udp", NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(400);
    CHECK_EQ(vault.challenged, 1);
    expect_acks(4);
    CHECK_EQ(challenge_send(&vault.kept), PJ_SUCCESS);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    call_end(inv);
    vault_close(&vault);
}

/* A second final response, and a third, are too many: the first counts. */
static void peer_second(void)
{
    struct vault vault;
    pjsip_inv_session *inv;

    inv = call_start(&vault, VAULT_KEEP, "second", "udp", NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(300);
    CHECK_EQ(ua_seen.disconnected, 0);
    CHECK_EQ(ua_seen.confirmed, 0);
    expect_acks(2);
    CHECK_EQ(challenge_send(&vault.kept), PJ_SUCCESS);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    call_end(inv);
    vault_close(&vault);
}

/* The connection ends, the transaction with it, and the call. */
static void peer_closes(void)
{
    struct vault vault;
    pjsip_tx_data *answer;

    call_start(&vault, VAULT_KEEP, "closes", "tcp", NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    CHECK_EQ(ua_seen.cause, PJSIP_SC_TSX_TRANSPORT_ERROR);
    expect_dead(&vault, answer);
    vault_close(&vault);
    lab_reconnect();
}

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

/* ------------------------------------- the user and the application, meanwhile */

/* Hanging up ends the call at once, whether or not the answer is made. */
static void hang_up(const char *scenario, int is_answered)
{
    struct vault vault;
    pjsip_inv_session *inv;
    pjsip_tx_data *answer = NULL;

    inv = call_start(&vault, VAULT_KEEP, scenario, "tcp", NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(100);
    if (is_answered)
        answer = challenge_answer(&vault.kept);
    call_end(inv);
    CHECK_EQ(ua_seen.disconnected, 1);
    if (!answer)
        answer = challenge_answer(&vault.kept);
    expect_dead(&vault, answer);
    vault_close(&vault);
    lab_events(200);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"INVITE\""), 1);
}

static void cancel_before(void) { hang_up("invite", 0); }
static void cancel_after(void) { hang_up("invite", 1); }
static void cancel_rings(void) { hang_up("rings", 1); }
/* The peer says nothing to the CANCEL either. */
static void cancel_mute(void) { hang_up("mute", 0); }

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
static void bye_meanwhile(void)
{
    struct vault vault;
    pjsip_inv_session *inv = call_confirmed(&vault, "reinvite", "udp");
    pjsip_tx_data *answer;

    reinvite_send(inv);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    call_end(inv);
    lab_events(100);
    expect_dead(&vault, answer);
    vault_close(&vault);
}

static void abandon(const char *scenario)
{
    struct vault vault;
    pjsip_inv_session *inv = call_start(&vault, VAULT_KEEP, scenario, "tcp", NULL);

    if (strcmp(scenario, "reinvite") == 0) {
        REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
        reinvite_send(inv);
    }
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(long_time());
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

static void abandon_invite(void) { abandon("invite"); }
static void abandon_reinvite(void) { abandon("reinvite"); }

/* The session is torn down under the challenge. */
static void terminated(void)
{
    struct vault vault;
    pjsip_inv_session *inv = call_start(&vault, VAULT_KEEP, "invite", "tcp", NULL);
    pjsip_tx_data *answer;

    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    lab_events(50);
    answer = challenge_answer(&vault.kept);
    CHECK_EQ(pjsip_inv_terminate(inv, 487, PJ_TRUE), PJ_SUCCESS);
    lab_events(300);
    expect_dead(&vault, answer);
    vault_close(&vault);
}

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
    ++p->sent;
    return 0;
}

/* The answer comes from one thread just as another hangs up, tears the call
 * down or does nothing. Whoever is first, the call ends once, and cleanly. */
static void storm(void)
{
    enum { CALLS = 60 };
    struct prepared prepared;
    struct worker worker;
    struct vault vault;
    pjsip_inv_session *inv;
    pjsip_tx_data *cancel;
    int i, waited;

    for (i = 0; i < CALLS; ++i) {
        inv = call_start(&vault, VAULT_KEEP, "invite", i % 2 ? "tcp" : "udp", NULL);
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

#define CASE(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}

static const struct lab_case cases[] = {
    CASE(invite_udp), CASE(invite_tcp), CASE(invite_rings), CASE(invite_401),
    CASE(invite_twice), CASE(reinvite_udp), CASE(reinvite_tcp),
    CASE(update_udp), CASE(update_tcp), CASE(late_bye_udp), CASE(late_bye_tcp),
    CASE(peer_repeats), CASE(peer_second), CASE(peer_closes), CASE(peer_mute),
    CASE(cancel_before), CASE(cancel_after), CASE(cancel_rings),
    CASE(cancel_mute), CASE(cancel_first), CASE(bye_meanwhile),
    CASE(abandon_invite), CASE(abandon_reinvite), CASE(terminated), CASE(storm),
};

void defer_run(void)
{
    /* Shorter than long_time(), so that a transaction which is not held ends. */
    pjsip_tsx_set_timers(TIMER_T1_MSEC, 0, TIMER_B_MSEC / 4, TIMER_B_MSEC / 4);
    pjsip_cfg()->tsx.t1 = TIMER_T1_MSEC;
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
}
