/* The rules about nonce counts. */
#include "explains.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SERVERS = 32 };

int explains_nc_hexadecimal(const struct difference *d)
{
    char stock[9], ours[9];
    unsigned long count;

    if (!is_field(d, "nc") || d->stock->nc.slen != 8 || d->ours->nc.slen != 8)
        return 0;
    memcpy(stock, d->stock->nc.ptr, 8);
    memcpy(ours, d->ours->nc.ptr, 8);
    stock[8] = ours[8] = '\0';
    count = strtoul(stock, NULL, 10);
    return count > 9 && count == strtoul(ours, NULL, 16);
}

int explains_counted_apart(const struct difference *d)
{
    const struct response *r;
    unsigned i;

    if (!d->challenge || d->kind == CARRIED ||
        (d->kind == FIELD && !is_field(d, "nc") && !d->is_unasked))
        return 0;
    for (r = d->responses; r < d->responses + d->response_count; ++r)
        for (i = 0; i < r->count; ++i)
            if (r->challenges[i]->type != d->challenge->type &&
                same_realm(r->challenges[i], d->challenge))
                return 1;
    return 0;
}

/* Whether the place at hand has asked with another nonce since a response. */
static int has_left(const struct difference *d, const struct response *since)
{
    const struct response *r;
    unsigned i;

    for (r = since + 1; r < d->responses + d->response_count; ++r)
        for (i = 0; i < r->count; ++i)
            if (same_realm(r->challenges[i], d->challenge) &&
                pj_strcmp(&digest_of(r->challenges[i])->nonce, &asked(d)->nonce))
                return 1;
    return 0;
}

int explains_counted_per_nonce(const struct difference *d)
{
    const pjsip_digest_challenge *mine, *other;
    const struct response *r;
    unsigned i;

    if (!d->challenge || d->kind != FIELD ||
        !(is_field(d, "nc") || is_field(d, "response")))
        return 0;
    mine = digest_of(d->challenge);
    for (r = d->responses; r < d->responses + d->response_count; ++r)
        for (i = 0; i < r->count; ++i) {
            other = digest_of(r->challenges[i]);
            if (pj_strcmp(&mine->nonce, &other->nonce) == 0 &&
                (!same_realm(r->challenges[i], d->challenge) ||
                 pj_stricmp(&mine->algorithm, &other->algorithm) != 0 ||
                 has_left(d, r)))
                return 1;
        }
    return 0;
}

int explains_counted_unanswered(const struct difference *d)
{
    const struct response *r;
    unsigned i;

    if (!is_field(d, "nc"))
        return 0;
    for (r = d->responses; r < d->responses + d->response_count; ++r)
        for (i = 0; i < r->count; ++i) {
            const pj_str_t *offer = &digest_of(r->challenges[i])->qop;
            if (same_realm(r->challenges[i], d->challenge) && offer->slen > 0 &&
                !stock_finds_auth(offer))
                return 1;
        }
    return 0;
}

int explains_servers_remembered(const struct difference *d)
{
    return is_field(d, "nc") && d->response_count > MAX_SERVERS &&
           pj_strcmp2(&d->ours->nc, "00000001") == 0;
}
