// hiredis on a thread of its own, driven by poll().
#ifndef REDIS_LOOP_HPP
#define REDIS_LOOP_HPP

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

/// A connection to Redis, made anew after a second where it breaks. What is posted runs on its thread; what is asked
/// of Redis is asked from there.
class RedisLoop
{
public:
    using Task = std::function<void()>;
    /// Gets null where the connection broke, or an error reply as Redis gave it.
    using Answer = std::function<void(const redisReply*)>;

    using Clock = std::chrono::steady_clock;

    /// On the loop's thread, `connected` runs whenever there is a connection, `every_second` about once a second.
    RedisLoop(std::string host, int port, Task connected, Task every_second)
        : _host(std::move(host))
        , _port(port)
        , _connected(std::move(connected))
        , _every_second(std::move(every_second))
    {
        // A full pipe wakes as well as a fuller one: who posts never waits.
        if (pipe2(_wake, O_CLOEXEC | O_NONBLOCK) != 0)
            std::abort();
        _thread = std::thread([this] { run(); });
    }

    /// Gives Redis a second to answer what was posted.
    ~RedisLoop()
    {
        _end = Clock::now() + std::chrono::seconds(1);
        _ends = true;
        wake();
        _thread.join();
        close(_wake[0]);
        close(_wake[1]);
    }

    /// Runs a task on the loop's thread. May be called from any thread.
    void post(Task task)
    {
        {
            std::lock_guard<std::mutex> lock(_mutex);
            _tasks.push_back(std::move(task));
        }
        wake();
    }

    /// Asks Redis. Only from the loop's thread. The answer comes there too, once, whatever happens.
    void ask(const std::vector<std::string>& words, Answer answer)
    {
        std::vector<const char*> starts;
        std::vector<std::size_t> sizes;
        for (const auto& word : words) {
            starts.push_back(word.data());
            sizes.push_back(word.size());
        }
        ++_unanswered;
        auto* kept = new Answer([this, answer = std::move(answer)](const redisReply* reply) {
            --_unanswered;
            answer(reply);
        });
        const int status =
            _context ? redisAsyncCommandArgv(_context, on_reply, kept, static_cast<int>(words.size()), starts.data(),
                                             sizes.data())
                     : REDIS_ERR;
        if (status != REDIS_OK)
            on_reply(nullptr, nullptr, kept);
    }

private:
    static void on_reply(redisAsyncContext*, void* reply, void* kept)
    {
        auto* answer = static_cast<Answer*>(kept);
        (*answer)(static_cast<const redisReply*>(reply));
        delete answer;
    }

    void wake() { (void)!write(_wake[1], "", 1); }

    void run()
    {
        auto next = Clock::now();
        while (!_ends || (!idle() && Clock::now() < _end)) {
            if (Clock::now() >= next) {
                next += std::chrono::seconds(1);
                if (!_context)
                    connect();
                _every_second();
            }
            run_tasks();
            turn();
        }
        if (_context)
            redisAsyncFree(_context);
    }

    bool idle()
    {
        std::lock_guard<std::mutex> lock(_mutex);
        return _tasks.empty() && _unanswered == 0;
    }

    void run_tasks()
    {
        std::vector<Task> tasks;
        {
            std::lock_guard<std::mutex> lock(_mutex);
            tasks.swap(_tasks);
        }
        for (const auto& task : tasks)
            task();
    }

    /// Waits for something to do, for 100 ms at most, and has hiredis do its part.
    void turn()
    {
        struct pollfd files[] = {{_wake[0], POLLIN, 0}, {_context ? _context->c.fd : -1, _events, 0}};
        if (poll(files, 2, 100) <= 0)
            return;
        char scrap[64];
        if (files[0].revents)
            (void)!read(_wake[0], scrap, sizeof(scrap));
        // Each of the two may lose the connection.
        if (_context && (files[1].revents & (POLLIN | POLLERR | POLLHUP)))
            redisAsyncHandleRead(_context);
        if (_context && (files[1].revents & POLLOUT))
            redisAsyncHandleWrite(_context);
    }

    void connect()
    {
        _context = redisAsyncConnect(_host.c_str(), _port);
        if (!_context)
            return;
        if (_context->err) {
            redisAsyncFree(std::exchange(_context, nullptr));
            return;
        }
        _context->ev.data = this;
        _context->ev.addRead = [](void* self) { events_of(self) |= POLLIN; };
        _context->ev.delRead = [](void* self) { events_of(self) &= ~POLLIN; };
        _context->ev.addWrite = [](void* self) { events_of(self) |= POLLOUT; };
        _context->ev.delWrite = [](void* self) { events_of(self) &= ~POLLOUT; };
        // The last that hiredis does with a context before it frees it.
        _context->ev.cleanup = [](void* self) {
            events_of(self) = 0;
            static_cast<RedisLoop*>(self)->_context = nullptr;
        };
        redisAsyncSetConnectCallback(_context, [](const redisAsyncContext* context, int status) {
            if (status == REDIS_OK)
                static_cast<RedisLoop*>(context->ev.data)->_connected();
        });
    }

    static short& events_of(void* self) { return static_cast<RedisLoop*>(self)->_events; }

    const std::string _host;
    const int _port;
    const Task _connected, _every_second;
    redisAsyncContext* _context = nullptr;
    short _events = 0;
    int _unanswered = 0;
    std::atomic<bool> _ends{false};
    Clock::time_point _end; // read once _ends is true
    int _wake[2];
    std::mutex _mutex;
    std::vector<Task> _tasks;
    std::thread _thread;
};

#endif
