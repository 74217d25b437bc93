#include "presence.h"

#include <stdio.h>
#include <string.h>

struct presence_seen presence_seen;

static void on_evsub_state(pjsip_evsub *sub, pjsip_event *event)
{
    (void)event;
    if (pjsip_evsub_get_state(sub) == PJSIP_EVSUB_STATE_ACTIVE)
        ++presence_seen.active;
    if (pjsip_evsub_get_state(sub) == PJSIP_EVSUB_STATE_TERMINATED)
        ++presence_seen.terminated;
}

pjsip_evsub *presence_subscription(const char *transport, pjsip_dialog **dlg)
{
    return presence_subscription_to("sha-256-401", transport, dlg);
}

pjsip_evsub *presence_subscription_to(const char *scenario, const char *transport,
                                      pjsip_dialog **dlg)
{
    static pjsip_evsub_user callbacks;
    pjsip_evsub *sub = NULL;

    memset(&presence_seen, 0, sizeof(presence_seen));
    callbacks.on_evsub_state = &on_evsub_state;
    *dlg = ua_dialog(scenario, transport);
    CHECK_EQ(pjsip_pres_create_uac(*dlg, &callbacks, 0, &sub), PJ_SUCCESS);
    return sub;
}

void subscribe_send(pjsip_evsub *sub, unsigned expires)
{
    pjsip_tx_data *request;
    CHECK_EQ(pjsip_pres_initiate(sub, expires, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_pres_send_request(sub, request), PJ_SUCCESS);
}

static void on_published(struct pjsip_publishc_cbparam *param)
{
    presence_seen.status = param->status;
    presence_seen.code = param->code;
    ++presence_seen.published;
}

pjsip_publishc *presence_publication(const char *transport)
{
    const pj_str_t event = lab_str("presence");
    char target[96];
    pj_str_t target_str, user = lab_str("<sip:" UA_USER "@127.0.0.1>");
    pjsip_publishc_opt opt;
    pjsip_publishc *pub = NULL;

    memset(&presence_seen, 0, sizeof(presence_seen));
    snprintf(target, sizeof(target), "sip:md5-407@127.0.0.1:%d;transport=%s",
             lab_port(transport), transport);
    target_str = lab_str(target);
    pjsip_publishc_opt_default(&opt);
    CHECK_EQ(pjsip_publishc_create(lab.endpt, &opt, NULL, &on_published, &pub),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_publishc_init(pub, &event, &target_str, &user, &user, 300),
             PJ_SUCCESS);
    return pub;
}

void publish_send(pjsip_publishc *pub)
{
    pj_str_t type = lab_str("text"), subtype = lab_str("plain");
    pj_str_t text = lab_str("here");
    pjsip_tx_data *request;

    CHECK_EQ(pjsip_publishc_publish(pub, PJ_FALSE, &request), PJ_SUCCESS);
    request->msg->body =
        pjsip_msg_body_create(request->pool, &type, &subtype, &text);
    CHECK_EQ(pjsip_publishc_send(pub, request), PJ_SUCCESS);
}
