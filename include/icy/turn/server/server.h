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

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pjauth.h"

#if defined(__cpp_exceptions)
#include <exception>
#endif

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
