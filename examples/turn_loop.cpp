// A TURN server on an application's own libuv loop, as icey's applications have one: a single thread, and the observer is
// called on it, so that it may touch whatever belongs to the loop. Here each decision waits for a timer of the loop.
//
//   turn_loop [--listen IP:PORT] [--listen6 [IP]:PORT] [--external IP] [--realm R] [--user NAME:PASSWORD]... [--delay MS]
//             [--allow RANGE]...
//
// Prints what happens and ends with SIGINT, SIGTERM or standard input.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include <icy/turn/server/loopserver.h>
#include <uv.h>

using namespace icy;
using namespace icy::turn;

namespace {

void say(const std::string& line)
{
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

class Application : public ServerObserver
{
public:
    Application(uv_loop_t* loop, const ServerOptions& options, std::map<std::string, std::string> users, unsigned delay)
        : _loop(loop)
        , _users(std::move(users))
        , _delay(delay)
        , _server(*this, options)
    {
    }

    bool start()
    {
        if (_server.start() != 0) {
            say("cannot start: " + _server.error());
            return false;
        }
        uv_timer_init(_loop, &_due);
        uv_poll_init(_loop, &_ready, _server.fd());
        uv_signal_init(_loop, &_signals[0]);
        uv_signal_init(_loop, &_signals[1]);
        // A file or /dev/null is nothing to wait for.
        _has_input = uv_poll_init(_loop, &_input, 0) == 0;
        for (auto* each : handles())
            each->data = this;
        uv_poll_start(&_ready, UV_READABLE, [](uv_poll_t* poll, int, int) { self(poll)->process(); });
        uv_signal_start(&_signals[0], [](uv_signal_t* signal, int) { self(signal)->stop(); }, SIGINT);
        uv_signal_start(&_signals[1], [](uv_signal_t* signal, int) { self(signal)->stop(); }, SIGTERM);
        if (_has_input)
            uv_poll_start(&_input, UV_READABLE, [](uv_poll_t* poll, int, int) {
                if (std::getchar() == EOF)
                    self(poll)->stop();
            });
        for (const auto& address : {_server.address(), _server.address6()})
            if (address.valid())
                say("listening " + address.toString());
        process();
        return true;
    }

    AuthenticationState authenticateRequest(Server*, Request& request) override
    {
        onLoop();
        const std::string user = request.username();
        say("asked     " + user);
        if (!_users.count(user))
            return AuthenticationState::NotAuthorized;
        // A timer of the loop's; the request's address may be kept, whatever becomes of it.
        auto* waiting = new Waiting{{}, this, &request, user};
        uv_timer_init(_loop, &waiting->timer);
        waiting->timer.data = waiting;
        uv_timer_start(&waiting->timer, [](uv_timer_t* timer) { static_cast<Waiting*>(timer->data)->decide(); }, _delay, 0);
        return AuthenticationState::Authenticating;
    }

    void onServerAllocationCreated(Server*, IAllocation* alloc) override
    {
        onLoop();
        say("created   " + alloc->username() + " " + alloc->relayedAddress().toString());
    }

    void onServerAllocationRemoved(Server*, IAllocation* alloc) override
    {
        onLoop();
        say("removed   " + alloc->username() + " " + std::to_string(alloc->bandwidthUsed()) + " bytes");
    }

private:
    struct Waiting {
        uv_timer_t timer;
        Application* application;
        Request* request;
        std::string user;

        void decide()
        {
            request->setPassword(application->_users[user]);
            application->_server.handleRequest(*request, AuthenticationState::Authorized);
            // What comes of it is there to be done.
            application->process();
            uv_close(reinterpret_cast<uv_handle_t*>(&timer),
                     [](uv_handle_t* handle) { delete static_cast<Waiting*>(handle->data); });
        }
    };

    template <class Handle>
    static Application* self(Handle* handle)
    {
        return static_cast<Application*>(handle->data);
    }

    std::array<uv_handle_t*, 5> handles()
    {
        return {reinterpret_cast<uv_handle_t*>(&_due), reinterpret_cast<uv_handle_t*>(&_ready),
                reinterpret_cast<uv_handle_t*>(&_signals[0]), reinterpret_cast<uv_handle_t*>(&_signals[1]),
                reinterpret_cast<uv_handle_t*>(&_input)};
    }

    // All that the server wants of a loop.
    void process()
    {
        _server.process();
        const int timeout = _server.timeout();
        if (timeout < 0)
            uv_timer_stop(&_due);
        else
            uv_timer_start(&_due, [](uv_timer_t* timer) { self(timer)->process(); }, static_cast<unsigned>(timeout), 0);
    }

    void stop()
    {
        _server.stop();
        uv_walk(_loop, [](uv_handle_t* handle, void*) {
            if (uv_is_closing(handle))
                return;
            const bool waits = self(handle) && handle->type == UV_TIMER && !isOwn(handle);
            uv_close(handle, waits ? [](uv_handle_t* each) { delete static_cast<Waiting*>(each->data); } : uv_close_cb(nullptr));
        }, nullptr);
    }

    static bool isOwn(uv_handle_t* handle)
    {
        return handle->data && handle == reinterpret_cast<uv_handle_t*>(&static_cast<Application*>(handle->data)->_due);
    }

    void onLoop() const
    {
        if (std::this_thread::get_id() != _thread)
            std::abort();
    }

    const std::thread::id _thread = std::this_thread::get_id();
    uv_loop_t* const _loop;
    std::map<std::string, std::string> _users;
    const unsigned _delay;
    uv_timer_t _due;
    uv_poll_t _ready, _input;
    uv_signal_t _signals[2];
    bool _has_input = false;
    LoopServer _server; // last: it uses all of the above
};

} // namespace

int main(int argc, char** argv)
{
    ServerOptions options;
    std::map<std::string, std::string> users;
    unsigned delay = 0;
    options.listenAddr = {"127.0.0.1", 3478};
    options.realm = "example.org";
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string option = argv[i], value = argv[i + 1];
        if (option == "--listen")
            options.listenAddr = net::Address(value);
        else if (option == "--listen6")
            options.listenAddr6 = net::Address(value);
        else if (option == "--external")
            options.externalIP = value;
        else if (option == "--realm")
            options.realm = value;
        else if (option == "--user")
            users[value.substr(0, value.find(':'))] = value.substr(value.find(':') + 1);
        else if (option == "--delay")
            delay = static_cast<unsigned>(std::stoul(value));
        else if (option == "--allow")
            options.allowedPeers.push_back(value);
        else
            return std::fprintf(stderr, "turn_loop: what is %s?\n", argv[i]), 2;
    }
    uv_loop_t* const loop = uv_default_loop();
    Application application(loop, options, users, delay);
    if (!application.start())
        return 1;
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) == 0 ? 0 : 1;
}
