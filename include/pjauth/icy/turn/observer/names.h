/* What the other headers here stand on: addresses, and those names of icey's net and stun modules that a TURN observer
 * uses.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * All that is in icy::turn here is in the inline namespace icy::turn::pjauth_turn: written as with icey, and another
 * name to the linker, so that icey's TURN client may be in the same program, in source files of its own. What it costs:
 * a class that a program declares ahead of these headers is another class. Include <icy/turn/types.h> for that.
 */

#ifndef PJAUTH_ICY_TURN_NAMES_H
#define PJAUTH_ICY_TURN_NAMES_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ostream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <sys/socket.h>

// Where icey's own headers are at hand, the names of its net and stun modules are theirs: icey's turn headers bring them
// along, and so do these.
#if __has_include(<icy/net/address.h>)
#include <icy/net/address.h>
#define ICY_TURN_HAS_NET 1
#else
#define ICY_TURN_HAS_NET 0
#endif
#if __has_include(<icy/stun/message.h>)
#include <icy/stun/message.h>
#define ICY_TURN_HAS_STUN 1
#else
#define ICY_TURN_HAS_STUN 0
#endif

#include "../../../../pjauth.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {
namespace detail {

/// Whether T is an address of some library: it has a host() and a port().
template <class T, class = void>
struct IsAddress : std::false_type {};
template <class T>
struct IsAddress<T, std::void_t<decltype(std::declval<const T&>().host()), decltype(std::declval<const T&>().port())>>
    : std::true_type {};

class Address;

/// Allows what makes an address of another library's.
template <class T>
using IfForeignAddress = std::enable_if_t<IsAddress<T>::value && !std::is_same<T, Address>::value &&
                                          std::is_constructible<T, std::string, std::uint16_t>::value>;

#if ICY_TURN_HAS_NET
using net::TransportType;
using net::UDP;
using net::TCP;
using net::SSLTCP;
#else
enum TransportType { UDP, TCP, SSLTCP };
#endif

/// An IP address and a port: net::Address, where icey's own is not at hand. Converts from and to other libraries'.
class Address
{
public:
    enum Family { IPv4, IPv6 };

    Address() = default;
    Address(std::string host, std::uint16_t port)
        : _host(std::move(host))
        , _port(port)
    {
    }
    Address(const std::string& host, const std::string& port)
        : Address(host, static_cast<std::uint16_t>(std::strtoul(port.c_str(), nullptr, 10)))
    {
    }
    explicit Address(const std::string& hostAndPort) { *this = parse(hostAndPort); }

    template <class T, class = std::enable_if_t<IsAddress<T>::value>>
    Address(const T& other)
        : _host(other.host())
        , _port(other.port())
    {
    }

    template <class T, class = IfForeignAddress<T>>
    operator T() const
    {
        return T(_host, _port);
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
    Family family() const { return _host.find(':') == std::string::npos ? IPv4 : IPv6; }

    /// AF_INET or AF_INET6.
    int af() const { return family() == IPv4 ? AF_INET : AF_INET6; }

    /// `IP:PORT`, with brackets around an IPv6 address; empty for an empty address.
    std::string toString() const
    {
        if (!valid())
            return {};
        return (family() == IPv6 ? "[" + _host + "]" : _host) + ":" + std::to_string(_port);
    }

    friend bool operator==(const Address& a, const Address& b) { return a._host == b._host && a._port == b._port; }
    friend bool operator!=(const Address& a, const Address& b) { return !(a == b); }
    friend bool operator<(const Address& a, const Address& b)
    {
        return std::tie(a._host, a._port) < std::tie(b._host, b._port);
    }
    friend std::ostream& operator<<(std::ostream& stream, const Address& address)
    {
        return stream << address.toString();
    }

private:
    std::string _host;
    std::uint16_t _port = 0;
};

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

/// Whether an address is a handle, which no object's is: see bits 63 and 0 in pjauth.h's first words.
inline bool isHandle(const void* address)
{
    constexpr std::uint64_t marks = std::uint64_t(1) << 63 | 1;
    return (reinterpret_cast<std::uint64_t>(address) & marks) == marks;
}

/// A handle that was never alive, for what must refer to something.
template <class Icy>
Icy* nobody()
{
    return reinterpret_cast<Icy*>(std::uint64_t(1) << 63 | 1);
}

/// What is known of a handle under its C type.
template <class C, class Icy>
C* handle(const Icy* object)
{
    return reinterpret_cast<C*>(const_cast<Icy*>(object));
}

inline TransportType transport(int number)
{
    return number == PJAUTH_TURN_TLS ? SSLTCP : number == PJAUTH_TURN_TCP ? TCP : UDP;
}

} // namespace detail

/// Stands for a member of icey's that is not here: whoever calls it reads why, and what there is instead.
#define ICY_TURN_MISSING(name, why)                                                                                    \
    template <class... T>                                                                                              \
    void name(T&&...) const                                                                                            \
    {                                                                                                                  \
        static_assert(sizeof...(T) == std::size_t(-1), #name "() of icey's is not in pjauth: " why);                   \
    }

} // namespace pjauth_turn
} // namespace turn

#if !ICY_TURN_HAS_NET
namespace net {

using turn::detail::Address;
using turn::detail::TransportType;
using turn::detail::UDP;
using turn::detail::TCP;
using turn::detail::SSLTCP;

} // namespace net
#endif
} // namespace icy

#endif
