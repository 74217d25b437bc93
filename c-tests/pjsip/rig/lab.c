#define _GNU_SOURCE
#include "lab.h"
#include "lab_registrar.h"
#include "lab_transports.h"

#include <pjauth.h>

#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WATCHDOG_SECONDS = 480, SETTLE_MSEC = 4000, SKIPPED = 77 };

struct lab lab;

static struct {
    const char *name;
    int failed;
    const char *skip;
    int passed_count, failed_count, skipped_count;
} outcome;

static char **chosen;
static int reckless;

/* By name, so that the program links against stock too. Where the library is
 * linked statically, the program is linked with -rdynamic. */
lab_fn lab_pjauth(const char *name)
{
    lab_fn fn;
    void *symbol = dlsym(RTLD_DEFAULT, name);
    memcpy(&fn, &symbol, sizeof(fn));
    return fn;
}

void lab_ask(const pjsip_auth_clt_async_setting *setting)
{
    CHECK_EQ(PJAUTH(pjauth_async_configure_default)(lab.endpt, setting),
             PJ_SUCCESS);
}

pj_str_t lab_str(const char *text)
{
    pj_str_t s;
    s.ptr = (char *)text;
    s.slen = (pj_ssize_t)strlen(text);
    return s;
}

void lab_die(const char *what, int status)
{
    fprintf(stderr, "cannot start: %s (%d)\n", what, status);
    exit(2);
}

/* ------------------------------------------------------------- endpoint */

static void endpoint_start(void)
{
    pj_status_t status;

    pj_log_set_level(getenv("LAB_LOG") ? atoi(getenv("LAB_LOG")) : 0);
    if ((status = pj_init()) != PJ_SUCCESS)
        lab_die("pj_init", status);
    if ((status = pjlib_util_init()) != PJ_SUCCESS)
        lab_die("pjlib_util_init", status);
    /* Nothing is cached: a released pool is freed memory, for valgrind. */
    pj_caching_pool_init(&lab.factory, NULL, 0);
    status = pjsip_endpt_create(&lab.factory.factory, "lab", &lab.endpt);
    if (status != PJ_SUCCESS)
        lab_die("endpoint", status);
    if ((status = pjsip_tsx_layer_init_module(lab.endpt)) != PJ_SUCCESS)
        lab_die("transaction layer", status);
    /* Completed transactions go soon, so that leaks show. */
    pjsip_tsx_set_timers(0, 0, 50, 0);
    transports_start();
}

void lab_events(unsigned msec)
{
    volatile int never = 0;
    lab_until(&never, 1, msec);
}

int lab_until(volatile int *flag, int count, unsigned msec)
{
    const pj_time_val step = {0, 10};
    struct timespec now;
    long long end;

    clock_gettime(CLOCK_MONOTONIC, &now);
    end = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + msec;
    while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) < count) {
        if (lab.endpt)
            pjsip_endpt_handle_events(lab.endpt, &step);
        else
            usleep(10 * 1000);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec * 1000LL + now.tv_nsec / 1000000 >= end)
            return __atomic_load_n(flag, __ATOMIC_ACQUIRE) >= count;
    }
    return 1;
}

/* ---------------------------------------------------------------- cases */

