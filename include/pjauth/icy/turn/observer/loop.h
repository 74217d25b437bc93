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
#include <map>
#include <random>
#include <unordered_map>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"
#include "sockets.h"

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
    int fd() const { return _events.get(); }

    /// Milliseconds after which process() is due in any case; -1 for never. Ask after start() and after each process().
    int timeout() const
    {
        const auto deadline = pjauth_turn_core_next_deadline(_owner.server);
        if (!_owner.server || deadline == UINT64_MAX)
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
        const int count = ::epoll_wait(_events.get(), ready, 64, 0);
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
    /// What a client that does not read may leave unsent.
    static constexpr std::size_t mostUnsent = 256 * 1024;

    enum class Kind { Wake, Udp, Acceptor, Stream, Relay };

    struct Socket {
        Kind kind;
        detail::Descriptor descriptor;
        unsigned listener = 0;
        std::uint64_t relay = 0;
        detail::SystemAddress peer = {};
        std::string in = {}, out = {};
        bool waits = false;    // for room to send
        bool fragments = true; // whether the network may cut what a relay sends
        bool isV4 = true;
    };

    /// Where relays of a family are, and what clients and peers are told of it.
    struct Place {
        std::string host;
        detail::SystemAddress told;
    };

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
        _events = detail::Descriptor(::epoll_create1(EPOLL_CLOEXEC));
        _wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (_events.get() < 0 || !add({Kind::Wake, detail::Descriptor(_wake)}))
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
        if (!_places.emplace(told.storage.ss_family, Place{at.host(), told}).second)
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
            const auto listener = static_cast<unsigned>(_listeners.size());
            _listeners.push_back(made.get());
            if (!add({tcp ? Kind::Acceptor : Kind::Udp, std::move(made), listener}))
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
        _ports = {options.c()->min_port, options.c()->max_port};
        const pjauth_turn_driver driver = {sizeof(driver), this, openRelay, wakeUp};
        pjauth_turn_server* made = nullptr;
        const int status = pjauth_turn_core_create(options.c(), detail::observerOf(_owner), &driver, &made);
        if (status != 0)
            return failed(detail::inWords(status), status);
        detail::Owners::all().setServer(&_owner, made);
        return failed("", 0);
    }

    bool add(Socket socket)
    {
        const int fd = socket.descriptor.get();
        epoll_event wanted = {};
        wanted.events = EPOLLIN;
        wanted.data.fd = fd;
        if (fd < 0 || ::epoll_ctl(_events.get(), EPOLL_CTL_ADD, fd, &wanted) != 0)
            return false;
        if (socket.kind == Kind::Relay) {
            _relays[socket.relay] = fd;
            detail::keepErrors(fd, socket.isV4);
            detail::setDontFragment(fd, socket.isV4, false);
        }
        if (socket.kind == Kind::Stream)
            _streams[socket.peer.bytes()] = fd;
        _sockets.insert_or_assign(fd, std::move(socket));
        return true;
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
        _relays.clear();
        _streams.clear();
        _sockets.clear();
        _listeners.clear();
        _places.clear();
        _events = detail::Descriptor();
        _stopping = false;
        _wake = -1;
    }

    // The library's calls.

    /// From whatever thread decides.
    static void wakeUp(void* self)
    {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(static_cast<LoopServer*>(self)->_wake, &one, sizeof(one));
    }

    static int openRelay(void* self, pjauth_turn_opening* opening)
    {
        return static_cast<LoopServer*>(self)->openRelay(*opening);
    }

    int openRelay(pjauth_turn_opening& opening)
    {
        const bool isV4 = opening.family == 4;
        const auto found = _places.find(isV4 ? AF_INET : AF_INET6);
        if (found == _places.end())
            return 440;
        const auto& place = found->second;
        // Every port of the range, from any of them on.
        const unsigned count = _ports.second - _ports.first + 1u, start = _random() % count;
        for (unsigned i = 0; i < count; ++i) {
            const auto port = static_cast<std::uint16_t>(_ports.first + (start + i) % count);
            const bool isPair = opening.port == PJAUTH_TURN_PORT_PAIR;
            if ((opening.port != PJAUTH_TURN_PORT_ANY && port % 2 != 0) || (isPair && port == _ports.second))
                continue;
            auto made = bound(place, port);
            if (made.get() < 0 && errno != EADDRINUSE && errno != EACCES)
                return 508;
            auto next = made.get() >= 0 && isPair ? bound(place, static_cast<std::uint16_t>(port + 1)) : detail::Descriptor();
            if (made.get() < 0 || (isPair && next.get() < 0))
                continue;
            if (!add(relay(std::move(made), opening.relay, isV4)))
                return 508;
            if (isPair && !add(relay(std::move(next), opening.next_relay, isV4))) {
                close(_relays[opening.relay]);
                return 508;
            }
            tell(opening, place.told, port);
            return 0;
        }
        return 508;
    }

    static detail::Descriptor bound(const Place& place, std::uint16_t port)
    {
        detail::SystemAddress address;
        detail::SystemAddress::from({place.host, port}, address);
        return detail::bound(address, SOCK_DGRAM);
    }

    static Socket relay(detail::Descriptor made, std::uint64_t name, bool isV4)
    {
        Socket socket{Kind::Relay, std::move(made), 0, name};
        socket.isV4 = isV4;
        return socket;
    }

    /// The address of a relay, as peers see it.
    static void tell(pjauth_turn_opening& opening, detail::SystemAddress address, std::uint16_t port)
    {
        if (address.storage.ss_family == AF_INET6)
            reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(port);
        else
            reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(port);
        std::memcpy(opening.address, &address.storage, std::min<std::size_t>(address.size, opening.address_size));
        opening.address_size = address.size;
    }

    // In.

    void take(int fd, std::uint32_t events)
    {
        const auto found = _sockets.find(fd);
        if (found == _sockets.end())
            return;
        auto& socket = found->second;
        switch (socket.kind) {
        case Kind::Wake: {
            std::uint64_t count;
            [[maybe_unused]] const auto read = ::read(fd, &count, sizeof(count));
            break;
        }
        case Kind::Acceptor: accept(socket); break;
        case Kind::Stream:
            if (events & EPOLLOUT)
                flush(socket);
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
        const auto found = _sockets.find(fd);
        if (found == _sockets.end())
            return;
        const auto& socket = found->second;
        const auto kind = socket.kind;
        const auto listener = socket.listener;
        const auto relay = socket.relay;
        for (int i = 0; i < 64 && _sockets.count(fd); ++i) {
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
        if (made.get() < 0)
            return;
        ::setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        add({Kind::Stream, std::move(made), acceptor.listener, 0, from});
    }

    void read(int fd)
    {
        auto found = _sockets.find(fd);
        const auto size = ::recv(fd, _room.data(), _room.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size <= 0)
            return close(fd);
        found->second.in.append(_room.data(), static_cast<std::size_t>(size));
        const auto listener = found->second.listener;
        auto peer = found->second.peer;
        for (;;) {
            found = _sockets.find(fd);
            if (found == _sockets.end())
                return;
            auto& in = found->second.in;
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
            const auto found = _relays.find(output.relay);
            if (found == _relays.end())
                continue;
            if (output.kind == PJAUTH_TURN_CLOSE_RELAY)
                close(found->second);
            else
                toPeer(_sockets.at(found->second), output);
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
        const int fd = _listeners.at(output.listener);
        if (_sockets.at(fd).kind == Kind::Udp) {
            ::sendto(fd, output.data, output.data_size, 0, output.to, output.to_size);
            return;
        }
        const auto stream = _streams.find({reinterpret_cast<const char*>(output.to), output.to_size});
        if (stream == _streams.end())
            return;
        auto& socket = _sockets.at(stream->second);
        if (socket.out.size() + output.data_size > mostUnsent)
            return;
        socket.out.append(static_cast<const char*>(output.data), output.data_size);
        flush(socket);
    }

    void flush(Socket& socket)
    {
        const int fd = socket.descriptor.get();
        const bool waited = socket.waits;
        if (!socket.out.empty()) {
            const auto sent = ::send(fd, socket.out.data(), socket.out.size(), MSG_NOSIGNAL);
            if (sent > 0)
                socket.out.erase(0, static_cast<std::size_t>(sent));
        }
        socket.waits = !socket.out.empty();
        if (socket.waits != waited) {
            epoll_event wanted = {};
            wanted.events = socket.waits ? EPOLLIN | EPOLLOUT : EPOLLIN;
            wanted.data.fd = fd;
            ::epoll_ctl(_events.get(), EPOLL_CTL_MOD, fd, &wanted);
        }
    }

    void close(int fd)
    {
        const auto found = _sockets.find(fd);
        if (found == _sockets.end())
            return;
        auto socket = std::move(found->second);
        _sockets.erase(found);
        if (socket.kind == Kind::Relay)
            _relays.erase(socket.relay);
        if (socket.kind != Kind::Stream)
            return;
        _streams.erase(socket.peer.bytes());
        pjauth_turn_core_client_gone(_owner.server, socket.listener, socket.peer.get(), socket.peer.size, now());
    }

    detail::Owner _owner;
    std::map<int, Place> _places;
    std::pair<std::uint16_t, std::uint16_t> _ports;
    std::random_device _random;
    detail::Descriptor _events;
    int _wake = -1;
    bool _inside = false, _stopping = false;
    std::unordered_map<int, Socket> _sockets;
    std::vector<int> _listeners;
    std::unordered_map<std::uint64_t, int> _relays;
    std::unordered_map<std::string, int> _streams;
    std::array<char, 65536> _room;
};

} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
