/* Memory that runs out becomes a status, never the end of the process: in the table
 * of tokens as it grows, beyond a session's first tokens, in the list of deadlines. */
#include "workbench.h"

#include <pjauth.h>
#include <errno.h>
#include <string.h>

/* ------------------------------------------------------- an allocator that fails */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static __thread int is_exhausted, refused;

static int refuse(void)
{
    if (!is_exhausted)
        return 0;
    ++refused;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return refuse() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refuse() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return refuse() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return refuse() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (refuse())
        return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

/* ----------------------------------------------------------------------- cases */

enum { TOKENS = 3000, ALONE = 1, DEADLINE_MSEC = 600000 };

/* A token that cannot be made leaves everything with the caller, who goes on
 * synchronously; the next one can be made again. */
static void tokens(void)
{
    struct workbench b;
    pj_status_t status;
    int i, failed = 0;

    workbench_open(&b);
    for (i = 0; i < TOKENS; ++i) {
        is_exhausted = 1;
        status = workbench_mint(&b, &b.sess);
        is_exhausted = 0;
        if (status != PJ_SUCCESS) {
            ++failed;
            CHECK_EQ(status, PJ_ENOMEM);
            CHECK_EQ(b.challenged, i);
            CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE + i);
            CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
        }
    }
    CHECK(failed > 0 && refused >= failed);
    CHECK_EQ(b.challenged, TOKENS);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    workbench_close(&b);
}

/* Without a deadline that could be kept, the token stays as it was. */
static void deadlines(void)
{
    struct workbench b;
    pj_status_t status;
    int i, failed = 0;

    workbench_open(&b);
    for (i = 0; i < TOKENS; ++i) {
        CHECK_EQ(workbench_mint(&b, &b.sess), PJ_SUCCESS);
        is_exhausted = 1;
        status = PJAUTH(pjauth_challenge_set_deadline)(b.token, DEADLINE_MSEC);
        is_exhausted = 0;
        if (status != PJ_SUCCESS) {
            ++failed;
            CHECK_EQ(status, PJ_ENOMEM);
            CHECK(PJAUTH(pjauth_challenge_is_live)(b.token));
            CHECK_EQ(PJAUTH(pjauth_challenge_set_deadline)(b.token,
                                                           DEADLINE_MSEC),
                     PJ_SUCCESS);
        }
    }
    CHECK(failed > 0);
    CHECK_EQ(pjsip_auth_clt_deinit(&b.sess), PJ_SUCCESS);
    CHECK_EQ(pj_grp_lock_get_ref(b.lock), ALONE);
    workbench_close(&b);
}

#define OURS(name) {#name, name, LAB_PJAUTH_ONLY}

int main(int argc, char **argv)
{
    static const struct lab_case cases[] = {OURS(tokens), OURS(deadlines)};

    lab_open(argc, argv);
    lab_run(cases, sizeof(cases) / sizeof(cases[0]));
    return lab_close();
}
