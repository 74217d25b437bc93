// A C++ observer is what pjauth_turn_observer describes: called here through the C table, as the library does, and a
// hand-made table called as an object. No server is needed.
#include <icy/turn/server/server.h>

#include "check.hpp"

using namespace icy::turn;
using icy::net::Address;

namespace {

// Handles as the library makes them: odd, and nothing is there.
auto* const a_server = reinterpret_cast<pjauth_turn_server*>(0x8000000000001001);
auto* const an_allocation = reinterpret_cast<pjauth_turn_allocation*>(0x8000000000002001);
auto* const a_request = reinterpret_cast<pjauth_turn_request*>(0x8000000000003001);

template <class C, class Icy>
bool same(C* handle, Icy* object)
{
    return static_cast<void*>(handle) == static_cast<void*>(object);
}

struct Plain : ServerObserver {
    int created = 0, removed = 0, asked = 0;

    void onServerAllocationCreated(Server* server, IAllocation* alloc) override
    {
        created += same(a_server, server) && same(an_allocation, alloc);
    }
    void onServerAllocationRemoved(Server* server, IAllocation* alloc) override
    {
        removed += same(a_server, server) && same(an_allocation, alloc);
    }
    AuthenticationState authenticateRequest(Server* server, Request& request) override
    {
        asked += same(a_server, server) && same(a_request, &request);
        return AuthenticationState::QuotaReached;
    }
};

// Another base with virtual functions first: the observer's part lies further back, and its table is another.
struct Other {
    virtual ~Other() = default;
    virtual int other() { return number; }
    int number = 7;
};
struct Second : Other, Plain {
    int other() override { return created + number; }
};

// A virtual base: even the place of the observer's part is only known at run time.
struct Virtual : virtual Other, virtual Plain {
};

void through_the_table(Plain& plain, const char* what)
{
    ServerObserver* base = &plain;
    auto* observer = reinterpret_cast<pjauth_turn_observer*>(base);
    const pjauth_turn_observer_vtable* table = observer->vtable;
    table->on_server_allocation_created(observer, a_server, an_allocation);
    check(plain.created == 1 && plain.removed == 0 && plain.asked == 0, what);
    table->on_server_allocation_removed(observer, a_server, an_allocation);
    check(plain.created == 1 && plain.removed == 1 && plain.asked == 0, what);
    const int state = table->authenticate_request(observer, a_server, a_request);
    check(plain.asked == 1 && state == PJAUTH_TURN_QUOTA_REACHED, what);
}

// The other way round: C's table, called as C++ calls an object.
int c_calls;

extern "C" void c_event(pjauth_turn_observer*, pjauth_turn_server*, pjauth_turn_allocation*)
{
    ++c_calls;
}

extern "C" int c_authenticate(pjauth_turn_observer*, pjauth_turn_server* server, pjauth_turn_request* request)
{
    return server == a_server && request == a_request ? PJAUTH_TURN_AUTHENTICATING : 0;
}

void as_an_object()
{
    static const pjauth_turn_observer_vtable table = {c_event, c_event, c_authenticate};
    static pjauth_turn_observer observer = {&table};
    // Out of the compiler's sight, or it might know better than to look at the table.
    ServerObserver* volatile object = reinterpret_cast<ServerObserver*>(&observer);
    object->onServerAllocationCreated(nullptr, nullptr);
    object->onServerAllocationRemoved(nullptr, nullptr);
    const auto state =
        object->authenticateRequest(reinterpret_cast<Server*>(a_server), *reinterpret_cast<Request*>(a_request));
    check(c_calls == 2 && state == AuthenticationState::Authenticating, "a table made by hand is an object");
}

// Nothing is behind these handles: every function must say so and touch nothing.
void dead_handles()
{
    auto& request = *reinterpret_cast<Request*>(a_request);
    auto& alloc = *reinterpret_cast<IAllocation*>(an_allocation);
    auto& server = *reinterpret_cast<Server*>(a_server);
    check(request.username().empty() && request.realm().empty() && !request.remoteAddress.valid() &&
              !request.localAddress.valid() && request.methodType() == 0,
          "a dead request is empty");
    check(!request.get<icy::stun::Username>() && !request.get<icy::stun::Nonce>(), "it has no attributes");
    check(!request.setPassword("x") && !request.setHash(std::string(16, 'x')) && !request.setQuota(1) &&
              !request.verify(),
          "it takes nothing");
    request.hash = std::string(16, 'x');
    check(request.transactionID().empty() && request.methodString() == "UnknownMethod", "it has no transaction");
    auto* const lifetime = reinterpret_cast<icy::stun::Lifetime*>(0x8000000000004001);
    check(lifetime->value() == 0 && lifetime->size() == 0 && lifetime->asString().empty(), "nor does its lifetime");
    const Address from = request.remoteAddress;
    const icy::net::TransportType transport = request.transport;
    const auto copy = request.remoteAddress;
    const auto copied_transport = request.transport;
    check(!copy.valid() && copied_transport == icy::net::UDP, "nor have copies of its fields");
    check(from == request.localAddress && !from.valid() && transport == icy::net::UDP, "its fields are empty");
    check(server.respondError(request, 403, "Forbidden") != 0, "it cannot be refused");
    check(server.handleRequest(request, AuthenticationState::Authorized) != 0, "and cannot be answered");
    check(alloc.username().empty() && !alloc.relayedAddress().valid() && !alloc.tuple().remote().valid() &&
              alloc.permissions().empty() && !alloc.hasPermission("127.0.0.1"),
          "a dead allocation is empty");
    check(alloc.bandwidthUsed() == 0 && alloc.packetsRelayed() == 0 && alloc.timeRemaining() == 0 &&
              alloc.age() == 0 && alloc.deleted() && alloc.expired(),
          "it has no figures");
    check(!alloc.setLifetime(1) && !alloc.setBandwidthLimit(1) && !alloc.setRate(1, 1) && !alloc.revoke(),
          "it cannot be changed");
    check(!server.address().valid() && server.allocations().empty() && !server.setUserQuota("joe", 1) &&
              server.revokeUser("joe") == 0,
          "a dead server does nothing");
    check(server.options().realm == ServerOptions().realm && server.stop() != 0 && server.start() != 0, "nor runs");
    check(server.observer().authenticateRequest(&server, request) == AuthenticationState::NotAuthorized,
          "its observer lets nobody in");
    check(server.getAllocation(FiveTuple()) == nullptr && alloc.lifetime() == 0, "it has no allocations");
    check(alloc.server().server() != nullptr && !alloc.server().address().valid(),
          "a dead allocation's server is dead");
}

// An address of another library, such as icey's own.
class Foreign
{
public:
    Foreign(const std::string& host, std::uint16_t port)
        : _host(host)
        , _port(port)
    {
    }
    std::string host() const { return _host; }
    std::uint16_t port() const { return _port; }

private:
    std::string _host;
    std::uint16_t _port;
};

void addresses()
{
    check(Address::parse("192.0.2.1:3478") == Address("192.0.2.1", 3478), "IPv4");
    check(Address::parse("[2001:db8::1]:3478") == Address("2001:db8::1", 3478), "IPv6");
    check(Address("2001:db8::1", 3478).toString() == "[2001:db8::1]:3478", "IPv6 as text");
    check(!Address::parse("").valid() && Address().toString().empty(), "no address");
    ServerOptions options;
    options.listenAddr = Foreign("192.0.2.9", 9);
    check(options.listenAddr == Address("192.0.2.9", 9), "another library's address");
    const Foreign back = options.listenAddr, none = reinterpret_cast<Request*>(a_request)->remoteAddress;
    check(back.host() == "192.0.2.9" && back.port() == 9 && none.host().empty(), "and the way back");
}

} // namespace

int main()
{
    Plain plain;
    Second second;
    Virtual virtual_base;
    through_the_table(plain, "one base");
    through_the_table(second, "the second of two bases");
    through_the_table(virtual_base, "a virtual base");
    check(static_cast<void*>(static_cast<ServerObserver*>(&second)) != static_cast<void*>(&second),
          "the second base is elsewhere, or this proves nothing");
    as_an_object();
    dead_handles();
    addresses();
    return verdict();
}
