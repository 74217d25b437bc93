/* What goes over the wire, or must not, where a challenge or a credential is unusual. */
#include "challenge_rig.h"

#include <pjauth.h>
#include <stdio.h>
#include <string.h>

/* The header of another request that is challenged under the same session. */
static void again(int code, const char *nonce, const char *algorithm,
                  const char *count)
{
    pjsip_msg *msg = m.response->msg_info.msg;
    pjsip_www_authenticate_hdr *h;
    pjsip_digest_credential *sent;
    pjsip_authorization_hdr *header;
    pjsip_hdr_e type = code == 401 ? PJSIP_H_AUTHORIZATION
                                   : PJSIP_H_PROXY_AUTHORIZATION;
    pjsip_tx_data *same;

    while (pjsip_msg_find_remove_hdr(msg, PJSIP_H_WWW_AUTHENTICATE, NULL))
        ;
    while (pjsip_msg_find_remove_hdr(msg, PJSIP_H_PROXY_AUTHENTICATE, NULL))
        ;
    while (pjsip_msg_find_remove_hdr(m.request->msg, PJSIP_H_AUTHORIZATION, NULL))
        ;
    while (pjsip_msg_find_remove_hdr(m.request->msg, PJSIP_H_PROXY_AUTHORIZATION, NULL))
        ;
    msg->line.status.code = code;
    h = challenge("here", algorithm);
    if (code == 407)
        h->type = PJSIP_H_PROXY_AUTHENTICATE;
    h->challenge.digest.nonce = lab_str(nonce);
    CHECK_EQ(pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request, &same),
             PJ_SUCCESS);
    header = pjsip_msg_find_hdr(m.request->msg, type, NULL);
    if (!header) {
        CHECK(!"an answer");
        return;
    }
    pjsip_tx_data_dec_ref(same);
    sent = &header->credential.digest;
    if (pj_strcmp2(&sent->nc, count) != 0)
        lab_fail(__FILE__, __LINE__, "%d, nonce %s: nc is %.*s, not %s", code, nonce,
                 (int)sent->nc.slen, sent->nc.ptr, count);
}

/* RFC 7616, 3.4: the count is the nonce's, whoever asks with it. */
void counts_per_nonce(void)
{
    make("sip:127.0.0.1");
    password();
    again(401, "12345678", "MD5", "00000001");
    again(407, "12345678", "MD5", "00000002");
    again(401, "12345678", "MD5", "00000003");
    again(407, "12345678", "SHA-256", "00000004");
    again(407, "87654321", "MD5", "00000001");
    again(401, "12345678", "MD5", "00000005");
    again(401, "another", "MD5", "00000001");
    again(407, "another", "MD5", "00000002");
    again(407, "another", "MD5", "00000003");
    /* Those who counted have gone on to other nonces, and the first comes back. */
    again(401, "third", "MD5", "00000001");
    again(407, "third", "SHA-256", "00000002");
    again(401, "12345678", "MD5", "00000006");
    again(407, "12345678", "MD5-sess", "00000007");
    again(401, "another", "SHA-256", "00000004");
    unmake();
}

static int prints(const char *text)
{
    char buffer[4000];
    int length = (int)pjsip_msg_print(m.request->msg, buffer, sizeof(buffer) - 1);

    buffer[length > 0 ? length : 0] = '\0';
    return strstr(buffer, text) != NULL;
}

/* RFC 3261, 25.1: white space in a quoted string. */
void tab_in_a_challenge(void)
{
    pjsip_digest_challenge *d;

    make("sip:127.0.0.1");
    credential("Main\tOffice", "secret", PJSIP_CRED_DATA_PLAIN_PASSWD, ANY_ALGORITHM);
    d = &challenge("Main\tOffice", "MD5")->challenge.digest;
    d->nonce = lab_str("n\t1");
    d->opaque = lab_str("\to");
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK(prints("realm=\"Main\tOffice\"") && prints("nonce=\"n\t1\"") &&
          prints("opaque=\"\to\""));
    unmake();
}

/* What is no text, and what would end the header, is not. */
void others_in_a_challenge(void)
{
    static const char bad[] = "\r\n\x01\x08\x0b\x1b\x7f"; /* and the NUL */
    char realm[] = "a?b";
    unsigned i;

    for (i = 0; i < sizeof(bad); ++i) {
        pjsip_digest_challenge *d;
        realm[1] = bad[i];
        make("sip:127.0.0.1");
        password();
        d = &challenge("", "MD5")->challenge.digest;
        d->realm.ptr = realm;
        d->realm.slen = 3;
        CHECK_EQ(reinit(), PJSIP_EINVALIDHDR);
        unmake();
    }
}

