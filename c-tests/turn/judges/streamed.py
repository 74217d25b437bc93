"""TCP relays (RFC 6062) on the wire: what passes, what is refused and how, and that nothing stays behind.

usage: streamed.py SERVER CASE
"""

import os
import socket
import struct
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab
import turn_client as turn

MANY = 10_000
PATIENCE = 60
# What the server lets one allocation have.
MOST = 256
# Kernel and library keep this much of a stream whose reader does nothing.
KEPT = 64 << 20
GROWTH_KIB = 16 * 1024


class Relay:
    """A client with a TCP allocation, and its data connections."""

    def __init__(self, stack, server, address="127.0.0.1"):
        self.stack, self.server = stack, (address, server.port)
        self.control = self.client()
        self.relayed = self.control.allocate(family=6 if ":" in address else 4, transport=turn.TCP)

    def client(self, user=lab.USER, password=lab.PASSWORD, transport="tcp"):
        return self.stack.enter_context(turn.Client(self.server, user, password, transport, patience=PATIENCE))

    def bound(self, identifier):
        data = self.client()
        data.bind_connection(identifier)
        data.socket.settimeout(PATIENCE)
        return data

    def joined(self, listener):
        """A data connection, and the peer's end of it."""
        identifier = self.control.connect_peer(listener.getsockname()[:2])
        peer = self.stack.enter_context(closing(listener.accept()[0]))
        peer.settimeout(PATIENCE)
        return self.bound(identifier), peer


