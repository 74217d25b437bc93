/* Registers with a SIP registrar whose password only a vault knows.
 *
 *     vault_register HOST:PORT USER PASSWORD
 *
 * The SIP thread, which serves all of PJSIP, hands each 401 to the vault's thread
 * and goes on. The vault takes its time and then answers by the token it was given,
 * or tries to: registration A is answered, and its token used once more; B is
 * destroyed while the vault still thinks; C is forgotten, and ends at its deadline.
 * A table tells who did what, when, and what came of it.
 *
 * Exits with 0 if all went as it should.
 */
#define _GNU_SOURCE
#include "endpoint.h"
#include "timeline.h"

#include <pjauth.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    VAULT_MSEC = 300,    /* how long the vault thinks */
    DEADLINE_MSEC = 200, /* what a forgotten challenge gets */
    PATIENCE_MSEC = 5000 /* after which something went wrong */
};

static const char *host_port, *user, *password;

/* ----------------------------------------------- registrations, SIP thread */

struct registration {
    const char *name;
    pjsip_regc *regc;
    int done; /* how often we were told that it ended */
    pj_status_t status;
    int code;

    /* The challenge as it is kept: the token, and what an answer is made of. */
    int challenged;
    pjsip_auth_clt_sess *sess;
    void *token;
    pjsip_tx_data *request;
    pjsip_rx_data *response;
};

static pj_str_t str(const char *text)
{
    pj_str_t s;
    s.ptr = (char *)text;
    s.slen = (pj_ssize_t)strlen(text);
    return s;
}

/* PJSIP: a 401 came. Keep what is needed, and return at once. */
static pj_bool_t on_challenge(pjsip_auth_clt_sess *sess, void *token,
                              const pjsip_auth_clt_async_on_chal_param *param)
{
    struct registration *r = param->user_data;
    pjauth_challenge_info info;

    if (r->challenged)
        return PJ_FALSE; /* the answer was not accepted: PJSIP ends it */
    if (pjsip_rx_data_clone(param->rdata, 0, &r->response) != PJ_SUCCESS)
        return PJ_FALSE;
    r->sess = sess;
    r->token = token;
    r->request = param->tdata;
    pjsip_tx_data_add_ref(r->request);
    if (pjauth_challenge_get_info(token, &info, sizeof(info)) == PJ_SUCCESS)
        note("SIP thread", NO_STATUS, "%s: %u, realm %s: kept for later", r->name,
             info.status_code, info.realm);
    raise_flag(&r->challenged);
    return PJ_TRUE;
}

/* PJSIP: the registration succeeded or failed. */
static void on_registered(struct pjsip_regc_cbparam *param)
{
    struct registration *r = param->token;

    r->status = param->status;
    r->code = param->code;
    note("SIP thread", param->status, "%s: %s (last response: %d)", r->name,
         param->status == PJ_SUCCESS && param->code == 200 ? "registered" : "ended",
         param->code);
    raise_flag(&r->done);
}

/* Sends a REGISTER. The registration has no password. */
static void start(struct registration *r, const char *name)
{
    char server[128], aor[192], contact[128];
    pj_str_t server_str, aor_str, contact_str;
    pjsip_auth_clt_async_setting setting;
    pjsip_tx_data *request;
    pj_status_t status;

    memset(r, 0, sizeof(*r));
    r->name = name;
    snprintf(server, sizeof(server), "sip:%s", host_port);
    snprintf(aor, sizeof(aor), "<sip:%s@%s>", user, host_port);
    snprintf(contact, sizeof(contact), "<sip:%s@127.0.0.1>", user);
    server_str = str(server);
    aor_str = str(aor);
    contact_str = str(contact);
    setting.cb = &on_challenge;
    setting.user_data = r;

    status = pjsip_regc_create(endpt, r, &on_registered, &r->regc);
    if (status == PJ_SUCCESS)
        status = pjsip_regc_init(r->regc, &server_str, &aor_str, &aor_str, 1,
                                 &contact_str, 300);
    if (status == PJ_SUCCESS)
        status = pjsip_auth_clt_async_configure(pjsip_regc_get_auth_sess(r->regc),
                                                &setting);
    if (status == PJ_SUCCESS)
        status = pjsip_regc_register(r->regc, PJ_FALSE, &request);
    if (status == PJ_SUCCESS)
        status = pjsip_regc_send(r->regc, request);
    note("SIP thread", status, "%s: sends REGISTER", name);
    expect(status == PJ_SUCCESS, "REGISTER was not sent");
}

