/* Counts heap blocks taken, those that PJLIB's pools are made of left out. */
#ifndef PJAUTH_BENCH_HEAP_H
#define PJAUTH_BENCH_HEAP_H

#include <pjlib.h>

/* The default policy, with its blocks left out of the count. */
pj_pool_factory_policy heap_policy(void);

/* Counts from zero on; one thread at a time may. */
void heap_count_from_here(void);
unsigned long heap_counted(void);

#endif
