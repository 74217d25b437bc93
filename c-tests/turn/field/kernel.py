"""Channel data by way of the kernel: kernel.py PROGRAM CASE."""
import os
import shutil
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hosts import Refused, Server, cable, check, hosts, run, skip  # noqa: E402
from turn_client import Client  # noqa: E402

UDP, PORT = 1, 3478
OFF, ON, REQUIRED = 0, 1, 2
NEAR, FAR = {4: "11.0.1.5", 6: "2a01::5"}, {4: "11.0.2.5", 6: "2a02::5"}
CLIENT, PEER = {4: "11.0.1.9", 6: "2a01::9"}, {4: "11.0.2.9", 6: "2a02::9"}
PAIRS = [(4, 4), (4, 6), (6, 4), (6, 6)]


def street(checksums="on"):
    """A server between its client and its peer, who have cards that complete checksums, or none."""
    if checksums == "off" and not shutil.which("ethtool"):
        skip("ethtool is not installed (Debian package ethtool)")
    server, near, far = hosts("server", "client", "peer")
    cable(server, "eth0", near, "eth0", [f"{NEAR[4]}/24", f"{NEAR[6]}/64"], [f"{CLIENT[4]}/24", f"{CLIENT[6]}/64"])
    cable(server, "eth1", far, "eth0", [f"{FAR[4]}/24", f"{FAR[6]}/64"], [f"{PEER[4]}/24", f"{PEER[6]}/64"])
    if checksums == "off":
        for host, names in ((server, ("eth0", "eth1")), (near, ("eth0",)), (far, ("eth0",))):
            for name in names:
                run(f"ip netns exec {host.name} ethtool -K {name} tx off")
    return server, near, far


def start(host, *words, kernel=ON, workers=1, port=PORT):
    """A server; the words are its program, or what leads to it, and options."""
    own = [word for ip in NEAR.values() for word in ("--listen", f"{ip},{port},{UDP}")]
    own += [word for ip in FAR.values() for word in ("--relay", ip)]
    return Server(host, *words, *own, "--kernel", kernel, "--workers", workers)


def status(server):
    """Whether it is on, and the text."""
    _, on, *text = next(line for line in server.tell("kernel") if line.startswith("kernel")).split(" ", 2)
    return on == "1", "".join(text)


def needs_kernel(server):
    """Ends the test where the program cannot be had."""
    on, text = status(server)
    if not on:
        skip(f"no relaying in the kernel here: {text}")


class Call:
    """A client with a channel to a peer."""

    def __init__(self, near, far, family, beyond, user="joe", number=0x4000, port=PORT):
        with near.entered():
            self.client = Client((NEAR[family], port), user, "secret")
        self.number = number
        self.peer = far.udp(PEER[beyond])
        self.relayed = self.client.allocate(family=beyond)
        self.bind()

    def bind(self):
        self.client.bind_channel(self.peer.getsockname()[:2], self.number)

    def say(self, data):
        self.client.send_channel(data, self.number)

    def heard(self, data):
        found = self.peer.recvfrom(65536)
        check((found[0], found[1][:2]) == (data, self.relayed), f"the peer got {len(found[0])} bytes from {found[1]}")

    def answer(self, data):
        self.peer.sendto(data, self.relayed)

    def got(self, data):
        found = self.client.receive()
        check(found == (self.peer.getsockname()[:2], data), f"the client got {found} instead of {len(data)} bytes")

    def to_peer(self, data):
        self.say(data)
        self.heard(data)

    def to_client(self, data):
        self.answer(data)
        self.got(data)

    def both_ways(self, data):
        self.to_peer(data)
        self.to_client(data)


def sizes(*families):
    """Lengths of payloads that fit, around the edges of what the program moves by."""
    return [0, 1, 4, 5, 23, 24, 35, 160, 255, 256, 257, 511, 512, 1200] + ([1444] if 6 not in families else [])


