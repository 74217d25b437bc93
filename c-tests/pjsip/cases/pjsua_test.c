/* pjsua's own paths, where its headers and archives are installed: accounts,
 * MESSAGE, REGISTER and calls, with on_auth_challenge and with a session that
 * the account shares. */
#define _GNU_SOURCE
#include "lab.h"
#include "registration.h"

#include <pjauth.h>
#include <pjsua-lib/pjsua.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ANY = -1 };
enum mode { DECLINE, INSIDE, LATER, KEEP };

/* The callbacks run on pjsua's worker thread. */
static struct {
    enum mode mode;
    volatile int challenged, paged, registered, confirmed, disconnected;
    volatile int paged_code, registered_code;
    pjsua_acc_id seen_acc;
    pjsua_call_id seen_call;
    struct challenge kept;
    pj_status_t status;
} s;

static pj_bool_t on_challenge(pjsip_auth_clt_sess *sess, void *token,
                              const pjsip_auth_clt_async_on_chal_param *param)
{
    const pj_bool_t takes = s.mode != DECLINE;

    if (takes) {
        challenge_drop(&s.kept);
        challenge_keep(&s.kept, sess, token, param);
    }
    if (s.mode == INSIDE)
        s.status = challenge_send(&s.kept);
    LAB_COUNT(s.challenged);
    return takes;
}

#if HAS_ASYNC
static void on_auth_challenge(pjsua_on_auth_challenge_param *param)
{
    pjsip_auth_clt_async_on_chal_param copy;

    copy.tdata = param->tdata;
    copy.rdata = param->rdata;
    copy.user_data = NULL;
    s.seen_acc = param->acc_id;
    s.seen_call = param->call_id;
    param->handled = on_challenge(param->auth_sess, param->token, &copy);
}
#endif

/* Before 2.17 pjsua has no such callback: pjauth asks about all sessions. */
static void ask_about_all(void)
{
    pjsip_auth_clt_async_setting setting;

    setting.cb = &on_challenge;
    setting.user_data = NULL;
    lab.endpt = pjsua_get_pjsip_endpt();
    if (!HAS_ASYNC && !lab.stock)
        lab_ask(&setting);
    lab.endpt = NULL;
}

static void on_pager_status(pjsua_call_id call, const pj_str_t *to,
                            const pj_str_t *body, void *user_data,
                            pjsip_status_code code, const pj_str_t *reason)
{
    (void)call;
    (void)to;
    (void)body;
    (void)user_data;
    (void)reason;
    s.paged_code = code;
    LAB_COUNT(s.paged);
}

static void on_reg_state(pjsua_acc_id acc, pjsua_reg_info *info)
{
    (void)acc;
    s.registered_code = info->cbparam->code;
    LAB_COUNT(s.registered);
}

static void on_call_state(pjsua_call_id call, pjsip_event *event)
{
    pjsua_call_info info;
    (void)event;
    if (pjsua_call_get_info(call, &info) != PJ_SUCCESS)
        return;
    if (info.state == PJSIP_INV_STATE_CONFIRMED)
        LAB_COUNT(s.confirmed);
    if (info.state == PJSIP_INV_STATE_DISCONNECTED)
        LAB_COUNT(s.disconnected);
}

static int start_pjsua(void)
{
    pjsua_config ua;
    pjsua_logging_config log;
    pjsua_media_config media;
    pjsua_transport_config transport;

    pj_log_set_level(0);
    if (pjsua_create() != PJ_SUCCESS)
        return 0;
    pjsua_config_default(&ua);
    pjsua_logging_config_default(&log);
    pjsua_media_config_default(&media);
    pjsua_transport_config_default(&transport);
    ua.cb.on_pager_status = &on_pager_status;
    ua.cb.on_reg_state2 = &on_reg_state;
    ua.cb.on_call_state = &on_call_state;
#if HAS_ASYNC
    ua.cb.on_auth_challenge = &on_auth_challenge;
#endif
    ua.thread_cnt = 1;
    log.console_level = 0;
    log.level = 0;
    media.no_vad = PJ_TRUE;
    transport.bound_addr = lab_str("127.0.0.1");
    return pjsua_init(&ua, &log, &media) == PJ_SUCCESS &&
           pjsua_transport_create(PJSIP_TRANSPORT_UDP, &transport, NULL) ==
               PJ_SUCCESS &&
           (lab.no_tls ||
            pjsua_transport_create(PJSIP_TRANSPORT_TLS, &transport, NULL) ==
                PJ_SUCCESS) &&
           pjsua_start() == PJ_SUCCESS &&
           pjsua_set_null_snd_dev() == PJ_SUCCESS;
}

