/* pjsip_regc against the tests' registrar: see wire_cases.c for what goes
 * over the wire, async_cases.c (before 2.17: old_cases.c) for who answers a
 * challenge and when, and extra_cases.c for what pjauth.h adds. */
#include "lab.h"
#include "regc_cases.h"

int main(int argc, char **argv)
{
    lab_open(argc, argv);
    lab_run(wire_cases, wire_case_count);
#if HAS_ASYNC
    lab_run(async_cases, async_case_count);
    lab_run(race_cases, race_case_count);
    lab_run(shared_cases, shared_case_count);
    lab_run(extra_cases, extra_case_count);
#else
    lab_run(old_cases, old_case_count);
#endif
    return lab_close();
}
