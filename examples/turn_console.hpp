// What the C++ TURN examples share: lines on standard output, and how to end.
#ifndef TURN_CONSOLE_HPP
#define TURN_CONSOLE_HPP

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <icy/turn/server/server.h>

namespace console {

/// Prints a line at once. May be called from any thread: stdio locks for each call.
template <class... Values>
void say(const char* format, Values... values)
{
    std::printf(format, values...);
    std::fflush(stdout);
}

/// "IP:PORT" as an address. Ends the program where it is none.
inline icy::net::Address address(const std::string& text)
{
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon + 1 == text.size()) {
        std::fprintf(stderr, "not IP:PORT: %s\n", text.c_str());
        std::exit(2);
    }
    return {text.substr(0, colon), static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1))};
}

/// "NAME:VALUE" as a pair; the value is empty where there is no colon.
inline std::pair<std::string, std::string> split(const std::string& text)
{
    const auto colon = text.find(':');
    if (colon == std::string::npos)
        return {text, ""};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

/// Turns SIGINT and SIGTERM into something that wait_for_end() sees. Call it before the first thread starts.
inline int block_signals()
{
    static int ends[2];
    if (pipe(ends) != 0)
        std::abort();
    struct sigaction action = {};
    action.sa_handler = [](int) { (void)!write(ends[1], "", 1); };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    return ends[0];
}

/// Returns when standard input ends, or a signal asks to.
inline void wait_for_end(int signals)
{
    struct pollfd files[] = {{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}};
    char scrap[256];
    for (;;) {
        if (poll(files, 2, -1) < 0)
            continue; // a signal: its byte is in the pipe
        if (files[1].revents)
            return;
        if (files[0].revents && read(STDIN_FILENO, scrap, sizeof(scrap)) <= 0)
            return;
    }
}

/// How an allocation ended, in one line.
inline void say_removed(icy::turn::IAllocation& alloc)
{
    say("removed   %s %s %s: %lld bytes, %lld packets, %lld ms\n", alloc.username().c_str(),
        alloc.relayedAddress().toString().c_str(), alloc.removalReason(), static_cast<long long>(alloc.bandwidthUsed()),
        static_cast<long long>(alloc.packetsRelayed()), static_cast<long long>(alloc.age()));
}

} // namespace console

#endif
