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

#ifndef ICY_TURN_SERVER_SERVER_H
#define ICY_TURN_SERVER_SERVER_H

#include <functional>
#include <map>

#include "../iallocation.h"
#include "../types.h"

namespace icy {
namespace turn {

class Server;

/// What an application implements. An object of a class that derives from it, and from nothing else with virtual
/// functions, or from others as well, is what pjauth_turn_observer describes: a pointer to a table of three functions.
/// Never add a virtual function or a data member here.
///
/// The functions are called on the server's threads, for different clients at the same time, with no lock held: they
/// may call anything of the server's, except that stop() cannot wait for the function that calls it. An exception that
/// leaves one is logged and ends there; of authenticateRequest() it counts as NotAuthorized.
struct ServerObserver {
    /// An allocation exists.
    virtual void onServerAllocationCreated(Server* server, IAllocation* alloc) = 0;

    /// An allocation ends, for whatever reason; its figures can still be read. Once for each that was created.
    virtual void onServerAllocationRemoved(Server* server, IAllocation* alloc) = 0;

    /// Decides about a request, which has a user name, the realm, a nonce that is fresh, and a signature that is yet to
    /// be verified. Before Authorized, set what verifies it: request.hash or request.setPassword().
    virtual AuthenticationState authenticateRequest(Server* server, Request& request) = 0;
};

static_assert(sizeof(ServerObserver) == sizeof(pjauth_turn_observer), "a pointer to the table, and nothing else");
static_assert(alignof(ServerObserver) == alignof(pjauth_turn_observer), "the same");
static_assert(!std::has_virtual_destructor<ServerObserver>::value, "the table has three entries");
static_assert(sizeof(AuthenticationState) == sizeof(int), "authenticate_request returns an int");

/// What a server is made with. Lifetimes are in milliseconds, as with icey.
struct ServerOptions {
    std::string software;
    std::string realm = "pjauth";
    std::uint32_t allocationDefaultLifetime = 10 * 60 * 1000;
    std::uint32_t allocationMaxLifetime = 60 * 60 * 1000;
    int allocationMaxPermissions = 256;
    detail::Address listenAddr{"0.0.0.0", 3478};
    std::string externalIP; ///< What clients and peers see in place of listenAddr, which then names one address.
    bool enableTCP = true;
    bool enableUDP = true;

    /// Lets clients reach private and loopback addresses, for which they still need a permission. Off by default, where
    /// icey has it on: it opens the server's own network to its clients.
    bool enableLocalIPPermissions = false;

    // Beyond icey's.

    std::vector<std::string> allowedPeers; ///< Ranges such as 10.1.0.0/16 that clients may reach as well.
    std::vector<std::string> deniedPeers;  ///< Ranges that they may not; the most specific range decides.
    std::vector<std::string> proxies;      ///< Ranges of proxies that speak the PROXY protocol to the TCP listener.
    unsigned userQuota = 0;                ///< Allocations of a user; 0 for any number.
    unsigned workers = 0;                  ///< Threads; 0 for one for each processor.
    unsigned heldDeadline = 30 * 1000;     ///< How long a request may wait for handleRequest(), in milliseconds.
    unsigned guessesPerMinute = 60;        ///< Wrong keys looked at from a source, and for a user; 0 for any number.
    unsigned guessBurst = 100;             ///< How many of these at once.
    bool enableBinding = true;             ///< Answer STUN's Binding requests.
    bool askEachRequest = false;           ///< Ask about Refresh, CreatePermission and ChannelBind too, as icey does.

    /// Offer SHA-256 to clients of RFC 8489. Needs an observer that sets passwords, or keys for both.
    bool enableSHA256 = false;

    /// Gets the server's log: 1 error, 2 warning, 3 information. Called from any thread, must not throw.
    std::function<void(int level, const char* line)> log;

