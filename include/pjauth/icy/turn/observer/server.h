/* The names of icey's TURN server over pjauth.h, so that an observer written for icey compiles.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Header-only C++17, with or without exceptions; link libpjauth-turn. What an icey user edits is listed in README.md.
 *
 * Where icey hands out a pointer to a server, a request or an allocation, here the address is the handle that the
 * library lent: `this` is looked up, never followed. Such a pointer may be kept, and used at any time from any thread:
 * when what it stands for is gone, getters return empty values and the others PJ_EINVAL or false.
 */

#ifndef PJAUTH_ICY_TURN_SERVER_H
#define PJAUTH_ICY_TURN_SERVER_H

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "c_options.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {
/// A server: what an application makes, and what its observer gets to see.
///
/// One that is constructed owns the server. Where observer and server are members of one object, or the server is a
/// member of the observer, it comes last, so that it is gone before what the observer uses is. One thread at a time
/// starts, stops and destroys it.
///
/// Observers are given a handle as the address of one: it may be kept, and used from any thread. Which of the two this
/// is, its address tells; that is why there is nothing here that must be aligned.
class Server
{
public:
    /// Nothing happens before start().
    explicit Server(ServerObserver& observer, const ServerOptions& options = ServerOptions())
    {
        auto* made = new detail::Owner{&observer, options, nullptr, {}};
        detail::Owners::all().add(made);
        std::memcpy(_owner, &made, sizeof(made));
    }

    Server() = delete;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Not in one of the observer's functions, which nobody could outlive.
    ~Server()
    {
        auto* own = owner();
        if (!own)
            return;
        stop();
        detail::Owners::all().remove(own);
        delete own;
    }

    /// Binds the sockets and starts the threads. Returns 0, or a status of PJLIB's kind: PJ_EINVAL for options that
    /// make no sense, PJ_EINVALIDOP where it runs already, an error of the system's. error() says what it was.
    [[nodiscard]] int start();

    /// Removes every allocation, of which the observer is told, and ends the threads. Called from one of the observer's
    /// functions it returns PJ_EINVALIDOP, and what is said happens after that function has returned.
    int stop()
    {
        auto* const own = owner();
        auto* const running = c();
        // In two steps: the server's handle is alive while the observer is told.
        int status = running || !own ? pjauth_turn_server_stop(running) : 0;
        if (!own || !running)
            return status;
        status = pjauth_turn_server_destroy(running);
        if (status == 0)
            detail::Owners::all().setServer(own, nullptr);
        return status;
    }

    /// Answers a request that authenticateRequest() said Authenticating of, once, from any thread. Returns 0, or
    /// PJ_EINVAL where it was answered before or is gone: then nothing happens.
    int handleRequest(Request& request, AuthenticationState state)
    {
        return pjauth_turn_handle_request(detail::handle<pjauth_turn_request>(&request), static_cast<int>(state));
    }

    /// Refuses a request with any error of the RFCs: a decision like the one above, which counts whatever
    /// authenticateRequest() returns. `alternate` is another server to try (kErrorTryAlternate), in the client's address
    /// family. The reply is signed where `request.hash` or a password was set.
    int respondError(Request& request, int errorCode, const char* errorDesc, const detail::Address& alternate = {})
    {
        const auto other = alternate.toString();
        return pjauth_turn_refuse(detail::handle<pjauth_turn_request>(&request), errorCode, errorDesc,
                                  other.empty() ? nullptr : other.c_str());
    }

    /// The allocations that exist now.
    std::map<FiveTuple, ServerAllocation*> allocations() const
    {
        std::vector<pjauth_turn_allocation_info> known;
        unsigned count = 0, room;
        do {
            known.resize(room = count + 8);
            count = room;
            if (pjauth_turn_server_allocations(c(), known.data(), sizeof(known[0]), &count) != 0)
                return {};
        } while (count > room);
        known.resize(count);
        std::map<FiveTuple, ServerAllocation*> found;
        for (const auto& each : known) {
            const auto client = detail::Address::parse(each.client), server = detail::Address::parse(each.server);
            found[{client, server, detail::transport(each.transport)}] =
                reinterpret_cast<ServerAllocation*>(each.allocation);
        }
        return found;
    }

