#include "player.h"
#include "judge.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_SIZE = 4096 };

/* What reinit_req does to a request that is to be sent again. */
enum { RETRY = 1, ONE_MORE_OWNER = 2, NO_BRANCH = 4, NOT_PRINTED = 8, SAME = 16 };

static pj_str_t text(const char *s)
{
    pj_str_t t;
    t.ptr = (char *)s;
    t.slen = (pj_ssize_t)strlen(s);
    return t;
}

void need(pj_status_t status, const char *what)
{
    char message[PJ_ERR_MSG_SIZE];

    if (status == PJ_SUCCESS)
        return;
    pj_strerror(status, message, sizeof(message));
    fprintf(stderr, "cannot compare: %s: %s (%d)\n", what, message, status);
    exit(2);
}

/* ----------------------------------------------------------------- session */

static void fill(pjsip_cred_info *to, const struct credential *from,
                 char ha1[HEX_SIZE])
{
    pj_str_t realm = text(from->realm);
    const char *hash = ours.algorithms[from->algorithm].openssl_name;
    char *digit;

    to->realm = realm;
    to->scheme = text(from->scheme ? from->scheme : "digest");
    to->username = text(from->user);
    to->data = text(from->password);
    if (from->secret == PASSWORD)
        return;
    credential_ha1(ha1, hash, from, &realm);
    if (from->secret == HA1_UPPER_CASE)
        for (digit = ha1; *digit; ++digit)
            *digit = (char)toupper((unsigned char)*digit);
    to->data_type = PJSIP_CRED_DATA_DIGEST;
    to->algorithm_type = from->algorithm;
    to->data = text(ha1);
}

static void open_session(struct player *player)
{
    const struct side *side = player->side;
    const struct scenario *scenario = player->scenario;
    unsigned count = count_credentials(scenario), i;
    pjsip_cred_info credentials[MAX_CREDENTIALS];
    char ha1[MAX_CREDENTIALS][HEX_SIZE];
    pjsip_auth_clt_pref prefs;

    need(CALL(side, auth_clt_init)(&player->session, player->endpoint,
                                   player->pool, 0),
         "init");
    if (scenario->child) {
        need(CALL(side, auth_clt_init)(&player->parent, player->endpoint,
                                       player->pool, 0),
             "init of the parent");
        need(CALL(side, auth_clt_set_parent)(&player->session,
                                             &player->parent),
             "set_parent");
    }
    memset(credentials, 0, sizeof(credentials));
    for (i = 0; i < count; ++i)
        fill(&credentials[i], &scenario->credentials[i], ha1[i]);
    need(CALL(side, auth_clt_set_credentials)(&player->session, (int)count,
                                              credentials),
         "set_credentials");
    memset(&prefs, 0, sizeof(prefs));
    prefs.initial_auth = scenario->initial_auth;
    need(CALL(side, auth_clt_set_prefs)(&player->session, &prefs), "set_prefs");
}

void player_open(struct player *player, const struct side *side,
                 pjsip_endpoint *endpoint, const struct scenario *scenario)
{
    memset(player, 0, sizeof(*player));
    player->side = side;
    player->scenario = scenario;
    player->endpoint = endpoint;
    player->pool =
        pjsip_endpt_create_pool(endpoint, "player", POOL_SIZE, POOL_SIZE);
    open_session(player);
}

static void drop_request(struct player *player)
{
    if (!player->request)
        return;
    if (pj_atomic_get(player->request->ref_cnt) != 1)
        need(PJ_EBUG, "references of the request");
    pjsip_tx_data_dec_ref(player->request);
    player->request = NULL;
}

void player_close(struct player *player)
{
    drop_request(player);
    need(CALL(player->side, auth_clt_deinit)(&player->session), "deinit");
    if (player->scenario->child)
        need(CALL(player->side, auth_clt_deinit)(&player->parent), "deinit");
    pjsip_endpt_release_pool(player->endpoint, player->pool);
}

const pjsip_auth_clt_sess *root_of(const struct player *player)
{
    return player->scenario->child ? &player->parent : &player->session;
}

/* ----------------------------------------------------------------- request */

static void create_request(struct player *player)
{
    const struct scenario *scenario = player->scenario;
    pj_str_t name = text(scenario->method ? scenario->method : "REGISTER");
    pj_str_t target =
        text(scenario->uri ? scenario->uri : "sip:sip.example.com");
    pj_str_t from = text("\"Alice\" <sip:alice@sip.example.com>");
    pj_str_t contact = text("<sip:alice@192.0.2.7:5060;transport=tcp>");
    pj_str_t body = text(scenario->body ? scenario->body : "");
    pjsip_method method;
    pjsip_via_hdr *via;

    pjsip_method_init_np(&method, &name);
    need(pjsip_endpt_create_request(player->endpoint, &method, &target, &from,
                                    &from, &contact, NULL, 1,
                                    scenario->body ? &body : NULL,
                                    &player->request),
         "request");
    via = pjsip_via_hdr_create(player->request->pool);
    via->transport = text("TCP");
    via->sent_by.host = text("192.0.2.7");
    via->branch_param = text("z9hG4bK7d3f1b2c");
    pjsip_msg_insert_first_hdr(player->request->msg, (pjsip_hdr *)via);
}

static void collect(const struct player *player, struct outcome *outcome)
{
    const pjsip_hdr *head = &player->request->msg->hdr, *at;

    outcome->count = 0;
    for (at = head->next; at != head; at = at->next) {
        if (at->type != PJSIP_H_AUTHORIZATION &&
            at->type != PJSIP_H_PROXY_AUTHORIZATION)
            continue;
        if (outcome->count == MAX_ANSWERS)
            need(PJ_ETOOMANY, "answers");
        outcome->answers[outcome->count++] =
            (const pjsip_authorization_hdr *)at;
    }
}

