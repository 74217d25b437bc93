/* See pjlib.h: a call has to offer something. */
#ifndef PJAUTH_TESTS_SDP_H
#define PJAUTH_TESTS_SDP_H

#include <pjlib.h>

PJ_BEGIN_DECL
typedef struct pjmedia_sdp_session pjmedia_sdp_session;
pj_status_t pjmedia_sdp_parse(pj_pool_t *pool, char *text, pj_size_t length,
                              pjmedia_sdp_session **sdp);
PJ_END_DECL

#endif
