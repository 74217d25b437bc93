// A TURN server that takes its time: each request is decided on a worker thread, some milliseconds after the observer
// was asked, and meanwhile the server goes on. Stands in for whoever has to ask a database or an HTTP service.
//
//   turn_server [--listen IP:PORT] [--realm R] [--user NAME:PASSWORD]... [--deny NAME]... [--quota N]
//               [--delay MS] [--allow RANGE]... [--again]
//
// --quota   how many allocations a user may have; more get 486
// --allow   peers that clients may reach beside public ones, such as 127.0.0.0/8
// --again   answer every request twice, to see the second answer refused
//
// Prints what happens and ends with standard input, SIGINT or SIGTERM.
#include "turn_console.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

using icy::turn::AuthenticationState;
using icy::turn::IAllocation;
using icy::turn::Request;
using icy::turn::Server;
using console::say;

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
    icy::turn::ServerOptions server;
    std::map<std::string, std::string> passwords;
    std::set<std::string> denied;
    std::chrono::milliseconds delay{0};
    bool again = false;
};

class Desk : public icy::turn::ServerObserver
{
public:
    explicit Desk(const Settings& settings)
        : _settings(settings)
        , _worker([this] { work(); })
    {
    }

    ~Desk()
    {
        {
            std::lock_guard<std::mutex> lock(_mutex);
            _ends = true;
        }
        _wake.notify_one();
        _worker.join();
    }

    // The server's thread: it must not wait, so the request goes into the queue. Its address is a handle and may be
    // kept: should the client go away meanwhile, the answer is refused, and that is all.
    AuthenticationState authenticateRequest(Server* server, Request& request) override
    {
        say("asked     %s from %s\n", request.username().c_str(), request.remoteAddress.toString().c_str());
        {
            std::lock_guard<std::mutex> lock(_mutex);
            _queue.push_back({server, &request, request.username(), Clock::now() + _settings.delay});
        }
        _wake.notify_one();
        return AuthenticationState::Authenticating;
    }

    void onServerAllocationCreated(Server*, IAllocation* alloc) override
    {
        say("created   %s %s\n", alloc->username().c_str(), alloc->relayedAddress().toString().c_str());
    }

    void onServerAllocationRemoved(Server*, IAllocation* alloc) override { console::say_removed(*alloc); }

private:
    struct Waiting {
        Server* server;
        Request* request;
        std::string user;
        Clock::time_point due;
    };

    void work()
    {
        std::unique_lock<std::mutex> lock(_mutex);
        for (;;) {
            _wake.wait(lock, [this] { return _ends || !_queue.empty(); });
            if (_ends || _wake.wait_until(lock, _queue.front().due, [this] { return _ends; }))
                return;
            const Waiting waiting = _queue.front();
            _queue.pop_front();
            lock.unlock();
            answer(waiting);
            lock.lock();
        }
    }

    void answer(const Waiting& waiting) const
    {
        const auto state = decide(waiting);
        const char* name = state == AuthenticationState::Authorized ? "Authorized" : "NotAuthorized";
        const int status = waiting.server->handleRequest(*waiting.request, state);
        say("answered  %s %s%s\n", waiting.user.c_str(), name, status == 0 ? "" : ", too late");
        if (_settings.again && waiting.server->handleRequest(*waiting.request, state) != 0)
            say("refused   %s: a second answer\n", waiting.user.c_str());
    }

    // Whoever is let in must still prove to know the password: the server sees to that.
    AuthenticationState decide(const Waiting& waiting) const
    {
        const auto known = _settings.passwords.find(waiting.user);
        if (known == _settings.passwords.end() || _settings.denied.count(waiting.user))
            return AuthenticationState::NotAuthorized;
        waiting.request->setPassword(known->second);
        return AuthenticationState::Authorized;
    }

    const Settings& _settings;
    std::mutex _mutex;
    std::condition_variable _wake;
    std::deque<Waiting> _queue;
    bool _ends = false;
    std::thread _worker; // last: it uses all of the above
};

Settings settings_from(int argc, char** argv)
{
    Settings settings;
    settings.server.listenAddr = {"127.0.0.1", 3478};
    settings.server.realm = "example.org";
    settings.server.log = console::log;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--again") {
            settings.again = true;
            continue;
        }
        const std::string value = i + 1 < argc ? argv[++i] : "";
        if (option == "--listen")
            settings.server.listenAddr = console::address(value);
        else if (option == "--realm")
            settings.server.realm = value;
        else if (option == "--user")
            settings.passwords.insert(console::split(value));
        else if (option == "--deny")
            settings.denied.insert(value);
        else if (option == "--quota")
            settings.server.userQuota = console::number(value);
        else if (option == "--delay")
            settings.delay = std::chrono::milliseconds(console::number(value));
        else if (option == "--allow")
            settings.server.allowedPeers.push_back(value);
        else
            console::end("usage: turn_server [--listen IP:PORT] [--realm R] [--user NAME:PASSWORD]... [--deny NAME]... "
                         "[--quota N] [--delay MS] [--allow RANGE]... [--again], without",
                         option);
    }
    return settings;
}

} // namespace

int main(int argc, char** argv)
{
    const Settings settings = settings_from(argc, argv);
    const int signals = console::block_signals();
    Desk desk(settings);
    icy::turn::Server server(desk, settings.server);
    const int status = server.start();
    if (status != 0) {
        std::fprintf(stderr, "cannot listen on %s: status %d\n", settings.server.listenAddr.toString().c_str(), status);
        return 1;
    }
    say("listening %s\n", server.address().toString().c_str());
    console::wait_for_end(signals);
    server.stop();
}
