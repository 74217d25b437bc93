/* Two copies of one response that two threads hand over at once, as two reads of a UDP
 * socket do. One event is one question. */
#include "ua.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { COPIES = 2, CALLS = 60 };

static struct {
    pjsip_rx_data *responses[COPIES];
    volatile int caught;
    pthread_barrier_t line;
} copies;

static __thread int is_copy;

/* The first 407 is held here; its copies pass. */
static pj_bool_t catch_challenge(pjsip_rx_data *rdata)
{
    int i;

    if (is_copy || copies.caught || rdata->msg_info.msg->line.status.code != 407)
        return PJ_FALSE;
    for (i = 0; i < COPIES; ++i)
        CHECK_EQ(pjsip_rx_data_clone(rdata, 0, &copies.responses[i]), PJ_SUCCESS);
    LAB_COUNT(copies.caught);
    return PJ_TRUE;
}

static pjsip_module catcher = {
    .name = {"mod-copies", 10},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TRANSPORT_LAYER + 1,
    .on_rx_response = &catch_challenge,
};

static int hand_over(void *response)
{
    is_copy = 1;
    pthread_barrier_wait(&copies.line);
    return pjsip_endpt_process_rx_data(lab.endpt, response, NULL, NULL);
}

static void copies_at_once(void)
{
    struct worker workers[COPIES];
    struct vault vault;
    pj_grp_lock_t *lock;
    int call, i;

    CHECK_EQ(pjsip_endpt_register_module(lab.endpt, &catcher), PJ_SUCCESS);
    for (call = 0; call < CALLS; ++call) {
        memset(&copies, 0, sizeof(copies));
        CHECK_EQ(pthread_barrier_init(&copies.line, NULL, COPIES + 1), 0);
        lock = call_start(&vault, VAULT_KEEP, "invite", "tcp", NULL)->invite_tsx->grp_lock;
        REQUIRE(lab_until(&copies.caught, 1, WAIT_MSEC));
        /* Both are to come as far as the transaction's lock lets them. No events are
         * handled meanwhile: on a busy machine the transaction's timer is due. */
        pj_grp_lock_acquire(lock);
        for (i = 0; i < COPIES; ++i)
            worker_start(&workers[i], &hand_over, copies.responses[i]);
        pthread_barrier_wait(&copies.line);
        usleep(2000);
        pj_grp_lock_release(lock);
        for (i = 0; i < COPIES; ++i)
            worker_join(&workers[i]);
        pthread_barrier_destroy(&copies.line);
        CHECK_EQ(vault.challenged, 1);
        for (i = 0; i < COPIES; ++i)
            pjsip_rx_data_free_cloned(copies.responses[i]);
        CHECK_EQ(pjsip_auth_clt_async_abandon(vault.kept.sess, vault.kept.token),
                 PJ_SUCCESS);
        REQUIRE(lab_until(&ua_seen.disconnected, 1, WAIT_MSEC));
        vault_close(&vault);
    }
    CHECK_EQ(pjsip_endpt_unregister_module(lab.endpt, &catcher), PJ_SUCCESS);
}

const struct lab_case copy_cases[] = {
    {"copies_at_once", copies_at_once, LAB_PJAUTH_ONLY | LAB_DEFERS},
};
const int copy_case_count = sizeof(copy_cases) / sizeof(copy_cases[0]);