def relay(program, checksums="on"):
    """Every pair of families, both ways, all sizes, whoever makes the checksum; the figures have it all."""
    server, near, far = street(checksums)
    with start(server, program) as running:
        needs_kernel(running)
        check(status(running) == (True, "eth0, eth1"), f"on {status(running)}")
        for family, beyond in PAIRS:
            call = Call(near, far, family, beyond)
            # The neighbours are known from here on.
            call.both_ways(b"first")
            lengths = sizes(family, beyond)
            before = running.figure("packets_by_kernel_total"), running.figure("bytes_to_peers_total")
            for size in lengths:
                call.both_ways(bytes(n % 251 for n in range(size)))
            after = running.figure("packets_by_kernel_total"), running.figure("bytes_to_peers_total")
            more = after[0] - before[0], after[1] - before[1]
            wanted = 2 * len(lengths), sum(lengths)
            check(more == wanted, f"{family} to {beyond}: packets by the kernel and bytes are {more}, not {wanted}")
            call.client.close()


def without_offload(program):
    relay(program, "off")


def by_kernel(running, deed):
    """How many packets the kernel relays meanwhile."""
    before = running.figure("packets_by_kernel_total")
    deed()
    return running.figure("packets_by_kernel_total") - before


def send_pages(sock, data):
    """A datagram whose bytes stay in the pages of a file: only its heads lie in one piece."""
    with open(os.memfd_create("datagram"), "wb+", buffering=0) as file:
        file.write(data)
        check(os.sendfile(sock.fileno(), file.fileno(), 0, len(data)) == len(data), "a datagram of pages")


def in_pages(program):
    """Packets that do not lie in one piece, and that somebody else at the interface holds as well (tcpdump)."""
    server, near, far = street("off")
    with server.entered():
        watcher = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    with watcher, start(server, program) as running:
        needs_kernel(running)
        for family, beyond in PAIRS:
            call = Call(near, far, family, beyond)
            call.both_ways(b"first")
            call.peer.connect(call.relayed)

            def talk():
                for size in 1, 4, 160, 1200:
                    data = bytes(n % 251 for n in range(size))
                    send_pages(call.client.socket, struct.pack("!HH", call.number, size) + data)
                    call.heard(data)
                    send_pages(call.peer, data)
                    call.got(data)

            count = by_kernel(running, talk)
            check(count == 8, f"{family} to {beyond}: of 8 packets {count} by the kernel")
            call.client.close()


def inside(program):
    """From one allocation to another, of another worker and the other family as well: by both routes, or the core."""
    server, near, far = street()
    with start(server, program, workers=2) as running:
        needs_kernel(running)
        for family, other in PAIRS:
            for beyond in 4, 6:
                one, two = (Call(near, far, side, beyond, user) for side, user in ((family, "ann"), (other, "bob")))
                one.client.bind_channel(two.relayed, 0x4001)
                # Only one of them has a channel: what it says is for the other's permissions.
                two.client.permit(one.relayed)
                one.client.send_channel(b"by the core", 0x4001)
                check(two.client.receive() == (one.relayed, b"by the core"), "an indication from inside")
                two.client.bind_channel(one.relayed, 0x4002)

                def talk():
                    for size in 0, 1, 160, 1200:
                        data = bytes(size)
                        one.client.send_channel(data, 0x4001)
                        check(two.client.receive() == (one.relayed, data), f"{size} bytes from inside")
                        two.client.send_channel(data, 0x4002)
                        check(one.client.receive() == (two.relayed, data), f"{size} bytes back")

                inner = running.figure("packets_inside_total")
                count = by_kernel(running, talk)
                check(count == 16, f"of 8 packets, in and out, {count} by the kernel")
                check(running.figure("packets_inside_total") - inner == 8, "those inside are counted")
                one.client.close()
                two.client.close()


