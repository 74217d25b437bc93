"""coturn's own client, turnutils_uclient, and its peer: what is sent through the server must come back, all of it.

usage: uclient.py SERVER CASE
"""

import re
import subprocess
import sys
import time
from contextlib import contextmanager

import lab

CLIENTS = 4
MESSAGES = 25


@contextmanager
def peer(server, address):
    """A peer that echoes; gives its address."""
    if server.peer:
        yield server.peer
        return
    port = lab.free_port()
    with lab.running(lab.need("turnutils_peer", "coturn"), "-p", port, "-L", address) as process:
        time.sleep(0.3)
        lab.check(process.poll() is None, "turnutils_peer ended")
        yield address, port


def uclient(server, address, *options, password=lab.PASSWORD):
    """Runs the client; returns its exit status and what it printed."""
    port = server.tls_port if "-S" in options else server.port
    command = [lab.need("turnutils_uclient", "coturn"), *options, "-u", lab.USER, "-w", password,
               "-p", str(port), "-m", str(CLIENTS), "-n", str(MESSAGES), address]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=180)
    return done.returncode, done.stdout


def relays(*options, address="127.0.0.1", server_options=()):
    """A case: with these options, every message of every client comes back."""
    def case(kind):
        if ":" in address and not lab.has_ipv6():
            lab.skip("this host has no IPv6")
        with lab.server(kind, *server_options, tls="-S" in options) as server, peer(server, address) as (ip, port):
            address_of_server = server.address[0] if server.peer else address
            total = CLIENTS * MESSAGES
            whole = f"tot_send_msgs={total}, tot_recv_msgs={total}"
            # On a busy machine coturn's own server loses some over TLS: once with all of it shows what the client can do.
            for _ in range(3 if kind == lab.CONTROL else 1):
                status, output = uclient(server, address_of_server, *options, "-e", ip, "-r", str(port))
                print(output[-1500:])
                if whole in output:
                    break
            lab.check(status == 0, f"turnutils_uclient ended with {status}")
            lab.check(whole in output, f"not {total} sent and received")
            lost = re.search(r"Total lost packets (\d+) .* total send dropped (\d+)", output)
            # coturn 4.18's client closes each client's socket before it sends its last Refresh through it.
            if lost and lost.groups() == ("0", str(CLIENTS)):
                print("the judge's own defect: its last Refresh of each client met a socket that it had closed")
                return
            lab.check(lost and lost.groups() == ("0", "0"), "packets lost or dropped")
    return case


def refuses(*options, what, server_options=(), **rest):
    """A case: nobody is let in with these options."""
    def case(kind):
        with lab.server(kind, *server_options) as server, peer(server, "127.0.0.1") as (_, port):
            status, output = uclient(server, "127.0.0.1", *options, "-e", "127.0.0.1", "-r", str(port), **rest)
            lab.check(status != 0, f"{what} was let in:\n{output[-1500:]}")
    return case


# Not -P, peers that connect: coturn's server loses as much with it.
# Not -Z, two relayed addresses at once: coturn asks for them with attribute 0x8032, where RFC 8656 has 0x8000.
CASES = {
    "udp": relays("-l", "160"),
    "udp-send": relays("-s", "-l", "160"),
    "udp-large": relays("-l", "1200"),
    "udp-odd": relays("-l", "161", "-D"),
    "udp-fragment": relays("-g", "-l", "160"),
    "tcp": relays("-t", "-l", "160"),
    "tcp-send": relays("-t", "-s", "-l", "160"),
    "tcp-odd": relays("-t", "-l", "161"),
    "tcp-relay": relays("-T", "-l", "160"),
    "tls-relay": relays("-T", "-S", "-E", str(lab.AUTHORITY), "-l", "160"),
    "tls": relays("-t", "-S", "-E", str(lab.AUTHORITY), "-l", "160"),
    "tls-send": relays("-t", "-S", "-s", "-l", "160"),
    "tls-odd": relays("-t", "-S", "-l", "161"),
    "tls-large": relays("-t", "-S", "-l", "1200"),
    "ipv6-tls": relays("-x", "-t", "-S", "-l", "160", address="::1"),
    "between-clients-tls": relays("-y", "-c", "-t", "-S", "-l", "160"),
    "delayed-tls": relays("-t", "-S", "-l", "160", server_options=["--delay-ms", "200"]),
    "ipv6": relays("-x", "-l", "160", address="::1"),
    "ipv6-tcp-send": relays("-x", "-t", "-s", "-l", "160", address="::1"),
    "between-clients": relays("-y", "-c", "-l", "160"),
    "between-clients-tcp": relays("-y", "-c", "-t", "-l", "160"),
    "extra-requests": relays("-G", "-l", "160"),
    "password": refuses(what="a wrong password", password="wrong"),
    "rest": relays("-W", "north", "-l", "160", server_options=["--secret", "north"]),
    "rest-tcp": relays("-t", "-W", "north", "-l", "160", server_options=["--secret", "north"]),
    "rest-replaced": relays("-W", "old", "-l", "160", server_options=["--secret", "new", "--secret", "old"]),
    "rest-wrong": refuses("-W", "east", what="another secret", server_options=["--secret", "north"]),
    "delayed": relays("-l", "160", server_options=["--delay-ms", "200"]),
    "delayed-tcp": relays("-t", "-l", "160", server_options=["--delay-ms", "200"]),
}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
