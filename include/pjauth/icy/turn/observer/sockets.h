/* The system's sockets, as a TURN server on a loop of the application's uses them.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PJAUTH_ICY_TURN_SOCKETS_H
#define PJAUTH_ICY_TURN_SOCKETS_H

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

#include "names.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {
namespace detail {

/// A descriptor, closed with its owner.
class Descriptor
{
public:
    explicit Descriptor(int fd = -1)
        : _fd(fd)
    {
    }
    Descriptor(Descriptor&& other) noexcept
        : _fd(std::exchange(other._fd, -1))
    {
    }
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        std::swap(_fd, other._fd);
        return *this;
    }
    ~Descriptor()
    {
        if (_fd >= 0)
            ::close(_fd);
    }
    int get() const { return _fd; }

private:
    int _fd;
};

/// An address as the system has it.
struct SystemAddress {
    sockaddr_storage storage = {};
    socklen_t size = sizeof(sockaddr_storage);

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    std::string bytes() const { return {reinterpret_cast<const char*>(&storage), size}; }

    static bool from(const Address& address, SystemAddress& out)
    {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
        if (inet_pton(AF_INET, address.host().c_str(), &v4->sin_addr) == 1) {
            v4->sin_family = AF_INET;
            v4->sin_port = htons(address.port());
            out.size = sizeof(*v4);
            return true;
        }
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(address.port());
        out.size = sizeof(*v6);
        return inet_pton(AF_INET6, address.host().c_str(), &v6->sin6_addr) == 1;
    }

    std::uint16_t port() const
    {
        if (storage.ss_family == AF_INET6)
            return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
        return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
    }

    bool isUnspecified() const
    {
        if (storage.ss_family == AF_INET6)
            return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr);
        return reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr == INADDR_ANY;
    }
};

/// A bound socket that does not block, or one with the descriptor -1 and errno.
inline Descriptor bound(SystemAddress address, int type)
{
    const int on = 1;
    Descriptor made(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (made.get() < 0)
        return made;
    if (address.storage.ss_family == AF_INET6)
        ::setsockopt(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (type == SOCK_STREAM)
        ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (::bind(made.get(), address.get(), address.size) != 0 ||
        (type == SOCK_STREAM && ::listen(made.get(), SOMAXCONN) != 0)) {
        const int error = errno;
        made = Descriptor();
        errno = error;
    }
    return made;
}

/// Has the kernel keep what ICMP says of datagrams that a relay sent.
inline void keepErrors(int fd, bool v4)
{
    const int on = 1;
    ::setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof(on));
}

/// Whether datagrams leave with the DF bit from now on.
inline void setDontFragment(int fd, bool v4, bool on)
{
    // With IP_PMTUDISC_DONT, what ICMP says of an earlier datagram with the bit would be thrown away.
    const int mode = v4 ? (on ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT) : (on ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT);
    ::setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &mode, sizeof(mode));
}

/// What ICMP said of a datagram.
struct IcmpError {
    SystemAddress peer = {};
    int type = -1, code = 0;
    unsigned mtu = 0;
};

/// The next error that a socket kept; false where there is none. Its type is -1 where it is none of ICMP's.
inline bool takeError(int fd, IcmpError& out)
{
    alignas(cmsghdr) char control[512];
    char scrap;
    iovec payload = {&scrap, 1};
    msghdr message = {};
    out = IcmpError();
    message.msg_name = out.peer.get();
    message.msg_namelen = out.peer.size;
    message.msg_iov = &payload;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return false;
    out.peer.size = message.msg_namelen;
    for (auto* item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
        const bool v4 = item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_RECVERR;
        const bool v6 = item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_RECVERR;
        if (!v4 && !v6)
            continue;
        sock_extended_err error;
        std::memcpy(&error, CMSG_DATA(item), sizeof(error));
        if (error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6) {
            out.type = error.ee_type;
            out.code = error.ee_code;
            out.mtu = error.ee_info;
        }
    }
    return true;
}

} // namespace detail
} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
