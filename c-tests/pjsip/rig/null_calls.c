#include "null_calls.h"

/* Argument number `n` of a call: NULL if it is the one taken away. */
#define ARG(n, value) ((n) == missing ? NULL : (value))

static pj_status_t call_init(const struct null_arguments *g, int missing)
{
    return pjsip_auth_clt_init(ARG(0, g->fresh), ARG(1, g->endpt),
                               ARG(2, g->pool), 0);
}

static pj_status_t call_deinit(const struct null_arguments *g, int missing)
{
    return pjsip_auth_clt_deinit(ARG(0, g->fresh));
}

static pj_status_t call_clone(const struct null_arguments *g, int missing)
{
    return pjsip_auth_clt_clone(ARG(0, g->pool), ARG(1, g->fresh),
                                ARG(2, g->sess));
}

static pj_status_t call_set_credentials(const struct null_arguments *g,
                                        int missing)
{
    return pjsip_auth_clt_set_credentials(ARG(0, g->sess), 1,
                                          ARG(1, g->cred));
}

static pj_status_t call_set_prefs(const struct null_arguments *g, int missing)
{
    return pjsip_auth_clt_set_prefs(ARG(0, g->sess), ARG(1, g->pref));
}

static pj_status_t call_get_prefs(const struct null_arguments *g, int missing)
{
    return pjsip_auth_clt_get_prefs(ARG(0, g->sess), ARG(1, g->pref));
}

static pj_status_t call_set_parent(const struct null_arguments *g, int missing)
{
    return pjsip_auth_clt_set_parent(ARG(0, g->fresh), NULL);
}

static pj_status_t call_init_req(const struct null_arguments *g, int missing)
{
    return pjsip_auth_clt_init_req(ARG(0, g->sess), ARG(1, g->request));
}

static pj_status_t call_reinit_req(const struct null_arguments *g, int missing)
{
    pjsip_tx_data *answer;
    return pjsip_auth_clt_reinit_req(
        ARG(0, g->sess), ARG(1, g->response),
        ARG(2, g->request), ARG(3, &answer));
}

static pj_status_t call_async_configure(const struct null_arguments *g,
                                        int missing)
{
    return pjsip_auth_clt_async_configure(ARG(0, g->sess),
                                          ARG(1, g->setting));
}

static pj_status_t call_async_send_req(const struct null_arguments *g,
                                       int missing)
{
    return pjsip_auth_clt_async_send_req(ARG(0, g->sess),
                                         ARG(1, g->token),
                                         ARG(2, g->request));
}

static pj_status_t call_async_abandon(const struct null_arguments *g,
                                      int missing)
{
    return pjsip_auth_clt_async_abandon(ARG(0, g->sess),
                                        ARG(1, g->token));
}

/* Three pointers, and two in the structure that the third points to. */
static pj_status_t call_async_impl_on_challenge(const struct null_arguments *g,
                                                int missing)
{
    pjsip_auth_clt_async_on_chal_param param;
    param.tdata = ARG(3, g->request);
    param.rdata = ARG(4, g->response);
    param.user_data = NULL;
    return pjsip_auth_clt_async_impl_on_challenge(
        ARG(0, g->sess), ARG(1, g->impl), ARG(2, &param));
}

/* result, nonce, uri, realm, credential and method; qop, nc and cnonce may
 * be missing, but not nc or cnonce alone. */
#define DIGEST_ARGUMENTS \
    ARG(0, &result), ARG(1, &text), ARG(6, &text), ARG(7, &text), \
        &text, ARG(2, &text), ARG(3, &text), ARG(4, g->cred), \
        ARG(5, &text)

static pj_status_t call_create_digest(const struct null_arguments *g,
                                      int missing)
{
    char buffer[64];
    pj_str_t result = {buffer, sizeof(buffer)};
    pj_str_t text = {(char *)"text", 4};
    return pjsip_auth_create_digest(DIGEST_ARGUMENTS);
}

static pj_status_t call_create_digest2(const struct null_arguments *g,
                                       int missing)
{
    char buffer[64];
    pj_str_t result = {buffer, sizeof(buffer)};
    pj_str_t text = {(char *)"text", 4};
    return pjsip_auth_create_digest2(DIGEST_ARGUMENTS,
                                     PJSIP_AUTH_ALGORITHM_SHA512_256);
}

static pj_status_t call_create_digestSHA256(const struct null_arguments *g,
                                            int missing)
{
    char buffer[64];
    pj_str_t result = {buffer, sizeof(buffer)};
    pj_str_t text = {(char *)"text", 4};
    return pjsip_auth_create_digestSHA256(DIGEST_ARGUMENTS);
}

static const struct {
    const char *name;
    pj_status_t (*call)(const struct null_arguments *g, int missing);
    int pointers;
} calls[] = {
    {"clt_init", call_init, 3},
    {"clt_deinit", call_deinit, 1},
    {"clt_clone", call_clone, 3},
    {"clt_set_credentials", call_set_credentials, 2},
    {"clt_set_prefs", call_set_prefs, 2},
    {"clt_get_prefs", call_get_prefs, 2},
    {"clt_set_parent", call_set_parent, 1},
    {"clt_init_req", call_init_req, 2},
    {"clt_reinit_req", call_reinit_req, 4},
    {"clt_async_configure", call_async_configure, 2},
    {"clt_async_send_req", call_async_send_req, 3},
    {"clt_async_abandon", call_async_abandon, 2},
    {"clt_async_impl_on_challenge", call_async_impl_on_challenge, 5},
    {"create_digest", call_create_digest, 8},
    {"create_digest2", call_create_digest2, 8},
    {"create_digestSHA256", call_create_digestSHA256, 8},
};

int null_calls(const struct null_arguments *g, null_report *report)
{
    size_t i;
    int missing, count = 0;

    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); ++i)
        for (missing = 0; missing < calls[i].pointers; ++missing, ++count)
            report(calls[i].name, missing, calls[i].call(g, missing));
    return count;
}
