/* Challenges made in memory, hostile ones among them, where pjproject's
 * headers are installed: what the parser would never let through, more of it
 * than fits a packet, and what reinit_req must do to the request. */
#include "lab.h"

#include <pjauth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request that has been sent, and the response it got. */
static struct {
    pj_pool_t *pool;
    pjsip_auth_clt_sess sess;
    pjsip_tx_data *request;
    pjsip_rx_data *response;
} m;

enum { ANY_ALGORITHM = 0 };

static const char *const LONG_AGO = "z9hG4bKlongago";

static void add_via(pjsip_tx_data *request)
{
    pjsip_via_hdr *via = pjsip_via_hdr_create(request->pool);
    via->transport = lab_str("UDP");
    via->sent_by.host = lab_str("127.0.0.1");
    via->branch_param = lab_str(LONG_AGO);
    pjsip_msg_add_hdr(request->msg, (pjsip_hdr *)via);
}

static void make(const char *target)
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

static void unmake(void)
{
    CHECK_EQ(pjsip_auth_clt_deinit(&m.sess), PJ_SUCCESS);
    pjsip_tx_data_dec_ref(m.request);
    pjsip_endpt_release_pool(lab.endpt, m.pool);
    free(m.response);
}

static void credential(const char *realm, const char *data, int data_type,
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

static void password(void)
{
    credential("*", "secret", PJSIP_CRED_DATA_PLAIN_PASSWD,
               ANY_ALGORITHM);
}

static pjsip_www_authenticate_hdr *challenge(const char *realm,
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

static int answers(void)
{
    pjsip_hdr *h = &m.request->msg->hdr;
    int count = 0;
    while ((h = h->next) != &m.request->msg->hdr)
        count += h->type == PJSIP_H_AUTHORIZATION;
    return count;
}

static pjsip_digest_credential *answer(void)
{
    pjsip_authorization_hdr *h =
        pjsip_msg_find_hdr(m.request->msg, PJSIP_H_AUTHORIZATION, NULL);
    return h ? &h->credential.digest : NULL;
}

static pj_status_t reinit(void)
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

static void expect(pj_status_t want)
{
    CHECK_EQ(reinit(), want);
    unmake();
}

static void simple(const char *realm, const char *algorithm, pj_status_t want)
{
    make("sip:127.0.0.1");
    password();
    challenge(realm, algorithm);
    expect(want);
}

/* ---------------------------------------------------- what the request gets */

static void request_restored(void)
{
    pjsip_via_hdr *via;

    make("sip:127.0.0.1");
    password();
    challenge("here", "SHA-256");
    m.request->buf.start = pj_pool_alloc(m.pool, 100);
    m.request->buf.cur = m.request->buf.start + 50;
    CHECK_EQ(reinit(), PJ_SUCCESS);
    via = pjsip_msg_find_hdr(m.request->msg, PJSIP_H_VIA, NULL);
    CHECK_EQ(via->branch_param.slen, 0);
    CHECK_EQ(m.request->auth_retry, PJ_TRUE);
    CHECK(m.request->buf.cur == m.request->buf.start);
    CHECK_EQ(((pjsip_cseq_hdr *)pjsip_msg_find_hdr(
                  m.request->msg, PJSIP_H_CSEQ, NULL))->cseq, 7);
    CHECK_EQ(answers(), 1);
    unmake();
}

/* A strict route (no lr) swaps places with the request URI when the request
 * is sent, and must swap back before it is sent again. */
static void strict_route_restored(void)
{
    pjsip_host_info destination;
    pjsip_route_hdr *route;
    pjsip_sip_uri *uri;
    void *target;

    make("sip:127.0.0.1");
    password();
    challenge("here", "MD5");
    target = m.request->msg->line.req.uri;
    route = pjsip_route_hdr_create(m.request->pool);
    uri = pjsip_sip_uri_create(m.request->pool, PJ_FALSE);
    uri->host = lab_str("127.0.0.2");
    route->name_addr.uri = (pjsip_uri *)uri;
    pjsip_msg_add_hdr(m.request->msg, (pjsip_hdr *)route);
    CHECK_EQ(pjsip_process_route_set(m.request, &destination), PJ_SUCCESS);
    CHECK(m.request->saved_strict_route == route);
    CHECK(m.request->msg->line.req.uri != target);
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK(m.request->saved_strict_route == NULL);
    CHECK(m.request->msg->line.req.uri == target);
    CHECK(pjsip_msg_find_hdr(m.request->msg, PJSIP_H_ROUTE, NULL) == route);
    unmake();
}

/* ------------------------------------------------------------- credentials */

static void no_credential(void)
{
    make("sip:127.0.0.1");
    challenge("here", "MD5");
    expect(PJSIP_ENOCREDENTIAL);
}

static void other_realm(void)
{
    make("sip:127.0.0.1");
    credential("there", "secret", 0, ANY_ALGORITHM);
    challenge("here", "MD5");
    expect(PJSIP_ENOCREDENTIAL);
}

/* A named realm wins over "*", wherever it stands in the list. */
static void wildcard_is_last(void)
{
    pjsip_cred_info creds[2];

    make("sip:127.0.0.1");
    memset(creds, 0, sizeof(creds));
    creds[0].realm = lab_str("*");
    creds[0].username = lab_str("anybody");
    creds[1].realm = lab_str("HERE");
    creds[1].username = lab_str("me");
    creds[0].scheme = creds[1].scheme = lab_str("digest");
    creds[0].data = creds[1].data = lab_str("secret");
    CHECK_EQ(pjsip_auth_clt_set_credentials(&m.sess, 2, creds), PJ_SUCCESS);
    challenge("here", "MD5");
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK(answer() && pj_strcmp2(&answer()->username, "me") == 0);
    unmake();
}

static void hash_serves_its_own(void)
{
    /* Of "me:here:secret", by md5sum. */
    static const char md5[] = "17799fd29df5b7818417238a8eb1fcd8";

    make("sip:127.0.0.1");
    credential("here", md5, PJSIP_CRED_DATA_DIGEST,
               ANY_ALGORITHM);
    challenge("here", "SHA-256");
    CHECK_EQ(reinit(), PJSIP_ENOCREDENTIAL);
    challenge("here", "MD5");
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK(answer() && pj_strcmp2(&answer()->algorithm, "MD5") == 0);
    unmake();
}

/* ----------------------------------------------------------------- schemes */

static void basic_only(void)
{
    make("sip:127.0.0.1");
    password();
    challenge("here", "")->scheme = lab_str("Basic");
    expect(PJSIP_EINVALIDAUTHSCHEME);
}

static void basic_then_digest(void)
{
    make("sip:127.0.0.1");
    password();
    challenge("here", "")->scheme = lab_str("Basic");
    challenge("here", "SHA-256");
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK_EQ(answers(), 1);
    unmake();
}

static void unknown_algorithms(void)
{
    make("sip:127.0.0.1");
    password();
    challenge("here", "BLAKE9");
    challenge("here", "SHA-3");
    challenge("here", "MD5-");
    expect(PJSIP_EINVALIDALGORITHM);
}

static void no_challenge(void)
{
    make("sip:127.0.0.1");
    password();
    expect(PJSIP_EAUTHNOCHAL);
}

/* --------------------------------------------------------------- bad input */

static void params_10000(void)
{
    pjsip_www_authenticate_hdr *h;
    char buffer[4000];
    int i;

    make("sip:127.0.0.1");
    password();
    h = challenge("here", "SHA-256");
    for (i = 0; i < 10000; ++i) {
        pjsip_param *p = PJ_POOL_ZALLOC_T(m.pool, pjsip_param);
        p->name = lab_str("x-param");
        p->value = lab_str("\"value\"");
        pj_list_push_back(&h->challenge.digest.other_param, p);
    }
    CHECK_EQ(reinit(), PJ_SUCCESS);
    /* None of them comes back. */
    CHECK(pjsip_msg_print(m.request->msg, buffer, sizeof(buffer)) > 0);
    unmake();
}

/* Each realm gets an answer up to a limit, beyond which none is lost. */
static void challenges_1000(void)
{
    static char realms[1000][16];
    int i;

    make("sip:127.0.0.1");
    password();
    for (i = 0; i < 1000; ++i) {
        snprintf(realms[i], sizeof(realms[i]), "realm-%d", i);
        challenge(realms[i], "MD5");
    }
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK_EQ(answers(), !lab.stock ? 16 : HAS_ALGORITHMS ? 1000 : 1);
    unmake();
}

static void realm_megabyte(void)
{
    pj_size_t used;
    char *realm = malloc(1 << 20);
    pjsip_www_authenticate_hdr *h;

    make("sip:127.0.0.1");
    password();
    memset(realm, 'r', 1 << 20);
    h = challenge("", "MD5");
    h->challenge.digest.realm.ptr = realm;
    h->challenge.digest.realm.slen = 1 << 20;
    used = pj_pool_get_used_size(m.request->pool) +
           pj_pool_get_used_size(m.pool);
    CHECK_EQ(reinit(), PJSIP_EINVALIDHDR);
    CHECK(pj_pool_get_used_size(m.request->pool) +
              pj_pool_get_used_size(m.pool) < used + 4096);
    unmake();
    free(realm);
}

static void realm_injection(void)
{
    simple("a\"\r\nEvil: 1", "MD5", PJSIP_EINVALIDHDR);
}

static void nonce_and_opaque_injection(void)
{
    make("sip:127.0.0.1");
    password();
    challenge("here", "MD5")->challenge.digest.nonce = lab_str("n\r\nEvil: 1");
    CHECK_EQ(reinit(), PJSIP_EINVALIDHDR);
    challenge("here", "MD5")->challenge.digest.opaque = lab_str("o\nEvil: 1");
    CHECK_EQ(reinit(), PJSIP_EINVALIDHDR);
    unmake();
}

static void nonce_missing(void)
{
    make("sip:127.0.0.1");
    password();
    memset(&challenge("here", "MD5")->challenge.digest.nonce, 0,
           sizeof(pj_str_t));
    expect(PJ_SUCCESS);
}

static void uri_too_long(void)
{
    static char target[PJSIP_MAX_URL_SIZE + 64];

    memset(target, 'u', sizeof(target) - 1);
    memcpy(target, "sip:", 4);
    memcpy(target + sizeof(target) - 12, "@127.0.0.1", 11);
    make(target);
    password();
    challenge("here", "MD5");
    expect(PJSIP_EURITOOLONG);
}

/* A sound challenge is answered though bad ones stand around it. */
static void good_among_bad(void)
{
    make("sip:127.0.0.1");
    password();
    challenge("a\r\nb", "MD5");
    challenge("here", "BLAKE9");
    challenge("here", "SHA-256");
    challenge("there\x7f", "MD5");
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK_EQ(answers(), 1);
    CHECK(answer() && pj_strcmp2(&answer()->algorithm, "SHA-256") == 0);
    unmake();
}

static void wrong_messages(void)
{
    pjsip_tx_data *same;

    make("sip:127.0.0.1");
    password();
    challenge("here", "MD5");
    m.response->msg_info.msg->line.status.code = 200;
    CHECK_EQ(reinit(), PJSIP_EINVALIDSTATUS);
    m.response->msg_info.msg->line.status.code = 401;
    m.request->msg->type = PJSIP_RESPONSE_MSG;
    CHECK_EQ(pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request, &same),
             PJSIP_ENOTREQUESTMSG);
    CHECK_EQ(pjsip_auth_clt_init_req(&m.sess, m.request), PJSIP_ENOTREQUESTMSG);
    m.request->msg->type = PJSIP_REQUEST_MSG;
    m.response->msg_info.msg->type = PJSIP_REQUEST_MSG;
    CHECK_EQ(pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request, &same),
             PJSIP_ENOTRESPONSEMSG);
    unmake();
}

