/* The names of icey's TURN server over pjauth.h, so that an observer written for icey compiles.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Header-only C++17, with or without exceptions; link libpjauth-turn. What an icey user edits:
 *
 *   turn::Server server(*this, options);     turn::ServerOwner server(*this, options);
 *   request.hash = key;                      request.setHash(key);  or request.setPassword(password);
 *   integrity->verifyHmac(request.hash)      request.verify();  or nothing: Authorized counts only if it holds
 *   request.remoteAddress, .transport        request.remoteAddress(), .transport()
 *   server->allocations(), a map             a vector of IAllocation*
 *
 * docs/icey.md has the whole list, and what behaves differently.
 *
 * Server, Request and IAllocation are classes without data. Where icey points to an object, here the address is the
 * handle that the library lent: `this` is looked up, never followed. Such a pointer may be kept, and used at any time
 * from any thread: when what it stands for is gone, getters return empty values and the others PJ_EINVAL or false.
 * Objects of these classes cannot be made, copied or deleted.
 */

#ifndef ICY_TURN_SERVER_SERVER_H
#define ICY_TURN_SERVER_SERVER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pjauth.h"

namespace icy {

namespace turn {

/// An IP address and a port.
class Address
{
public:
    Address() = default;
    Address(std::string host, std::uint16_t port)
        : _host(std::move(host))
        , _port(port)
    {
    }

    /// From icey's net::Address, and whatever else has a host() and a port().
    template <class Other, class = decltype(std::declval<const Other&>().host()),
              class = decltype(std::declval<const Other&>().port())>
    Address(const Other& other)
        : _host(other.host())
        , _port(other.port())
    {
    }

    /// From `IP:PORT`, with brackets around an IPv6 address; what is neither gives an empty address.
    static Address parse(const std::string& text)
    {
        const auto colon = text.rfind(':');
        if (colon == std::string::npos)
            return {};
        const bool brackets = colon >= 2 && text[0] == '[' && text[colon - 1] == ']';
        const auto host = brackets ? text.substr(1, colon - 2) : text.substr(0, colon);
        return {host, static_cast<std::uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10))};
    }

    const std::string& host() const { return _host; }
    std::uint16_t port() const { return _port; }
    bool valid() const { return !_host.empty(); }

    /// `IP:PORT`, with brackets around an IPv6 address; empty for an empty address.
    std::string toString() const
    {
        if (!valid())
            return {};
        const bool v6 = _host.find(':') != std::string::npos;
        return (v6 ? "[" + _host + "]" : _host) + ":" + std::to_string(_port);
    }

    friend bool operator==(const Address& a, const Address& b) { return a._host == b._host && a._port == b._port; }
    friend bool operator!=(const Address& a, const Address& b) { return !(a == b); }
    friend std::ostream& operator<<(std::ostream& stream, const Address& address)
    {
        return stream << address.toString();
    }

private:
    std::string _host;
    std::uint16_t _port = 0;
};

} // namespace turn

// Where icey's own headers are at hand, these are theirs.
#if !__has_include(<icy/net/address.h>)
namespace net {

using turn::Address;

} // namespace net
#endif
#if !__has_include(<icy/stun/message.h>)
namespace stun {

struct Message {
    enum MethodType {
        Binding = 0x001,
        Allocate = 0x003,
        Refresh = 0x004,
        SendIndication = 0x006,
        DataIndication = 0x007,
        CreatePermission = 0x008,
        ChannelBind = 0x009
    };
};

struct Username { enum { TypeID = 0x0006 }; };
struct MessageIntegrity { enum { TypeID = 0x0008 }; };
struct Realm { enum { TypeID = 0x0014 }; };
struct Nonce { enum { TypeID = 0x0015 }; };

} // namespace stun
#endif