void lab_fail(const char *file, int line, const char *format, ...)
{
    const char *base = strrchr(file, '/');
    va_list args;

    outcome.failed = 1;
    printf("# %s: %s:%d: ", outcome.name, base ? base + 1 : file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

static int is_chosen(const char *name)
{
    char **p;
    if (!*chosen)
        return 1;
    for (p = chosen; *p; ++p)
        if (strcmp(*p, name) == 0)
            return 1;
    return 0;
}

/* Waits for the pools of finished transactions to go. */
static void settle(pj_size_t before)
{
    int waited;
    for (waited = 0; waited < SETTLE_MSEC; waited += 10) {
        if (lab.factory.used_count <= before)
            return;
        lab_events(10);
    }
    lab_fail(__FILE__, __LINE__, "%d pools left behind",
             (int)(lab.factory.used_count - before));
}

static void report(void)
{
    if (outcome.failed) {
        ++outcome.failed_count;
        printf("FAIL %s\n", outcome.name);
    } else if (outcome.skip) {
        ++outcome.skipped_count;
        printf("SKIP %s: %s\n", outcome.name, outcome.skip);
    } else {
        ++outcome.passed_count;
        printf("ok %s\n", outcome.name);
    }
}

static const char *reason_to_skip(int where)
{
    if (lab.stock && !reckless && (where & LAB_PJAUTH_ONLY))
        return "stock promises nothing here";
    if (!HAS_ASYNC && lab.stock && (where & LAB_DEFERS))
        return "no asynchronous challenges in this pjproject";
    if (!HAS_ASYNC && (where & LAB_MODULES_ASK))
        return "no asynchronous challenges in this pjproject's modules";
    if (!HAS_PARENTS && (where & LAB_SHARES))
        return "no shared sessions in this pjproject";
    if (!SENDS_UNASKED && (where & LAB_UNASKED))
        return "this pjproject is built without PJSIP_AUTH_AUTO_SEND_NEXT";
    if (!HAS_AKA && (where & LAB_AKA))
        return "this pjproject is built without PJSIP_HAS_DIGEST_AKA_AUTH";
    if (where & LAB_TLS)
        return lab.no_tls;
    return NULL;
}

/* Only where a case goes over it: OpenSSL takes its time. */
static int is_tls_wanted(const struct lab_case *cases, int count)
{
    int i;
    for (i = 0; i < count; ++i)
        if ((cases[i].where & LAB_TLS) && is_chosen(cases[i].name) &&
            !reason_to_skip(cases[i].where))
            return 1;
    return 0;
}

void lab_run(const struct lab_case *cases, int count)
{
    pj_size_t before;
    int i, over_tls, last = count - 1;

    if (lab.endpt && is_tls_wanted(cases, count))
        transports_add_tls();
    before = lab.factory.used_count;
    while (last > 0 && !is_chosen(cases[last].name))
        --last;
    for (i = 0; i <= last; ++i) {
        if (!is_chosen(cases[i].name))
            continue;
        outcome.name = cases[i].name;
        outcome.failed = 0;
        outcome.skip = reason_to_skip(cases[i].where);
        over_tls = lab.over_tls;
        if (!outcome.skip)
            cases[i].run();
        if (!lab.outlives_cases && (!lab.settles_late || i == last))
            settle(before);
        lab_wire();
        if ((cases[i].where & LAB_TLS) && !outcome.skip && lab.over_tls == over_tls)
            lab_fail(__FILE__, __LINE__, "nothing came over TLS");
        report();
    }
}

static void usage(const char *program)
{
    fprintf(stderr,
            "usage: %s --stock|--expect-pjauth|--expect-aside --registrar PATH|PORT "
            "[--reckless] [CASE]...\n",
            program);
    exit(2);
}

enum expected { NOTHING, STOCK, OURS, ASIDE };

/* Which file a function of this process is in. */
static const char *file_of(const char *function)
{
    lab_fn fn = lab_pjauth(function);
    void *address;
    Dl_info found;

    memcpy(&address, &fn, sizeof(address));
    return address && dladdr(address, &found) ? found.dli_fname : "none";
}

/* The library is the one expected; what PJSIP calls is in it; and it was built for
 * these headers, unless it is to step aside. */
static void check_library(enum expected expected)
{
    const struct pjauth_layout layout = PJAUTH_LAYOUT;

    lab.stock = expected != OURS;
    if ((lab_pjauth("pjauth_version") != NULL) != (expected != STOCK)) {
        printf("FAIL marker: pjauth_version is %s\n",
               expected == STOCK ? "present" : "absent");
        exit(1);
    }
    if (expected == STOCK)
        return;
    if (strcmp(file_of("pjsip_auth_clt_init"), file_of("pjauth_version")) != 0) {
        printf("FAIL marker: pjsip_auth_clt_init is in %s\n",
               file_of("pjsip_auth_clt_init"));
        exit(1);
    }
    if ((PJAUTH(pjauth_check_layout)(&layout, sizeof(layout)) == 0) !=
        (expected == OURS)) {
        printf("FAIL layout: the library has that of %s\n",
               PJAUTH(pjauth_layout_source)());
        exit(1);
    }
}

void lab_open_bare(int argc, char **argv)
{
    const char *path = NULL;
    enum expected expected = NOTHING;
    int i;

    for (i = 1; i < argc && strncmp(argv[i], "--", 2) == 0; ++i) {
        if (strcmp(argv[i], "--stock") == 0)
            expected = STOCK;
        else if (strcmp(argv[i], "--expect-pjauth") == 0)
            expected = OURS;
        else if (strcmp(argv[i], "--expect-aside") == 0)
            expected = ASIDE;
        else if (strcmp(argv[i], "--reckless") == 0)
            reckless = 1;
        else if (strcmp(argv[i], "--registrar") == 0 && i + 1 < argc)
            path = argv[++i];
        else
            usage(argv[0]);
    }
    if (!expected || !path)
        usage(argv[0]);
    chosen = argv + i;
    check_library(expected);
    alarm(WATCHDOG_SECONDS);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    registrar_start(path);
}

void lab_open(int argc, char **argv)
{
    lab_open_bare(argc, argv);
    endpoint_start();
    if (registrar_is_ours())
        transports_add_tcp();
}

static void endpoint_stop(void)
{
    transports_release();
    pjsip_endpt_destroy(lab.endpt);
    if (lab.factory.used_count > lab.left_open) {
        printf("FAIL teardown: %d pools left\n", (int)lab.factory.used_count);
        ++outcome.failed_count;
    }
    pj_caching_pool_destroy(&lab.factory);
    pj_shutdown();
}

int lab_close(void)
{
    if (lab.endpt)
        endpoint_stop();
    registrar_stop();
    printf("%d passed, %d failed, %d skipped\n", outcome.passed_count,
           outcome.failed_count, outcome.skipped_count);
    if (outcome.failed_count)
        return 1;
    return outcome.passed_count ? 0 : SKIPPED;
}
