// pjauth's server beside icey's client in one program: the linker takes neither for the other. client.cpp stands for
// icey's.
#include "../check.hpp"
#include "icy/turn/server/server.h"

std::string what_the_client_says();

namespace {

struct Observer : icy::turn::ServerObserver {
    void onServerAllocationCreated(icy::turn::Server*, icy::turn::IAllocation*) override {}
    void onServerAllocationRemoved(icy::turn::Server*, icy::turn::IAllocation*) override {}
    icy::turn::AuthenticationState authenticateRequest(icy::turn::Server*, icy::turn::Request&) override
    {
        return icy::turn::AuthenticationState::NotAuthorized;
    }
};

} // namespace

int main()
{
    Observer observer;
    icy::turn::ServerOptions options;
    options.listenAddr = {"127.0.0.1", 0};
    icy::turn::Server server(observer, options);
    check(server.start() == 0, "the server starts");
    auto& dead = *reinterpret_cast<icy::turn::IAllocation*>(0x8000000000002001);
    check(dead.username().empty() && dead.permissions().empty() && dead.bandwidthUsed() == 0 &&
              dead.timeRemaining() == 0,
          "our allocation is ours");
    const icy::turn::FiveTuple tuple({"192.0.2.1", 1}, {"192.0.2.2", 2}, icy::net::TCP);
    check(tuple.toString() == "FiveTuple[192.0.2.1:1:192.0.2.2:2:TCP]", "our five-tuple is ours");
    check(icy::turn::PermissionList(3, {"192.0.2.1"}).size() == 3, "our permissions are ours");
    check(what_the_client_says() == "client's client's 192.0.2.1 35", "the client's are the client's");
    check(server.stop() == 0, "the server stops");
    return verdict();
}
