/* REFER, challenged: inside a call both the call and the subscription are told. Each may end first.
 * Ending the subscription is no sign that the transfer is to be given up (RFC 3515, 2.4.4). */
#include "presence.h"
#include "ua.h"

#include <pjauth.h>
#include <string.h>

static pjsip_evsub *subscription;
static volatile int subscription_ended;

static void on_transfer_state(pjsip_evsub *sub, pjsip_event *event)
{
    (void)event;
    if (pjsip_evsub_get_state(sub) == PJSIP_EVSUB_STATE_TERMINATED)
        ++subscription_ended;
}

static void refer_prepare(pjsip_dialog *dlg)
{
    static pjsip_evsub_user callbacks;

    callbacks.on_evsub_state = &on_transfer_state;
    subscription_ended = 0;
    CHECK_EQ(pjsip_xfer_create_uac(dlg, &callbacks, &subscription), PJ_SUCCESS);
}

static void refer_send_prepared(void)
{
    const pj_str_t target = lab_str("sip:somebody@127.0.0.1");
    pjsip_tx_data *refer;

    CHECK_EQ(pjsip_xfer_initiate(subscription, &target, &refer), PJ_SUCCESS);
    CHECK_EQ(pjsip_xfer_send_request(subscription, refer), PJ_SUCCESS);
}

static void refer_send(pjsip_dialog *dlg)
{
    refer_prepare(dlg);
    refer_send_prepared();
}

static pjsip_inv_session *transfer_in(const char *scenario, struct vault *vault,
                                      enum vault_mode mode, const char *transport)
{
    pjsip_inv_session *inv = call_start(vault, mode, scenario, transport, NULL);

