"""The server on hosts as its users have them: field.py PROGRAM CASE."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hosts import Refused, Server, cable, check, hosts, wait_until  # noqa: E402
from turn_client import Client, NoAnswer  # noqa: E402
from turn_client import Refused as Answered  # noqa: E402

UDP, TCP, BOTH = 1, 2, 4
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
                    check(client.receive() == ((own, peer.getsockname()[1]), b"hello"), "the relay is elsewhere")
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


def change(program):
    """A wildcard serves addresses that come, and goes on when they go; one in duplicate detection holds nothing up."""
    server, outside = hosts("server", "outside")
    server.ip("link set lo up")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24"], ["11.0.0.9/24", "2a00::9/64"])
    # Detection takes its second from here.
    server.ip("addr add 2a00::5/64 dev eth0")
    with Server(server, program, *listen("0.0.0.0", "::", "2a00::5"), "--workers", 2) as running:
        running.expect(r"log 2 cannot listen on UDP \[2a00::5\]:3478 yet: .*; trying again")
        check(relay_of(outside, "11.0.0.5") == "11.0.0.5", "the rest is not served")
        running.expect(r"log 3 listening on TCP \[2a00::5\]:3478")
        for transport in "udp", "tcp":
            check(relay_of(outside, "2a00::5", transport, 6) == "2a00::5", "the address is not served when it is there")

        outside.ip("addr add 12.0.0.9/24 dev eth0")
        for _ in range(2):
            server.ip("addr add 12.0.0.5/24 dev eth0")
            running.expect("log 3 listening on TCP 12.0.0.5:3478")
            with client_of(outside, "12.0.0.5") as client:
                check(client.allocate()[0] == "12.0.0.5", "the relay is elsewhere")
            check(relay_of(outside, "12.0.0.5", "tcp") == "12.0.0.5", "TCP at the new address")
            check(["12.0.0.5:3478", "1"] in running.listeners(), "the new listener is not listed")
            server.ip("addr del 12.0.0.5/24 dev eth0")
            running.expect("log 3 no longer listening on TCP 12.0.0.5:3478")
            check(["12.0.0.5:3478", "1"] not in running.listeners(), "a listener that is gone is listed")
        check(relay_of(outside, "11.0.0.5", "tcp") == "11.0.0.5", "the old address is not served any more")


def refused(request, peer):
    """The code that a client gets for a request."""
    try:
        request(peer)
    except Answered as answer:
        return answer.code
    return 0


def own(program):
    """What is the host's is denied whenever it came, by permission and by channel, and what had been given is taken."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24", "2a00::5/64"], ["11.0.0.9/24", "2a00::9/64"])
    with Server(server, program, *listen("11.0.0.5", "2a00::5"), "--allow", "11.0.0.0/8"):
        def both():
            """A client with an allocation of each family."""
            four, six = client_of(outside, "11.0.0.5"), client_of(outside, "2a00::5")
            four.allocate()
            six.allocate(family=6)
            return four, six

        four, six = both()
        later = ((four, "11.0.0.77"), (six, "2a00::77"), (four, "11.7.0.1"), (six, "2a00:7::1"))
        for number, (client, ip) in enumerate(later):
            check(refused(client.permit, (ip, 5000)) == 0, f"{ip} is somebody else's")
            client.bind_channel((ip, 5000 + (":" in ip)), 0x4000 + number)
        server.ip("addr add 11.0.0.77/24 dev eth0")
        server.ip("addr add 2a00::77/64 dev eth0 nodad")
        server.ip("route add local 11.7.0.0/16 dev lo")
        server.ip("route add local 2a00:7::/64 dev lo")
        wait_until(lambda: refused(four.permit, ("11.0.0.77", 5000)) == 403, "the new address is denied")
        for client, ip in later:
            check(refused(client.permit, (ip, 5000)) == 403, f"{ip} is the host's now")
            check(refused(client.bind_channel, (ip, 6000)) == 403, f"{ip} is the host's now, for a channel")
        # What was permitted before reaches nothing now.
        with server.udp("11.0.0.77", 5000) as service, server.udp("::", 5001) as other:
            four.send_channel(b"hello", 0x4000)
            four.send_indication(("11.0.0.77", 5000), b"hello")
            six.send_channel(b"hello", 0x4003)
            six.send_indication(("2a00:7::1", 5001), b"hello")
            four.binding(), six.binding()
            for peer in service, other:
                peer.settimeout(0.3)
                try:
                    raise AssertionError(f"reached: {peer.recvfrom(100)}")
                except TimeoutError:
                    pass
        server.set("net.ipv4.ip_nonlocal_bind", 1)
        check(refused(four.permit, ("11.0.0.9", 5000)) == 0, "with ip_nonlocal_bind everything is the host's")