def listening(stack, address="127.0.0.1"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = stack.enter_context(socket.create_server((address, 0), family=family))
    listener.settimeout(PATIENCE)
    return listener


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def refused(code, call, *arguments):
    try:
        call(*arguments)
    except turn.Refused as refusal:
        lab.check(refusal.code == code, f"{refusal.code} in place of {code}")
    else:
        sys.exit(f"FAIL not refused with {code}")


def is_over(end):
    try:
        return end.recv(64) == b""
    except ConnectionError:
        return True


@contextmanager
def served(kind, address="127.0.0.1"):
    """A server, a TCP allocation on it, and in the end no more descriptors than in the beginning."""
    with lab.server(kind, "--workers", "3") as server:
        before = descriptors(server)
        with ExitStack() as stack:
            yield server, Relay(stack, server, address), stack
        for _ in range(1200):
            if descriptors(server) <= before: # the start may have one open for a moment
                return
            time.sleep(0.05)
        sys.exit(f"FAIL {descriptors(server)} descriptors, in the beginning {before}")


def bytes_pass(address):
    """Bytes both ways at once, then an end from either side, after which the other still speaks."""
    def case(kind):
        if ":" in address and not lab.has_ipv6():
            lab.skip("this host has no IPv6")
        with served(kind, address) as (_, relay, stack):
            payload = os.urandom(1 << 20)
            for speaks_last in "client", "peer", "client", "peer":
                data, peer = relay.joined(listening(stack, address))
                sender = threading.Thread(target=data.socket.sendall, args=(payload,))
                back = threading.Thread(target=peer.sendall, args=(payload,))
                reader = threading.Thread(target=lambda: results.append(data.receive_bytes(len(payload))))
                results = []
                for thread in sender, back, reader:
                    thread.start()
                got = b""
                while len(got) < len(payload) and (more := peer.recv(65536)):
                    got += more
                for thread in sender, back, reader:
                    thread.join()
                lab.check(got == payload and results == [payload], "other bytes than were sent")
                first, second = (peer, data.socket) if speaks_last == "client" else (data.socket, peer)
                first.shutdown(socket.SHUT_WR)
                lab.check(is_over(second), "an end is not passed on")
                second.sendall(b"last words")
                second.shutdown(socket.SHUT_WR)
                lab.check(first.recv(64) == b"last words" and is_over(first), "what follows an end is lost")
    return case


def refusals(kind):
    with served(kind) as (server, relay, stack):
        listener = listening(stack)
        address = listener.getsockname()
        relay.control.connect_peer(address)
        refused(446, relay.control.connect_peer, address)
        with closing(socket.create_server(("127.0.0.1", 0))) as gone:
            nobody = gone.getsockname()
        refused(447, relay.control.connect_peer, nobody)
        for denied in ("10.0.0.1", 80), ("0.0.0.0", 80), server.address:
            refused(403, relay.control.connect_peer, denied)
        refused(400, relay.control.request, turn.CONNECT, [])
        refused(400, relay.control.bind_channel, address)
        datagrams = relay.client(transport="udp")
        refused(400, datagrams.allocate, None, None, turn.TCP)
        other = relay.client()
        refused(437, other.connect_peer, address)
        even = [(turn.REQUESTED_TRANSPORT, struct.pack("!I", turn.TCP << 24)), (0x18, b"\0")]
        refused(400, other.request, turn.ALLOCATE, even)
        other.allocate()
        refused(400, other.connect_peer, address)


def binds(kind):
    with served(kind) as (_, relay, stack):
        listener = listening(stack)
        identifier = relay.control.connect_peer(listener.getsockname())
        guessed = bytes([identifier[0] ^ 0xFF]) + identifier[1:]
        refused(400, relay.client().bind_connection, guessed)
        refused(400, relay.client().request, turn.CONNECTION_BIND, [])
        refused(400, relay.control.bind_connection, identifier)
        refused(401, relay.client(password="guess").bind_connection, identifier)
        refused(401, relay.client(user="strange").bind_connection, identifier)
        data = relay.bound(identifier)
        refused(400, relay.client().bind_connection, identifier)
        data.socket.sendall(b"still mine")
        peer = stack.enter_context(closing(listener.accept()[0]))
        lab.check(peer.recv(64) == b"still mine", "a second ConnectionBind has disturbed the first")
        data.close()
        lab.check(is_over(peer), "the peer is not told that the client left")
        peer.close()
        for _ in range(1200):
            try:
                again = relay.control.connect_peer(listener.getsockname())
                break
            except turn.Refused:
                time.sleep(0.05)
        else:
            sys.exit("FAIL what is over still counts")
        lab.check(again != identifier, "an old CONNECTION-ID again")
        refused(400, relay.client().bind_connection, identifier)


def never_reads(kind):
    with served(kind) as (server, relay, stack):
        data, peer = relay.joined(listening(stack))
        before = server.memory()
        for writer, reader in (data.socket, peer), (peer, data.socket):
            writer.settimeout(0.5)
            sent = 0
            try:
                while sent < KEPT:
                    sent += writer.send(bytes(1 << 20))
            except TimeoutError:
                pass
            lab.check(sent < KEPT, "nobody is stopped")
            lab.check(server.memory() - before < GROWTH_KIB, f"{server.memory() - before} KiB for a slow reader")
            left = sent
            while left > 0:
                left -= len(reader.recv(1 << 20))
            print(f"{sent} bytes waited, all have come")


def bulk(kind):
    """Connects, very many of them, to a port that drops what comes: its queue is full."""
    with served(kind) as (server, relay, stack):
        full = stack.enter_context(closing(socket.socket()))
        full.bind(("0.0.0.0", 0))
        full.listen(0)
        port = full.getsockname()[1]
        for _ in range(3):
            filling = stack.enter_context(closing(socket.socket()))
            filling.setblocking(False)
            filling.connect_ex(("127.0.0.1", port))
        before, memory = descriptors(server), server.memory()
        control, answers = relay.control, []
        control.request(turn.REFRESH, [])
        for at in range(0, MANY, 100):
            peers = [f"127.{1 + n // 10_000}.{n // 100 % 100}.{1 + n % 100}" for n in range(at, at + 100)]
            for peer in peers:
                control.send_raw(control.build(turn.CONNECT, [turn.peer_address((peer, port))]))
            while (frame := control.read_frame(time.monotonic() + 0.01)) is not None:
                answers.append(turn.Message(frame).code)
        end = time.monotonic() + PATIENCE
        while len(answers) < MANY - MOST and (frame := control.read_frame(end)) is not None:
            answers.append(turn.Message(frame).code)
        # On a slow machine some have been given up by now, and others have taken their place.
        refused_ones = answers.count(508) + answers.count(447)
        lab.check(refused_ones == len(answers) >= MANY - MOST, f"{refused_ones} of {len(answers)} refused, of {MANY}")
        lab.check(answers.count(508) > 0, "there is no bound")
        lab.check(descriptors(server) - before <= MOST, f"{descriptors(server) - before} descriptors")
        lab.check(server.memory() - memory < GROWTH_KIB, f"grew by {server.memory() - memory} KiB")
        # Somebody else gets what he wants meanwhile.
        Relay(stack, server).joined(listening(stack))


def dies(kind):
    """A client that dies in the middle, its data connection first or its control connection."""
    with served(kind) as (server, relay, stack):
        reset = struct.pack("ii", 1, 0)
        data, peer = relay.joined(listening(stack))
        data.socket.sendall(bytes(100_000))
        data.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        data.close()
        try:
            while peer.recv(65536):
                pass
        except ConnectionError:
            pass
        data, peer = relay.joined(listening(stack))
        waits = listening(stack)
        relay.control.connect_peer(waits.getsockname())
        unbound = stack.enter_context(closing(waits.accept()[0]))
        unbound.settimeout(PATIENCE)
        relay.control.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        relay.control.close()
        for end in data.socket, peer, unbound:
            lab.check(is_over(end), "a connection outlives its allocation")


def incoming(kind):
    with served(kind) as (_, relay, stack):
        stranger = stack.enter_context(closing(socket.create_connection(relay.relayed, PATIENCE)))
        lab.check(is_over(stranger), "a peer without a permission is let in")
        relay.control.permit(("127.0.0.1", 1))
        peer = stack.enter_context(closing(socket.create_connection(relay.relayed, PATIENCE)))
        peer.sendall(b"early")
        announced, identifier = relay.control.attempted(PATIENCE)
        lab.check(announced == peer.getsockname(), f"announced as {announced}")
        data = relay.bound(identifier)
        lab.check(data.receive_bytes(5) == b"early", "what a peer says first is lost")
        data.socket.sendall(b"welcome")
        lab.check(peer.recv(64) == b"welcome", "nothing comes back")


CASES = {
    "bytes": bytes_pass("127.0.0.1"),
    "bytes-ipv6": bytes_pass("::1"),
    "refusals": refusals,
    "binds": binds,
    "never-reads": never_reads,
    "bulk": bulk,
    "dies": dies,
    "incoming": incoming,
}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