static void drop(struct registration *r)
{
    if (r->regc)
        expect(pjsip_regc_destroy(r->regc) == PJ_SUCCESS, "a registration cannot be destroyed");
    if (r->request)
        pjsip_tx_data_dec_ref(r->request);
    if (r->response)
        pjsip_rx_data_free_cloned(r->response);
    memset(r, 0, sizeof(*r));
}

/* --------------------------------------------------------------- the vault */

struct errand {
    struct registration *r;
    int twice;            /* use the token once more */
    const int *not_before; /* a flag that has to be raised first, or NULL */
    pj_pool_t *pool;
    pj_thread_t *thread;
    pj_status_t first, second;
    int untouched; /* a refused request is still ours, with all its references */
    int done;
};

/* The answer, from the vault's own session: the registration's may be gone by now,
 * and never sees the password. The session goes at once; its pool is the caller's. */
static pjsip_tx_data *make_answer(struct registration *r, pj_pool_t *pool)
{
    pjsip_auth_clt_sess own;
    pjsip_cred_info secret;
    pjsip_tx_data *answer = NULL;

    memset(&own, 0, sizeof(own));
    memset(&secret, 0, sizeof(secret));
    secret.realm = str("*");
    secret.scheme = str("digest");
    secret.username = str(user);
    secret.data_type = PJSIP_CRED_DATA_PLAIN_PASSWD;
    secret.data = str(password);
    if (pjsip_auth_clt_init(&own, endpt, pool, 0) != PJ_SUCCESS)
        return NULL;
    if (pjsip_auth_clt_set_credentials(&own, 1, &secret) != PJ_SUCCESS ||
        pjsip_auth_clt_reinit_req(&own, r->response, r->request, &answer) != PJ_SUCCESS)
        answer = NULL;
    pjsip_auth_clt_deinit(&own);
    return answer;
}

/* Sends the answer by the token. A refused one stays ours, and is released here. */
static pj_status_t send_answer(struct errand *e, pjsip_tx_data *answer, const char *what)
{
    int *status = note("vault", NO_STATUS, "%s: %s", e->r->name, what);
    long before = pj_atomic_get(answer->ref_cnt);

    *status = pjsip_auth_clt_async_send_req(e->r->sess, e->r->token, answer);
    if (*status == PJ_EINVAL) {
        e->untouched = pj_atomic_get(answer->ref_cnt) == before;
        pjsip_tx_data_dec_ref(answer);
    }
    return *status;
}

static int run_errand(void *arg)
{
    struct errand *e = arg;
    pjsip_tx_data *answer;

    usleep(VAULT_MSEC * 1000);
    if (e->not_before)
        wait_for(e->not_before, PATIENCE_MSEC);
    answer = make_answer(e->r, e->pool);
    if (answer) {
        if (e->twice)
            pjsip_tx_data_add_ref(answer);
        e->first = send_answer(e, answer, "answers");
        if (e->twice)
            e->second = send_answer(e, answer, "uses the token again");
    }
    raise_flag(&e->done);
    return 0;
}

static void ask_vault(struct errand *e, struct registration *r, int twice,
                      const int *not_before)
{
    memset(e, 0, sizeof(*e));
    e->r = r;
    e->twice = twice;
    e->not_before = not_before;
    e->first = e->second = NO_STATUS;
    e->pool = pjsip_endpt_create_pool(endpt, "vault", 4000, 4000);
    note("SIP thread", NO_STATUS, "%s: asks the vault, which takes %d ms", r->name,
         VAULT_MSEC);
    if (pj_thread_create(e->pool, "vault", &run_errand, e, 0, 0, &e->thread) !=
        PJ_SUCCESS) {
        expect(0, "the vault's thread did not start");
        raise_flag(&e->done);
    }
}

static void leave_vault(struct errand *e)
{
    if (e->thread) {
        pj_thread_join(e->thread);
        pj_thread_destroy(e->thread);
    }
    pjsip_endpt_release_pool(endpt, e->pool);
}

/* -------------------------------------------------------- the three stories */

/* A: answered later by another thread; then the token is dead. False where no
 * registrar challenged it, which ends the demo. */
