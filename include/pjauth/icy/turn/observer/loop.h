/* A TURN server on a loop of the application's.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Header-only C++17, for Linux. No thread is made: whoever calls process() is the one whom the observer is called by.
 */

#ifndef PJAUTH_ICY_TURN_LOOP_H
#define PJAUTH_ICY_TURN_LOOP_H

#include <array>
#include <chrono>
#include <cerrno>
#include <cstdio>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "server.h"
#include "relay_places.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {
/// A server without threads, for an application with a loop of its own: icey's way. The loop waits for fd() to be
/// readable or for timeout() to pass, and calls process(); the observer's functions are called from there, and from
/// stop(), and may touch whatever belongs to the loop. examples/turn_loop.cpp has it on libuv.
///
/// All functions belong to the loop's thread; what server() returns may be used from any, and the loop is woken by it.
/// Where listenAddr is 0.0.0.0, externalIP says what clients are told, for listenAddr6 externalIP6; with both, clients of
/// either family get relays of either. Clients come over UDP and TCP. A host that has several addresses must have one
/// named: answers leave from the one that the system chooses.
class LoopServer
{
public:
    /// Nothing happens before start().
    explicit LoopServer(ServerObserver& observer, const ServerOptions& options = ServerOptions())
        : _owner{&observer, options, nullptr, {}}
    {
        detail::Owners::all().add(&_owner);
    }

    LoopServer(const LoopServer&) = delete;
    LoopServer& operator=(const LoopServer&) = delete;

    /// Not in one of the observer's functions.
    ~LoopServer()
    {
        stop();
        detail::Owners::all().remove(&_owner);
    }

    /// Binds the sockets. Returns 0 or what Server::start() does.
    [[nodiscard]] int start()
    {
        if (_owner.server)
            return failed("it runs already", invalidOperation);
        const int status = open();
        if (status != 0)
            shut();
        return status;
    }

    /// Ends every allocation, of which the observer is told, and closes the sockets. From one of the observer's functions
    /// it returns PJ_EINVALIDOP, and all that follows in process().
    int stop()
    {
        if (!_owner.server)
            return 0;
        pjauth_turn_server_stop(_owner.server);
        if (_inside) {
            _stopping = true;
            return invalidOperation;
        }
        end();
        return 0;
    }

    /// What the loop waits for to become readable; -1 where it does not run. The same from start() to stop().
    int fd() const { return _sockets.fd(); }

    /// Milliseconds after which process() is due in any case; -1 for never. Ask after start() and after each process().
    int timeout() const
    {
        if (!_owner.server)
            return -1;
        auto deadline = pjauth_turn_core_next_deadline(_owner.server);
        if (_accepts != 0)
            deadline = std::min<std::uint64_t>(deadline, _accepts);
        if (deadline == UINT64_MAX)
            return -1;
        const auto time = now();
        const auto left = deadline <= time ? 0 : (deadline - time) / 1000000 + 1;
        return static_cast<int>(std::min<std::uint64_t>(left, 3600 * 1000));
    }

    /// Does what is there to do. Never waits. Call it when fd() is readable, and when timeout() has passed.
    void process()
    {
        if (!_owner.server || _inside)
            return;
        _inside = true;
        epoll_event ready[64];
        if (_accepts != 0 && _accepts <= now())
            pause(false);
        const int count = _sockets.ready(ready, 64);
        for (int i = 0; i < count && !_stopping; ++i)
            take(ready[i].data.fd, ready[i].events);
        pjauth_turn_core_tick(_owner.server, now());
        put();
        _inside = false;
        if (_stopping)
            end();
    }

    /// What observers are given as `server`.
    Server* server() const { return reinterpret_cast<Server*>(_owner.server); }

    /// Where it listens, with the port that it got where 0 was asked for.
    detail::Address address() const { return _owner.options.listenAddr; }
    detail::Address address6() const { return _owner.options.listenAddr6; }
    const std::string& error() const { return _owner.error; }
    const ServerOptions& options() const { return _owner.options; }
    int handleRequest(Request& request, AuthenticationState state) { return server()->handleRequest(request, state); }

private:
    static constexpr int invalidOperation = 70013, invalid = 70004, systemError = 120000;
    /// How long nobody is let in where there are no descriptors, in nanoseconds.
    static constexpr std::uint64_t rest = 100 * 1000 * 1000;

    using Socket = detail::LoopSockets::Socket;
    using Kind = detail::LoopSockets::Kind;

    static std::uint64_t now()
    {
        const auto since = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
    }

    int failed(const std::string& what, int status)
    {
        _owner.error = what;
        return status;
    }

