#include "stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_SIZE = 16 * 1024 };

#define CALL(stand, function) (stand)->side->pjsip_auth_##function

static const char NONCE[] = "1700000000/4f2b0c5a9e8d7c6b5a493827161504f3";
static const char OTHER_NONCE[] = "1700000001/8e1d5c39f07a6b24e3d1908f7c6a5b42";

static pj_str_t text(const char *s)
{
    pj_str_t t;
    t.ptr = (char *)s;
    t.slen = (pj_ssize_t)strlen(s);
    return t;
}

void expect_success(pj_status_t status, const char *what)
{
    char message[PJ_ERR_MSG_SIZE];

    if (status == PJ_SUCCESS)
        return;
    pj_strerror(status, message, sizeof(message));
    fprintf(stderr, "cannot measure: %s: %s (%d)\n", what, message, status);
    exit(2);
}

static void fill_credentials(pjsip_cred_info credentials[2])
{
    memset(credentials, 0, 2 * sizeof(credentials[0]));
    credentials[0].realm = text("another.example.org");
    credentials[1].realm = text("sip.example.com");
    credentials[0].scheme = credentials[1].scheme = text("digest");
    credentials[0].username = text("bob");
    credentials[1].username = text("alice");
    credentials[0].data = text("battery staple");
    credentials[1].data = text("correct horse");
}

/* ---------------------------------------------------------------- messages */

static pjsip_tx_data *create_request(pjsip_endpoint *endpoint)
{
    pj_str_t target = text("sip:sip.example.com;transport=tcp");
    pj_str_t from = text("\"Alice\" <sip:alice@sip.example.com>");
    pj_str_t contact = text("<sip:alice@192.0.2.7:5060;transport=tcp>");
    pjsip_tx_data *request;
    pjsip_via_hdr *via;

    expect_success(pjsip_endpt_create_request(
                       endpoint, &pjsip_register_method, &target, &from, &from,
                       &contact, NULL, 1, NULL, &request),
                   "request");
    via = pjsip_via_hdr_create(request->pool);
    via->transport = text("TCP");
    via->sent_by.host = text("192.0.2.7");
    via->branch_param = text("z9hG4bK7d3f1b2c");
    pjsip_msg_insert_first_hdr(request->msg, (pjsip_hdr *)via);
    return request;
}

static pjsip_rx_data *parse_response(pj_pool_t *pool, const char *algorithm,
                                     const char *nonce)
{
    pjsip_rx_data *response = PJ_POOL_ZALLOC_T(pool, pjsip_rx_data);
    char *packet = response->pkt_info.packet;
    int length = snprintf(
        packet, PJSIP_MAX_PKT_LEN,
        "SIP/2.0 401 Unauthorized\r\n"
        "Via: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK7d3f1b2c;received=192.0.2.7\r\n"
        "From: \"Alice\" <sip:alice@sip.example.com>;tag=4711\r\n"
        "To: <sip:alice@sip.example.com>;tag=as58f4201b\r\n"
        "Call-ID: 1a2b3c4d5e6f@192.0.2.7\r\n"
        "CSeq: 1 REGISTER\r\n"
        "Server: registrar\r\n"
        "WWW-Authenticate: Digest realm=\"sip.example.com\", nonce=\"%s\", "
        "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", algorithm=%s, "
        "qop=\"auth\"\r\n"
        "Content-Length: 0\r\n\r\n",
        nonce, algorithm);

    response->tp_info.pool = pool;
    response->pkt_info.len = length;
    /* As the transport manager has it. */
    response->msg_info.msg_buf = packet;
    response->msg_info.len = length;
    pj_gettimeofday(&response->pkt_info.timestamp);
    pj_list_init(&response->msg_info.parse_err);
    if (!pjsip_parse_rdata(packet, length, response) ||
        !pj_list_empty(&response->msg_info.parse_err))
        expect_success(PJSIP_EINVALIDMSG, "response");
    return response;
}

/* ------------------------------------------------------------------- stand */

static pj_bool_t on_challenge(pjsip_auth_clt_sess *session, void *token,
                              const pjsip_auth_clt_async_on_chal_param *param)
{
    struct stand *stand = param->user_data;
    PJ_UNUSED_ARG(session);
    stand->token = token;
    return !stand->declines;
}

static pj_status_t send_impl(pjsip_auth_clt_sess *session, void *user_data,
                             pjsip_tx_data *request)
{
    PJ_UNUSED_ARG(session);
    PJ_UNUSED_ARG(user_data);
    PJ_UNUSED_ARG(request);
    return PJ_SUCCESS;
}

