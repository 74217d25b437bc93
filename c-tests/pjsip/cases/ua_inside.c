/* Requests inside a dialog, challenged and kept: MESSAGE, UPDATE and PRACK of a call, NOTIFY of a
 * subscription inside one, refreshes, and a dialog without a usage. The dialog, the call or the
 * subscription ends first, or not; then the application answers or gives up. */
#include "presence.h"
#include "ua.h"

#include <pjauth.h>
#include <pjmedia/sdp.h>
#include <string.h>

/* How a kept challenge ends. */
enum ending { ANSWERED, ABANDONED, EXPIRED };

/* Ends the kept challenge of something that is there; a clean status. */
static void end_live(struct vault *vault, enum ending ending)
{
    if (ending == ANSWERED)
        CHECK_EQ(challenge_send(&vault->kept), PJ_SUCCESS);
    else if (ending == ABANDONED)
        CHECK_EQ(pjsip_auth_clt_async_abandon(vault->kept.sess, vault->kept.token),
                 PJ_SUCCESS);
    else
        CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(vault->kept.token, 10),
                 PJ_SUCCESS);
    lab_events(150);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(vault->kept.token));
}

/* The same of something that may be over: it dies, and nothing crashes. What of the answer is
 * the caller's stays, though the token's reference of the same request goes, and that of whoever
 * was told of the challenge as well. */
static void end_dead(struct vault *vault, enum ending ending, pjsip_tx_data *answer)
{
    if (ending == ANSWERED) {
        CHECK_EQ(pjsip_auth_clt_async_send_req(vault->kept.sess, vault->kept.token, answer),
                 PJ_EINVAL);
        CHECK(references(answer) >= 2); /* the vault's, and this */
        pjsip_tx_data_dec_ref(answer);
    } else {
        pjsip_tx_data_dec_ref(answer);
        if (ending == ABANDONED)
            pjsip_auth_clt_async_abandon(vault->kept.sess, vault->kept.token);
        else
            PJAUTH(pjauth_challenge_set_deadline)(vault->kept.token, 10);
    }
    lab_events(100);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(vault->kept.token));
}

/* ------------------------------------------------------ MESSAGE and UPDATE */

static pjsip_inv_session *kept_in_call(struct vault *vault, const char *scenario,
                                       const char *transport)
{
    pjsip_inv_session *inv = call_start(vault, VAULT_KEEP, scenario, transport, NULL);
    pjsip_tx_data *request;

    CHECK(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    if (strncmp(scenario, "reinvite", 8) == 0) {
        reinvite_send(inv);
        CHECK(lab_until(&vault->challenged, 1, WAIT_MSEC));
        return inv;
    }
    if (strncmp(scenario, "update", 6) == 0) {
        CHECK_EQ(pjsip_inv_update(inv, NULL, NULL, &request), PJ_SUCCESS);
    } else {
        pj_str_t name = lab_str("MESSAGE");
        pjsip_method method;
        pjsip_method_init_np(&method, &name);
        CHECK_EQ(pjsip_dlg_create_request(inv->dlg, &method, -1, &request), PJ_SUCCESS);
    }
    CHECK_EQ(pjsip_inv_send_msg(inv, request), PJ_SUCCESS);
    CHECK(lab_until(&vault->challenged, 1, WAIT_MSEC));
    return inv;
}

/* The call stands, and goes on. */
static void in_call(const char *scenario, const char *method, const char *transport,
                    enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv = kept_in_call(&vault, scenario, transport);

    end_live(&vault, ending);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    expect_clean(transport, method, ending == ANSWERED ? 2 : 1);
    call_end(inv);
    vault_close(&vault);
}

static void message_answered(void) { in_call("message", "MESSAGE", "udp", ANSWERED); }
static void message_tcp(void) { in_call("message", "MESSAGE", "tcp", ANSWERED); }
static void message_abandoned(void) { in_call("message", "MESSAGE", "udp", ABANDONED); }
static void message_expired(void) { in_call("message", "MESSAGE", "udp", EXPIRED); }
static void update_abandoned(void) { in_call("update", "UPDATE", "udp", ABANDONED); }
static void update_expired(void) { in_call("update", "UPDATE", "tcp", EXPIRED); }

/* How the call goes. */
enum end { HANGS_UP, TERMINATED };

static void after_call(const char *scenario, const char *transport, enum end end,
                       enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv = kept_in_call(&vault, scenario, transport);
    pjsip_tx_data *answer = challenge_answer(&vault.kept);

    if (end == HANGS_UP)
        call_end(inv);
    else
        CHECK_EQ(pjsip_inv_terminate(inv, 487, PJ_TRUE), PJ_SUCCESS);
    lab_wire();
    end_dead(&vault, ending, answer);
    vault_close(&vault);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 0);
    CHECK_EQ(ua_seen.disconnected, 1);
}

