/* What a session remembers and answers before it is asked: PJSIP_AUTH_AUTO_SEND_NEXT. */
#include "challenge_rig.h"

#include <pjauth.h>
#include <stdio.h>
#include <string.h>

static int unasked(pjsip_hdr_e type)
{
    const pjsip_hdr *head = &m.request->msg->hdr, *h;
    int count = 0;

    for (h = head->next; h != head; h = h->next)
        count += h->type == type;
    return count;
}

static void strip(void)
{
    while (pjsip_msg_find_remove_hdr(m.request->msg, PJSIP_H_AUTHORIZATION, NULL))
        ;
    while (pjsip_msg_find_remove_hdr(m.request->msg, PJSIP_H_PROXY_AUTHORIZATION, NULL))
        ;
}

/* Another request is challenged, and answered. */
static pjsip_www_authenticate_hdr *asked(int code, const char *realm, const char *nonce,
                                         const char *algorithm)
{
    pjsip_msg *msg = m.response->msg_info.msg;
    pjsip_www_authenticate_hdr *h;

    while (pjsip_msg_find_remove_hdr(msg, PJSIP_H_WWW_AUTHENTICATE, NULL))
        ;
    while (pjsip_msg_find_remove_hdr(msg, PJSIP_H_PROXY_AUTHENTICATE, NULL))
        ;
    strip();
    msg->line.status.code = code;
    h = challenge(realm, algorithm);
    if (code == 407)
        h->type = PJSIP_H_PROXY_AUTHENTICATE;
    h->challenge.digest.nonce = lab_str(nonce);
    return h;
}

static void answered(int code, const char *realm, const char *nonce, const char *algorithm)
{
    pjsip_tx_data *same = NULL;

    asked(code, realm, nonce, algorithm);
    CHECK_EQ(pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request, &same), PJ_SUCCESS);
    if (same)
        pjsip_tx_data_dec_ref(same);
}

/* The next request is made ready. */
static void next(void)
{
    strip();
    CHECK_EQ(pjsip_auth_clt_init_req(&m.sess, m.request), PJ_SUCCESS);
}

static void expect_text(const char *what, const pj_str_t *got, const char *want)
{
    if (pj_strcmp2(got, want) != 0)
        lab_fail(__FILE__, __LINE__, "%s is %.*s, not %s", what, (int)got->slen, got->ptr, want);
}

static void expect_sent(const char *nonce, const char *algorithm, const char *count)
{
    const pjsip_digest_credential *sent = answer();

    CHECK_EQ(answers(), 1);
    REQUIRE(sent);
    expect_text("nonce", &sent->nonce, nonce);
    expect_text("algorithm", &sent->algorithm, algorithm);
    expect_text("nc", &sent->nc, count);
    CHECK_EQ(sent->response.slen, strcmp(algorithm, "MD5") == 0 ? 32 : 64);
}

/* Each is counted, and one that has been asked for in between as well. */
void unasked_counts(void)
{
    make("sip:127.0.0.1");
    password();
    next();
    CHECK_EQ(answers(), 0);
    answered(401, "here", "n", "SHA-256");
    next();
    expect_sent("n", "SHA-256", "00000002");
    next();
    expect_sent("n", "SHA-256", "00000003");
    answered(401, "here", "n", "SHA-256");
    next();
    expect_sent("n", "SHA-256", "00000005");
    answered(401, "here", "o", "SHA-256");
    next();
    expect_sent("o", "SHA-256", "00000002");
    unmake();
}

/* One answer for each realm, here as well: to what was asked for last. */
void unasked_newest(void)
{
    make("sip:127.0.0.1");
    password();
    answered(401, "here", "m", "MD5");
    answered(401, "here", "s", "SHA-256");
    next();
    expect_sent("s", "SHA-256", "00000002");
    next();
    expect_sent("s", "SHA-256", "00000003");
    answered(401, "HERE", "o", "MD5");
    next();
    expect_sent("o", "MD5", "00000002");
    next();
    expect_sent("o", "MD5", "00000003");
    /* What was asked for last cannot be answered any more. */
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(&m.sess, PJAUTH_REFUSE_MD5), PJ_SUCCESS);
    next();
    expect_sent("s", "SHA-256", "00000004");
    unmake();
}

/* The same nonce comes with another offer: what is sent next goes by that one. */
void unasked_other_offer(void)
{
    pjsip_www_authenticate_hdr *h;
    pjsip_tx_data *same;

    make("sip:127.0.0.1");
    password();
    h = asked(401, "here", "n", "MD5");
    h->challenge.digest.qop = lab_str("");
    CHECK_EQ(pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request, &same), PJ_SUCCESS);
    pjsip_tx_data_dec_ref(same);
    h = asked(401, "here", "n", "MD5");
    h->challenge.digest.opaque = lab_str("new");
    CHECK_EQ(pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request, &same), PJ_SUCCESS);
    pjsip_tx_data_dec_ref(same);
    next();
    expect_sent("n", "MD5", "00000002");
    REQUIRE(answer());
    expect_text("opaque", &answer()->opaque, "new");
    expect_text("qop", &answer()->qop, "auth");
    next();
    expect_sent("n", "MD5", "00000003");
    unmake();
}

/* Servers and proxies, each its own. */
void unasked_both(void)
{
    make("sip:127.0.0.1");
    password();
    answered(401, "here", "w", "MD5");
    answered(407, "here", "p", "MD5");
    next();
    CHECK_EQ(unasked(PJSIP_H_AUTHORIZATION), 1);
    CHECK_EQ(unasked(PJSIP_H_PROXY_AUTHORIZATION), 1);
    expect_sent("w", "MD5", "00000002");
    unmake();
}

/* However many servers a session has met, a request has room for one more answer. */
void unasked_leaves_room(void)
{
    static char realms[40][16];
    int i;

    make("sip:127.0.0.1");
    password();
    for (i = 0; i < 40; ++i) {
        snprintf(realms[i], sizeof(realms[i]), "realm-%d", i);
        answered(401, realms[i], "n", "MD5");
    }
    next();
    CHECK(answers() > 0 && answers() < 16);
    /* The last one's is among them. */
    {
        const pjsip_hdr *head = &m.request->msg->hdr, *h;
        int found = 0;
        for (h = head->next; h != head; h = h->next)
            found += h->type == PJSIP_H_AUTHORIZATION &&
                     pj_strcmp2(&((const pjsip_authorization_hdr *)h)->credential.digest.realm,
                                realms[39]) == 0;
        CHECK_EQ(found, 1);
    }
    while (pjsip_msg_find_remove_hdr(m.response->msg_info.msg, PJSIP_H_WWW_AUTHENTICATE, NULL))
        ;
    challenge("one more", "MD5");
    CHECK_EQ(reinit(), PJ_SUCCESS);
    unmake();
}

/* What cannot be answered any more, or never could, is no reason not to send the request. */
void unasked_nothing_left(void)
{
    pjsip_cred_info none;
    pjsip_tx_data *same;

    make("sip:127.0.0.1");
    password();
    asked(401, "here", "q", "MD5")->challenge.digest.qop = lab_str("auth-conf");
    CHECK_EQ(pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request, &same),
             PJSIP_EINVALIDQOP);
    next();
    CHECK_EQ(answers(), 0);
    answered(401, "here", "n", "MD5");
    memset(&none, 0, sizeof(none));
    CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 0, &none), PJ_SUCCESS);
    next();
    CHECK_EQ(answers(), 0);
    unmake();
}
