// An observer as programs have it that were written for icey: this must compile, with the edits of docs/icey.md and no
// others. The edits are marked.
#include <cstdio>
#include <memory>
#include <string>

#include "icy/turn/server/server.h"

using namespace icy;

namespace {

class MyServer : public turn::ServerObserver
{
public:
    turn::ServerOwner server; // edit: was turn::Server

    explicit MyServer(const turn::ServerOptions& opts)
        : server(*this, opts)
    {
    }

    turn::AuthenticationState authenticateRequest(turn::Server*, turn::Request& request) override
    {
        if (request.methodType() == stun::Message::Binding || request.methodType() == stun::Message::SendIndication)
            return turn::AuthenticationState::Authorized;

        auto usernameAttr = request.get<stun::Username>();
        auto realmAttr = request.get<stun::Realm>();
        auto nonceAttr = request.get<stun::Nonce>();
        auto integrityAttr = request.get<stun::MessageIntegrity>();
        if (!usernameAttr || !realmAttr || !nonceAttr || !integrityAttr)
            return turn::AuthenticationState::NotAuthorized;
        if (usernameAttr->asString() != "joe" || realmAttr->asString() != "example.org")
            return turn::AuthenticationState::NotAuthorized;

        request.setHash(hash_of_joe()); // edit: was request.hash = ...
        if (!request.verify())          // edit: was !integrityAttr->verifyHmac(request.hash)
            return turn::AuthenticationState::NotAuthorized;
        return turn::AuthenticationState::Authorized;
    }

    void onServerAllocationCreated(turn::Server*, turn::IAllocation* alloc) override
    {
        alloc->setBandwidthLimit(1000000);
        std::printf("created   %s %s\n", alloc->username().c_str(), alloc->relayedAddress().toString().c_str());
        std::fflush(stdout);
    }

    void onServerAllocationRemoved(turn::Server*, turn::IAllocation* alloc) override
    {
        std::printf("removed   %s %s %lld of %lld bytes\n", alloc->username().c_str(),
                    alloc->tuple().transport() == turn::Transport::TCP ? "TCP" : "UDP", // edit: was net::TCP
                    static_cast<long long>(alloc->bandwidthUsed()), static_cast<long long>(alloc->bandwidthLimit()));
        std::fflush(stdout);
    }

private:
    // MD5("joe:example.org:secret")
    static std::string hash_of_joe()
    {
        return std::string("\x9e\x35\x00\x98\x09\x4e\xfc\x4a\xf2\x6c\xd4\x56\xad\xf2\x9a\x60", 16);
    }
};

} // namespace

int main(int, char** argv)
{
    turn::ServerOptions opts;
    opts.software = "an icey program";
    opts.realm = "example.org";
    opts.listenAddr = net::Address("127.0.0.1", static_cast<std::uint16_t>(std::stoi(argv[1])));
    opts.allocationDefaultLifetime = 2 * 60 * 1000;
    opts.allocationMaxLifetime = 15 * 60 * 1000;
    opts.enableUDP = true;
    opts.enableTCP = true;
    opts.enableLocalIPPermissions = true;
    opts.timerInterval = 5 * 1000;
    opts.earlyMediaBufferSize = 8192;

    auto srv = std::make_unique<MyServer>(opts);
    srv->server.start();
    std::printf("listening %s\n", srv->server->address().toString().c_str());
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    srv->server.stop();
}
