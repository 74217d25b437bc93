/* See pjlib.h. */
#ifndef PJAUTH_TESTS_PJSIP_UA_H
#define PJAUTH_TESTS_PJSIP_UA_H

#include <pjsip.h>

PJ_BEGIN_DECL

typedef struct pjmedia_sdp_session pjmedia_sdp_session;
typedef pjsip_module pjsip_user_agent;

/* ---- Dialogs ---- */

typedef struct pjsip_ua_init_param {
    pjsip_dialog *(*on_dlg_forked)(pjsip_dialog *first, pjsip_rx_data *rdata);
} pjsip_ua_init_param;

pj_status_t pjsip_ua_init_module(pjsip_endpoint *endpt,
                                 const pjsip_ua_init_param *param);
pj_status_t pjsip_dlg_create_uac(pjsip_user_agent *ua, const pj_str_t *local,
                                 const pj_str_t *contact,
                                 const pj_str_t *remote,
                                 const pj_str_t *target, pjsip_dialog **dlg);
pj_status_t pjsip_dlg_fork(const pjsip_dialog *first, const pjsip_rx_data *rdata,
                           pjsip_dialog **dlg);
pj_status_t pjsip_dlg_set_auth_sess(pjsip_dialog *dlg,
                                    pjsip_auth_clt_sess *sess);
void pjsip_dlg_inc_lock(pjsip_dialog *dlg);
void pjsip_dlg_dec_lock(pjsip_dialog *dlg);
pj_status_t pjsip_dlg_create_request(pjsip_dialog *dlg,
                                     const pjsip_method *method, int cseq,
                                     pjsip_tx_data **request);
pj_status_t pjsip_dlg_send_request(pjsip_dialog *dlg, pjsip_tx_data *request,
                                   int mod_data_id, void *mod_data);

/* ---- Calls ---- */

typedef enum pjsip_inv_state {
    PJSIP_INV_STATE_EARLY = 3,
    PJSIP_INV_STATE_CONFIRMED = 5,
    PJSIP_INV_STATE_DISCONNECTED
} pjsip_inv_state;

enum pjsip_inv_option { PJSIP_INV_SUPPORT_100REL = 1 };

/* What is left out of the union is smaller. */
struct pjsip_event {
    struct pjsip_event *prev, *next;
    int type;
    union {
        struct {
            union {
                pjsip_rx_data *rdata;
            } src;
            pjsip_transaction *tsx;
            int prev_state;
            int type;
        } tsx_state;
        struct {
            void *user1, *user2, *user3, *user4;
        } user;
    } body;
};

/* How it begins. */
typedef struct pjsip_inv_session {
    char obj_name[PJ_MAX_OBJ_NAME];
    pj_pool_t *pool, *pool_prov, *pool_active;
    pjsip_inv_state state;
    pj_bool_t cancelling, pending_cancel;
    pjsip_tx_data *pending_bye;
    int cause;
    pj_str_t cause_text;
    int flags[3];
    pjsip_dialog *dlg;
    pjsip_role_e role;
    unsigned options;
    void *neg;
    unsigned sdp_neg_flags;
    pjsip_transaction *invite_tsx;
} pjsip_inv_session;

typedef struct pjsip_inv_callback {
    void (*on_state_changed)(pjsip_inv_session *inv, pjsip_event *event);
    void (*on_new_session)(pjsip_inv_session *inv, pjsip_event *event);
    void (*on_tsx_state_changed)(pjsip_inv_session *inv, pjsip_transaction *tsx,
                                 pjsip_event *event);
    void (*rest[7])(void);
} pjsip_inv_callback;

pj_status_t pjsip_inv_usage_init(pjsip_endpoint *endpt,
                                 const pjsip_inv_callback *callback);
pj_status_t pjsip_100rel_init_module(pjsip_endpoint *endpt);
pj_status_t pjsip_timer_init_module(pjsip_endpoint *endpt);
pj_status_t pjsip_inv_create_uac(pjsip_dialog *dlg,
                                 const pjmedia_sdp_session *offer,
                                 unsigned options, pjsip_inv_session **inv);
pj_status_t pjsip_inv_invite(pjsip_inv_session *inv, pjsip_tx_data **request);
pj_status_t pjsip_inv_reinvite(pjsip_inv_session *inv, const pj_str_t *contact,
                               const pjmedia_sdp_session *offer,
                               pjsip_tx_data **request);
pj_status_t pjsip_inv_update(pjsip_inv_session *inv, const pj_str_t *contact,
                             const pjmedia_sdp_session *offer,
                             pjsip_tx_data **request);
pj_status_t pjsip_inv_send_msg(pjsip_inv_session *inv, pjsip_tx_data *request);
pj_status_t pjsip_inv_end_session(pjsip_inv_session *inv, int code,
                                  const pj_str_t *text, pjsip_tx_data **request);
pj_status_t pjsip_inv_terminate(pjsip_inv_session *inv, int code,
                                pj_bool_t notify);

/* ---- Registrations ---- */

enum { PJSIP_REGC_MAX_CONTACT = 10 };
typedef struct pjsip_regc pjsip_regc;

struct pjsip_regc_cbparam {
    pjsip_regc *regc;
    void *token;
    pj_status_t status;
    int code;
    pj_str_t reason;
    pjsip_rx_data *rdata;
    unsigned expiration;
    int contact_cnt;
    void *contact[PJSIP_REGC_MAX_CONTACT];
    pj_bool_t is_unreg;
};

typedef void pjsip_regc_cb(struct pjsip_regc_cbparam *param);

pj_status_t pjsip_regc_create(pjsip_endpoint *endpt, void *token,
                              pjsip_regc_cb *cb, pjsip_regc **regc);
pj_status_t pjsip_regc_init(pjsip_regc *regc, const pj_str_t *registrar,
                            const pj_str_t *from, const pj_str_t *to,
                            int contact_cnt, const pj_str_t contact[],
                            unsigned expires);
pj_status_t pjsip_regc_destroy(pjsip_regc *regc);
pj_status_t pjsip_regc_set_credentials(pjsip_regc *regc, int count,
                                       const pjsip_cred_info creds[]);
pj_status_t pjsip_regc_register(pjsip_regc *regc, pj_bool_t auto_refresh,
                                pjsip_tx_data **request);
pj_status_t pjsip_regc_unregister(pjsip_regc *regc, pjsip_tx_data **request);
pj_status_t pjsip_regc_send(pjsip_regc *regc, pjsip_tx_data *request);
pj_status_t pjsip_regc_set_auth_sess(pjsip_regc *regc,
                                     pjsip_auth_clt_sess *shared);
pjsip_auth_clt_sess *pjsip_regc_get_auth_sess(pjsip_regc *regc);

PJ_END_DECL

#endif
