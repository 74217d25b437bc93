"""Bad input against a running server, with a legitimate session beside it that must go on undisturbed, and the
server's resident size watched.

usage: hostile.py SERVER CASE
"""

import os
import random
import socket
import struct
import sys
import threading
import time
from contextlib import contextmanager

import lab
import wire

SEED = 5766
CHANNEL = 0x4000
FLOOD = 100_000
GROWTH_KIB = 4096
LENGTHS = [0, 1, 2, 3, 4, 7, 8, 12, 20, 24, 255, 256, 1472, 0x7FFF, 0x8000, 0xFFF8, 0xFFFC, 0xFFFF]


# -- the legitimate session ------------------------------------------------------------------------------------------

class Witness(threading.Thread):
    """Echoes through the server again and again until told to stop."""

    def __init__(self, server, peer):
        super().__init__()
        self.client = session(server, peer)
        self.over = threading.Event()
        self.echoes, self.failures = 0, []

    def run(self):
        try:
            while not self.over.wait(0.005):
                if not self.client.echo(CHANNEL, os.urandom(160)):
                    self.failures.append(f"echo {self.echoes} did not come back")
                    return
                self.echoes += 1
                self.client.sent.clear()
        except Exception as error:
            self.failures.append(repr(error))


def session(server, peer, address="127.0.0.1", kind=socket.SOCK_DGRAM):
    """A client with an allocation and a channel to a peer on 127.0.0.1."""
    client = wire.Client(server.address, lab.USER, lab.PASSWORD, address, kind)
    client.allocate()
    client.bind(CHANNEL, ("127.0.0.1", peer))
    return client


@contextmanager
def attacked(kind, *options):
    """A server and a peer, with a witness from before the attack to after it; then a newcomer gets in as well."""
    with lab.server(kind, *options) as server, lab.echoing() as peer:
        witness = Witness(server, peer)
        witness.start()
        try:
            yield server, peer
        finally:
            server.check_alive()
            before = witness.echoes
            time.sleep(0.2)
            witness.over.set()
            witness.join()
        lab.check(not witness.failures, f"the session beside it: {witness.failures}")
        lab.check(witness.echoes > before, "the session beside it stopped")
        newcomer = session(server, peer)
        lab.check(newcomer.echo(CHANNEL, b"newcomer"), "a newcomer's data does not come back")
        newcomer.close()
        print(f"the session beside it: {witness.echoes} echoes; resident {server.memory()} KiB")


@contextmanager
def flat(server, limit=GROWTH_KIB):
    """The server's resident size grows by no more than `limit` KiB."""
    before = server.memory()
    yield
    settle(server)
    after = server.memory()
    print(f"resident before {before} KiB, after {after} KiB")
    lab.check(after - before <= limit, f"resident size grew by {after - before} KiB")


def settle(server):
    """Returns once the server has caught up: it answers a Binding request."""
    for _ in range(50):
        if lab.answers(socket.AF_INET, *server.address):
            return
    sys.exit("FAIL the server no longer answers")


# -- spoiled messages ------------------------------------------------------------------------------------------------

def recorded(server, peer):
    """A good session's messages, and the client that holds the allocation."""
    client = session(server, peer, "127.66.0.1")
    client.permit(("127.0.0.1", peer))
    client.send_indication(("127.0.0.1", peer), b"indication")
    client.refresh(600)
    client.send(request := wire.request(wire.BINDING)[0])
    client.send(wire.channel_data(CHANNEL, b"channel data"))
    lab.check(request in client.sent and len(client.sent) >= 8, "the recording is short")
    return client, list(client.sent)


def prefixes(messages, _):
    for message in messages:
        yield from (message[:length] for length in range(len(message)))


def changed_bytes(messages, rng):
    """Every byte of every message, changed to sixteen other values."""
    for message in messages:
        for at, byte in enumerate(message):
            for value in {byte ^ 1, byte ^ 0x80, byte ^ 0xFF, 0, 0xFF, *rng.sample(range(256), 11)} - {byte}:
                yield message[:at] + bytes([value]) + message[at + 1:]


def length_fields(messages, _):
    """Every 16-bit field where a length may stand, set to what a length should not be."""
    for message in messages:
        for at in 2, *range(20, len(message) - 1, 2):
            here = struct.unpack("!H", message[at:at + 2])[0]
            for length in {*LENGTHS, here + 1 & 0xFFFF, here + 4 & 0xFFFF, here - 1 & 0xFFFF, here - 4 & 0xFFFF}:
                yield message[:at] + struct.pack("!H", length) + message[at + 2:]