    /// Null where there is none.
    ServerAllocation* getAllocation(const FiveTuple& tuple) const
    {
        const auto all = allocations();
        const auto found = all.find(tuple);
        return found == all.end() ? nullptr : found->second;
    }

    /// What it was made with; what servers have that were not told otherwise, where it is gone or was made in C.
    const ServerOptions& options() const
    {
        static const ServerOptions& none = *new ServerOptions;
        auto* const known = madeBy();
        return known ? known->options : none;
    }

    /// Who decides; where that is gone or is no C++ object, one who lets nobody in.
    ServerObserver& observer() const
    {
        auto* const known = madeBy();
        if (known && known->observer)
            return *known->observer;
        return detail::NoObserver::instance();
    }

    // Beyond icey's.

    /// What observers are given as `server`, from start() to stop(); null before and after.
    Server* server() const { return reinterpret_cast<Server*>(c()); }

    /// Why the last start() failed, in words; empty where it did not.
    std::string error() const
    {
        auto* const own = owner();
        if (own)
            return own->error;
        return detail::text([this](char* out, std::size_t size) { return pjauth_turn_server_error(c(), out, size); });
    }

    /// Where clients reach it, by UDP if it serves that; with the port that it got where 0 was asked for.
    detail::Address address() const
    {
        return detail::Address::parse(detail::text(
            [this](char* out, std::size_t size) { return pjauth_turn_server_listener(c(), 0, nullptr, out, size); }));
    }

    /// How many allocations a user may have from now on; more get 486. Negative for ServerOptions::userQuota.
    bool setUserQuota(const std::string& user, int quota)
    {
        return pjauth_turn_server_set_user_quota(c(), user.c_str(), quota) == 0;
    }

    /// Serves TLS with other certificates from now on. Returns 0; otherwise it goes on with those it had, and error()
    /// says why.
    int setCertificates(const std::vector<Certificate>& certificates)
    {
        const auto all = detail::certificates(certificates);
        const int status = pjauth_turn_server_set_certificates(c(), all.data(), static_cast<unsigned>(all.size()));
        if (auto* const own = owner())
            own->error = detail::text(
                [this](char* out, std::size_t size) { return pjauth_turn_server_error(c(), out, size); });
        return status;
    }

    // Changes while it runs return 0, or PJ_EINVAL for what has no sense or where it does not run: then nothing changes. A
    // stop forgets them.

    /// Refuses new allocations, or no longer; those that exist stay. allocations() tells how many are left.
    int drain(bool drains = true) { return pjauth_turn_server_drain(c(), drains); }

    /// Sends new clients of its address family to another server; an empty address is none.
    int setAlternate(const detail::Address& other)
    {
        const auto text = other.toString();
        return pjauth_turn_server_set_alternate(c(), other.valid() ? text.c_str() : nullptr);
    }

    /// Which peers clients may reach, in place of allowedPeers, deniedPeers and enableLocalIPPermissions.
    int setPeers(const std::vector<std::string>& allowed, const std::vector<std::string>& denied = {})
    {
        const auto allow = detail::pointers(allowed), deny = detail::pointers(denied);
        return pjauth_turn_server_set_peers(c(), allow.data(), static_cast<unsigned>(allow.size()), deny.data(),
                                            static_cast<unsigned>(deny.size()));
    }

    /// What clients and peers see from now on in place of the address that it listens at; an empty one for the same.
    int setExternal(const std::string& listens, const std::string& external)
    {
        return pjauth_turn_server_set_external(c(), listens.c_str(), external.empty() ? nullptr : external.c_str());
    }

    /// Goes by the limits among these options (pjauth_turn_server_set_limits() has the list).
    int setLimits(const ServerOptions& options)
    {
        detail::Owner owner{nullptr, options, nullptr, {}};
        detail::Options given(owner);
        return pjauth_turn_server_set_limits(c(), given.c());
    }

