/* The modules and the dialogs that the tests of calls and events stand on. */
#include "ua.h"

#include <pjauth.h>
#include <stdio.h>
#include <string.h>

enum { TIMER_T4_MSEC = 1000, TIMER_D_MSEC = 2000 };

static void on_new_session(pjsip_inv_session *inv, pjsip_event *event)
{
    (void)inv;
    (void)event;
}

void ua_modules(void)
{
    pjsip_ua_init_param ua;
    pjsip_inv_callback inv;

    /* Long enough for the vault's 60 ms, short enough to wait for the end:
     * half a minute of the INVITE's Timer D in each case would be too much. */
    pjsip_tsx_set_timers(0, 0, TIMER_T4_MSEC, TIMER_D_MSEC);
    memset(&ua, 0, sizeof(ua));
    ua.on_dlg_forked = &calls_on_forked;
    memset(&inv, 0, sizeof(inv));
    inv.on_state_changed = &calls_on_state;
    inv.on_tsx_state_changed = &calls_on_transaction;
    inv.on_new_session = &on_new_session;
    CHECK_EQ(pjsip_ua_init_module(lab.endpt, &ua), PJ_SUCCESS);
    CHECK_EQ(pjsip_100rel_init_module(lab.endpt), PJ_SUCCESS);
    CHECK_EQ(pjsip_timer_init_module(lab.endpt), PJ_SUCCESS);
    CHECK_EQ(pjsip_inv_usage_init(lab.endpt, &inv), PJ_SUCCESS);
    CHECK_EQ(pjsip_evsub_init_module(lab.endpt), PJ_SUCCESS);
    CHECK_EQ(pjsip_xfer_init_module(lab.endpt), PJ_SUCCESS);
    CHECK_EQ(pjsip_pres_init_module(lab.endpt, pjsip_evsub_instance()),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_publishc_init_module(lab.endpt), PJ_SUCCESS);
}

pjsip_dialog *ua_dialog(const char *scenario, const char *transport)
{
    char contact[96], remote[96], target[96];
    pj_str_t local_str, contact_str, remote_str, target_str;
    pjsip_dialog *dlg = NULL;

    snprintf(contact, sizeof(contact), "<sip:" UA_USER "@127.0.0.1:%d>",
             lab.udp->local_name.port);
    snprintf(remote, sizeof(remote), "<sip:%s@127.0.0.1>", scenario);
    snprintf(target, sizeof(target), "sip:%s@127.0.0.1:%d;transport=%s",
             scenario, lab_port(transport), transport);
    local_str = lab_str("<sip:" UA_USER "@127.0.0.1>");
    contact_str = lab_str(contact);
    remote_str = lab_str(remote);
    target_str = lab_str(target);
    CHECK_EQ(pjsip_dlg_create_uac(pjsip_ua_instance(), &local_str, &contact_str,
                                  &remote_str, &target_str, &dlg), PJ_SUCCESS);
    return dlg;
}

void end_live(struct vault *vault, enum ending ending)
{
    if (ending == ANSWERED)
        CHECK_EQ(challenge_send(&vault->kept), PJ_SUCCESS);
    else if (ending == ABANDONED)
        CHECK_EQ(pjsip_auth_clt_async_abandon(vault->kept.sess, vault->kept.token),
                 PJ_SUCCESS);
    else
        CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(vault->kept.token, 10),
                 PJ_SUCCESS);
    lab_events(150);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(vault->kept.token));
}

void end_dead(struct vault *vault, enum ending ending, pjsip_tx_data *answer)
{
    if (ending == ANSWERED) {
        CHECK_EQ(pjsip_auth_clt_async_send_req(vault->kept.sess, vault->kept.token, answer),
                 PJ_EINVAL);
        CHECK(references(answer) >= 2); /* the vault's, and this */
        pjsip_tx_data_dec_ref(answer);
    } else {
        pjsip_tx_data_dec_ref(answer);
        if (ending == ABANDONED)
            pjsip_auth_clt_async_abandon(vault->kept.sess, vault->kept.token);
        else
            PJAUTH(pjauth_challenge_set_deadline)(vault->kept.token, 10);
    }
    lab_events(100);
    CHECK(!PJAUTH(pjauth_challenge_is_live)(vault->kept.token));
}
