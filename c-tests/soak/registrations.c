#define _GNU_SOURCE
#include "soak.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pjauth.h>
#include <pjlib-util.h>
#include <pjsip.h>
#include <pjsip_ua.h>

enum { SETTLE_MSEC = 8000, VAULT_STEP_USEC = 5000 };

struct registration {
    pjsip_regc *regc;
    int busy;
    unsigned long long due; /* the next request, or the end of this one's wait */
};

/* A challenge that waits for the vault's answer. */
struct kept {
    struct soak_waiting waiting;
    int abandon;
    void *token;
    pjsip_tx_data *request;
    pjsip_rx_data *response;
};

static struct {
    pj_caching_pool factory;
    pjsip_endpoint *endpoint;
    pjsip_auth_srv registrar;
    pjsip_auth_clt_sess session; /* the parent of all */
    pj_pool_t *pool;
    int port;
    struct registration *all;
    unsigned count;
    struct registrations_figures figures;
    struct soak_queue kept;
    int stop;
    pj_thread_t *vault;
} s;

static pj_str_t text(const char *value)
{
    return pj_str((char *)value);
}

/* --------------------------------------------------------------- registrar */

static pj_status_t find_account(pj_pool_t *pool, const pj_str_t *realm,
                                const pj_str_t *account, pjsip_cred_info *found)
{
    (void)pool;
    memset(found, 0, sizeof(*found));
    found->realm = *realm;
    found->username = *account;
    found->scheme = text("digest");
    found->data = text("secret");
    return PJ_SUCCESS;
}

/* Each nonce is good for one request. */
static pj_bool_t on_request(pjsip_rx_data *request)
{
    static unsigned long nonces;
    const pjsip_authorization_hdr *answer;
    char nonce[32];
    pjsip_tx_data *reply;
    pj_str_t qop = text("auth"), value;
    int code = 401;

    if (request->msg_info.msg->line.req.method.id != PJSIP_REGISTER_METHOD)
        return PJ_FALSE;
    answer = pjsip_msg_find_hdr(request->msg_info.msg, PJSIP_H_AUTHORIZATION,
                                NULL);
    if (answer && pjsip_auth_srv_verify(&s.registrar, request, &code) ==
                      PJ_SUCCESS)
        code = 200;
    else if (answer)
        code = 403;
    if (pjsip_endpt_create_response(s.endpoint, request, code, NULL, &reply) !=
        PJ_SUCCESS)
        return PJ_TRUE;
    if (code == 401) {
        snprintf(nonce, sizeof(nonce), "nonce-%lu", ++nonces);
        value = text(nonce);
        pjsip_auth_srv_challenge(&s.registrar, &qop, &value, NULL, PJ_FALSE,
                                 reply);
    }
    pjsip_endpt_send_response2(s.endpoint, request, reply, NULL, NULL);
    return PJ_TRUE;
}

static pjsip_module registrar_module = {
    .name = {"soak-registrar", 14},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_rx_request = &on_request,
};

/* -------------------------------------------------------------- challenges */

static void count(unsigned long *figure)
{
    __atomic_add_fetch(figure, 1, __ATOMIC_RELAXED);
}

static void drop(struct kept *kept)
{
    pjsip_tx_data_dec_ref(kept->request);
    pjsip_rx_data_free_cloned(kept->response);
    free(kept);
}

/* Answers, or fails because the owner is gone. */
static void answer(struct kept *kept)
{
    pjsip_tx_data *request = NULL;
    pj_status_t status;

    if (kept->abandon) {
        status = pjsip_auth_clt_async_abandon(&s.session, kept->token);
    } else {
        status = pjsip_auth_clt_reinit_req(&s.session, kept->response,
                                           kept->request, &request);
        if (status != PJ_SUCCESS)
            soak_die("reinit_req", status);
        status =
            pjsip_auth_clt_async_send_req(&s.session, kept->token, request);
        if (status == PJ_EINVAL)
            pjsip_tx_data_dec_ref(request);
    }
    count(status == PJ_EINVAL ? &s.figures.too_late
                              : &s.figures.answered_later);
    drop(kept);
}

static int vault(void *arg)
{
    struct kept *kept;
    (void)arg;
    while (!__atomic_load_n(&s.stop, __ATOMIC_ACQUIRE)) {
        while ((kept = soak_take_due(&s.kept, soak_now())) != NULL)
            answer(kept);
        usleep(VAULT_STEP_USEC);
    }
    /* Owners are gone: all of these come too late. */
    while ((kept = soak_take_due(&s.kept, ~0ULL)) != NULL)
        answer(kept);
    return 0;
}

static pj_bool_t on_challenge(pjsip_auth_clt_sess *session, void *token,
                              const pjsip_auth_clt_async_on_chal_param *param)
{
    unsigned way = soak_roll(10), wait;
    struct kept *kept;

    (void)session;
    count(&s.figures.challenged);
    if (way == 0)
        return PJ_FALSE; /* answered by PJSIP, at once */
    kept = calloc(1, sizeof(*kept));
    if (!kept)
        soak_die("memory", 0);
    kept->token = token;
    kept->request = param->tdata;
    pjsip_tx_data_add_ref(param->tdata);
    if (pjsip_rx_data_clone(param->rdata, 0, &kept->response) != PJ_SUCCESS)
        soak_die("clone", 0);
    kept->abandon = way == 1;
    /* Some long enough that the owner may go first; some with a deadline that comes
     * as the answer does, and maybe as the owner goes. */
    wait = way == 2 ? 0 : soak_roll(way == 3 ? 8000 : 1500);
    if (way >= 6 && wait)
        pjauth_challenge_set_deadline(token, wait);
    soak_wait(&s.kept, &kept->waiting, soak_now() + wait);
    return PJ_TRUE;
}

