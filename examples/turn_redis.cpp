// A TURN server whose users and quotas are in Redis, in coturn's layout, so that several servers, and coturn beside
// them, serve the same users:
//
//   turn/realm/<realm>/user/<user>/key     hexadecimal MD5(user:realm:password)
//   turn/realm/<realm>/user-quota          allocations a user may have at once on all servers together; 0: any number
//
// and one key of our own, which holds the users' seats:
//
//   turn/realm/<realm>/user/<user>/seats   a sorted set: who has a seat, and until when
//
// A seat is taken when a request is granted, before the answer goes out, in one step inside Redis: servers that grant at
// the same time cannot overrun the quota together. It goes back when the allocation is removed. It is a lease: that of a
// server which is no more runs out.
//
// While Redis is away, allocations go on, and requests wait: they are asked about again until Redis answers, or the
// server gives them up at their deadline. A Redis that comes back empty is told at once who has a seat.
//
//   turn_redis [--listen IP:PORT] [--realm R] [--redis IP:PORT] [--allow RANGE]...
#include "redis_loop.hpp"
#include "turn_console.hpp"

#include <map>
#include <random>

using console::say;
using icy::turn::AuthenticationState;
using icy::turn::FiveTuple;
using icy::turn::IAllocation;
using icy::turn::Request;
using icy::turn::Server;

namespace {

/// For a request that was granted, until its allocation is there; for an allocation; and when the latter is renewed.
constexpr int granted_seconds = 10, lease_seconds = 60, renew_seconds = 20;

/// Takes a seat, or renews it. KEYS: seats, user-quota. ARGV: whose, seconds, "take" or "keep": what is there keeps its
/// seat, whatever the quota. Returns 1, or 0 where all are taken.
constexpr const char* seat_script = R"(
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local quota = tonumber(ARGV[3] == 'take' and redis.call('GET', KEYS[2]) or 0)
if quota > 0 and not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= quota then
    return 0
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return 1
)";

/// The bytes that hexadecimal digits stand for; empty where they stand for none.
std::string from_hex(const std::string& digits)
{
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        char* end = nullptr;
        const std::string pair = digits.substr(i, 2);
        bytes.push_back(static_cast<char>(std::strtoul(pair.c_str(), &end, 16)));
        if (*end)
            return "";
    }
    return bytes;
}

class RedisObserver : public icy::turn::ServerObserver
{
public:
    RedisObserver(std::string realm, const icy::net::Address& redis)
        : _prefix("turn/realm/" + realm + "/")
        , _name(random_name())
        , _redis(redis.host(), redis.port(), [this] { renew(); }, [this] { every_second(); })
    {
    }

    // Called on the server's threads. Everything about Redis happens on Redis's.
    AuthenticationState authenticateRequest(Server* server, Request& request) override
    {
        const FiveTuple tuple(request.remoteAddress, request.localAddress, request.transport);
        const Question question{server, &request, request.username(), seat_of(tuple)};
        _redis.post([this, question] { look_up(question); });
        return AuthenticationState::Authenticating;
    }

    void onServerAllocationCreated(Server*, IAllocation* alloc) override
    {
        say("created   %s %s\n", alloc->username().c_str(), alloc->relayedAddress().toString().c_str());
        const std::string user = alloc->username(), seat = seat_of(alloc->tuple());
        _redis.post([this, user, seat] {
            _seats.insert({seat, user});
            keep(user, seat);
        });
    }

    void onServerAllocationRemoved(Server*, IAllocation* alloc) override
    {
        console::say_removed(*alloc);
        const std::string user = alloc->username(), seat = seat_of(alloc->tuple());
        _redis.post([this, user, seat] {
            _seats.erase(seat);
            _redis.ask({"ZREM", key_of(user, "seats"), seat}, [](const redisReply*) {});
        });
    }

private:
    struct Question {
        Server* server;
        Request* request;
        std::string user;
        std::string seat;
    };

    std::string key_of(const std::string& user, const char* what) const { return _prefix + "user/" + user + "/" + what; }