namespace turn {

/// What an observer says of a request.
enum class AuthenticationState : int {
    Authenticating = 1, ///< The answer comes later, by Server::handleRequest().
    Authorized = 2,     ///< Yes, if the client proves to hold the key.
    QuotaReached = 3,   ///< No, for now: 486.
    NotAuthorized = 4   ///< No: 401.
};

enum class Transport { UDP, TCP };

class IAllocation;
class Request;
class Server;

/// What an application implements. An object of a class that derives from it, and from nothing else with virtual
/// functions, or from others as well, is what pjauth_turn_observer describes: a pointer to a table of three functions.
/// Never add a virtual function or a data member here.
///
/// The functions are called on the server's threads, for different clients at the same time, with no lock held: they
/// may call anything of the server's, except that stop() cannot wait for the function that calls it.
struct ServerObserver {
    /// An allocation exists.
    virtual void onServerAllocationCreated(Server* server, IAllocation* alloc) = 0;

    /// An allocation ends, for whatever reason; its figures can still be read. Once for each that was created.
    virtual void onServerAllocationRemoved(Server* server, IAllocation* alloc) = 0;

    /// Decides about a request, which has a user name, the realm, a nonce that is fresh, and a signature that is yet to
    /// be verified. Before Authorized, set what verifies it: request.setPassword() or setHash().
    virtual AuthenticationState authenticateRequest(Server* server, Request& request) = 0;
};

static_assert(sizeof(ServerObserver) == sizeof(pjauth_turn_observer), "a pointer to the table, and nothing else");
static_assert(alignof(ServerObserver) == alignof(pjauth_turn_observer), "the same");
static_assert(!std::has_virtual_destructor<ServerObserver>::value, "the table has three entries");
static_assert(sizeof(AuthenticationState) == sizeof(int), "authenticate_request returns an int");

namespace detail {

/// Reads text with one of the C functions that write it as snprintf() does.
template <class Write>
std::string text(Write write)
{
    std::string text(write(nullptr, 0), '\0');
    // One byte more than size() holds the terminator.
    const auto length = write(&text[0], text.size() + 1);
    text.resize(length < text.size() ? length : text.size());
    return text;
}

/// What is known of a handle under its C type.
template <class C, class Icy>
C* handle(const Icy* object)
{
    return reinterpret_cast<C*>(const_cast<Icy*>(object));
}

} // namespace detail

/// The way between a client and the server.
class FiveTuple
{
public:
    FiveTuple() = default;
    FiveTuple(Address remote, Address local, Transport transport)
        : _remote(std::move(remote))
        , _local(std::move(local))
        , _transport(transport)
    {
    }

    const Address& remote() const { return _remote; } ///< The client's.
    const Address& local() const { return _local; }   ///< The server's.
    Transport transport() const { return _transport; }

    std::string toString() const
    {
        return (_transport == Transport::TCP ? "TCP " : "UDP ") + _remote.toString() + " " + _local.toString();
    }

private:
    Address _remote, _local;
    Transport _transport = Transport::UDP;
};

/// An attribute of a request. Whether it is there is asked as of a pointer, as with icey.
class Attribute
{
public:
    Attribute(bool exists, std::string text)
        : _exists(exists)
        , _text(std::move(text))
    {
    }

    explicit operator bool() const { return _exists; }
    const Attribute* operator->() const { return this; }
    const std::string& asString() const { return _text; }

private:
    bool _exists;
    std::string _text;
};

/// A request that waits for a decision. It can be used until handleRequest() has taken it, or the server has given it
/// up: its deadline, the client's connection, or the server's stop.
class Request
{
public:
    Request() = delete;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    /// stun::Message::Allocate, and others where ServerOptions::askEachRequest is set.
    int methodType() const { return pjauth_turn_request_method(c()); }

    /// Empty where the client hides it (USERHASH).
    std::string username() const
    {
        return detail::text([this](char* out, std::size_t size) { return pjauth_turn_request_username(c(), out, size); });
    }

    std::string realm() const
    {
        return detail::text([this](char* out, std::size_t size) { return pjauth_turn_request_realm(c(), out, size); });
    }