/* ----------------------------------------------------------- registrations */

static void on_registered(struct pjsip_regc_cbparam *param)
{
    struct registration *r = param->token;

    if (param->code == 200)
        count(&s.figures.registered);
    else if (param->code != 401) {
        printf("# refused with %d, status %d\n", param->code, param->status);
        count(&s.figures.refused);
    }
    __atomic_store_n(&r->due, soak_now() + 1000 + soak_roll(3000),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&r->busy, 0, __ATOMIC_RELEASE);
}

static void create(struct registration *r)
{
    char server[64], aor[64];
    pj_str_t server_text, aor_text;

    snprintf(server, sizeof(server), "sip:127.0.0.1:%d", s.port);
    snprintf(aor, sizeof(aor), "<sip:user%d@127.0.0.1>", (int)(r - s.all));
    server_text = text(server);
    aor_text = text(aor);
    if (pjsip_regc_create(s.endpoint, r, &on_registered, &r->regc) ||
        pjsip_regc_init(r->regc, &server_text, &aor_text, &aor_text, 1,
                        &aor_text, 300) ||
        pjsip_regc_set_auth_sess(r->regc, &s.session))
        soak_die("registration", 0);
    r->busy = 0;
    r->due = soak_now() + soak_roll(2000);
}

/* With or without a challenge outstanding. */
static void destroy(struct registration *r)
{
    pj_status_t status = pjsip_regc_destroy(r->regc);
    if (status != PJ_SUCCESS)
        soak_die("destroy", status);
    r->regc = NULL;
    count(&s.figures.destroyed);
}

static void step(struct registration *r, unsigned long long now)
{
    pjsip_tx_data *request;

    if (soak_roll(3000) == 0) {
        destroy(r);
        create(r);
        return;
    }
    if (__atomic_load_n(&r->busy, __ATOMIC_ACQUIRE) || r->due > now)
        return;
    __atomic_store_n(&r->busy, 1, __ATOMIC_RELAXED);
    if (pjsip_regc_register(r->regc, PJ_FALSE, &request) != PJ_SUCCESS ||
        pjsip_regc_send(r->regc, request) != PJ_SUCCESS) {
        r->busy = 0;
        r->due = now + 500;
    }
}

static void open_endpoint(void)
{
    pj_sockaddr_in local;
    pjsip_transport *udp = NULL;
    pj_str_t realm = text("soak");
    pj_status_t status = pj_init();

    pj_log_set_level(0);
    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (status == PJ_SUCCESS)
        status = pjlib_util_init();
    /* Nothing is cached: what is released is free. */
    pj_caching_pool_init(&s.factory, NULL, 0);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_create(&s.factory.factory, "soak", &s.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_tsx_layer_init_module(s.endpoint);
    pjsip_tsx_set_timers(0, 0, 50, 0);
    if (status == PJ_SUCCESS)
        status = pjsip_udp_transport_start(s.endpoint, &local, NULL, 1, &udp);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(s.endpoint, &registrar_module);
    if (status != PJ_SUCCESS)
        soak_die("endpoint", status);
    s.port = udp->local_name.port;
    s.pool = pjsip_endpt_create_pool(s.endpoint, "soak", 4000, 4000);
    status = pjsip_auth_srv_init(s.pool, &s.registrar, &realm, &find_account, 0);
    if (status != PJ_SUCCESS)
        soak_die("registrar", status);
}

static void open_session(void)
{
    pjsip_auth_clt_async_setting setting = {&on_challenge, NULL};
    pjsip_cred_info credential;

    memset(&credential, 0, sizeof(credential));
    credential.realm = text("*");
    credential.scheme = text("digest");
    credential.username = text("soak");
    credential.data = text("secret");
    if (pjsip_auth_clt_init(&s.session, s.endpoint, s.pool, 0) ||
        pjsip_auth_clt_set_credentials(&s.session, 1, &credential) ||
        pjsip_auth_clt_async_configure(&s.session, &setting))
        soak_die("session", 0);
}

void registrations_start(unsigned number)
{
    unsigned i;

    memset(&s, 0, sizeof(s));
    soak_queue_init(&s.kept);
    open_endpoint();
    open_session();
    s.count = number;
    s.all = calloc(number, sizeof(*s.all));
    for (i = 0; i < number; ++i)
        create(&s.all[i]);
    if (pj_thread_create(s.pool, "vault", &vault, NULL, 0, 0, &s.vault))
        soak_die("thread", 0);
}

static void handle_events(void)
{
    const pj_time_val wait = {0, 10};
    pjsip_endpt_handle_events(s.endpoint, &wait);
}

void registrations_step(void)
{
    unsigned long long now = soak_now();
    unsigned i;

    for (i = 0; i < s.count; ++i)
        step(&s.all[i], now);
    handle_events();
}

unsigned registrations_stop(struct registrations_figures *figures)
{
    unsigned long long end = soak_now() + SETTLE_MSEC;
    unsigned i, left;

    for (i = 0; i < s.count; ++i)
        destroy(&s.all[i]);
    __atomic_store_n(&s.stop, 1, __ATOMIC_RELEASE);
    pj_thread_join(s.vault);
    pj_thread_destroy(s.vault);
    while (pjsip_tsx_layer_get_tsx_count() && soak_now() < end)
        handle_events();
    left = pjsip_tsx_layer_get_tsx_count();
    pjsip_auth_clt_deinit(&s.session);
    pjsip_endpt_release_pool(s.endpoint, s.pool);
    pjsip_endpt_destroy(s.endpoint);
    left += (unsigned)s.factory.used_count;
    pj_caching_pool_destroy(&s.factory);
    pj_shutdown();
    free(s.all);
    *figures = s.figures;
    return left;
}
