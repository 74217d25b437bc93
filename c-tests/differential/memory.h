/* What a session remembers of a server. The entries of `cached_auth` are public:
 * applications read them. */
#ifndef PJAUTH_DIFFERENTIAL_MEMORY_H
#define PJAUTH_DIFFERENTIAL_MEMORY_H

#include "player.h"

/* Whether each remembers one server, and both the same. With several the two differ by
 * design (one_per_realm, counted_apart). */
int remember_one(const struct player *a, const struct player *b);

/* Whether it reads alike, field by field. */
int remember_alike(const struct player *a, const struct player *b);

void show_memory(const struct player *player);

#endif
