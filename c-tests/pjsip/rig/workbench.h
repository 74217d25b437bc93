/* One session, one real challenge and a group lock, for the tests that mint
 * tokens by hand in the place of PJSIP's own modules. */
#ifndef PJAUTH_TESTS_WORKBENCH_H
#define PJAUTH_TESTS_WORKBENCH_H

#include "lab.h"
#include "registration.h"

struct workbench {
    pj_pool_t *pool;
    pjsip_auth_clt_sess sess;
    pjsip_cred_info cred;
    struct registration r;      /* where the request and response come from */
    struct challenge challenge; /* its token is used up */
    pj_grp_lock_t *lock;

    /* The callback: returns `accept`, after `inside(bench)` where set. */
    pj_bool_t accept;
    void (*inside)(struct workbench *bench);
    void *token;
    pjsip_auth_clt_sess *seen;
    int challenged;

    /* The implementation: counts its calls, after `during(bench)`. */
    pjsip_auth_clt_async_impl_token impl;
    void (*during)(struct workbench *bench);
    pj_status_t send_status;
    int sent, abandoned;
    int lock_refs_during;
};

void workbench_open(struct workbench *bench);
void workbench_close(struct workbench *bench);

/* What a PJSIP module does on 401: mints a token for `sess`, holding one
 * reference to the group lock, given back here unless it was taken. */
pj_status_t workbench_mint(struct workbench *bench, pjsip_auth_clt_sess *sess);

/* Makes the callback of `sess` the workbench's. */
void workbench_configure(struct workbench *bench, pjsip_auth_clt_sess *sess);

#endif
