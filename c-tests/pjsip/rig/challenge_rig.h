/* A request that has been sent and a response to it, made in memory. */
#ifndef CHALLENGE_RIG_H
#define CHALLENGE_RIG_H

#include "lab.h"

enum { ANY_ALGORITHM = 0 };

extern struct memory {
    pj_pool_t *pool;
    pjsip_auth_clt_sess sess;
    pjsip_tx_data *request;
    pjsip_rx_data *response;
} m;

/* The two, and a session without credentials; the request goes to `target`. */
void make(const char *target);
void unmake(void);

/* Gives the session one credential; password() one that fits everything. */
void credential(const char *realm, const char *data, int data_type, int algorithm);
void password(void);

/* Adds a challenge to the response. */
pjsip_www_authenticate_hdr *challenge(const char *realm, const char *algorithm);

/* How many answers the request has, and the first of them, or NULL. */
int answers(void);
pjsip_digest_credential *answer(void);

/* Calls pjsip_auth_clt_reinit_req, and looks at what must hold of it always. */
pj_status_t reinit(void);

/* The same, and the end of the two; simple() is all of it for one challenge. */
void expect(pj_status_t want);
void simple(const char *realm, const char *algorithm, pj_status_t want);

/* The cases of challenge_input.c. */
void params_10000(void);
void challenges_1000(void);
void realm_megabyte(void);
void realm_injection(void);
void nonce_and_opaque_injection(void);
void nonce_missing(void);
void uri_too_long(void);
void good_among_bad(void);
void wrong_messages(void);
void pool_exhausted(void);

/* Those of challenge_wire.c. */
void counts_per_nonce(void);
void tab_in_a_challenge(void);
void others_in_a_challenge(void);
void control_in_a_credential(void);
void control_in_a_clone(void);
void control_anywhere(void);
void quotes_in_a_credential(void);
void quotes_in_a_challenge(void);
void refused_too_early(void);
void refused_in_a_clone(void);
void refused_with_a_parent(void);

/* Those of challenge_parsed.c. */
void parsed_oddities(void);
void parsed_folds(void);
void parsed_lengths(void);
void parsed_both(void);
void parsed_cnonces(void);
void parsed_integrity(void);

/* Those of challenge_unasked.c. */
void unasked_counts(void);
void unasked_newest(void);
void unasked_other_offer(void);
void unasked_both(void);
void unasked_leaves_room(void);
void unasked_nothing_left(void);

/* Those of challenge_aka.c. */
void aka_test_set(void);
void aka_v1(void);
void aka_v2(void);
void aka_wrong_mac(void);
void aka_resynchronises(void);
void aka_auth_int(void);
void aka_credentials_apart(void);
void aka_of_pjsip(void);
void aka_unasked(void);

#endif
