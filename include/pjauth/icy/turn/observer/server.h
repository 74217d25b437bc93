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

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

// Where icey's logger is at hand, a server without a log function of its own writes there.
#if __has_include(<icy/logger.h>)
#include <icy/logger.h>
#define ICY_TURN_HAS_LOGGER 1
#else
#define ICY_TURN_HAS_LOGGER 0
#endif

#include "allocation.h"
#include "request.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {

constexpr std::uint32_t kServerDefaultLifetime = 2 * 60 * 1000;
constexpr std::uint32_t kServerMaxLifetime = 15 * 60 * 1000;
constexpr int kServerMaxPermissions = 10;
constexpr int kServerTimerInterval = 10 * 1000;
constexpr int kServerEarlyMediaBufferSize = 8192;

class Server;
struct ServerObserver;

namespace detail {

inline void forget(const ServerObserver* observer);

} // namespace detail

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

    /// A server that outlives its observer lets nobody in from here on. Better have the server go first: what derives
    /// from this is gone already, and must not have been in use.
    ~ServerObserver() { detail::forget(this); }
};

static_assert(sizeof(ServerObserver) == sizeof(pjauth_turn_observer), "a pointer to the table, and nothing else");
static_assert(alignof(ServerObserver) == alignof(pjauth_turn_observer), "the same");
static_assert(!std::has_virtual_destructor<ServerObserver>::value, "the table has three entries");
static_assert(sizeof(AuthenticationState) == sizeof(int), "authenticate_request returns an int");

/// A certificate with those that lead to the one that clients trust, and its key: PEM files.
struct Certificate {
    std::string chainFile;
    std::string keyFile;
};

/// What a server is made with. Lifetimes are in milliseconds, as with icey.
struct ServerOptions {
    std::string software;
    std::string realm = "pjauth";
    std::uint32_t allocationDefaultLifetime = 10 * 60 * 1000;
    std::uint32_t allocationMaxLifetime = 60 * 60 * 1000;
    int allocationMaxPermissions = 256;
    detail::Address listenAddr{"0.0.0.0", 3478};
    std::string externalIP; ///< What clients and peers see in place of listenAddr's address.
    bool enableTCP = true;
    bool enableUDP = true;

    /// Lets clients reach private and loopback addresses, for which they still need a permission. Off by default, where
    /// icey has it on: it opens the server's own network to its clients.
    bool enableLocalIPPermissions = false;

    // Beyond icey's.

    detail::Address listenAddr6; ///< IPv6 beside listenAddr's IPv4, such as {"::", 3478}; empty for none.
    std::string externalIP6;     ///< What clients and peers see in place of listenAddr6's address.
    std::vector<std::string> allowedPeers; ///< Ranges such as 10.1.0.0/16 that clients may reach as well.
    std::vector<std::string> deniedPeers;  ///< Ranges that they may not; the most specific range decides.
    int kernel = PJAUTH_TURN_KERNEL_OFF;   ///< Relay ChannelData in the kernel: PJAUTH_TURN_KERNEL_ON, or _REQUIRED.
    std::vector<std::string> kernelInterfaces; ///< Where: by name; empty for those of the addresses.
    std::vector<std::string> proxies;      ///< Ranges of proxies that speak the PROXY protocol to TCP and TLS listeners.
    detail::Address tlsAddr;               ///< Where clients come over TLS, such as {"0.0.0.0", 5349}.
    std::vector<Certificate> certificates; ///< At least one for TLS; of several, clients get that of the name they ask for.
    std::string clientAuthorities;         ///< PEM file of who signs clients' certificates, if those may show one.
    unsigned userQuota = 0;                ///< Allocations of a user; 0 for any number.
    unsigned workers = 0;                  ///< Threads; 0 for one for each processor.
    unsigned guessesPerMinute = 60;        ///< Wrong keys looked at from a source, and for a user; 0 for any number.
    unsigned guessBurst = 100;             ///< How many of these at once.
    bool enableBinding = true;             ///< Answer STUN's Binding requests.
    unsigned heldDeadline = 30 * 1000;     ///< How long a request may wait for handleRequest(), in milliseconds.
    bool askEachRequest = false;           ///< Ask about Refresh, CreatePermission, ChannelBind and Connect too.
    bool enableTCPRelays = true;           ///< Connections to and from peers (RFC 6062), for clients over TCP and TLS.

    /// Offer SHA-256 to clients of RFC 8489. Needs an observer that sets passwords, or keys for both.
    bool enableSHA256 = false;

    /// Gets the server's log: 1 error, 2 warning, 3 information. Called from any thread, must not throw.
    std::function<void(int level, const char* line)> log;

