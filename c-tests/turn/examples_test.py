"""Each TURN example, run for real: examples_test.py CASE PROGRAM"""
import hashlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from program import Program, check, free_port
from turn_client import Client, Peer, Refused, exchange

USERS = ["--user", "joe:secret", "--user", "ann:hush", "--user", "max:none", "--deny", "max"]


def start(program, *arguments):
    return Program(program, "--listen", f"127.0.0.1:{free_port()}", "--allow", "127.0.0.0/8", *arguments)


def refusal(client):
    try:
        client.allocate()
    except Refused as refused:
        return refused.code
    raise AssertionError("the allocation was granted")


def session(server, transport):
    """Allocates, exchanges data, deletes; what the example prints of it must be right."""
    with Client(server.address, "joe", "secret", transport) as client:
        ip, port = client.allocate()
        server.expect(f"created   joe {ip}:{port}")
        exchange(client, Peer())
        check(client.refresh(0) == 0, "the allocation is not deleted")
        line = server.expect(f"removed   joe {ip}:{port} deleted")
        # one, two, three, four!
        check("16 bytes, 4 packets" in line, line)


def outsiders(server):
    """A wrong password, a stranger, one whom the observer turns away."""
    for user, password in (("joe", "guess"), ("nobody", "secret"), ("max", "none")):
        with Client(server.address, user, password) as client:
            check(refusal(client) == 401, f"{user} is let in")


def server_cpp(program):
    # Slower than the client's patience between two retransmissions: the request is held, its copies are absorbed.
    with start(program, *USERS, "--delay", "700", "--again", "--quota", "1") as server:
        with Client(server.address, "joe", "secret", resend=0.2) as client:
            began = time.monotonic()
            client.allocate()
            check(time.monotonic() - began >= 0.7, "answered before the decision")
            check(client.sent >= 4, "the client did not have to wait")
            server.expect("refused   joe")
            with Client(server.address, "joe", "secret") as second:
                check(refusal(second) == 486, "a second allocation is beyond the quota")
            client.refresh(0)
            server.expect("removed")
        lines = server.stop()
        check(sum(line.startswith("asked     joe") for line in lines) == 2, f"asked about copies: {lines}")
    with start(program, *USERS, "--delay", "50") as server:
        session(server, "udp")
        session(server, "tcp")
        outsiders(server)
        # A client that goes away while it is held: the answer comes too late, and nothing else happens.
        gone = Client(server.address, "joe", "secret", "tcp")
        refused = gone.transaction(gone.build(3, [(0x19, b"\x11\0\0\0")]))
        gone.realm, gone.nonce = refused.attributes[0x14], refused.attributes[0x15]
        gone.key = hashlib.md5(b"joe:" + gone.realm + b":secret").digest()
        gone.send_raw(gone.build(3, [(0x19, b"\x11\0\0\0")]))
        server.expect("asked     joe")
        gone.close()
        server.expect("answered  joe Authorized, too late")
        # One that is there when the server stops is removed all the same.
        with Client(server.address, "ann", "hush") as client:
            client.allocate()
            lines = server.stop()
        created = sum(line.startswith("created") for line in lines)
        removed = sum(line.startswith("removed") for line in lines)
        check(created == removed == 3, f"created {created}, removed {removed}: {lines}")
        check(any(line.startswith("removed   ann") and " stopped:" in line for line in lines), f"{lines}")


def server_c(program):
    with start(program, *USERS) as server:
        session(server, "udp")
        session(server, "tcp")
        outsiders(server)
        server.stop()


def icey(program):
    """The observer that was written for icey. It throws about max, and where an allocation of ann's comes or goes."""
    with Program(program, free_port()) as server:
        for transport in ("udp", "tcp"):
            with Client(server.address, "joe", "secret", transport) as client:
                ip, port = client.allocate()
                server.expect(f"asked     joe from 127.0.0.1:{client.socket.getsockname()[1]} by {transport.upper()}")
                server.expect(f"created   joe {ip}:{port}")
                server.expect("listed    joe")
                exchange(client, Peer())
                client.refresh(0)
                server.expect(f"removed   joe {transport.upper()} 16 of 1000000 bytes")
        with Client(server.address, "max", "none") as client:
            check(refusal(client) == 401, "max is let in")
        with Client(server.address, "ann", "hush") as client:
            client.allocate()
            server.expect("created   ann")
            exchange(client, Peer())
            client.refresh(0)
            server.expect("removed   ann UDP 16 of 1000000 bytes")
        with Client(server.address, "joe", "guess") as client:
            check(refusal(client) == 401, "a wrong password is let in")
        server.stop()


def closed_ports(server):
    """What ICMP says of a peer reaches the client, and the next packet for another peer is not lost for it."""
    with Client(server.address, "joe", "secret") as client:
        client.allocate()
        peer, closed = Peer(), Peer()
        closed.socket.close()
        client.permit(peer.address)
        for dont_fragment in (False, True):
            client.send_indication(closed.address, b"knock", dont_fragment)
            told = client.receive_icmp()
            check(told == (closed.address, 3, 3, 0), f"told {told} of a closed port")
            client.send_indication(peer.address, b"hello")
            check((peer.receive() or [None])[0] == b"hello", "a packet was lost for an ICMP error")
        client.refresh(0)


