/* pjauth: answer SIP and TURN authentication challenges later.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Generated from src/ by `make header`; do not edit.
 *
 * This header needs no header of PJSIP. Where it speaks of PJSIP's objects it
 * names their struct tags; a status is PJSIP's pj_status_t, which is an int.
 */

#ifndef PJAUTH_H
#define PJAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pj_str_t;
struct pjsip_auth_clt_sess;
struct pjsip_tx_data;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the version of the pjauth library in use, such as `"0.1.0"`.
 *
 * It serves as a marker too: a program that finds this symbol has pjauth in
 * it, and since all of pjauth is one object, the `pjsip_auth_*` functions it
 * calls are pjauth's.
 *
 * The string is static; never free it. May be called from any thread, at any
 * time, also before `pj_init()`.
 */
const char *pjauth_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PJAUTH_H */

