"""What strangers can do, and what clients are told: strangers.py PROGRAM CASE."""
import hashlib
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hosts import Server, cable, check, hosts  # noqa: E402
from turn_client import ALLOCATE, FAILURE, REQUESTED_TRANSPORT, SUCCESS, Client, Message, NoAnswer, Refused  # noqa: E402

UDP, TCP = 1, 2
PORT = 3478
UDP_RELAY = [(REQUESTED_TRANSPORT, b"\x11\0\0\0")]


def client_of(host, server, password="secret", transport="udp", **options):
    with host.entered():
        return Client((server, PORT), "joe", password, transport, **options)


def greet(client):
    """Gets a nonce, and with it the key."""
    try:
        client.request(ALLOCATE, UDP_RELAY)
    except Refused as refused:
        return refused.code
    return 0


def guessing(program):
    """Wrong keys are limited before the observer is asked; the right one among them opens nothing; the user is not
    locked out where he has been lately; over TCP there is an answer."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24"], ["11.0.0.9/24", "11.0.0.10/24", "11.0.0.11/24"])
    with Server(server, program, "--listen", f"11.0.0.5,{PORT},{UDP}", "--listen", f"11.0.0.5,{PORT},{TCP}",
                "--workers", 3) as running:
        with client_of(outside, "11.0.0.5", source="11.0.0.9") as joe:
            joe.allocate()
        before = running.figure("asked_total")
        with client_of(outside, "11.0.0.5", "guess", source="11.0.0.10", patience=2) as mallory:
            check(greet(mallory) == 401, "a wrong key")
            for number in range(4000):
                mallory.send_raw(mallory.build(ALLOCATE, UDP_RELAY))
                if number % 50 == 0:
                    mallory.binding()
            mallory.binding()
            asked = running.figure("asked_total") - before
            check(asked <= 110, f"the observer is asked {asked} times")
            check(running.figure("guesses_suppressed_total") >= 3800, "what was not asked is not counted")
            while mallory.read_frame(0) is not None:
                pass
            mallory.key = hashlib.md5(b"joe:" + mallory.realm + b":secret").digest()
            mallory.send_raw(mallory.build(ALLOCATE, UDP_RELAY))
            frame = mallory.binding()
            check(frame.kind == SUCCESS, "Binding")
            opened = [Message(found) for found in mallory.arrived if Message(found).method == ALLOCATE]
            check(all(answer.kind == FAILURE for answer in opened), "the right key among the wrong ones opens something")
        with client_of(outside, "11.0.0.5", source="11.0.0.9") as again:
            again.allocate()
        with client_of(outside, "11.0.0.5", transport="tcp", source="11.0.0.11") as stranger:
            check(greet(stranger) == 401, "over TCP a client waits for ever")


def path(program):
    """With DONT-FRAGMENT a client learns the MTU of a path, each time; a closed port is told; other packets pass."""
    server, router, outside, peer = hosts("server", "router", "outside", "peer")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24"], ["11.0.0.9/24"])
    cable(server, "eth1", router, "eth0", ["12.0.0.5/24", "2a01::5/64"], ["12.0.0.1/24", "2a01::1/64"])
    cable(router, "eth1", peer, "eth0", ["13.0.0.1/24", "2a02::1/64"], ["13.0.0.9/24", "2a02::9/64"])
    router.set("net.ipv4.ip_forward", 1)
    router.set("net.ipv6.conf.all.forwarding", 1)
    for host, name in ((router, "eth1"), (peer, "eth0")):
        host.ip(f"link set {name} mtu 1300")
    for host, far, near in ((server, "13.0.0.0/24", "12.0.0.1"), (peer, "12.0.0.0/24", "13.0.0.1"),
                            (server, "2a02::/64", "2a01::1"), (peer, "2a01::/64", "2a02::1")):
        host.ip(f"route add {far} via {near}")
    with Server(server, program, "--listen", f"11.0.0.5,{PORT},{UDP}", "--relay", "12.0.0.5", "--relay", "2a01::5",
                "--allow", "12.0.0.0/6", "--allow", "2a00::/12") as running:
        for ip, too_big, closed in (("13.0.0.9", (3, 4, 1300), (3, 3, 0)), ("2a02::9", (2, 0, 1300), (1, 4, 0))):
            with client_of(outside, "11.0.0.5") as client, peer.udp(ip, 7000) as there:
                client.allocate(family=6 if ":" in ip else 4)
                client.permit((ip, 7000))
                for _ in range(3):
                    client.send_indication((ip, 7000), bytes(1400), dont_fragment=True)
                    told = client.receive_icmp()
                    check(told == ((ip, 7000), *too_big), f"a datagram that is too big: {told}")
                client.send_indication((ip, 7001), b"nobody")
                told = client.receive_icmp()
                # The last probe may have been told of twice.
                while told and told[0] == (ip, 7000):
                    told = client.receive_icmp()
                check(told == ((ip, 7001), *closed), f"a closed port: {told}")
                for data in b"fits", bytes(1400):
                    client.send_indication((ip, 7000), data)
                    check(there.recvfrom(2000)[0] == data, "data does not get through")
        check(running.figure("icmp_errors_total") >= 8, "not counted")


def half_closed(program):
    """A client that ends its side with its request still gets the answer."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24"], ["11.0.0.9/24"])
    with Server(server, program, "--listen", f"11.0.0.5,{PORT},{TCP}"):
        for _ in range(30):
            with client_of(outside, "11.0.0.5", transport="tcp") as client:
                greeting = client.transaction(client.build(ALLOCATE, UDP_RELAY))
                client.realm, client.nonce = greeting.attributes[0x14], greeting.attributes[0x15]
                client.key = hashlib.md5(b"joe:" + client.realm + b":secret").digest()
                client.send_raw(client.build(ALLOCATE, UDP_RELAY))
                client.socket.shutdown(socket.SHUT_WR)
                frame = client.read_frame(time.monotonic() + 10)
                check(frame is not None and Message(frame).kind == SUCCESS, "no answer")
                try:
                    client.read_frame(time.monotonic() + 10)
                except NoAnswer:
                    continue
                raise AssertionError("the connection stays")


CASES = {case.__name__: case for case in (guessing, path, half_closed)}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
    print("ok")
