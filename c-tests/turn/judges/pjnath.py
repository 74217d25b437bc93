"""PJNATH's pj_turn_sock (turn_sock.c) against a server.

usage: pjnath.py SERVER CASE PROGRAM
"""

import contextlib
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import lab

REFUSED = 4


@contextmanager
def echoing_stream():
    """A peer that takes one connection, and sends back what comes; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def echo():
            with contextlib.suppress(OSError), listener.accept()[0] as stream:
                while data := stream.recv(65536):
                    stream.sendall(data)

        threading.Thread(target=echo, daemon=True).start()
        yield listener.getsockname()


def case(transport, password=lab.PASSWORD, expected=0, server_options=()):
    def run(kind):
        tls = transport == "tls"
        with (lab.server(kind, *server_options, tls=tls) as server,
              echoing_stream() if transport == "stream" else lab.peer_of(server) as peer):
            ends = [str(word) for word in (*server.address, *peer)]
            command = [sys.argv[3], transport, *ends, lab.USER, password] + [str(lab.AUTHORITY)] * tls
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=60)
            print(done.stdout)
            if done.returncode == lab.SKIPPED:
                sys.exit(lab.SKIPPED)
            lab.check(done.returncode == expected, f"pj_turn_sock's program ended with {done.returncode}")
    return run


CASES = {
    "udp": case("udp"),
    "tcp": case("tcp"),
    "stream": case("stream"),
    "tls": case("tls"),
    "password": case("udp", password="wrong", expected=REFUSED),
    "delayed": case("udp", server_options=["--delay-ms", "200"]),
}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
