/* icey's turn::IAllocation, turn::FiveTuple and turn::Permission over pjauth.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PJAUTH_ICY_TURN_ALLOCATION_H
#define PJAUTH_ICY_TURN_ALLOCATION_H

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <vector>

#include "names.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {

class Server;

constexpr std::int64_t kDefaultAllocationLifetime = 10 * 60 * 1000;
constexpr int PERMISSION_LIFETIME = 5 * 60 * 1000;
constexpr int kConnectionBindTimeout = 30 * 1000;

/// The way between a client and the server.
class FiveTuple
{
public:
    FiveTuple() = default;
    FiveTuple(detail::Address remote, detail::Address local, detail::TransportType transport)
        : _remote(std::move(remote))
        , _local(std::move(local))
        , _transport(transport)
    {
    }

    const detail::Address& remote() const { return _remote; } ///< The client's.
    const detail::Address& local() const { return _local; }   ///< The server's.
    detail::TransportType transport() const { return _transport; }

    void remote(detail::Address remote) { _remote = std::move(remote); }
    void local(detail::Address local) { _local = std::move(local); }
    void transport(detail::TransportType transport) { _transport = transport; }

    std::string toString() const
    {
        return "FiveTuple[" + _remote.toString() + ":" + _local.toString() + ":" +
               (_transport == detail::TCP ? "TCP]" : "UDP]");
    }

    friend bool operator==(const FiveTuple& a, const FiveTuple& b) { return a.tied() == b.tied(); }
    friend bool operator<(const FiveTuple& a, const FiveTuple& b) { return a.tied() < b.tied(); }
    friend std::ostream& operator<<(std::ostream& stream, const FiveTuple& tuple) { return stream << tuple.toString(); }

private:
    auto tied() const -> std::tuple<const detail::Address&, const detail::Address&, const detail::TransportType&>
    {
        return std::tie(_remote, _local, _transport);
    }

    detail::Address _remote, _local;
    detail::TransportType _transport = detail::UDP;
};

struct Permission {
    std::string ip;

    bool operator==(std::string_view other) const { return ip == other; }
    bool matches(const detail::Address& peer) const { return ip == peer.host(); }
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
    detail::Address relayedAddress() const { return detail::Address::parse(info().relayed); }

    FiveTuple tuple() const
    {
        const auto known = info();
        return {detail::Address::parse(known.client), detail::Address::parse(known.server),
                detail::transport(known.transport)};
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
    bool hasPermission(const detail::Address& peer) const { return hasPermission(peer.host()); }

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

    /// 0 without a limit.
    std::int64_t bandwidthLimit() const
    {
        const auto limit = info().bandwidth_limit;
        return limit == PJAUTH_TURN_UNLIMITED ? 0 : static_cast<std::int64_t>(limit);
    }

    /// Bytes so far, both directions together.
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

    /// Seconds that the client was given when it was made, or last refreshed.
    std::int64_t lifetime() const { return pjauth_turn_allocation_lifetime(c()); }

    /// Seconds until it expires if it is not refreshed.
    std::int64_t timeRemaining() const { return static_cast<std::int64_t>(info().remaining_msec / 1000); }

    /// Whether it has ended or does not exist.
    bool deleted() const
    {
        const auto known = info();
        return !known.allocation || known.reason != PJAUTH_TURN_LIVE;
    }
    bool expired() const { return deleted(); }

    /// The server that it is of; one that is dead where the allocation is gone.
    Server& server() const
    {
        auto* server = pjauth_turn_allocation_server(c());
        return *(server ? reinterpret_cast<Server*>(server) : detail::nobody<Server>());
    }

    void print(std::ostream& stream) const { stream << "Allocation[" << relayedAddress() << "]"; }
    friend std::ostream& operator<<(std::ostream& stream, const IAllocation& alloc)
    {
        alloc.print(stream);
        return stream;
    }

    // Beyond icey's.

    /// How it talks to peers: TCP for connections (RFC 6062).
    detail::TransportType relayTransport() const { return detail::transport(info().relay_transport); }

    /// Bytes a second, both directions together, and how many at once after a pause.
    bool setRate(std::uint64_t bytesPerSecond, std::uint64_t burst)
    {
        return pjauth_turn_allocation_set_rate(c(), bytesPerSecond, burst) == 0;
    }

    /// Ends it. onServerAllocationRemoved() follows.
    bool revoke() { return pjauth_turn_allocation_revoke(c()) == 0; }

    /// Packets so far, both directions together.
    std::int64_t packetsRelayed() const
    {
        const auto known = info();
        return static_cast<std::int64_t>(known.packets_to_peers + known.packets_to_client);
    }

    /// Milliseconds that it has existed.
    std::int64_t age() const { return static_cast<std::int64_t>(info().age_msec); }

    /// Why it ended: "live", "expired", "deleted" by the client, "client gone", "revoked", "limit reached", "stopped".
    const char* removalReason() const
    {
        static const char* const names[] = {"live",    "expired",       "deleted", "client gone",
                                            "revoked", "limit reached", "stopped"};
        const auto reason = static_cast<std::size_t>(info().reason);
        return reason < sizeof(names) / sizeof(*names) ? names[reason] : "unknown";
    }

    // Icey's that are not here.
    ICY_TURN_MISSING(updateUsage, "the server counts; setLifetime() keeps an allocation")
    ICY_TURN_MISSING(addPermission, "permissions are the client's to ask for; ServerOptions::allowedPeers says to whom")
    ICY_TURN_MISSING(addPermissions, "permissions are the client's to ask for; ServerOptions::allowedPeers says to whom")
    ICY_TURN_MISSING(removePermission, "ServerOptions::deniedPeers says to whom none is given; revoke() ends it all")
    ICY_TURN_MISSING(removeAllPermissions, "revoke() ends the allocation")
    ICY_TURN_MISSING(removeExpiredPermissions, "the server does that by itself")
    ICY_TURN_MISSING(maxTimeRemaining, "ServerOptions::allocationMaxLifetime bounds each refresh; see timeRemaining()")
    ICY_TURN_MISSING(handleRequest, "the server does that by itself; see ServerOptions::askEachRequest")
    ICY_TURN_MISSING(handleRefreshRequest, "the server does that by itself")
    ICY_TURN_MISSING(handleCreatePermission, "the server does that by itself")
    ICY_TURN_MISSING(handleSendIndication, "the server does that by itself")
    ICY_TURN_MISSING(handleConnectRequest, "the server does that by itself")
    ICY_TURN_MISSING(handleConnectionBindRequest, "the server does that by itself")
    ICY_TURN_MISSING(onTimer, "the server keeps the time")
    ICY_TURN_MISSING(refreshDeleteRequested, "removalReason() says \"deleted\"")
    ICY_TURN_MISSING(send, "only the client sends by its relay")
    ICY_TURN_MISSING(control, "the sockets are the server's")
    ICY_TURN_MISSING(pairs, "the sockets are the server's")
    ICY_TURN_MISSING(onPeerDataReceived, "the sockets are the server's")

private:
    pjauth_turn_allocation* c() const { return detail::handle<pjauth_turn_allocation>(this); }

    pjauth_turn_allocation_info info() const
    {
        pjauth_turn_allocation_info known = {};
        pjauth_turn_allocation_get_info(c(), &known, sizeof(known));
        return known;
    }
};

// One class here, whatever the transport: tuple().transport() tells how the client comes.
using ServerAllocation = IAllocation;
using UDPAllocation = IAllocation;
using ServerAllocationMap = std::map<FiveTuple, ServerAllocation*>;

// Never defined: connections between a client and its peers (RFC 6062) are the server's business.
class TCPAllocation;
class TCPConnectionPair;

static_assert(std::is_empty<IAllocation>::value && alignof(IAllocation) == 1, "nothing is there to be looked at");

} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