    // icey's timer and buffer, which are not there: kept so that what sets them compiles.
    int timerInterval = 0;
    int earlyMediaBufferSize = 0;
};

namespace detail {

/// What can be done with a server, by whoever owns it or is lent its handle: Self has a c().
template <class Self>
class ServerCalls
{
public:
    /// Answers a request that authenticateRequest() said Authenticating of, once, from any thread. Returns 0, or
    /// PJ_EINVAL where it was answered before or is gone: then nothing happens.
    int handleRequest(Request& request, AuthenticationState state)
    {
        return pjauth_turn_handle_request(handle<pjauth_turn_request>(&request), static_cast<int>(state));
    }

    /// The allocations that exist now.
    std::map<FiveTuple, ServerAllocation*> allocations() const
    {
        std::vector<pjauth_turn_allocation_info> known;
        unsigned count = 0, room;
        do {
            known.resize(room = count + 8);
            count = room;
            if (pjauth_turn_server_allocations(c(), known.data(), sizeof(struct pjauth_turn_allocation_info), &count) != 0)
                return {};
        } while (count > room);
        known.resize(count);
        std::map<FiveTuple, ServerAllocation*> found;
        for (const auto& each : known) {
            const auto client = Address::parse(each.client), server = Address::parse(each.server);
            found[{client, server, detail::transport(each.transport)}] =
                reinterpret_cast<ServerAllocation*>(each.allocation);
        }
        return found;
    }

    // Beyond icey's.

    /// Where clients reach it, by UDP if it serves that; with the port that it got where 0 was asked for.
    Address address() const
    {
        return Address::parse(
            text([this](char* out, std::size_t size) { return pjauth_turn_server_listener(c(), 0, nullptr, out, size); }));
    }

    /// How many allocations a user may have from now on; more get 486. Negative for ServerOptions::userQuota.
    bool setUserQuota(const std::string& user, int quota)
    {
        return pjauth_turn_server_set_user_quota(c(), user.c_str(), quota) == 0;
    }

    /// Ends all allocations of a user. Returns how many.
    unsigned revokeUser(const std::string& user)
    {
        unsigned count = 0;
        pjauth_turn_server_revoke_user(c(), user.c_str(), &count);
        return count;
    }

private:
    pjauth_turn_server* c() const { return static_cast<const Self*>(this)->c(); }
};

} // namespace detail

/// A server, as its observer gets to see it.
class Server : public detail::ServerCalls<Server>
{
public:
    Server() = delete;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

private:
    friend ServerCalls;
    pjauth_turn_server* c() const { return detail::handle<pjauth_turn_server>(this); }
};

static_assert(std::is_empty<Server>::value && alignof(Server) == 1, "nothing is there to be looked at");

/// Owns a server: what an application makes. Where observer and server are members of one object, or the server is a
/// member of the observer, it comes last, so that it is gone before what the observer uses is. One thread at a time uses
/// the owner; the handle, server(), may be used from any.
class ServerOwner : public detail::ServerCalls<ServerOwner>
{
public:
    /// Nothing happens before start(). The observer must outlive the server.
    explicit ServerOwner(ServerObserver& observer, ServerOptions options = ServerOptions())
        : _observer(&observer)
        , _options(std::move(options))
    {
    }

    ServerOwner(const ServerOwner&) = delete;
    ServerOwner& operator=(const ServerOwner&) = delete;

    /// Not in one of the observer's functions, which nobody could outlive.
    ~ServerOwner() { stop(); }

    /// Binds the sockets and starts the threads. Returns 0, or a status of PJLIB's kind: PJ_EINVAL for options that
    /// make no sense, PJ_EINVALIDOP where it runs already, an error of the system's. The log says more.
    int start();

    /// Removes every allocation, of which the observer is told, and ends the threads. Called from one of the observer's
    /// functions it returns PJ_EINVALIDOP, and what is said happens after that function has returned.
    int stop()
    {
        if (!_server)
            return 0;
        // In two steps: the server's handle is alive while the observer is told.
        pjauth_turn_server_stop(_server);
        const int status = pjauth_turn_server_destroy(_server);
        if (status == 0)
            _server = nullptr;
        return status;
    }

