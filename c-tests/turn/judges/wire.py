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
    """A client over UDP that remembers what it sent, for others to spoil."""

    def __init__(self, server, user, password, address="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.connect(server)
        self.socket.settimeout(2)
        self.user, self.password = user.encode(), password.encode()
        self.credential, self.key = [], None
        self.sent = []

    def send(self, datagram):
        self.sent.append(datagram)
        self.socket.send(datagram)

    def ask(self, kind, attributes=()):
        """Sends a request, answers one challenge, and returns the attributes of the reply."""
        for _ in range(2):
            datagram, transaction = request(kind, [*attributes, *self.credential], self.key)
            self.send(datagram)
            reply, attributes_back = self.reply_to(transaction)
            if reply == kind | SUCCESS:
                return attributes_back
            code = attributes_back[ERROR_CODE][2] * 100 + attributes_back[ERROR_CODE][3]
            if code not in (401, 438):
                break
            self.take_challenge(attributes_back)
        raise Refused(code)

    def reply_to(self, transaction):
        for _ in range(1000):
            datagram = self.socket.recv(65536)
            if datagram[0] < 4:
                kind, which, attributes = parse(datagram)
                if which == transaction:
                    return kind, attributes
        raise TimeoutError

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
                while True:
                    if self.socket.recv(65536) == channel_data(channel, payload):
                        return True
            except TimeoutError:
                pass
        return False

    def close(self):
        self.socket.close()
