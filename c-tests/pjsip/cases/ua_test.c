/* Dialogs, calls, subscriptions and publications, where pjproject's headers
 * and archives are installed: ua_calls.c and ua_events.c; and what waits in them:
 * ua_defer.c, ua_meanwhile.c, ua_wire.c, ua_copies.c, ua_ended.c,
 * ua_inside.c, ua_refer.c and ua_notify.c. */
#include "ua.h"

int main(int argc, char **argv)
{
    lab_open(argc, argv);
    lab.settles_late = 1;
    ua_modules();
    lab_run(call_cases, call_case_count);
    lab_run(event_cases, event_case_count);
    /* Before the timers get so short that a busy machine's INVITE ends by itself. */
    lab_run(copy_cases, copy_case_count);
    lab_run(ended_cases, ended_case_count);
    lab_run(inside_cases, inside_case_count);
    lab_run(refer_cases, refer_case_count);
    lab_run(notify_cases, notify_case_count);
    defer_start();
    lab_run(defer_cases, defer_case_count);
    lab_run(meanwhile_cases, meanwhile_case_count);
    lab_run(ua_wire_cases, ua_wire_case_count);
    return lab_close();
}
