/* Requests of subscriptions and publications, challenged and kept: NOTIFY of one inside a call,
 * and refreshes. The call or the subscription ends first, or not; then the application answers or
 * gives up. */
#include "presence.h"
#include "ua.h"

#include <pjauth.h>
#include <string.h>

/* ------------------------------------------------------------------ NOTIFY */

static struct {
    pjsip_evsub *sub;
    volatile int accepted, ended;
} transferred;
static pjsip_evsub_state notified = PJSIP_EVSUB_STATE_ACTIVE;

static void on_transferred_state(pjsip_evsub *sub, pjsip_event *event)
{
    (void)event;
    transferred.ended += pjsip_evsub_get_state(sub) == PJSIP_EVSUB_STATE_TERMINATED;
}

static void on_refer_accepted(pjsip_inv_session *inv, pjsip_rx_data *rdata)
{
    static pjsip_evsub_user callbacks;

    callbacks.on_evsub_state = &on_transferred_state;
    memset(&transferred, 0, sizeof(transferred));
    CHECK_EQ(pjsip_xfer_create_uas(inv->dlg, &callbacks, rdata, &transferred.sub),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_xfer_accept(transferred.sub, rdata, 202, NULL), PJ_SUCCESS);
    LAB_COUNT(transferred.accepted);
}

/* A REFER came in the call: its NOTIFY is what is challenged. */
static void on_refer(pjsip_inv_session *inv, pjsip_rx_data *rdata)
{
    pjsip_tx_data *notify;

    on_refer_accepted(inv, rdata);
    CHECK_EQ(pjsip_xfer_notify(transferred.sub, notified,
                               notified == PJSIP_EVSUB_STATE_ACTIVE ? 100 : 200, NULL, &notify),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_xfer_send_request(transferred.sub, notify), PJ_SUCCESS);
}

static pjsip_inv_session *notifying(struct vault *vault, enum vault_mode mode,
                                    const char *transport)
{
    pjsip_inv_session *inv;

    calls_on_request = &on_refer;
    inv = call_start(vault, mode, "transfers", transport, NULL);
    CHECK(lab_until(&vault->challenged, 1, WAIT_MSEC));
    calls_on_request = NULL;
    return inv;
}

static void end_transferred(void)
{
    pjsip_evsub_terminate(transferred.sub, PJ_FALSE);
}

/* The call and the subscription are told of one challenge: one question, and both go on. */
static void notify_over(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = notifying(&vault, mode, transport);

    REQUIRE(lab_until(&vault.answered, 1, WAIT_MSEC));
    lab_events(300);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(vault.status, PJ_SUCCESS);
    CHECK_EQ(transferred.ended, 0);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    expect_clean(transport, "NOTIFY", 2);
    end_transferred();
    call_end(inv);
    vault_close(&vault);
}

static void notify_inside(void) { notify_over(VAULT_INSIDE, "udp"); }
static void notify_later(void) { notify_over(VAULT_LATER, "udp"); }
static void notify_tcp(void) { notify_over(VAULT_LATER, "tcp"); }

/* Given up: the subscription ends, as with no credential; the call goes on. */
static void notify_given_up(enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv = notifying(&vault, VAULT_KEEP, "udp");

    end_live(&vault, ending);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(transferred.ended, 1);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    call_end(inv);
    vault_close(&vault);
}

static void notify_abandoned(void) { notify_given_up(ABANDONED); }
static void notify_expired(void) { notify_given_up(EXPIRED); }

/* The call is over, the subscription is not: the NOTIFY goes on. */
static void notify_outlives_call(void)
{
    struct vault vault;
    pjsip_inv_session *inv = notifying(&vault, VAULT_KEEP, "udp");

    call_end(inv);
    end_live(&vault, ANSWERED);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(transferred.ended, 0);
    expect_clean("udp", "NOTIFY", 2);
    end_transferred();
    vault_close(&vault);
}

/* The subscription is over, the call is not: it is the call that was asked about. */
static void notify_unsubscribed(enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv = notifying(&vault, VAULT_KEEP, "udp");

    CHECK_EQ(pjsip_evsub_terminate(transferred.sub, PJ_TRUE), PJ_SUCCESS);
    CHECK_EQ(transferred.ended, 1);
    end_live(&vault, ending);
    CHECK_EQ(transferred.ended, 1);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    call_end(inv);
    vault_close(&vault);
}

