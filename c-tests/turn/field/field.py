"""The server on hosts as its users have them: field.py PROGRAM CASE."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hosts import Refused, Server, cable, check, hosts  # noqa: E402
from turn_client import Client  # noqa: E402

UDP, TCP = 1, 2
PORT = 3478


def client_of(host, server, transport="udp"):
    with host.entered():
        return Client((server, PORT), "joe", "secret", transport)


def relay_of(host, server, transport="udp", family=None):
    """Where a client in this host gets a relay, whose server is at this address."""
    with client_of(host, server, transport) as client:
        return client.allocate(family=family)[0]


def town():
    """A host with a public address of each family, a bridge with a private one, and a client outside; a client behind
    the bridge."""
    server, outside, container = hosts("server", "outside", "container")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24", "2a00::5/64"], ["11.0.0.9/24", "2a00::9/64"])
    cable(server, "docker0", container, "eth0", ["172.17.0.1/16", "fd17::1/64"], ["172.17.0.2/16", "fd17::2/64"])
    return server, outside, container


def listen(*addresses):
    return [word for address in addresses for transport in (UDP, TCP)
            for word in ("--listen", f"{address},{PORT},{transport}")]


def wildcard(program):
    """A relay is at the address that the client used; for the other family a public one."""
    server, outside, container = town()
    with Server(server, program, *listen("0.0.0.0", "::"), "--workers", 3):
        for transport in "udp", "tcp":
            for _ in range(6):
                for host, address in ((outside, "11.0.0.5"), (container, "172.17.0.1"), (server, "11.0.0.5")):
                    found = relay_of(host, address, transport)
                    check(found == address, f"a {transport} client of {address} has a relay at {found}")
            for host, address in ((outside, "2a00::5"), (container, "fd17::1")):
                found = relay_of(host, address, transport, 6)
                check(found == address, f"a {transport} client of {address} has a relay at {found}")
            for host, address in ((outside, "2a00::5"), (container, "fd17::1")):
                found = relay_of(host, address, transport, 4)
                check(found == "11.0.0.5", f"a {transport} client of {address} has an IPv4 relay at {found}")
            found = relay_of(container, "172.17.0.1", transport, 6)
            check(found == "2a00::5", f"the bridge's client has an IPv6 relay at {found}")


def announced(program):
    """An unspecified relay address with an external one is the listener's address, announced as that one."""
    server, outside, container = town()
    with Server(server, program, *listen("0.0.0.0", "::"), "--relay", "0.0.0.0=198.41.0.4", "--relay", "::"):
        for host, address in ((outside, "11.0.0.5"), (container, "172.17.0.1")):
            with client_of(host, address) as client, host.udp() as peer:
                relayed = client.allocate()
                check(relayed[0] == "198.41.0.4", f"announced as {relayed[0]}")
                # As a 1:1 NAT would bring it.
                own = "11.0.0.9" if host is outside else "172.17.0.2"
                if host is outside:
                    client.permit((own, 1))
                    peer.sendto(b"hello", (address, relayed[1]))
                    check(client.receive() == ((own, peer.getsockname()[1]), b"hello"), "the relay is not where it was used")
        check(relay_of(outside, "2a00::5", family=6) == "2a00::5", "an unspecified one without an external one")


def refusal(program):
    """A start that fails says which listener, at which address, and what the system says."""
    server, = hosts("server")
    with server.udp("127.0.0.1", PORT):
        try:
            Server(server, program, *listen("127.0.0.1"))
        except Refused as refused:
            wanted = f"cannot listen on UDP 127.0.0.1:{PORT}: Address already in use"
            check(refused.status == 120098 and refused.text.startswith(wanted), refused.text)
        else:
            raise AssertionError("it starts on a port that is in use")


CASES = {case.__name__: case for case in (wildcard, announced, refusal)}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
    print("ok")
