#include "heap.h"

#include <stddef.h>

/* glibc's own allocator under its other names. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static unsigned long taken;
static int for_a_pool;

static void count(void)
{
    taken += !for_a_pool;
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size)
{
    count();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    enum { OUT_OF_MEMORY = 12 };
    *block = memalign(alignment, size);
    return *block ? 0 : OUT_OF_MEMORY;
}

static void *pool_block(pj_pool_factory *factory, pj_size_t size)
{
    void *block;
    ++for_a_pool;
    block = pj_pool_factory_default_policy.block_alloc(factory, size);
    --for_a_pool;
    return block;
}

pj_pool_factory_policy heap_policy(void)
{
    pj_pool_factory_policy policy = pj_pool_factory_default_policy;
    policy.block_alloc = &pool_block;
    return policy;
}

void heap_count_from_here(void)
{
    taken = 0;
}

unsigned long heap_counted(void)
{
    return taken;
}
