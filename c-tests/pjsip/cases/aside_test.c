/* A process whose pjproject is not the one that the library was built for: it has
 * stepped aside, and follows no pointer of PJSIP's any more. PJLIB is this program. */
#include <pjauth.h>

#include <stdio.h>
#include <string.h>

enum { PJ_SUCCESS_ = 0, PJ_EINVAL_ = 70004, PJ_ENOTSUP_ = 70012, FILLING = 0xa5 };

static int failures;

const char *pj_get_version(void)
{
    return "1.99";
}

/* It logs nothing. */
int pj_log_get_level(void)
{
    return 0;
}

#define CHECK_EQ(got, want) \
    do { \
        long got_ = (long)(got), want_ = (long)(want); \
        if (got_ != want_) { \
            ++failures; \
            printf("FAIL line %d: %s is %ld, not %ld\n", __LINE__, #got, got_, want_); \
        } \
    } while (0)

int main(void)
{
    static unsigned char memory[8192], before[8192];
    struct pjsip_auth_clt_sess *sess = (void *)memory;
    struct pjsip_endpoint *endpt = (void *)memory;
    const struct pjsip_auth_clt_async_setting *setting = (void *)memory;
    struct pjauth_challenge_info info;
    struct pjauth_sip_stats stats;
    unsigned count = 1;

    memset(memory, FILLING, sizeof(memory));
    memcpy(before, memory, sizeof(before));
    CHECK_EQ(pjauth_refuse_algorithms(sess, PJAUTH_REFUSE_MD5), PJ_ENOTSUP_);
    CHECK_EQ(pjauth_session_revoke(sess), PJ_ENOTSUP_);
    CHECK_EQ(pjauth_async_configure_default(endpt, setting), PJ_ENOTSUP_);
    CHECK_EQ(pjauth_async_configure_default(endpt, NULL), PJ_ENOTSUP_);
    CHECK_EQ(pjauth_session_challenges(sess, &info, sizeof(info), &count), PJ_SUCCESS_);
    CHECK_EQ(count, 0);
    CHECK_EQ(pjauth_challenge_is_live(memory), 0);
    CHECK_EQ(pjauth_challenge_get_info(memory, &info, sizeof(info)), PJ_EINVAL_);
    CHECK_EQ(pjauth_challenge_set_deadline(memory, 10), PJ_EINVAL_);
    CHECK_EQ(pjauth_refuse_algorithms(NULL, 0), PJ_SUCCESS_);
    pjauth_set_default_deadline(0);
    pjauth_hold_challenges(1);
    memset(&stats, FILLING, sizeof(stats));
    pjauth_sip_get_stats(&stats, sizeof(stats));
    CHECK_EQ(stats.minted, 0);
    CHECK_EQ(memcmp(memory, before, sizeof(memory)), 0);
    return failures != 0;
}
