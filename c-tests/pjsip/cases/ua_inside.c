/* Requests inside a call, challenged and kept: MESSAGE, UPDATE and PRACK. The call ends first, or
 * not; then the application answers or gives up. */
#include "ua.h"

#include <pjauth.h>
#include <pjmedia/sdp.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------ MESSAGE and UPDATE */

/* Sends the request that a scenario's name begins with. */
static void send_in_call(pjsip_inv_session *inv, const char *scenario)
{
    pjsip_tx_data *request;

    if (strncmp(scenario, "reinvite", 8) == 0) {
        reinvite_send(inv);
        return;
    }
    if (strncmp(scenario, "update", 6) == 0) {
        CHECK_EQ(pjsip_inv_update(inv, NULL, NULL, &request), PJ_SUCCESS);
    } else {
        pj_str_t name = lab_str(strncmp(scenario, "info", 4) == 0 ? "INFO" : "MESSAGE");
        pjsip_method method;
        pjsip_method_init_np(&method, &name);
        CHECK_EQ(pjsip_dlg_create_request(inv->dlg, &method, -1, &request), PJ_SUCCESS);
    }
    CHECK_EQ(pjsip_inv_send_msg(inv, request), PJ_SUCCESS);
}

static pjsip_inv_session *sent_in_call(struct vault *vault, enum vault_mode mode,
                                       const char *scenario, const char *transport)
{
    pjsip_inv_session *inv = call_start(vault, mode, scenario, transport, NULL);

    CHECK(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    send_in_call(inv, scenario);
    return inv;
}

static pjsip_inv_session *kept_in_call(struct vault *vault, const char *scenario,
                                       const char *transport)
{
    pjsip_inv_session *inv = sent_in_call(vault, VAULT_KEEP, scenario, transport);
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

static void call_over(pjsip_inv_session *inv, enum end end)
{
    if (end == HANGS_UP)
        call_end(inv);
    else
        CHECK_EQ(pjsip_inv_terminate(inv, 487, PJ_TRUE), PJ_SUCCESS);
}

static void after_call(const char *scenario, const char *transport, enum end end,
                       enum ending ending)
{
    struct vault vault;
    pjsip_inv_session *inv = kept_in_call(&vault, scenario, transport);
    pjsip_tx_data *answer = challenge_answer(&vault.kept);

    call_over(inv, end);
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

/* The challenge comes when the call is over: nobody is asked, and nothing is sent again, whether
 * or not there is somebody to ask. */
static void late(enum vault_mode mode, const char *scenario, const char *method,
                 const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = sent_in_call(&vault, mode, scenario, transport);
    char word[32];

    snprintf(word, sizeof(word), "\"method\":\"%s\"", method);
    lab_events(50);
    call_end(inv);
    lab_events(200);
    CHECK_EQ(vault.challenged, 0);
    CHECK_EQ(lab_count(lab_wire(), word), 1);
    CHECK_EQ(ua_seen.disconnected, 1);
    vault_close(&vault);
}

static void late_each(enum vault_mode mode, const char *transport)
{
    late(mode, "info-late", "INFO", transport);
    late(mode, "message-late", "MESSAGE", transport);
    late(mode, "update-late", "UPDATE", transport);
    late(mode, "reinvite-late", "INVITE", transport);
}

static void late_in_call(void) { late_each(VAULT_KEEP, "udp"); }
static void late_in_call_tcp(void) { late_each(VAULT_KEEP, "tcp"); }
static void late_in_call_sync(void)
{
    late_each(VAULT_SYNC, "udp");
    late_each(VAULT_SYNC, "tcp");
}

/* ----------------------------------------------- ended inside the callback */

static struct {
    pjsip_inv_session *inv;
    enum end end;
    pj_bool_t accepts;
    volatile int asked;
} within;

static pj_bool_t end_within(pjsip_auth_clt_sess *sess, void *token,
                            const pjsip_auth_clt_async_on_chal_param *param)
{
    pjsip_tx_data *bye = NULL;

    (void)sess;
    (void)token;
    (void)param;
    if (within.asked++)
        return PJ_FALSE; /* about the BYE */
    if (within.end == TERMINATED)
        CHECK_EQ(pjsip_inv_terminate(within.inv, 487, PJ_TRUE), PJ_SUCCESS);
    else if (pjsip_inv_end_session(within.inv, 487, NULL, &bye) == PJ_SUCCESS && bye)
        pjsip_inv_send_msg(within.inv, bye);
    return within.accepts;
}

/* The callback ends the call, and takes the challenge or declines it: nothing is sent with what
 * is over. */
static void inside_request(const char *scenario, const char *method, const char *transport,
                           enum end end, pj_bool_t accepts)
{
    pjsip_auth_clt_async_setting setting = {&end_within, NULL};
    struct vault vault;
    pjsip_inv_session *inv = call_start(&vault, VAULT_SYNC, scenario, transport, NULL);
    char word[32];

    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    memset(&within, 0, sizeof(within));
    within.inv = inv;
    within.end = end;
    within.accepts = accepts;
    CHECK_EQ(pjsip_auth_clt_async_configure(&inv->dlg->auth_sess, &setting), PJ_SUCCESS);
    send_in_call(inv, scenario);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    lab_events(150);
    CHECK_EQ(within.asked, 1);
    CHECK_EQ(ua_seen.disconnected, 1);
    snprintf(word, sizeof(word), "\"method\":\"%s\"", method);
    if (end == TERMINATED)
        CHECK_EQ(lab_count(lab_wire(), word), 1);
    lab_wire();
    vault_close(&vault);
}

static void inside_each(pj_bool_t accepts)
{
    enum end end;
    for (end = HANGS_UP; end <= TERMINATED; ++end) {
        inside_request("info", "INFO", "udp", end, accepts);
        inside_request("message", "MESSAGE", "tcp", end, accepts);
        inside_request("update", "UPDATE", "udp", end, accepts);
        inside_request("reinvite", "INVITE", "tcp", end, accepts);
    }
}

static void inside_taken(void) { inside_each(PJ_TRUE); }
static void inside_declined(void) { inside_each(PJ_FALSE); }

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

    call_over(inv, end);
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

/* The user hangs up while it rings, and only then its PRACK is challenged. */
static void prack_late_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv;
    int waited;

    call_options = PJSIP_INV_SUPPORT_100REL;
    inv = call_start(&vault, VAULT_KEEP, "prack-late", transport, NULL);
    call_options = 0;
    for (waited = 0; waited < WAIT_MSEC && inv->state != PJSIP_INV_STATE_EARLY; waited += 10)
        lab_events(10);
    lab_events(50);
    call_end(inv);
    CHECK_EQ(vault.challenged, 0);
    CHECK_EQ(ua_seen.disconnected, 1);
    lab_events(100);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"PRACK\""), 1);
    vault_close(&vault);
}

