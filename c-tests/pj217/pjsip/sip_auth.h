/* See pjlib.h: all of PJSIP is in one file here. */
#include <pjsip.h>