static void open_session(struct stand *stand, pjsip_auth_clt_sess *session)
{
    pjsip_auth_clt_async_setting setting;
    pjsip_cred_info credentials[2];

    fill_credentials(credentials);
    setting.cb = &on_challenge;
    setting.user_data = stand;
    expect_success(
        CALL(stand, clt_init)(session, stand->endpoint, stand->pool, 0),
        "init");
    expect_success(CALL(stand, clt_set_credentials)(session, 2, credentials),
                   "set_credentials");
    expect_success(CALL(stand, clt_async_configure)(session, &setting),
                   "async_configure");
}

struct stand *stand_open(pjsip_endpoint *endpoint, const struct side *side,
                         pjsip_auth_algorithm_type algorithm)
{
    const pj_str_t *iana =
        &pjsip_auth_get_algorithm_by_type(algorithm)->iana_name;
    pj_pool_t *pool =
        pjsip_endpt_create_pool(endpoint, "stand", POOL_SIZE, POOL_SIZE);
    struct stand *stand = PJ_POOL_ZALLOC_T(pool, struct stand);
    char name[32];

    snprintf(name, sizeof(name), "%.*s", (int)iana->slen, iana->ptr);
    stand->side = side;
    stand->endpoint = endpoint;
    stand->pool = pool;
    stand->algorithm = algorithm;
    stand->response = parse_response(pool, name, NONCE);
    stand->other_response = parse_response(pool, name, OTHER_NONCE);
    stand->request = create_request(endpoint);
    stand->own_pool = stand->request->pool;
    stand->scratch =
        pjsip_endpt_create_pool(endpoint, "scratch", POOL_SIZE, POOL_SIZE);
    open_session(stand, &stand->session);
    return stand;
}

void stand_add_group_lock(struct stand *stand)
{
    expect_success(pj_grp_lock_create(stand->pool, NULL, &stand->lock),
                   "group lock");
    pj_grp_lock_add_ref(stand->lock);
}

void stand_add_parent(struct stand *stand)
{
    open_session(stand, &stand->parent);
    expect_success(
        CALL(stand, clt_set_parent)(&stand->session, &stand->parent),
        "set_parent");
}

void stand_answer_unasked(struct stand *stand)
{
    pjsip_auth_clt_pref preferences;

    memset(&preferences, 0, sizeof(preferences));
    preferences.initial_auth = PJ_TRUE;
    expect_success(
        CALL(stand, clt_set_prefs)(&stand->session, &preferences),
        "set_prefs");
}

void stand_remember(struct stand *stand)
{
    work_reinit(stand, 1);
}

void stand_close(struct stand *stand)
{
    pjsip_endpoint *endpoint = stand->endpoint;

    if (stand->lock) {
        if (pj_grp_lock_get_ref(stand->lock) != 1)
            expect_success(PJ_EBUG, "references of the group lock");
        pj_grp_lock_dec_ref(stand->lock);
    }
    expect_success(CALL(stand, clt_deinit)(&stand->session), "deinit");
    if (stand->parent.endpt)
        expect_success(CALL(stand, clt_deinit)(&stand->parent), "deinit");
    if (pj_atomic_get(stand->request->ref_cnt) != 1)
        expect_success(PJ_EBUG, "references of the request");
    pjsip_tx_data_dec_ref(stand->request);
    pjsip_endpt_release_pool(endpoint, stand->scratch);
    pjsip_endpt_release_pool(endpoint, stand->pool);
}

/* -------------------------------------------------------------------- work */

/* How a token ends. */
enum end { SENT, ABANDONED, DECLINED };

/* What a module of PJSIP's does on a 401, and the application later. */
static inline void tokens(struct stand *stand, unsigned count, enum end end)
{
    pjsip_auth_clt_async_impl_token token;
    pjsip_auth_clt_async_on_chal_param param;
    pj_status_t status = PJ_SUCCESS;

    memset(&token, 0, sizeof(token));
    token.user_data = stand;
    token.send_impl = &send_impl;
    token.grp_lock = stand->lock;
    memset(&param, 0, sizeof(param));
    param.rdata = stand->response;
    param.tdata = stand->request;
    stand->declines = end == DECLINED;
    while (count-- && status == PJ_SUCCESS) {
        if (stand->lock)
            pj_grp_lock_add_ref(stand->lock);
        status = CALL(stand, clt_async_impl_on_challenge)(&stand->session,
                                                          &token, &param);
        if (end == DECLINED)
            status = status == PJ_EIGNORED ? PJ_SUCCESS : PJ_EBUG;
        else if (status == PJ_SUCCESS && end == ABANDONED)
            status = CALL(stand, clt_async_abandon)(&stand->session,
                                                    stand->token);
        else if (status == PJ_SUCCESS)
            status = CALL(stand, clt_async_send_req)(
                &stand->session, stand->token, stand->request);
    }
    expect_success(status, "token");
}

