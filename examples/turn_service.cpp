// A TURN server to run as it is: settings from a file, SIGHUP to read it again, SIGTERM to let its clients finish,
// metrics for Prometheus, and word to systemd.
//
//   turn_service FILE       turn_service.conf says what may be in it, turn_service.service how systemd runs it
//
// SIGHUP   takes users, secrets, limits, peers and certificates from the file again; one that has no sense changes nothing. The
//          allocations of users that are gone end
// SIGTERM  refuses new allocations, or sends them to `alternate`, and ends with the last or after `drain_seconds`
//
// The log goes to standard error with the levels that the journal knows.
#include "service_loop.hpp"
#include "service_settings.hpp"

#include <cstdio>
#include <memory>
#include <mutex>

#include <icy/turn/server/server.h>

using icy::turn::AuthenticationState;
using service::Clock;
using service::Settings;

namespace {

void log(void*, int level, const char* line)
{
    std::fprintf(stderr, "<%d>%s\n", level + 2, line);
}

void say(const std::string& line)
{
    log(nullptr, 3, line.c_str());
}

/// Decides by the settings as they are at the time.
class Desk : public icy::turn::ServerObserver
{
public:
    explicit Desk(std::shared_ptr<const Settings> settings)
        : _settings(std::move(settings))
    {
    }

    std::shared_ptr<const Settings> settings() const
    {
        std::lock_guard<std::mutex> lock(_mutex);
        return _settings;
    }

    void take(std::shared_ptr<const Settings> settings)
    {
        std::lock_guard<std::mutex> lock(_mutex);
        _settings = std::move(settings);
    }

    AuthenticationState authenticateRequest(icy::turn::Server*, icy::turn::Request& request) override
    {
        const auto now = settings();
        const auto known = now->users.find(request.username());
        if (known == now->users.end())
            return request.checkRest(now->rest_secrets);
        request.setPassword(known->second);
        return AuthenticationState::Authorized;
    }

    void onServerAllocationCreated(icy::turn::Server*, icy::turn::IAllocation*) override {}
    void onServerAllocationRemoved(icy::turn::Server*, icy::turn::IAllocation*) override {}

private:
    mutable std::mutex _mutex;
    std::shared_ptr<const Settings> _settings;
};

class Service
{
public:
    Service(std::string path, int signals)
        : _path(std::move(path))
        , _desk(std::make_shared<const Settings>(_path))
        , _loop(signals, listener(), [this](const std::string& path) { return page(path); })
    {
        const service::Options options(*_desk.settings(), log);
        auto* observer = reinterpret_cast<pjauth_turn_observer*>(static_cast<icy::turn::ServerObserver*>(&_desk));
        if (pjauth_turn_server_create(&options.c, observer, &_server) != 0)
            throw std::runtime_error(_path + ": the server cannot be made");
        if (pjauth_turn_server_start(_server) != 0)
            throw std::runtime_error("the server cannot start: " + error());
        _has_tls = _desk.settings()->has_tls();
    }

    ~Service() { pjauth_turn_server_destroy(_server); }

    Service(const Service&) = delete;

    void run()
    {
        char where[64];
        for (unsigned i = 0; pjauth_turn_server_listener(_server, i, nullptr, where, sizeof(where)) > 0; ++i)
            std::printf("listening %s\n", where);
        std::fflush(stdout);
        service::notify("READY=1\nSTATUS=Serving");
        bool ends = false;
        _loop.run(
            std::chrono::seconds(1), [&](int signal) { signal == SIGHUP ? reload() : void(ends = true); },
            [&] { return ends; });
        drain();
    }

private:
    int listener() const
    {
        const auto where = _desk.settings()->metrics;
        return where.empty() ? -1 : service::listen_at(where);
    }

    /// Takes the file again. Whatever it says wrong leaves all as it is.
    void reload()
    {
        service::notify("RELOADING=1\n" + service::monotonic());
        try {
            const auto before = _desk.settings(), now = std::make_shared<const Settings>(_path);
            auto wrong = change(*now);
            if (!wrong.empty()) {
                change(*before);
                throw std::runtime_error(_path + ": " + wrong);
            }
            for (const auto& [ip, external] : now->relays)
                if (pjauth_turn_server_set_external(_server, ip.c_str(), external.empty() ? nullptr : external.c_str()) != 0)
                    say("relay " + ip + ": as before until the next start");
            _desk.take(now);
            for (const auto& [name, password] : before->users)
                if (!now->users.count(name))
                    pjauth_turn_server_revoke_user(_server, name.c_str(), nullptr);
            const auto frozen = now->frozen_since(*before);
            say("read " + _path + (frozen.empty() ? "" : "; as before until the next start: " + frozen));
        } catch (const std::exception& error) {
            log(nullptr, 1, error.what());
        }
        service::notify("READY=1");
    }

    /// Has the server go by other settings. Returns what has no sense, up to which it does.
    std::string change(const Settings& settings)
    {
        const service::Options options(settings, log);
        const auto& c = options.c;
        if (pjauth_turn_server_set_limits(_server, &c) != 0)
            return "a limit has no sense";
        if (pjauth_turn_server_set_peers(_server, c.allow, c.allow_count, c.deny, c.deny_count) != 0)
            return "a range has no sense";
        if (_has_tls && pjauth_turn_server_set_certificates(_server, c.certificates, c.certificate_count) != 0)
            return error();
        return "";
    }

    /// What the server says of its last failure.
    std::string error() const
    {
        char text[512] = "";
        pjauth_turn_server_error(_server, text, sizeof(text));
        return text;
    }

    /// Lets the clients finish. Another signal to end cuts that short.
    void drain()
    {
        const auto settings = _desk.settings();
        const auto patience = std::chrono::seconds(settings->drain_seconds);
        const auto end = Clock::now() + patience;
        service::notify("STOPPING=1\nSTATUS=Draining\nEXTEND_TIMEOUT_USEC=" +
                        std::to_string((settings->drain_seconds + 10) * 1000000));
        pjauth_turn_server_drain(_server, 1);
        if (!settings->alternate.empty() && pjauth_turn_server_set_alternate(_server, settings->alternate.c_str()) != 0)
            log(nullptr, 2, ("alternate: not IP:PORT: " + settings->alternate).c_str());
        bool is_over = false;
        _loop.run(
            std::chrono::milliseconds(100), [&](int signal) { is_over |= signal != SIGHUP; },
            [&] { return is_over || count("allocations") == 0 || Clock::now() >= end; });
        say("ending with " + std::to_string(count("allocations")) + " allocations left");
        pjauth_turn_server_stop(_server);
    }

    std::uint64_t count(const char* name) const
    {
        std::uint64_t value = 0;
        pjauth_turn_server_counter(_server, name, &value);
        return value;
    }

    std::string page(const std::string& path) const
    {
        if (path != "/metrics")
            return "";
        std::string text(pjauth_turn_server_metrics(_server, nullptr, 0) + 1024, '\0');
        text.resize(std::min(text.size(), pjauth_turn_server_metrics(_server, &text[0], text.size())));
        return text;
    }

    std::string _path;
    Desk _desk;
    service::Loop _loop;
    pjauth_turn_server* _server = nullptr;
    bool _has_tls = false;
};

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::fprintf(stderr, "usage: turn_service FILE\n");
        return 2;
    }
    const int signals = service::signals({SIGHUP, SIGTERM, SIGINT});
    try {
        Service(argv[1], signals).run();
    } catch (const std::exception& error) {
        log(nullptr, 1, error.what());
        return 1;
    }
    return 0;
}
