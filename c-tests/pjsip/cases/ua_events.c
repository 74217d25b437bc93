/* SUBSCRIBE with presence, and PUBLISH. */
#include "presence.h"
#include "vault.h"

#include <string.h>

/* --------------------------------------------------------------- SUBSCRIBE */

static pjsip_evsub *subscribe_start(struct vault *vault, enum vault_mode mode,
                                    const char *transport)
{
    pjsip_dialog *dlg;
    pjsip_evsub *sub = presence_subscription(transport, &dlg);

    vault_open(vault, mode, &dlg->auth_sess, UA_USER);
    subscribe_send(sub, 300);
    return sub;
}

static void subscribe(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_evsub *sub = subscribe_start(&vault, mode, transport);

    REQUIRE(lab_until(&presence_seen.active, 1, WAIT_MSEC));
    subscribe_send(sub, 0);
    REQUIRE(lab_until(&presence_seen.terminated, 1, WAIT_MSEC));
    lab_events(100);
    CHECK_EQ(vault.challenged, mode == VAULT_SYNC ? 0 : 2);
    vault_close(&vault);
    expect_clean(transport, "SUBSCRIBE", 4);
}

static void subscribe_sync(void) { subscribe(VAULT_SYNC, "udp"); }
static void subscribe_inside(void) { subscribe(VAULT_INSIDE, "udp"); }
static void subscribe_later(void) { subscribe(VAULT_LATER, "udp"); }
static void subscribe_tls(void) { subscribe(VAULT_LATER, "tls"); }

static void subscribe_abandon(void)
{
    struct vault vault;
    subscribe_start(&vault, VAULT_KEEP, "udp");
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_SUCCESS);
    REQUIRE(lab_until(&presence_seen.terminated, 1, WAIT_MSEC));
    vault_close(&vault);
    expect_clean("udp", "SUBSCRIBE", 1);
}

/* ----------------------------------------------------------------- PUBLISH */

/* Before 2.17 a publication does not show its session. */
static void publish_secrets(pjsip_publishc *pub, struct vault *vault,
                            enum vault_mode mode)
{
    pjsip_cred_info cred;

    memset(vault, 0, sizeof(*vault));
    vault_credential(&cred, UA_USER);
    CHECK_EQ(pjsip_publishc_set_credentials(pub, 1, &cred), PJ_SUCCESS);
#if HAS_ASYNC
    if (mode != VAULT_SYNC)
        vault_open(vault, mode, pjsip_publishc_get_auth_sess(pub), UA_USER);
#else
    (void)mode;
#endif
}

static pjsip_publishc *publish_start(struct vault *vault, enum vault_mode mode,
                                     const char *transport)
{
    pjsip_publishc *pub = presence_publication(transport);

    publish_secrets(pub, vault, mode);
    publish_send(pub);
    return pub;
}

static void publish(enum vault_mode mode, const char *transport)
{
    struct vault vault;
    pjsip_publishc *pub = publish_start(&vault, mode, transport);

    REQUIRE(lab_until(&presence_seen.published, 1, WAIT_MSEC));
    CHECK_EQ(presence_seen.status, PJ_SUCCESS);
    CHECK_EQ(presence_seen.code, 200);
    vault_close(&vault);
    CHECK_EQ(pjsip_publishc_destroy(pub), PJ_SUCCESS);
    expect_clean(transport, "PUBLISH", 2);
}

static void publish_sync(void) { publish(VAULT_SYNC, "udp"); }
static void publish_inside(void) { publish(VAULT_INSIDE, "udp"); }
static void publish_later(void) { publish(VAULT_LATER, "udp"); }
static void publish_tls(void) { publish(VAULT_LATER, "tls"); }

static void publish_abandon(void)
{
    struct vault vault;
    pjsip_publishc *pub = publish_start(&vault, VAULT_KEEP, "udp");
    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
             PJ_SUCCESS);
    CHECK_EQ(presence_seen.published, 1);
    CHECK_EQ(presence_seen.status, PJ_ECANCELLED);
    vault_close(&vault);
    CHECK_EQ(pjsip_publishc_destroy(pub), PJ_SUCCESS);
}

static void publish_destroyed_first(void)
{
    struct vault vault;
    pjsip_publishc *pub = publish_start(&vault, VAULT_KEEP, "udp");
    pjsip_tx_data *answer;
    long before;

    REQUIRE(lab_until(&vault.challenged, 1, WAIT_MSEC));
    answer = challenge_answer(&vault.kept);
    CHECK_EQ(pjsip_publishc_destroy(pub), PJ_SUCCESS);
    lab_events(300);
    before = references(answer);
    CHECK_EQ(pjsip_auth_clt_async_send_req(vault.kept.sess, vault.kept.token,
                                           answer), PJ_EINVAL);
    CHECK_EQ(references(answer), before);
    pjsip_tx_data_dec_ref(answer);
    vault_close(&vault);
}

#define SYNC(name) {#name, name, LAB_BOTH}
#define BOTH(name) {#name, name, LAB_BOTH | LAB_DEFERS}
/* A publication's session is out of reach before 2.17: see default_test.c. */
#define REACHED(name, where) {#name, name, where | LAB_DEFERS | LAB_MODULES_ASK}

const struct lab_case event_cases[] = {
    SYNC(subscribe_sync), BOTH(subscribe_inside), BOTH(subscribe_later),
    {"subscribe_tls", subscribe_tls, LAB_BOTH | LAB_DEFERS | LAB_TLS},
    BOTH(subscribe_abandon), SYNC(publish_sync),
    REACHED(publish_inside, LAB_BOTH), REACHED(publish_later, LAB_BOTH),
    REACHED(publish_tls, LAB_TLS),
    REACHED(publish_abandon, LAB_BOTH),
    REACHED(publish_destroyed_first, LAB_PJAUTH_ONLY),
};
const int event_case_count = sizeof(event_cases) / sizeof(event_cases[0]);
