/* Measures the SIP half against the object it replaces, in one process, on the
 * same inputs: bench [--json]. run.sh builds and runs it. */
#define _POSIX_C_SOURCE 200809L
#include "heap.h"
#include "report.h"
#include "stand.h"

#include <pjauth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    THREADS = 4,
    CELL_USEC = 20000,  /* one side of one row in one round */
    LIMIT_SECONDS = 30, /* then no further round begins */
    ENOUGH_ROUNDS = 9,
    CHALLENGES = 2000 /* over which heap blocks are counted */
};

/* How a row is measured; HEAP is not among them. One without work is not. */
struct way {
    work_fn *work;
    pjsip_auth_algorithm_type algorithm;
    unsigned threads;
    void (*prepare)(struct stand *stand);
};

static const struct way ways[HEAP] = {
    [TOKEN_PLAIN] = {&work_token, PJSIP_AUTH_ALGORITHM_MD5, 1, NULL},
    [TOKEN_FOUR_THREADS] = {&work_token, PJSIP_AUTH_ALGORITHM_MD5, THREADS,
                            NULL},
    [TOKEN_GROUP_LOCK] = {&work_token, PJSIP_AUTH_ALGORITHM_MD5, 1,
                          &stand_add_group_lock},
    [TOKEN_PARENT] = {&work_token, PJSIP_AUTH_ALGORITHM_MD5, 1,
                      &stand_add_parent},
    [TOKEN_ABANDONED] = {&work_token_abandoned, PJSIP_AUTH_ALGORITHM_MD5, 1,
                         NULL},
    [TOKEN_DECLINED] = {&work_token_declined, PJSIP_AUTH_ALGORITHM_MD5, 1,
                        NULL},
    [DIGEST_MD5] = {&work_digest, PJSIP_AUTH_ALGORITHM_MD5, 1, NULL},
    [DIGEST_SHA256] = {&work_digest, PJSIP_AUTH_ALGORITHM_SHA256, 1, NULL},
    [DIGEST_SHA512_256] = {&work_digest, PJSIP_AUTH_ALGORITHM_SHA512_256, 1,
                           NULL},
    [REINIT_MD5] = {&work_reinit, PJSIP_AUTH_ALGORITHM_MD5, 1, NULL},
    [REINIT_SHA256] = {&work_reinit, PJSIP_AUTH_ALGORITHM_SHA256, 1, NULL},
    [REINIT_MD5_NEW_NONCE] = {&work_reinit_new_nonce, PJSIP_AUTH_ALGORITHM_MD5,
                              1, NULL},
    [REINIT_SHA256_NEW_NONCE] = {&work_reinit_new_nonce,
                                 PJSIP_AUTH_ALGORITHM_SHA256, 1, NULL},
    [SET_CREDENTIALS] = {&work_set_credentials, PJSIP_AUTH_ALGORITHM_MD5, 1,
                         NULL},
    [INIT_NOTHING] = {&work_init_req, PJSIP_AUTH_ALGORITHM_MD5, 1, NULL},
    [INIT_EMPTY_ANSWERS] = {&work_init_req, PJSIP_AUTH_ALGORITHM_MD5, 1,
                            &stand_answer_unasked},
#if PJSIP_AUTH_AUTO_SEND_NEXT
    [INIT_REMEMBERED] = {&work_init_req, PJSIP_AUTH_ALGORITHM_MD5, 1,
                         &stand_remember},
#endif
    [SESSION] = {&work_session, PJSIP_AUTH_ALGORITHM_MD5, 1, NULL},
};

/* One row on one side. */
struct cell {
    struct stand *stands[THREADS];
    unsigned count; /* calls of the work in one round */
};

static double nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

/* CPU time for each piece of work on this thread. */
static double work_once(struct stand *stand, work_fn *work, unsigned count)
{
    double start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    work(stand, count);
    return (nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) / count;
}

struct worker {
    struct stand *stand;
    work_fn *work;
    unsigned count;
    double result;
};

static int work_in_thread(void *data)
{
    struct worker *worker = data;
    worker->result = work_once(worker->stand, worker->work, worker->count);
    return 0;
}

/* The mean of the threads'. */
static double work_in_threads(struct cell *cell, work_fn *work)
{
    struct worker workers[THREADS];
    pj_thread_t *threads[THREADS];
    pj_pool_t *pool = pjsip_endpt_create_pool(cell->stands[0]->endpoint,
                                              "workers", 4000, 4000);
    double sum = 0;
    int i;

    for (i = 0; i < THREADS; ++i) {
        workers[i].stand = cell->stands[i];
        workers[i].work = work;
        workers[i].count = cell->count;
        expect_success(pj_thread_create(pool, "worker", &work_in_thread,
                                        &workers[i], 0, 0, &threads[i]),
                       "thread");
    }
    for (i = 0; i < THREADS; ++i) {
        pj_thread_join(threads[i]);
        pj_thread_destroy(threads[i]);
        sum += workers[i].result;
    }
    pjsip_endpt_release_pool(cell->stands[0]->endpoint, pool);
    return sum / THREADS;
}

