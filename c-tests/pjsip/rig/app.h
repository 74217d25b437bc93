/* An application with one registration, whose callback does as it is told, and
 * a session that several may share. */
#ifndef PJAUTH_TESTS_APP_H
#define PJAUTH_TESTS_APP_H

#include "registration.h"

enum { GONE_MSEC = 300 }; /* after which a transaction and its pool are gone */

/* What the application's callback does. */
enum action {
    KEEP,
    ANSWER,
    ANSWER_TWICE,
    ANSWER_AND_DECLINE,
    ABANDON_AND_DECLINE,
    DECLINE,
    DESTROY
};

struct app {
    enum action action;
    struct registration r;
    struct challenge kept[2]; /* the last two challenges, newest first */
    volatile int challenged;
    pj_status_t first, second; /* what send or abandon returned inside */
    long refs_before, refs_after;
    pjsip_auth_clt_sess *seen; /* the session the callback was given */
};

/* Opens a registration for a scenario; its callback is ours. Over UDP, unless
 * a transport is named. */
void app_open(struct app *app, enum action action, const char *user);
void app_open_over(struct app *app, enum action action, const char *user,
                   const char *transport);

/* Opens, registers, and waits until the challenge is kept. */
void app_challenged(struct app *app, const char *user);
void app_challenged_over(struct app *app, const char *user,
                         const char *transport);

/* Destroys the registration and drops what is kept. */
void app_close(struct app *app);

/* Makes the callback of `sess` the application's; NULL: that of all sessions
 * that have none. */
void app_configure(pjsip_auth_clt_sess *sess, struct app *app);

/* Sends `answer` with the kept token and watches who owns it. */
pj_status_t send_watched(struct app *app, pjsip_tx_data *answer);

/* Waits for a registration that took this many flawless requests. */
void expect_registered(struct app *app, int requests);

/* The token is refused by both calls, and the request stays the caller's. */
void expect_dead(pjsip_auth_clt_sess *sess, void *token,
                 pjsip_tx_data *request);

/* A session of the application's own. */
struct shared {
    pj_pool_t *pool;
    pjsip_auth_clt_sess sess;
};

void shared_open(struct shared *s, const char *user);
void shared_close(struct shared *s);

/* Starts a registration as a child of `shared`, which has the callback. */
void shared_app(struct app *app, struct shared *shared, enum action action);

#endif
