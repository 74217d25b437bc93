/* The input of bindgen: the user's own pjproject headers where build.rs found
 * them, our own description otherwise. */
#ifdef PJAUTH_HOST_HEADERS
#include <pjlib.h>
#include <pjsip/sip_auth.h>
#include <pjsip/sip_dialog.h>
#include <pjsip/sip_endpoint.h>
#include <pjsip/sip_errno.h>
#include <pjsip/sip_module.h>
#include <pjsip/sip_msg.h>
#include <pjsip/sip_transaction.h>
#include <pjsip/sip_transport.h>
#include <pjsip/sip_ua_layer.h>
#include <pjsip/sip_util.h>
#include "../../../include/pjsip_auth_async.h"
#include "older.h"
#else
#include "pjproject.h"
#endif

/* Knobs as numbers: a macro may be any expression, an enumerator is a value. */
enum pjauth_knob {
    PJAUTH_PJ_SERIES = PJ_VERSION_NUM_MAJOR * 100 + PJ_VERSION_NUM_MINOR,
    PJAUTH_PJ_MAJOR = PJ_VERSION_NUM_MAJOR,
    PJAUTH_PJ_MINOR = PJ_VERSION_NUM_MINOR,
    PJAUTH_PJ_REV = PJ_VERSION_NUM_REV,
    PJAUTH_MAX_URL_SIZE = PJSIP_MAX_URL_SIZE,
    PJAUTH_MAX_PKT_LEN = PJSIP_MAX_PKT_LEN,
    PJAUTH_MAX_STALE_COUNT = PJSIP_MAX_STALE_COUNT,
    PJAUTH_AUTO_SEND_NEXT = PJSIP_AUTH_AUTO_SEND_NEXT,
    PJAUTH_QOP_SUPPORT = PJSIP_AUTH_QOP_SUPPORT,
    PJAUTH_HEADER_CACHING = PJSIP_AUTH_HEADER_CACHING,
    PJAUTH_LOG_MAX_LEVEL = PJ_LOG_MAX_LEVEL,
    PJAUTH_TIMER_DEBUG = PJ_TIMER_DEBUG,
    PJAUTH_POOL_ALIGNMENT = PJ_POOL_ALIGNMENT
};

/* How a call's session (pjsip_inv_session) begins, in all versions: to read the
 * state of one, the header is not worth what it includes. */
typedef struct pjauth_inv_session_head {
    char obj_name[PJ_MAX_OBJ_NAME];
    void *pools[3];
    unsigned state;
    pj_bool_t cancelling;
} pjauth_inv_session_head;
enum { PJAUTH_INV_STATE_EARLY = 3, PJAUTH_INV_STATE_DISCONNECTED = 6 };

/* How a subscription (pjsip_evsub) begins, which no header says, and what a dialog
 * knows of its own: a list. */
typedef struct pjauth_evsub_head {
    char obj_name[PJ_MAX_OBJ_NAME];
    void *pool;
    void *endpt;
    pjsip_dialog *dlg;
    void *pkg;
    unsigned option;
    void *callbacks[6];
    pj_bool_t call_cb;
    unsigned role;
    unsigned state;
} pjauth_evsub_head;
typedef struct pjauth_dialog_evsub {
    struct pjauth_dialog_evsub *prev;
    struct pjauth_dialog_evsub *next;
    pjauth_evsub_head *sub;
} pjauth_dialog_evsub;
enum { PJAUTH_EVSUB_STATE_TERMINATED = 5 };

/* Status codes: pjproject's are macros over macros, and bindgen wants values. */
enum pjauth_status {
    PJAUTH_EUNKNOWN = PJ_EUNKNOWN,
    PJAUTH_EINVAL = PJ_EINVAL,
    PJAUTH_ENOMEM = PJ_ENOMEM,
    PJAUTH_EBUG = PJ_EBUG,
    PJAUTH_ENOTSUP = PJ_ENOTSUP,
    PJAUTH_EINVALIDOP = PJ_EINVALIDOP,
    PJAUTH_EPENDING = PJ_EPENDING,
    PJAUTH_ECANCELLED = PJ_ECANCELLED,
    PJAUTH_EIGNORED = PJ_EIGNORED,
    PJAUTH_ENOTINITIALIZED = PJSIP_ENOTINITIALIZED,
    PJAUTH_ENOTREQUESTMSG = PJSIP_ENOTREQUESTMSG,
    PJAUTH_ENOTRESPONSEMSG = PJSIP_ENOTRESPONSEMSG,
    PJAUTH_EINVALIDSTATUS = PJSIP_EINVALIDSTATUS,
    PJAUTH_EURITOOLONG = PJSIP_EURITOOLONG,
    PJAUTH_EINVALIDHDR = PJSIP_EINVALIDHDR,
    PJAUTH_EFAILEDCREDENTIAL = PJSIP_EFAILEDCREDENTIAL,
    PJAUTH_ENOCREDENTIAL = PJSIP_ENOCREDENTIAL,
    PJAUTH_EINVALIDALGORITHM = PJSIP_EINVALIDALGORITHM,
    PJAUTH_EINVALIDQOP = PJSIP_EINVALIDQOP,
    PJAUTH_EINVALIDAUTHSCHEME = PJSIP_EINVALIDAUTHSCHEME,
    PJAUTH_EAUTHNOAUTH = PJSIP_EAUTHNOAUTH,
    PJAUTH_EAUTHSTALECOUNT = PJSIP_EAUTHSTALECOUNT,
    PJAUTH_EAUTHINAKACRED = PJSIP_EAUTHINAKACRED,
    PJAUTH_EAUTHNOCHAL = PJSIP_EAUTHNOCHAL
};
