// What turn_service reads from its file, and what of it a TURN server is told.
#ifndef SERVICE_SETTINGS_HPP
#define SERVICE_SETTINGS_HPP

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>

#include <pjauth.h>

namespace service {

/// A number among the server's options, by its name there.
struct Number {
    const char* name;
    void (*set)(pjauth_turn_options&, std::uint64_t);
    std::uint64_t most;
};

template <auto Member>
Number number(const char* name)
{
    using Value = std::remove_reference_t<decltype(std::declval<pjauth_turn_options>().*Member)>;
    return {name, [](pjauth_turn_options& options, std::uint64_t value) { options.*Member = static_cast<Value>(value); },
            static_cast<std::uint64_t>(std::numeric_limits<Value>::max())};
}

#define SERVICE_NUMBER(name) number<&pjauth_turn_options::name>(#name)

inline const std::vector<Number>& numbers()
{
    static const std::vector<Number> all = {
        SERVICE_NUMBER(min_port), SERVICE_NUMBER(max_port), SERVICE_NUMBER(workers), SERVICE_NUMBER(algorithms),
        SERVICE_NUMBER(default_lifetime), SERVICE_NUMBER(max_lifetime), SERVICE_NUMBER(nonce_lifetime),
        SERVICE_NUMBER(max_allocations), SERVICE_NUMBER(user_quota), SERVICE_NUMBER(max_permissions),
        SERVICE_NUMBER(max_channels), SERVICE_NUMBER(max_held), SERVICE_NUMBER(max_held_per_source),
        SERVICE_NUMBER(held_deadline_msec), SERVICE_NUMBER(challenges_per_second), SERVICE_NUMBER(challenge_burst),
        SERVICE_NUMBER(guesses_per_minute), SERVICE_NUMBER(guess_burst), SERVICE_NUMBER(max_connections),
        SERVICE_NUMBER(max_connections_per_source), SERVICE_NUMBER(connection_idle_msec),
        SERVICE_NUMBER(connection_backlog), SERVICE_NUMBER(connection_stall_msec), SERVICE_NUMBER(bandwidth_limit),
        SERVICE_NUMBER(rate), SERVICE_NUMBER(rate_burst), SERVICE_NUMBER(port_rest_msec), SERVICE_NUMBER(binding),
        SERVICE_NUMBER(userhash), SERVICE_NUMBER(tcp_relays), SERVICE_NUMBER(max_peer_connections),
        SERVICE_NUMBER(max_handshakes), SERVICE_NUMBER(max_handshakes_per_source), SERVICE_NUMBER(handshake_msec),
        SERVICE_NUMBER(client_certificate_required), SERVICE_NUMBER(kernel), SERVICE_NUMBER(kernel_channels)};
    return all;
}

#undef SERVICE_NUMBER

/// The file's content. Its lines are `name = value`; names that may come more than once make a list.
class Settings
{
public:
    /// Throws std::runtime_error with the line that has no sense.
    explicit Settings(const std::string& path)
    {
        std::ifstream file(path);
        if (!file)
            throw std::runtime_error(path + ": cannot be read");
        std::string line;
        for (unsigned at = 1; std::getline(file, line); ++at) {
            try {
                read(line);
            } catch (const std::exception& error) {
                throw std::runtime_error(path + ":" + std::to_string(at) + ": " + error.what());
            }
        }
        if (listeners.empty())
            throw std::runtime_error(path + ": no `listen` in it");
    }

    struct Listener {
        std::string ip;
        std::uint16_t port;
        int transport;
    };

    std::string realm = "example.org";
    std::vector<Listener> listeners;
    std::map<std::string, std::string> relays; ///< With what each is seen as; empty for the same.
    std::vector<std::string> allow, deny, proxies, nat64, rest_secrets;
    std::vector<std::pair<std::string, std::string>> certificates; ///< Files: the chain, the key.
    std::string client_authorities; ///< File of who signs clients' certificates; empty where none are asked for.
    std::map<std::string, std::string> users;
    std::string metrics;   ///< IP:PORT of the metrics' own server; empty for none.
    std::string alternate; ///< Where new clients are sent during a drain.
    std::uint64_t drain_seconds = 60;

