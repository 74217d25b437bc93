/* A PJSIP application that asks whether it has the pjauth it was linked with; prints the status, after what the log says. */
#include <pjsua-lib/pjsua.h>
#include <pjauth.h>
#include <stdio.h>

int main(void)
{
    pjauth_layout layout = PJAUTH_LAYOUT;
    int status;

    if (pjsua_create() != PJ_SUCCESS)
        return 1;
    status = pjauth_check_layout(&layout, sizeof(layout));
    printf("\nstatus %d\n", status);
    return pjsua_destroy() != PJ_SUCCESS;
}
