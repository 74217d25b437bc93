// An observer that is a C++ object, with another base before it, and that throws: the server lives on.
#include "pjauth.h"
#include "wire.h"

#include <atomic>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

namespace {

// Binary layout of the table: three virtual functions and nothing else.
struct Observer {
    virtual void created(pjauth_turn_server *, pjauth_turn_allocation *) = 0;
    virtual void removed(pjauth_turn_server *, pjauth_turn_allocation *) = 0;
    virtual int authenticate(pjauth_turn_server *, pjauth_turn_request *) = 0;

protected:
    ~Observer() = default;
};

struct Other {
    virtual ~Other() = default;
    std::string name = "other";
};

std::atomic<int> alive{0}, logged{0};

struct Counted {
    Counted() { ++alive; }
    Counted(const Counted &) { ++alive; }
    ~Counted() { --alive; }
};

struct Throwing final : Other, Observer {
    int asked = 0, uncaught = 0;
    void created(pjauth_turn_server *, pjauth_turn_allocation *) override {}
    void removed(pjauth_turn_server *, pjauth_turn_allocation *) override {}
    int authenticate(pjauth_turn_server *, pjauth_turn_request *) override
    {
        uncaught += std::uncaught_exceptions();
        Counted on_the_stack;
        switch (asked++) {
        case 0: throw std::runtime_error(name);
        case 1: throw Counted();
        case 2: throw 7;
        default: return PJAUTH_TURN_QUOTA_REACHED;
        }
    }
};

void log(void *, int, const char *text)
{
    logged += std::string(text).find("threw") != std::string::npos;
    throw std::runtime_error("from the log too");
}

int run()
{
    Throwing observer;
    pjauth_turn_options options;
    pjauth_turn_options_init(&options, sizeof(options));
    pjauth_turn_listener listener{"127.0.0.1", 0, PJAUTH_TURN_UDP};
    options.listeners = &listener;
    options.listener_count = 1;
    options.workers = 1;
    options.log = log;
    pjauth_turn_server *server = nullptr;
    auto table = reinterpret_cast<pjauth_turn_observer *>(static_cast<Observer *>(&observer));
    if (pjauth_turn_server_create(&options, table, &server) || pjauth_turn_server_start(server))
        return 2;
    char address[64];
    pjauth_turn_server_listener(server, 0, nullptr, address, sizeof(address));
    wire client;
    if (wire_open(&client, address))
        return 3;
    wire_send(&client, WIRE_ALLOCATE, nullptr, nullptr);
    wire_reply(&client, 5000);
    int codes[4];
    for (int &code : codes) {
        wire_send(&client, WIRE_ALLOCATE, "ann", "pjauth");
        code = wire_reply(&client, 5000);
    }
    pjauth_turn_server_destroy(server);
    wire_close(&client);
    std::printf("codes %d %d %d %d, asked %d, logged %d, alive %d, uncaught %d\n", codes[0], codes[1], codes[2],
                codes[3], observer.asked, logged.load(), alive.load(), observer.uncaught);
    bool passed = codes[0] == 401 && codes[1] == 401 && codes[2] == 401 && codes[3] == 486 && observer.asked == 4 &&
                  logged == 3 && alive == 0 && observer.uncaught == 0;
    return passed ? 0 : 1;
}

} // namespace

int main()
{
    return run();
}