    /// One name for a client's request and for its allocation; no other server has it.
    std::string seat_of(const FiveTuple& tuple) const { return _name + "/" + tuple.toString(); }

    static std::string random_name()
    {
        std::random_device random;
        char name[17];
        std::snprintf(name, sizeof(name), "%08x%08x", random(), random());
        return name;
    }

    void look_up(const Question& question)
    {
        _redis.ask({"GET", key_of(question.user, "key")}, [this, question](const redisReply* reply) {
            if (reply && reply->type == REDIS_REPLY_STRING)
                admit(question, from_hex({reply->str, reply->len}));
            else if (reply && reply->type == REDIS_REPLY_NIL)
                answer(question, AuthenticationState::NotAuthorized);
            else
                ask_again(question);
        });
    }

    // Only who holds the key may take a seat, or strangers could take them all.
    void admit(const Question& question, const std::string& key)
    {
        if (!question.request->setHash(key) || !question.request->verify()) {
            answer(question, AuthenticationState::NotAuthorized);
            return;
        }
        seat(question.user, question.seat, granted_seconds, "take", [this, question](const redisReply* reply) {
            if (!reply || reply->type != REDIS_REPLY_INTEGER)
                ask_again(question);
            else
                answer(question, reply->integer ? AuthenticationState::Authorized : AuthenticationState::QuotaReached);
        });
    }

    void keep(const std::string& user, const std::string& whose)
    {
        seat(user, whose, lease_seconds, "keep", [](const redisReply*) {});
    }

    void seat(const std::string& user, const std::string& whose, int seconds, const char* how, RedisLoop::Answer then)
    {
        _redis.ask({"EVAL", seat_script, "2", key_of(user, "seats"), _prefix + "user-quota", whose,
                    std::to_string(seconds), how},
                   std::move(then));
    }

    static void answer(const Question& question, AuthenticationState state)
    {
        static const char* const names[] = {"", "", "Authorized", "QuotaReached", "NotAuthorized"};
        const int status = question.server->handleRequest(*question.request, state);
        say("answered  %s %s%s\n", question.user.c_str(), names[static_cast<int>(state)],
            status == 0 ? "" : ", too late");
    }

    // Redis did not answer: neither yes nor no is right. Asked again within a second, as long as the server waits.
    void ask_again(const Question& question) { _unanswered.push_back(question); }

    void every_second()
    {
        if (++_seconds % renew_seconds == 0)
            renew();
        for (const auto& question : std::exchange(_unanswered, {}))
            if (question.request->methodType() != 0)
                look_up(question);
    }

    void renew()
    {
        for (const auto& seat : _seats)
            keep(seat.second, seat.first);
    }

    const std::string _prefix;
    const std::string _name;
    // These belong to the loop's thread.
    std::map<std::string, std::string> _seats;
    std::vector<Question> _unanswered;
    int _seconds = 0;
    RedisLoop _redis; // last: its thread uses all of the above
};

} // namespace

int main(int argc, char** argv)
{
    icy::turn::ServerOptions options;
    options.listenAddr = {"127.0.0.1", 3478};
    options.realm = "example.org";
    options.log = console::log;
    icy::net::Address redis("127.0.0.1", 6379);
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i], value = i + 1 < argc ? argv[++i] : "";
        if (option == "--listen")
            options.listenAddr = console::address(value);
        else if (option == "--realm")
            options.realm = value;
        else if (option == "--redis")
            redis = console::address(value);
        else if (option == "--allow")
            options.allowedPeers.push_back(value);
        else
            console::end("usage: turn_redis [--listen IP:PORT] [--realm R] [--redis IP:PORT] [--allow RANGE]..., without",
                         option);
    }
    const int signals = console::block_signals();
    RedisObserver observer(options.realm, redis);
    icy::turn::Server server(observer, options);
    const int status = server.start();
    if (status != 0) {
        std::fprintf(stderr, "cannot listen on %s: status %d\n", options.listenAddr.toString().c_str(), status);
        return 1;
    }
    say("listening %s\n", server.address().toString().c_str());
    console::wait_for_end(signals);
    server.stop();
}
