/* The list of differences that are meant. */
#ifndef PJAUTH_DIFFERENTIAL_RULES_H
#define PJAUTH_DIFFERENTIAL_RULES_H

#include "player.h"

enum kind {
    STOCK_ALONE, /* answers a challenge */
    OURS_ALONE,
    FIELD,   /* of an answer that both give */
    STATUS,  /* of a call that fails on both sides */
    CARRIED, /* answers that the request had before */
    DIGEST   /* of pjsip_auth_create_digest() and its like */
};

struct difference {
    enum kind kind;
    const char *field;
    const struct scenario *scenario;
    /* The responses so far; the last is the one at hand. */
    const struct response *responses;
    unsigned response_count;
    const struct outcome *by_stock, *by_ours;
    /* The challenge at hand, by its place in the response. */
    const pjsip_www_authenticate_hdr *challenge;
    unsigned place;
    int is_unasked; /* what it has answered comes again, unasked */
    /* Its answers. */
    const pjsip_digest_credential *stock, *ours;
    /* For DIGEST. */
    const pjsip_cred_info *credential;
};

struct rule {
    const char *name;
    const char *what, *stock, *ours, *why; /* Markdown */
    int (*explains)(const struct difference *difference);
    unsigned long seen;
};

extern struct rule rules[];
extern const unsigned rule_count;

/* Whether this pjproject is built so that the rule can be met. */
int is_within_reach(const struct rule *rule);

/* The first rule that explains the difference, NULL: it is a defect. */
struct rule *rule_for(const struct difference *difference);

#endif
