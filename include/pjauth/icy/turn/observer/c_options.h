/* A server's options as C wants them, and its log.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PJAUTH_ICY_TURN_C_OPTIONS_H
#define PJAUTH_ICY_TURN_C_OPTIONS_H

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

// Where icey's logger is at hand, a server without a log function of its own writes there.
#if __has_include(<icy/logger.h>)
#include <icy/logger.h>
#define ICY_TURN_HAS_LOGGER 1
#else
#define ICY_TURN_HAS_LOGGER 0
#endif

#include "owners.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {
namespace detail {

/// Certificates as C wants them, as long as these live.
inline std::vector<pjauth_turn_certificate> certificates(const std::vector<Certificate>& all)
{
    std::vector<pjauth_turn_certificate> found;
    for (const auto& each : all)
        found.push_back({each.chainFile.c_str(), each.keyFile.c_str(), nullptr, nullptr});
    return found;
}

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

} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
