#!/usr/bin/env python3
"""What TLS costs the server, beside coturn with the same certificate: microseconds of the server's CPU time for each
handshake with an allocation, full and resumed, and for each message of ChannelData there and back, by coturn's
client; the memory of an idle client with an allocation; and what others get of one worker, in microseconds that pass,
while strangers flood it with handshakes (flood.py).

A handshake is OpenSSL's, with the cipher that it prefers. - is for what coturn does not do: TLS 1.3 with this client,
or resumption.

usage: tls.py SERVER

SERVER is c-tests/turn/judges/server.c, built. Each figure is the median of ROUNDS, in which the servers take turns, each
of them fresh.
"""

import os
import resource
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

TURN = Path(__file__).resolve().parents[2] / "c-tests/turn"
sys.path[:0] = [str(TURN), str(TURN / "judges")]
import flood  # noqa: E402
import lab  # noqa: E402
from turn_client import Client  # noqa: E402

ROUNDS, HANDSHAKES, FLOWS, MESSAGES, IDLE = 3, 400, 50, 300, 200


def cpu(server):
    """Seconds that the server's threads, which stay the same, have worked."""
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def client(server, trust, session=None):
    return Client(("127.0.0.1", server.tls_port), lab.USER, lab.PASSWORD, "tls", tls=trust, session=session)


def handshakes(version, is_resumed):
    """None where the server does not speak the version, or resumes nothing."""
    def measure(server):
        trust, session = ssl.create_default_context(cafile=str(lab.AUTHORITY)), None
        trust.minimum_version = trust.maximum_version = version
        before, resumed = cpu(server), 0
        for _ in range(HANDSHAKES):
            try:
                joe = client(server, trust, session)
            except ssl.SSLError:
                return None
            with joe:
                joe.allocate()
                resumed += joe.socket.session_reused
                session = joe.socket.session if is_resumed else None
        if is_resumed and resumed < HANDSHAKES - 1:
            return None
        return (cpu(server) - before) / HANDSHAKES * 1e6
    return measure


def channel(server, size):
    port = lab.free_port()
    with lab.running(lab.need("turnutils_peer", "coturn"), "-p", port, "-L", "127.0.0.1"), \
            tempfile.NamedTemporaryFile("w", suffix=".cnf") as settings:
        # The same version with both: coturn 4.6 has no other for this client.
        print("openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nMaxProtocol=TLSv1.2", file=settings, flush=True)
        time.sleep(0.5)
        before = cpu(server)
        words = ["-t", "-S", "-l", size, "-u", lab.USER, "-w", lab.PASSWORD, "-p", server.tls_port, "-m", FLOWS, "-n",
                 MESSAGES, "-z", 1, "-e", "127.0.0.1", "-r", port, "127.0.0.1"]
        done = subprocess.run([lab.need("turnutils_uclient", "coturn"), *map(str, words)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=120,
                              env={**os.environ, "OPENSSL_CONF": settings.name})
        arrived = int(done.stdout.rsplit("tot_recv_msgs=", 1)[1].split()[0].strip(","))
        return (cpu(server) - before) / max(arrived, 1) * 1e6


def idle(server):
    trust, before = ssl.create_default_context(cafile=str(lab.AUTHORITY)), server.memory()
    with ExitStack() as crowd:
        for _ in range(IDLE):
            crowd.enter_context(client(server, trust)).allocate()
        return (server.memory() - before) / IDLE


ROWS = {
    "TLS 1.3, handshake and allocation, us": handshakes(ssl.TLSVersion.TLSv1_3, False),
    "TLS 1.3, resumed, us": handshakes(ssl.TLSVersion.TLSv1_3, True),
    "TLS 1.2, handshake and allocation, us": handshakes(ssl.TLSVersion.TLSv1_2, False),
    "TLS 1.2, resumed, us": handshakes(ssl.TLSVersion.TLSv1_2, True),
    "ChannelData, 160 bytes, there and back, us": lambda server: channel(server, 160),
    "ChannelData, 1200 bytes, there and back, us": lambda server: channel(server, 1200),
    "idle client with an allocation, KiB": idle,
    ("round trip by an allocation, median, us", "the same, slowest of a hundred, us", "each packet of a burst, us",
     "beside a flood of handshakes: round trip, us", "  slowest of a hundred, us", "  each packet of a burst, us",
     "  from one answer to the flood to the next, us"): flood.beside,
}


def main():
    if not shutil.which("turnserver"):
        lab.skip("turnserver is not installed (Debian package coturn)")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{'':48}{'pjauth':>10}{'coturn':>10}{'ratio':>8}")
    for titles, measure in ROWS.items():
        figures = {sys.argv[1]: [], lab.CONTROL: []}
        for _ in range(ROUNDS):
            for kind, measured in figures.items():
                # All the work is one worker's where others are to feel it.
                words = ["--workers", 1] if measure is flood.beside and kind != lab.CONTROL else []
                with lab.server(kind, *words, tls=True) as server:
                    measured.append(measure(server))
        if isinstance(titles, str):
            titles, figures = [titles], {kind: [[one] for one in measured] for kind, measured in figures.items()}
        for title, ours, theirs in zip(titles, *(zip(*measured) for measured in figures.values())):
            show(title, *(None if None in measured else statistics.median(measured) for measured in (ours, theirs)))


def show(title, ours, theirs):
    beside = f"{theirs:10.1f}{theirs / ours:8.2f}" if theirs else f"{'-':>10}"
    print(f"{title:48}{ours:10.1f}{beside}", flush=True)


if __name__ == "__main__":
    main()
