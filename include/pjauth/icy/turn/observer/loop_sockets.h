/* The sockets of a TURN server on a loop of the application's.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PJAUTH_ICY_TURN_LOOP_SOCKETS_H
#define PJAUTH_ICY_TURN_LOOP_SOCKETS_H

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockets.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {
namespace detail {

/// All sockets of a server, found by what each is for, and one descriptor to wait for them all.
class LoopSockets
{
public:
    enum class Kind { Wake, Udp, Acceptor, Stream, Relay };

    struct Socket {
        Kind kind;
        Descriptor descriptor;
        unsigned listener = 0;
        std::uint64_t relay = 0;
        SystemAddress peer = {};
        std::string in = {}, out = {};
        bool waits = false;    // for room to send
        bool fragments = true; // whether the network may cut what a relay sends
        bool isV4 = true;
    };

    /// False with errno where there can be none.
    bool open()
    {
        _events = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
        _wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        return _events.get() >= 0 && add({Kind::Wake, Descriptor(_wake)});
    }

    void clear()
    {
        _relays.clear();
        _streams.clear();
        _sockets.clear();
        _listeners.clear();
        _events = Descriptor();
        _wake = -1;
    }

    int fd() const { return _events.get(); }

    /// Makes fd() readable. From any thread.
    void wake() const
    {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(_wake, &one, sizeof(one));
    }

    /// What there is to be done, at most so much of it. Never waits.
    int ready(epoll_event* out, int most) const { return ::epoll_wait(_events.get(), out, most, 0); }

    /// Takes a socket in. Listeners get their numbers in this order.
    bool add(Socket socket)
    {
        const int fd = socket.descriptor.get();
        if (fd < 0 || !control(EPOLL_CTL_ADD, fd, EPOLLIN))
            return false;
        if (socket.kind == Kind::Relay)
            _relays[socket.relay] = fd;
        if (socket.kind == Kind::Stream)
            _streams[socket.peer.bytes()] = fd;
        if (socket.kind == Kind::Udp || socket.kind == Kind::Acceptor) {
            socket.listener = static_cast<unsigned>(_listeners.size());
            _listeners.push_back(fd);
        }
        _sockets.insert_or_assign(fd, std::move(socket));
        return true;
    }

    /// Takes a socket out: it is closed with what this returns.
    Socket remove(Socket& socket)
    {
        auto gone = std::move(socket);
        _sockets.erase(gone.descriptor.get());
        if (gone.kind == Kind::Relay)
            _relays.erase(gone.relay);
        if (gone.kind == Kind::Stream)
            _streams.erase(gone.peer.bytes());
        return gone;
    }

    Socket* find(int fd)
    {
        const auto found = _sockets.find(fd);
        return found == _sockets.end() ? nullptr : &found->second;
    }

    Socket* listener(unsigned number) { return find(_listeners.at(number)); }

    Socket* relay(std::uint64_t name)
    {
        const auto found = _relays.find(name);
        return found == _relays.end() ? nullptr : find(found->second);
    }

    /// The connection from an address.
    Socket* stream(const void* from, std::size_t size)
    {
        const auto found = _streams.find({static_cast<const char*>(from), size});
        return found == _streams.end() ? nullptr : find(found->second);
    }

    std::size_t streams() const { return _streams.size(); }

    /// Whether connections are waited for: where there is no descriptor for one, the wait for it would never end.
    void accept(bool on)
    {
        for (const int fd : _listeners)
            if (find(fd)->kind == Kind::Acceptor)
                control(EPOLL_CTL_MOD, fd, on ? std::uint32_t(EPOLLIN) : 0);
    }

    /// Sends to a stream's client, as soon as there is room. What is too much is lost, as datagrams are.
    void send(Socket& stream, const void* data, std::size_t size)
    {
        if (stream.out.size() + size > mostUnsent)
            return;
        stream.out.append(static_cast<const char*>(data), size);
        flush(stream);
    }

    void flush(Socket& stream)
    {
        const int fd = stream.descriptor.get();
        const bool waited = stream.waits;
        if (!stream.out.empty()) {
            const auto sent = ::send(fd, stream.out.data(), stream.out.size(), MSG_NOSIGNAL);
            if (sent > 0)
                stream.out.erase(0, static_cast<std::size_t>(sent));
        }
        stream.waits = !stream.out.empty();
        if (stream.waits != waited)
            control(EPOLL_CTL_MOD, fd, stream.waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }

private:
    /// What a client that does not read may leave unsent.
    static constexpr std::size_t mostUnsent = 256 * 1024;

    bool control(int operation, int fd, std::uint32_t events) const
    {
        epoll_event wanted = {};
        wanted.events = events;
        wanted.data.fd = fd;
        return ::epoll_ctl(_events.get(), operation, fd, &wanted) == 0;
    }

    Descriptor _events;
    int _wake = -1;
    std::unordered_map<int, Socket> _sockets;
    std::vector<int> _listeners;
    std::unordered_map<std::uint64_t, int> _relays;
    std::unordered_map<std::string, int> _streams;
};

} // namespace detail
} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