/* Registers over `transport`; NULL: does not. */
static pjsua_acc_id account(const char *user, pj_bool_t shared,
                            const char *transport)
{
    char id[96], registrar[64];
    pjsua_acc_config cfg;
    pjsua_acc_id acc = PJSUA_INVALID_ID;

    snprintf(id, sizeof(id), "<sip:%s@127.0.0.1>", user);
    pjsua_acc_config_default(&cfg);
    cfg.id = lab_str(id);
    if (transport) {
        snprintf(registrar, sizeof(registrar), "sip:127.0.0.1:%d;transport=%s",
                 lab_port(transport), transport);
        cfg.reg_uri = lab_str(registrar);
    }
    cfg.register_on_acc_add = PJ_FALSE;
    cfg.unreg_timeout = 500;
    cfg.reg_retry_interval = 0;
#if HAS_PARENTS
    cfg.use_shared_auth = shared;
#else
    (void)shared;
#endif
    cfg.cred_count = 1;
    cfg.cred_info[0].realm = lab_str("*");
    cfg.cred_info[0].scheme = lab_str("digest");
    cfg.cred_info[0].username = lab_str(user);
    cfg.cred_info[0].data = lab_str(PASSWORD);
    CHECK_EQ(pjsua_acc_add(&cfg, PJ_FALSE, &acc), PJ_SUCCESS);
    return acc;
}

static void reset(enum mode mode)
{
    const volatile int *counts[] = {&s.challenged, &s.paged, &s.registered,
                                    &s.confirmed, &s.disconnected};
    unsigned i;

    /* What pjsua's thread has noted of the case before is there. */
    for (i = 0; i < PJ_ARRAY_SIZE(counts); ++i)
        (void)__atomic_load_n(counts[i], __ATOMIC_ACQUIRE);
    memset(&s, 0, sizeof(s));
    s.mode = mode;
    s.status = -1;
}

/* Answers the kept challenge from this thread, which is not pjsua's. */
static void answer_later(void)
{
    REQUIRE(lab_until(&s.challenged, 1, WAIT_MSEC));
    usleep(60 * 1000);
    s.status = challenge_send(&s.kept);
}

static void expect_clean(const char *method, int requests)
{
    char word[40];
    const char *wire = lab_wire();
    snprintf(word, sizeof(word), "\"method\":\"%s\"", method);
    if (requests != ANY)
        CHECK_EQ(lab_count(wire, word), requests);
    if (lab_count(wire, "\"faults\":[]") != lab_count(wire, "\"faults\":"))
        lab_fail(__FILE__, __LINE__, "faults in\n%s", wire);
}

static void destination(char *uri, size_t size, const char *scenario,
                        const char *transport)
{
    snprintf(uri, size, "sip:%s@127.0.0.1:%d;transport=%s", scenario,
             lab_port(transport), transport);
}

/* ----------------------------------------------------------------- MESSAGE */

static void message_start(pjsua_acc_id acc, const char *transport)
{
    char to[96];
    pj_str_t to_str, text = lab_str("hello");

    destination(to, sizeof(to), "sha-256-407", transport);
    to_str = lab_str(to);
    CHECK_EQ(pjsua_im_send(acc, &to_str, NULL, &text, NULL, NULL), PJ_SUCCESS);
}

static void message(enum mode mode, pj_bool_t shared, const char *transport)
{
    pjsua_acc_id acc = account("talker", shared, NULL);

    reset(mode);
    message_start(acc, transport);
    if (mode == LATER)
        answer_later();
    REQUIRE(lab_until(&s.paged, 1, WAIT_MSEC));
    CHECK_EQ(s.paged_code, 200);
    if (HAS_ASYNC) {
        CHECK_EQ(s.challenged, 1);
        CHECK_EQ(s.seen_acc, acc);
        CHECK_EQ(s.seen_call, PJSUA_INVALID_ID);
    }
    if (mode == INSIDE || mode == LATER)
        CHECK_EQ(s.status, PJ_SUCCESS);
    expect_clean("MESSAGE", 2);
    challenge_drop(&s.kept);
    CHECK_EQ(pjsua_acc_del(acc), PJ_SUCCESS);
}