/* ------------------------------------------------------------------ policy */

static void weak_algorithms_refused(void)
{
    make("sip:127.0.0.1");
    password();
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(&m.sess, PJAUTH_REFUSE_MD5),
             PJ_SUCCESS);
    challenge("here", "MD5");
    CHECK_EQ(reinit(), PJSIP_EINVALIDALGORITHM);
    challenge("here", "SHA-256");
    CHECK_EQ(reinit(), PJ_SUCCESS);
    CHECK_EQ(answers(), 1);
    CHECK(answer() && pj_strcmp2(&answer()->algorithm, "SHA-256") == 0);
    unmake();

    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(NULL, PJAUTH_REFUSE_MD5),
             PJ_SUCCESS);
    make("sip:127.0.0.1");
    password();
    challenge("here", "MD5");
    CHECK_EQ(reinit(), PJSIP_EINVALIDALGORITHM);
    CHECK_EQ(PJAUTH(pjauth_refuse_algorithms)(NULL, 0), PJ_SUCCESS);
    CHECK_EQ(reinit(), PJ_SUCCESS);
    unmake();
}

/* ---------------------------------------------------------- no more memory */

static void *(*real_alloc)(pj_pool_factory *, pj_size_t);
static int allocations_left;

static void *failing_alloc(pj_pool_factory *factory, pj_size_t size)
{
    if (allocations_left-- <= 0)
        return NULL;
    return real_alloc(factory, size);
}