void work_token(struct stand *stand, unsigned count)
{
    tokens(stand, count, SENT);
}

void work_token_abandoned(struct stand *stand, unsigned count)
{
    tokens(stand, count, ABANDONED);
}

void work_token_declined(struct stand *stand, unsigned count)
{
    tokens(stand, count, DECLINED);
}

void work_digest(struct stand *stand, unsigned count)
{
    pj_str_t nonce = text(NONCE), nc = text("00000001");
    pj_str_t cnonce = text("0a4f113b5d6c7e8f90a1b2c3d4e5f607");
    pj_str_t qop = text("auth"), realm = text("sip.example.com");
    pj_str_t uri = text("sip:sip.example.com;transport=tcp");
    pj_status_t status = PJ_SUCCESS;
    pjsip_cred_info credentials[2];
    char response[PJSIP_SHA256STRLEN];

    fill_credentials(credentials);
    while (count-- && status == PJ_SUCCESS) {
        pj_str_t result = {response, sizeof(response)};
        status = CALL(stand, create_digest2)(
            &result, &nonce, &nc, &cnonce, &qop, &uri, &realm, &credentials[1],
            &stand->request->msg->line.req.method.name, stand->algorithm);
    }
    expect_success(status, "create_digest2");
}

static void reinit(struct stand *stand, unsigned count, pj_bool_t new_nonces)
{
    pjsip_tx_data *request = stand->request, *answered;
    pjsip_hdr *last = request->msg->hdr.prev;
    pj_status_t status = PJ_SUCCESS;

    request->pool = stand->scratch;
    while (count-- && status == PJ_SUCCESS) {
        pjsip_rx_data *response = new_nonces && count % 2
                                      ? stand->other_response
                                      : stand->response;
        status = CALL(stand, clt_reinit_req)(&stand->session, response, request,
                                             &answered);
        /* As the request was: without the answer, and with one owner. */
        if (status == PJ_SUCCESS && last->next != &request->msg->hdr) {
            pj_list_erase(last->next);
            pjsip_tx_data_dec_ref(answered);
        } else if (status == PJ_SUCCESS) {
            status = PJ_EBUG;
        }
        pj_pool_reset(stand->scratch);
    }
    request->pool = stand->own_pool;
    expect_success(status, "reinit_req");
}

void work_reinit(struct stand *stand, unsigned count)
{
    reinit(stand, count, PJ_FALSE);
}

void work_reinit_new_nonce(struct stand *stand, unsigned count)
{
    reinit(stand, count, PJ_TRUE);
}

/* The original grows the session's pool by each call: now and then both sides
 * start again with an empty one. */
void work_set_credentials(struct stand *stand, unsigned count)
{
    enum { CALLS = 64 };
    pj_status_t status = PJ_SUCCESS;
    pjsip_cred_info credentials[2];
    pjsip_auth_clt_sess session;
    unsigned i;

    fill_credentials(credentials);
    for (i = 0; i < count && status == PJ_SUCCESS; ++i) {
        if (i % CALLS == 0) {
            pj_pool_reset(stand->scratch);
            status = CALL(stand, clt_init)(&session, stand->endpoint,
                                           stand->scratch, 0);
        }
        if (status == PJ_SUCCESS)
            status = CALL(stand, clt_set_credentials)(&session, 2, credentials);
    }
    expect_success(status, "set_credentials");
}

/* Every outgoing request passes here. What is added is taken out again. */
void work_init_req(struct stand *stand, unsigned count)
{
    pjsip_tx_data *request = stand->request;
    pjsip_hdr *last = request->msg->hdr.prev;
    pj_status_t status = PJ_SUCCESS;

    request->pool = stand->scratch;
    while (count-- && status == PJ_SUCCESS) {
        status = CALL(stand, clt_init_req)(&stand->session, request);
        if (request->msg->hdr.prev == last)
            continue;
        last->next = (pjsip_hdr *)&request->msg->hdr;
        request->msg->hdr.prev = last;
        pj_pool_reset(stand->scratch);
    }
    request->pool = stand->own_pool;
    expect_success(status, "init_req");
}

void work_session(struct stand *stand, unsigned count)
{
    pjsip_auth_clt_sess session;
    pj_status_t status = PJ_SUCCESS;

    while (count-- && status == PJ_SUCCESS) {
        status = CALL(stand, clt_init)(&session, stand->endpoint,
                                       stand->scratch, 0);
        if (status == PJ_SUCCESS)
            status = CALL(stand, clt_deinit)(&session);
    }
    expect_success(status, "session");
}
