#include "side.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the object, but in no header. */
extern const pjsip_auth_algorithm pjsip_auth_algorithms[];

#define OURS(function) .function = &function,

const struct side ours = {
    .name = "pjauth",
    COMPARED(OURS)
    .algorithms = pjsip_auth_algorithms,
};
struct side stock = {.name = "stock"};

#ifdef STOCK_LIBRARY

static void *find(const char *name)
{
    void *library = dlopen(STOCK_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    void *symbol = library ? dlsym(library, name) : NULL;

    if (!symbol) {
        fprintf(stderr, "cannot start: no %s in %s\n", name, STOCK_LIBRARY);
        exit(2);
    }
    return symbol;
}

static void find_stock(void)
{
    void *symbol;
#define FIND(function)                                                         \
    symbol = find(#function);                                                  \
    memcpy(&stock.function, &symbol, sizeof(symbol));
    COMPARED(FIND)
    stock.algorithms = find("pjsip_auth_algorithms");
}

#else

#define DECLARE_STOCK(function) extern __typeof__(function) stock_##function;
COMPARED(DECLARE_STOCK)
extern const pjsip_auth_algorithm stock_pjsip_auth_algorithms[];

static void find_stock(void)
{
#define FIND(function) stock.function = &stock_##function;
    COMPARED(FIND)
    stock.algorithms = stock_pjsip_auth_algorithms;
}

#endif

/* What the original calls by name must be its own as well: the program exports
 * none of ours. */
void sides_open(void)
{
    int mixed = dlsym(RTLD_DEFAULT, "pjauth_version") != NULL;

    find_stock();
#define COUNT_SAME(function) mixed += stock.function == ours.function;
    COMPARED(COUNT_SAME)
    if (mixed) {
        fprintf(stderr, "cannot start: pjauth would be compared with itself\n");
        exit(2);
    }
}
