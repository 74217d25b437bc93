// What the owner's tests stand on: a real endpoint and session, a challenge that
// was parsed and not received, and this program in the place of the PJSIP module
// that offers it. Nothing goes over a network.
#pragma once

#include <pjlib.h>
#include <pjlib-util.h>
#include <pjsip.h>

#include <pjauth.hpp>

#include <memory>

// Says what was wrong and marks the running case as failed.
void fail(const char *file, int line, const char *what);

#define CHECK(condition) \
    do { \
        if (!(condition)) \
            fail(__FILE__, __LINE__, #condition); \
    } while (0)

// Makes PJLIB and the endpoint, runs the cases, and returns the exit status.
struct test_case {
    const char *name;
    void (*run)();
};
int run_all(const test_case *cases, int count);

// One session with a challenge of its own, from the first line of a case to the
// last: then no reference may be left that the rig does not hold.
class rig {
public:
    rig();
    ~rig();
    rig(const rig &) = delete;

    // Offers the challenge, as a module does on 401, and returns the owner that
    // the callback made. With `accept` false the callback makes none and declines.
    pjauth::challenge offer(bool accept = true);

    // The answer: one reference, the caller's.
    pjsip_tx_data *answer();

    // References held by anyone but the rig.
    long request_refs() const;
    long lock_refs() const;

    // Serves timers until the flag is at least `count` or time is up.
    static bool until(const int &flag, int count);

    pj_pool_t *pool = nullptr;
    pjsip_auth_clt_sess sess{};
    pj_status_t offered = -1; // what the module was told
    int sent = 0, abandoned = 0;
    pj_status_t send_status = PJ_SUCCESS;

    // Where set, destroyed by the module's functions or inside the callback.
    std::unique_ptr<pjauth::challenge> *victim = nullptr;
    bool drop_inside = false;

private:
    static pj_bool_t on_challenge(pjsip_auth_clt_sess *, void *,
                                  const pjsip_auth_clt_async_on_chal_param *);
    static pj_status_t send(pjsip_auth_clt_sess *, void *, pjsip_tx_data *);
    static void abandon(pjsip_auth_clt_sess *, void *);

    pjsip_tx_data *request_ = nullptr;
    pjsip_rx_data response_{};
    pj_grp_lock_t *lock_ = nullptr;
    pjsip_auth_clt_async_impl_token token_{};
    pjauth::challenge owner_;
    bool accept_ = true;
};

// Runs `work(data)` to its end on another PJLIB thread.
void on_another_thread(pj_pool_t *pool, int (*work)(void *), void *data);
