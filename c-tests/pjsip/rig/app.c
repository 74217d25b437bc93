#include "app.h"

#include "lab.h"

#include <string.h>

pj_status_t send_watched(struct app *app, pjsip_tx_data *answer)
{
    pj_status_t status;
    app->refs_before = references(answer);
    status = pjsip_auth_clt_async_send_req(app->kept[0].sess,
                                           app->kept[0].token, answer);
    app->refs_after = references(answer);
    return status;
}

static pj_bool_t on_challenge(pjsip_auth_clt_sess *sess, void *token,
                              const pjsip_auth_clt_async_on_chal_param *param)
{
    struct app *app = param->user_data;

    app->seen = sess;
    challenge_drop(&app->kept[1]);
    app->kept[1] = app->kept[0];
    challenge_keep(&app->kept[0], sess, token, param);
    ++app->challenged;
    switch (app->action) {
    case KEEP:
        return PJ_TRUE;
    case ANSWER:
    case ANSWER_AND_DECLINE:
        app->first = challenge_send(&app->kept[0]);
        return app->action == ANSWER;
    case ANSWER_TWICE:
        app->first = challenge_send(&app->kept[0]);
        app->second = send_watched(app, param->tdata);
        return PJ_TRUE;
    case ABANDON_AND_DECLINE:
        app->first = pjsip_auth_clt_async_abandon(sess, token);
        return PJ_FALSE;
    case DECLINE:
        return PJ_FALSE;
    case DESTROY:
        CHECK_EQ(pjsip_regc_destroy(app->r.regc), PJ_SUCCESS);
        return PJ_TRUE;
    }
    return PJ_FALSE;
}

void app_configure(pjsip_auth_clt_sess *sess, struct app *app)
{
    pjsip_auth_clt_async_setting setting;
    setting.cb = &on_challenge;
    setting.user_data = app;
    if (sess)
        CHECK_EQ(pjsip_auth_clt_async_configure(sess, &setting), PJ_SUCCESS);
    else
        lab_ask(&setting);
}

#if HAS_ASYNC
void app_open_over(struct app *app, enum action action, const char *user,
                   const char *transport)
{
    memset(app, 0, sizeof(*app));
    app->action = action;
    app->first = app->second = -1;
    registration_open(&app->r, user, transport);
    app_configure(pjsip_regc_get_auth_sess(app->r.regc), app);
}

void app_open(struct app *app, enum action action, const char *user)
{
    app_open_over(app, action, user, "udp");
}

void app_challenged_over(struct app *app, const char *user,
                         const char *transport)
{
    app_open_over(app, KEEP, user, transport);
    registration_start(&app->r);
    REQUIRE(lab_until(&app->challenged, 1, WAIT_MSEC));
    CHECK_EQ(app->r.done, 0);
}

void app_challenged(struct app *app, const char *user)
{
    app_challenged_over(app, user, "udp");
}
#endif

void app_close(struct app *app)
{
    challenge_drop(&app->kept[0]);
    challenge_drop(&app->kept[1]);
    CHECK_EQ(pjsip_regc_destroy(app->r.regc), PJ_SUCCESS);
}

void expect_registered(struct app *app, int requests)
{
    REQUIRE(lab_until(&app->r.done, 1, WAIT_MSEC));
    CHECK_EQ(app->r.status, PJ_SUCCESS);
    CHECK_EQ(app->r.code, 200);
    lab_events(50);
    CHECK_EQ(app->r.done, 1);
    CHECK_EQ(lab_count(lab_wire(), "\"faults\":[]"), requests);
}

void expect_dead(pjsip_auth_clt_sess *sess, void *token,
                 pjsip_tx_data *request)
{
    long before = references(request);
    CHECK_EQ(pjsip_auth_clt_async_send_req(sess, token, request), PJ_EINVAL);
    CHECK_EQ(references(request), before);
    CHECK_EQ(pjsip_auth_clt_async_abandon(sess, token), PJ_EINVAL);
}

void shared_open(struct shared *s, const char *user)
{
    pjsip_cred_info cred;

    memset(&cred, 0, sizeof(cred));
    cred.realm = lab_str("*");
    cred.scheme = lab_str("digest");
    cred.username = lab_str(user);
    cred.data = lab_str(PASSWORD);
    memset(&s->sess, 0, sizeof(s->sess));
    s->pool = pjsip_endpt_create_pool(lab.endpt, "shared", 1024, 1024);
    CHECK_EQ(pjsip_auth_clt_init(&s->sess, lab.endpt, s->pool, 0), PJ_SUCCESS);
    CHECK_EQ(pjsip_auth_clt_set_credentials(&s->sess, 1, &cred), PJ_SUCCESS);
}

void shared_close(struct shared *s)
{
    CHECK_EQ(pjsip_auth_clt_deinit(&s->sess), PJ_SUCCESS);
    pjsip_endpt_release_pool(lab.endpt, s->pool);
}

#if HAS_ASYNC
void shared_app(struct app *app, struct shared *shared, enum action action)
{
    memset(app, 0, sizeof(*app));
    app->action = action;
    shared_open(shared, "md5-401");
    registration_open(&app->r, "md5-401", "udp");
    CHECK_EQ(pjsip_regc_set_auth_sess(app->r.regc, &shared->sess), PJ_SUCCESS);
    app_configure(&shared->sess, app);
    registration_start(&app->r);
}
#endif
