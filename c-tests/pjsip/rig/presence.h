/* A subscription to somebody's presence and a publication of one's own, and what
 * their callbacks saw. */
#ifndef PJAUTH_TESTS_PRESENCE_H
#define PJAUTH_TESTS_PRESENCE_H

#include "ua.h"

/* Of the running case. */
extern struct presence_seen {
    volatile int active, terminated, published;
    pj_status_t status; /* of the last publication */
    int code;
} presence_seen;

/* A subscription in a dialog of its own, of which nothing is sent yet. */
pjsip_evsub *presence_subscription(const char *transport, pjsip_dialog **dlg);

/* The same to a scenario. */
pjsip_evsub *presence_subscription_to(const char *scenario, const char *transport,
                                      pjsip_dialog **dlg);

/* Sends SUBSCRIBE for so many seconds; 0 ends it. */
void subscribe_send(pjsip_evsub *sub, unsigned expires);

/* A publication without credentials, of which nothing is sent yet. */
pjsip_publishc *presence_publication(const char *transport);
void publish_send(pjsip_publishc *pub);

#endif
