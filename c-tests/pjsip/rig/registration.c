#include "registration.h"

#include "lab.h"

#include <stdio.h>
#include <string.h>

static void on_registered(struct pjsip_regc_cbparam *param)
{
    struct registration *r = param->token;
    r->status = param->status;
    r->code = param->code;
    ++r->done;
}

void registration_open(struct registration *r, const char *user,
                       const char *transport)
{
    char server[96], aor[160], contact[96];
    pj_str_t server_str, aor_str, contact_str;
    pjsip_cred_info cred;

    memset(r, 0, sizeof(*r));
    snprintf(server, sizeof(server), "sip:127.0.0.1:%d;transport=%s",
             lab_port(transport), transport);
    snprintf(aor, sizeof(aor), "<sip:%s@127.0.0.1>", user);
    snprintf(contact, sizeof(contact), "<sip:%s@127.0.0.1:5>", user);
    server_str = lab_str(server);
    aor_str = lab_str(aor);
    contact_str = lab_str(contact);

    CHECK_EQ(pjsip_regc_create(lab.endpt, r, &on_registered, &r->regc),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_regc_init(r->regc, &server_str, &aor_str, &aor_str, 1,
                             &contact_str, 300), PJ_SUCCESS);
    memset(&cred, 0, sizeof(cred));
    cred.realm = lab_str("*");
    cred.scheme = lab_str("digest");
    cred.username = lab_str(user);
    cred.data_type = PJSIP_CRED_DATA_PLAIN_PASSWD;
    cred.data = lab_str(PASSWORD);
    CHECK_EQ(pjsip_regc_set_credentials(r->regc, 1, &cred), PJ_SUCCESS);
}

void registration_start(struct registration *r)
{
    pjsip_tx_data *request;
    CHECK_EQ(pjsip_regc_register(r->regc, PJ_FALSE, &request), PJ_SUCCESS);
    CHECK_EQ(pjsip_regc_send(r->regc, request), PJ_SUCCESS);
}

void registration_once(struct registration *r, const char *user,
                       const char *transport)
{
    registration_open(r, user, transport);
    registration_start(r);
    REQUIRE(lab_until(&r->done, 1, WAIT_MSEC));
    CHECK_EQ(pjsip_regc_destroy(r->regc), PJ_SUCCESS);
}

void challenge_keep(struct challenge *c, pjsip_auth_clt_sess *sess,
                    void *token, const pjsip_auth_clt_async_on_chal_param *p)
{
    c->sess = sess;
    c->token = token;
    c->request = p->tdata;
    pjsip_tx_data_add_ref(p->tdata);
    CHECK_EQ(pjsip_rx_data_clone(p->rdata, 0, &c->response), PJ_SUCCESS);
}

void challenge_drop(struct challenge *c)
{
    if (c->request)
        pjsip_tx_data_dec_ref(c->request);
    if (c->response)
        pjsip_rx_data_free_cloned(c->response);
    memset(c, 0, sizeof(*c));
}

pjsip_tx_data *challenge_answer(struct challenge *c)
{
    pjsip_tx_data *answer = NULL;
    CHECK_EQ(pjsip_auth_clt_reinit_req(c->sess, c->response, c->request,
                                       &answer), PJ_SUCCESS);
    return answer;
}

pj_status_t challenge_send(struct challenge *c)
{
    pjsip_tx_data *answer = challenge_answer(c);
    pj_status_t status;

    status = pjsip_auth_clt_async_send_req(c->sess, c->token, answer);
    if (status == PJ_EINVAL && answer)
        pjsip_tx_data_dec_ref(answer);
    return status;
}

long references(pjsip_tx_data *tdata)
{
    return pj_atomic_get(tdata->ref_cnt);
}

void worker_start(struct worker *w, pj_thread_proc *proc, void *arg)
{
    w->pool = pjsip_endpt_create_pool(lab.endpt, "worker", 512, 512);
    CHECK_EQ(pj_thread_create(w->pool, "worker", proc, arg, 0, 0, &w->thread),
             PJ_SUCCESS);
}

void worker_join(struct worker *w)
{
    pj_thread_join(w->thread);
    pj_thread_destroy(w->thread);
    pjsip_endpt_release_pool(lab.endpt, w->pool);
}
