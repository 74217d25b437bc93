"""A small TURN client (RFC 8656) for the tests and the demo: over UDP, TCP or TLS, IPv4 or IPv6, with the long-term
credentials that every client has (MD5 key, SHA-1 integrity)."""
import hashlib
import hmac
import os
import socket
import struct
import time

ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 3, 4, 6, 7, 8, 9
CONNECT, CONNECTION_BIND, CONNECTION_ATTEMPT = 10, 11, 12
BINDING = 1
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME = 0x06, 0x08, 0x09, 0x0C, 0x0D
XOR_PEER_ADDRESS, DATA_VALUE, REALM, NONCE, XOR_RELAYED_ADDRESS = 0x12, 0x13, 0x14, 0x15, 0x16
REQUESTED_ADDRESS_FAMILY, REQUESTED_TRANSPORT = 0x17, 0x19
DONT_FRAGMENT, ICMP = 0x1A, 0x8004
XOR_MAPPED_ADDRESS, CONNECTION_ID = 0x20, 0x2A
REQUEST, INDICATION, SUCCESS, FAILURE = 0, 1, 2, 3
COOKIE = 0x2112A442
TCP, UDP = 6, 17


class Refused(Exception):
    """An error response. `code` is its ERROR-CODE."""

    def __init__(self, code):
        super().__init__(f"error response {code}")
        self.code = code


class NoAnswer(Exception):
    """Nothing came in time."""


def message_type(method, kind):
    return (method & 0xF) | (method & 0x70) << 1 | (method & 0xF80) << 2 | (kind & 1) << 4 | (kind & 2) << 7


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def xored(ip, transaction):
    mask = struct.pack("!I", COOKIE) + transaction
    return bytes(a ^ b for a, b in zip(ip, mask))


def xor_address(address, transaction):
    ip, port = address[:2]
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    head = struct.pack("!BBH", 0, 2 if ":" in ip else 1, port ^ COOKIE >> 16)
    return head + xored(socket.inet_pton(family, ip), transaction)


def plain_address(value, transaction):
    _, _, port = struct.unpack("!BBH", value[:4])
    family = socket.AF_INET if len(value) == 8 else socket.AF_INET6
    return socket.inet_ntop(family, xored(value[4:], transaction)), port ^ COOKIE >> 16


def peer_address(address):
    """An attribute; its value depends on the message."""
    return XOR_PEER_ADDRESS, lambda transaction: xor_address(address, transaction)


class Message:
    """A parsed STUN message. `attributes` has the first value of each type."""

    def __init__(self, data):
        self.data = data
        self.type, length, cookie = struct.unpack("!HHI", data[:8])
        assert cookie == COOKIE and length == len(data) - 20, "not STUN"
        self.id = data[8:20]
        self.kind = (self.type >> 4 & 1) | (self.type >> 7 & 2)
        self.method = (self.type & 0xF) | (self.type >> 1 & 0x70) | (self.type >> 2 & 0xF80)
        self.attributes = {}
        self.at = {}
        place = 20
        while place < len(data):
            kind, size = struct.unpack("!HH", data[place:place + 4])
            self.attributes.setdefault(kind, data[place + 4:place + 4 + size])
            self.at.setdefault(kind, place)
            place += 4 + size + -size % 4

    @property
    def code(self):
        value = self.attributes[ERROR_CODE]
        return value[2] * 100 + value[3]

    def is_signed_with(self, key):
        place = self.at.get(MESSAGE_INTEGRITY)
        if place is None:
            return False
        covered = bytearray(self.data[:place])
        struct.pack_into("!H", covered, 2, place - 20 + 24)
        return hmac.new(key, covered, "sha1").digest() == self.attributes[MESSAGE_INTEGRITY]


