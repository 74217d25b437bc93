// ServerOptions::adjust reaches what icey has no field for, sees what the other options said, and is refused as C is.
#include <cstring>
#include <string>

#include <icy/turn/server/server.h>

#include "check.hpp"

using namespace icy::turn;

namespace {

struct Nobody : ServerObserver {
    void onServerAllocationCreated(Server*, IAllocation*) override {}
    void onServerAllocationRemoved(Server*, IAllocation*) override {}
    AuthenticationState authenticateRequest(Server*, Request&) override { return AuthenticationState::NotAuthorized; }
};

void listeners_are_added()
{
    Nobody observer;
    ServerOptions options;
    options.realm = "example.org";
    options.listenAddr = {"127.0.0.1", 0};
    options.enableTCP = false;
    const pjauth_turn_listener all[] = {{"127.0.0.1", 0, PJAUTH_TURN_UDP}, {"127.0.0.1", 0, PJAUTH_TURN_TCP}};
    int called = 0;
    options.adjust = [&](pjauth_turn_options& c) {
        ++called;
        check(std::strcmp(c.realm, "example.org") == 0 && c.listener_count == 1, "what was said before is there");
        c.listeners = all;
        c.listener_count = 2;
        c.min_port = 50000;
        c.max_port = 50010;
    };
    Server server(observer, options);
    check(called == 0, "not before start()");
    check(server.start() == 0 && called == 1, "it starts");
    char text[64];
    int transport = 0;
    auto* const c = reinterpret_cast<pjauth_turn_server*>(server.server());
    check(pjauth_turn_server_listener(c, 1, &transport, text, sizeof(text)) > 0 && transport == PJAUTH_TURN_TCP,
          "the second listener");
    check(server.stop() == 0 && server.start() == 0 && called == 2, "once for each start");
}

void nonsense_is_refused()
{
    Nobody observer;
    ServerOptions options;
    options.listenAddr = {"127.0.0.1", 0};
    std::string said;
    options.log = [&](int, const char* line) { said += line; };
    options.adjust = [](pjauth_turn_options& c) { c.max_lifetime = 0; };
    Server server(observer, options);
    check(server.start() != 0, "it does not start");
    check(said.find("max_lifetime") != std::string::npos, "the log names the option");
}

} // namespace

int main()
{
    listeners_are_added();
    nonsense_is_refused();
    return verdict();
}