/* Leaves less than one answer's room in the request's pool. */
static void fill_up(pj_pool_t *pool)
{
    const pj_pool_block *block = pool->block_list.next;
    while (block->end - block->cur > 16)
        pj_pool_alloc(pool, 8);
}

/* PJLIB's exception counts as PJ_ENOMEM. */
static pj_status_t reinit_or_throw(void)
{
    volatile pj_status_t status = PJ_ENOMEM;
    pjsip_tx_data *same;
    PJ_USE_EXCEPTION;

    PJ_TRY {
        status = pjsip_auth_clt_reinit_req(&m.sess, m.response, m.request,
                                           &same);
    }
    PJ_CATCH_ANY {
        status = PJ_ENOMEM;
    }
    PJ_END;
    return status;
}

/* Fails the first allocation of reinit_req, the second, and so on, until it
 * gets through: each time an error or PJLIB's exception, no reference taken,
 * and (lab_run looks) no pool lost. */
static void pool_exhausted(void)
{
    enum { MOST = 50 };
    static char opaque[1000];
    pj_pool_factory_policy *policy = &lab.factory.factory.policy;
    int failing, got_through = 0;

    memset(opaque, 'o', sizeof(opaque));
    for (failing = 0; failing < MOST && !got_through; ++failing) {
        pjsip_digest_challenge *d;
        pj_status_t status;
        long refs;

        make("sip:127.0.0.1");
        password();
        d = &challenge("here", "SHA-256")->challenge.digest;
        d->opaque.ptr = opaque;
        d->opaque.slen = sizeof(opaque);
        fill_up(m.request->pool);
        refs = pj_atomic_get(m.request->ref_cnt);
        real_alloc = policy->block_alloc;
        policy->block_alloc = &failing_alloc;
        allocations_left = failing;
        status = reinit_or_throw();
        policy->block_alloc = real_alloc;
        got_through = status == PJ_SUCCESS;
        CHECK(got_through || status == PJ_ENOMEM);
        CHECK_EQ(pj_atomic_get(m.request->ref_cnt), refs + got_through);
        if (got_through)
            pjsip_tx_data_dec_ref(m.request);
        /* Nothing is locked, nothing half done: it can be tried again. */
        CHECK_EQ(reinit(), got_through ? PJSIP_EFAILEDCREDENTIAL : PJ_SUCCESS);
        unmake();
    }
    CHECK(got_through);
    CHECK(failing > 1);
}

#define BOTH(name) {#name, name, LAB_BOTH}
#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}
/* Stock before 2.15 aborts. */
#define SINCE_2_15(name) {#name, name, HAS_ALGORITHMS ? LAB_BOTH : LAB_PJAUTH_ONLY}

int main(int argc, char **argv)
{
    static const struct lab_case cases[] = {
        BOTH(request_restored), BOTH(strict_route_restored),
        BOTH(no_credential), BOTH(other_realm), BOTH(wildcard_is_last),
        SINCE_2_15(hash_serves_its_own), BOTH(basic_only),
        BOTH(basic_then_digest), BOTH(unknown_algorithms), BOTH(no_challenge), BOTH(params_10000),
        BOTH(challenges_1000), OURS(realm_megabyte), OURS(realm_injection),
        OURS(nonce_and_opaque_injection), OURS(nonce_missing),
        BOTH(uri_too_long), OURS(good_among_bad), OURS(wrong_messages),
        OURS(weak_algorithms_refused), OURS(pool_exhausted),
    };
    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