class Client:
    """One client: a socket, credentials and at most one allocation.

    Requests are sent again every `resend` seconds over UDP, as a client does, until `patience` seconds are over.
    Data that comes in between waits for `receive`. The transport "tls" wants an ssl.SSLContext; `session` is one to
    resume, and `greeting` what goes ahead of it.
    """

    def __init__(self, server, user, password, transport="udp", resend=0.5, patience=10, source=None, tls=None,
                 name="turn.test", session=None, greeting=b""):
        self.user, self.password = user.encode(), password.encode()
        self.resend, self.patience = resend, patience
        self.stream = transport in ("tcp", "tls")
        kind = socket.SOCK_STREAM if self.stream else socket.SOCK_DGRAM
        self.socket = socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, kind)
        self.socket.settimeout(patience)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(server)
        self.socket.sendall(greeting)
        if transport == "tls":
            self.socket = tls.wrap_socket(self.socket, server_hostname=name, session=session)
        self.buffer = b""
        self.arrived = []
        self.realm = self.nonce = self.key = None
        self.relayed = None
        self.channels = {}
        self.sent = 0

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- the wire

    def send_raw(self, data):
        self.sent += 1
        self.socket.sendall(data)

    def read_frame(self, until):
        """One STUN message or ChannelData message, or None."""
        while True:
            frame = self._take_frame()
            if frame is not None:
                return frame
            left = until - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except (socket.timeout, BlockingIOError):
                return None
            if not self.stream:
                return data
            if not data:
                raise NoAnswer("the server closed the connection")
            self.buffer += data

    def _take_frame(self):
        if not self.stream or len(self.buffer) < 4:
            return None
        first, length = struct.unpack("!HH", self.buffer[:4])
        size = 20 + length if first < 0x4000 else 4 + length + -length % 4
        if len(self.buffer) < size:
            return None
        frame, self.buffer = self.buffer[:size], self.buffer[size:]
        return frame

    def transaction(self, data):
        """Sends a request until its response is there. Returns the response."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            self.send_raw(data)
            again = end if self.stream else min(end, time.monotonic() + self.resend)
            while True:
                frame = self.read_frame(again)
                if frame is None:
                    break
                if frame[0] < 0x40:
                    message = Message(frame)
                    if message.id == data[8:20] and message.kind in (SUCCESS, FAILURE):
                        return message
                self.arrived.append(frame)
        raise NoAnswer("no response")

    # -- requests

    def build(self, method, attributes, signed=True, kind=REQUEST):
        transaction = os.urandom(12)
        body = b"".join(attribute(k, v(transaction) if callable(v) else v) for k, v in attributes)
        if signed and self.key:
            body += attribute(USERNAME, self.user) + attribute(REALM, self.realm) + attribute(NONCE, self.nonce)
        else:
            signed = False
        size = len(body) + (24 if signed else 0)
        head = struct.pack("!HHI", message_type(method, kind), size, COOKIE) + transaction
        if not signed:
            return head + body
        return head + body + attribute(MESSAGE_INTEGRITY, hmac.new(self.key, head + body, "sha1").digest())

    def request(self, method, attributes):
        """A request with credentials. 401 and 438 are answered once each, then are refusals like any other."""
        tries = {401: 0 if self.key else 1, 438: 1}
        while True:
            response = self.transaction(self.build(method, attributes))
            if response.kind == SUCCESS:
                assert response.is_signed_with(self.key), "a success response that the server did not sign"
                return response
            if not tries.get(response.code):
                raise Refused(response.code)
            tries[response.code] -= 1
            self.realm = response.attributes.get(REALM, self.realm)
            self.nonce = response.attributes[NONCE]
            self.key = hashlib.md5(b":".join((self.user, self.realm, self.password))).digest()

    def binding(self):
        return self.transaction(self.build(BINDING, [], signed=False))

    def allocate(self, lifetime=None, family=None, transport=UDP):
        """Returns the relayed address, as (ip, port). The family is 4 or 6, or the server's choice."""
        attributes = [(REQUESTED_TRANSPORT, struct.pack("!I", transport << 24))]
        if lifetime is not None:
            attributes.append((LIFETIME, struct.pack("!I", lifetime)))
        if family is not None:
            attributes.append((REQUESTED_ADDRESS_FAMILY, bytes([2 if family == 6 else 1, 0, 0, 0])))
        response = self.request(ALLOCATE, attributes)
        self.relayed = plain_address(response.attributes[XOR_RELAYED_ADDRESS], response.id)
        return self.relayed

    def permit(self, peer):
        self.request(CREATE_PERMISSION, [peer_address(peer)])

    def bind_channel(self, peer, number=0x4000):
        self.request(CHANNEL_BIND, [(CHANNEL_NUMBER, struct.pack("!HH", number, 0)), peer_address(peer)])
        self.channels[number] = peer

    def refresh(self, lifetime):
        """Returns the lifetime granted; 0 deletes the allocation."""
        response = self.request(REFRESH, [(LIFETIME, struct.pack("!I", lifetime))])
        return struct.unpack("!I", response.attributes[LIFETIME])[0]

    # -- TCP relays (RFC 6062)

    def connect_peer(self, peer):
        """Returns the CONNECTION-ID."""
        return self.request(CONNECT, [peer_address(peer)]).attributes[CONNECTION_ID]

    def bind_connection(self, identifier):
        """From now on the socket carries the peer's bytes; those in `buffer` have come already."""
        self.request(CONNECTION_BIND, [(CONNECTION_ID, identifier)])

    def attempted(self, wait=5):
        """The next peer that connects, and its CONNECTION-ID; None if none comes."""
        frame = self.arrived.pop(0) if self.arrived else self.read_frame(time.monotonic() + wait)
        if frame is None:
            return None
        message = Message(frame)
        assert message.method == CONNECTION_ATTEMPT, f"method {message.method}"
        return plain_address(message.attributes[XOR_PEER_ADDRESS], message.id), message.attributes[CONNECTION_ID]

    def receive_bytes(self, size):
        """So many of the peer's bytes, or fewer where they end before."""
        while len(self.buffer) < size and (more := self.socket.recv(size - len(self.buffer))):
            self.buffer += more
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    # -- data

    def send_indication(self, peer, data, dont_fragment=False):
        attributes = [peer_address(peer), (DATA_VALUE, data)] + [(DONT_FRAGMENT, b"")] * dont_fragment
        self.send_raw(self.build(SEND, attributes, signed=False, kind=INDICATION))

    def send_channel(self, data, number=0x4000):
        padding = bytes(-len(data) % 4) if self.stream else b""
        self.send_raw(struct.pack("!HH", number, len(data)) + data + padding)

    def receive_icmp(self, wait=5):
        """The next ICMP error, as (peer, type, code, data); None if nothing comes. Data before it is thrown away."""
        until = time.monotonic() + wait
        while (frame := self.arrived.pop(0) if self.arrived else self.read_frame(until)) is not None:
            if frame[0] >= 0x40:
                continue
            message = Message(frame)
            if message.kind == INDICATION and ICMP in message.attributes:
                peer = plain_address(message.attributes[XOR_PEER_ADDRESS], message.id)
                both, data = struct.unpack("!xxHI", message.attributes[ICMP])
                return peer, both >> 9, both & 0x1FF, data
        return None

    def receive(self, wait=5):
        """The next data from a peer, as (peer, data); None if nothing comes."""
        until = time.monotonic() + wait
        while True:
            frame = self.arrived.pop(0) if self.arrived else self.read_frame(until)
            if frame is None:
                return None
            if frame[0] >= 0x40:
                number, length = struct.unpack("!HH", frame[:4])
                return self.channels[number], frame[4:4 + length]
            message = Message(frame)
            if (message.method, message.kind) == (DATA, INDICATION) and DATA_VALUE in message.attributes:
                return plain_address(message.attributes[XOR_PEER_ADDRESS], message.id), message.attributes[DATA_VALUE]


class Peer:
    """Who the client talks to: a UDP socket on loopback."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = self.socket.getsockname()

    def receive(self, wait=5):
        self.socket.settimeout(wait)
        try:
            return self.socket.recvfrom(65536)
        except socket.timeout:
            return None

    def send(self, to, data):
        self.socket.sendto(data, to)


def exchange(client, peer):
    """Data both ways, by indication and by channel."""
    client.permit(peer.address)
    client.send_indication(peer.address, b"one")
    assert peer.receive() == (b"one", client.relayed), "a Send indication reaches the peer from the relayed address"
    peer.send(client.relayed, b"two")
    assert client.receive() == (peer.address, b"two"), "the peer's answer reaches the client as a Data indication"
    client.bind_channel(peer.address)
    client.send_channel(b"three")
    assert peer.receive() == (b"three", client.relayed), "ChannelData reaches the peer"
    peer.send(client.relayed, b"four!")
    assert client.receive() == (peer.address, b"four!"), "the peer's answer reaches the client as ChannelData"