/* Both are. */
static void notify_all_over(enum ending ending, int call_first)
{
    struct vault vault;
    pjsip_inv_session *inv = notifying(&vault, VAULT_KEEP, "udp");
    pjsip_tx_data *answer = challenge_answer(&vault.kept);

    if (!call_first)
        CHECK_EQ(pjsip_evsub_terminate(transferred.sub, PJ_TRUE), PJ_SUCCESS);
    call_end(inv);
    if (call_first)
        CHECK_EQ(pjsip_evsub_terminate(transferred.sub, PJ_TRUE), PJ_SUCCESS);
    lab_wire();
    end_dead(&vault, ending, answer);
    CHECK_EQ(transferred.ended, 1);
    vault_close(&vault);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"NOTIFY\""), 0);
}

static void notify_ended_first(void)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        notify_unsubscribed(ending);
        notify_all_over(ending, 0);
        notify_all_over(ending, 1);
    }
}

/* The last NOTIFY, which says that the subscription has ended: it has ended since it was sent, and
 * the NOTIFY is due all the same. Given up, nobody is told of the end once more. */
static void notify_last(int ends_call, enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv;

    notified = PJSIP_EVSUB_STATE_TERMINATED;
    inv = notifying(&vault, VAULT_KEEP, "udp");
    notified = PJSIP_EVSUB_STATE_ACTIVE;
    CHECK_EQ(transferred.ended, 1);
    if (ends_call)
        call_end(inv);
    end_live(&vault, ending);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(transferred.ended, 1);
    expect_clean("udp", "NOTIFY", ending == ANSWERED ? 2 : 1);
    if (!ends_call)
        call_end(inv);
    vault_close(&vault);
}

static void notify_last_answered(void) { notify_last(0, ANSWERED); }
static void notify_last_after_call(void) { notify_last(1, ANSWERED); }

static void notify_last_given_up(void)
{
    notify_last(0, ABANDONED);
    notify_last(1, ABANDONED);
    notify_last(0, EXPIRED);
    notify_last(1, EXPIRED);
}

/* The same where the call has ended long before: the subscription asks alone. */
static void notify_last_alone(void)
{
    struct vault vault;
    pjsip_inv_session *inv;
    pjsip_tx_data *notify;

    transferred.accepted = 0;
    calls_on_request = &on_refer_accepted;
    inv = call_start(&vault, VAULT_KEEP, "transfers", "udp", NULL);
    REQUIRE(lab_until(&transferred.accepted, 1, WAIT_MSEC));
    calls_on_request = NULL;
    call_end(inv);
    CHECK_EQ(pjsip_xfer_notify(transferred.sub, PJSIP_EVSUB_STATE_TERMINATED, 200, NULL,
                               &notify), PJ_SUCCESS);
    CHECK_EQ(pjsip_xfer_send_request(transferred.sub, notify), PJ_SUCCESS);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    end_live(&vault, ANSWERED);
    CHECK_EQ(transferred.ended, 1);
    expect_clean("udp", "NOTIFY", 2);
    vault_close(&vault);
}

/* The call ends, and only then its NOTIFY is challenged: one question, for the subscription. */
static void notify_late_as(enum ending ending, int ends_both)
{
    struct vault vault;
    pjsip_inv_session *inv;

    transferred.accepted = 0;
    calls_on_request = &on_refer;
    inv = call_start(&vault, VAULT_KEEP, "transfers-late", "udp", NULL);
    REQUIRE(lab_until(&transferred.accepted, 1, WAIT_MSEC));
    calls_on_request = NULL;
    lab_events(50);
    CHECK_EQ(vault.challenged, 0);
    if (ends_both)
        CHECK_EQ(pjsip_evsub_terminate(transferred.sub, PJ_TRUE), PJ_SUCCESS);
    call_end(inv);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    end_live(&vault, ending);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(transferred.ended, ends_both || ending != ANSWERED);
    expect_clean("udp", "NOTIFY", ending == ANSWERED ? 2 : 1);
    if (!transferred.ended)
        end_transferred();
    vault_close(&vault);
}

static void notify_late(void)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        notify_late_as(ending, 0);
        notify_late_as(ending, 1);
    }
}

/* The subscription ends before its SUBSCRIBE is challenged: there is nothing to ask. */
static void unsubscribed_at_once(void)
{
    struct vault vault;
    pjsip_dialog *dlg;
    pjsip_evsub *sub = presence_subscription("udp", &dlg);

    vault_open(&vault, VAULT_KEEP, &dlg->auth_sess, UA_USER);
    subscribe_send(sub, 300);
    CHECK_EQ(pjsip_evsub_terminate(sub, PJ_TRUE), PJ_SUCCESS);
    lab_events(200);
    CHECK_EQ(vault.challenged, 0);
    CHECK_EQ(presence_seen.terminated, 1);
    vault_close(&vault);
    expect_clean("udp", "SUBSCRIBE", 1);
}

