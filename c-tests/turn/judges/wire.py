"""As much of STUN and TURN (RFC 8489, RFC 8656) as a client needs to send a good session, or a bad one."""

import hashlib
import hmac
import os
import socket
import struct

COOKIE = 0x2112A442
BINDING, ALLOCATE, REFRESH, SEND, DATA, PERMISSION, CHANNEL = 0x001, 0x003, 0x004, 0x006, 0x007, 0x008, 0x009
INDICATION, SUCCESS, ERROR = 0x010, 0x100, 0x110
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME = 0x0006, 0x0008, 0x0009, 0x000C, 0x000D
XOR_PEER_ADDRESS, PAYLOAD, REALM, NONCE, XOR_RELAYED_ADDRESS = 0x0012, 0x0013, 0x0014, 0x0015, 0x0016
REQUESTED_TRANSPORT, XOR_MAPPED_ADDRESS = 0x0019, 0x0020
UDP = b"\x11\0\0\0"


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def message(kind, attributes, transaction, key=None):
    """A message; with MESSAGE-INTEGRITY if a key is given."""
    body = b"".join(attribute(*pair) for pair in attributes)
    if key is None:
        return struct.pack("!HHI", kind, len(body), COOKIE) + transaction + body
    signed = struct.pack("!HHI", kind, len(body) + 24, COOKIE) + transaction + body
    return signed + attribute(MESSAGE_INTEGRITY, hmac.digest(key, signed, "sha1"))


def request(kind, attributes=(), key=None):
    """A request of a new transaction, and the transaction's identifier."""
    transaction = os.urandom(12)
    return message(kind, attributes, transaction, key), transaction


def parse(datagram):
    """The type, the transaction and the attributes of a well-formed message."""
    kind, length, _ = struct.unpack("!HHI", datagram[:8])
    attributes, at = {}, 20
    while at + 4 <= 20 + length:
        name, size = struct.unpack("!HH", datagram[at:at + 4])
        attributes.setdefault(name, datagram[at + 4:at + 4 + size])
        at += 4 + size + -size % 4
    return kind, datagram[8:20], attributes


def xor_address(address):
    """The value of an XOR-...-ADDRESS attribute, of an IPv4 address."""
    ip, port = address
    number = struct.unpack("!I", socket.inet_aton(ip))[0]
    return struct.pack("!HHI", 1, port ^ (COOKIE >> 16), number ^ COOKIE)


def address_of(value):
    _, port, number = struct.unpack("!HHI", value)
    return socket.inet_ntoa(struct.pack("!I", number ^ COOKIE)), port ^ (COOKIE >> 16)


def channel_data(channel, payload):
    return struct.pack("!HH", channel, len(payload)) + payload


class Refused(Exception):
    """The server answered with an error; its code is the argument."""


class Client:
    """A client over UDP or TCP that remembers what it sent, for others to spoil."""

    def __init__(self, server, user, password, address="127.0.0.1", kind=socket.SOCK_DGRAM):
        self.stream = kind == socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind((address, 0))
        self.socket.settimeout(2)
        self.socket.connect(server)
        self.user, self.password = user.encode(), password.encode()
        self.credential, self.key = [], None
        self.sent = []

    def send(self, frame):
        """Sends a message; on a stream it is padded."""
        frame += b"\0" * (-len(frame) % 4) if self.stream else b""
        self.sent.append(frame)
        self.socket.sendall(frame)

    def receive(self):
        """The next message, without padding."""
        if not self.stream:
            return self.socket.recv(65536)
        head = self.read(4)
        length = struct.unpack("!H", head[2:])[0] + (16 if head[0] < 4 else 0)
        return head + self.read(length + -length % 4)[:length]

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the server closed the connection")
            data += more
        return data

    def ask(self, kind, attributes=()):
        """Sends a request, answers one challenge, and returns the attributes of the reply."""
        for _ in range(2):
            frame, transaction = request(kind, [*attributes, *self.credential], self.key)
            reply, attributes_back = self.reply_to(transaction, frame)
            if reply == kind | SUCCESS:
                return attributes_back
            code = attributes_back[ERROR_CODE][2] * 100 + attributes_back[ERROR_CODE][3]
            if code not in (401, 438):
                break
            self.take_challenge(attributes_back)
        raise Refused(code)

    def reply_to(self, transaction, frame):
        """The reply to a request, which is sent up to three times over UDP."""
        for _ in range(1 if self.stream else 3):
            self.send(frame)
            try:
                while True:
                    message_back = self.receive()
                    if message_back[0] < 4 and message_back[8:20] == transaction:
                        kind, _, attributes = parse(message_back)
                        return kind, attributes
            except TimeoutError:
                pass
        raise TimeoutError("no reply")

    def take_challenge(self, attributes):
        realm = attributes[REALM]
        self.credential = [(USERNAME, self.user), (REALM, realm), (NONCE, attributes[NONCE])]
        self.key = hashlib.md5(b":".join((self.user, realm, self.password))).digest()

    def allocate(self):
        """Allocates and returns the relayed address."""
        return address_of(self.ask(ALLOCATE, [(REQUESTED_TRANSPORT, UDP)])[XOR_RELAYED_ADDRESS])

    def bind(self, channel, peer):
        self.ask(CHANNEL, [(CHANNEL_NUMBER, struct.pack("!HH", channel, 0)), (XOR_PEER_ADDRESS, xor_address(peer))])

    def permit(self, peer):
        self.ask(PERMISSION, [(XOR_PEER_ADDRESS, xor_address(peer))])

    def refresh(self, seconds):
        self.ask(REFRESH, [(LIFETIME, struct.pack("!I", seconds))])

    def send_indication(self, peer, payload):
        self.send(request(SEND | INDICATION, [(XOR_PEER_ADDRESS, xor_address(peer)), (PAYLOAD, payload)])[0])

    def echo(self, channel, payload):
        """Whether what is sent on a channel to a peer that echoes comes back, within three attempts."""
        for _ in range(3):
            self.send(channel_data(channel, payload))
            try:
                while self.receive() != channel_data(channel, payload):
                    pass
                return True
            except TimeoutError:
                pass
        return False

    def close(self):
        self.socket.close()
