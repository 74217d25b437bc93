/* Dialogs, calls, subscriptions and publications, where pjproject's headers
 * and archives are installed: ua_calls.c and ua_events.c. */
#include "ua.h"

int main(int argc, char **argv)
{
    lab_open(argc, argv);
    lab.settles_late = 1;
    ua_modules();
    lab_run(call_cases, call_case_count);
    lab_run(event_cases, event_case_count);
    defer_run();
    return lab_close();
}
