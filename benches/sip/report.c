#include "report.h"

#include <stdio.h>
#include <stdlib.h>

/* Why there is no figure in a row: the one that is measured in some pjprojects only. */
static const char NEEDS_AUTO_SEND_NEXT[] =
    "needs a pjproject whose config_site.h sets PJSIP_AUTH_AUTO_SEND_NEXT to 1";

/* Where a goal says "no slower", this much is the machine's noise. */
#define NO_SLOWER 1.10

const struct description descriptions[ROWS] = {
    [TOKEN_PLAIN] = {"token", "token: mint + consume", "ns", GOAL_WITHIN, 15},
    [TOKEN_FOUR_THREADS] = {"token-4-threads", "  4 threads, 4 sessions", "ns",
                            GOAL_AS_ONE_THREAD, NO_SLOWER},
    [TOKEN_GROUP_LOCK] = {"token-group-lock", "  with a group lock", "ns",
                          GOAL_WITHIN, 15},
    [TOKEN_PARENT] = {"token-parent", "  with a parent session", "ns",
                      GOAL_WITHIN, 15},
    [TOKEN_ABANDONED] = {"token-abandoned", "  abandoned", "ns", GOAL_WITHIN,
                         15},
    [TOKEN_DECLINED] = {"token-declined", "  declined", "ns", GOAL_WITHIN, 15},
    [DIGEST_MD5] = {"digest-md5", "create_digest2: MD5", "ns",
                    GOAL_TIMES_FASTER, 2},
    [DIGEST_SHA256] = {"digest-sha-256", "  SHA-256", "ns", GOAL_TIMES_FASTER,
                       2},
    [DIGEST_SHA512_256] = {"digest-sha-512-256", "  SHA-512-256", "ns",
                           GOAL_TIMES_FASTER, 2},
    [REINIT_MD5] = {"reinit-md5", "reinit_req: MD5, qop=auth", "ns",
                    GOAL_TIMES_FASTER, 1.3},
    [REINIT_SHA256] = {"reinit-sha-256", "  SHA-256, qop=auth", "ns",
                       GOAL_TIMES_FASTER, 1.3},
    [REINIT_MD5_NEW_NONCE] = {"reinit-md5-new-nonce",
                              "  MD5, a new nonce each time", "ns",
                              GOAL_TIMES_FASTER, 1.3},
    [REINIT_SHA256_NEW_NONCE] = {"reinit-sha-256-new-nonce",
                                 "  SHA-256, a new nonce each time", "ns",
                                 GOAL_TIMES_FASTER, 1.3},
    [SET_CREDENTIALS] = {"set-credentials", "set_credentials: two", "ns",
                         GOAL_TIMES_FASTER, 1 / 1.2},
    [INIT_NOTHING] = {"init-req-nothing", "init_req: nothing to add", "ns",
                      GOAL_WITHIN, 10},
    [INIT_EMPTY_ANSWERS] = {"init-req-empty", "  initial_auth, two credentials",
                            "ns", GOAL_TIMES_FASTER, 1},
    [INIT_REMEMBERED] = {"init-req-remembered", "  AUTO_SEND_NEXT, one challenge",
                         "ns", GOAL_TIMES_FASTER, 2},
    [SESSION] = {"session", "session: init + deinit", "ns", GOAL_NONE, 0},
    [HEAP] = {"heap", "heap blocks per challenge", "blocks", GOAL_AT_MOST, 0},
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct summary {
    double min, median, max;
};

static struct summary summarise(const struct samples *samples)
{
    struct summary s = {0, 0, 0};
    double sorted[ROUNDS];
    unsigned i, n = samples->count;

    if (n == 0)
        return s;
    for (i = 0; i < n; ++i)
        sorted[i] = samples->value[i];
    qsort(sorted, n, sizeof(sorted[0]), &ascending);
    s.min = sorted[0];
    s.median = (sorted[n / 2] + sorted[(n - 1) / 2]) / 2;
    s.max = sorted[n - 1];
    return s;
}

static void describe_goal(const struct description *row, char *text,
                          size_t size)
{
    switch (row->goal) {
    case GOAL_NONE:
        snprintf(text, size, "-");
        break;
    case GOAL_TIMES_FASTER:
        snprintf(text, size, ">= %.1fx", row->bound);
        break;
    case GOAL_WITHIN:
        snprintf(text, size, "<= stock + %.0f", row->bound);
        break;
    case GOAL_AT_MOST:
        snprintf(text, size, "<= %.0f", row->bound);
        break;
    case GOAL_AS_ONE_THREAD:
        snprintf(text, size, "<= 1 thread*");
        break;
    }
}

static bool is_met(enum row row, const struct result results[ROWS])
{
    const struct description *d = &descriptions[row];
    double ours = summarise(&results[row].ours).median;
    double stock = summarise(&results[row].stock).median;

    switch (d->goal) {
    case GOAL_TIMES_FASTER:
        return ours * d->bound <= stock;
    case GOAL_WITHIN:
        return ours <= stock + d->bound;
    case GOAL_AT_MOST:
        return ours <= d->bound;
    case GOAL_AS_ONE_THREAD:
        return ours <= summarise(&results[row - 1].ours).median * d->bound;
    case GOAL_NONE:
        break;
    }
    return true;
}

static void print_heading(void)
{
    printf("%-34s %23s %23s %7s  %-15s %s\n", "", "ours min/median/max",
           "stock min/median/max", "stock/", "goal", "met");
    printf("%-34s %23s %23s %7s\n", "", "ns (heap: blocks)", "ns (heap: blocks)",
           "ours");
}

static void print_row(enum row row, const struct result results[ROWS])
{
    const struct description *d = &descriptions[row];
    struct summary ours = summarise(&results[row].ours);
    struct summary stock = summarise(&results[row].stock);
    char goal[32], ratio[16] = "-";

    if (!results[row].ours.count) {
        printf("%-34s not measured: %s\n", d->name, NEEDS_AUTO_SEND_NEXT);
        return;
    }
    describe_goal(d, goal, sizeof(goal));
    if (ours.median > 0)
        snprintf(ratio, sizeof(ratio), "%.2fx", stock.median / ours.median);
    printf("%-34s %7.1f %7.1f %7.1f %7.1f %7.1f %7.1f %7s  %-15s %s\n", d->name,
           ours.min, ours.median, ours.max, stock.min, stock.median, stock.max,
           ratio, goal,
           d->goal == GOAL_NONE     ? "-"
           : is_met(row, results) ? "yes"
                                  : "NO");
}

static void print_json(const char *name, const struct samples *samples)
{
    struct summary s = summarise(samples);
    printf("\"%s\":{\"min\":%.2f,\"median\":%.2f,\"max\":%.2f,\"rounds\":%u}",
           name, s.min, s.median, s.max, samples->count);
}

static void print_json_row(enum row row, const struct result results[ROWS])
{
    const struct description *d = &descriptions[row];
    char goal[32];

    describe_goal(d, goal, sizeof(goal));
    printf("%s\n  {\"row\":\"%s\",\"unit\":\"%s\",", row ? "," : "", d->id,
           d->unit);
    print_json("ours", &results[row].ours);
    printf(",");
    print_json("stock", &results[row].stock);
    printf(",\"goal\":\"%s\",\"met\":%s}", goal,
           d->goal == GOAL_NONE || !results[row].ours.count ? "null"
           : is_met(row, results) ? "true"
                                  : "false");
}

void report(const struct result results[ROWS], const char *versions, bool json)
{
    int row;

    if (json)
        printf("{\"versions\":\"%s\",\"rows\":[", versions);
    else
        print_heading();
    for (row = 0; row < ROWS; ++row) {
        if (json)
            print_json_row(row, results);
        else
            print_row(row, results);
    }
    if (json) {
        printf("\n]}\n");
        return;
    }
    printf("\n%s\nCPU time of the thread that works, so that other programs on "
           "this machine count little;\nthe sides take turns, %u rounds.\n"
           "* each thread's own CPU time per token, %.0f %% allowed for noise\n",
           versions, results[0].ours.count, (NO_SLOWER - 1) * 100);
}

void report_nothing(const char *reason, bool json)
{
    int row;

    if (json)
        printf("{\"reason\":\"%s\",\"rows\":[", reason);
    for (row = 0; row < ROWS; ++row) {
        const struct description *d = &descriptions[row];
        if (json)
            printf("%s\n  {\"row\":\"%s\",\"met\":null}", row ? "," : "", d->id);
        else
            printf("%-34s not measured: %s\n", d->name, reason);
    }
    if (json)
        printf("\n]}\n");
}