static double work_in_cell(struct cell *cell, const struct way *way)
{
    if (way->threads > 1)
        return work_in_threads(cell, way->work);
    return work_once(cell->stands[0], way->work, cell->count);
}

/* Also warms up, and finds out how much work fills the time. */
static void cell_open(struct cell *cell, pjsip_endpoint *endpoint,
                      const struct side *side, const struct way *way)
{
    enum { TRIAL = 2000 };
    unsigned i;

    for (i = 0; i < way->threads; ++i) {
        cell->stands[i] = stand_open(endpoint, side, way->algorithm);
        if (way->prepare)
            way->prepare(cell->stands[i]);
    }
    cell->count = TRIAL;
    work_in_cell(cell, way);
    cell->count =
        1 + (unsigned)(CELL_USEC * 1e3 / (work_in_cell(cell, way) + 1));
}

static void cell_close(struct cell *cell, const struct way *way)
{
    unsigned i;
    for (i = 0; i < way->threads; ++i)
        stand_close(cell->stands[i]);
}

static void add_sample(struct samples *samples, double value)
{
    samples->value[samples->count++] = value;
}

/* Blocks for one deferred challenge: a token minted and consumed, and the
 * request answered under a new nonce. */
static double heap_blocks(struct stand *stand)
{
    heap_count_from_here();
    work_token(stand, CHALLENGES);
    work_reinit_new_nonce(stand, CHALLENGES);
    return (double)heap_counted() / CHALLENGES;
}

static void measure_heap(pjsip_endpoint *endpoint, struct result *result)
{
    const struct side *sides[] = {&ours, &stock};
    struct samples *samples[] = {&result->ours, &result->stock};
    unsigned i, round;

    for (i = 0; i < PJ_ARRAY_SIZE(sides); ++i) {
        struct stand *stand =
            stand_open(endpoint, sides[i], PJSIP_AUTH_ALGORITHM_MD5);
        heap_blocks(stand);
        for (round = 0; round < ROUNDS; ++round)
            add_sample(samples[i], heap_blocks(stand));
        stand_close(stand);
    }
}

static void measure_times(pjsip_endpoint *endpoint, struct result *results)
{
    struct cell cells[HEAP][2];
    double end = nanoseconds(CLOCK_MONOTONIC) + LIMIT_SECONDS * 1e9;
    int row, round, half;

    fprintf(stderr, "warming up\n");
    for (row = 0; row < HEAP; ++row) {
        if (!ways[row].work)
            continue;
        cell_open(&cells[row][0], endpoint, &ours, &ways[row]);
        cell_open(&cells[row][1], endpoint, &stock, &ways[row]);
    }
    for (round = 0; round < ROUNDS; ++round) {
        if (round >= ENOUGH_ROUNDS && nanoseconds(CLOCK_MONOTONIC) > end)
            break;
        fprintf(stderr, "round %d of %d\n", round + 1, ROUNDS);
        for (row = 0; row < HEAP; ++row) {
            struct samples *samples[] = {&results[row].ours,
                                         &results[row].stock};
            if (!ways[row].work)
                continue;
            for (half = 0; half < 2; ++half) {
                int side = (round + half) % 2;
                add_sample(samples[side],
                           work_in_cell(&cells[row][side], &ways[row]));
            }
        }
    }
    for (row = 0; row < HEAP; ++row) {
        if (!ways[row].work)
            continue;
        cell_close(&cells[row][0], &ways[row]);
        cell_close(&cells[row][1], &ways[row]);
    }
}

int main(int argc, char **argv)
{
    static struct result results[ROWS];
    pj_pool_factory_policy policy = heap_policy();
    pj_caching_pool factory;
    pjsip_endpoint *endpoint;
    char versions[160];

    pj_log_set_level(1);
    expect_success(pj_init(), "pj_init");
    expect_success(pjlib_util_init(), "pjlib_util_init");
    pj_caching_pool_init(&factory, &policy, 0);
    expect_success(pjsip_endpt_create(&factory.factory, "bench", &endpoint),
                   "endpoint");

    measure_times(endpoint, results);
    measure_heap(endpoint, &results[HEAP]);

    snprintf(versions, sizeof(versions),
             "ours: libpjauth %s; stock: sip_auth_client.o of pjproject %s",
             pjauth_version(), pj_get_version());
    report(results, versions, argc > 1 && strcmp(argv[1], "--json") == 0);

    pjsip_endpt_destroy(endpoint);
    pj_caching_pool_destroy(&factory);
    pj_shutdown();
    return 0;
}
