#include "explains.h"
#include "judge.h"

#include <ctype.h>
#include <string.h>

enum { MAX_PARAMETER = 2048, MAX_REALMS = 16 };

/* ----------------------------------------------------------------- helpers */

static int is_unsafe(const pj_str_t *value)
{
    pj_ssize_t i;

    for (i = 0; i < value->slen; ++i)
        if (value->ptr[i] != '\t' && iscntrl((unsigned char)value->ptr[i]))
            return 1;
    return value->slen > MAX_PARAMETER;
}

/* Whether a text would end the quoted string it is put into. */
static int ends_quotes(const pj_str_t *value)
{
    pj_ssize_t i;

    for (i = 0; i < value->slen; ++i) {
        if (value->ptr[i] == '"')
            return 1;
        if (value->ptr[i] == '\\' && ++i == value->slen)
            return 1;
    }
    return 0;
}

static int has_unsafe(const pjsip_www_authenticate_hdr *challenge)
{
    const pjsip_digest_challenge *d = digest_of(challenge);

    return ends_quotes(&d->realm) || ends_quotes(&d->nonce) ||
           ends_quotes(&d->opaque) || is_unsafe(&d->realm) ||
           is_unsafe(&d->nonce) || is_unsafe(&d->opaque) || is_unsafe(&d->algorithm) ||
           is_unsafe(&d->qop);
}

static int knows_qop(const pj_str_t *offer)
{
    return offers(offer, "auth") || offers(offer, "auth-int");
}

/* ------------------------------------------------------------------- rules */

static int has_pair(const struct response *r)
{
    unsigned i, j;

    for (i = 0; i < r->count; ++i)
        for (j = 0; j < i; ++j)
            if (same_place(r->challenges[i], r->challenges[j]))
                return 1;
    return 0;
}

/* Whether a response had two challenges for the realm at hand. */
static int answered_twice(const struct difference *d)
{
    const struct response *r;
    unsigned i, j;

    for (r = d->responses; r < d->responses + d->response_count; ++r)
        for (i = 0; i < r->count; ++i)
            for (j = 0; j < i; ++j)
                if (same_place(r->challenges[i], r->challenges[j]) &&
                    same_realm(r->challenges[i], d->challenge))
                    return 1;
    return 0;
}

int explains_one_per_realm(const struct difference *d)
{
    const struct response *r;
    unsigned i;

    if (d->kind == STOCK_ALONE || d->kind == OURS_ALONE) {
        r = response_of(d);
        for (i = 0; i < r->count; ++i)
            if (i != d->place && (i < d->place) == (d->kind == STOCK_ALONE) &&
                same_place(r->challenges[i], d->challenge))
                return 1;
        return d->kind == OURS_ALONE && answered_twice(d) &&
               d->by_stock->status == PJSIP_EAUTHSTALECOUNT;
    }
    /* Stock may be left without any answer, and not notice. */
    if (d->kind == STATUS)
        return has_pair(response_of(d)) && d->by_stock->status == PJ_SUCCESS &&
               d->by_stock->count == d->by_stock->carried;
    /* What it answered twice it counted twice. */
    return is_field(d, "nc") && answered_twice(d);
}

/* An offer that stock takes for one of "auth". */
static int is_stranger(const pj_str_t *offer)
{
    return !offers(offer, "auth") && stock_finds_auth(offer);
}

/* Whether stock answered, further up, what should not be answered. */
static int stock_answered_stranger(const struct difference *d)
{
    const struct response *r = response_of(d);
    unsigned i;

    for (i = 0; i < d->place; ++i)
        if (same_place(r->challenges[i], d->challenge) &&
            is_stranger(&digest_of(r->challenges[i])->qop))
            return 1;
    return 0;
}

int explains_qop_list(const struct difference *d)
{
    const pj_str_t *offer;

    if (!d->challenge)
        return 0;
    offer = &asked(d)->qop;
    if (d->kind == OURS_ALONE)
        return (offers(offer, "auth") && !stock_finds_auth(offer)) ||
               stock_answered_stranger(d);
    return (d->kind == STOCK_ALONE || is_field(d, "qop")) && is_stranger(offer);
}

int explains_auth_int(const struct difference *d)
{
    const pj_str_t *offer = d->challenge ? &asked(d)->qop : NULL;

    return d->kind == OURS_ALONE && offers(offer, "auth-int") &&
           !offers(offer, "auth") && !stock_finds_auth(offer);
}