static void message_declined(void) { message(DECLINE, PJ_FALSE, "udp"); }
static void message_inside(void) { message(INSIDE, PJ_FALSE, "udp"); }
static void message_later(void) { message(LATER, PJ_FALSE, "udp"); }
static void message_tls(void) { message(LATER, PJ_FALSE, "tls"); }
static void message_shared_later(void) { message(LATER, PJ_TRUE, "udp"); }
static void message_shared_inside(void) { message(INSIDE, PJ_TRUE, "udp"); }

static void message_abandoned(void)
{
    pjsua_acc_id acc = account("talker", PJ_FALSE, NULL);

    reset(KEEP);
    message_start(acc, "udp");
    REQUIRE(lab_until(&s.challenged, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_auth_clt_async_abandon(s.kept.sess, s.kept.token),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_abandon(s.kept.sess, s.kept.token),
             PJ_EINVAL);
    challenge_drop(&s.kept);
    expect_clean("MESSAGE", 1);
    CHECK_EQ(pjsua_acc_del(acc), PJ_SUCCESS);
}

/* ---------------------------------------------------------------- REGISTER */

static void registers(enum mode mode, pj_bool_t shared, const char *transport)
{
    pjsua_acc_id acc = account("sha-256-401", shared, transport);

    reset(mode);
    CHECK_EQ(pjsua_acc_set_registration(acc, PJ_TRUE), PJ_SUCCESS);
    if (mode == LATER)
        answer_later();
    REQUIRE(lab_until(&s.registered, 1, WAIT_MSEC));
    CHECK_EQ(s.registered_code, 200);
    expect_clean("REGISTER", 2);
    s.mode = DECLINE;
    challenge_drop(&s.kept);
    CHECK_EQ(pjsua_acc_del(acc), PJ_SUCCESS);
    lab_events(300);
    /* A deleted account takes its registration off the shared session, which
     * alone has the credentials: the challenge of the removal is answered only
     * if it came before that. */
    expect_clean("REGISTER", shared ? ANY : 2);
}

static void register_declined(void) { registers(DECLINE, PJ_FALSE, "udp"); }
static void register_inside(void) { registers(INSIDE, PJ_FALSE, "udp"); }
static void register_later(void) { registers(LATER, PJ_FALSE, "udp"); }
static void register_tls(void) { registers(LATER, PJ_FALSE, "tls"); }
static void register_shared_later(void) { registers(LATER, PJ_TRUE, "udp"); }

/* The account is deleted while its REGISTER waits for an answer. */
static void account_deleted(void)
{
    pjsua_acc_id acc = account("sha-256-401", PJ_FALSE, "udp");
    pjsip_tx_data *answer;
    long before;

    reset(KEEP);
    CHECK_EQ(pjsua_acc_set_registration(acc, PJ_TRUE), PJ_SUCCESS);
    REQUIRE(lab_until(&s.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&s.kept);
    CHECK_EQ(pjsua_acc_del(acc), PJ_SUCCESS);
    lab_events(700);
    before = references(answer);
    if (HAS_ASYNC) {
        CHECK_EQ(pjsip_auth_clt_async_send_req(s.kept.sess, s.kept.token,
                                               answer), PJ_EINVAL);
        CHECK_EQ(references(answer), before);
        pjsip_tx_data_dec_ref(answer);
    } else {
        /* A deleted registration lives on until its transaction ends. */
        CHECK_EQ(pjsip_auth_clt_async_send_req(s.kept.sess, s.kept.token,
                                               answer), PJ_SUCCESS);
    }
    challenge_drop(&s.kept);
    lab_wire();
}

/* ------------------------------------------------------------------- calls */

static void calls(enum mode mode, pj_bool_t shared, const char *transport)
{
    pjsua_acc_id acc = account("talker", shared, NULL);
    pjsua_call_id call = PJSUA_INVALID_ID;
    char to[96];
    pj_str_t to_str;

    reset(mode);
    destination(to, sizeof(to), "invite", transport);
    to_str = lab_str(to);
    CHECK_EQ(pjsua_call_make_call(acc, &to_str, NULL, NULL, NULL, &call),
             PJ_SUCCESS);
    if (mode == LATER)
        answer_later();
    REQUIRE(lab_until(&s.confirmed, 1, WAIT_MSEC));
    if (HAS_ASYNC)
        CHECK_EQ(s.seen_call, call);
    expect_clean("INVITE", 2);
    challenge_drop(&s.kept);
    pjsua_call_hangup_all();
    REQUIRE(lab_until(&s.disconnected, 1, WAIT_MSEC));
    CHECK_EQ(pjsua_acc_del(acc), PJ_SUCCESS);
    lab_wire();
}

static void call_declined(void) { calls(DECLINE, PJ_FALSE, "udp"); }
static void call_inside(void) { calls(INSIDE, PJ_FALSE, "udp"); }
static void call_later(void) { calls(LATER, PJ_FALSE, "udp"); }
static void call_tls(void) { calls(LATER, PJ_FALSE, "tls"); }
static void call_shared_later(void) { calls(LATER, PJ_TRUE, "udp"); }

/* The account is deleted, and with it the session that its calls and messages share, while a
 * challenge is kept: whatever the application does then, nothing of the account's is touched. */
static void account_deleted_under(int is_call, int ending)
{
    pjsua_acc_id acc = account("talker", PJ_TRUE, NULL);
    pjsua_call_id call = PJSUA_INVALID_ID;
    pjsip_tx_data *answer = NULL;
    char to[96];
    pj_str_t to_str;

    reset(KEEP);
    if (is_call) {
        destination(to, sizeof(to), "invite", "udp");
        to_str = lab_str(to);
        CHECK_EQ(pjsua_call_make_call(acc, &to_str, NULL, NULL, NULL, &call), PJ_SUCCESS);
    } else {
        message_start(acc, "udp");
    }
    REQUIRE(lab_until(&s.challenged, 1, WAIT_MSEC));
    if (ending == 0)
        answer = challenge_answer(&s.kept);
    CHECK_EQ(pjsua_acc_del(acc), PJ_SUCCESS);
    if (ending == 0) {
        if (pjsip_auth_clt_async_send_req(s.kept.sess, s.kept.token, answer) == PJ_EINVAL)
            pjsip_tx_data_dec_ref(answer);
    } else if (ending == 1) {
        CHECK_EQ(pjsip_auth_clt_async_abandon(s.kept.sess, s.kept.token), PJ_SUCCESS);
    } else {
        CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(s.kept.token, 10), PJ_SUCCESS);
    }
    lab_events(300);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(s.kept.token));
    s.mode = DECLINE;
    challenge_drop(&s.kept);
    pjsua_call_hangup_all();
    lab_events(300);
    lab_wire();
}