def garbage(_, rng):
    for _ in range(10_000):
        yield rng.randbytes(rng.choice([0, 1, 3, 4, 19, 20, 21, 100, 1472]))


def soup_attributes(client, rng):
    known = [0x01, 0x06, 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B,
             0x1C, 0x1D, 0x1E, 0x20, 0x22, 0x24, 0x25, 0x8000, 0x8002, 0x8022, 0x8023, 0x8028, 0x802B]
    for _ in range(rng.randrange(12)):
        name = rng.choice(known) if rng.random() < 0.9 else rng.randrange(0x10000)
        yield name, rng.choice([b"", rng.randbytes(rng.randrange(1, 40)), wire.UDP, rng.randbytes(8), b"\0\x01" * 4,
                                client.user, b"x" * 800])


def followed(message, rng):
    """The message, or with one more attribute, which its length counts or does not."""
    more = wire.attribute(*rng.choice([(0x8022, b""), (wire.LIFETIME, bytes(4)), (wire.USERNAME, b"nobody")]))
    length = struct.unpack("!H", message[2:4])[0]
    counted = message[:2] + struct.pack("!H", length + len(more)) + message[4:] + more
    return rng.choice([message, message + more, counted])


def soup(client, rng):
    """Messages of attributes in any order, number and size; every other one bears a good credential and integrity, and
    some go on after it."""
    methods = [wire.BINDING, wire.ALLOCATE, wire.REFRESH, wire.SEND, wire.DATA, wire.PERMISSION, wire.CHANNEL, 0xFFF]
    for number in range(10_000):
        kind = rng.choice(methods) | rng.choice([0, 0, 0, wire.INDICATION, wire.SUCCESS, wire.ERROR])
        attributes = list(soup_attributes(client, rng))
        if number % 2:
            # Not the session's own end, which would stop the soup.
            attributes = [pair for pair in attributes if pair[0] != wire.LIFETIME] + client.credential
        yield followed(wire.request(kind, attributes, client.key if number % 2 else None)[0], rng)


def lying_channel_data(_, rng):
    for length in LENGTHS:
        for payload in b"", b"x", b"xyz", b"x" * 20, b"x" * 1400:
            for channel in CHANNEL, CHANNEL + 1, 0x4FFF, 0x5000, 0x7FFF:
                yield struct.pack("!HH", channel, length) + payload


def in_step(server, sender, messages):
    """Sends datagrams, not faster than the server takes them in. Returns how many."""
    count = 0
    for count, message in enumerate(messages, 1):
        try:
            sender.send(message)
        except ConnectionRefusedError:
            server.check_alive()
        if count % 64 == 0:
            settle(server)
    return count


def datagrams(spoil, from_session=False):
    """A case: spoiled messages from the session's own socket, and from a stranger's."""
    def case(kind):
        rng = random.Random(SEED)
        with attacked(kind) as (server, peer), flat(server):
            client, messages = recorded(server, peer)
            stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            stranger.bind(("127.66.0.2", 0))
            stranger.connect(server.address)
            for sender in client.socket, stranger:
                print(in_step(server, sender, spoil(client if from_session else messages, rng)), "datagrams")
    return case


# -- streams ---------------------------------------------------------------------------------------------------------

def connect(server, address="127.66.0.3"):
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.bind((address, 0))
    connection.settimeout(2)
    connection.connect(server.address)
    return connection


def push(connection, data):
    """Sends what the server may have stopped listening to."""
    try:
        connection.sendall(data)
    except OSError:
        pass


def spoiled_streams(kind):
    """Frames that lie about their length, garbage, and messages that stop anywhere: each on its own connection, some
    left open."""
    rng = random.Random(SEED)
    with attacked(kind) as (server, peer), flat(server, 2 * GROWTH_KIB):
        _, messages = recorded(server, peer)
        frames = [*lying_channel_data(None, rng), *rng.sample(list(prefixes(messages, rng)), 300),
                  *rng.sample(list(length_fields(messages, rng)), 500),
                  *(rng.randbytes(rng.randrange(1, 3000)) for _ in range(200))]
        left_open = []
        for number, frame in enumerate(frames):
            connection = connect(server)
            push(connection, frame)
            if number % 4:
                connection.close()
            else:
                left_open.append(connection)
        print(len(frames), "connections,", len(left_open), "left open")
        for connection in left_open:
            connection.close()


def split_stream(kind):
    """A good session whose bytes come one by one, and all at once, is understood."""
    with attacked(kind) as (server, peer):
        client = session(server, peer, kind=socket.SOCK_STREAM)
        frame = wire.channel_data(CHANNEL, b"byte by byte")
        for byte in frame:
            client.socket.sendall(bytes([byte]))
            time.sleep(0.002)
        lab.check(client.receive() == frame, "a frame that came byte by byte")
        together = [wire.channel_data(CHANNEL, bytes([number]) * 16) for number in range(200)]
        client.socket.sendall(b"".join(together))
        lab.check(sorted(client.receive() for _ in together) == together, "frames that came together")
        client.close()


