// The main thread of turn_service: signals, systemd, and a few lines of HTTP for whoever scrapes the metrics.
#ifndef SERVICE_LOOP_HPP
#define SERVICE_LOOP_HPP

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <stdexcept>
#include <string>
#include <vector>

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

namespace service {

using Clock = std::chrono::steady_clock;

/// Tells systemd (Type=notify), where it is there: sd_notify(3) without its library.
inline void notify(const std::string& text)
{
    const char* path = std::getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {};
    if (!path || std::strlen(path) >= sizeof(address.sun_path))
        return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path, std::strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + std::strlen(path));
    (void)!sendto(fd, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<struct sockaddr*>(&address), size);
    close(fd);
}

/// What systemd wants to know of the moment at which a reload begins.
inline std::string monotonic()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return "MONOTONIC_USEC=" + std::to_string(now.tv_sec * 1000000LL + now.tv_nsec / 1000);
}

/// Signals as a descriptor. Made before the first thread starts.
inline int signals(std::initializer_list<int> numbers)
{
    sigset_t set;
    sigemptyset(&set);
    for (const int number : numbers)
        sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/// A listener at IP:PORT. Throws std::runtime_error.
inline int listen_at(const std::string& where)
{
    const auto colon = where.rfind(':');
    auto ip = where.substr(0, colon);
    if (colon == std::string::npos)
        throw std::runtime_error("metrics: not IP:PORT: " + where);
    if (ip.size() > 2 && ip.front() == '[')
        ip = ip.substr(1, ip.size() - 2);
    struct addrinfo hints = {}, *found = nullptr;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(ip.c_str(), where.c_str() + colon + 1, &hints, &found) != 0)
        throw std::runtime_error("metrics: not IP:PORT: " + where);
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const bool listens = bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 16) == 0;
    freeaddrinfo(found);
    if (!listens)
        throw std::runtime_error("metrics: cannot listen on " + where + ": " + std::strerror(errno));
    return fd;
}

/// Waits for signals and answers `GET`, all on the thread that calls run().
class Loop
{
public:
    /// `page` has the body for a path, or an empty one for what is not there.
    Loop(int signals, int listener, std::function<std::string(const std::string& path)> page)
        : _signals(signals)
        , _listener(listener)
        , _page(std::move(page))
    {
    }

    Loop(const Loop&) = delete;

    /// Calls `on_signal` for each, and `done` at least every `period`, until that is true.
    void run(Clock::duration period, const std::function<void(int)>& on_signal, const std::function<bool()>& done)
    {
        while (!done()) {
            std::vector<struct pollfd> files = {{_signals, POLLIN, 0}, {full() ? -1 : _listener, POLLIN, 0}};
            for (const auto& one : _connections)
                files.push_back({one.fd, static_cast<short>(one.out.empty() ? POLLIN : POLLOUT), 0});
            const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(period).count();
            if (poll(files.data(), files.size(), static_cast<int>(timeout)) < 0)
                continue;
            auto file = files.begin() + 2;
            for (auto one = _connections.begin(); one != _connections.end(); ++file) {
                const bool stays = file->revents ? serve(*one) : Clock::now() < one->end;
                if (!stays)
                    close(one->fd);
                one = stays ? std::next(one) : _connections.erase(one);
            }
            if (files[1].revents)
                accept_all();
            struct signalfd_siginfo found;
            while (read(_signals, &found, sizeof(found)) == sizeof(found))
                on_signal(static_cast<int>(found.ssi_signo));
        }
    }

private:
    struct Connection {
        int fd;
        Clock::time_point end;
        std::string in, out;
    };

    /// Scrapers are few. Whoever keeps connections open keeps out none but other scrapers, and these not for long.
    bool full() const { return _connections.size() >= 16; }

    void accept_all()
    {
        while (!full()) {
            const int fd = accept4(_listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                return;
            _connections.push_back({fd, Clock::now() + std::chrono::seconds(30), "", ""});
        }
    }

    /// Whether the connection stays.
    bool serve(Connection& one)
    {
        char data[2048];
        if (one.out.empty()) {
            const auto got = recv(one.fd, data, sizeof(data), 0);
            if (got <= 0)
                return got < 0 && (errno == EAGAIN || errno == EINTR);
            one.in.append(data, static_cast<std::size_t>(got));
            if (one.in.find("\r\n\r\n") == std::string::npos)
                return one.in.size() < 8192;
            one.out = answer(one.in);
        }
        const auto sent = send(one.fd, one.out.data(), one.out.size(), MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        one.out.erase(0, static_cast<std::size_t>(sent));
        return !one.out.empty();
    }

    std::string answer(const std::string& request) const
    {
        const auto line = request.substr(0, request.find("\r\n"));
        const auto end = line.find(' ', 4);
        std::string status = "200 OK", body;
        if (line.compare(0, 4, "GET ") != 0 || end == std::string::npos)
            status = "405 Method Not Allowed";
        else if ((body = _page(line.substr(4, end - 4))).empty())
            status = "404 Not Found";
        return "HTTP/1.1 " + status + "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
    }

    int _signals, _listener;
    std::function<std::string(const std::string&)> _page;
    std::list<Connection> _connections;
};

} // namespace service

#endif
