/* PJSIP is shut down while calls wait for an answer to their challenge: twenty,
 * and twenty over TLS, and one request of each other kind. */
#include "presence.h"
#include "ua.h"

#include <pjauth.h>
#include <string.h>

enum { CALLS = 20 };

static void outstanding(struct vault vaults[CALLS], const char *first,
                        const char *second)
{
    __typeof__(&pjauth_sip_get_stats) get = PJAUTH(pjauth_sip_get_stats);
    struct pjauth_sip_stats before, after;
    int i;

    get(&before, sizeof(before));
    for (i = 0; i < CALLS; ++i) {
        call_start(&vaults[i], VAULT_FORGET, "invite", i % 2 ? first : second,
                   NULL);
        REQUIRE(lab_until(&vaults[i].challenged, 1, WAIT_MSEC));
    }
    lab_events(200);
    get(&after, sizeof(after));
    CHECK_EQ(after.outstanding - before.outstanding, CALLS);
}

static void twenty_outstanding(void)
{
    static struct vault vaults[CALLS];
    outstanding(vaults, "tcp", "udp");
}

static void twenty_tls(void)
{
    static struct vault vaults[CALLS];
    outstanding(vaults, "tls", "tls");
}

/* A BYE, an INFO, a subscription, a publication and a registration, none of which the
 * application ends: their memory is its own to leak, what the library must do is not to touch it. */
static void one_of_each(void)
{
    enum { KINDS = 5 };
    static struct vault vaults[KINDS];
    static struct registration r;
    __typeof__(&pjauth_sip_get_stats) get = PJAUTH(pjauth_sip_get_stats);
    struct pjauth_sip_stats before, after;
    const pj_size_t pools = lab.factory.used_count;
    pj_str_t name = lab_str("INFO");
    pjsip_method info;
    pjsip_inv_session *inv;
    pjsip_publishc *pub;
    pjsip_dialog *dlg;
    pjsip_evsub *sub;
    pjsip_tx_data *request;
    int i;

    get(&before, sizeof(before));
    inv = call_start(&vaults[0], VAULT_FORGET, "bye", "udp", NULL);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_inv_end_session(inv, 200, NULL, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, request), PJ_SUCCESS);
    inv = call_start(&vaults[1], VAULT_FORGET, "info", "tcp", NULL);
    REQUIRE(lab_until(&ua_seen.confirmed, 1, WAIT_MSEC));
    pjsip_method_init_np(&info, &name);
    CHECK_EQ(pjsip_dlg_create_request(inv->dlg, &info, -1, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_send_msg(inv, request), PJ_SUCCESS);
    sub = presence_subscription("udp", &dlg);
    vault_open(&vaults[2], VAULT_FORGET, &dlg->auth_sess, UA_USER);
    subscribe_send(sub, 300);
    pub = presence_publication("udp");
    registration_open(&r, "md5-401", "tcp");
#if HAS_ASYNC
    vault_open(&vaults[3], VAULT_FORGET, pjsip_publishc_get_auth_sess(pub), UA_USER);
    vault_open(&vaults[4], VAULT_FORGET, pjsip_regc_get_auth_sess(r.regc), UA_USER);
#endif
    publish_send(pub);
    registration_start(&r);
    for (i = 0; i < KINDS; ++i)
        CHECK(lab_until(&vaults[i].challenged, 1, WAIT_MSEC));
    lab_events(100);
    get(&after, sizeof(after));
    CHECK_EQ(after.outstanding - before.outstanding, KINDS);
    lab.left_open = lab.factory.used_count - pools;
}

static const struct lab_case cases[] = {
    {"one_of_each", one_of_each, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_MODULES_ASK},
    {"twenty_outstanding", twenty_outstanding, LAB_PJAUTH_ONLY | LAB_DEFERS},
    {"twenty_tls", twenty_tls, LAB_PJAUTH_ONLY | LAB_DEFERS | LAB_TLS},
};

int main(int argc, char **argv)
{
    lab_open(argc, argv);
    lab.outlives_cases = 1;
    ua_modules();
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
