/* What one thread needs to put one side to work: a session, a challenged
 * request and real responses to it. */
#ifndef PJAUTH_BENCH_STAND_H
#define PJAUTH_BENCH_STAND_H

#include "side.h"

struct stand {
    const struct side *side;
    pjsip_endpoint *endpoint;
    pj_pool_t *pool;
    pjsip_auth_clt_sess session, parent;

    /* The request, whose pool is emptied before every answer. */
    pjsip_tx_data *request;
    pj_pool_t *own_pool, *scratch;

    /* The response at hand, and one that differs from it in the nonce. */
    pjsip_rx_data *response, *other_response;

    pjsip_auth_algorithm_type algorithm;
    pj_grp_lock_t *lock; /* NULL: tokens without one */
    void *token;
    pj_bool_t declines;
};

/* `algorithm` is a row of PJSIP's table. */
struct stand *stand_open(pjsip_endpoint *endpoint, const struct side *side,
                         pjsip_auth_algorithm_type algorithm);
void stand_add_group_lock(struct stand *stand);
void stand_add_parent(struct stand *stand);
void stand_answer_unasked(struct stand *stand); /* initial_auth */
void stand_remember(struct stand *stand);       /* a challenge */
void stand_close(struct stand *stand);

/* Ends the program where `status` is not PJ_SUCCESS: a side that fails is not
 * measured. */
void expect_success(pj_status_t status, const char *what);

/* Work, `count` times over. */
typedef void work_fn(struct stand *stand, unsigned count);
work_fn work_token;
work_fn work_token_abandoned;
work_fn work_token_declined;
work_fn work_digest;
work_fn work_reinit;
work_fn work_reinit_new_nonce;
work_fn work_set_credentials;
work_fn work_init_req;
work_fn work_session;

#endif
