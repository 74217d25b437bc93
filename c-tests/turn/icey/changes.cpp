// What changes in a running server from C++, on threads and on a loop of the program's own; both address families.
#include <cstring>
#include <string>

#include "rig.hpp"

using namespace icy::turn;

namespace {

constexpr int invalid = 70004;

/// Lets everybody in who holds the key.
struct Open : ServerObserver {
    void onServerAllocationCreated(Server*, IAllocation*) override {}
    void onServerAllocationRemoved(Server*, IAllocation*) override {}
    AuthenticationState authenticateRequest(Server*, Request& request) override
    {
        request.hash = std::string(WIRE_KEY, WIRE_KEY_SIZE);
        return AuthenticationState::Authorized;
    }
};

/// What a new client gets; `then` is done while it is there.
template <class Then>
int visit(const Server& server, Then then)
{
    wire client;
    wire_open(&client, server.address().toString().c_str());
    const int code = wire_allocate(&client, "ann", "example.org");
    if (code == 0)
        then(client);
    wire_close(&client);
    return code;
}

int visit(const Server& server)
{
    return visit(server, [](wire& client) { wire_refresh(&client, "ann", "example.org", 0); });
}

/// The code of a channel to a peer at loopback.
int bind(const Server& server)
{
    int code = -1;
    visit(server, [&](wire& client) {
        code = wire_bind(&client, "ann", "example.org", 9);
        wire_refresh(&client, "ann", "example.org", 0);
    });
    return code;
}

void changes()
{
    Open observer;
    Server server(observer, options());
    check(server.drain() != 0 && server.setPeers({}) != 0 && server.setLimits(options()) != 0, "it does not run yet");
    check(server.start() == 0 && visit(server) == 0, "it runs");
    check(server.drain() == 0 && visit(server) == 508 && server.drain(false) == 0 && visit(server) == 0, "drain");
    check(server.setAlternate({"192.0.2.7", 3478}) == 0 && visit(server) == 300, "another server");
    check(server.setAlternate({"nowhere", 1}) == invalid && visit(server) == 300, "one that is none");
    check(server.setAlternate({}) == 0 && visit(server) == 0, "no other server");

    check(bind(server) == 403, "loopback is closed");
    check(server.setPeers({"127.0.0.0/8"}) == 0 && server.setExternal("0.0.0.0", "198.51.100.7") == 0, "peers");
    check(bind(server) == 0, "loopback is open");
    check(server.setPeers({"127.0.0.0/99"}) == invalid && bind(server) == 0, "what is no range changes nothing");
    check(server.setPeers({"127.0.0.0/8"}, {"127.0.0.1"}) == 0 && bind(server) == 403, "denied");
    check(server.setExternal("0.0.0.0", "::1") == invalid && server.setExternal("0.0.0.0", "") == 0, "external");

    auto fewer = options();
    fewer.userQuota = 1;
    check(server.setLimits(fewer) == 0, "limits");
    visit(server, [&](wire& client) {
        check(visit(server) == 486, "the new quota");
        wire_refresh(&client, "ann", "example.org", 0);
    });
    std::string said;
    fewer.log = [&](int, const char* line) { said += line; };
    fewer.allocationMaxLifetime = 0;
    fewer.adjust = [](pjauth_turn_options& c) { c.max_lifetime = 0; };
    check(server.setLimits(fewer) == invalid && said.find("max_lifetime") != std::string::npos, "a limit without sense");
    const auto metrics = server.metrics();
    check(metrics.find("pjauth_turn_allocations 0\n") != std::string::npos && metrics.back() == '\n', "metrics");
    check(server.stop() == 0 && server.drain() != 0 && server.metrics().empty(), "it has stopped");
}

void families()
{
    Open observer;
    auto both = options();
    both.listenAddr6 = {"::1", 0};
    LoopServer loop(observer, both);
    check(loop.start() == 0 && loop.address().port() != 0 && loop.address6().toString().rfind("[::1]:", 0) == 0,
          "a loop serves both families");
    check(loop.server()->drain() == 0 && loop.server()->setPeers({"127.0.0.0/8"}) == 0, "and can be changed");
    check(loop.stop() == 0 && loop.start() == 0 && loop.stop() == 0, "and again");
    Server server(observer, both);
    check(server.start() == 0, "so do threads");
    char text[64];
    unsigned count = 0;
    while (pjauth_turn_server_listener(reinterpret_cast<pjauth_turn_server*>(server.server()), count, nullptr, text,
                                       sizeof(text)) > 0)
        ++count;
    check(count == 4, "by UDP and TCP each");
    both.listenAddr6 = {"127.0.0.2", 0};
    LoopServer same(observer, both);
    check(same.start() == invalid && same.error().find("one family") != std::string::npos, "two of one family");
    both.listenAddr6 = {"::", 0};
    LoopServer vague(observer, both);
    check(vague.start() == invalid && vague.error().find("externalIP") != std::string::npos, "an address that is none");
    both.externalIP6 = "2001:db8::7";
    LoopServer seen(observer, both);
    check(seen.start() == 0, "with an external one");
    Server announced(observer, both);
    check(announced.start() == 0, "on threads too");
}

} // namespace

int main()
{
    changes();
    families();
    return verdict();
}