    Address remoteAddress() const
    {
        return Address::parse(detail::text(
            [this](char* out, std::size_t size) { return pjauth_turn_request_client_address(c(), out, size); }));
    }

    Address localAddress() const
    {
        return Address::parse(detail::text(
            [this](char* out, std::size_t size) { return pjauth_turn_request_server_address(c(), out, size); }));
    }

    Transport transport() const
    {
        return pjauth_turn_request_transport(c()) == PJAUTH_TURN_TCP ? Transport::TCP : Transport::UDP;
    }

    /// The attributes that an icey observer looks for. Each is there while the request is, or it would not have been
    /// put to the observer; the nonce and the signature are the server's business, and have no text.
    template <class T>
    Attribute get() const
    {
        static_assert(T::TypeID == stun::Username::TypeID || T::TypeID == stun::Realm::TypeID ||
                          T::TypeID == stun::Nonce::TypeID || T::TypeID == stun::MessageIntegrity::TypeID,
                      "Username, Realm, Nonce and MessageIntegrity");
        const bool exists = methodType() != 0;
        if (T::TypeID == stun::Username::TypeID)
            return {exists, username()};
        if (T::TypeID == stun::Realm::TypeID)
            return {exists, realm()};
        return {exists, {}};
    }

    /// How many allocations the user may have at once, this one included; where it would be more, Authorized becomes
    /// QuotaReached.
    bool setQuota(unsigned quota) { return pjauth_turn_request_set_quota(c(), quota) == 0; }

    /// What the client must prove to know. False where the request is gone.
    bool setPassword(const std::string& password)
    {
        return pjauth_turn_request_set_password(c(), password.c_str()) == 0;
    }

    /// The same, stored: the 16 bytes of MD5(user:realm:password) or the 32 of SHA-256. False for other lengths.
    bool setHash(const std::string& key)
    {
        const auto algorithm = key.size() == 16 ? PJAUTH_TURN_MD5 : PJAUTH_TURN_SHA256;
        return pjauth_turn_request_set_key(c(), algorithm, reinterpret_cast<const std::uint8_t*>(key.data()),
                                           key.size()) == 0;
    }

    /// Whether the client knows what was set. The server asks the same after Authorized; ask it before if the answer
    /// is to depend on it, such as for taking something that others want too.
    bool verify() const { return pjauth_turn_request_verify(c()) == 1; }

private:
    pjauth_turn_request* c() const { return detail::handle<pjauth_turn_request>(this); }
};

struct Permission {
    std::string ip;
};

using PermissionList = std::vector<Permission>;

/// An allocation, from onServerAllocationCreated() to the end of onServerAllocationRemoved().
class IAllocation
{
public:
    IAllocation() = delete;
    IAllocation(const IAllocation&) = delete;
    IAllocation& operator=(const IAllocation&) = delete;

    std::string username() const { return info().username; }
    Address relayedAddress() const { return Address::parse(info().relayed); }

    FiveTuple tuple() const
    {
        const auto known = info();
        return {Address::parse(known.client), Address::parse(known.server),
                known.transport == PJAUTH_TURN_TCP ? Transport::TCP : Transport::UDP};
    }

    /// Who may send to the client now.
    PermissionList permissions() const
    {
        const auto lines = detail::text(
            [this](char* out, std::size_t size) { return pjauth_turn_allocation_permissions(c(), out, size); });
        PermissionList found;
        for (std::size_t start = 0; start < lines.size();) {
            const auto end = std::min(lines.find('\n', start), lines.size());
            found.push_back({lines.substr(start, end - start)});
            start = end + 1;
        }
        return found;
    }

    bool hasPermission(const std::string& ip) const
    {
        for (const auto& permission : permissions())
            if (permission.ip == ip)
                return true;
        return false;
    }

    /// Ends it unless the client refreshes it within so many seconds.
    bool setLifetime(std::int64_t seconds)
    {
        return pjauth_turn_allocation_set_lifetime(c(), seconds > 0 ? static_cast<std::uint64_t>(seconds) * 1000 : 0) == 0;
    }

