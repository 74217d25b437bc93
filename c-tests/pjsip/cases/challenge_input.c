/* Challenges that are wrong, too many or too long: what the parser would never
 * let through, more than fits a packet, and more than there is memory for. */
#include "challenge_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void params_10000(void)
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
void challenges_1000(void)
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

void realm_megabyte(void)
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

void realm_injection(void)
{
    simple("a\"\r\nEvil: 1", "MD5", PJSIP_EINVALIDHDR);
}

void nonce_and_opaque_injection(void)
{
    make("sip:127.0.0.1");
    password();
    challenge("here", "MD5")->challenge.digest.nonce = lab_str("n\r\nEvil: 1");
    CHECK_EQ(reinit(), PJSIP_EINVALIDHDR);
    challenge("here", "MD5")->challenge.digest.opaque = lab_str("o\nEvil: 1");
    CHECK_EQ(reinit(), PJSIP_EINVALIDHDR);
    unmake();
}

void nonce_missing(void)
{
    make("sip:127.0.0.1");
    password();
    memset(&challenge("here", "MD5")->challenge.digest.nonce, 0,
           sizeof(pj_str_t));
    expect(PJ_SUCCESS);
}

void uri_too_long(void)
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
void good_among_bad(void)
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

void wrong_messages(void)
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
void pool_exhausted(void)
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
