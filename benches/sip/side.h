/* The two implementations in one process: ours under PJSIP's names, the
 * original object under names that run.sh gives it, with `stock_` in front. */
#ifndef PJAUTH_BENCH_SIDE_H
#define PJAUTH_BENCH_SIDE_H

#include <pjlib.h>
#include <pjlib-util.h>
#include <pjsip.h>

#define MEASURED(X)                                                            \
    X(pjsip_auth_clt_init)                                                     \
    X(pjsip_auth_clt_deinit)                                                   \
    X(pjsip_auth_clt_set_parent)                                               \
    X(pjsip_auth_clt_set_prefs)                                                \
    X(pjsip_auth_clt_init_req)                                                 \
    X(pjsip_auth_clt_async_abandon)                                            \
    X(pjsip_auth_clt_set_credentials)                                          \
    X(pjsip_auth_clt_reinit_req)                                               \
    X(pjsip_auth_clt_async_configure)                                          \
    X(pjsip_auth_clt_async_impl_on_challenge)                                  \
    X(pjsip_auth_clt_async_send_req)                                           \
    X(pjsip_auth_create_digest2)

#define MEMBER(function) __typeof__(&function) function;
#define DECLARE_STOCK(function) extern __typeof__(function) stock_##function;

struct side {
    MEASURED(MEMBER)
};
MEASURED(DECLARE_STOCK)

extern const struct side ours, stock;

#endif
