/* What the dialog, call and event tests share. */
#ifndef PJAUTH_TESTS_UA_H
#define PJAUTH_TESTS_UA_H

#include "vault.h"

#include "lab.h"

#include <pjsip_simple.h>

/* Registers the modules of PJSIP that the cases need. */
void ua_modules(void);

/* A client dialog from sip:tester to a scenario of the registrar. */
pjsip_dialog *ua_dialog(const char *scenario, const char *transport);
#define UA_USER "tester"

/* What the callbacks of the calls saw of the running case. */
extern struct ua_seen {
    volatile int confirmed, disconnected;
    int cause; /* of the last end */
} ua_seen;

/* A call to a scenario, whose challenges `vault` answers. */
pjsip_inv_session *call_start(struct vault *vault, enum vault_mode mode,
                              const char *scenario, const char *transport,
                              pjsip_auth_clt_sess *parent);

/* Of calls that start now: PJSIP_INV_SUPPORT_100REL and its like. */
extern unsigned call_options;

/* Called for the dialog of a call that starts now, in which there is no call yet; NULL: nobody is. */
extern void (*calls_dialog_made)(pjsip_dialog *dlg);

/* Called for a request inside a call, which it is to answer; NULL: nobody is. */
extern void (*calls_on_request)(pjsip_inv_session *inv, pjsip_rx_data *rdata);

/* Hangs up, and waits until the call is over. */
void call_end(pjsip_inv_session *inv);

/* The registrar saw so many of these requests over this transport, and nothing
 * wrong with any request. */
void expect_clean(const char *transport, const char *method, int requests);

extern const struct lab_case call_cases[];
extern const int call_case_count;
extern const struct lab_case event_cases[];
extern const int event_case_count;

/* Called by the modules. */
void calls_on_state(pjsip_inv_session *inv, pjsip_event *event);
void calls_on_transaction(pjsip_inv_session *inv, pjsip_transaction *tsx, pjsip_event *event);
pjsip_dialog *calls_on_forked(pjsip_dialog *first, pjsip_rx_data *rdata);

/* ua_defer.c; its cases and those of ua_meanwhile.c run last, after
 * defer_start() has made transactions short-lived. */
void defer_start(void);
extern const struct lab_case defer_cases[];
extern const int defer_case_count;
extern const struct lab_case meanwhile_cases[];
extern const int meanwhile_case_count;
extern const struct lab_case ua_wire_cases[];
extern const int ua_wire_case_count;
extern const struct lab_case copy_cases[];
extern const int copy_case_count;
extern const struct lab_case ended_cases[];
extern const int ended_case_count;
extern const struct lab_case inside_cases[];
extern const int inside_case_count;
extern const struct lab_case refer_cases[];
extern const int refer_case_count;
extern const struct lab_case notify_cases[];
extern const int notify_case_count;

/* How long a challenge waits: longer than a transaction lives. */
unsigned defer_msec(void);

/* A call that stands, and a re-INVITE in it. */
pjsip_inv_session *call_confirmed(struct vault *vault, const char *scenario,
                                  const char *transport);
void reinvite_send(pjsip_inv_session *inv);

/* What is kept is dead: PJ_EINVAL, and the answer, which this releases, stays
 * the caller's. */
void expect_unanswerable(struct vault *vault, pjsip_tx_data *answer);

/* How a kept challenge ends. */
enum ending { ANSWERED, ABANDONED, EXPIRED };

/* Ends the kept challenge of something that is there; a clean status. */
void end_live(struct vault *vault, enum ending ending);

/* The same of something that may be over: it dies, and nothing crashes. What of the answer is
 * the caller's stays, though the token's reference of the same request goes, and that of whoever
 * was told of the challenge as well. */
void end_dead(struct vault *vault, enum ending ending, pjsip_tx_data *answer);

/* The answer to a request that `start` has kept comes on another thread just as its call ends,
 * in one way or another, over and over. `after`, if it is not NULL, ends what is left. */
void race(pjsip_inv_session *(*start)(struct vault *vault, const char *transport),
          void (*after)(void));

#endif
