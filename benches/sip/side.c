#include "side.h"

#define OURS(function) .function = &function,
#define STOCK(function) .function = &stock_##function,

const struct side ours = {MEASURED(OURS)};
const struct side stock = {MEASURED(STOCK)};
