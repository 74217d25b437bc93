/* PJSIP is shut down while twenty calls wait for an answer to their challenge. */
#include "ua.h"

#include <pjauth.h>

enum { CALLS = 20 };

static struct vault vaults[CALLS];

static void twenty_outstanding(void)
{
    __typeof__(&pjauth_sip_get_stats) get = PJAUTH(pjauth_sip_get_stats);
    struct pjauth_sip_stats stats;
    int i;

    for (i = 0; i < CALLS; ++i) {
        call_start(&vaults[i], VAULT_FORGET, "invite", i % 2 ? "tcp" : "udp", NULL);
        REQUIRE(lab_until(&vaults[i].challenged, 1, WAIT_MSEC));
    }
    lab_events(200);
    get(&stats);
    CHECK_EQ(stats.outstanding, CALLS);
}

static const struct lab_case cases[] = {
    {"twenty_outstanding", twenty_outstanding, LAB_PJAUTH_ONLY | LAB_DEFERS},
};

int main(int argc, char **argv)
{
    lab_open(argc, argv);
    lab.outlives_cases = 1;
    ua_modules();
    lab_run(cases, 1);
    return lab_close();
}
