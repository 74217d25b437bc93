/* Requests inside a call whose challenges PJSIP's own modules hand over, and that are
 * answered or given up when the call is over, its dialog not yet: over UDP it stays for as
 * long as the BYE's transaction. */
#include "ua.h"

#include <pjauth.h>

static const pjsip_method info_method = {PJSIP_OTHER_METHOD, {"INFO", 4}};

static pjsip_inv_session *info_challenged(struct vault *vault, enum vault_mode mode,
                                          const char *transport)
{
    pjsip_inv_session *inv = call_start(vault, mode, "info", transport, NULL);
    pjsip_tx_data *request;

    CHECK(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    lab_wire();
    CHECK_EQ(pjsip_dlg_create_request(inv->dlg, &info_method, -1, &request),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, request), PJ_SUCCESS);
    CHECK(lab_until(&vault->challenged, 1, WAIT_MSEC));
    return inv;
}

static void info_over(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = info_challenged(&vault, mode, transport);

    REQUIRE(lab_until(&vault.answered, 1, WAIT_MSEC));
    lab_events(100);
    CHECK_EQ(vault.challenged, 1);
    CHECK_EQ(vault.status, PJ_SUCCESS);
    expect_clean(transport, "INFO", 2);
    call_end(inv);
    vault_close(&vault);
}

static void info_inside(void) { info_over(VAULT_INSIDE, "udp"); }
static void info_later(void) { info_over(VAULT_LATER, "udp"); }
static void info_tls(void) { info_over(VAULT_LATER, "tls"); }

/* The call is gone, and with it what PJSIP would send with. */
static void info_after_bye_over(const char *transport)
{
    struct vault vault;
    pjsip_inv_session *inv = info_challenged(&vault, VAULT_KEEP, transport);
    pjsip_tx_data *answer = challenge_answer(&vault.kept);

    lab_wire();
    call_end(inv);
    expect_unanswerable(&vault, answer);
    vault_close(&vault);
    lab_events(100);
    CHECK_EQ(lab_count(lab_wire(), "\"method\":\"INFO\""), 0);
}

static void info_after_bye(void) { info_after_bye_over("udp"); }
static void info_after_bye_tls(void) { info_after_bye_over("tls"); }

static void info_abandoned_after_bye(void)
{
    struct vault vault;
    pjsip_inv_session *inv = info_challenged(&vault, VAULT_KEEP, "udp");

    call_end(inv);
    pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(vault.kept.token));
    vault_close(&vault);
}

/* The library's own deadline. */
static void info_expires_after_bye(void)
{
    struct vault vault;
    pjsip_inv_session *inv = info_challenged(&vault, VAULT_KEEP, "udp");

    call_end(inv);
    CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(vault.kept.token, 10),
             PJ_SUCCESS);
    lab_events(100);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(vault.kept.token));
    vault_close(&vault);
}

#define ASKS(name) {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK}
#define TLS(name) \
    {#name, name, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK | LAB_TLS}

const struct lab_case ended_cases[] = {
    ASKS(info_inside), ASKS(info_later), TLS(info_tls), ASKS(info_after_bye),
    TLS(info_after_bye_tls), ASKS(info_abandoned_after_bye),
    ASKS(info_expires_after_bye),
};
const int ended_case_count = sizeof(ended_cases) / sizeof(ended_cases[0]);
