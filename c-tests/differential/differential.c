/* The same inputs through the original object and through ours:
 *
 *   differential [--seed N] [--count N]   compare (default: seed 1, 20000)
 *   differential --markdown               the list of differences, as a table
 *
 * Fails on a difference that no rule of the list explains, on a rule that
 * explains none, and on an answer of ours that is wrong, whatever the
 * original does. */
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pjauth.h>

static int print_markdown(void)
{
    const struct rule *rule;

    printf("| what | stock | pjauth | why |\n|---|---|---|---|\n");
    for (rule = rules; rule < rules + rule_count; ++rule)
        printf("| %s [%s] | %s | %s | %s |\n", rule->what, rule->name,
               rule->stock, rule->ours, rule->why);
    return 0;
}

/* How often each rule was met; returns how many were not, and could have been. */
static int print_rules(void)
{
    const struct rule *rule;
    int unseen = 0;

    printf("\n%-20s  met\n", "rule");
    for (rule = rules; rule < rules + rule_count; ++rule) {
        const int is_missing = !rule->seen && is_within_reach(rule);
        printf("%-20s  %lu%s\n", rule->name, rule->seen,
               rule->seen   ? ""
               : is_missing ? "  NEVER: the list is out of date"
                            : "  not in this build of pjproject");
        unseen += is_missing;
    }
    return unseen;
}

static pjsip_endpoint *open_endpoint(pj_caching_pool *factory)
{
    pjsip_endpoint *endpoint;

    pj_log_set_level(getenv("LAB_LOG") ? atoi(getenv("LAB_LOG")) : 0);
    need(pj_init(), "pj_init");
    need(pjlib_util_init(), "pjlib_util_init");
    pj_caching_pool_init(factory, NULL, 1 << 20);
    need(pjsip_endpt_create(&factory->factory, "differential", &endpoint),
         "endpoint");
    need(pjsip_tsx_layer_init_module(endpoint), "transaction layer");
    return endpoint;
}

int main(int argc, char **argv)
{
    unsigned long long seed = 1;
    unsigned count = 20000, failed = 0, unseen, i;
    pj_caching_pool factory;
    pjsip_endpoint *endpoint;
    int at;

    for (at = 1; at < argc; at += 2) {
        if (strcmp(argv[at], "--markdown") == 0)
            return print_markdown();
        if (at + 1 < argc && strcmp(argv[at], "--seed") == 0)
            seed = strtoull(argv[at + 1], NULL, 0);
        else if (at + 1 < argc && strcmp(argv[at], "--count") == 0)
            count = (unsigned)strtoul(argv[at + 1], NULL, 0);
        else
            return fprintf(stderr, "usage: differential [--seed N] [--count N] | --markdown\n"), 2;
    }
    sides_open();
    endpoint = open_endpoint(&factory);
    printf("pjauth %s beside the object of pjproject %s\n", pjauth_version(),
           pj_get_version());
    for (i = 0; i < recorded_count; ++i)
        failed += !compare(endpoint, &recorded[i]);
    for (i = 0; i < count; ++i)
        failed += !compare(endpoint, generate(seed, i));
    failed += !compare_functions(endpoint, seed, count);
    pjsip_endpt_destroy(endpoint);
    unseen = (unsigned)print_rules();
    printf("\n%u recorded and %u generated scenarios (seed %llu), %lu "
           "responses, %lu answers of ours judged and %lu sent unasked, %lu memories of a server, %lu given up as ambiguous\n"
           "%u scenarios failed: %lu unlisted differences, %lu wrong answers; "
           "%u rules never met\n",
           recorded_count, count, seed, tally.steps, tally.answers, tally.unasked, tally.memories, tally.ambiguous,
           failed,
           tally.unlisted, tally.wrong, unseen);
    return failed || unseen ? 1 : 0;
}
