/* What the dialog, call and event tests share. */
#ifndef PJAUTH_TESTS_UA_H
#define PJAUTH_TESTS_UA_H

#include "lab.h"

#include <pjsip_simple.h>

/* Registers the modules of PJSIP that the cases need. */
void ua_modules(void);

/* A client dialog from sip:tester to a scenario of the registrar. */
pjsip_dialog *ua_dialog(const char *scenario, const char *transport);
#define UA_USER "tester"

extern const struct lab_case call_cases[];
extern const int call_case_count;
extern const struct lab_case event_cases[];
extern const int event_case_count;

/* Called by the modules. */
void calls_on_state(pjsip_inv_session *inv, pjsip_event *event);
pjsip_dialog *calls_on_forked(pjsip_dialog *first, pjsip_rx_data *rdata);

#endif