/* Names come from address books and provisioning files. */
void control_in_a_credential(void)
{
    static const char evil[] = "ann\r\nX-Evil: 1";
    pjsip_auth_clt_pref pref;
    pjsip_cred_info good, cred;
    unsigned i;

    make("sip:127.0.0.1");
    memset(&good, 0, sizeof(good));
    good.realm = lab_str("here");
    good.scheme = lab_str("digest");
    good.username = lab_str("ann");
    good.data = lab_str("any\r\nthing\x01");
    CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 1, &good), PJ_SUCCESS);
    for (i = 0; i < 5; ++i) {
        pjsip_cred_info both[2];
        cred = good;
        if (i == 0)
            cred.username = lab_str(evil);
        else if (i == 1)
            cred.realm = lab_str("here\nX-Evil: 1");
        else if (i == 2)
            cred.scheme = lab_str("digest\r\nX-Evil: 1");
        else if (i == 3)
            cred.username = lab_str("ann\x7f");
        else {
            cred.scheme = lab_str("bearer");
            cred.data = lab_str(evil);
        }
        CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 1, &cred), PJ_EINVAL);
        both[0] = good;
        both[1] = cred;
        CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 2, both), PJ_EINVAL);
    }
    memset(&pref, 0, sizeof(pref));
    pref.initial_auth = PJ_TRUE;
    pref.algorithm = lab_str("MD5\r\nX-Evil: 1");
    CHECK_EQ(pjsip_auth_clt_set_prefs(&m.sess, &pref), PJ_EINVAL);
    /* What was there before is there still. */
    challenge("here", "MD5");
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK(prints("username=\"ann\"") && !prints("X-Evil"));
    unmake();
}

/* A text that ends its quotes brings parameters of its own along, or eats the next one. What is
 * escaped, has its own quotes or is a Windows domain's goes out as it stands. */
void quotes_in_a_credential(void)
{
    static const char *const bad[] = {
        "ann\"", "ann\", realm=\"evil", "a\"nn", "ann\\", "DOMAIN\\ann\\", "\"", "\"ann", "a\\\\\"b",
        "\"ann\" evil=\"", "a long name of an address book\\"};
    static const char *const good[] = {
        "DOMAIN\\ann", "a\\\"nn", "ann\\\\", "\"ann\"", "\\\\\\\"", "a long name of \\\"an\\\" address book"};
    pjsip_cred_info cred;
    unsigned i, field;

    for (i = 0; i < PJ_ARRAY_SIZE(bad) + PJ_ARRAY_SIZE(good); ++i) {
        const int is_good = i >= PJ_ARRAY_SIZE(bad);
        const pj_str_t text = lab_str(is_good ? good[i - PJ_ARRAY_SIZE(bad)] : bad[i]);
        for (field = 0; field < 3; ++field) {
            make("sip:127.0.0.1");
            memset(&cred, 0, sizeof(cred));
            cred.realm = field == 1 ? text : lab_str("*");
            cred.scheme = lab_str(field == 2 ? "bearer" : "digest");
            cred.username = field == 0 ? text : lab_str("ann");
            cred.data = field == 2 ? text : lab_str("sec\"ret\\");
            if (pjsip_auth_clt_set_credentials(&m.sess, 1, &cred) !=
                (is_good ? PJ_SUCCESS : PJ_EINVAL))
                lab_fail(__FILE__, __LINE__, "field %u: %s", field, text.ptr);
            unmake();
        }
    }
}

/* A challenge that PJSIP's parser has not read may hold such a text as well. */
void quotes_in_a_challenge(void)
{
    static const char *const bad[] = {"a\"", "\"a\"", "a\\", "a\", x=\"", "a\\\\\"b"};
    unsigned i, field;

    for (i = 0; i < PJ_ARRAY_SIZE(bad); ++i) {
        for (field = 0; field < 3; ++field) {
            pjsip_digest_challenge *d;
            make("sip:127.0.0.1");
            password();
            d = &challenge("here", "MD5")->challenge.digest;
            *(field == 0 ? &d->realm : field == 1 ? &d->nonce : &d->opaque) = lab_str(bad[i]);
            CHECK_EQ(reinit(), PJSIP_EINVALIDHDR);
            unmake();
        }
    }
}

/* What was put there past set_credentials() is not copied either, nor is what was there
 * ended; a secret may hold anything. */
