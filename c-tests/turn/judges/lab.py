"""What the judges share: a server under test, a peer that echoes, free ports, checks.

A server under test is coturn's `turnserver`, the control that shows a judge can be satisfied, or a program of this
folder's making (server.c), named by its path; or "elsewhere,IP,PORT,PEER_IP,PEER_PORT": a server for USER and an
echoing peer that somebody else has started. Whatever is started here ends with the test.
"""

import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import wire

SKIPPED = 77
USER = "joe"
PASSWORD = "secret"
REALM = "pjauth.test"
CONTROL = "coturn"
ELSEWHERE = "elsewhere,"
CERTIFICATES = Path(__file__).resolve().parent.parent / "certificates"
AUTHORITY = CERTIFICATES / "authority.pem"


def skip(reason):
    print("SKIP", reason)
    sys.exit(SKIPPED)


def check(condition, message):
    if not condition:
        sys.exit(f"FAIL {message}")


def need(program, package):
    """The path of a program, or the end of the test."""
    return shutil.which(program) or skip(f"{program} is not installed (Debian package {package})")


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


# Most containers have no IPv6.
LOOPBACKS = [(socket.AF_INET, "127.0.0.1")] + ([(socket.AF_INET6, "::1")] if has_ipv6() else [])


def free_port():
    """A port that nothing listens on, outside the range that the kernel hands out."""
    for _ in range(100):
        port = random.randrange(10_000, 32_000)
        with contextlib.ExitStack() as sockets, contextlib.suppress(OSError):
            for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
                for family, address in LOOPBACKS:
                    sockets.enter_context(socket.socket(family, kind)).bind((address, port))
            return port
    sys.exit("FAIL no free port")


def die_with_parent():
    """Run in the child: it is killed when the test goes, however it goes."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def running(*command, log=None):
    """A program that runs until the block ends. Its output goes to `log`."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
                               stdout=log or subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """A server that runs. Its user is USER with PASSWORD; it listens on UDP and TCP at each of LOOPBACKS, or elsewhere.
    `peer` is the address of one that echoes, where there is one already."""

    def __init__(self, process, port, log, tls_port=None, ip="127.0.0.1", peer=None):
        self.process, self.port, self.log, self.tls_port = process, port, log, tls_port
        self.address, self.peer = (ip, tls_port or port), peer

    def memory(self):
        """Its resident size in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def check_alive(self):
        status = self.process.poll()
        check(status is None, f"the server ended with status {status}:\n{self.said()}")

    def said(self):
        return Path(self.log.name).read_text(errors="replace")[-2000:]


def command_of(kind, port, folder, options, tls_port):
    if kind != CONTROL:
        tls = ["--tls", f"{tls_port},{CERTIFICATES / 'turn.pem'},{CERTIFICATES / 'turn.key'}"] if tls_port else []
        return [kind, "--port", port, "--user", f"{USER}:{PASSWORD}", "--realm", REALM, *tls, *options]
    check(not options, f"coturn is not given {options}")
    addresses = [word for _, ip in LOOPBACKS for word in ("-L", ip, "-E", ip)]
    turnserver = need("turnserver", "coturn")
    return [turnserver, "-n", "-p", port, "-a", "-u", f"{USER}:{PASSWORD}", "-r", REALM, *addresses,
            "--allow-loopback-peers", *known_to(turnserver, *["--no-tls"] * (not tls_port), "--no-dtls", "--no-cli"),
            *(["--tls-listening-port", tls_port, "--cert", CERTIFICATES / "turn.pem", "--pkey", CERTIFICATES / "turn.key"]
              if tls_port else []), "--simple-log", "--min-port", "49152", "--max-port", "50175",
            "--log-file", "stdout", "--pidfile", f"{folder}/pid", "-b", f"{folder}/db"]


def known_to(turnserver, *options):
    """Those of the options that this version has: newer ones leave off by themselves what these switch off."""
    said = subprocess.run([turnserver, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace")
    words = set((said.stdout + said.stderr).split())
    return [option for option in options if option in words]


@contextlib.contextmanager
def server(kind, *options, tls=False):
    """Starts a server and waits until it answers. `options` are those of server.c."""
    if kind.startswith(ELSEWHERE):
        check(not options and not tls, f"a server elsewhere is not given {options}")
        _, ip, port, *peer = kind.split(",")
        yield Server(None, int(port), None, ip=ip, peer=(peer[0], int(peer[1])))
        return
    port, tls_port = free_port(), free_port() if tls else None
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "w") as log, \
            running(*command_of(kind, port, folder, options, tls_port), log=log) as process:
        under_test = Server(process, port, log, tls_port)
        # coturn looks at every port of its range first, which takes a busy machine a while.
        patience = time.monotonic() + 60
        while not all(answers(family, address, port) for family, address in LOOPBACKS):
            under_test.check_alive()
            check(time.monotonic() < patience, f"the server does not answer:\n{under_test.said()}")
        yield under_test
        under_test.check_alive()


def answers(family, address, port):
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        probe.connect((address, port))
        try:
            probe.send(wire.request(wire.BINDING)[0])
            return bool(probe.recv(2048))
        except OSError:
            time.sleep(0.05)
            return False


@contextlib.contextmanager
def echoing(address="127.0.0.1"):
    """A peer that sends back what it gets; gives its port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        peer.bind((address, 0))
        peer.settimeout(0.2)
        over = threading.Event()

        def echo():
            while not over.is_set():
                with contextlib.suppress(OSError):
                    peer.sendto(*peer.recvfrom(65536))

        thread = threading.Thread(target=echo)
        thread.start()
        try:
            yield peer.getsockname()[1]
        finally:
            over.set()
            thread.join()


@contextlib.contextmanager
def peer_of(server):
    """A peer that echoes, for clients of the server; gives its address."""
    if server.peer:
        yield server.peer
        return
    with echoing() as port:
        yield "127.0.0.1", port


def main(cases):
    """Runs the case that the command line names: SCRIPT SERVER CASE, against coturn, the program at a path, or elsewhere."""
    kind, name = sys.argv[1:3]
    if kind != CONTROL and not kind.startswith(ELSEWHERE):
        check(os.access(kind, os.X_OK), f"no program {kind}")
    cases[name](kind)
    print("ok")
