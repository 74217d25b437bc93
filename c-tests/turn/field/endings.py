"""What ends while channel data goes by way of the kernel, in the middle of a stream: endings.py PROGRAM CASE."""
import os
import shutil
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path

from hosts import PATIENCE, check, skip, wait_until
from kernel import PORT, Call, by_kernel, needs_kernel, start, street

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it


def endings(program):
    """Deleted, revoked, expired in the middle of a stream: no packet after. The last figures are the whole."""
    server, near, far = street()
    with start(server, program) as running:
        needs_kernel(running)
        for end in "deleted", "revoked", "denied":
            call = Call(near, far, 4, 4, user="ann")
            call.both_ways(b"first")
            stream = Stream(call)
            wait_until(lambda: stream.heard > 100, "a stream to the peer")
            if end == "deleted":
                call.client.refresh(0)
            else:
                running.tell("revoke ann" if end == "revoked" else "deny 11.0.2.0/24")
            after = stream.silence()
            check(after == 0, f"{end}, and {after} packets reached the peer after that")
            stream.end()
            call.client.close()
            if end != "denied":
                check(running.figure("allocations") == 0, f"an allocation that was {end}")
        check(by_kernel(running, lambda: None) == 0, "nothing is forwarded any more")


def expires(running, near, far, stopped=None):
    """An allocation ends by its lifetime in the middle of a stream, while a process stands still."""
    call = Call(near, far, 4, 4)
    call.both_ways(b"first")
    stream = Stream(call)
    wait_until(lambda: stream.heard > 100, "a stream to the peer")
    running.tell("lifetime 4000")
    end = time.monotonic() + 4
    if stopped:
        os.kill(stopped, signal.SIGSTOP)
    try:
        before = stream.heard
        wait_until(lambda: stream.heard > before + 100, "a stream until the end")
        time.sleep(max(0, end - time.monotonic()))
        after = stream.silence()
    finally:
        if stopped:
            os.kill(stopped, signal.SIGCONT)
    check(after == 0, f"{after} packets reached the peer after the allocation's end")
    stream.end()
    wait_until(lambda: running.figure("allocations") == 0, "an allocation that has expired")
    call.client.close()


def expired(program):
    """An end by lifetime of a server that works, and of one that stands still and can end nothing."""
    server, near, far = street()
    with start(server, program) as running:
        needs_kernel(running)
        expires(running, near, far)
        expires(running, near, far, running.process.pid)


def other_time(program):
    """The same in a time namespace, whose clock is not the one that the kernel's program looks at."""
    if not os.path.exists("/proc/self/ns/time") or not shutil.which("unshare"):
        skip("no time namespaces, or no unshare (Debian package util-linux)")
    server, near, far = street()
    with start(server, "unshare", "--time", "--monotonic", 100000, "--kill-child", program) as running:
        needs_kernel(running)
        outer = running.process.pid
        own, = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        expires(running, near, far, int(own))


def capped(program):
    """Bytes that the kernel relayed count for a limit that is set later; one that is reached ends a stream."""
    server, near, far = street()
    with start(server, program) as running:
        needs_kernel(running)
        call = Call(near, far, 4, 4)
        call.both_ways(b"first")
        check(by_kernel(running, lambda: [call.both_ways(bytes(100)) for _ in range(5)]) == 10, "by the kernel")
        running.tell(f"limit {2 * 5 + 10 * 100 + 3 * 100}")
        for _ in range(6):
            call.say(bytes(100))
        for _ in range(3):
            call.heard(bytes(100))
        wait_until(lambda: running.figure("allocations") == 0, "an allocation beyond its limit")
        check(Stream(call).silence() == 0, "the limit let more than the rest through")
        call.client.close()
        call = Call(near, far, 4, 4, user="ann")
        call.both_ways(b"first")
        stream = Stream(call)
        wait_until(lambda: stream.heard > 100, "a stream to the peer")
        running.tell("limit 1000")
        after = stream.silence()
        check(after == 0, f"{after} packets reached the peer after the limit")
        stream.end()


class Stream:
    """Channel data from a client as fast as it goes, and what reaches the peer."""

    def __init__(self, call):
        self.call, self.heard, self.running = call, 0, True
        self.end_at, self.late = float("inf"), 0
        call.peer.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.own = call.client.socket.dup()
        self.own.settimeout(None)
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        frame = struct.pack("!HH", self.call.number, 160) + bytes(160)
        while self.running:
            try:
                self.own.send(frame)
            except ConnectionRefusedError:
                pass  # the server is gone

    def receive(self):
        while self.running:
            try:
                _, ((_, _, stamp), *_), _, _ = self.call.peer.recvmsg(65536, 64)
                seconds, nanoseconds = struct.unpack("@ll", stamp)
                self.late += seconds + nanoseconds / 1e9 > self.end_at
                self.heard += 1
            except OSError:
                pass

    def silence(self):
        """What is forwarded from now on. What was on its way comes too, on a busy machine much later: each packet has
        the time at which it was sent to the peer's interface."""
        self.end_at = time.time() + 0.01
        time.sleep(0.8)
        return self.late

    def end(self):
        self.running = False
        self.threads[0].join(PATIENCE)


def leaves_nothing(program):
    """A process that dies in the middle leaves no program behind, and another's at the same interfaces goes on."""
    server, near, far = street()
    running = start(server, program)
    needs_kernel(running)
    call = Call(near, far, 4, 4)
    call.both_ways(b"first")
    with start(server, program, port=PORT + 1) as other:
        beside = Call(near, far, 4, 4, port=PORT + 1)
        beside.both_ways(b"first")
        stream = Stream(call)
        wait_until(lambda: stream.heard > 100, "a stream to the peer")
        check(by_kernel(other, lambda: beside.both_ways(b"beside")) == 2, "by the kernel beside another server")
        running.process.kill()
        running.process.wait(PATIENCE)
        check(stream.silence() == 0, "packets are forwarded for a process that is dead")
        stream.running = False
        check(by_kernel(other, lambda: beside.both_ways(b"on")) == 2, "by the kernel when the other is dead")


CASES = {case.__name__: case for case in (endings, expired, other_time, capped, leaves_nothing)}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
