/* The rules of those builds of pjproject that send unasked, or several answers for one realm. */
#include "explains.h"

enum { MAX_UNASKED = 8 };

/* How many challenges, of other algorithms or any, came for the place at hand. */
static unsigned came(const struct difference *d, int with_other_algorithm)
{
    const struct response *r;
    unsigned count = 0, i;

    for (r = d->responses; r < d->responses + d->response_count; ++r)
        for (i = 0; i < r->count; ++i)
            if (same_place(r->challenges[i], d->challenge) &&
                same_realm(r->challenges[i], d->challenge) &&
                (!with_other_algorithm ||
                 pj_stricmp(&digest_of(r->challenges[i])->algorithm, &asked(d)->algorithm)))
                ++count;
    return count;
}

int explains_unasked_newest(const struct difference *d)
{
    return d->is_unasked && d->kind == STOCK_ALONE && came(d, 1) > 0;
}

int explains_unasked_most(const struct difference *d)
{
    return d->is_unasked && d->kind == STOCK_ALONE && d->by_ours->count >= MAX_UNASKED;
}

int explains_unasked_as_it_came(const struct difference *d)
{
    return d->is_unasked && d->kind == FIELD && came(d, 0) > 1;
}

int explains_unasked_beside_empty(const struct difference *d)
{
    if (!SENDS_UNASKED || !d->scenario || !d->scenario->initial_auth || !d->response_count)
        return 0;
    return (d->is_unasked && d->kind == OURS_ALONE) ||
           (d->kind == CARRIED && d->by_stock->count > d->by_ours->count);
}

int explains_unasked_unanswerable(const struct difference *d)
{
    return SENDS_UNASKED && d->kind == STATUS && d->by_stock->status == PJSIP_EINVALIDQOP &&
           d->by_ours->status == PJ_SUCCESS;
}

int explains_cached_after_qop(const struct difference *d)
{
    return !PJSIP_AUTH_AUTO_SEND_NEXT && d->is_unasked && d->kind == OURS_ALONE &&
           asked(d)->qop.slen == 0 && came(d, 0) > 1;
}

/* Whether one place has asked with two algorithms. */
static int has_two_algorithms(const struct difference *d)
{
    const struct response *r, *s;
    unsigned i, j;

    for (r = d->responses; r < d->responses + d->response_count; ++r)
        for (i = 0; i < r->count; ++i)
            for (s = d->responses; s <= r; ++s)
                for (j = 0; j < s->count; ++j)
                    if (same_place(r->challenges[i], s->challenges[j]) &&
                        same_realm(r->challenges[i], s->challenges[j]) &&
                        pj_stricmp(&digest_of(r->challenges[i])->algorithm,
                                   &digest_of(s->challenges[j])->algorithm))
                        return 1;
    return 0;
}

int explains_multiple_answers(const struct difference *d)
{
    if (!PJSIP_AUTH_ALLOW_MULTIPLE_AUTH_HEADER || !d->response_count || !has_two_algorithms(d))
        return 0;
    return (d->kind == CARRIED && d->by_stock->carried >= d->by_ours->carried) ||
           (d->kind == STOCK_ALONE && came(d, 1) > 0) ||
           (d->kind == STATUS && d->by_ours->status == PJSIP_EFAILEDCREDENTIAL);
}