def silent_connections(kind):
    """Clients that connect and never speak, or stop in a message's middle."""
    with attacked(kind) as (server, _), flat(server, 2 * GROWTH_KIB):
        connections = [connect(server, f"127.66.1.{number % 250 + 1}") for number in range(600)]
        for connection in connections[::2]:
            push(connection, b"\0\x03\xff\xfc\x21\x12\xa4\x42")
        time.sleep(1)
        speaker = connect(server)
        request, transaction = wire.request(wire.BINDING)
        speaker.sendall(request)
        lab.check(speaker.recv(2048)[8:20] == transaction, "a Binding request among silent connections")
        for connection in connections:
            connection.close()


def slow_reader(kind):
    """A client over TCP that takes nothing in, while a peer sends it 64 MiB: what cannot be delivered is dropped."""
    with attacked(kind) as (server, peer), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
        flooder.bind(("127.0.0.1", 0))
        client = wire.Client(server.address, lab.USER, lab.PASSWORD, kind=socket.SOCK_STREAM)
        relayed = client.allocate()
        client.bind(CHANNEL, flooder.getsockname())
        with flat(server, 2 * GROWTH_KIB):
            for number in range(65536):
                flooder.sendto(b"x" * 1024, relayed)
                if number % 256 == 0:
                    settle(server)
        client.close()


# -- floods ----------------------------------------------------------------------------------------------------------

def invented(number):
    """A source address of which there are as many as anybody wants."""
    return f"127.{100 + number % 100}.{number >> 8 & 0xFF}.{number & 0xFF}"


def spoofed(kind):
    """First requests from invented addresses leave nothing behind."""
    def flood(server, count):
        for number in range(count):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((invented(number), 0))
                sender.sendto(wire.request(wire.ALLOCATE, [(wire.REQUESTED_TRANSPORT, wire.UDP)])[0], server.address)
            if number % 64 == 0:
                settle(server)

    with attacked(kind) as (server, _):
        flood(server, FLOOD // 20)
        with flat(server):
            flood(server, FLOOD)
        print(FLOOD, "first requests")


def is_held(server, address):
    """Whether a request from this address that names a user waits for a decision; otherwise it met a bound."""
    client = wire.Client(server.address, "nobody", "none", address)
    _, challenge = client.reply_to(*wire.request(wire.ALLOCATE, [(wire.REQUESTED_TRANSPORT, wire.UDP)])[::-1])
    client.take_challenge(challenge)
    asked, transaction = wire.request(wire.ALLOCATE, [(wire.REQUESTED_TRANSPORT, wire.UDP), *client.credential],
                                      client.key)
    client.send(asked)
    # Requests of one client are answered in turn.
    client.send(wire.request(wire.BINDING)[0])
    kind, answered, attributes = wire.parse(client.receive())
    client.close()
    if answered != transaction:
        return True
    lab.check(attributes[wire.ERROR_CODE][2:4] == b"\x05\x08", f"over the bound comes {attributes[wire.ERROR_CODE]}")
    return False


def held(kind):
    """Requests that wait for a decision are bounded: beyond, 508. Decided, they leave nothing behind."""
    with attacked(kind, "--delay-ms", "200", "--max-held", "1000") as (server, _):
        sum(is_held(server, invented(number)) for number in range(2000))
        with flat(server):
            waiting = sum(is_held(server, invented(number)) for number in range(10_000))
        print(waiting, "of 10000 requests were held for 200 ms each")
    with attacked(kind, "--delay-ms", "1500", "--max-held", "1000") as (server, _):
        waiting = sum(is_held(server, invented(number)) for number in range(1500))
        print(waiting, "of 1500 requests were held for 1.5 seconds each")
        lab.check(0 < waiting < 1500, "the bound was not met")
        time.sleep(1.5)
        lab.check(is_held(server, invented(0)), "requests are not held any more")


CASES = {
    "prefixes": datagrams(prefixes),
    "changed-bytes": datagrams(changed_bytes),
    "length-fields": datagrams(length_fields),
    "garbage": datagrams(garbage),
    "soup": datagrams(soup, from_session=True),
    "channel-data": datagrams(lying_channel_data),
    "streams": spoiled_streams,
    "split-stream": split_stream,
    "silent": silent_connections,
    "slow-reader": slow_reader,
    "spoofed": spoofed,
    "held": held,
}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