def full(program):
    """Channels that the kernel has no room for go through the sockets, and are counted."""
    server, near, far = street()
    with start(server, program, "--kernel-channels", 2) as running:
        needs_kernel(running)
        calls = [Call(near, far, 4, 4) for _ in range(4)]
        for call in calls:
            call.both_ways(b"first")
        count = by_kernel(running, lambda: [call.both_ways(b"again") for call in calls])
        check(count == 4, f"of 8 packets {count} by the kernel, which has room for two channels")
        check(running.figure("kernel_refused_total") == 2, "channels without room are counted")
        calls[0].client.refresh(0)
        calls[2].bind()
        check(by_kernel(running, lambda: calls[2].both_ways(b"now")) == 2, "room that is free again is used")


def told(program):
    """A closed port is told to the client, though nothing of it has passed through the relay's socket."""
    server, near, far = street()
    with start(server, program) as running:
        needs_kernel(running)
        for beyond in 4, 6:
            # The neighbours are known from here on.
            Call(near, far, 4, beyond, user="ann").both_ways(b"first")
            call = Call(near, far, 4, beyond)
            closed = call.peer.getsockname()[:2]
            call.peer.close()
            check(by_kernel(running, lambda: call.say(b"lost")) == 1, "not by way of the kernel")
            error = call.client.receive_icmp()
            check(error is not None and error[0] == closed, f"of {closed} the client is told {error}")


def spoofed(program):
    """Another's port, another number, lengths that lie, another peer's port: none of it by the kernel's way."""
    server, near, far = street()
    with start(server, program) as running:
        needs_kernel(running)
        for family, beyond in PAIRS:
            call = Call(near, far, family, beyond)
            call.both_ways(b"first")
            stranger, other, data = near.udp(CLIENT[family]), far.udp(PEER[beyond]), bytes(160)

            def frame(number, length):
                return struct.pack("!HH", number, length) + data

            def lie():
                stranger.sendto(frame(call.number, len(data)), (NEAR[family], PORT))
                for number, length in (call.number + 1, len(data)), (call.number, len(data) + 1), (call.number, 65535):
                    call.client.socket.send(frame(number, length))
                # A permission is for an address, a channel for a port as well: this is the core's, by an indication.
                other.sendto(data, call.relayed)
                found = call.client.receive()
                check(found == (other.getsockname()[:2], data), f"from another port of the peer's came {found}")
                # It is the first that reaches the peer.
                call.both_ways(b"good")

            count = by_kernel(running, lie)
            check(count == 2, f"{family} to {beyond}: {count} packets by the kernel, of which two were good")
            call.client.close()


def refused(program):
    """Without the capabilities: the sockets, with the reason; or no start where it is required."""
    server, near, far = street()
    if not shutil.which("setpriv"):
        skip("setpriv is not installed (Debian package util-linux)")
    bare = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
    with start(server, *bare, program) as running:
        on, text = status(running)
        check(not on and "it takes CAP_BPF and CAP_NET_ADMIN" in text, f"{on}: {text}")
        running.expect("log 2 no relaying in the kernel: Operation not permitted")
        call = Call(near, far, 4, 4)
        check(by_kernel(running, lambda: call.both_ways(b"by the sockets")) == 0, "by the kernel without a capability")
    try:
        with start(server, *bare, program, kernel=REQUIRED):
            raise AssertionError("a server that must have the kernel's way started without")
    except Refused as why:
        check("the kernel path" in why.text, f"refused: {why.text}")
    with start(server, program, kernel=OFF) as running:
        check(status(running) == (False, ""), f"off, and {status(running)}")
        call = Call(near, far, 4, 4)
        check(by_kernel(running, lambda: call.both_ways(b"by the sockets")) == 0, "by the kernel, which is off")
    few = ["setpriv", "--bounding-set", "-all,+bpf,+net_admin"]
    with start(server, *few, program) as running:
        check(status(running)[0], f"with CAP_BPF and CAP_NET_ADMIN: {status(running)[1]}")


CASES = {case.__name__: case for case in (relay, without_offload, in_pages, inside, full, told, spoofed, refused)}


if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
