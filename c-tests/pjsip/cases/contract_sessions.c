/* What a session is to who copies it, or reads what it remembers. */
#include "contract.h"

#include <string.h>

/* A clone inherits the settings; a clone of a child is usable too. */
static void clones(void)
{
    struct workbench b;
    pjsip_auth_clt_sess child, clone;
    pjsip_tx_data *answer = NULL;

    workbench_open(&b);
    memset(&child, 0, sizeof(child));
    CHECK_EQ(pjsip_auth_clt_init(&child, lab.endpt, b.pool, 0), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_set_parent(&child, &b.sess), PJ_SUCCESS);
    memset(&clone, 0x5a, sizeof(clone));
    CHECK_EQ(pjsip_auth_clt_clone(b.pool, &clone, &child), PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&b, &clone), PJ_SUCCESS);
    CHECK_EQ(b.challenged, 1);
    CHECK_EQ(pjsip_auth_clt_reinit_req(&clone, b.challenge.response,
                                       b.challenge.request, &answer),
             PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_async_send_req(&clone, b.token, answer),
             PJ_SUCCESS);
    CHECK_EQ(lock_refs(&b), ALONE);
    /* The original may go first. */
    CHECK_EQ(pjsip_auth_clt_deinit(&child), PJ_SUCCESS);
    CHECK_EQ(workbench_mint(&b, &clone), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_deinit(&clone), PJ_SUCCESS);
    CHECK_EQ(lock_refs(&b), ALONE);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    workbench_close(&b);
}

/* What a session remembers of a server is public: applications read it. */
static void remembered(void)
{
    static const char *const algorithms[] = {"MD5", "SHA-256"};
    struct workbench b;
    pjsip_cached_auth *entry;
    pjsip_www_authenticate_hdr *challenge;
    pjsip_tx_data *answer;
    unsigned i;

    for (i = 0; i < 2; ++i) {
        workbench_open(&b);
        challenge = pjsip_msg_find_hdr(b.challenge.response->msg_info.msg,
                                       PJSIP_H_WWW_AUTHENTICATE, NULL);
        challenge->challenge.digest.algorithm = lab_str(algorithms[i]);
        if (i == 0)
            challenge->challenge.digest.qop.slen = 0;
        CHECK_EQ(pjsip_auth_clt_reinit_req(&b.sess, b.challenge.response,
                                           b.challenge.request, &answer),
                 PJ_SUCCESS);
        pjsip_tx_data_dec_ref(answer);
        entry = b.sess.cached_auth.next;
        CHECK(entry != &b.sess.cached_auth);
        CHECK(entry->next == &b.sess.cached_auth && entry->pool);
        CHECK_EQ(pj_strcmp2(&entry->realm, "pjauth.test"), 0);
        CHECK_EQ(entry->is_proxy, PJ_FALSE);
        CHECK_EQ(entry->stale_cnt, 0);
        CHECK_EQ(entry->challenge_algorithm_type,
                 i ? PJSIP_AUTH_ALGORITHM_SHA256 : PJSIP_AUTH_ALGORITHM_MD5);
        CHECK_EQ(entry->qop_value,
                 i ? PJSIP_AUTH_QOP_AUTH : PJSIP_AUTH_QOP_NONE);
        CHECK_EQ(entry->nc, i);
        CHECK_EQ(entry->cnonce.slen != 0, i);
        /* Where it is answered unasked, one without qop is remembered as well. */
        CHECK_EQ(entry->last_chal != NULL, i || SENDS_UNASKED || (CACHES_HEADERS && !lab.stock));
        if (entry->last_chal) {
            const pjsip_www_authenticate_hdr *copy =
                pjsip_hdr_clone(b.pool, entry->last_chal);
            CHECK_EQ(pj_strcmp(&copy->challenge.digest.nonce,
                               &challenge->challenge.digest.nonce), 0);
        }
        CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
        workbench_close(&b);
    }
}

const struct lab_case contract_session_cases[] = {
    {"clones", clones, LAB_PJAUTH_ONLY}, {"remembered", remembered, LAB_BOTH},
};
const int contract_session_case_count =
    sizeof(contract_session_cases) / sizeof(contract_session_cases[0]);