def same(program):
    """The same host: a service that is allowed by its ports is reached and answers; what is not is 403 at once; what
    was not sent does not count."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["10.0.0.5/24", "fd00::5/64"], ["10.0.0.9/24", "fd00::9/64"])
    allow = ["--allow", "10.0.0.0/8", "--allow", "10.0.0.5:3000-29999", "--allow", "[fd00::5]:3000-29999"]
    with Server(server, program, *listen("10.0.0.5", "fd00::5"), *allow, "--workers", 2, "--ports",
                "20000-20063") as running:
        for ip, family in (("10.0.0.5", 4), ("fd00::5", 6)):
            client = client_of(outside, ip)
            client.allocate(family=family)
            with server.udp(ip, 25000) as media, server.udp(ip, 161) as other:
                for number in 1, 2:
                    client.bind_channel((ip, 25000))
                    client.send_channel(b"to the media server")
                    data, at = media.recvfrom(100)
                    check(data == b"to the media server" and at[:2] == client.relayed, "not what was sent")
                    media.sendto(b"and back", client.relayed)
                    check(client.receive() == ((ip, 25000), b"and back"), "one way")
                    check(running.figure("packets_to_peers_total") >= number, "what was sent is not counted")
                before = running.figure("packets_to_peers_total")
                for port in 161, 2999, 3478, 30000:
                    code = refused(lambda peer: client.bind_channel(peer, 0x4100), (ip, port))
                    check(code == 403, f"a channel to {ip}:{port} gets {code}")
                client.send_indication((ip, 161), b"hello")
                client.send_indication((ip, 3478), b"hello")
                client.binding()
                other.settimeout(0.3)
                try:
                    raise AssertionError(f"reached: {other.recvfrom(100)}")
                except TimeoutError:
                    pass
                check(running.figure("packets_to_peers_total") == before, "what was not sent is counted")
            # Another client's relay is reached inside, whichever worker has it.
            others = [client_of(outside, ip) for _ in range(6)]
            for one in others:
                one.allocate(family=family)
                one.permit(client.relayed)
                client.bind_channel(one.relayed, 0x4200 + one.relayed[1] % 64)
                client.send_channel(b"inside", 0x4200 + one.relayed[1] % 64)
                check(one.receive() == (client.relayed, b"inside"), "not handed over")


def unsent(program):
    """What the kernel does not take is counted apart, and not as relayed."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24", "2a00::5/64"], ["11.0.0.9/24", "2a00::9/64"])
    server.ip("route add unreachable 12.0.0.0/24")
    server.ip("-6 route add unreachable 2a00:12::/64")
    with Server(server, program, *listen("11.0.0.5", "2a00::5"), "--workers", 1) as running:
        lost = 0
        for ip, family, nowhere in (("11.0.0.5", 4, "12.0.0.1"), ("2a00::5", 6, "2a00:12::1")):
            client = client_of(outside, ip)
            client.allocate(family=family)
            client.bind_channel((nowhere, 5000))
            for count in 1, 5:
                for _ in range(count):
                    client.send_channel(b"lost")
                lost += count
                wait_until(lambda: running.figure("packets_unsent_total") == lost, "the loss is counted")
                check(running.figure("packets_to_peers_total") == 0, "what was not sent is counted as relayed")
                check(running.figure("bytes_to_peers_total") == 0, "its bytes are counted as relayed")


