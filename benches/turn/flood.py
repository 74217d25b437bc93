#!/usr/bin/env python3
"""What a flood of TLS handshakes does to who relays by the same server: round trips and bursts of an allocation over
UDP, without the flood and beside it.

Who floods sends the beginning of a handshake, over and over from many addresses, waits for the answer, which costs a
server its signature, and breaks off. Server on one core, flood and client on another.

usage: flood.py PORT SECONDS          the flood itself; prints how many answers it got
"""

import os
import random
import signal
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

TURN = Path(__file__).resolve().parents[2] / "c-tests/turn"
sys.path[:0] = [str(TURN), str(TURN / "judges")]
import lab  # noqa: E402
from turn_client import Client, Peer  # noqa: E402

SERVER_CORE, OTHER_CORE = 0, 1
CONNECTIONS, ROUND_TRIPS, BURSTS, BURST = 32, 300, 60, 64
# The flood ends by itself, however long the figures take.
LONGEST = 30
ABORT = struct.pack("ii", 1, 0)


def hello():
    """The beginning of a handshake; of TLS 1.2, which both servers speak, and sign for at once."""
    tls = ssl.create_default_context()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    written = ssl.MemoryBIO()
    try:
        tls.wrap_bio(ssl.MemoryBIO(), written, server_hostname="turn.test").do_handshake()
    except ssl.SSLWantReadError:
        return written.read()


def flood(port, seconds):
    """So many answers in that time."""
    first, end, answers, over = hello(), time.monotonic() + seconds, [], threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())

    def begin_again():
        while time.monotonic() < end and not over.is_set():
            with socket.socket() as connection:
                connection.settimeout(1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                try:
                    connection.bind((f"127.66.{random.randrange(256)}.{random.randrange(1, 255)}", 0))
                    connection.connect(("127.0.0.1", port))
                    connection.sendall(first)
                    # A handshake's record, no alert.
                    answers.append(1) if connection.recv(1) == b"\x16" else None
                except OSError:
                    pass

    threads = [threading.Thread(target=begin_again) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(answers)


def round_trips(client, peer):
    """Of one packet at a time, in microseconds: the median, and the slowest of a hundred."""
    took = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        client.send_channel(b"ping")
        assert peer.receive(), "a packet to the peer is lost"
        peer.send(client.relayed, b"pong")
        assert client.receive(), "a packet to the client is lost"
        took.append((time.perf_counter() - began) * 1e6)
    return statistics.median(took), sorted(took)[-ROUND_TRIPS // 100]


def bursts(client, peer):
    """Microseconds for each packet of bursts to the peer that arrives."""
    began, arrived = time.perf_counter(), 0
    for _ in range(BURSTS):
        for _ in range(BURST):
            client.send_channel(bytes(160))
        for _ in range(BURST):
            if peer.receive(1) is None:
                break
            arrived += 1
    return (time.perf_counter() - began) / max(arrived, 1) * 1e6


def beside(server):
    """Round trips (median, slowest of a hundred) and bursts, without the flood and beside it; and the microseconds
    from one of its answers to the next."""
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {SERVER_CORE})
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {OTHER_CORE})
    try:
        peer = Peer()
        with Client(("127.0.0.1", server.port), lab.USER, lab.PASSWORD) as client, peer.socket:
            client.allocate()
            client.bind_channel(peer.address)
            quiet = *round_trips(client, peer), bursts(client, peer)
            words = [sys.executable, __file__, str(server.tls_port), str(LONGEST)]
            with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                  preexec_fn=lab.die_with_parent) as crowd:
                began = time.monotonic()
                try:
                    time.sleep(1)
                    loud = *round_trips(client, peer), bursts(client, peer)
                finally:
                    crowd.terminate()
                seconds, answers = time.monotonic() - began, int(crowd.stdout.read())
        return (*quiet, *loud, seconds / max(answers, 1) * 1e6)
    finally:
        os.sched_setaffinity(0, before)


if __name__ == "__main__":
    print(flood(int(sys.argv[1]), float(sys.argv[2])))