    /// Names of what differs and does not change in a server that runs.
    std::string frozen_since(const Settings& before) const
    {
        std::string names;
        for (const char* name : {"realm", "listen", "min_port", "max_port", "workers", "algorithms", "userhash", "proxy",
                                 "nat64", "tcp_relays", "client_authorities", "client_certificate_required", "kernel",
                                 "kernel_channels", "metrics"})
            if (lines_of(name) != before.lines_of(name))
                names += std::string(names.empty() ? "" : ", ") + name;
        return names;
    }

    bool has_tls() const
    {
        const auto is_tls = [](const Listener& each) { return (each.transport & PJAUTH_TURN_TLS) != 0; };
        return std::any_of(listeners.begin(), listeners.end(), is_tls);
    }

    /// Sets the numbers that the file names; the others have the library's defaults.
    void set_numbers(pjauth_turn_options& options) const
    {
        for (const auto& [number, value] : _numbers)
            number->set(options, value);
    }

private:
    static std::string trimmed(const std::string& text)
    {
        const auto first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
        return first == std::string::npos ? "" : text.substr(first, last - first + 1);
    }

    void read(const std::string& line)
    {
        const auto text = trimmed(line);
        if (text.empty() || text[0] == '#')
            return;
        const auto equals = text.find('=');
        if (equals == std::string::npos)
            throw std::runtime_error("not `name = value`");
        const auto name = trimmed(text.substr(0, equals)), value = trimmed(text.substr(equals + 1));
        _lines[name].push_back(value);
        if (name == "realm")
            realm = value;
        else if (name == "listen")
            listeners.push_back(listener(value));
        else if (name == "relay")
            relay(value);
        else if (name == "allow")
            allow.push_back(value);
        else if (name == "deny")
            deny.push_back(value);
        else if (name == "proxy")
            proxies.push_back(value);
        else if (name == "nat64")
            nat64.push_back(value);
        else if (name == "certificate")
            certificate(value);
        else if (name == "client_authorities")
            client_authorities = value;
        else if (name == "user")
            user(value);
        else if (name == "rest_secret")
            rest_secrets.push_back(value);
        else if (name == "metrics")
            metrics = value;
        else if (name == "alternate")
            alternate = value;
        else if (name == "drain_seconds")
            drain_seconds = whole(value, 1000000);
        else
            number_of(name, value);
    }

    /// `IP:PORT udp`, `tcp`, `tls`, `udp+tcp` or `udp+tls`; of both families where the address is `*`.
    static Listener listener(const std::string& value)
    {
        const auto space = value.find(' ');
        const auto where = value.substr(0, space), how = space == std::string::npos ? "udp+tcp" : trimmed(value.substr(space));
        const auto colon = where.rfind(':');
        if (colon == std::string::npos)
            throw std::runtime_error("not IP:PORT");
        Listener found{where.substr(0, colon), static_cast<std::uint16_t>(whole(where.substr(colon + 1), 65535)), 0};
        static const std::map<std::string, int> transports = {{"udp", PJAUTH_TURN_UDP},
                                                              {"tcp", PJAUTH_TURN_TCP},
                                                              {"tls", PJAUTH_TURN_TLS},
                                                              {"udp+tcp", PJAUTH_TURN_UDP | PJAUTH_TURN_TCP},
                                                              {"udp+tls", PJAUTH_TURN_UDP | PJAUTH_TURN_TLS}};
        const auto transport = transports.find(how);
        if (transport == transports.end())
            throw std::runtime_error("neither udp, tcp, tls, udp+tcp nor udp+tls: " + how);
        found.transport = transport->second;
        if (found.ip == "*") {
            found.ip = "::";
            found.transport |= PJAUTH_TURN_BOTH_FAMILIES;
        } else if (found.ip.size() > 2 && found.ip.front() == '[' && found.ip.back() == ']') {
            found.ip = found.ip.substr(1, found.ip.size() - 2);
        }
        return found;
    }