static pj_status_t init_request(struct player *player)
{
    return CALL(player->side, auth_clt_init_req)(&player->session, player->request);
}

/* Where what is remembered is answered unasked, stock asserts that all of it has been answered
 * before; without assertions it passes over what has not, and so it does here. */
static pj_status_t init_request_unasked(struct player *player)
{
    const pjsip_cached_auth *head = &root_of(player)->cached_auth;
    pjsip_cached_auth *at;
    pj_status_t status;

    for (at = head->next; at != head; at = at->next)
        if (at->qop_value == PJSIP_AUTH_QOP_NONE && !at->last_chal)
            at->qop_value = PJSIP_AUTH_QOP_UNKNOWN;
    status = init_request(player);
    for (at = head->next; at != head; at = at->next)
        if (at->qop_value == PJSIP_AUTH_QOP_UNKNOWN && !at->last_chal)
            at->qop_value = PJSIP_AUTH_QOP_NONE;
    return status;
}

void player_begin(struct player *player, struct outcome *outcome)
{
    drop_request(player);
    create_request(player);
    outcome->carried = 0;
    outcome->to_be_sent = 0;
    outcome->status = PJSIP_AUTH_AUTO_SEND_NEXT && player->side == &stock
                          ? init_request_unasked(player)
                          : init_request(player);
    collect(player, outcome);
}

static int is_to_be_sent(const pjsip_tx_data *request,
                         const pjsip_tx_data *returned, int owners)
{
    const pjsip_via_hdr *via =
        pjsip_msg_find_hdr(request->msg, PJSIP_H_VIA, NULL);
    int bits = 0;

    bits |= request->auth_retry ? RETRY : 0;
    bits |= pj_atomic_get(request->ref_cnt) == owners + 1 ? ONE_MORE_OWNER : 0;
    bits |= via->branch_param.slen == 0 ? NO_BRANCH : 0;
    bits |= request->buf.cur == request->buf.start ? NOT_PRINTED : 0;
    bits |= request == returned ? SAME : 0;
    return bits;
}

/* How many of the answers `after` were among those `before`, which come first:
 * new ones are put at the end. */
static unsigned count_carried(const struct outcome *before,
                              const struct outcome *after)
{
    unsigned carried = 0, i;

    for (i = 0; i < before->count && carried < after->count; ++i)
        if (before->answers[i] == after->answers[carried])
            ++carried;
    return carried;
}

void player_meet(struct player *player, const struct response *response,
                 struct outcome *outcome)
{
    static char printed[PJSIP_MAX_PKT_LEN];
    pjsip_tx_data *request = player->request, *returned = NULL;
    pjsip_via_hdr *via = pjsip_msg_find_hdr(request->msg, PJSIP_H_VIA, NULL);
    struct outcome before;

    /* As if it had been sent. */
    via->branch_param = text("z9hG4bK7d3f1b2c");
    request->buf.start = printed;
    request->buf.cur = request->buf.end = printed + sizeof(printed);
    collect(player, &before);
    outcome->status = CALL(player->side, auth_clt_reinit_req)(
        &player->session, response->data, request, &returned);
    outcome->to_be_sent = is_to_be_sent(request, returned, 1);
    if (pj_atomic_get(request->ref_cnt) == 2)
        pjsip_tx_data_dec_ref(request);
    request->buf.start = request->buf.cur = request->buf.end = NULL;
    collect(player, outcome);
    outcome->carried = count_carried(&before, outcome);
}

/* ---------------------------------------------------------------- response */

void parse_response(struct response *response, pj_pool_t *pool,
                    const struct step *step)
{
    pjsip_rx_data *data = PJ_POOL_ZALLOC_T(pool, pjsip_rx_data);
    char *packet = data->pkt_info.packet;
    const pjsip_hdr *head, *at;
    int length, i;

    length = snprintf(packet, PJSIP_MAX_PKT_LEN,
                      "SIP/2.0 %d Unauthorized\r\n"
                      "Via: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK7d3f1b2c\r\n"
                      "From: <sip:alice@sip.example.com>;tag=4711\r\n"
                      "To: <sip:alice@sip.example.com>;tag=as58f4201b\r\n"
                      "Call-ID: 1a2b3c4d5e6f@192.0.2.7\r\n"
                      "CSeq: 1 REGISTER\r\n",
                      step->code);
    for (i = 0; i < MAX_CHALLENGES && step->challenges[i]; ++i)
        length += snprintf(packet + length, (size_t)(PJSIP_MAX_PKT_LEN - length),
                           "%s\r\n", step->challenges[i]);
    length += snprintf(packet + length, (size_t)(PJSIP_MAX_PKT_LEN - length),
                       "Content-Length: 0\r\n\r\n");
    data->tp_info.pool = pool;
    data->pkt_info.len = length;
    pj_list_init(&data->msg_info.parse_err);
    if (length >= PJSIP_MAX_PKT_LEN ||
        !pjsip_parse_rdata(packet, (pj_size_t)length, data))
        need(PJSIP_EINVALIDMSG, "response");
    response->data = data;
    response->count = 0;
    head = &data->msg_info.msg->hdr;
    for (at = head->next; at != head; at = at->next)
        if (at->type == PJSIP_H_WWW_AUTHENTICATE ||
            at->type == PJSIP_H_PROXY_AUTHENTICATE)
            response->challenges[response->count++] =
                (const pjsip_www_authenticate_hdr *)at;
}
