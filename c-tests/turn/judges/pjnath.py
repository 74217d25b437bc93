"""PJNATH's pj_turn_sock (turn_sock.c) against a server.

usage: pjnath.py SERVER CASE PROGRAM
"""

import subprocess
import sys

import lab

REFUSED = 4


def case(transport, password=lab.PASSWORD, expected=0, server_options=()):
    def run(kind):
        with lab.server(kind, *server_options) as server, lab.echoing() as peer:
            command = [sys.argv[3], transport, str(server.port), str(peer), lab.USER, password]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=60)
            print(done.stdout)
            lab.check(done.returncode == expected, f"pj_turn_sock's program ended with {done.returncode}")
    return run


CASES = {
    "udp": case("udp"),
    "tcp": case("tcp"),
    "password": case("udp", password="wrong", expected=REFUSED),
    "delayed": case("udp", server_options=["--delay-ms", "200"]),
}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