    CHECK(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    refer_send(inv->dlg);
    return inv;
}

static pjsip_inv_session *transfer(struct vault *vault, enum vault_mode mode,
                                   const char *transport)
{
    return transfer_in("refer", vault, mode, transport);
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

/* ------------------------------------------------ what ends before its challenge comes */

static void end_subscription(void)
{
    CHECK_EQ(pjsip_evsub_terminate(subscription, PJ_TRUE), PJ_SUCCESS);
    CHECK_EQ(subscription_ended, 1);
}

/* The subscription ends at once, the call stands: one question, for the call, and its answer is
 * the transfer. The subscription is told of its end once. */
static void refer_unsubscribed(const char *transport, enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv = transfer(&vault, VAULT_KEEP, transport);

    end_subscription();
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    end_live(&vault, ending);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(subscription_ended, 1);
    CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
    expect_clean(transport, "REFER", ending == ANSWERED ? 2 : 1);
    call_end(inv);
    vault_close(&vault);
}

static void refer_unsubscribed_at_once(void)
{
    refer_unsubscribed("udp", ANSWERED);
    refer_unsubscribed("tcp", ANSWERED);
    refer_unsubscribed("udp", ABANDONED);
    refer_unsubscribed("tcp", EXPIRED);
}

/* The same when the challenge waits already. */
static void refer_unsubscribed_meanwhile(void)
{
    enum ending ending;
    for (ending = ANSWERED; ending <= EXPIRED; ++ending) {
        struct vault vault;
        pjsip_inv_session *inv = transfer(&vault, VAULT_KEEP, "udp");

        REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
        end_subscription();
        end_live(&vault, ending);
        CHECK_EQ(subscription_ended, 1);
        CHECK_EQ(inv->state, PJSIP_INV_STATE_CONFIRMED);
        expect_clean("udp", "REFER", ending == ANSWERED ? 2 : 1);
        call_end(inv);
        vault_close(&vault);
    }
}

/* The call ends, and only then the challenge comes: one question, for the subscription. */
static void refer_asked_after_call(const char *transport, enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv = transfer_in("refer-late", &vault, VAULT_KEEP, transport);

    lab_events(50);
    CHECK_EQ(vault.challenged, 0);
    call_end(inv);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    end_live(&vault, ending);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(subscription_ended, ending != ANSWERED);
    if (ending == ANSWERED) {
        expect_clean(transport, "REFER", 2);
        CHECK_EQ(pjsip_evsub_terminate(subscription, PJ_FALSE), PJ_SUCCESS);
    }
    vault_close(&vault);
}

static void refer_late(void)
{
    refer_asked_after_call("udp", ANSWERED);
    refer_asked_after_call("tcp", ANSWERED);
    refer_asked_after_call("udp", ABANDONED);
    refer_asked_after_call("udp", EXPIRED);
}

/* Both end: nobody is left to be asked. */
static void refer_nobody_left(void)
{
    struct vault vault;
    pjsip_inv_session *inv = transfer_in("refer-late", &vault, VAULT_KEEP, "udp");

    lab_events(50);
    end_subscription();
    call_end(inv);
    lab_events(200);
    CHECK_EQ(subscription_ended, 1);
    if (vault.challenged)
        end_live(&vault, ABANDONED);
    CHECK_EQ(subscription_ended, 1);
    vault_close(&vault);
}

/* ----------------------------------------------- ended inside the callback */

enum { CALL = 1, SUBSCRIPTION = 2 };

static struct {
    pjsip_inv_session *inv;
    int ends, asked;
    pj_bool_t accepts;
} within;

static pj_bool_t end_within(pjsip_auth_clt_sess *sess, void *token,
                            const pjsip_auth_clt_async_on_chal_param *param)
{
    (void)sess;
    (void)token;
    (void)param;
    ++within.asked;
    if (within.ends & SUBSCRIPTION)
        end_subscription();
    if (within.ends & CALL)
        CHECK_EQ(pjsip_inv_terminate(within.inv, 487, PJ_TRUE), PJ_SUCCESS);
    return within.accepts;
}

/* The callback ends the call, the subscription or both. Declined, the transfer goes on with
 * what is left; taken, it waits. */
static void refer_within(int ends, pj_bool_t accepts, const char *transport)
{
    pjsip_auth_clt_async_setting setting = {&end_within, NULL};
    struct vault vault;
    pjsip_inv_session *inv = call_start(&vault, VAULT_SYNC, "refer", transport, NULL);

    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    memset(&within, 0, sizeof(within));
    within.inv = inv;
    within.ends = ends;
    within.accepts = accepts;
    CHECK_EQ(pjsip_auth_clt_async_configure(&inv->dlg->auth_sess, &setting), PJ_SUCCESS);
    refer_send(inv->dlg);
    lab_events(250);
    CHECK_EQ(within.asked, 1);
    CHECK_EQ(subscription_ended, ends & SUBSCRIPTION ? 1 : 0);
    expect_clean(transport, "REFER", accepts ? 1 : 2);
    if (!(ends & SUBSCRIPTION))
        CHECK_EQ(pjsip_evsub_terminate(subscription, PJ_FALSE), PJ_SUCCESS);
    if (!(ends & CALL))
        call_end(inv);
    vault_close(&vault);
}

static void refer_inside_ended(void)
{
    int ends;
    for (ends = CALL; ends <= (CALL | SUBSCRIPTION); ++ends) {
        refer_within(ends, PJ_TRUE, "udp");
        refer_within(ends, PJ_FALSE, "udp");
        refer_within(ends, PJ_FALSE, "tcp");
    }
}

/* The subscription was in the dialog before the call, and is told first. */
static void refer_told_first(int ends, enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv;
    const int goes_on = ending == ANSWERED && ends != (CALL | SUBSCRIPTION);
    pjsip_tx_data *answer = NULL;

    calls_dialog_made = &refer_prepare;
    inv = call_start(&vault, VAULT_KEEP, "refer", "udp", NULL);
    calls_dialog_made = NULL;
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    refer_send_prepared();
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    if (ends == (CALL | SUBSCRIPTION))
        answer = challenge_answer(&vault.kept);
    if (ends & SUBSCRIPTION)
        end_subscription();
    if (ends & CALL)
        call_end(inv);
    if (answer)
        end_dead(&vault, ending, answer);
    else
        end_live(&vault, ending);
    CHECK_EQ(vault.challenged, 1);
    expect_clean("udp", "REFER", goes_on ? 2 : 1);
    if (!subscription_ended)
        CHECK_EQ(pjsip_evsub_terminate(subscription, PJ_FALSE), PJ_SUCCESS);
    if (!(ends & CALL))
        call_end(inv);
    vault_close(&vault);
}

static void refer_other_order(void)
{
    enum ending ending;
    int ends;
    for (ends = 0; ends <= (CALL | SUBSCRIPTION); ++ends)
        for (ending = ANSWERED; ending <= EXPIRED; ++ending)
            refer_told_first(ends, ending);
}

/* ---------------------------------- requests that outlive the end of their subscription */

/* In a dialog of its own: the transfer is still wanted, by whomever its answer comes. */
static void refer_alone_as(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_dialog *dlg = ua_dialog("sha-256-401", transport);

    vault_open(&vault, mode, &dlg->auth_sess, UA_USER);
    refer_send(dlg);
    end_subscription();
    lab_events(300);
    CHECK_EQ(vault.challenged, mode != VAULT_SYNC);
    CHECK_EQ(subscription_ended, 1);
    expect_clean(transport, "REFER", 2);
    vault_close(&vault);
}

static void refer_alone(void) { refer_alone_as(VAULT_INSIDE, "udp"); }
static void refer_alone_tcp(void) { refer_alone_as(VAULT_INSIDE, "tcp"); }
static void refer_alone_sync(void)
{
    refer_alone_as(VAULT_SYNC, "udp");
    refer_alone_as(VAULT_SYNC, "tcp");
}

/* Who unsubscribes and does not wait for what comes of it has unsubscribed. */
static void unsubscribes_as(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_dialog *dlg;
    pjsip_evsub *sub = presence_subscription(transport, &dlg);

    vault_open(&vault, mode, &dlg->auth_sess, UA_USER);
    subscribe_send(sub, 300);
    REQUIRE(lab_until(&presence_seen.active, 1, WAIT_MSEC));
    subscribe_send(sub, 0);
    CHECK_EQ(pjsip_evsub_terminate(sub, PJ_TRUE), PJ_SUCCESS);
    lab_events(300);
    CHECK_EQ(vault.challenged, mode == VAULT_SYNC ? 0 : 2);
    CHECK_EQ(presence_seen.terminated, 1);
    expect_clean(transport, "SUBSCRIBE", 4);
    vault_close(&vault);
}

static void unsubscribes_and_goes(void)
{
    unsubscribes_as(VAULT_INSIDE, "udp");
    unsubscribes_as(VAULT_INSIDE, "tcp");
}

static void unsubscribes_and_goes_sync(void)
{
    unsubscribes_as(VAULT_SYNC, "udp");
    unsubscribes_as(VAULT_SYNC, "tcp");
}

#define ASKS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK}

const struct lab_case refer_cases[] = {
    ASKS(refer_inside), ASKS(refer_later),
    {"refer_tls", refer_tls, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK | LAB_TLS},
    ASKS(refer_abandoned), ASKS(refer_ended), ASKS(refer_outlives_call),
    ASKS(refer_unsubscribed_at_once), ASKS(refer_unsubscribed_meanwhile), ASKS(refer_late),
    ASKS(refer_nobody_left), ASKS(refer_inside_ended), ASKS(refer_other_order), ASKS(refer_alone), ASKS(refer_alone_tcp),
    {"refer_alone_sync", refer_alone_sync, LAB_BOTH}, ASKS(unsubscribes_and_goes),
    {"unsubscribes_and_goes_sync", unsubscribes_and_goes_sync, LAB_BOTH},
};
const int refer_case_count = sizeof(refer_cases) / sizeof(refer_cases[0]);
