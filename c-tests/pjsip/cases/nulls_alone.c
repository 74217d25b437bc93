/* The NULL arguments in a process without PJSIP: every call is refused before
 * anything of the host is touched. The one function of PJLIB that is needed, to
 * tell the version, is here. */
#include "null_calls.h"

#include <stdio.h>
#include <string.h>

static int failures;

const char *pj_get_version(void)
{
    return "2.17";
}

static void expect_einval(const char *name, int missing, pj_status_t status)
{
    if (status == PJ_EINVAL)
        return;
    ++failures;
    printf("FAIL %s without argument %d: %d\n", name, missing, status);
}

int main(void)
{
    static union {
        char bytes[8192];
        void *aligned;
    } anything;
    struct null_arguments good;
    int calls;

    good.endpt = (void *)&anything;
    good.pool = (void *)&anything;
    good.sess = (void *)&anything;
    good.fresh = (void *)&anything;
    good.cred = (void *)&anything;
    good.pref = (void *)&anything;
    good.setting = (void *)&anything;
    good.impl = (void *)&anything;
    good.request = (void *)&anything;
    good.response = (void *)&anything;
    good.token = &anything;
    calls = null_calls(&good, &expect_einval);
    if (pjsip_auth_get_algorithm_by_iana_name(NULL) != NULL) {
        ++failures;
        printf("FAIL algorithm without a name\n");
    }
    pjsip_cred_info_dup(NULL, NULL, NULL);
    pjsip_auth_clt_pref_dup(NULL, NULL, NULL);
    if (pjsip_cred_info_cmp(NULL, (void *)&anything) == 0) {
        ++failures;
        printf("FAIL no credential is equal to one\n");
    }
    printf("%d passed, %d failed, 0 skipped\n", calls + 2 - failures,
           failures);
    return failures != 0;
}
