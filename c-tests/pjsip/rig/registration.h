/* One registration against the registrar, and a challenge kept for later. */
#ifndef PJAUTH_TESTS_REGISTRATION_H
#define PJAUTH_TESTS_REGISTRATION_H

#include "pj.h"

#define PASSWORD "Circle of Life"

enum { WAIT_MSEC = 5000 };

/* What the registration callback was told. */
struct registration {
    pjsip_regc *regc;
    volatile int done; /* calls of the callback */
    pj_status_t status;
    int code;
};

/* Makes a pjsip_regc whose user part is `user`, a scenario of the registrar.
 * `transport` is "udp", "tcp" or "tls". */
void registration_open(struct registration *r, const char *user,
                       const char *transport);

/* Sends REGISTER; the caller waits for `done`. */
void registration_start(struct registration *r);

/* Opens, starts, waits for the callback and destroys. */
void registration_once(struct registration *r, const char *user,
                       const char *transport);

/* A challenge as the application keeps it. */
struct challenge {
    pjsip_auth_clt_sess *sess;
    void *token;
    pjsip_tx_data *request; /* one reference held */
    pjsip_rx_data *response; /* a copy */
};

void challenge_keep(struct challenge *c, pjsip_auth_clt_sess *sess,
                    void *token, const pjsip_auth_clt_async_on_chal_param *p);
void challenge_drop(struct challenge *c);

/* Makes the answer (one reference, the caller's) from the challenge kept. */
pjsip_tx_data *challenge_answer(struct challenge *c);

/* reinit_req and async_send_req; on failure the answer is released. */
pj_status_t challenge_send(struct challenge *c);

long references(pjsip_tx_data *tdata);

/* Runs `proc(arg)` in a thread of its own while this one handles events. */
struct worker {
    pj_thread_t *thread;
    pj_pool_t *pool;
};
void worker_start(struct worker *w, pj_thread_proc *proc, void *arg);
void worker_join(struct worker *w);

#endif