/* Whether a call fails on both sides, but stock for want of an algorithm that
 * ours knows. */
static int lacks_algorithm(const struct difference *d,
                           int (*lacks)(const pj_str_t *name))
{
    const struct response *r = response_of(d);
    unsigned i;

    if (d->kind == OURS_ALONE)
        return lacks(&asked(d)->algorithm);
    if (d->kind != STATUS || d->by_stock->status != PJSIP_EINVALIDALGORITHM)
        return 0;
    for (i = 0; i < r->count; ++i)
        if (lacks(&digest_of(r->challenges[i])->algorithm))
            return 1;
    return 0;
}

static int is_session(const pj_str_t *name)
{
    return algorithm_named(name).session;
}

int explains_session(const struct difference *d)
{
    return lacks_algorithm(d, &is_session);
}

/* Blanks are no part of a name. */
static int has_blanks(const pj_str_t *name)
{
    return name->slen > 0 && algorithm_named(name).hash &&
           (isspace((unsigned char)name->ptr[0]) ||
            isspace((unsigned char)name->ptr[name->slen - 1]));
}

int explains_algorithm_blanks(const struct difference *d)
{
    return lacks_algorithm(d, &has_blanks);
}

int explains_userhash(const struct difference *d)
{
    const pjsip_param *p, *head;

    if (!is_field(d, "username") && !is_field(d, "parameters"))
        return 0;
    head = &asked(d)->other_param;
    for (p = head->next; p != head; p = p->next)
        if (pj_stricmp2(&p->name, "userhash") == 0)
            return !pj_list_empty(&d->ours->other_param);
    return 0;
}

int explains_cnonce(const struct difference *d)
{
    pj_ssize_t i;

    if (!is_field(d, "cnonce") || d->ours->cnonce.slen != 32 ||
        d->stock->cnonce.slen == 0)
        return 0;
    for (i = 0; i < 32; ++i)
        if (!strchr("0123456789abcdef", d->ours->cnonce.ptr[i]))
            return 0;
    return 1;
}

int explains_ha1_lower_case(const struct difference *d)
{
    unsigned i;

    if (d->kind == DIGEST) {
        const pj_str_t *data = &d->credential->data;
        if (d->credential->data_type != PJSIP_CRED_DATA_DIGEST)
            return 0;
        for (i = 0; i < data->slen; ++i)
            if (isupper((unsigned char)data->ptr[i]))
                return 1;
        return 0;
    }
    if (!is_field(d, "response") && !is_field(d, "credential"))
        return 0;
    for (i = 0; i < count_credentials(d->scenario); ++i)
        if (d->scenario->credentials[i].secret == HA1_UPPER_CASE &&
            pj_strcmp2(&d->stock->username,
                       d->scenario->credentials[i].user) == 0)
            return 1;
    return 0;
}

int explains_unsafe_parameter(const struct difference *d)
{
    const struct response *r = response_of(d);
    unsigned i;

    if (d->kind == STOCK_ALONE)
        return has_unsafe(d->challenge);
    if (d->kind != STATUS || d->by_ours->status != PJSIP_EINVALIDHDR)
        return 0;
    for (i = 0; i < r->count; ++i)
        if (has_unsafe(r->challenges[i]))
            return 1;
    return 0;
}

int explains_sixteen_realms(const struct difference *d)
{
    const struct response *r;
    unsigned i, earlier = 0;

    if (d->kind != STOCK_ALONE)
        return 0;
    r = response_of(d);
    for (i = 0; i < d->place; ++i)
        earlier += r->challenges[i]->type == d->challenge->type;
    return earlier >= MAX_REALMS;
}

int explains_sixteen_answers(const struct difference *d)
{
    unsigned i, carried = 0;

    if (d->kind != STOCK_ALONE ||
        d->by_ours->status != PJSIP_EAUTHSTALECOUNT)
        return 0;
    for (i = 0; i < d->by_ours->carried; ++i)
        carried += (d->by_ours->answers[i]->type == PJSIP_H_AUTHORIZATION) ==
                   (d->challenge->type == PJSIP_H_WWW_AUTHENTICATE);
    return carried >= MAX_REALMS;
}

static int is_empty_for_any(const pjsip_authorization_hdr *answer)
{
    return pj_strcmp2(&answer->credential.digest.realm, "*") == 0 &&
           answer->credential.digest.response.slen == 0;
}