void control_in_a_clone(void)
{
    pjsip_auth_clt_sess clone;
    pjsip_cred_info cred;

    make("sip:127.0.0.1");
    password();
    CHECK_EQ(pjsip_auth_clt_clone(m.pool, &clone, &m.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_deinit(&clone), PJ_SUCCESS);
    cred = m.sess.cred_info[0];
    cred.data = lab_str("sec\r\nret");
    m.sess.cred_info = &cred;
    CHECK_EQ(pjsip_auth_clt_clone(m.pool, &clone, &m.sess), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_deinit(&clone), PJ_SUCCESS);
    cred.username = lab_str("ann\r\nX-Evil: 1");
    CHECK_EQ(pjsip_auth_clt_clone(m.pool, &clone, &m.sess), PJ_EINVAL);
    CHECK_EQ(pjsip_auth_clt_deinit(&clone), PJ_SUCCESS);
    unmake();
}

/* Every place in every length: eight bytes are looked at together. */
void control_anywhere(void)
{
    static const char bad[] = "\r\n\x01\x1f\x7f"; /* and the NUL */
    char name[40];
    pjsip_cred_info cred;
    int length, at;
    unsigned i;

    make("sip:127.0.0.1");
    memset(&cred, 0, sizeof(cred));
    cred.realm = lab_str("here");
    cred.scheme = lab_str("digest");
    cred.data = lab_str("secret");
    cred.username.ptr = name;
    for (length = 1; length < (int)sizeof(name); ++length) {
        cred.username.slen = length;
        /* The first and the last of what is no control character, and the tab. */
        memset(name, length % 3 == 0 ? '\t' : length % 3 == 1 ? ' ' : '\xff', sizeof(name));
        CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 1, &cred), PJ_SUCCESS);
        for (at = 0; at < length; ++at) {
            const char was = name[at];
            for (i = 0; i < sizeof(bad); ++i) {
                name[at] = bad[i];
                CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 1, &cred), PJ_EINVAL);
            }
            name[at] = was;
        }
    }
    unmake();
}

/* Nothing is promised that the session's begin would undo. */
void refused_too_early(void)
{
    pjsip_auth_clt_sess sess;

    make("sip:127.0.0.1");
    memset(&sess, 0, sizeof(sess));
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(&sess, PJAUTH_REFUSE_MD5), PJSIP_ENOTINITIALIZED);
    CHECK_EQ(pjsip_auth_clt_init(&sess, lab.endpt, m.pool, 0), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(&sess, PJAUTH_REFUSE_MD5), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_deinit(&sess), PJ_SUCCESS);
    unmake();
}

/* A forked dialog's session is a clone. */
void refused_in_a_clone(void)
{
    pjsip_auth_clt_sess clone;
    pjsip_tx_data *same;

    make("sip:127.0.0.1");
    password();
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(&m.sess, PJAUTH_REFUSE_MD5), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_clone(m.pool, &clone, &m.sess), PJ_SUCCESS);
    challenge("here", "MD5");
    CHECK_EQ(pjsip_auth_clt_reinit_req(&clone, m.response, m.request, &same),
             PJSIP_EINVALIDALGORITHM);
    /* The clone goes its own way from then on. */
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(&clone, 0), PJ_SUCCESS);
    CHECK_EQ(reinit(), PJSIP_EINVALIDALGORITHM);
    CHECK_EQ(pjsip_auth_clt_reinit_req(&clone, m.response, m.request, &same),
             PJ_SUCCESS);
    pjsip_tx_data_dec_ref(same);
    CHECK_EQ(pjsip_auth_clt_deinit(&clone), PJ_SUCCESS);
    unmake();
}

#if HAS_PARENTS
/* What a session refuses by itself it refuses with a parent, too. */
void refused_with_a_parent(void)
{
    pjsip_auth_clt_sess child;
    pjsip_tx_data *same;

    make("sip:127.0.0.1");
    password();
    CHECK_EQ(pjsip_auth_clt_init(&child, lab.endpt, m.pool, 0), PJ_SUCCESS);
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(&child, PJAUTH_REFUSE_MD5), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_set_parent(&child, &m.sess), PJ_SUCCESS);
    challenge("here", "MD5");
    CHECK_EQ(pjsip_auth_clt_reinit_req(&child, m.response, m.request, &same),
             PJSIP_EINVALIDALGORITHM);
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_deinit(&child), PJ_SUCCESS);
    unmake();
}
#else
void refused_with_a_parent(void) {}
#endif
