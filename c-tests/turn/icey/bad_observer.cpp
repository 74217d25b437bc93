// Observers that misbehave: calls back from every function, keeps addresses of the dead, returns what is no state, goes
// before its server. What an observer throws is tested in throwing.cpp.
#include <atomic>
#include <cstring>
#include <memory>
#include <sstream>

#include "rig.hpp"

using namespace icy;
using namespace icy::turn;

namespace {

struct Busy : ServerObserver {
    std::atomic<int> asked{0}, created{0}, removed{0};
    std::atomic<int> refuseWith{0}, state{0};
    std::atomic<Request*> request{nullptr};
    std::atomic<stun::Lifetime*> lifetime{nullptr};
    std::atomic<IAllocation*> allocation{nullptr};

    // Everything that can be called from inside.
    void call_back(Server* server, IAllocation* alloc)
    {
        check(&server->observer() == this && server->options().realm == "example.org", "a lent server has its owner");
        check(server->server() == server && server->error().empty() && server->address().valid(), "and is itself");
        if (!alloc)
            return;
        std::ostringstream out;
        out << *alloc << alloc->tuple();
        check(alloc->lifetime() > 0 && alloc->username() == "ann", "an allocation has a lifetime and a user");
        check(alloc->server().server() == server, "and is its server's");
        check(alloc->permissions().empty() && !alloc->hasPermission("192.0.2.1"), "and has no permissions yet");
    }

    void onServerAllocationCreated(Server* server, IAllocation* alloc) override
    {
        call_back(server, alloc);
        check(server->getAllocation(alloc->tuple()) == alloc, "an allocation is found by its tuple");
        allocation = alloc;
        ++created;
    }

    void onServerAllocationRemoved(Server* server, IAllocation* alloc) override
    {
        call_back(server, alloc);
        check(alloc == allocation, "the one that was created is removed");
        ++removed;
    }

    AuthenticationState authenticateRequest(Server* server, Request& now) override
    {
        ++asked;
        call_back(server, nullptr);
        auto* user = now.get<stun::Username>();
        check(user && user->asString() == "ann" && std::string(user->bytes(), user->size()) == "ann", "the user's name");
        auto* wanted = now.get<stun::RequestedTransport>();
        check(wanted && wanted->value() == std::uint32_t(kProtocolUDP) << 24, "the transport that is asked for");
        check(!now.get<stun::XorPeerAddress>() && !now.get<stun::Username>(1), "what is not there is null");
        check(now.methodString() == "ALLOCATE" && now.transactionID().size() == 12, "its method and transaction");
        check(now.toString().find("USERNAME") != std::string::npos, "as text");
        auto from = now.remoteAddress;
        auto transport = now.transport;
        check(from.family() == net::Address::IPv4 && from.host() == "127.0.0.1" && transport == net::UDP, "copies");
        request = &now;
        lifetime = reinterpret_cast<stun::Lifetime*>(wanted);
        now.hash = std::string(WIRE_KEY, WIRE_KEY_SIZE);
        if (refuseWith) {
            check(server->respondError(now, refuseWith, "Not today") == 0, "it is refused");
            check(from.host() == "127.0.0.1", "a copy outlives the request");
            check(server->respondError(now, 500, "again") != 0 && !now.get<stun::Username>(), "once");
            return AuthenticationState::Authorized;
        }
        return static_cast<AuthenticationState>(state.load());
    }
};

/// What a client gets for an Allocate; one that holds the key, or not.
int ask(Server& server, bool holds = true)
{
    wire wire;
    if (wire_open(&wire, server.address().toString().c_str()) != 0)
        return -1;
    if (holds)
        std::memcpy(wire.key, WIRE_KEY, WIRE_KEY_SIZE);
    wire_send(&wire, WIRE_ALLOCATE, nullptr, nullptr);
    check(wire_reply(&wire, 5000) == 401, "the first request is challenged");
    wire_send(&wire, WIRE_ALLOCATE, "ann", "example.org");
    const int code = wire_reply(&wire, 5000);
    wire_close(&wire);
    return code;
}

void refusals()
{
    Busy observer;
    Server server(observer, options());
    check(server.start() == 0 && server.error().empty(), "it starts");
    for (const int code : {kErrorForbidden, kErrorInsufficientCapacity, kErrorTryAlternate, 699}) {
        observer.refuseWith = code;
        check(ask(server) == code, "a client gets the observer's error");
        check(ask(server, false) == 401, "one without the key is not told why");
    }
    observer.refuseWith = 0;
    for (const int state : {0, -1, 5, 77777}) {
        observer.state = state;
        check(ask(server) == 401, "what is no state lets nobody in");
    }
    observer.state = static_cast<int>(AuthenticationState::Authorized);
    check(ask(server) == 0 && observer.created == 1, "one who is let in is in");
    auto& kept = *observer.allocation.load();
    check(kept.lifetime() == 600 && !kept.deleted(), "an allocation can be asked later");
    check(observer.request.load()->username().empty() && observer.lifetime.load()->value() == 0, "the dead are empty");
    check(server.handleRequest(*observer.request, AuthenticationState::Authorized) != 0, "and cannot be let in");
    check(server.stop() == 0 && observer.removed == 1, "it stops");
    check(kept.lifetime() == 0 && kept.deleted() && kept.username().empty(), "a dead allocation is empty");
    check(kept.server().stop() != 0 && kept.server().options().realm == ServerOptions().realm, "so is its server");
}

void gone_before_its_server()
{
    auto observer = std::make_unique<Busy>();
    Server server(*observer, options());
    observer->state = static_cast<int>(AuthenticationState::Authorized);
    check(server.start() == 0 && ask(server) == 0, "it starts, and somebody is in");
    observer.reset();
    check(ask(server) == 401, "nobody is let in any more");
    check(server.observer().authenticateRequest(nullptr, *reinterpret_cast<Request*>(0x8000000000000001)) ==
              AuthenticationState::NotAuthorized,
          "another one stands there");
    check(server.stop() == 0, "it stops");
    check(server.start() != 0, "and does not start again");
}

void failed_starts()
{
    Busy observer;
    Server first(observer, options());
    check(first.start() == 0 && first.start() != 0, "once");
    auto same = options();
    same.listenAddr = first.address();
    Server second(observer, same);
    check(second.start() != 0 && second.error().find("in use") != std::string::npos, "a port that is taken");
    auto nowhere = options();
    nowhere.listenAddr = {"nowhere", 1};
    Server third(observer, nowhere);
    check(third.start() != 0 && !third.error().empty(), "an address that is none");
    LoopServer fourth(observer, same), fifth(observer, nowhere);
    check(fourth.start() != 0 && fourth.error().find("in use") != std::string::npos, "so on a loop");
    check(fifth.start() != 0 && !fifth.error().empty() && fifth.fd() == -1 && fifth.timeout() == -1, "and so");
    fifth.process();
    auto everywhere = options();
    everywhere.listenAddr = {"0.0.0.0", 0};
    LoopServer sixth(observer, everywhere);
    check(sixth.start() != 0 && sixth.error().find("externalIP") != std::string::npos, "clients must be told something");
    everywhere.externalIP = "192.0.2.9";
    Server seventh(observer, everywhere);
    check(seventh.start() == 0, "0.0.0.0 with an external address starts");
}

} // namespace

int main()
{
    refusals();
    gone_before_its_server();
    failed_starts();
    return verdict();
}
