/* pjauth for C++17: owners over pjauth.h, header-only.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Nothing here throws, and nothing needs RTTI: it compiles with -fno-exceptions
 * -fno-rtti. What can fail returns a pjauth::status or an empty std::optional.
 *
 * The part for SIP needs PJSIP's headers and is there where the compiler finds
 * them; define PJAUTH_NO_PJSIP in a program that has them and does not want it.
 *
 * Threads. PJLIB wants a thread that calls it to be known to it: made by
 * pj_thread_create() or registered with pj_thread_register(). "A PJLIB thread"
 * below is such a one. Different objects may be used from different threads at
 * once; one object is used by one thread at a time, like a std::unique_ptr.
 */

#ifndef PJAUTH_HPP
#define PJAUTH_HPP

#include "pjauth.h"

#if !defined(PJAUTH_NO_PJSIP) && __has_include(<pjsip/sip_auth.h>)
#define PJAUTH_HAS_PJSIP 1
#include <pj/errno.h>
#include <pjsip/sip_auth.h>

#include "pjsip_auth_async.h"

#include <chrono>
#include <limits>
#include <optional>
#include <utility>
#include <vector>
#else
#define PJAUTH_HAS_PJSIP 0
#include <cstdio>
#endif

namespace pjauth {

/** The version of the library in use, such as "0.1.0"; a static string. May be
 *  called from any thread, at any time. */
inline const char *version() noexcept
{
    return ::pjauth_version();
}

/** What a call came to: PJSIP's pj_status_t, of which 0 is success. */
class [[nodiscard]] status {
public:
    /** The text of a status, see message(). */
    class text {
    public:
        const char *c_str() const noexcept { return chars_; }

    private:
        friend class status;
        char chars_[96] = {};
    };

    constexpr status() noexcept = default;
    constexpr explicit status(int value) noexcept : value_(value) {}

    constexpr bool ok() const noexcept { return value_ == 0; }
    constexpr explicit operator bool() const noexcept { return ok(); }

    /** The pj_status_t. */
    constexpr int value() const noexcept { return value_; }

    /** What PJLIB says of it, or the bare number where there is no PJLIB. PJSIP's
     *  own codes have a text once an endpoint was made. Any thread. */
    text message() const noexcept
    {
        text said;
#if PJAUTH_HAS_PJSIP
        ::pj_strerror(value_, said.chars_, sizeof(said.chars_));
#else
        std::snprintf(said.chars_, sizeof(said.chars_), "status %d", value_);
#endif
        return said;
    }

    friend constexpr bool operator==(status a, status b) noexcept
    {
        return a.value_ == b.value_;
    }
    friend constexpr bool operator!=(status a, status b) noexcept
    {
        return !(a == b);
    }

private:
    int value_ = 0;
};

#if PJAUTH_HAS_PJSIP

/** A challenge as pjauth.h describes it: token, age, deadline, 401 or 407, realm. */
using challenge_info = ::pjauth_challenge_info;

/** Counters of the process, as pjauth.h describes them. */
using sip_stats = ::pjauth_sip_stats;

/** Owns the duty to answer one 401 or 407. Where it is destroyed with that duty
 *  undone, it abandons the challenge, so that the operation ends with
 *  PJ_ECANCELLED instead of waiting for ever.
 *
 *      pj_bool_t on_challenge(pjsip_auth_clt_sess *sess, void *token,
 *                             const pjsip_auth_clt_async_on_chal_param *param)
 *      {
 *          if (!ours(param))
 *              return PJ_FALSE;                        // no owner was made
 *          vault.ask(pjauth::challenge(sess, token));  // moved to the vault
 *          return PJ_TRUE;
 *      }
 *
 *  An owner that ends inside the callback has abandoned the challenge, and what is
 *  returned no longer matters: make one only of what you accept, or release() it
 *  before you return PJ_FALSE.
 *
 *  The library may end the challenge first: its session is deinitialised, its
 *  deadline passes, someone uses the bare token. The owner then holds a dead token,
 *  which does no harm: is_live() is false, every call gives PJ_EINVAL, and the
 *  destructor does nothing.
 *
 *  answer(), abandon(), reset(), the destructor and move assignment may run PJSIP's
 *  code and the application's callbacks, on the calling thread, before they return:
 *  call them on a PJLIB thread, holding no lock that those callbacks take. A
 *  callback may destroy the owner that is being used. */
class challenge {
public:
    /** Owns nothing; every call gives PJ_EINVAL. */
    challenge() noexcept = default;

    /** Adopts what the callback was given, which is not looked at: a session may go
     *  before this object does, and takes its tokens along. (A shared parent session
     *  takes none: it has to outlive its children, as PJSIP demands.) Any thread. */
    challenge(pjsip_auth_clt_sess *sess, void *token) noexcept
        : sess_(sess), token_(token)
    {
    }

    /** Leaves `other` empty. Any thread. */
    challenge(challenge &&other) noexcept
        : sess_(std::exchange(other.sess_, nullptr)),
          token_(std::exchange(other.token_, nullptr))
    {
    }