    /// Ends it with the packet that goes beyond so many bytes, both directions together and those relayed already
    /// included; 0 for no limit.
    bool setBandwidthLimit(std::int64_t bytes)
    {
        const auto limit = bytes > 0 ? static_cast<std::uint64_t>(bytes) : PJAUTH_TURN_UNLIMITED;
        return pjauth_turn_allocation_set_bandwidth_limit(c(), limit) == 0;
    }

    /// Bytes a second, both directions together, and how many at once after a pause.
    bool setRate(std::uint64_t bytesPerSecond, std::uint64_t burst)
    {
        return pjauth_turn_allocation_set_rate(c(), bytesPerSecond, burst) == 0;
    }

    /// Ends it. onServerAllocationRemoved() follows.
    bool revoke() { return pjauth_turn_allocation_revoke(c()) == 0; }

    /// 0 without a limit, as with icey.
    std::int64_t bandwidthLimit() const
    {
        const auto limit = info().bandwidth_limit;
        return limit == PJAUTH_TURN_UNLIMITED ? 0 : static_cast<std::int64_t>(limit);
    }

    std::int64_t bandwidthUsed() const
    {
        const auto known = info();
        return static_cast<std::int64_t>(known.bytes_to_peers + known.bytes_to_client);
    }

    std::int64_t bandwidthRemaining() const
    {
        const auto limit = bandwidthLimit(), used = bandwidthUsed();
        if (limit == 0)
            return std::numeric_limits<std::int64_t>::max();
        return limit > used ? limit - used : 0;
    }

    std::int64_t packetsRelayed() const
    {
        const auto known = info();
        return static_cast<std::int64_t>(known.packets_to_peers + known.packets_to_client);
    }

    /// Seconds until it expires if it is not refreshed.
    std::int64_t timeRemaining() const { return static_cast<std::int64_t>(info().remaining_msec / 1000); }

    /// Milliseconds that it has existed.
    std::int64_t age() const { return static_cast<std::int64_t>(info().age_msec); }

    /// Whether it has ended or does not exist.
    bool deleted() const
    {
        const auto known = info();
        return !known.allocation || known.reason != PJAUTH_TURN_LIVE;
    }
    bool expired() const { return deleted(); }

    /// Why it ended: "live", "expired", "deleted" by the client, "client gone", "revoked", "limit reached", "stopped".
    const char* removalReason() const
    {
        static const char* const names[] = {"live",    "expired",       "deleted", "client gone",
                                            "revoked", "limit reached", "stopped"};
        const auto reason = static_cast<std::size_t>(info().reason);
        return reason < sizeof(names) / sizeof(*names) ? names[reason] : "unknown";
    }

    friend std::ostream& operator<<(std::ostream& stream, const IAllocation& alloc)
    {
        return stream << "Allocation[" << alloc.relayedAddress() << "]";
    }

private:
    pjauth_turn_allocation* c() const { return detail::handle<pjauth_turn_allocation>(this); }

    pjauth_turn_allocation_info info() const
    {
        pjauth_turn_allocation_info known = {};
        pjauth_turn_allocation_get_info(c(), &known);
        return known;
    }
};

/// A server, as observers get to see it.
class Server
{
public:
    Server() = delete;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Answers a request that authenticateRequest() said Authenticating of, once, from any thread. Returns 0, or
    /// PJ_EINVAL where it was answered before or is gone: then nothing happens.
    int handleRequest(Request& request, AuthenticationState state)
    {
        return pjauth_turn_handle_request(detail::handle<pjauth_turn_request>(&request), static_cast<int>(state));
    }

    /// Where clients reach it, by UDP if it serves that; with the port that it got where 0 was asked for.
    Address address() const
    {
        return Address::parse(detail::text(
            [this](char* out, std::size_t size) { return pjauth_turn_server_listener(c(), 0, nullptr, out, size); }));
    }

