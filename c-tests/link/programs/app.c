/* A PJSIP application as README.md's link lines have it: nothing of pjauth in its source. */
#include <pjsua-lib/pjsua.h>

int main(void)
{
    pj_log_set_level(0);
    if (pjsua_create() != PJ_SUCCESS)
        return 1;
    return pjsua_destroy() != PJ_SUCCESS;
}
