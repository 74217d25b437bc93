/* Who decides, and whom a server belongs to.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PJAUTH_ICY_TURN_OWNERS_H
#define PJAUTH_ICY_TURN_OWNERS_H

#include <algorithm>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "allocation.h"
#include "options.h"
#include "request.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {

class Server;
struct ServerObserver;

namespace detail {

inline void forget(const ServerObserver* observer);

} // namespace detail

/// What an application implements. An object of a class that derives from it, and from nothing else with virtual
/// functions, or from others as well, is what pjauth_turn_observer describes: a pointer to a table of three functions.
/// Never add a virtual function or a data member here.
///
/// The functions are called on the server's threads, for different clients at the same time, with no lock held: they
/// may call anything of the server's, except that stop() cannot wait for the function that calls it. An exception that
/// leaves one is logged and ends there; of authenticateRequest() it counts as NotAuthorized.
struct ServerObserver {
    /// An allocation exists.
    virtual void onServerAllocationCreated(Server* server, IAllocation* alloc) = 0;

    /// An allocation ends, for whatever reason; its figures can still be read. Once for each that was created.
    virtual void onServerAllocationRemoved(Server* server, IAllocation* alloc) = 0;

    /// Decides about a request, which has a user name, the realm, a nonce that is fresh, and a signature that is yet to
    /// be verified. Before Authorized, set what verifies it: request.hash or request.setPassword().
    virtual AuthenticationState authenticateRequest(Server* server, Request& request) = 0;

    /// A server that outlives its observer lets nobody in from here on. Better have the server go first: what derives
    /// from this is gone already, and must not have been in use.
    ~ServerObserver() { detail::forget(this); }
};

static_assert(sizeof(ServerObserver) == sizeof(pjauth_turn_observer), "a pointer to the table, and nothing else");
static_assert(alignof(ServerObserver) == alignof(pjauth_turn_observer), "the same");
static_assert(!std::has_virtual_destructor<ServerObserver>::value, "the table has three entries");
static_assert(sizeof(AuthenticationState) == sizeof(int), "authenticate_request returns an int");

namespace detail {

/// What belongs to a server that a program has made.
struct Owner {
    ServerObserver* observer;
    ServerOptions options;
    pjauth_turn_server* server = nullptr;
    std::string error;
};

/// Whom the servers of the program belong to. What is looked up by a handle is here and not behind the handle's user
/// data, which is the application's. Never destroyed: servers and observers may be static.
class __attribute__((visibility("default"))) Owners
{
public:
    static Owners& all()
    {
        static Owners& owners = *new Owners;
        return owners;
    }

    void add(Owner* owner)
    {
        std::lock_guard<std::mutex> lock(_mutex);
        _owners.push_back(owner);
    }

    void remove(Owner* owner)
    {
        std::lock_guard<std::mutex> lock(_mutex);
        _owners.erase(std::remove(_owners.begin(), _owners.end(), owner), _owners.end());
    }

    void setServer(Owner* owner, pjauth_turn_server* server)
    {
        std::lock_guard<std::mutex> lock(_mutex);
        owner->server = server;
    }

    Owner* of(const pjauth_turn_server* server) const
    {
        std::lock_guard<std::mutex> lock(_mutex);
        for (auto* owner : _owners)
            if (server && owner->server == server)
                return owner;
        return nullptr;
    }

    /// Takes an observer from its servers. Returns those that run.
    std::vector<pjauth_turn_server*> leave(const ServerObserver* observer)
    {
        std::vector<pjauth_turn_server*> left;
        std::lock_guard<std::mutex> lock(_mutex);
        for (auto* owner : _owners) {
            if (owner->observer != observer)
                continue;
            owner->observer = nullptr;
            if (owner->server)
                left.push_back(owner->server);
        }
        return left;
    }

private:
    mutable std::mutex _mutex;
    std::vector<Owner*> _owners;
};

/// Stands where an observer is asked for and there is none: lets nobody in.
struct NoObserver final : ServerObserver {
    void onServerAllocationCreated(Server*, IAllocation*) override {}
    void onServerAllocationRemoved(Server*, IAllocation*) override {}
    AuthenticationState authenticateRequest(Server*, Request&) override { return AuthenticationState::NotAuthorized; }

    static NoObserver& instance()
    {
        static NoObserver& none = *new NoObserver;
        return none;
    }
};

inline void forget(const ServerObserver* observer)
{
    for (auto* server : Owners::all().leave(observer))
        pjauth_turn_server_forget_observer(server);
}

} // namespace detail

} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
