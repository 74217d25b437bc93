// An observer and its server as programs have them that were written for icey: this must compile and run, with the edits
// that docs/coming-from-icey.md names and no others. The two that it needs are marked.
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include "icy/turn/server/server.h"

using namespace icy;
using namespace icy::turn;

namespace {

void say(const std::string& line)
{
    std::puts(line.c_str());
    std::fflush(stdout);
}

// Stands for whatever an application derives from besides.
class Application
{
public:
    virtual ~Application() = default;
    virtual const char* name() const { return "application"; }
};

class RelayServer : public Application, public ServerObserver
{
public:
    Server server;

    RelayServer(const ServerOptions& so)
        : server(*this, so)
    {
    }

    virtual ~RelayServer() {}

    virtual AuthenticationState authenticateRequest(Server*, Request& request) override
    {
        if (request.methodType() == stun::Message::SendIndication || request.methodType() == stun::Message::Binding)
            return AuthenticationState::Authorized;

        auto usernameAttr = request.get<stun::Username>();
        auto realmAttr = request.get<stun::Realm>();
        auto nonceAttr = request.get<stun::Nonce>();
        auto integrityAttr = request.get<stun::MessageIntegrity>();
        if (!usernameAttr || !realmAttr || !nonceAttr || !integrityAttr)
            return turn::AuthenticationState::NotAuthorized;
        const net::Address client = request.remoteAddress;
        say("asked     " + usernameAttr->asString() + " from " + client.toString() +
            (request.transport == net::TCP ? " by TCP" : " by UDP"));
        if (usernameAttr->asString() == "max")
            throw std::runtime_error("cannot decide about max");

        request.hash = hash_of(usernameAttr->asString());
        if (integrityAttr->verifyHmac(request.hash))
            return turn::AuthenticationState::Authorized;
        return turn::AuthenticationState::NotAuthorized;
    }

    virtual void onServerAllocationCreated(Server* from, IAllocation* alloc) override
    {
        alloc->setBandwidthLimit(1000000);
        say("created   " + alloc->username() + " " + alloc->relayedAddress().toString());
        for (auto& [tuple, each] : from->allocations())
            if (tuple == alloc->tuple() && each->username() == alloc->username())
                say("listed    " + alloc->username());
        for (auto& permission : alloc->permissions())
            if (permission == "192.0.2.1")
                say("permitted " + permission.ip);
        throw_for(alloc);
    }

    virtual void onServerAllocationRemoved(Server*, IAllocation* alloc) override
    {
        say("removed   " + alloc->username() + (alloc->tuple().transport() == net::TCP ? " TCP " : " UDP ") +
            std::to_string(alloc->bandwidthUsed()) + " of " + std::to_string(alloc->bandwidthLimit()) + " bytes");
        throw_for(alloc);
    }

private:
    static void throw_for(IAllocation* alloc)
    {
        if (alloc->username() == "ann")
            throw std::runtime_error("something went wrong about ann");
    }

    // MD5("joe:example.org:secret") and MD5("ann:example.org:hush")
    static std::string hash_of(const std::string& user)
    {
        if (user == "joe")
            return std::string("\x9e\x35\x00\x98\x09\x4e\xfc\x4a\xf2\x6c\xd4\x56\xad\xf2\x9a\x60", 16);
        return std::string("\x6f\xa4\x0c\x9f\x2d\xb1\x0c\x45\xcc\x9b\x2a\xa6\xab\x0c\xc3\x4b", 16);
    }
};

} // namespace

int main(int, char** argv)
{
    ServerOptions opts;
    opts.software = "an icey program";
    opts.realm = "example.org";
    opts.listenAddr = net::Address("127.0.0.1", static_cast<std::uint16_t>(std::stoi(argv[1])));
    opts.allocationDefaultLifetime = 2 * 60 * 1000;
    opts.allocationMaxLifetime = 10 * 60 * 1000;
    opts.timerInterval = 5 * 1000;
    opts.enableLocalIPPermissions = true; // edit: icey's default is on

    RelayServer srv(opts);
    if (srv.server.start() != 0) { // edit: icey's says nothing
        say("cannot start: " + srv.server.error());
        return 1;
    }
    say("listening " + opts.listenAddr.toString());
    while (std::getchar() != EOF) {
    }
    srv.server.stop();
}