    /// `IP`, or `IP as EXTERNAL-IP`.
    void relay(const std::string& value)
    {
        const auto as = value.find(" as ");
        relays[trimmed(value.substr(0, as))] = as == std::string::npos ? "" : trimmed(value.substr(as + 4));
    }

    /// `CHAIN-FILE KEY-FILE`, or one file that has both.
    void certificate(const std::string& value)
    {
        const auto space = value.find_first_of(" \t");
        const auto chain = value.substr(0, space);
        certificates.emplace_back(chain, space == std::string::npos ? chain : trimmed(value.substr(space)));
    }

    void user(const std::string& value)
    {
        const auto colon = value.find(':');
        if (colon == 0 || colon == std::string::npos)
            throw std::runtime_error("not NAME:PASSWORD");
        users[value.substr(0, colon)] = value.substr(colon + 1);
    }

    void number_of(const std::string& name, const std::string& value)
    {
        for (const auto& number : numbers())
            if (name == number.name) {
                _numbers[&number] = value == "unlimited" && number.most == PJAUTH_TURN_UNLIMITED
                                        ? PJAUTH_TURN_UNLIMITED
                                        : whole(value, number.most);
                return;
            }
        throw std::runtime_error("no such option: " + name);
    }

    static std::uint64_t whole(const std::string& text, std::uint64_t most)
    {
        if (text.empty() || text.size() > 19 || text.find_first_not_of("0123456789") != std::string::npos ||
            std::stoull(text) > most)
            throw std::runtime_error("not a number that will do: " + text);
        return std::stoull(text);
    }

    std::vector<std::string> lines_of(const std::string& name) const
    {
        const auto found = _lines.find(name);
        return found == _lines.end() ? std::vector<std::string>() : found->second;
    }

    std::map<std::string, std::vector<std::string>> _lines;
    std::map<const Number*, std::uint64_t> _numbers;
};

/// The settings as the library takes them. Points into them.
class Options
{
public:
    Options(const Settings& settings, void (*log)(void*, int, const char*))
    {
        pjauth_turn_options_init(&c, sizeof(c));
        c.realm = settings.realm.c_str();
        for (const auto& found : settings.listeners)
            _listeners.push_back({found.ip.c_str(), found.port, found.transport});
        for (const auto& [ip, external] : settings.relays)
            _relays.push_back({ip.c_str(), external.empty() ? nullptr : external.c_str()});
        c.listeners = _listeners.data();
        c.listener_count = static_cast<unsigned>(_listeners.size());
        c.relays = _relays.data();
        c.relay_count = static_cast<unsigned>(_relays.size());
        c.allow = list(settings.allow, _allow, c.allow_count);
        c.deny = list(settings.deny, _deny, c.deny_count);
        c.proxies = list(settings.proxies, _proxies, c.proxy_count);
        c.nat64 = list(settings.nat64, _nat64, c.nat64_count);
        for (const auto& [chain, key] : settings.certificates)
            _certificates.push_back({chain.c_str(), key.c_str(), nullptr, nullptr});
        c.certificates = _certificates.data();
        c.certificate_count = static_cast<unsigned>(_certificates.size());
        _authorities.chain_file = settings.client_authorities.c_str();
        if (!settings.client_authorities.empty())
            c.client_authorities = &_authorities;
        settings.set_numbers(c);
        c.log = log;
    }

    Options(const Options&) = delete;

    pjauth_turn_options c;

private:
    static const char* const* list(const std::vector<std::string>& from, std::vector<const char*>& to, unsigned& count)
    {
        for (const auto& text : from)
            to.push_back(text.c_str());
        count = static_cast<unsigned>(to.size());
        return to.data();
    }

    std::vector<pjauth_turn_listener> _listeners;
    std::vector<pjauth_turn_relay> _relays;
    std::vector<const char*> _allow, _deny, _proxies, _nat64;
    std::vector<pjauth_turn_certificate> _certificates;
    pjauth_turn_certificate _authorities = {};
};

} // namespace service

#endif
