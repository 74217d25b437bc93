"""Channel data by way of the kernel: kernel.py PROGRAM CASE."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hosts import Refused, Server, cable, check, hosts, run, skip, wait_until  # noqa: E402
from turn_client import Client, NoAnswer  # noqa: E402

UDP, PORT = 1, 3478
OFF, ON, REQUIRED = 0, 1, 2
NEAR, FAR = {4: "11.0.1.5", 6: "2a01::5"}, {4: "11.0.2.5", 6: "2a02::5"}
CLIENT, PEER = {4: "11.0.1.9", 6: "2a01::9"}, {4: "11.0.2.9", 6: "2a02::9"}
PAIRS = [(4, 4), (4, 6), (6, 4), (6, 6)]


def street(checksums="on"):
    """A server between its client and its peer, who have cards that complete checksums, or none."""
    server, near, far = hosts("server", "client", "peer")
    cable(server, "eth0", near, "eth0", [f"{NEAR[4]}/24", f"{NEAR[6]}/64"], [f"{CLIENT[4]}/24", f"{CLIENT[6]}/64"])
    cable(server, "eth1", far, "eth0", [f"{FAR[4]}/24", f"{FAR[6]}/64"], [f"{PEER[4]}/24", f"{PEER[6]}/64"])
    if checksums == "off":
        for host, names in ((server, ("eth0", "eth1")), (near, ("eth0",)), (far, ("eth0",))):
            for name in names:
                run(f"ip netns exec {host.name} ethtool -K {name} tx off")
    return server, near, far


def start(host, program, *options, kernel=ON, workers=1):
    words = [word for ip in NEAR.values() for word in ("--listen", f"{ip},{PORT},{UDP}")]
    words += [word for ip in FAR.values() for word in ("--relay", ip)]
    return Server(host, program, *words, "--kernel", kernel, "--workers", workers, *options)


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

    def __init__(self, near, far, family, beyond, user="joe", number=0x4000):
        with near.entered():
            self.client = Client((NEAR[family], PORT), user, "secret")
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

    def both_ways(self, data):
        self.say(data)
        self.heard(data)
        self.answer(data)
        self.got(data)


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


def main():
    program, case = sys.argv[1:]
    {"relay": relay, "without_offload": without_offload}[case](program)


if __name__ == "__main__":
    main()
