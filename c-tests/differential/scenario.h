/* What both sides are given: a user's credentials, a request, and the
 * responses that challenge it. */
#ifndef PJAUTH_DIFFERENTIAL_SCENARIO_H
#define PJAUTH_DIFFERENTIAL_SCENARIO_H

#include "side.h"

enum { MAX_CREDENTIALS = 4, MAX_STEPS = 40, MAX_CHALLENGES = 20 };

/* What a credential's data is. */
enum secret {
    PASSWORD,
    HA1,           /* H(user:realm:password), in lower case */
    HA1_UPPER_CASE /* the same in upper case */
};

struct credential {
    const char *realm, *user, *password;
    const char *scheme; /* NULL: "digest" */
    enum secret secret;
    pjsip_auth_algorithm_type algorithm; /* of a pre-hashed one */
};

struct step {
    int fresh; /* a new request is challenged, not the one before again */
    int code;  /* 401 or 407 */
    /* "WWW-Authenticate: ..." or "Proxy-Authenticate: ..." lines. */
    const char *challenges[MAX_CHALLENGES];
};

struct scenario {
    const char *name;
    const char *method; /* NULL: REGISTER */
    const char *uri;    /* NULL: sip:sip.example.com */
    const char *body;   /* NULL: none */
    int initial_auth;   /* an empty answer is sent unasked */
    int child;          /* the session has a parent, which has the rest */
    struct credential credentials[MAX_CREDENTIALS];
    struct step steps[MAX_STEPS];
};

unsigned count_credentials(const struct scenario *scenario);
unsigned count_steps(const struct scenario *scenario);
unsigned count_challenges(const struct step *step);

/* In full, so that whoever reads it can play it again. */
void print_scenario(const struct scenario *scenario);

/* The scenarios taken from documents and other implementations' manuals, and
 * those made for one rule of the list of differences. */
extern const struct scenario recorded[];
extern const unsigned recorded_count;

/* The scenario number `index` of those that `seed` stands for: the same on
 * every machine. It is valid until the next call. */
const struct scenario *generate(unsigned long long seed, unsigned index);

/* Pseudo-random numbers (splitmix64), below `limit`. */
struct dice {
    unsigned long long state;
};
unsigned roll(struct dice *dice, unsigned limit);

#endif