    int failedToListen(const char* transport, const detail::Address& at)
    {
        const int error = errno;
        return failed(std::string("cannot listen on ") + transport + " " + at.toString() + ": " +
                          std::strerror(error),
                      systemError + error);
    }

    int open()
    {
        auto& options = _owner.options;
        if (!_sockets.open())
            return failed(std::strerror(errno), systemError + errno);
        int status = listen(options.listenAddr, options.externalIP);
        if (status == 0 && options.listenAddr6.valid())
            status = listen(options.listenAddr6, options.externalIP6);
        return status == 0 ? create() : status;
    }

    /// Binds the listeners at an address, and makes it the place of its family's relays.
    int listen(detail::Address& at, const std::string& external)
    {
        detail::SystemAddress address, told;
        if (!detail::SystemAddress::from(at, address))
            return failed("not an IP address to listen at: " + at.host(), invalid);
        if (!detail::SystemAddress::from(external.empty() ? at : detail::Address(external, 0), told) ||
            told.isUnspecified() || told.storage.ss_family != address.storage.ss_family)
            return failed("clients must be told an address: name one to listen at, or externalIP", invalid);
        if (!_places.add(at.host(), told))
            return failed("listenAddr and listenAddr6 are of one family", invalid);
        for (const bool tcp : {false, true}) {
            if (tcp ? !_owner.options.enableTCP : !_owner.options.enableUDP)
                continue;
            auto made = detail::bound(address, tcp ? SOCK_STREAM : SOCK_DGRAM);
            // The second has the first one's port.
            address.size = sizeof(address.storage);
            if (made.get() < 0 || ::getsockname(made.get(), address.get(), &address.size) != 0)
                return failedToListen(tcp ? "TCP" : "UDP", at);
            at = detail::Address(at.host(), address.port());
            if (!_sockets.add({tcp ? Kind::Acceptor : Kind::Udp, std::move(made)}))
                return failedToListen(tcp ? "TCP" : "UDP", at);
        }
        return 0;
    }

    int create()
    {
        // To the core a listener is where clients see it.
        detail::Owner seen{_owner.observer, _owner.options, nullptr, {}};
        if (!seen.options.externalIP.empty())
            seen.options.listenAddr = detail::Address(seen.options.externalIP, _owner.options.listenAddr.port());
        if (!seen.options.externalIP6.empty())
            seen.options.listenAddr6 = detail::Address(seen.options.externalIP6, _owner.options.listenAddr6.port());
        seen.options.externalIP.clear();
        seen.options.externalIP6.clear();
        detail::Options options(seen);
        options.c()->log_user_data = &_owner;
        _places.setPorts(options.c()->min_port, options.c()->max_port);
        _mostStreams = options.c()->max_connections;
        const pjauth_turn_driver driver = {sizeof(driver), this, openRelay, wakeUp};
        pjauth_turn_server* made = nullptr;
        const int status = pjauth_turn_core_create(options.c(), detail::observerOf(_owner), &driver, &made);
        if (status != 0)
            return failed(detail::inWords(status), status);
        detail::Owners::all().setServer(&_owner, made);
        return failed("", 0);
    }

    void end()
    {
        put();
        pjauth_turn_server_destroy(_owner.server);
        detail::Owners::all().setServer(&_owner, nullptr);
        shut();
    }

    void shut()
    {
        _sockets.clear();
        _places.clear();
        _accepts = 0;
        _stopping = false;
    }

    // The library's calls.

    /// From whatever thread decides.
    static void wakeUp(void* self)
    {
        static_cast<LoopServer*>(self)->_sockets.wake();
    }

    static int openRelay(void* self, pjauth_turn_opening* opening)
    {
        auto* const server = static_cast<LoopServer*>(self);
        return server->_places.open(*opening, server->_sockets);
    }

    // In.

    void take(int fd, std::uint32_t events)
    {
        auto* const found = _sockets.find(fd);
        if (!found)
            return;
        auto& socket = *found;
        switch (socket.kind) {
        case Kind::Wake: {
            std::uint64_t count;
            [[maybe_unused]] const auto read = ::read(fd, &count, sizeof(count));
            break;
        }
        case Kind::Acceptor: accept(socket); break;
        case Kind::Stream:
            if (events & EPOLLOUT)
                _sockets.flush(socket);
            read(fd);
            break;
        case Kind::Relay:
            if (events & EPOLLERR)
                hear(socket);
            [[fallthrough]];
        default: receive(fd);
        }
    }

    /// Tells the core what ICMP says of what a relay sent.
    void hear(const Socket& relay)
    {
        detail::IcmpError error;
        for (int i = 0; i < 64 && detail::takeError(relay.descriptor.get(), error); ++i)
            if (error.type >= 0)
                pjauth_turn_core_from_icmp(_owner.server, relay.relay, error.peer.get(), error.peer.size, error.type,
                                           error.code, error.mtu, now());
        put();
    }