static int answered_later(void)
{
    struct registration r;
    struct errand e;
    int challenged;

    start(&r, "A");
    serve(&r.challenged, PATIENCE_MSEC);
    challenged = r.challenged;
    expect(challenged == 1 && r.done == 0, "A was not challenged");
    if (challenged) {
        ask_vault(&e, &r, 1, NULL);
        expect(serve(&r.done, PATIENCE_MSEC) > 0, "the SIP thread stood still");
        leave_vault(&e);
        expect(r.done == 1 && r.code == 200, "A is not registered");
        expect(e.first == PJ_SUCCESS, "the vault's answer was refused");
        expect(e.second == PJ_EINVAL && e.untouched, "a used token was not refused");
    }
    drop(&r);
    return challenged;
}

/* B: destroyed while its challenge is with the vault. */
static void destroyed_meanwhile(void)
{
    struct registration r;
    struct errand e;
    int *status, destroyed = 0;

    start(&r, "B");
    serve(&r.challenged, PATIENCE_MSEC);
    expect(r.challenged == 1, "B was not challenged");
    if (r.challenged) {
        ask_vault(&e, &r, 0, &destroyed);
        serve(NULL, VAULT_MSEC / 2);
        status = note("SIP thread", NO_STATUS, "B: destroys the registration");
        *status = pjsip_regc_destroy(r.regc);
        expect(*status == PJ_SUCCESS, "B cannot be destroyed");
        r.regc = NULL;
        raise_flag(&destroyed);
        serve(&e.done, PATIENCE_MSEC);
        leave_vault(&e);
        expect(e.first == PJ_EINVAL && e.untouched, "a revoked token was not refused");
        expect(r.done == 0, "something was reported of B");
    }
    drop(&r);
}

/* C: nobody answers. */
static void forgotten(void)
{
    struct registration r;
    int *status;

    start(&r, "C");
    serve(&r.challenged, PATIENCE_MSEC);
    expect(r.challenged == 1, "C was not challenged");
    status = note("SIP thread", NO_STATUS, "C: sets a deadline of %d ms, and forgets it",
               DEADLINE_MSEC);
    *status = pjauth_challenge_set_deadline(r.token, DEADLINE_MSEC);
    expect(*status == PJ_SUCCESS, "the deadline was refused");
    serve(&r.done, PATIENCE_MSEC);
    expect(r.done == 1 && r.status == PJ_ECANCELLED, "C was not abandoned");
    expect(!pjauth_challenge_is_live(r.token), "C's token outlives it");
    drop(&r);
}

static void count_tokens(void)
{
    pjauth_sip_stats s;

    pjauth_sip_get_stats(&s, sizeof(s));
    note("pjauth", NO_STATUS, "tokens: %u lent, %u sent, %u revoked, %u expired",
         (unsigned)s.minted, (unsigned)s.sent, (unsigned)s.revoked, (unsigned)s.expired);
    note("pjauth", NO_STATUS, "%u uses of a dead token refused, %u tokens outstanding",
         (unsigned)s.refused, (unsigned)s.outstanding);
    expect(s.minted == 3 && s.sent == 1 && s.revoked == 1 && s.expired == 1 &&
           s.refused == 2 && s.outstanding == 0, "the tokens do not add up");
}

/* -------------------------------------------------------------------- main */

static const char *name_of(int status)
{
    switch (status) {
    case PJ_SUCCESS: return "PJ_SUCCESS";
    case PJ_EINVAL: return "PJ_EINVAL";
    case PJ_ECANCELLED: return "PJ_ECANCELLED";
    default: return NULL;
    }
}

int main(int argc, char **argv)
{
    int failures;

    if (argc != 4) {
        fprintf(stderr, "usage: %s HOST:PORT USER PASSWORD\n", argv[0]);
        return 2;
    }
    host_port = argv[1];
    user = argv[2];
    password = argv[3];
    introduce();
    endpoint_open();
    printf("registrar: %s\n", host_port);
    now_msec();
    if (answered_later()) {
        destroyed_meanwhile();
        forgotten();
        count_tokens();
    }
    endpoint_close();
    failures = print_timeline(&name_of);
    printf("\n%s\n", failures ? "Something went wrong." : "All went as it should.");
    return failures != 0;
}
