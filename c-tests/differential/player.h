/* One side plays a scenario, step by step. */
#ifndef PJAUTH_DIFFERENTIAL_PLAYER_H
#define PJAUTH_DIFFERENTIAL_PLAYER_H

#include "scenario.h"

enum { MAX_ANSWERS = 64 };

/* Our own headers say nothing of these. */
#ifndef PJSIP_AUTH_AUTO_SEND_NEXT
#define PJSIP_AUTH_AUTO_SEND_NEXT 0
#endif
#ifndef PJSIP_AUTH_HEADER_CACHING
#define PJSIP_AUTH_HEADER_CACHING 0
#endif
#ifndef PJSIP_AUTH_ALLOW_MULTIPLE_AUTH_HEADER
#define PJSIP_AUTH_ALLOW_MULTIPLE_AUTH_HEADER 0
#endif

/* Whether a session answers what it remembers before it is asked. */
enum { SENDS_UNASKED = PJSIP_AUTH_AUTO_SEND_NEXT || PJSIP_AUTH_HEADER_CACHING };

/* A 401 or 407 as PJSIP's parser leaves it. */
struct response {
    pjsip_rx_data *data;
    const pjsip_www_authenticate_hdr *challenges[MAX_CHALLENGES];
    unsigned count;
};

/* What a call led to. The headers are those of the request, which lives as
 * long as no fresh one is made. */
struct outcome {
    pj_status_t status;
    const pjsip_authorization_hdr *answers[MAX_ANSWERS];
    unsigned count;
    unsigned carried; /* how many of them, the first, were there before */
    int to_be_sent;   /* what reinit_req promises of a request, as bits */
};

struct player {
    const struct side *side;
    const struct scenario *scenario;
    pjsip_endpoint *endpoint;
    pj_pool_t *pool;
    pjsip_auth_clt_sess session, parent;
    pjsip_tx_data *request;
};

void player_open(struct player *player, const struct side *side,
                 pjsip_endpoint *endpoint, const struct scenario *scenario);
void player_close(struct player *player);

/* The session that remembers: the parent, where there is one. */
const pjsip_auth_clt_sess *root_of(const struct player *player);

/* A fresh request, initialised by the session. */
void player_begin(struct player *player, struct outcome *outcome);

/* The request at hand meets `response`. */
void player_meet(struct player *player, const struct response *response,
                 struct outcome *outcome);

/* Parses the step's response; it lives in `pool`. */
void parse_response(struct response *response, pj_pool_t *pool,
                    const struct step *step);

/* Ends the program where `status` is not PJ_SUCCESS: the comparison itself is
 * broken. */
void need(pj_status_t status, const char *what);

#endif