static void account_deleted_shared(void)
{
    int ending;
    for (ending = 0; ending < 3; ++ending) {
        account_deleted_under(0, ending);
        account_deleted_under(1, ending);
    }
}

#define SYNC(name) {#name, name, LAB_BOTH}
#define BOTH(name) {#name, name, LAB_BOTH | LAB_DEFERS}
#define OURS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS}
/* Before 2.17 pjsua answers for its MESSAGE with a session of the moment. */
#define MESSAGE(name, where) {#name, name, where | LAB_DEFERS | LAB_MODULES_ASK}
#define TLS(name, where) {#name, name, where | LAB_DEFERS | LAB_TLS}
#define SHARED(name) {#name, name, LAB_BOTH | LAB_DEFERS | LAB_SHARES}

int main(int argc, char **argv)
{
    static const struct lab_case cases[] = {
        SYNC(message_declined), MESSAGE(message_inside, LAB_BOTH),
        MESSAGE(message_later, LAB_BOTH), MESSAGE(message_tls, LAB_TLS),
        MESSAGE(message_shared_later, LAB_BOTH),
        MESSAGE(message_shared_inside, LAB_PJAUTH_ONLY),
        MESSAGE(message_abandoned, LAB_BOTH), SYNC(register_declined),
        BOTH(register_inside), BOTH(register_later), TLS(register_tls, LAB_BOTH),
        SHARED(register_shared_later), OURS(account_deleted),
        SYNC(call_declined), BOTH(call_inside), BOTH(call_later),
        TLS(call_tls, LAB_PJAUTH_ONLY),
        SHARED(call_shared_later),
        {"account_deleted_shared", account_deleted_shared,
         LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_SHARES | LAB_MODULES_ASK},
    };
    lab_open_bare(argc, argv);
    if (!start_pjsua()) {
        printf("FAIL pjsua does not start\n");
        return 1;
    }
    ask_about_all();
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    pjsua_destroy2(PJSUA_DESTROY_NO_RX_MSG);
    return lab_close();
}