def running(program):
    """Changes while it runs: the external address, and which peers may be reached. One entry is both transports and
    both families."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24", "2a00::5/64"], ["11.0.0.9/24", "2a00::9/64"])
    outside.ip("addr add 10.0.0.9/24 dev eth0")
    server.ip("route add 10.0.0.0/24 dev eth0")
    with Server(server, program, "--listen", f"::,0,{UDP | TCP | BOTH}", "--nat64", "2a00:64::/96", "--allow",
                "10.0.0.0/8") as under_test:
        listed = under_test.listeners()
        for address in "11.0.0.5", "[2a00::5]", "127.0.0.1":
            at = [(where.rpartition(":")[2], transport) for where, transport in listed
                  if where.startswith(address + ":")]
            check(len(at) == 2 and at[0][0] == at[1][0] and {at[0][1], at[1][1]} == {"1", "2"},
                  f"{address} is not served by both transports at one port: {listed}")
        port = int(listed[0][0].rpartition(":")[2])

        def client_at(address):
            with outside.entered():
                return Client((address, port), "joe", "secret")

        client = client_at("11.0.0.5")
        check(client.allocate()[0] == "11.0.0.5", "nothing is announced yet")
        for external in "5.5.5.5", "5.5.5.6":
            under_test.tell(f"external 0.0.0.0 {external}")
            check(client_at("11.0.0.5").allocate()[0] == external, "the new address is not announced")
            check(client_at("2a00::5").allocate(family=6)[0] == "2a00::5", "the other family has changed")
        for nonsense in "11.0.0.5 5.5.5.5", "0.0.0.0 ::1", "0.0.0.0 nonsense":
            try:
                under_test.tell(f"external {nonsense}")
            except AssertionError:
                continue
            raise AssertionError(f"external {nonsense} is accepted")
        # The relay from before has its address still, and is reached inside under both.
        client.refresh(600)
        last = client_at("11.0.0.5")
        last.allocate()
        last.bind_channel(client.relayed)
        client.bind_channel(last.relayed)
        client.send_channel(b"inside")
        check(last.receive() == (client.relayed, b"inside"), "an old relay does not reach a new one")
        last.send_channel(b"back")
        check(client.receive() == (last.relayed, b"back"), "a new relay does not reach an old one")

        with outside.udp("10.0.0.9", 5000) as peer:
            client.bind_channel(("10.0.0.9", 5000), 0x4001)
            client.send_channel(b"one", 0x4001)
            check(peer.recvfrom(100)[0] == b"one", "an allowed peer is not reached")
            under_test.tell("allow")
            check(refused(client.permit, ("10.0.0.9", 5000)) == 403, "a peer is allowed that no longer is")
            client.send_channel(b"two", 0x4001)
            client.send_indication(("10.0.0.9", 5000), b"three")
            client.binding()
            under_test.tell("allow 10.0.0.9:5000")
            client.bind_channel(("10.0.0.9", 5000), 0x4002)
            client.send_channel(b"four", 0x4002)
            check(peer.recvfrom(100)[0] == b"four", "a channel is served that is not allowed, or one that is is not")
            check(refused(client.bind_channel, ("10.0.0.9", 5001)) == 403, "another port")
        six = client_at("2a00::5")
        six.allocate(family=6)
        check(refused(six.permit, ("2a00:64::c0a8:1", 5000)) == 403, "a private peer by way of a translator")
        check(refused(six.permit, ("2a00:64::808:808", 5000)) == 0, "a public peer by way of a translator")


def totals(program):
    """Bounds are totals, however many workers there are and whichever gets the client."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24"], ["11.0.0.9/24"])
    options = "--workers", 8, "--max-allocations", 8, "--max-held", 10, "--hold", "waiting"
    with Server(server, program, *listen("11.0.0.5"), *options) as under_test:
        for _ in range(2):
            clients = [client_of(outside, "11.0.0.5", ("udp", "tcp")[number % 2]) for number in range(12)]
            codes = [refused(lambda _: client.allocate(), None) for client in clients]
            check(codes == [0] * 8 + [508] * 4, f"of 8 allocations: {codes}")
            for client in clients[:8]:
                client.refresh(0)
            for client in clients:
                client.close()
            wait_until(lambda: under_test.figure("allocations") == 0, "all are given back")
        waiting = []
        for _ in range(14):
            client = client_of(outside, "11.0.0.5")
            client.user, client.patience, client.resend = b"waiting", 1.0, 2.0
            waiting.append(client)
        codes = []
        for client in waiting:
            try:
                codes.append(refused(lambda _: client.allocate(), None))
            except NoAnswer:
                codes.append(None)
        check(codes == [None] * 10 + [508] * 4, f"of 10 that may wait: {codes}")
        check(under_test.figure("held_requests") == 10, "as many wait")


