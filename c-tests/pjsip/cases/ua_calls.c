/* INVITE, BYE, plain dialogs and forks. */
#include "ua.h"
#include "vault.h"

#include <pjauth.h>

#include <pjmedia/sdp.h>
#include <stdio.h>
#include <string.h>

struct ua_seen ua_seen;
unsigned call_options;
void (*calls_dialog_made)(pjsip_dialog *dlg);
void (*calls_on_request)(pjsip_inv_session *inv, pjsip_rx_data *rdata);
static struct {
    pjsip_dialog *forked;
    volatile int forks;
} forking;

/* Keeps a plain dialog alive. It is no usage of the dialog: with one, PJSIP
 * would leave the challenge to it. */
static pjsip_module keeper = {
    NULL, NULL, {"keeper", 6}, -1, PJSIP_MOD_PRIORITY_APPLICATION,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
};

void calls_on_state(pjsip_inv_session *inv, pjsip_event *event)
{
    (void)event;
    if (inv->state == PJSIP_INV_STATE_CONFIRMED)
        ++ua_seen.confirmed;
    if (inv->state == PJSIP_INV_STATE_DISCONNECTED) {
        ua_seen.cause = inv->cause;
        ++ua_seen.disconnected;
    }
}

void calls_on_transaction(pjsip_inv_session *inv, pjsip_transaction *tsx, pjsip_event *event)
{
    if (calls_on_request && tsx->role == PJSIP_ROLE_UAS && tsx->state == PJSIP_TSX_STATE_TRYING)
        calls_on_request(inv, event->body.tsx_state.src.rdata);
}

static void keep_dialog(pjsip_dialog *dlg)
{
    if (keeper.id == -1)
        CHECK_EQ(pjsip_endpt_register_module(lab.endpt, &keeper), PJ_SUCCESS);
    CHECK_EQ(pjsip_dlg_inc_session(dlg, &keeper), PJ_SUCCESS);
}

pjsip_dialog *calls_on_forked(pjsip_dialog *first, pjsip_rx_data *rdata)
{
    CHECK_EQ(pjsip_dlg_fork(first, rdata, &forking.forked), PJ_SUCCESS);
    keep_dialog(forking.forked);
    ++forking.forks;
    return forking.forked;
}

/* ------------------------------------------------------------------- calls */

static pjmedia_sdp_session *offer(pj_pool_t *pool)
{
    static const char text[] =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
        "t=0 0\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
    pjmedia_sdp_session *sdp = NULL;
    pj_str_t copy;
    pj_strdup2_with_null(pool, &copy, text);
    CHECK_EQ(pjmedia_sdp_parse(pool, copy.ptr, (pj_size_t)copy.slen, &sdp),
             PJ_SUCCESS);
    return sdp;
}

pjsip_inv_session *call_start(struct vault *vault, enum vault_mode mode,
                              const char *scenario, const char *transport,
                              pjsip_auth_clt_sess *parent)
{
    pjsip_dialog *dlg;
    pjsip_inv_session *inv = NULL;
    pjsip_tx_data *invite;

    memset(&ua_seen, 0, sizeof(ua_seen));
    dlg = ua_dialog(scenario, transport);
    if (calls_dialog_made)
        calls_dialog_made(dlg);
    CHECK_EQ(pjsip_inv_create_uac(dlg, offer(dlg->pool), call_options, &inv), PJ_SUCCESS);
    if (parent)
        CHECK_EQ(pjsip_dlg_set_auth_sess(dlg, parent), PJ_SUCCESS);
    vault_open(vault, mode, &dlg->auth_sess, UA_USER);
    CHECK_EQ(pjsip_inv_invite(inv, &invite), PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, invite), PJ_SUCCESS);
    return inv;
}

void call_end(pjsip_inv_session *inv)
{
    pjsip_tx_data *bye = NULL;
    CHECK_EQ(pjsip_inv_end_session(inv, 200, NULL, &bye), PJ_SUCCESS);
    if (bye)
        CHECK_EQ(pjsip_inv_send_msg(inv, bye), PJ_SUCCESS);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
}