def loop(program):
    """The server on libuv: every call of the observer's is on the loop's thread, or the program aborts."""
    with start(program, "--user", "joe:secret", "--user", "ann:hush", "--delay", "300") as server:
        for transport in ("udp", "tcp"):
            with Client(server.address, "joe", "secret", transport, resend=0.1) as client:
                ip, port = client.allocate()
                server.expect(f"created   joe {ip}:{port}")
                exchange(client, Peer())
                check(client.refresh(0) == 0, "the allocation is not deleted")
                server.expect("removed   joe 16 bytes")
        for user, password in (("joe", "guess"), ("nobody", "secret")):
            with Client(server.address, user, password) as client:
                check(refusal(client) == 401, f"{user} is let in")
        closed_ports(server)
        gone = Client(server.address, "ann", "hush", "tcp")
        gone.allocate()
        server.expect("created   ann")
        gone.close()
        server.expect("removed   ann 0 bytes")
        with Client(server.address, "ann", "hush") as client:
            client.allocate()
            lines = server.stop()
        check(any(line.startswith("removed   ann") for line in lines), f"not removed at the stop: {lines}")
    # Both families: clients of either get relays of either.
    with start(program, "--user", "joe:secret", "--listen6", "[::1]:0") as server:
        sixth = re.match(r"listening \[::1\]:(\d+)$", server.expect("listening [::1]"))
        for address in (server.address, ("::1", int(sixth[1]))):
            for transport in ("udp", "tcp"):
                for family, ip in ((4, "127.0.0.1"), (6, "::1")):
                    with Client(address, "joe", "secret", transport) as client:
                        relayed = client.allocate(family=family)
                        check(relayed[0] == ip and 49152 <= relayed[1], f"{address} {transport}: a relay at {relayed}")
                        client.refresh(0)
        server.stop()
    # Where descriptors run out, clients get in when there are some again.
    limited = "sh", "-c", 'ulimit -n 24 && exec "$@"', "sh", program
    with Program(*limited, "--listen", f"127.0.0.1:{free_port()}", "--user", "joe:secret") as server:
        for client in [Client(server.address, "joe", "secret", "tcp") for _ in range(40)]:
            client.close()
        with Client(server.address, "joe", "secret", "tcp") as client:
            client.allocate()
            client.refresh(0)
        server.stop()
    # Announced as another address than the one that it is bound to.
    with start(program, "--user", "joe:secret", "--external", "192.0.2.44") as server:
        with Client(server.address, "joe", "secret") as client:
            ip, _ = client.allocate()
            check(ip == "192.0.2.44", f"the relay is announced as {ip}")
        server.stop()


class Redis:
    """A Redis of the test's own. After a stop it knows the users and the quota again, and nothing else."""

    def __init__(self):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory()
        self.start()
        for user, password in (("joe", "secret"), ("ann", "hush")):
            key = hashlib.md5(f"{user}:example.org:{password}".encode()).hexdigest()
            self("SET", f"turn/realm/example.org/user/{user}/key", key)
        self("SET", "turn/realm/example.org/user-quota", 2)
        self("SAVE")

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder.name],
            stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                self.connection = socket.create_connection(("127.0.0.1", self.port), 5)
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        else:
            raise AssertionError("redis-server does not answer")

    def stop(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()

    def __call__(self, *words):
        """One command. Returns the first line of the reply, without its type."""
        words = [str(word).encode() for word in words]
        self.connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        reply = b""
        while not reply.endswith(b"\r\n"):
            reply += self.connection.recv(4096)
        check(reply[:1] in b"+:", f"Redis: {reply}")
        return reply[1:].split(b"\r\n")[0].decode()

    def seats(self, user):
        return int(self("ZCARD", f"turn/realm/example.org/user/{user}/seats"))

    def wait_for_seats(self, user, count):
        end = time.monotonic() + 10
        while self.seats(user) != count and time.monotonic() < end:
            time.sleep(0.02)
        check(self.seats(user) == count, f"{user} has {self.seats(user)} seats, not {count}")


def redis(program):
    if not shutil.which("redis-server"):
        print("SKIP redis-server is not installed")
        sys.exit(77)
    with Redis() as store:
        arguments = [program, "--redis", f"127.0.0.1:{store.port}"]
        with start(*arguments) as first, start(*arguments) as second:
            session(first, "udp")
            store.wait_for_seats("joe", 0)
            # Strangers take no seat.
            outsiders(second)
            check(store.seats("joe") == 0, "a wrong password took a seat")
            # Two seats, three clients, two servers.
            a, b, c = (Client(server.address, "joe", "secret") for server in (first, second, first))
            a.allocate()
            b.allocate()
            check(refusal(c) == 486, "the quota holds for each server alone")
            with Client(second.address, "ann", "hush") as other:
                other.allocate()
            b.refresh(0)
            store.wait_for_seats("joe", 1)
            c.allocate()
            # A change in Redis counts at once.
            store("SET", "turn/realm/example.org/user-quota", 0)
            b.allocate()
            outage(store, first, b)
            first.stop()
            store.wait_for_seats("joe", 1)
            second.stop()
            store.wait_for_seats("joe", 0)
            store.wait_for_seats("ann", 0)
            for client in (a, b, c):
                client.close()


def outage(store, server, client):
    """Redis stops: data flows on, and who asks is answered when it is back, which has lost everything."""
    store.stop()
    exchange(client, Peer())
    with Client(server.address, "ann", "hush", patience=20) as waiting:
        threading.Timer(1.5, store.start).start()
        began = time.monotonic()
        waiting.allocate()
        check(time.monotonic() - began >= 1.5, "answered without Redis")
        exchange(waiting, Peer())
        # Its seats are there again: three of joe's.
        store.wait_for_seats("joe", 3)
        check(refusal(Client(server.address, "joe", "secret")) == 486, "a Redis that forgot lets more in")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