    /// Has the last word before a server is made, on what C programs set (pjauth_turn_options): more listeners, ports,
    /// secrets, rates, limits. What it points the options to lives until start() returns.
    std::function<void(pjauth_turn_options& options)> adjust;

    // icey's timer and buffer, which are not there: kept so that what sets them compiles.
    int timerInterval = 0;
    int earlyMediaBufferSize = 0;
};

namespace detail {

/// What belongs to a server that a program has made.
struct Owner {
    ServerObserver* observer;
    ServerOptions options;
    pjauth_turn_server* server = nullptr;
    std::string error;
};

/// Certificates as C wants them, as long as these live.
inline std::vector<pjauth_turn_certificate> certificates(const std::vector<Certificate>& all)
{
    std::vector<pjauth_turn_certificate> found;
    for (const auto& each : all)
        found.push_back({each.chainFile.c_str(), each.keyFile.c_str(), nullptr, nullptr});
    return found;
}

/// Whom the servers of the program belong to. What is looked up by a handle is here and not behind the handle's user
/// data, which is the application's. Never destroyed: servers and observers may be static.
class __attribute__((visibility("default"))) Owners
{
public:
    static Owners& all()
    {
        static Owners& owners = *new Owners;
        return owners;
    }

    void add(Owner* owner)
    {
        std::lock_guard<std::mutex> lock(_mutex);
        _owners.push_back(owner);
    }

    void remove(Owner* owner)
    {
        std::lock_guard<std::mutex> lock(_mutex);
        _owners.erase(std::remove(_owners.begin(), _owners.end(), owner), _owners.end());
    }

    void setServer(Owner* owner, pjauth_turn_server* server)
    {
        std::lock_guard<std::mutex> lock(_mutex);
        owner->server = server;
    }

    Owner* of(const pjauth_turn_server* server) const
    {
        std::lock_guard<std::mutex> lock(_mutex);
        for (auto* owner : _owners)
            if (server && owner->server == server)
                return owner;
        return nullptr;
    }

    /// Takes an observer from its servers. Returns those that run.
    std::vector<pjauth_turn_server*> leave(const ServerObserver* observer)
    {
        std::vector<pjauth_turn_server*> left;
        std::lock_guard<std::mutex> lock(_mutex);
        for (auto* owner : _owners) {
            if (owner->observer != observer)
                continue;
            owner->observer = nullptr;
            if (owner->server)
                left.push_back(owner->server);
        }
        return left;
    }

private:
    mutable std::mutex _mutex;
    std::vector<Owner*> _owners;
};

/// Stands where an observer is asked for and there is none: lets nobody in.
struct NoObserver final : ServerObserver {
    void onServerAllocationCreated(Server*, IAllocation*) override {}
    void onServerAllocationRemoved(Server*, IAllocation*) override {}
    AuthenticationState authenticateRequest(Server*, Request&) override { return AuthenticationState::NotAuthorized; }

    static NoObserver& instance()
    {
        static NoObserver& none = *new NoObserver;
        return none;
    }
};

inline void forget(const ServerObserver* observer)
{
    for (auto* server : Owners::all().leave(observer))
        pjauth_turn_server_forget_observer(server);
}

} // namespace detail

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

