/* What the rules ask of a difference, and the rules' own functions. */
#ifndef PJAUTH_DIFFERENTIAL_EXPLAINS_H
#define PJAUTH_DIFFERENTIAL_EXPLAINS_H

#include "judge.h"
#include "rules.h"

const pjsip_digest_challenge *digest_of(const pjsip_www_authenticate_hdr *challenge);
const pjsip_digest_challenge *asked(const struct difference *d);
const struct response *response_of(const struct difference *d);

/* Whether a field of an answer differs, this one. */
int is_field(const struct difference *d, const char *name);

int same_realm(const pjsip_www_authenticate_hdr *a, const pjsip_www_authenticate_hdr *b);
int same_place(const pjsip_www_authenticate_hdr *a, const pjsip_www_authenticate_hdr *b);
int stock_finds_auth(const pj_str_t *offer);

#define RULE(name, what, stock, ours, why) int explains_##name(const struct difference *d);
#include "differences.inc"
#undef RULE

#endif