def ports(program):
    """Every free port is found among another program's."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24", "2a00::5/64"], ["11.0.0.9/24", "2a00::9/64"])
    others = [server.udp(ip, port) for port in range(20000, 20160) for ip in ("11.0.0.5", "2a00::5")]
    with Server(server, program, *listen("11.0.0.5", "2a00::5"), "--ports", "20000-20255", "--workers", 2):
        for ip, family in (("11.0.0.5", 4), ("2a00::5", 6)):
            clients = [client_of(outside, ip) for _ in range(97)]
            codes = [refused(lambda _: client.allocate(family=family), None) for client in clients]
            check(codes == [0] * 96 + [508], f"of 96 free ports {codes.count(0)} are found")
        # One that the other program gives back is found as well.
        others[0].close()
        last = client_of(outside, "11.0.0.5")
        wait_until(lambda: refused(lambda _: last.allocate(), None) == 0, "a port that was given back")
        check(last.relayed == ("11.0.0.5", 20000), "another port")


def descriptors(program):
    """Where descriptors run out a line says so, once; at the start they are compared with what is configured."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24"], ["11.0.0.9/24"])
    with Server(server, program, *listen("11.0.0.5"), "--workers", 2, limit=48) as under_test:
        under_test.expect(r"log 2 the limit of descriptors is 48: enough for \d+ allocations, not for max_allocations")
        clients = [client_of(outside, "11.0.0.5") for _ in range(60)]
        codes = [refused(lambda _: client.allocate(), None) for client in clients]
        granted = codes.count(0)
        check(0 < granted < 48 and codes.count(508) == 60 - granted, f"{codes}")
        client_of(outside, "11.0.0.5", "tcp").close()
        under_test.expect(r"log 2 \d+ sockets could not be had: Too many open files .*; the limit of descriptors is 48")
        under_test.tell("listeners")
        lines = [line for line in under_test.lines if "could not be had" in line]
        check(len(lines) == 1, f"{len(lines)} lines")
        clients[0].refresh(0)
        wait_until(lambda: refused(lambda _: clients[-1].allocate(), None) == 0, "one that is given back serves again")


def late(program):
    """An address that is not there yet is waited for: alone, where it is the host's and in detection; beside another,
    whenever it comes. One that is nobody's, alone, is refused."""
    server, outside = hosts("server", "outside")
    cable(server, "eth0", outside, "eth0", ["11.0.0.5/24"], ["11.0.0.9/24", "2a00::9/64"])
    server.ip("addr add 2a00::5/64 dev eth0")
    with Server(server, program, *listen("2a00::5"), "--relay", "2a00::5") as running:
        running.expect(r"log 3 listening on TCP \[2a00::5\]:3478")
        check(relay_of(outside, "2a00::5", family=6) == "2a00::5", "it is not served when it is there")
    try:
        Server(server, program, *listen("12.0.0.5"))
    except Refused as refusal:
        check(refusal.status == 120099 and "UDP 12.0.0.5:3478" in refusal.text, refusal.text)
    else:
        raise AssertionError("it starts with nothing to serve")
    # So it is with relays.
    try:
        Server(server, program, *listen("11.0.0.5"), "--relay", "13.0.0.5", "--relay", "2a00::13")
    except Refused as refusal:
        check(refusal.status == 120099 and "no relay can be at 13.0.0.5" in refusal.text, refusal.text)
    else:
        raise AssertionError("it starts with nowhere to relay")
    server.ip("addr add 11.0.0.6/24 dev eth0")
    with Server(server, program, *listen("11.0.0.5"), "--relay", "13.0.0.5", "--relay", "11.0.0.6", "--relay",
                "2a00::13") as running:
        running.expect(r"log 2 no relay can be at 13.0.0.5 yet: .*; trying again")
        running.expect(r"log 2 no relay can be at 2a00::13 yet: .*; trying again")
        check({relay_of(outside, "11.0.0.5") for _ in range(6)} == {"11.0.0.6"}, "the rest does not serve")
        server.ip("addr add 13.0.0.5/24 dev eth0")
        server.ip("addr add 2a00::13/64 dev eth0 nodad")
        wait_until(lambda: relay_of(outside, "11.0.0.5") == "13.0.0.5", "the relay address that has come")
        check(relay_of(outside, "11.0.0.5", family=6) == "2a00::13", "the IPv6 one that has come")
        server.ip("addr del 13.0.0.5/24 dev eth0")
        check({relay_of(outside, "11.0.0.5") for _ in range(6)} == {"11.0.0.6"}, "one that has gone is still tried alone")
    with Server(server, program, *listen("12.0.0.5", "11.0.0.5")) as running:
        server.ip("addr add 12.0.0.5/24 dev eth0")
        running.expect("log 3 listening on TCP 12.0.0.5:3478")


CASES = {case.__name__: case for case in (wildcard, announced, refusal, change, late, own, same, unsent, running, totals,
                                          ports, descriptors)}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
    print("ok")
