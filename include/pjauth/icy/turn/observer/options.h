/* What a TURN server is made with.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PJAUTH_ICY_TURN_OPTIONS_H
#define PJAUTH_ICY_TURN_OPTIONS_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "names.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {
constexpr std::uint32_t kServerDefaultLifetime = 2 * 60 * 1000;
constexpr std::uint32_t kServerMaxLifetime = 15 * 60 * 1000;
constexpr int kServerMaxPermissions = 10;
constexpr int kServerTimerInterval = 10 * 1000;
constexpr int kServerEarlyMediaBufferSize = 8192;

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

} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
