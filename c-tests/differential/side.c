#include "side.h"

/* In the object, but in no header. */
extern const pjsip_auth_algorithm pjsip_auth_algorithms[];
extern const pjsip_auth_algorithm stock_pjsip_auth_algorithms[];

#define OURS(function) .function = &function,
#define STOCK(function) .function = &stock_##function,

const struct side ours = {
    .name = "pjauth",
    COMPARED(OURS)
    .algorithms = pjsip_auth_algorithms,
};
const struct side stock = {
    .name = "stock",
    COMPARED(STOCK)
    .algorithms = stock_pjsip_auth_algorithms,
};