static void prack_late(void)
{
    prack_late_over("udp");
    prack_late_over("tcp");
}

/* ------------------------------------------------ on two threads at once */

struct racing {
    struct vault *vault;
    pjsip_tx_data *answer;
    volatile int done;
};

static int answer_at_once(void *arg)
{
    struct racing *race = arg;
    if (!race->answer)
        pjsip_auth_clt_async_abandon(race->vault->kept.sess, race->vault->kept.token);
    else if (pjsip_auth_clt_async_send_req(race->vault->kept.sess, race->vault->kept.token,
                                           race->answer) == PJ_EINVAL)
        pjsip_tx_data_dec_ref(race->answer);
    LAB_COUNT(race->done);
    return 0;
}

void race(pjsip_inv_session *(*start)(struct vault *vault, const char *transport),
          void (*after)(void))
{
    enum { CALLS = 24 };
    int i;

    for (i = 0; i < CALLS; ++i) {
        struct vault vault;
        struct racing racing = {&vault, NULL, 0};
        struct worker worker;
        pjsip_inv_session *inv = start(&vault, i % 2 ? "tcp" : "udp");

        if (i % 3)
            racing.answer = challenge_answer(&vault.kept);
        worker_start(&worker, &answer_at_once, &racing);
        call_over(inv, i % 4 < 2 ? HANGS_UP : TERMINATED);
        REQUIRE(lab_until(&racing.done, 1, WAIT_MSEC));
        worker_join(&worker);
        lab_events(50);
        if (after)
            after();
        CHECK_EQ(ua_seen.disconnected, 1);
        vault_close(&vault);
    }
}

static pjsip_inv_session *keep_message(struct vault *vault, const char *transport)
{
    return kept_in_call(vault, "message", transport);
}

static pjsip_inv_session *keep_update(struct vault *vault, const char *transport)
{
    return kept_in_call(vault, "update", transport);
}

static void race_message(void) { race(&keep_message, NULL); }
static void race_update(void) { race(&keep_update, NULL); }

#define ASKS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK}
/* Before 2.17, too, where PJSIP's modules ask nobody. */
#define HELD(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}

const struct lab_case inside_cases[] = {
    ASKS(message_answered), ASKS(message_tcp), ASKS(message_abandoned),
    ASKS(message_expired), ASKS(update_abandoned), ASKS(update_expired),
    ASKS(message_after_call), ASKS(message_after_call_tcp), ASKS(update_after_call),
    ASKS(update_after_call_tcp), ASKS(message_left), ASKS(message_left_tcp),
    ASKS(update_left), ASKS(reinvite_left), ASKS(reinvite_left_tcp), ASKS(prack_answered),
    ASKS(prack_tcp), ASKS(prack_after_call), HELD(prack_late),
    HELD(inside_taken), HELD(inside_declined),
    HELD(late_in_call), HELD(late_in_call_tcp),
    {"late_in_call_sync", late_in_call_sync, LAB_PJAUTH_ONLY}, ASKS(race_message), ASKS(race_update),
};
const int inside_case_count = sizeof(inside_cases) / sizeof(inside_cases[0]);