    /// The allocations that exist now.
    std::vector<IAllocation*> allocations() const
    {
        std::vector<pjauth_turn_allocation_info> known;
        unsigned count = 0, room;
        do {
            known.resize(room = count + 8);
            count = room;
            if (pjauth_turn_server_allocations(c(), known.data(), &count) != 0)
                return {};
        } while (count > room);
        std::vector<IAllocation*> found;
        for (unsigned i = 0; i < count; ++i)
            found.push_back(reinterpret_cast<IAllocation*>(known[i].allocation));
        return found;
    }

    /// How many allocations a user may have from now on; more get 486.
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
    pjauth_turn_server* c() const { return detail::handle<pjauth_turn_server>(this); }
};

static_assert(std::is_empty<Server>::value && std::is_empty<Request>::value && std::is_empty<IAllocation>::value,
              "what has no data is not looked at");
static_assert(alignof(Server) == 1 && alignof(Request) == 1 && alignof(IAllocation) == 1, "a handle is odd");

/// What a server is made with. Lifetimes are in milliseconds, as with icey.
struct ServerOptions {
    std::string software;
    std::string realm = "pjauth";
    unsigned allocationDefaultLifetime = 10 * 60 * 1000;
    unsigned allocationMaxLifetime = 60 * 60 * 1000;
    unsigned allocationMaxPermissions = 256;
    Address listenAddr{"0.0.0.0", 3478};
    std::string externalIP; ///< What clients and peers see in place of listenAddr, which then names one address.
    bool enableTCP = true;
    bool enableUDP = true;

    /// Lets clients reach private and loopback addresses, for which they still need a permission. Off by default, where
    /// icey has it on: it opens the server's own network to its clients.
    bool enableLocalIPPermissions = false;

    // Beyond icey's.

    std::vector<std::string> allowedPeers; ///< Ranges such as 10.1.0.0/16 that clients may reach as well.
    std::vector<std::string> deniedPeers;  ///< Ranges that they may not; the most specific range decides.
    unsigned userQuota = 0;                ///< Allocations of a user; 0 for any number.
    unsigned workers = 0;                  ///< Threads; 0 for one for each processor.
    unsigned heldDeadline = 30 * 1000;     ///< How long a request may wait for handleRequest().
    bool askEachRequest = false;           ///< Ask about Refresh, CreatePermission and ChannelBind too, as icey does.

    /// Offer SHA-256 to clients of RFC 8489. Needs an observer that sets passwords, or keys for both.
    bool enableSHA256 = false;

    /// Gets the server's log: 1 error, 2 warning, 3 information. Called from any thread, must not throw.
    std::function<void(int level, const char* line)> log;

    // icey's sockets and timer, which are not there: kept so that what sets them compiles.
    int timerInterval = 0;
    int earlyMediaBufferSize = 0;
};

/// Owns a server: what an icey program makes where it makes a turn::Server. Where observer and server are members of
/// one object, the server comes last, so that it is gone before what the observer uses is.
class ServerOwner
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
    Server* operator->() const { return server(); }
    bool running() const { return _server != nullptr; }

    ServerOptions& options() { return _options; }
    ServerObserver& observer() const { return *_observer; }

private:
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
    const auto seconds = [](unsigned msec) { return std::max(1u, msec / 1000); };
    auto allowed = _options.allowedPeers;
    if (_options.enableLocalIPPermissions)
        allowed.insert(allowed.end(), {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"});
    const auto allow = detail::pointers(allowed), deny = detail::pointers(_options.deniedPeers);
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
    options.max_permissions = _options.allocationMaxPermissions;
    options.user_quota = _options.userQuota;
    options.held_deadline_msec = _options.heldDeadline;
    options.allow = allow.data();
    options.allow_count = static_cast<unsigned>(allow.size());
    options.deny = deny.data();
    options.deny_count = static_cast<unsigned>(deny.size());
    options.ask_each = _options.askEachRequest;
    if (_options.log) {
        options.log = log;
        options.log_user_data = this;
    }
    if (running())
        return pjauth_turn_server_start(_server);
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
