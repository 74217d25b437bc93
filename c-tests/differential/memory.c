#include "memory.h"

#include <stdio.h>

static const pjsip_cached_auth *only_memory(const struct player *player)
{
    const pjsip_cached_auth *head = &root_of(player)->cached_auth;

    return head->next != head && head->next->next == head ? head->next : NULL;
}

int remember_one(const struct player *a, const struct player *b)
{
    const pjsip_cached_auth *one = only_memory(a), *other = only_memory(b);

    return one && other && one->is_proxy == other->is_proxy &&
           pj_stricmp(&one->realm, &other->realm) == 0;
}

static int is_same_challenge(const pjsip_www_authenticate_hdr *a,
                             const pjsip_www_authenticate_hdr *b)
{
    const pjsip_digest_challenge *one, *other;

    if (!a || !b)
        return a == b;
    one = &a->challenge.digest;
    other = &b->challenge.digest;
    return a->type == b->type && pj_strcmp(&a->name, &b->name) == 0 &&
           pj_stricmp(&a->scheme, &b->scheme) == 0 &&
           pj_stricmp(&one->realm, &other->realm) == 0 &&
           pj_strcmp(&one->nonce, &other->nonce) == 0 &&
           (pj_strcmp(&one->opaque, &other->opaque) == 0 || SENDS_UNASKED);
}

/* `a` is stock's, which updates nonce and opaque of the first challenge and leaves the rest, such as
 * `stale`, as it came first; and where a later challenge offers no qop, all of it. Where pjauth
 * answers unasked it keeps another opaque that comes with the same nonce. */
int remember_alike(const struct player *a, const struct player *b)
{
    const pjsip_cached_auth *one = only_memory(a), *other = only_memory(b);

    if (one->challenge_algorithm_type != other->challenge_algorithm_type ||
        one->stale_cnt != other->stale_cnt)
        return 0;
    if (other->qop_value == PJSIP_AUTH_QOP_NONE)
        return 1;
    return one->qop_value == other->qop_value && one->nc == other->nc &&
           one->cnonce.slen && other->cnonce.slen &&
           is_same_challenge(one->last_chal, other->last_chal);
}

void show_memory(const struct player *player)
{
    const pjsip_cached_auth *at = only_memory(player);

    printf("#   algorithm %d, qop %d, stale %u, nc %u, cnonce %.*s, %s challenge\n",
           at->challenge_algorithm_type, at->qop_value, at->stale_cnt, at->nc,
           (int)at->cnonce.slen, at->cnonce.ptr, at->last_chal ? "a" : "no");
}
