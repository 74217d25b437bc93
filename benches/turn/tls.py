#!/usr/bin/env python3
"""What TLS costs the server, beside coturn with the same certificate: microseconds of the server's CPU time for each
handshake with a Binding request, full and resumed, and for each message of ChannelData there and back, by coturn's
client; and the memory of an idle client with an allocation.

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
import time
from contextlib import ExitStack
from pathlib import Path

TURN = Path(__file__).resolve().parents[2] / "c-tests/turn"
sys.path[:0] = [str(TURN), str(TURN / "judges")]
import lab  # noqa: E402
from turn_client import Client  # noqa: E402

ROUNDS, HANDSHAKES, FLOWS, MESSAGES, IDLE = 3, 400, 50, 300, 200


def cpu(server):
    """Seconds that the server has worked."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def client(server, trust, session=None):
    return Client(("127.0.0.1", server.tls_port), lab.USER, lab.PASSWORD, "tls", tls=trust, session=session)


def handshakes(server, is_resumed):
    trust, session = ssl.create_default_context(cafile=str(lab.AUTHORITY)), None
    before = cpu(server)
    for _ in range(HANDSHAKES):
        with client(server, trust, session) as joe:
            joe.binding()
            session = joe.socket.session if is_resumed else None
    return (cpu(server) - before) / HANDSHAKES * 1e6


def channel(server, size):
    port = lab.free_port()
    with lab.running(lab.need("turnutils_peer", "coturn"), "-p", port, "-L", "127.0.0.1"):
        time.sleep(0.5)
        before = cpu(server)
        words = ["-t", "-S", "-l", size, "-u", lab.USER, "-w", lab.PASSWORD, "-p", server.tls_port, "-m", FLOWS, "-n",
                 MESSAGES, "-z", 1, "-e", "127.0.0.1", "-r", port, "127.0.0.1"]
        done = subprocess.run([lab.need("turnutils_uclient", "coturn"), *map(str, words)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=120)
        arrived = int(done.stdout.rsplit("tot_recv_msgs=", 1)[1].split()[0].strip(","))
        return (cpu(server) - before) / max(arrived, 1) * 1e6


def idle(server):
    trust, before = ssl.create_default_context(cafile=str(lab.AUTHORITY)), server.memory()
    with ExitStack() as crowd:
        for _ in range(IDLE):
            crowd.enter_context(client(server, trust)).allocate()
        return (server.memory() - before) / IDLE


ROWS = {
    "full handshake, us": lambda server: handshakes(server, False),
    "resumed handshake, us": lambda server: handshakes(server, True),
    "ChannelData, 160 bytes, there and back, us": lambda server: channel(server, 160),
    "ChannelData, 1200 bytes, there and back, us": lambda server: channel(server, 1200),
    "idle client with an allocation, KiB": idle,
}


def main():
    if not shutil.which("turnserver"):
        lab.skip("turnserver is not installed (Debian package coturn)")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{'':44}{'pjauth':>10}{'coturn':>10}{'ratio':>8}")
    for title, measure in ROWS.items():
        figures = {sys.argv[1]: [], lab.CONTROL: []}
        for _ in range(ROUNDS):
            for kind, measured in figures.items():
                with lab.server(kind, tls=True) as server:
                    measured.append(measure(server))
        ours, theirs = (statistics.median(measured) for measured in figures.values())
        print(f"{title:44}{ours:10.1f}{theirs:10.1f}{theirs / ours:8.2f}", flush=True)


if __name__ == "__main__":
    main()