    /** Abandons what was owned here, and leaves `other` empty; moving an owner to
     *  itself changes nothing. A PJLIB thread. */
    challenge &operator=(challenge &&other) noexcept
    {
        challenge taken(std::move(other));
        std::swap(sess_, taken.sess_);
        std::swap(token_, taken.token_);
        return *this;
    }

    /** Abandons what is still live. A PJLIB thread, unless nothing is. */
    ~challenge() { reset(); }

    /** Sends `new_request`, which pjsip_auth_clt_reinit_req() made, and is empty
     *  from then on. A PJLIB thread.
     *
     *  On a live challenge one reference of `new_request` is used up, also where
     *  sending fails. On a dead or empty one the status is PJ_EINVAL, the request is
     *  untouched and its reference stays the caller's. Where a NULL (PJ_EINVAL) or a
     *  session that is neither the callback's nor configured (PJ_EINVALIDOP) is
     *  refused, the challenge stays owned as well. */
    status answer(pjsip_tx_data *new_request) noexcept
    {
        challenge taken(std::move(*this));
        const status sent(::pjsip_auth_clt_async_send_req(taken.sess_, taken.token_,
                                                          new_request));
        // A token that lives on was refused before any callback ran, so `this` is
        // still there. Otherwise a callback may have destroyed it.
        if (taken.is_live())
            *this = std::move(taken);
        return sent;
    }

    /** Gives the challenge up: its operation ends with PJ_ECANCELLED. Empty from
     *  then on. PJ_EINVAL if it was dead or empty. A PJLIB thread. */
    status abandon() noexcept
    {
        auto *sess = sess_;
        return status(::pjsip_auth_clt_async_abandon(sess, release()));
    }

    /** The same for those who do not care whether there was anything to give up.
     *  A PJLIB thread, unless the challenge is dead or empty. */
    void reset() noexcept
    {
        // Not counted as a misuse: a token may well have died before its owner.
        if (is_live())
            static_cast<void>(abandon());
        else
            static_cast<void>(release());
    }

    /** Gives the token back to the caller, who from now on answers or abandons it by
     *  hand, and is empty. NULL if it was empty. Any thread. */
    [[nodiscard]] void *release() noexcept
    {
        sess_ = nullptr;
        return std::exchange(token_, nullptr);
    }

    /** The token, still owned; NULL if empty. Any thread. */
    void *token() const noexcept { return token_; }

    /** The callback's session, to be passed on beside the token; NULL if empty. It may
     *  be gone: one who thinks for long makes the answer by a session of his own, with
     *  copies of the response (pjsip_rx_data_clone()). Any thread. */
    pjsip_auth_clt_sess *session() const noexcept { return sess_; }

    /** Whether it can still be answered. True may be out of date at once: what
     *  counts is the status of answer(). Any thread. */
    bool is_live() const noexcept
    {
        return ::pjauth_challenge_is_live(token_) != 0;
    }

    /** What is known of it; nothing if it is dead or empty. Any thread. */
    std::optional<challenge_info> info() const noexcept
    {
        challenge_info known;
        if (::pjauth_challenge_get_info(token_, &known, sizeof(known)) != 0)
            return std::nullopt;
        return known;
    }

    /** Has the library abandon the challenge when `after` has passed and nobody
     *  answered. Less than a millisecond is one; more than an unsigned holds (49
     *  days) is that. PJ_EINVAL if it is dead or empty. A PJLIB thread. */
    status set_deadline(std::chrono::milliseconds after) noexcept
    {
        constexpr long long most = std::numeric_limits<unsigned>::max();
        const long long msec = after.count();
        const long long within = msec < 1 ? 1 : msec > most ? most : msec;
        return status(::pjauth_challenge_set_deadline(
            token_, static_cast<unsigned>(within)));
    }

    /** Takes the deadline away. PJ_EINVAL if it is dead or empty. A PJLIB thread. */
    status clear_deadline() noexcept
    {
        return status(::pjauth_challenge_set_deadline(token_, 0));
    }

private:
    pjsip_auth_clt_sess *sess_ = nullptr;
    void *token_ = nullptr;
};

/** The outstanding challenges of a session and of those that share it as their
 *  parent; NULL is every session of the process. Their tokens are not owned by
 *  what is returned. Any thread.
 *
 *  It allocates, and fails as std::vector does; pjauth_session_challenges() does
 *  not allocate. Where challenges come faster than they can be listed, some of the
 *  newest are missing. */
inline std::vector<challenge_info> challenges(const pjsip_auth_clt_sess *sess = nullptr)
{
    std::vector<challenge_info> found;
    unsigned room = 0, there = 0;
    for (int tries = 4; tries > 0; --tries) {
        found.resize(there);
        room = there;
        if (::pjauth_session_challenges(sess, found.data(), sizeof(challenge_info), &there) != 0)
            return {};
        if (there <= room)
            break;
    }
    found.resize(there < room ? there : room);
    return found;
}

/** How tokens have fared in this process. Any thread. */
inline sip_stats stats() noexcept
{
    sip_stats now;
    ::pjauth_sip_get_stats(&now, sizeof(now));
    return now;
}

#endif

} // namespace pjauth

#endif
