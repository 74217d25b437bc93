#include "challenge_rig.h"

#include <stdlib.h>
#include <string.h>

struct memory m;

static const char *const LONG_AGO = "z9hG4bKlongago";

static void add_via(pjsip_tx_data *request)
{
    pjsip_via_hdr *via = pjsip_via_hdr_create(request->pool);
    via->transport = lab_str("UDP");
    via->sent_by.host = lab_str("127.0.0.1");
    via->branch_param = lab_str(LONG_AGO);
    pjsip_msg_add_hdr(request->msg, (pjsip_hdr *)via);
}

void make(const char *target)
{
    pj_str_t uri = lab_str(target), me = lab_str("<sip:me@127.0.0.1>");

    memset(&m, 0, sizeof(m));
    m.pool = pjsip_endpt_create_pool(lab.endpt, "memory", 4000, 4000);
    CHECK_EQ(pjsip_auth_clt_init(&m.sess, lab.endpt, m.pool, 0), PJ_SUCCESS);
    CHECK_EQ(pjsip_endpt_create_request(lab.endpt, &pjsip_register_method, &uri,
                                        &me, &me, NULL, NULL, 7, NULL,
                                        &m.request), PJ_SUCCESS);
    add_via(m.request);
    m.response = calloc(1, sizeof(*m.response));
    m.response->msg_info.msg = pjsip_msg_create(m.pool, PJSIP_RESPONSE_MSG);
    m.response->msg_info.msg->line.status.code = 401;
}

void unmake(void)
{
    CHECK_EQ(pjsip_auth_clt_deinit(&m.sess), PJ_SUCCESS);
    pjsip_tx_data_dec_ref(m.request);
    pjsip_endpt_release_pool(lab.endpt, m.pool);
    free(m.response);
}

void credential(const char *realm, const char *data, int data_type,
                       int algorithm)
{
    pjsip_cred_info cred;
    memset(&cred, 0, sizeof(cred));
    cred.realm = lab_str(realm);
    cred.scheme = lab_str("digest");
    cred.username = lab_str("me");
    cred.data = lab_str(data);
    cred.data_type = data_type;
#if HAS_ALGORITHMS
    cred.algorithm_type = (pjsip_auth_algorithm_type)algorithm;
#else
    (void)algorithm;
#endif
    CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 1, &cred), PJ_SUCCESS);
}

void password(void)
{
    credential("*", "secret", PJSIP_CRED_DATA_PLAIN_PASSWD,
               ANY_ALGORITHM);
}

pjsip_www_authenticate_hdr *challenge(const char *realm,
                                             const char *algorithm)
{
    pjsip_www_authenticate_hdr *h = pjsip_www_authenticate_hdr_create(m.pool);
    h->scheme = lab_str("Digest");
    h->challenge.digest.realm = lab_str(realm);
    h->challenge.digest.nonce = lab_str("0a4f113b");
    h->challenge.digest.algorithm = lab_str(algorithm);
    h->challenge.digest.qop = lab_str("auth");
    pjsip_msg_add_hdr(m.response->msg_info.msg, (pjsip_hdr *)h);
    return h;
}

int answers(void)
{
    pjsip_hdr *h = &m.request->msg->hdr;
    int count = 0;
    while ((h = h->next) != &m.request->msg->hdr)
        count += h->type == PJSIP_H_AUTHORIZATION;
    return count;
}

pjsip_digest_credential *answer(void)
{
    pjsip_authorization_hdr *h =
        pjsip_msg_find_hdr(m.request->msg, PJSIP_H_AUTHORIZATION, NULL);
    return h ? &h->credential.digest : NULL;
}

pj_status_t reinit(void)
{
    pjsip_tx_data *same = NULL;
    pj_status_t status;
    long before = pj_atomic_get(m.request->ref_cnt);
    int answers_before = answers();

    status = pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request, &same);
    CHECK_EQ(pj_atomic_get(m.request->ref_cnt),
             before + (status == PJ_SUCCESS));
    if (status == PJ_SUCCESS) {
        CHECK(same == m.request);
        pjsip_tx_data_dec_ref(same);
    } else {
        /* A refused challenge leaves the request as it was. */
        CHECK_EQ(m.request->auth_retry, PJ_FALSE);
        CHECK_EQ(answers(), answers_before);
    }
    return status;
}

void expect(pj_status_t want)
{
    CHECK_EQ(reinit(), want);
    unmake();
}

void simple(const char *realm, const char *algorithm, pj_status_t want)
{
    make("sip:127.0.0.1");
    password();
    challenge(realm, algorithm);
    expect(want);
}
