/* See pjlib.h. */
#ifndef PJAUTH_TESTS_PJSIP_SIMPLE_H
#define PJAUTH_TESTS_PJSIP_SIMPLE_H

#include <pjsip_ua.h>

PJ_BEGIN_DECL

/* ---- Subscriptions ---- */

typedef enum pjsip_evsub_state {
    PJSIP_EVSUB_STATE_ACTIVE = 4,
    PJSIP_EVSUB_STATE_TERMINATED
} pjsip_evsub_state;

typedef struct pjsip_evsub pjsip_evsub;

typedef struct pjsip_evsub_user {
    void (*on_evsub_state)(pjsip_evsub *sub, pjsip_event *event);
    void (*rest[5])(void);
} pjsip_evsub_user;

pj_status_t pjsip_evsub_init_module(pjsip_endpoint *endpt);
pjsip_module *pjsip_evsub_instance(void);
pjsip_evsub_state pjsip_evsub_get_state(const pjsip_evsub *sub);
pj_status_t pjsip_evsub_terminate(pjsip_evsub *sub, pj_bool_t notify);
pj_status_t pjsip_xfer_init_module(pjsip_endpoint *endpt);
pj_status_t pjsip_xfer_create_uac(pjsip_dialog *dlg,
                                  const pjsip_evsub_user *user,
                                  pjsip_evsub **sub);
pj_status_t pjsip_xfer_create_uas(pjsip_dialog *dlg,
                                  const pjsip_evsub_user *user,
                                  pjsip_rx_data *rdata, pjsip_evsub **sub);
pj_status_t pjsip_xfer_accept(pjsip_evsub *sub, pjsip_rx_data *rdata, int code,
                              const void *headers);
pj_status_t pjsip_xfer_notify(pjsip_evsub *sub, pjsip_evsub_state state, int code,
                              const pj_str_t *text, pjsip_tx_data **request);
pj_status_t pjsip_xfer_initiate(pjsip_evsub *sub, const pj_str_t *target,
                                pjsip_tx_data **request);
pj_status_t pjsip_xfer_send_request(pjsip_evsub *sub, pjsip_tx_data *request);
pj_status_t pjsip_pres_init_module(pjsip_endpoint *endpt, pjsip_module *events);
pj_status_t pjsip_pres_create_uac(pjsip_dialog *dlg,
                                  const pjsip_evsub_user *user,
                                  unsigned options, pjsip_evsub **sub);
pj_status_t pjsip_pres_initiate(pjsip_evsub *sub, pj_uint32_t expires,
                                pjsip_tx_data **request);
pj_status_t pjsip_pres_send_request(pjsip_evsub *sub, pjsip_tx_data *request);
pj_status_t pjsip_pres_terminate(pjsip_evsub *sub, pj_bool_t notify);

/* ---- Publications ---- */

typedef struct pjsip_publishc pjsip_publishc;

typedef struct pjsip_publishc_opt {
    pj_bool_t queue_request;
} pjsip_publishc_opt;

struct pjsip_publishc_cbparam {
    pjsip_publishc *pubc;
    void *token;
    pj_status_t status;
    int code;
    pj_str_t reason;
    pjsip_rx_data *rdata;
    unsigned expiration;
};

typedef void pjsip_publishc_cb(struct pjsip_publishc_cbparam *param);

pj_status_t pjsip_publishc_init_module(pjsip_endpoint *endpt);
void pjsip_publishc_opt_default(pjsip_publishc_opt *opt);
pj_status_t pjsip_publishc_create(pjsip_endpoint *endpt,
                                  const pjsip_publishc_opt *opt, void *token,
                                  pjsip_publishc_cb *cb, pjsip_publishc **pub);
pj_status_t pjsip_publishc_init(pjsip_publishc *pub, const pj_str_t *event,
                                const pj_str_t *target, const pj_str_t *from,
                                const pj_str_t *to, pj_uint32_t expires);
pj_status_t pjsip_publishc_destroy(pjsip_publishc *pub);
pj_status_t pjsip_publishc_set_credentials(pjsip_publishc *pub, int count,
                                           const pjsip_cred_info creds[]);
pjsip_auth_clt_sess *pjsip_publishc_get_auth_sess(pjsip_publishc *pub);
pj_status_t pjsip_publishc_publish(pjsip_publishc *pub, pj_bool_t auto_refresh,
                                   pjsip_tx_data **request);
pj_status_t pjsip_publishc_send(pjsip_publishc *pub, pjsip_tx_data *request);

PJ_END_DECL

#endif
