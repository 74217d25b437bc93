/* pjproject 2.17 for tests where its own headers are not installed: what they use
 * of it, declared in our own words, under the names of pjproject's headers. It
 * stands on the description that the library is built from, with the same knobs.
 *
 * x86-64 Linux, the threads and types of pjproject's Unix port. Objects that no
 * test looks into stay incomplete. layout_check.c compares every size, offset and
 * value with the real headers where those are installed. */
#ifndef PJAUTH_TESTS_PJLIB_H
#define PJAUTH_TESTS_PJLIB_H

#include "../../src/pjsip/headers/pjproject.h"

#include <setjmp.h>
#include <string.h>
#include <strings.h>

#ifdef __cplusplus
extern "C" {
#define PJ_BEGIN_DECL extern "C" {
#define PJ_END_DECL }
#else
#define PJ_BEGIN_DECL
#define PJ_END_DECL
#endif

#define PJ_VERSION_NUM                                                         \
    ((PJ_VERSION_NUM_MAJOR << 24) | (PJ_VERSION_NUM_MINOR << 16) |             \
     (PJ_VERSION_NUM_REV << 8))
#define PJ_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define PJ_STATUS_FROM_OS(error) ((error) == 0 ? 0 : (error) + 120000)
#define pj_ansi_stricmp strcasecmp
#define pj_ansi_strnicmp strncasecmp

enum { PJ_ETOOMANY = 70010, PJ_ERR_MSG_SIZE = 80 };

typedef struct pj_sockaddr_in {
    unsigned short sin_family;
    unsigned short sin_port;
    struct { unsigned int s_addr; } sin_addr;
    char sin_zero_pad[8];
} pj_sockaddr_in;

/* ---- Pools ---- */

typedef struct pj_pool_factory pj_pool_factory;

typedef struct pj_pool_factory_policy {
    void *(*block_alloc)(pj_pool_factory *factory, pj_size_t size);
    void (*block_free)(pj_pool_factory *factory, void *block, pj_size_t size);
    pj_pool_callback *callback;
    unsigned flags;
} pj_pool_factory_policy;

struct pj_pool_factory {
    pj_pool_factory_policy policy;
    void (*functions[5])(void);
};

typedef struct pj_caching_pool {
    pj_pool_factory factory;
    pj_size_t capacity, max_capacity, used_count;
    char rest[808];
} pj_caching_pool;

void pj_caching_pool_init(pj_caching_pool *factory,
                          const pj_pool_factory_policy *policy,
                          pj_size_t max_capacity);
void pj_caching_pool_destroy(pj_caching_pool *factory);
pj_pool_t *pj_pool_create(pj_pool_factory *factory, const char *name,
                          pj_size_t initial, pj_size_t increment,
                          pj_pool_callback *callback);
void pj_pool_release(pj_pool_t *pool);
void pj_pool_reset(pj_pool_t *pool);
void *pj_pool_calloc(pj_pool_t *pool, pj_size_t count, pj_size_t size);
pj_size_t pj_pool_get_used_size(pj_pool_t *pool);
#define PJ_POOL_ZALLOC_T(pool, type) ((type *)pj_pool_calloc(pool, 1, sizeof(type)))

/* ---- Lists: of anything that begins with prev and next ---- */

struct pj_list {
    struct pj_list *prev, *next;
};

static inline void pj_list_init(void *list)
{
    struct pj_list *head = (struct pj_list *)list;
    head->prev = head->next = head;
}

static inline int pj_list_empty(const void *list)
{
    return ((const struct pj_list *)list)->next == list;
}

void pj_list_insert_before(void *position, void *node);
#define pj_list_push_back pj_list_insert_before

/* ---- Strings ---- */

pj_str_t pj_str(char *text);
int pj_strcmp(const pj_str_t *a, const pj_str_t *b);
int pj_strcmp2(const pj_str_t *a, const char *b);
int pj_stricmp(const pj_str_t *a, const pj_str_t *b);
int pj_stricmp2(const pj_str_t *a, const char *b);
pj_str_t *pj_strdup2_with_null(pj_pool_t *pool, pj_str_t *copy, const char *text);
pj_str_t pj_strerror(pj_status_t status, char *buffer, pj_size_t size);

static inline const pj_str_t *pj_cstr(pj_str_t *to, const char *text)
{
    to->ptr = (char *)text;
    to->slen = text ? (pj_ssize_t)strlen(text) : 0;
    return to;
}

/* ---- Threads, locks, the library itself ---- */

typedef long pj_thread_desc[64];

pj_status_t pj_init(void);
void pj_shutdown(void);
void pj_log_set_level(int level);
typedef void pj_log_func(int level, const char *text, int length);
void pj_log_set_log_func(pj_log_func *function);
pj_status_t pj_thread_register(const char *name, pj_thread_desc desc,
                               pj_thread_t **thread);
long pj_atomic_get(pj_atomic_t *atomic);
pj_status_t pj_grp_lock_create(pj_pool_t *pool, const void *config,
                               pj_grp_lock_t **lock);
int pj_grp_lock_get_ref(pj_grp_lock_t *lock);

/* ---- Exceptions: setjmp, and a stack of handlers ---- */

struct pj_exception_state_t {
    jmp_buf state;
    struct pj_exception_state_t *prev;
};

void pj_push_exception_handler_(struct pj_exception_state_t *handler);
void pj_pop_exception_handler_(struct pj_exception_state_t *handler);

#define PJ_USE_EXCEPTION struct pj_exception_state_t thrown_to_
#define PJ_TRY                                                                 \
    pj_push_exception_handler_(&thrown_to_);                                   \
    if (setjmp(thrown_to_.state) == 0)
#define PJ_CATCH_ANY else
#define PJ_END pj_pop_exception_handler_(&thrown_to_)

#ifdef __cplusplus
}
#endif

#endif
