/* See pjlib.h. */
#include <pjlib.h>
