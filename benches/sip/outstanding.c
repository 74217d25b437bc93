/* What the end of a token costs while others are outstanding: a session's deinit
 * and a deadline, beside 100, 10,000 and 100,000 tokens of another session, all
 * with deadlines of their own. Ours alone: stock knows neither. */
#define _POSIX_C_SOURCE 200809L
#include "stand.h"

#include <pjauth.h>
#include <stdio.h>
#include <time.h>

enum { ENDS = 2000, EXPIRIES = 500, HOUR_MSEC = 3600 * 1000 };

static int abandoned;

static void count_abandoned(pjsip_auth_clt_sess *session, void *user_data)
{
    PJ_UNUSED_ARG(session);
    PJ_UNUSED_ARG(user_data);
    ++abandoned;
}

static pj_status_t never_sent(pjsip_auth_clt_sess *session, void *user_data,
                              pjsip_tx_data *request)
{
    PJ_UNUSED_ARG(session);
    PJ_UNUSED_ARG(user_data);
    PJ_UNUSED_ARG(request);
    return PJ_EINVALIDOP;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

static void mint(struct stand *stand, pjsip_auth_clt_sess *session,
                 unsigned deadline_msec)
{
    pjsip_auth_clt_async_impl_token token = {0};
    pjsip_auth_clt_async_on_chal_param param = {0};

    token.send_impl = &never_sent;
    token.abandon_impl = &count_abandoned;
    param.rdata = stand->response;
    param.tdata = stand->request;
    expect_success(pjsip_auth_clt_async_impl_on_challenge(session, &token, &param),
                   "on_challenge");
    if (deadline_msec)
        expect_success(pjauth_challenge_set_deadline(stand->token, deadline_msec),
                       "deadline");
}

/* A session with one token, and its end: the end's share. */
static double end_of_a_session(struct stand *stand)
{
    pjsip_auth_clt_async_setting setting = *stand->session.async_opt;
    pjsip_auth_clt_sess session;
    double sum = 0;
    int i;

    for (i = 0; i < ENDS; ++i) {
        double start;
        pj_pool_reset(stand->scratch);
        pjsip_auth_clt_init(&session, stand->endpoint, stand->scratch, 0);
        pjsip_auth_clt_async_configure(&session, &setting);
        mint(stand, &session, 0);
        start = now();
        pjsip_auth_clt_deinit(&session);
        sum += now() - start;
    }
    return sum / ENDS;
}

static double expiry(struct stand *stand, pjsip_auth_clt_sess *session)
{
    const pj_time_val no_wait = {0, 0};
    struct timespec due = {0, 20 * 1000 * 1000};
    double start;
    int i;

    abandoned = 0;
    for (i = 0; i < EXPIRIES; ++i)
        mint(stand, session, 1);
    nanosleep(&due, NULL);
    start = now();
    while (abandoned < EXPIRIES)
        pjsip_endpt_handle_events(stand->endpoint, &no_wait);
    return (now() - start) / EXPIRIES;
}

int main(void)
{
    static const unsigned others[] = {100, 10000, 100000};
    pj_caching_pool factory;
    pjsip_endpoint *endpoint;
    struct stand *stand, *mine;
    unsigned i, minted = 0;

    pj_log_set_level(1);
    expect_success(pj_init(), "pj_init");
    expect_success(pjlib_util_init(), "pjlib_util_init");
    pj_caching_pool_init(&factory, NULL, 0);
    expect_success(pjsip_endpt_create(&factory.factory, "bench", &endpoint),
                   "endpoint");
    stand = stand_open(endpoint, &ours, PJSIP_AUTH_ALGORITHM_MD5);
    mine = stand_open(endpoint, &ours, PJSIP_AUTH_ALGORITHM_MD5);
    printf("%-24s %14s %14s   ns each\n", "others outstanding", "deinit",
           "expiry");
    for (i = 0; i < PJ_ARRAY_SIZE(others); ++i) {
        for (; minted < others[i]; ++minted)
            mint(stand, &stand->session, HOUR_MSEC);
        printf("%-24u %14.0f %14.0f\n", others[i], end_of_a_session(mine),
               expiry(mine, &mine->session));
    }
    stand_close(mine);
    stand_close(stand);
    pjsip_endpt_destroy(endpoint);
    pj_caching_pool_destroy(&factory);
    pj_shutdown();
    return 0;
}
