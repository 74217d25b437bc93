"""Hosts of a test's own: network namespaces with interfaces between them, and the server in one of them.

Namespaces carry the test's process number in their names and are removed on every way out. Needs root and `ip`.
"""
import atexit
import contextlib
import ctypes
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

SKIPPED = 77
PATIENCE = 20
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def skip(reason):
    print("SKIP", reason)
    sys.exit(SKIPPED)


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def die_with_parent():
    PR_SET_PDEATHSIG = 1
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(command, **options):
    words = command.split() if isinstance(command, str) else command
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    check(done.returncode == 0, f"{command}: {done.stdout}")
    return done.stdout


class Host:
    """A namespace. `ip` runs ip(8) in it; inside `with host.entered()` this thread's new sockets are in it."""

    def __init__(self, name):
        self.name = f"pjauth{os.getpid()}{name}"
        run(f"ip netns add {self.name}")
        atexit.register(self.remove)
        self.ip("link set lo up")

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], stderr=subprocess.DEVNULL)

    def ip(self, words):
        return run(f"ip -n {self.name} {words}")

    def set(self, name, value):
        """A sysctl."""
        run(["ip", "netns", "exec", self.name, "sh", "-c", f"echo {value} > /proc/sys/{name.replace('.', '/')}"])

    @contextlib.contextmanager
    def entered(self):
        with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{self.name}") as own:
            check(LIBC.setns(own.fileno(), CLONE_NEWNET) == 0, "setns")
            try:
                yield
            finally:
                check(LIBC.setns(before.fileno(), CLONE_NEWNET) == 0, "setns back")

    def udp(self, address="0.0.0.0", port=0):
        with self.entered():
            peer = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        peer.settimeout(2)
        peer.bind((address, port))
        return peer


def cable(one, one_name, other, other_name, one_addresses, other_addresses):
    """An interface in each of two hosts, connected; IPv6 without duplicate detection."""
    run(f"ip -n {one.name} link add {one_name} type veth peer name {other_name} netns {other.name}")
    for host, name, addresses in ((one, one_name, one_addresses), (other, other_name, other_addresses)):
        for address in addresses:
            host.ip(f"addr add {address} dev {name}{' nodad' if ':' in address else ''}")
        host.ip(f"link set {name} up")


def hosts(*names):
    """Hosts, or the end of the test where none can be made."""
    if os.geteuid() != 0:
        skip("network namespaces are made by root alone")
    if not shutil.which("ip"):
        skip("ip is not installed (Debian package iproute2)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return [Host(name) for name in names]
    except AssertionError as refused:
        skip(f"no network namespace can be made here: {refused}".replace("\n", " "))


class Refused(Exception):
    """The server does not start. `status` and `text` say why."""

    def __init__(self, line):
        super().__init__(line)
        self.status, self.text = int(line.split()[1]), " ".join(line.split()[2:])


class Server:
    """The server in a host, or in none of the test's own. Ends with the block."""

    def __init__(self, host, program, *options, limit=None):
        words = [str(word) for word in (program, *options)]
        if limit:
            words = ["sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh", *words]
        words = ["ip", "netns", "exec", host.name, *words] if host else words
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.arrived, self.lines, self.passed = queue.Queue(), [], []
        threading.Thread(target=self._read, daemon=True).start()
        try:
            line = self.expect("ready|refused")
        except BaseException:
            self.end()
            raise
        if line.startswith("refused"):
            self.process.wait(PATIENCE)
            raise Refused(line)

    def _read(self):
        for line in self.process.stdout:
            self.arrived.put(line.rstrip("\n"))
        self.arrived.put(None)

    def expect(self, pattern, within=PATIENCE):
        """Reads lines up to the first that begins so, and returns it. One that was read past for another's sake
        counts as well: a worker's log comes when it likes."""
        end = time.monotonic() + within
        for line in self.passed:
            if re.match(pattern, line):
                self.passed.remove(line)
                return line
        while True:
            try:
                line = self.arrived.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line {pattern!r} after {self.lines}")
            self.lines.append(line)
            if re.match(pattern, line):
                return line
            self.passed.append(line)

    def tell(self, command):
        """Has the server do something. Returns the lines of its answer."""
        return self.refuses(command, 0)

    def refuses(self, command, status):
        """Likewise, where the status is another."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        at = len(self.lines)
        line = self.expect("done ")
        check(line == f"done {status}", f"{command}: {line}")
        return self.lines[at:-1]

    def listeners(self):
        return [line.split()[1:] for line in self.tell("listeners") if line.startswith("listening")]

    def figure(self, name):
        """A figure of its metrics."""
        found = [line for line in self.tell("metrics") if line.split()[:1] == [f"pjauth_turn_{name}"]]
        check(len(found) == 1, f"no figure {name}")
        return int(found[0].split()[1])

    def logged(self, text):
        return any(line.startswith("log ") and text in line for line in self.lines)

    def end(self):
        self.process.stdin.close()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return status

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.end()
        check(kind is not None or status == 0, f"the server ended with {status}: {self.lines}")


def wait_until(condition, what):
    """Waits for something that must come."""
    end = time.monotonic() + PATIENCE
    while not condition():
        check(time.monotonic() < end, f"in vain: {what}")
        time.sleep(0.05)