    /// What observers are given as `server`, from start() to stop(); null before and after.
    Server* server() const { return reinterpret_cast<Server*>(_server); }

    const ServerOptions& options() const { return _options; }
    ServerObserver& observer() const { return *_observer; }

private:
    friend ServerCalls;
    pjauth_turn_server* c() const { return _server; }

    static void log(void* self, int level, const char* line)
    {
        static_cast<const ServerOwner*>(self)->_options.log(level, line);
    }

    ServerObserver* _observer;
    ServerOptions _options;
    pjauth_turn_server* _server = nullptr;
};

namespace detail {

/// Strings as C wants them, as long as these live.
inline std::vector<const char*> pointers(const std::vector<std::string>& strings)
{
    std::vector<const char*> found;
    for (const auto& string : strings)
        found.push_back(string.c_str());
    return found;
}

} // namespace detail

inline int ServerOwner::start()
{
    if (_server)
        return pjauth_turn_server_start(_server);
    const auto seconds = [](unsigned msec) { return std::max(1u, msec / 1000); };
    auto allowed = _options.allowedPeers, denied = _options.deniedPeers;
    if (_options.enableLocalIPPermissions) {
        allowed.insert(allowed.end(),
                       {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1"});
        denied.push_back("fd00:ec2::254"); // a cloud's metadata
    }
    const auto allow = detail::pointers(allowed), deny = detail::pointers(denied),
               proxies = detail::pointers(_options.proxies);
    const char* const ip = _options.listenAddr.host().c_str();
    std::vector<pjauth_turn_listener> listeners;
    if (_options.enableUDP)
        listeners.push_back({ip, _options.listenAddr.port(), PJAUTH_TURN_UDP});
    if (_options.enableTCP)
        listeners.push_back({ip, _options.listenAddr.port(), PJAUTH_TURN_TCP});
    const pjauth_turn_relay relay = {ip, _options.externalIP.c_str()};

    pjauth_turn_options options;
    pjauth_turn_options_init(&options, sizeof(options));
    options.realm = _options.realm.c_str();
    options.software = _options.software.empty() ? nullptr : _options.software.c_str();
    options.listeners = listeners.data();
    options.listener_count = static_cast<unsigned>(listeners.size());
    if (!_options.externalIP.empty()) {
        options.relays = &relay;
        options.relay_count = 1;
    }
    options.workers = _options.workers;
    options.algorithms = _options.enableSHA256 ? PJAUTH_TURN_MD5 | PJAUTH_TURN_SHA256 : PJAUTH_TURN_MD5;
    options.default_lifetime = seconds(_options.allocationDefaultLifetime);
    options.max_lifetime = seconds(_options.allocationMaxLifetime);
    options.max_permissions = static_cast<unsigned>(std::max(0, _options.allocationMaxPermissions));
    options.user_quota = _options.userQuota;
    options.held_deadline_msec = _options.heldDeadline;
    options.allow = allow.data();
    options.allow_count = static_cast<unsigned>(allow.size());
    options.deny = deny.data();
    options.deny_count = static_cast<unsigned>(deny.size());
    options.proxies = proxies.data();
    options.proxy_count = static_cast<unsigned>(proxies.size());
    options.ask_each = _options.askEachRequest;
    options.guesses_per_minute = _options.guessesPerMinute;
    options.guess_burst = _options.guessBurst;
    options.binding = _options.enableBinding;
    if (_options.log) {
        options.log = log;
        options.log_user_data = this;
    }
    // The observer's first word is the address of its table: that is all that the library looks at.
    auto* observer = reinterpret_cast<pjauth_turn_observer*>(_observer);
    int status = pjauth_turn_server_create(&options, observer, &_server);
    if (status == 0)
        status = pjauth_turn_server_start(_server);
    if (status != 0)
        stop();
    return status;
}

} // namespace turn
} // namespace icy

#endif
