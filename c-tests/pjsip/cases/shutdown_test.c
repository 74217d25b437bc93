/* PJSIP is shut down while calls wait for an answer to their challenge: twenty,
 * and twenty over TLS. */
#include "ua.h"

#include <pjauth.h>

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

static const struct lab_case cases[] = {
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
