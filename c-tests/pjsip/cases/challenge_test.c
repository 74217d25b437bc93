/* Challenges made in memory, where pjproject's headers are installed: which of
 * them is answered with what, and what reinit_req must do to the request. */
#include "challenge_rig.h"

#include <pjauth.h>
#include <string.h>

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

#define BOTH(name) {#name, name, LAB_BOTH}
#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}
#define UNASKED(name) {#name, name, LAB_PJAUTH_ONLY | LAB_UNASKED}
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
        OURS(counts_per_nonce), OURS(tab_in_a_challenge),
        OURS(others_in_a_challenge), OURS(control_in_a_credential),
        OURS(control_in_a_clone), OURS(control_anywhere),
        OURS(quotes_in_a_credential), OURS(quotes_in_a_challenge), OURS(refused_too_early),
        OURS(refused_in_a_clone), OURS(refused_with_a_parent),
        OURS(parsed_oddities), OURS(parsed_folds), OURS(parsed_lengths), OURS(parsed_both),
        OURS(parsed_cnonces), OURS(parsed_integrity),
        OURS(aka_test_set), OURS(aka_v1), OURS(aka_v2), OURS(aka_wrong_mac),
        OURS(aka_resynchronises), OURS(aka_auth_int),
        OURS(aka_credentials_apart), {"aka_of_pjsip", aka_of_pjsip, LAB_BOTH | LAB_AKA},
        UNASKED(unasked_counts), UNASKED(unasked_newest),
        UNASKED(unasked_other_offer), UNASKED(unasked_both), UNASKED(unasked_leaves_room),
        UNASKED(unasked_nothing_left), UNASKED(aka_unasked),
    };
    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
