#define _GNU_SOURCE
#include "vault.h"

#include "lab.h"

#include <pjauth.h>

#include <string.h>
#include <unistd.h>

static void answer(struct vault *vault)
{
    vault->status = challenge_send(&vault->kept);
    LAB_COUNT(vault->answered);
}

static int answer_later(void *arg)
{
    usleep(60 * 1000);
    answer(arg);
    return 0;
}

static void join(struct vault *vault)
{
    if (vault->has_worker)
        worker_join(&vault->worker);
    vault->has_worker = 0;
}

static pj_bool_t on_challenge(pjsip_auth_clt_sess *sess, void *token,
                              const pjsip_auth_clt_async_on_chal_param *param)
{
    struct vault *vault = param->user_data;

    ++vault->challenged;
    if (vault->mode == VAULT_FORGET)
        return PJ_TRUE;
    join(vault);
    challenge_drop(&vault->kept);
    challenge_keep(&vault->kept, sess, token, param);
    if (vault->mode == VAULT_INSIDE) {
        answer(vault);
    } else if (vault->mode == VAULT_LATER) {
        vault->has_worker = 1;
        worker_start(&vault->worker, &answer_later, vault);
    }
    return PJ_TRUE;
}

void vault_credential(pjsip_cred_info *cred, const char *user)
{
    memset(cred, 0, sizeof(*cred));
    cred->realm = lab_str("*");
    cred->scheme = lab_str("digest");
    cred->username = lab_str(user);
    cred->data = lab_str(PASSWORD);
}

void vault_open(struct vault *vault, enum vault_mode mode,
                pjsip_auth_clt_sess *sess, const char *user)
{
    pjsip_auth_clt_async_setting setting;
    pjsip_cred_info cred;

    memset(vault, 0, sizeof(*vault));
    vault->mode = mode;
    vault->status = -1;
    vault_credential(&cred, user);
    CHECK_EQ(pjsip_auth_clt_set_credentials(sess, 1, &cred), PJ_SUCCESS);
    if (mode == VAULT_SYNC)
        return;
    setting.cb = &on_challenge;
    setting.user_data = vault;
    CHECK_EQ(pjsip_auth_clt_async_configure(sess, &setting), PJ_SUCCESS);
}

void vault_open_default(struct vault *vault, enum vault_mode mode)
{
    pjsip_auth_clt_async_setting setting;

    memset(vault, 0, sizeof(*vault));
    vault->mode = mode;
    vault->status = -1;
    setting.cb = &on_challenge;
    setting.user_data = vault;
    CHECK_EQ(PJAUTH(pjauth_async_configure_default)(lab.endpt, &setting),
             PJ_SUCCESS);
}

void vault_close_default(struct vault *vault)
{
    vault_close(vault);
    CHECK_EQ(PJAUTH(pjauth_async_configure_default)(lab.endpt, NULL), PJ_SUCCESS);
}

static int answer_now(void *arg)
{
    answer(arg);
    return 0;
}

void vault_answer_after(struct vault *vault, unsigned msec)
{
    int before = vault->answered;

    lab_events(msec);
    join(vault);
    vault->has_worker = 1;
    worker_start(&vault->worker, &answer_now, vault);
    REQUIRE(lab_until(&vault->answered, before + 1, WAIT_MSEC));
    join(vault);
}

void vault_close(struct vault *vault)
{
    join(vault);
    challenge_drop(&vault->kept);
}
