/* The application that holds the secrets: answers the challenges of one
 * session in one of several ways. */
#ifndef PJAUTH_TESTS_VAULT_H
#define PJAUTH_TESTS_VAULT_H

#include "registration.h"

enum vault_mode {
    VAULT_SYNC,   /* not configured: PJSIP answers by itself */
    VAULT_INSIDE, /* inside the callback */
    VAULT_LATER,  /* from another thread, 60 ms later */
    VAULT_KEEP,   /* the test does it */
    VAULT_FORGET  /* never */
};

struct vault {
    enum vault_mode mode;
    struct challenge kept;
    volatile int challenged;
    volatile int answered;
    pj_status_t status; /* of the last answer */
    struct worker worker;
    int has_worker;
};

/* A password of `user` for any realm. */
void vault_credential(pjsip_cred_info *cred, const char *user);

/* Gives `sess` the credentials of `user` and answers its challenges. */
void vault_open(struct vault *vault, enum vault_mode mode,
                pjsip_auth_clt_sess *sess, const char *user);

/* Answers the challenges of every session that nobody else answers for. */
void vault_open_default(struct vault *vault, enum vault_mode mode);
void vault_close_default(struct vault *vault);

/* Lets `msec` pass, answers what is kept from a thread, and waits for that. */
void vault_answer_after(struct vault *vault, unsigned msec);

/* Joins the thread, drops what is kept. */
void vault_close(struct vault *vault);

#endif