static void after_each(const char *scenario, const char *transport)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        after_call(scenario, transport, HANGS_UP, ending);
        after_call(scenario, transport, TERMINATED, ending);
    }
}

static void message_after_call(void) { after_each("message", "udp"); }
static void message_after_call_tcp(void) { after_each("message", "tcp"); }
static void update_after_call(void) { after_each("update", "udp"); }
static void update_after_call_tcp(void) { after_each("update", "tcp"); }

/* It is the peer who hangs up. */
static void left(const char *scenario, const char *transport)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        struct vault vault;
        pjsip_tx_data *answer;

        kept_in_call(&vault, scenario, transport);
        answer = challenge_answer(&vault.kept);
        REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
        lab_wire();
        end_dead(&vault, ending, answer);
        vault_close(&vault);
        CHECK_EQ(lab_count(lab_wire(), "\"method\":"), 0);
        CHECK_EQ(ua_seen.disconnected, 1);
    }
}

static void message_left(void) { left("message-left", "udp"); }
static void message_left_tcp(void) { left("message-left", "tcp"); }
static void update_left(void) { left("update-left", "udp"); }
static void reinvite_left(void) { left("reinvite-left", "udp"); }
static void reinvite_left_tcp(void) { left("reinvite-left", "tcp"); }

/* ------------------------------------------------------------------- PRACK */

static pjsip_inv_session *kept_prack(struct vault *vault, const char *transport)
{
    pjsip_inv_session *inv;

    call_options = PJSIP_INV_SUPPORT_100REL;
    inv = call_start(vault, VAULT_KEEP, "prack", transport, NULL);
    call_options = 0;
    CHECK(lab_until(&vault->challenged, 1, WAIT_MSEC));
    return inv;
}

static void prack_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = kept_prack(&vault, transport);

    end_live(&vault, ANSWERED);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    CHECK_EQ(vault.challenged, 1);
    expect_clean(transport, "PRACK", 2);
    call_end(inv);
    vault_close(&vault);
}

static void prack_answered(void) { prack_over("udp"); }
static void prack_tcp(void) { prack_over("tcp"); }

static void prack_after(enum end end, enum ending ending, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = kept_prack(&vault, transport);
    pjsip_tx_data *answer = challenge_answer(&vault.kept);

    if (end == HANGS_UP)
        call_end(inv);
    else
        CHECK_EQ(pjsip_inv_terminate(inv, 487, PJ_TRUE), PJ_SUCCESS);
    end_dead(&vault, ending, answer);
    vault_close(&vault);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"PRACK\""), 1);
    CHECK_EQ(ua_seen.disconnected, 1);
}

static void prack_after_call(void)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        prack_after(HANGS_UP, ending, ending == ABANDONED ? "tcp" : "udp");
        prack_after(TERMINATED, ending, "udp");
    }
}

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

