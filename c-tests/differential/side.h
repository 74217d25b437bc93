/* The two implementations in one process: ours under PJSIP's names, linked into
 * the program, and the original object: under names with `stock_` in front
 * (scripts/stock-object.sh), or in the shared library STOCK_LIBRARY. */
#ifndef PJAUTH_DIFFERENTIAL_SIDE_H
#define PJAUTH_DIFFERENTIAL_SIDE_H

#include <pjlib.h>
#include <pjlib-util.h>
#include <pjsip.h>

#define COMPARED(X)                                                            \
    X(pjsip_auth_clt_init)                                                     \
    X(pjsip_auth_clt_deinit)                                                   \
    X(pjsip_auth_clt_clone)                                                    \
    X(pjsip_auth_clt_set_parent)                                               \
    X(pjsip_auth_clt_set_credentials)                                          \
    X(pjsip_auth_clt_set_prefs)                                                \
    X(pjsip_auth_clt_get_prefs)                                                \
    X(pjsip_auth_clt_init_req)                                                 \
    X(pjsip_auth_clt_reinit_req)                                               \
    X(pjsip_auth_clt_pref_dup)                                                 \
    X(pjsip_auth_create_digest)                                                \
    X(pjsip_auth_create_digest2)                                               \
    X(pjsip_auth_create_digestSHA256)                                          \
    X(pjsip_auth_get_algorithm_by_type)                                        \
    X(pjsip_auth_get_algorithm_by_iana_name)                                   \
    X(pjsip_auth_is_algorithm_supported)                                       \
    X(pjsip_cred_info_cmp)                                                     \
    X(pjsip_cred_info_dup)

#define MEMBER(function) __typeof__(&function) function;

struct side {
    const char *name;
    COMPARED(MEMBER)
    const pjsip_auth_algorithm *algorithms;
};

extern const struct side ours;
extern struct side stock;

/* Finds the original's functions; ends the program where they are ours. */
void sides_open(void);

#define CALL(side, function) (side)->pjsip_##function

#endif
