/* A library that was built for another config_site.h than this process has: it steps
 * aside before it touches anything, says so once, and PJSIP goes on by itself. */
#include "lab.h"
#include "registration.h"

#include <pjauth.h>

#include <string.h>

static int notices;

static void on_log(int level, const char *text, int length)
{
    (void)level;
    (void)length;
    notices += strstr(text, "stepping aside") != NULL;
}

static void registers(const char *transport)
{
    struct registration r;
    registration_once(&r, "sha-256-401", transport);
    CHECK_EQ(r.code, 200);
}

static void says_so_once(void)
{
    pj_log_set_log_func(&on_log);
    pj_log_set_level(1);
    registers("udp");
    registers("tcp");
    CHECK_EQ(notices, 1);
}

static void does_nothing_else(void)
{
    struct pjauth_sip_stats stats;

    PJAUTH(pjauth_sip_get_stats)(&stats, sizeof(stats));
    CHECK_EQ(stats.minted, 0);
    CHECK_EQ(PJAUTH(pjauth_async_configure_default)(lab.endpt, NULL), PJ_ENOTSUP);
}

static const struct lab_case cases[] = {
    {"says_so_once", says_so_once, LAB_BOTH},
    {"does_nothing_else", does_nothing_else, LAB_BOTH},
};

int main(int argc, char **argv)
{
    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