void expect_clean(const char *transport, const char *method, int requests)
{
    char word[64];
    const char *wire = lab_wire();
    snprintf(word, sizeof(word), "\"method\":\"%s\",\"over\":\"%s\"", method,
             transport);
    CHECK_EQ(lab_count(wire, word), requests);
    if (lab_count(wire, "\"faults\":[]") != lab_count(wire, "\"faults\":"))
        lab_fail(__FILE__, __LINE__, "faults in\n%s", wire);
}

void expect_unanswerable(struct vault *vault, pjsip_tx_data *answer)
{
    long before = references(answer);
    CHECK_EQ(pjsip_auth_clt_async_send_req(vault->kept.sess, vault->kept.token,
                                           answer), PJ_EINVAL);
    CHECK(references(answer) >= before - 1); /* the token's own may go */
    pjsip_tx_data_dec_ref(answer);
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault->kept.sess, vault->kept.token),
             PJ_EINVAL);
}

static void call(enum vault_mode mode, const char *scenario,
                 const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = call_start(&vault, mode, scenario, transport, NULL);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    expect_clean(transport, "INVITE", strcmp(scenario, "bye") == 0 ? 1 : 2);
    call_end(inv);
    CHECK_EQ(ua_seen.cause, 200);
    lab_events(50);
    expect_clean(transport, "BYE", strcmp(scenario, "invite") == 0 ? 1 : 2);
    CHECK_EQ(vault.challenged, mode == VAULT_SYNC ? 0 : 1);
    if (mode != VAULT_SYNC)
        CHECK_EQ(vault.status, PJ_SUCCESS);
    vault_close(&vault);
}

static void invite_sync(void) { call(VAULT_SYNC, "invite", "udp"); }
static void invite_inside(void) { call(VAULT_INSIDE, "invite", "udp"); }
static void invite_later(void) { call(VAULT_LATER, "invite", "udp"); }
static void invite_tcp_sync(void) { call(VAULT_SYNC, "invite", "tcp"); }
static void invite_tcp_inside(void) { call(VAULT_INSIDE, "invite", "tcp"); }
static void invite_tls_sync(void) { call(VAULT_SYNC, "invite", "tls"); }
static void invite_tls_inside(void) { call(VAULT_INSIDE, "invite", "tls"); }
static void bye_sync(void) { call(VAULT_SYNC, "bye", "udp"); }
static void bye_inside(void) { call(VAULT_INSIDE, "bye", "udp"); }
static void bye_later(void) { call(VAULT_LATER, "bye", "udp"); }

static void hold(bool wanted)
{
    __typeof__(&pjauth_hold_challenges) set = PJAUTH(pjauth_hold_challenges);
    if (set)
        set(wanted);
}

/* Not held, a BYE's transaction goes with Timer K, and the call with it: who
 * answers after that is too late. Stock then sends through a freed session. */
static void bye_too_late(void)
{
    struct vault vault;
    pjsip_inv_session *inv;
    pjsip_tx_data *bye, *answer;

    hold(false);
    inv = call_start(&vault, VAULT_KEEP, "bye", "udp", NULL);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_inv_end_session(inv, 200, NULL, &bye), PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, bye), PJ_SUCCESS);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    lab_events(2500);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
    hold(true);
}

/* Not held, a challenged INVITE's transaction over TCP ends at once, and the
 * call with it: whoever answers later is too late. */
