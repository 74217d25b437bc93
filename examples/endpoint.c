#define _GNU_SOURCE
#include "endpoint.h"

#include "timeline.h"

#include <pjauth.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TICK_MSEC = 100,   /* how often the waiting SIP thread shows that it lives */
    SETTLE_MSEC = 5000 /* what PJSIP gets to finish */
};

pjsip_endpoint *endpt;
static pj_caching_pool factory;
static pj_size_t pools_at_start;

/* Guards the flags. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *what, pj_status_t status)
{
    fprintf(stderr, "cannot start: %s (%d)\n", what, status);
    exit(2);
}

/* The marker's address tells whose file it is in. */
void introduce(void)
{
    const char *(*marker)(void) = &pjauth_version;
    void (*ours)(void) = &introduce;
    void *theirs, *mine;
    Dl_info there, here;

    memcpy(&theirs, &marker, sizeof(theirs));
    memcpy(&mine, &ours, sizeof(mine));
    if (!dladdr(theirs, &there) || !dladdr(mine, &here))
        die("dladdr", 0);
    if (there.dli_fbase == here.dli_fbase)
        printf("pjauth %s, linked statically into this program\n", pjauth_version());
    else
        printf("pjauth %s, shared: %s\n", pjauth_version(), there.dli_fname);
    printf("built with: %s\n", pjauth_layout_source());
}

/* Does pjauth see PJSIP's structures as this program does? */
static void check_layout(void)
{
#ifndef WITHOUT_PJSIP_HEADERS
    pjauth_layout layout = PJAUTH_LAYOUT;
    if (pjauth_check_layout(&layout, sizeof(layout)) != PJ_SUCCESS)
        die("pjauth was built for another pjproject", PJ_EINVAL);
#endif
}

void endpoint_open(void)
{
    pj_sockaddr_in local;
    pj_status_t status;

    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check_layout();
    pj_log_set_level(1);
    if ((status = pj_init()) != PJ_SUCCESS)
        die("pj_init", status);
    if ((status = pjlib_util_init()) != PJ_SUCCESS)
        die("pjlib_util_init", status);
    printf("running in: pjproject %s\n", pj_get_version());
    pj_caching_pool_init(&factory, NULL, 0);
    status = pjsip_endpt_create(&factory.factory, "demo", &endpt);
    if (status != PJ_SUCCESS)
        die("endpoint", status);
    if ((status = pjsip_tsx_layer_init_module(endpt)) != PJ_SUCCESS)
        die("transactions", status);
    /* Completed transactions go after 50 ms: the demo waits for them at the end. */
    pjsip_tsx_set_timers(0, 0, 50, 0);
    if ((status = pjsip_udp_transport_start(endpt, &local, NULL, 1, NULL)) != PJ_SUCCESS)
        die("UDP", status);
    pools_at_start = factory.used_count;
}

void endpoint_close(void)
{
    const pj_time_val step = {0, 10};
    long end = now_msec() + SETTLE_MSEC;

    while (factory.used_count > pools_at_start && now_msec() < end)
        pjsip_endpt_handle_events(endpt, &step);
    expect(factory.used_count == pools_at_start, "a pool of PJSIP's is left behind");
    pjsip_endpt_destroy(endpt);
    pj_caching_pool_destroy(&factory);
    pj_shutdown();
}

void raise_flag(int *flag)
{
    pthread_mutex_lock(&lock);
    ++*flag;
    pthread_mutex_unlock(&lock);
}

static int is_raised(const int *flag)
{
    int raised;

    pthread_mutex_lock(&lock);
    raised = *flag > 0;
    pthread_mutex_unlock(&lock);
    return raised;
}

void wait_for(const int *flag, long msec)
{
    long end = now_msec() + msec;

    while (!is_raised(flag) && now_msec() < end)
        usleep(5000);
}

int serve(const int *flag, long msec)
{
    const pj_time_val step = {0, 10};
    const long start_at = now_msec();
    long next_tick = start_at + TICK_MSEC;
    int ticks = 0, rounds = 0;

    while (!(flag && is_raised(flag)) && now_msec() - start_at < msec) {
        pjsip_endpt_handle_events(endpt, &step);
        ++rounds;
        if (now_msec() >= next_tick) {
            ++ticks;
            note("SIP thread", NO_STATUS, "  tick %d: %d rounds of events", ticks, rounds);
            next_tick += TICK_MSEC;
        }
    }
    return ticks;
}
