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

/// What the server logs, but for mere information: why it does not start, for one.
inline void log(int level, const char* line)
{
    if (level <= 2)
        std::fprintf(stderr, "%s\n", line);
}

/// Ends the program that was called in a wrong way.
[[noreturn]] inline void end(const char* why, const std::string& text)
{
    std::fprintf(stderr, "%s: %s\n", why, text.c_str());
    std::exit(2);
}

/// A number. Ends the program where it is none, or a larger one than `most`.
inline unsigned number(const std::string& text, unsigned long most = 0xFFFFFFFF)
{
    char* rest = nullptr;
    const auto found = std::strtoul(text.c_str(), &rest, 10);
    if (text.empty() || *rest != '\0' || text[0] == '-' || found > most)
        end("not a number that will do", text);
    return static_cast<unsigned>(found);
}

/// "IP:PORT" as an address. Ends the program where it is none.
inline icy::net::Address address(const std::string& text)
{
    const auto colon = text.rfind(':');
    if (colon == std::string::npos)
        end("not IP:PORT", text);
    return {text.substr(0, colon), static_cast<std::uint16_t>(number(text.substr(colon + 1), 0xFFFF))};
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