namespace detail {

/// Where a server's log goes: the owner's function or icey's logger. `owner` is an Owner.
inline void log(void* owner, int level, const char* line)
{
    const auto& function = static_cast<const Owner*>(owner)->options.log;
    if (function)
        return function(level, line);
#if ICY_TURN_HAS_LOGGER
    if (level <= 1)
        LError("TURN: ", line);
    else if (level == 2)
        LWarn("TURN: ", line);
    else
        LInfo("TURN: ", line);
#endif
}

/// Strings as C wants them, as long as these live.
inline std::vector<const char*> pointers(const std::vector<std::string>& strings)
{
    std::vector<const char*> found;
    for (const auto& string : strings)
        found.push_back(string.c_str());
    return found;
}

/// ServerOptions as C wants them. Points to what it was made of, and to itself.
class Options
{
public:
    explicit Options(Owner& owner)
        : _given(owner.options)
        , _allowed(_given.allowedPeers)
        , _denied(_given.deniedPeers)
        , _certificates(certificates(_given.certificates))
        , _host(_given.listenAddr.host())
        , _host6(_given.listenAddr6.host())
        , _tlsHost(_given.tlsAddr.host())
    {
        if (_given.enableLocalIPPermissions) {
            _allowed.insert(_allowed.end(),
                            {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1"});
            _denied.push_back("fd00:ec2::254"); // a cloud's metadata
        }
        _allow = pointers(_allowed);
        _deny = pointers(_denied);
        _proxies = pointers(_given.proxies);
        _kernelInterfaces = pointers(_given.kernelInterfaces);
        listen(_host, _given.listenAddr.port());
        if (_given.listenAddr6.valid())
            listen(_host6, _given.listenAddr6.port());
        if (_given.tlsAddr.port() != 0)
            _listeners.push_back({_tlsHost.c_str(), _given.tlsAddr.port(), PJAUTH_TURN_TLS});
        if (!_given.externalIP.empty() || !_given.externalIP6.empty()) {
            relay(_host, _given.externalIP);
            if (_given.listenAddr6.valid())
                relay(_host6, _given.externalIP6);
        }

        pjauth_turn_options_init(&_c, sizeof(_c));
        _c.realm = _given.realm.c_str();
        _c.software = _given.software.empty() ? nullptr : _given.software.c_str();
        _c.listeners = _listeners.data();
        _c.listener_count = static_cast<unsigned>(_listeners.size());
        _c.relays = _relays.data();
        _c.relay_count = static_cast<unsigned>(_relays.size());
        fillNumbers();
        _c.allow = _allow.data();
        _c.allow_count = static_cast<unsigned>(_allow.size());
        _c.deny = _deny.data();
        _c.deny_count = static_cast<unsigned>(_deny.size());
        _c.kernel = _given.kernel;
        _c.kernel_interfaces = _kernelInterfaces.data();
        _c.kernel_interface_count = static_cast<unsigned>(_kernelInterfaces.size());
        _c.proxies = _proxies.data();
        _c.proxy_count = static_cast<unsigned>(_proxies.size());
        _c.certificates = _certificates.data();
        _c.certificate_count = static_cast<unsigned>(_certificates.size());
        _authorities = {_given.clientAuthorities.c_str(), nullptr, nullptr, nullptr};
        if (!_given.clientAuthorities.empty())
            _c.client_authorities = &_authorities;
        if (_given.log || ICY_TURN_HAS_LOGGER) {
            _c.log = detail::log;
            _c.log_user_data = &owner;
        }
        if (_given.adjust)
            _given.adjust(_c);
    }

    Options(const Options&) = delete;
    Options& operator=(const Options&) = delete;

    pjauth_turn_options* c() { return &_c; }

private:
    void listen(const std::string& ip, std::uint16_t port)
    {
        if (_given.enableUDP)
            _listeners.push_back({ip.c_str(), port, PJAUTH_TURN_UDP});
        if (_given.enableTCP)
            _listeners.push_back({ip.c_str(), port, PJAUTH_TURN_TCP});
    }

    void relay(const std::string& ip, const std::string& external)
    {
        _relays.push_back({ip.c_str(), external.empty() ? nullptr : external.c_str()});
    }

    void fillNumbers()
    {
        const auto seconds = [](unsigned msec) { return std::max(1u, msec / 1000); };
        _c.workers = _given.workers;
        _c.algorithms = _given.enableSHA256 ? PJAUTH_TURN_MD5 | PJAUTH_TURN_SHA256 : PJAUTH_TURN_MD5;
        _c.default_lifetime = seconds(_given.allocationDefaultLifetime);
        _c.max_lifetime = seconds(_given.allocationMaxLifetime);
        _c.max_permissions = static_cast<unsigned>(std::max(0, _given.allocationMaxPermissions));
        _c.user_quota = _given.userQuota;
        _c.held_deadline_msec = _given.heldDeadline;
        _c.guesses_per_minute = _given.guessesPerMinute;
        _c.guess_burst = _given.guessBurst;
        _c.binding = _given.enableBinding;
        _c.ask_each = _given.askEachRequest;
        _c.tcp_relays = _given.enableTCPRelays;
    }

    const ServerOptions& _given;
    std::vector<std::string> _allowed, _denied;
    std::vector<const char*> _allow, _deny, _proxies, _kernelInterfaces;
    const std::vector<pjauth_turn_certificate> _certificates;
    pjauth_turn_certificate _authorities;
    const std::string _host, _host6, _tlsHost;
    std::vector<pjauth_turn_listener> _listeners;
    std::vector<pjauth_turn_relay> _relays;
    pjauth_turn_options _c;
};

/// The observer's first word is the address of its table: that is all that the library looks at.
inline pjauth_turn_observer* observerOf(const Owner& owner)
{
    return reinterpret_cast<pjauth_turn_observer*>(owner.observer);
}

/// What a status is in words, where nothing else is known.
inline std::string inWords(int status)
{
    if (status > 120000)
        return std::strerror(status - 120000);
    return "an option or its value makes no sense (status " + std::to_string(status) + ")";
}

} // namespace detail

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