static void invite_tcp_too_late(void)
{
    struct vault vault;
    pjsip_tx_data *answer;

    hold(false);
    call_start(&vault, VAULT_KEEP, "invite", "tcp", NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    lab_events(100);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
    hold(true);
}

static void invite_abandon(void)
{
    struct vault vault;
    call_start(&vault, VAULT_KEEP, "invite", "udp", NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_SUCCESS);
    REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
    CHECK_EQ(ua_seen.disconnected, 1);
    vault_close(&vault);
    expect_clean("udp", "INVITE", 1);
}

/* The call is ended, and its dialog gone, before the answer comes. */
static void invite_ended_first(void)
{
    struct vault vault;
    pjsip_inv_session *inv;
    pjsip_tx_data *answer;

    inv = call_start(&vault, VAULT_KEEP, "invite", "udp", NULL);
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    CHECK_EQ(pjsip_inv_terminate(inv, 487, PJ_TRUE), PJ_SUCCESS);
    lab_events(300);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
}

/* -------------------------------------------------- shared parent sessions */

static void calls_share(enum vault_mode mode)
{
    struct vault vault, unused;
    pj_pool_t *pool = pjsip_endpt_create_pool(lab.endpt, "shared", 1024, 1024);
    pjsip_auth_clt_sess shared;
    int i;

    memset(&shared, 0, sizeof(shared));
    CHECK_EQ(pjsip_auth_clt_init(&shared, lab.endpt, pool, 0), PJ_SUCCESS);
    vault_open(&vault, mode, &shared, UA_USER);
    for (i = 1; i <= 2; ++i) {
        pjsip_inv_session *inv =
            call_start(&unused, VAULT_SYNC, "invite", "udp", &shared);
        REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
        if (mode != VAULT_SYNC) {
            CHECK_EQ(vault.challenged, i);
            CHECK(vault.kept.sess == &shared);
        }
        call_end(inv);
        lab_events(50);
    }
    vault_close(&vault);
    expect_clean("udp", "INVITE", 4);
    lab_events(300);
    CHECK_EQ(pjsip_auth_clt_deinit(&shared), PJ_SUCCESS);
    pjsip_endpt_release_pool(lab.endpt, pool);
}

static void parent_sync(void) { calls_share(VAULT_SYNC); }
static void parent_later(void) { calls_share(VAULT_LATER); }
static void parent_inside(void) { calls_share(VAULT_INSIDE); }

/* ----------------------------------------------------------- plain dialogs */

static void dialog_request(pjsip_dialog *dlg, const pjsip_method *method)
{
    pjsip_tx_data *request;
    CHECK_EQ(pjsip_dlg_create_request(dlg, method, -1, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_dlg_send_request(dlg, request, -1, NULL), PJ_SUCCESS);
}

static void dialog_release(pjsip_dialog *dlg)
{
    CHECK_EQ(pjsip_dlg_dec_session(dlg, &keeper), PJ_SUCCESS);
}

/* Waits until the registrar has accepted one request of this method, which
 * nobody on this side is told of, and checks what it saw. */
static void expect_accepted(const char *method, int requests)
{
    char text[8192] = "", request[40];
    int waited;

    snprintf(request, sizeof(request), "\"method\":\"%s\"", method);
    for (waited = 0; waited < WAIT_MSEC; waited += 50) {
        lab_events(50);
        strncat(text, lab_wire(), sizeof(text) - strlen(text) - 1);
        if (lab_count(text, request) >= requests)
            break;
    }
    CHECK_EQ(lab_count(text, request), requests);
    CHECK(strstr(text, "\"status\":200") != NULL);
    if (lab_count(text, "\"faults\":[]") != lab_count(text, "\"faults\":"))
        lab_fail(__FILE__, __LINE__, "faults in\n%s", text);
}

/* A dialog without a usage of PJSIP's answers challenges by itself. */
static void dialog(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_dialog *dlg = ua_dialog("sha-256-407", transport);

    memset(&forking, 0, sizeof(forking));
    keep_dialog(dlg);
    vault_open(&vault, mode, &dlg->auth_sess, UA_USER);
    dialog_request(dlg, pjsip_get_options_method());
    expect_accepted("OPTIONS", 2);
    CHECK_EQ(vault.challenged, mode == VAULT_SYNC ? 0 : 1);
    vault_close(&vault);
    dialog_release(dlg);
}

static void dialog_sync(void) { dialog(VAULT_SYNC, "udp"); }
static void dialog_inside(void) { dialog(VAULT_INSIDE, "udp"); }
static void dialog_later(void) { dialog(VAULT_LATER, "udp"); }
static void dialog_tls(void) { dialog(VAULT_LATER, "tls"); }

/* The second branch of a forked INVITE is a dialog with a cloned session; its
 * BYE is challenged, and answered from the clone. */
static void fork_with(enum vault_mode mode, pjsip_auth_clt_sess *parent,
                      struct vault *parents)
{
    struct vault vault;
    pjsip_dialog *dlg = ua_dialog("fork", "udp");

    memset(&forking, 0, sizeof(forking));
    keep_dialog(dlg);
    if (parent)
        CHECK_EQ(pjsip_dlg_set_auth_sess(dlg, parent), PJ_SUCCESS);
    else
        vault_open(&vault, mode, &dlg->auth_sess, UA_USER);
    dialog_request(dlg, pjsip_get_invite_method());
    REQUIRE(lab_until(&forking.forks, 1, WAIT_MSEC));
    lab_events(100);
    lab_wire();
    if (forking.forked) {
        dialog_request(forking.forked, pjsip_get_bye_method());
        expect_accepted("BYE", 2);
        if (mode != VAULT_SYNC)
            CHECK_EQ((parents ? parents : &vault)->challenged, 1);
        lab_events(100);
        dialog_release(forking.forked);
    }
    if (!parent)
        vault_close(&vault);
    dialog_release(dlg);
}

static void fork_sync(void) { fork_with(VAULT_SYNC, NULL, NULL); }
static void fork_later(void) { fork_with(VAULT_LATER, NULL, NULL); }

/* Stock aborts on the first use of such a clone. */
static void fork_with_parent(void)
{
    struct vault vault;
    pj_pool_t *pool = pjsip_endpt_create_pool(lab.endpt, "shared", 1024, 1024);
    pjsip_auth_clt_sess shared;

    memset(&shared, 0, sizeof(shared));
    CHECK_EQ(pjsip_auth_clt_init(&shared, lab.endpt, pool, 0), PJ_SUCCESS);
    vault_open(&vault, VAULT_LATER, &shared, UA_USER);
    fork_with(VAULT_LATER, &shared, &vault);
    vault_close(&vault);
    lab_events(300);
    CHECK_EQ(pjsip_auth_clt_deinit(&shared), PJ_SUCCESS);
    pjsip_endpt_release_pool(lab.endpt, pool);
}

#define SYNC(name) {#name, name, LAB_BOTH}
#define BOTH(name) {#name, name, LAB_BOTH | LAB_DEFERS}
#define TLS(name) {#name, name, LAB_BOTH | LAB_DEFERS | LAB_TLS}
#define OURS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}
#define NOT_HELD LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK

const struct lab_case call_cases[] = {
    SYNC(invite_sync), BOTH(invite_inside), BOTH(invite_later),
    SYNC(invite_tcp_sync), BOTH(invite_tcp_inside),
    {"invite_tls_sync", invite_tls_sync, LAB_BOTH | LAB_TLS},
    TLS(invite_tls_inside), SYNC(bye_sync),
    BOTH(bye_inside), BOTH(bye_later),
    {"bye_too_late", bye_too_late, NOT_HELD},
    {"invite_tcp_too_late", invite_tcp_too_late, NOT_HELD},
    BOTH(invite_abandon), OURS(invite_ended_first),
    {"parent_sync", parent_sync, LAB_SHARES},
    {"parent_later", parent_later, LAB_SHARES | LAB_DEFERS},
    {"parent_inside", parent_inside, LAB_SHARES | LAB_DEFERS},
    SYNC(dialog_sync), BOTH(dialog_inside), BOTH(dialog_later),
    TLS(dialog_tls),
    SYNC(fork_sync), BOTH(fork_later),
    {"fork_with_parent", fork_with_parent,
     LAB_PJAUTH_ONLY | LAB_SHARES | LAB_DEFERS},
};
const int call_case_count = sizeof(call_cases) / sizeof(call_cases[0]);