    void receive(int fd)
    {
        const auto* const found = _sockets.find(fd);
        if (!found)
            return;
        const auto& socket = *found;
        const auto kind = socket.kind;
        const auto listener = socket.listener;
        const auto relay = socket.relay;
        for (int i = 0; i < 64 && _sockets.find(fd); ++i) {
            detail::SystemAddress from;
            const auto size = ::recvfrom(fd, _room.data(), _room.size(), 0, from.get(), &from.size);
            if (size < 0)
                return;
            if (kind == Kind::Udp)
                pjauth_turn_core_from_client(_owner.server, listener, from.get(), from.size, _room.data(),
                                             static_cast<std::size_t>(size), now());
            else
                pjauth_turn_core_from_peer(_owner.server, relay, from.get(), from.size, _room.data(),
                                           static_cast<std::size_t>(size), now());
            put();
        }
    }

    void accept(const Socket& acceptor)
    {
        detail::SystemAddress from;
        detail::Descriptor made(
            ::accept4(acceptor.descriptor.get(), from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        const int on = 1;
        if (made.get() < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause(true);
            return;
        }
        if (_sockets.streams() >= _mostStreams)
            return;
        ::setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        _sockets.add({Kind::Stream, std::move(made), acceptor.listener, 0, from});
    }

    /// Where descriptors have run out, a connection that waits would keep the loop busy.
    void pause(bool on)
    {
        _accepts = on ? now() + rest : 0;
        _sockets.accept(!on);
    }

    void read(int fd)
    {
        auto* found = _sockets.find(fd);
        const auto size = ::recv(fd, _room.data(), _room.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size <= 0)
            return close(fd);
        found->in.append(_room.data(), static_cast<std::size_t>(size));
        const auto listener = found->listener;
        auto peer = found->peer;
        for (;;) {
            found = _sockets.find(fd);
            if (!found)
                return;
            auto& in = found->in;
            const auto frame = pjauth_turn_core_frame_size(in.data(), in.size());
            if (frame < 0)
                return close(fd);
            if (frame == 0 || static_cast<std::size_t>(frame) > in.size())
                return;
            const auto message = in.substr(0, static_cast<std::size_t>(frame));
            in.erase(0, static_cast<std::size_t>(frame));
            pjauth_turn_core_from_client(_owner.server, listener, peer.get(), peer.size, message.data(),
                                         message.size(), now());
            put();
        }
    }

    // Out.

    /// Does what the core wants done. What the system does not take is lost, as datagrams are.
    void put()
    {
        pjauth_turn_output output;
        while (pjauth_turn_core_next_output(_owner.server, &output)) {
            if (output.kind == PJAUTH_TURN_TO_CLIENT) {
                toClient(output);
                continue;
            }
            auto* const relay = _sockets.relay(output.relay);
            if (!relay)
                continue;
            if (output.kind == PJAUTH_TURN_CLOSE_RELAY)
                _sockets.remove(*relay);
            else
                toPeer(*relay, output);
        }
    }

    void toPeer(Socket& relay, const pjauth_turn_output& output)
    {
        const int fd = relay.descriptor.get();
        if (relay.fragments == !!output.dont_fragment) {
            relay.fragments = !output.dont_fragment;
            detail::setDontFragment(fd, relay.isV4, !!output.dont_fragment);
        }
        // An error of an earlier datagram is told once, in the place of sending this one.
        if (::sendto(fd, output.data, output.data_size, 0, output.to, output.to_size) < 0 && errno != EAGAIN)
            ::sendto(fd, output.data, output.data_size, 0, output.to, output.to_size);
    }

    void toClient(const pjauth_turn_output& output)
    {
        const auto* const listener = _sockets.listener(output.listener);
        if (listener->kind == Kind::Udp)
            ::sendto(listener->descriptor.get(), output.data, output.data_size, 0, output.to, output.to_size);
        else if (auto* const stream = _sockets.stream(output.to, output.to_size))
            _sockets.send(*stream, output.data, output.data_size);
    }

    void close(int fd)
    {
        auto* const found = _sockets.find(fd);
        if (!found)
            return;
        auto socket = _sockets.remove(*found);
        pjauth_turn_core_client_gone(_owner.server, socket.listener, socket.peer.get(), socket.peer.size, now());
    }

    detail::Owner _owner;
    detail::RelayPlaces _places;
    detail::LoopSockets _sockets;
    std::uint64_t _accepts = 0; // when connections are taken again; 0 where they are
    std::size_t _mostStreams = 0;
    bool _inside = false, _stopping = false;
    std::array<char, 65536> _room;
};

} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