/* --------------------------------------------------------------- refreshes */

/* The second SUBSCRIBE is kept; the application ends the subscription, or unsubscribes. */
static void resubscribed(int unsubscribes, enum ending ending)
{
    struct vault vault;
    pjsip_dialog *dlg;
    pjsip_evsub *sub = presence_subscription("udp", &dlg);
    pjsip_tx_data *answer;

    vault_open(&vault, VAULT_LATER, &dlg->auth_sess, UA_USER);
    subscribe_send(sub, 300);
    REQUIRE(lab_until(&presence_seen.active, 1, WAIT_MSEC));
    vault.mode = VAULT_KEEP;
    subscribe_send(sub, 300);
    REQUIRE(lab_until(&vault.challenged, 2, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    if (unsubscribes) {
        struct challenge first = vault.kept;
        memset(&vault.kept, 0, sizeof(vault.kept));
        vault.mode = VAULT_INSIDE;
        subscribe_send(sub, 0);
        REQUIRE(lab_until(&presence_seen.terminated, 1, WAIT_MSEC));
        vault.mode = VAULT_KEEP;
        challenge_drop(&vault.kept);
        vault.kept = first;
    } else {
        CHECK_EQ(pjsip_evsub_terminate(sub, PJ_TRUE), PJ_SUCCESS);
    }
    end_dead(&vault, ending, answer);
    CHECK_EQ(presence_seen.terminated, 1);
    vault_close(&vault);
    /* Unasked, the last one answers what was kept. */
    expect_clean("udp", "SUBSCRIBE", unsubscribes ? 5 - SENDS_UNASKED : 3);
}

static void resubscribe_ended_first(void)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        resubscribed(0, ending);
        resubscribed(1, ending);
    }
}

/* It is the peer who ends it. */
static void resubscribe_left(void)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        struct vault vault;
        pjsip_dialog *dlg;
        pjsip_evsub *sub = presence_subscription_to("subscribe-left", "udp", &dlg);
        pjsip_tx_data *answer;

        vault_open(&vault, VAULT_KEEP, &dlg->auth_sess, UA_USER);
        subscribe_send(sub, 300);
        REQUIRE(lab_until(&presence_seen.active, 1, WAIT_MSEC));
        subscribe_send(sub, 300);
        REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
        answer = challenge_answer(&vault.kept);
        REQUIRE(lab_until(&presence_seen.terminated, 1, WAIT_MSEC));
        lab_wire();
        end_dead(&vault, ending, answer);
        vault_close(&vault);
        CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 0);
        CHECK_EQ(presence_seen.terminated, 1);
    }
}

static void republish_ended_first(void)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        struct vault vault;
        pjsip_publishc *pub = presence_publication("udp");
        pjsip_tx_data *answer;
#if HAS_ASYNC
        vault_open(&vault, VAULT_LATER, pjsip_publishc_get_auth_sess(pub), UA_USER);
#endif
        publish_send(pub);
        REQUIRE(lab_until(&presence_seen.published, 1, WAIT_MSEC));
        vault.mode = VAULT_KEEP;
        publish_send(pub);
        REQUIRE(lab_until(&vault.challenged, 2, WAIT_MSEC));
        answer = challenge_answer(&vault.kept);
        CHECK_EQ(pjsip_publishc_destroy(pub), PJ_SUCCESS);
        end_dead(&vault, ending, answer);
        CHECK_EQ(presence_seen.published, 1);
        vault_close(&vault);
        expect_clean("udp", "PUBLISH", 3);
    }
}

static pjsip_inv_session *keep_notify(struct vault *vault, const char *transport)
{
    return notifying(vault, VAULT_KEEP, transport);
}

static void end_what_is_left(void)
{
    if (!transferred.ended)
        end_transferred();
}

static void race_notify(void) { race(&keep_notify, &end_what_is_left); }

#define ASKS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK}

const struct lab_case notify_cases[] = {
    ASKS(notify_inside), ASKS(notify_later), ASKS(notify_tcp), ASKS(notify_abandoned),
    ASKS(notify_expired), ASKS(notify_outlives_call), ASKS(notify_ended_first),
    ASKS(notify_last_answered), ASKS(notify_last_after_call), ASKS(notify_last_given_up),
    ASKS(notify_last_alone), ASKS(notify_late), ASKS(unsubscribed_at_once), ASKS(resubscribe_ended_first),
    ASKS(resubscribe_left), ASKS(republish_ended_first), ASKS(race_notify),
};
const int notify_case_count = sizeof(notify_cases) / sizeof(notify_cases[0]);