int explains_empty_for_any(const struct difference *d)
{
    unsigned i;

    if (d->kind != CARRIED || d->response_count == 0)
        return 0;
    for (i = 0; i < d->by_stock->carried; ++i)
        if (is_empty_for_any(d->by_stock->answers[i]))
            return 1;
    return 0;
}

int explains_empty_per_realm(const struct difference *d)
{
    const struct credential *c = d->scenario ? d->scenario->credentials : NULL;
    unsigned count = c ? count_credentials(d->scenario) : 0, i, j;

    if (d->kind != CARRIED || !d->scenario->initial_auth)
        return 0;
    for (i = 0; i < count; ++i)
        for (j = 0; j < i; ++j)
            if (pj_ansi_stricmp(c[i].realm, c[j].realm) == 0)
                return d->by_stock->count > d->by_ours->count;
    return 0;
}

int explains_empty_scheme(const struct difference *d)
{
    const struct credential *c = d->scenario ? d->scenario->credentials : NULL;

    /* What is not of the Digest scheme is not replaced either. */
    return (is_field(d, "scheme") || d->kind == CARRIED) && !d->challenge &&
           d->scenario->initial_auth && c[0].scheme && !*c[0].scheme;
}

int explains_unanswered(const struct difference *d)
{
    const struct response *r;
    unsigned i, j;

    if (d->response_count == 0)
        return 0;
    r = response_of(d);
    /* A further challenge then finds nothing that was refused. */
    if (d->kind == STATUS)
        return has_pair(r) && (d->by_ours->status == PJSIP_EFAILEDCREDENTIAL ||
                               d->by_ours->status == PJSIP_EAUTHSTALECOUNT);
    if (d->kind != CARRIED || d->by_stock->carried >= d->by_ours->carried)
        return 0;
    /* It was the answer to a challenge that has no new one. */
    for (i = 0; i < r->count; ++i) {
        const pjsip_www_authenticate_hdr *c = r->challenges[i];
        for (j = d->by_ours->carried; j < d->by_ours->count; ++j) {
            const pjsip_authorization_hdr *a = d->by_ours->answers[j];
            if ((a->type == PJSIP_H_AUTHORIZATION) ==
                    (c->type == PJSIP_H_WWW_AUTHENTICATE) &&
                pj_stricmp(&a->credential.digest.realm,
                           &digest_of(c)->realm) == 0)
                break;
        }
        if (j == d->by_ours->count)
            return 1;
    }
    return 0;
}

int explains_first_fault(const struct difference *d)
{
    const struct response *r;
    unsigned i;

    if (d->kind != STATUS || d->by_ours->status != PJSIP_EINVALIDQOP)
        return 0;
    r = response_of(d);
    for (i = 0; i < r->count; ++i)
        if (digest_of(r->challenges[i])->qop.slen > 0 &&
            !knows_qop(&digest_of(r->challenges[i])->qop))
            return 1;
    return 0;
}

/* ---------------------------------------------------------------- the list */

#define RULE(name, what, stock, ours, why)                                     \
    {#name, what, stock, ours, why, &explains_##name, 0},

struct rule rules[] = {
#include "differences.inc"
};

const unsigned rule_count = PJ_ARRAY_SIZE(rules);

int is_within_reach(const struct rule *rule)
{
    if (strncmp(rule->name, "unasked_", 8) == 0)
        return PJSIP_AUTH_AUTO_SEND_NEXT;
    if (strncmp(rule->name, "cached_", 7) == 0)
        return PJSIP_AUTH_HEADER_CACHING && !PJSIP_AUTH_AUTO_SEND_NEXT;
#ifdef STOCK_LIBRARY
    /* Asterisk's configuration names it; Debian's library does not do it. */
    if (strncmp(rule->name, "multiple_", 9) == 0)
        return 0;
#endif
    if (strncmp(rule->name, "multiple_", 9) == 0)
        return PJSIP_AUTH_ALLOW_MULTIPLE_AUTH_HEADER;
    /* A request that carries answers for all of them meets others first. */
    return !PJSIP_AUTH_AUTO_SEND_NEXT || strcmp(rule->name, "servers_remembered") != 0;
}

struct rule *rule_for(const struct difference *difference)
{
    struct rule *rule;

    for (rule = rules; rule < rules + rule_count; ++rule)
        if (rule->explains(difference))
            return rule;
    return NULL;
}