/* A REFER came in the call: its NOTIFY is what is challenged. */
static void on_refer(pjsip_inv_session *inv, pjsip_rx_data *rdata)
{
    static pjsip_evsub_user callbacks;
    pjsip_tx_data *notify;

    callbacks.on_evsub_state = &on_transferred_state;
    memset(&transferred, 0, sizeof(transferred));
    CHECK_EQ(pjsip_xfer_create_uas(inv->dlg, &callbacks, rdata, &transferred.sub),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_xfer_accept(transferred.sub, rdata, 202, NULL), PJ_SUCCESS);
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
    expect_clean("udp", "SUBSCRIBE", unsubscribes ? 5 : 3);
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

/* ------------------------------------------------ on two threads at once */

struct race {
    struct vault *vault;
    pjsip_tx_data *answer;
    volatile int done;
};

static int answer_at_once(void *arg)
{
    struct race *race = arg;
    if (!race->answer)
        pjsip_auth_clt_async_abandon(race->vault->kept.sess, race->vault->kept.token);
    else if (pjsip_auth_clt_async_send_req(race->vault->kept.sess, race->vault->kept.token,
                                           race->answer) == PJ_EINVAL)
        pjsip_tx_data_dec_ref(race->answer);
    LAB_COUNT(race->done);
    return 0;
}

/* The answer to a kept request comes on another thread just as the call ends. */
static void race_with(const char *scenario)
{
    enum { CALLS = 24 };
    int i;

    for (i = 0; i < CALLS; ++i) {
        struct vault vault;
        struct race race = {&vault, NULL, 0};
        struct worker worker;
        pjsip_inv_session *inv = strcmp(scenario, "transfers") == 0
            ? notifying(&vault, VAULT_KEEP, i % 2 ? "tcp" : "udp")
            : kept_in_call(&vault, scenario, i % 2 ? "tcp" : "udp");

        if (i % 3)
            race.answer = challenge_answer(&vault.kept);
        worker_start(&worker, &answer_at_once, &race);
        if (i % 4 < 2)
            call_end(inv);
        else
            CHECK_EQ(pjsip_inv_terminate(inv, 487, PJ_TRUE), PJ_SUCCESS);
        REQUIRE(lab_until(&race.done, 1, WAIT_MSEC));
        worker_join(&worker);
        lab_events(50);
        if (strcmp(scenario, "transfers") == 0 && !transferred.ended)
            end_transferred();
        CHECK_EQ(ua_seen.disconnected, 1);
        vault_close(&vault);
    }
}

static void race_message(void) { race_with("message"); }
static void race_update(void) { race_with("update"); }
static void race_notify(void) { race_with("transfers"); }

#define ASKS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK}

const struct lab_case inside_cases[] = {
    ASKS(message_answered), ASKS(message_tcp), ASKS(message_abandoned), ASKS(message_expired),
    ASKS(update_abandoned), ASKS(update_expired),
    ASKS(message_after_call), ASKS(message_after_call_tcp), ASKS(update_after_call),
    ASKS(update_after_call_tcp),
    ASKS(message_left), ASKS(message_left_tcp), ASKS(update_left), ASKS(reinvite_left),
    ASKS(reinvite_left_tcp), ASKS(prack_answered), ASKS(prack_tcp), ASKS(prack_after_call),
    ASKS(notify_inside), ASKS(notify_later), ASKS(notify_tcp), ASKS(notify_abandoned),
    ASKS(notify_expired), ASKS(notify_outlives_call), ASKS(notify_ended_first),
    ASKS(notify_last_answered), ASKS(notify_last_after_call), ASKS(notify_last_given_up),
    ASKS(notify_last_alone), ASKS(unsubscribed_at_once),
    ASKS(resubscribe_ended_first), ASKS(resubscribe_left), ASKS(republish_ended_first),
    ASKS(race_message), ASKS(race_update), ASKS(race_notify),
};
const int inside_case_count = sizeof(inside_cases) / sizeof(inside_cases[0]);
