/* Registrations with a registrar nobody here wrote: each case is a user that
 * the foreign registrar's configuration knows (asterisk_registrar_test.py). */
#include "lab.h"
#include "registration.h"

static void accepted(const char *user)
{
    struct registration r;
    registration_once(&r, user, "udp");
    CHECK_EQ(r.status, PJ_SUCCESS);
    CHECK_EQ(r.code, 200);
}

static void md5(void) { accepted("md5"); }
static void sha256(void) { accepted("sha256"); }
static void sha512_256(void) { accepted("sha512-256"); }
static void md5_and_sha256(void) { accepted("both"); }

static void wrong_password(void)
{
    struct registration r;
    registration_once(&r, "stranger", "udp");
    CHECK_EQ(r.status, PJSIP_EFAILEDCREDENTIAL);
    CHECK_EQ(r.code, 401);
}

/* Registered, refreshed twice and removed over one session. */
static void refresh_and_remove(void)
{
    struct registration r;
    pjsip_tx_data *request;
    int i;

    registration_open(&r, "sha256", "udp");
    for (i = 1; i <= 3; ++i) {
        registration_start(&r);
        REQUIRE(lab_until(&r.done, i, WAIT_MSEC));
        CHECK_EQ(r.code, 200);
    }
    CHECK_EQ(pjsip_regc_unregister(r.regc, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_regc_send(r.regc, request), PJ_SUCCESS);
    REQUIRE(lab_until(&r.done, 4, WAIT_MSEC));
    CHECK_EQ(r.code, 200);
    CHECK_EQ(pjsip_regc_destroy(r.regc), PJ_SUCCESS);
}

int main(int argc, char **argv)
{
    static const struct lab_case cases[] = {
        {"md5", md5, LAB_BOTH},
        {"sha256", sha256, LAB_BOTH},
        {"sha512_256", sha512_256, LAB_BOTH},
        {"md5_and_sha256", md5_and_sha256, LAB_BOTH},
        {"wrong_password", wrong_password, LAB_BOTH},
        {"refresh_and_remove", refresh_and_remove, LAB_BOTH},
    };
    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
