#include "explains.h"

#include <string.h>

const pjsip_digest_challenge *
digest_of(const pjsip_www_authenticate_hdr *challenge)
{
    return &challenge->challenge.digest;
}

const pjsip_digest_challenge *asked(const struct difference *d)
{
    return digest_of(d->challenge);
}

int is_field(const struct difference *d, const char *name)
{
    return d->kind == FIELD && strcmp(d->field, name) == 0;
}

int same_realm(const pjsip_www_authenticate_hdr *a,
               const pjsip_www_authenticate_hdr *b)
{
    return pj_stricmp(&digest_of(a)->realm, &digest_of(b)->realm) == 0;
}

/* Challenges of one realm, all from the server or all from a proxy. */
int same_place(const pjsip_www_authenticate_hdr *a,
               const pjsip_www_authenticate_hdr *b)
{
    return a->type == b->type && same_realm(a, b);
}

const struct response *response_of(const struct difference *d)
{
    return &d->responses[d->response_count - 1];
}

static int holds(const char *text, pj_ssize_t length, const char *word)
{
    pj_ssize_t size = (pj_ssize_t)strlen(word), at;

    for (at = 0; at + size <= length; ++at)
        if (pj_ansi_strnicmp(text + at, word, (pj_size_t)size) == 0)
            return 1;
    return 0;
}

/* How stock reads an offer: "auth" anywhere, if a comma, a quote or the end
 * follows. */
int stock_finds_auth(const pj_str_t *offer)
{
    pj_ssize_t size = offer->slen;

    return holds(offer->ptr, size, "auth,") ||
           holds(offer->ptr, size, "auth\"") ||
           (size >= 4 && holds(offer->ptr + size - 4, 4, "auth"));
}
