/* Where the relays of a TURN server on a loop of the application's are.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PJAUTH_ICY_TURN_RELAY_PLACES_H
#define PJAUTH_ICY_TURN_RELAY_PLACES_H

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "loop_sockets.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {
namespace detail {

/// An address for each family, and the ports there.
class RelayPlaces
{
public:
    void setPorts(std::uint16_t first, std::uint16_t last) { _ports = {first, last}; }

    /// False where that address's family has another.
    bool add(const std::string& host, const SystemAddress& told)
    {
        return _places.emplace(told.storage.ss_family, Place{host, told}).second;
    }

    void clear() { _places.clear(); }

    /// Opens what the core asks for. Returns 0, or the code that the client gets.
    int open(pjauth_turn_opening& opening, LoopSockets& sockets)
    {
        const bool isV4 = opening.family == 4;
        const auto found = _places.find(isV4 ? AF_INET : AF_INET6);
        if (found == _places.end())
            return 440;
        const auto& place = found->second;
        // Every port of the range, from any of them on.
        const unsigned count = _ports.second - _ports.first + 1u, start = _random() % count;
        for (unsigned i = 0; i < count; ++i) {
            const auto port = static_cast<std::uint16_t>(_ports.first + (start + i) % count);
            const bool isPair = opening.port == PJAUTH_TURN_PORT_PAIR;
            if ((opening.port != PJAUTH_TURN_PORT_ANY && port % 2 != 0) || (isPair && port == _ports.second))
                continue;
            auto made = boundAt(place, port);
            if (made.get() < 0 && errno != EADDRINUSE && errno != EACCES)
                return 508;
            auto next = made.get() >= 0 && isPair ? boundAt(place, static_cast<std::uint16_t>(port + 1)) : Descriptor();
            if (made.get() < 0 || (isPair && next.get() < 0))
                continue;
            if (!sockets.add(relay(std::move(made), opening.relay, isV4)))
                return 508;
            if (isPair && !sockets.add(relay(std::move(next), opening.next_relay, isV4))) {
                sockets.remove(*sockets.relay(opening.relay));
                return 508;
            }
            tell(opening, place.told, port);
            return 0;
        }
        return 508;
    }

private:
    /// Where relays of a family are, and what clients and peers are told of it.
    struct Place {
        std::string host;
        SystemAddress told;
    };

    static Descriptor boundAt(const Place& place, std::uint16_t port)
    {
        SystemAddress address;
        SystemAddress::from(Address(place.host, port), address);
        return bound(address, SOCK_DGRAM);
    }

    static LoopSockets::Socket relay(Descriptor made, std::uint64_t name, bool isV4)
    {
        LoopSockets::Socket socket{LoopSockets::Kind::Relay, std::move(made), 0, name};
        socket.isV4 = isV4;
        keepErrors(socket.descriptor.get(), isV4);
        setDontFragment(socket.descriptor.get(), isV4, false);
        return socket;
    }

    /// The address of a relay, as peers see it.
    static void tell(pjauth_turn_opening& opening, SystemAddress address, std::uint16_t port)
    {
        if (address.storage.ss_family == AF_INET6)
            reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(port);
        else
            reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(port);
        std::memcpy(opening.address, &address.storage, std::min<std::size_t>(address.size, opening.address_size));
        opening.address_size = address.size;
    }

    std::map<int, Place> _places;
    std::pair<std::uint16_t, std::uint16_t> _ports;
    std::random_device _random;
};

} // namespace detail
} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