    /// All figures in Prometheus' text format.
    std::string metrics() const
    {
        // They grow while they are read.
        std::string text(pjauth_turn_server_metrics(c(), nullptr, 0) + 1024, '\0');
        text.resize(std::min(text.size(), pjauth_turn_server_metrics(c(), &text[0], text.size())));
        return text;
    }

    /// Ends all allocations of a user. Returns how many.
    unsigned revokeUser(const std::string& user)
    {
        unsigned count = 0;
        pjauth_turn_server_revoke_user(c(), user.c_str(), &count);
        return count;
    }

    // Icey's that are not here.
    ICY_TURN_MISSING(handleAuthorizedRequest, "handleRequest(request, AuthenticationState::Authorized) does it")
    ICY_TURN_MISSING(handleBindingRequest, "the server does that by itself")
    ICY_TURN_MISSING(handleAllocateRequest, "handleRequest(request, AuthenticationState::Authorized) does it")
    ICY_TURN_MISSING(handleConnectionBindRequest, "the server does that by itself")
    ICY_TURN_MISSING(respond, "the server writes the replies; respondError() refuses")
    ICY_TURN_MISSING(addAllocation, "handleRequest(request, AuthenticationState::Authorized) makes one")
    ICY_TURN_MISSING(removeAllocation, "IAllocation::revoke() does it")
    ICY_TURN_MISSING(getTCPAllocation, "connections to peers are the server's; allocations() has all allocations")
    ICY_TURN_MISSING(getTCPSocket, "the sockets are the server's; with your own loop see LoopServer")
    ICY_TURN_MISSING(releaseTCPSocket, "the sockets are the server's")
    ICY_TURN_MISSING(udpSocket, "the sockets are the server's; address() tells where it listens")
    ICY_TURN_MISSING(tcpSocket, "the sockets are the server's; address() tells where it listens")
    ICY_TURN_MISSING(timer, "the server keeps the time; with your own loop see LoopServer")
    ICY_TURN_MISSING(onTCPAcceptConnection, "the sockets are the server's")
    ICY_TURN_MISSING(onTCPSocketClosed, "the sockets are the server's")
    ICY_TURN_MISSING(onSocketRecv, "the sockets are the server's")
    ICY_TURN_MISSING(onTimer, "the server keeps the time")
    ICY_TURN_MISSING(scheduleDeferredTCPSocketRelease, "the sockets are the server's")
    ICY_TURN_MISSING(drainReleasedTCPSockets, "the sockets are the server's")

private:
    /// Null for a handle. Read byte by byte as volatile, because a compiler may read ahead what an object has, and
    /// behind a handle there is nothing.
    detail::Owner* owner() const
    {
        if (detail::isHandle(this))
            return nullptr;
        const volatile unsigned char* from = _owner;
        unsigned char bytes[sizeof(_owner)];
        for (auto& byte : bytes)
            byte = *from++;
        detail::Owner* owner;
        std::memcpy(&owner, bytes, sizeof(owner));
        return owner;
    }

    pjauth_turn_server* c() const
    {
        auto* const own = owner();
        return own ? own->server : detail::handle<pjauth_turn_server>(this);
    }

    detail::Owner* madeBy() const
    {
        auto* const own = owner();
        return own ? own : detail::Owners::all().of(c());
    }

    unsigned char _owner[sizeof(detail::Owner*)];
};

static_assert(alignof(Server) == 1, "its address may be a handle, which is odd");

/// The name that an owner had before it could be called a Server.
using ServerOwner = Server;

inline int Server::start()
{
    auto* const own = owner();
    if (!own || own->server)
        return pjauth_turn_server_start(c());
    detail::Options options(*own);
    pjauth_turn_server* made = nullptr;
    int status = pjauth_turn_server_create(options.c(), detail::observerOf(*own), &made);
    own->error = status == 0 ? std::string() : detail::inWords(status);
    if (status != 0)
        return status;
    detail::Owners::all().setServer(own, made);
    status = pjauth_turn_server_start(made);
    if (status == 0)
        return 0;
    own->error = detail::text(
        [made](char* out, std::size_t size) { return pjauth_turn_server_error(made, out, size); });
    stop();
    return status;
}

} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
