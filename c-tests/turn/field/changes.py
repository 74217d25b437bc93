"""What changes on the host while channel data goes by way of the kernel: changes.py PROGRAM CASE."""
import json
import sys
import time

from hosts import cable, check, hosts, wait_until
from kernel import CLIENT, FAR, NEAR, PEER, Call, by_kernel, needs_kernel, start, status, street


def ways(program):
    """Interfaces that go and come back, and peers that are elsewhere of a sudden."""
    server, near, far = street()
    with start(server, program, "--interface", "eth0", "--interface", "eth1", "--interface", "eth9") as running:
        needs_kernel(running)
        running.expect("log 2 relaying in the kernel at eth0, eth1; not at eth9")
        call = Call(near, far, 4, 4)
        call.both_ways(b"first")
        # The peer moves behind another router.
        router, = (host for host in hosts("router"))
        cable(server, "eth2", router, "eth0", ["11.0.3.5/24"], ["11.0.3.9/24"])
        cable(router, "eth1", far, "eth1", ["11.0.4.5/24"], ["11.0.4.9/24"])
        router.set("net.ipv4.ip_forward", 1)
        router.ip(f"route add {PEER[4]}/32 via 11.0.4.9")
        for name in "all", "eth1":
            far.set(f"net.ipv4.conf.{name}.rp_filter", 0)
        server.ip(f"route add {PEER[4]}/32 via 11.0.3.9")
        time.sleep(0.3)
        call.to_peer(b"to the router")

        def more():
            for _ in range(5):
                call.to_peer(b"and on")

        check(by_kernel(running, more) == 5, "by the new way in the kernel")
        server.ip(f"route del {PEER[4]}/32")
        server.ip("link del eth1")
        wait_until(lambda: status(running)[1].startswith("eth0; not at"), "an interface that has gone")
        cable(server, "eth1", far, "eth0", [f"{FAR[4]}/24"], [f"{PEER[4]}/24"])
        wait_until(lambda: status(running)[1].startswith("eth0, eth1"), "an interface that is back")
        time.sleep(0.3)
        again = Call(near, far, 4, 4)
        again.both_ways(b"first")
        check(by_kernel(running, lambda: again.both_ways(b"again")) == 2, "by the kernel at the new interface")


def sizes_change(program):
    """An interface that takes less of a sudden: what is too large for it is for the sockets, in either direction."""
    server, near, far = street()
    with start(server, program) as running:
        needs_kernel(running)
        call = Call(near, far, 4, 4)
        call.both_ways(b"first")

        # What comes in at an interface has to fit as well: each direction by itself.
        for name, pass_on in ("eth1", call.to_peer), ("eth0", call.to_client):
            def passing(size):
                return by_kernel(running, lambda: pass_on(bytes(size)))

            check(passing(1290) == 1, f"by the kernel, while {name} takes 1500 bytes")
            server.ip(f"link set {name} mtu 1300")
            wait_until(lambda: passing(1290) == 0, f"no more by the kernel than {name} takes")
            check(passing(160) == 1, "by the kernel what still fits")
            server.ip(f"link set {name} mtu 1500")
            wait_until(lambda: passing(1290) == 1, f"by the kernel again when {name} takes more")


def routes(program):
    """Routes that take less than their interface does, at either end."""
    server, near, far = street()
    with start(server, program) as running:
        needs_kernel(running)
        call = Call(near, far, 4, 4)
        call.both_ways(b"first")

        for name, end, pass_on in ("eth1", PEER[4], call.to_peer), ("eth0", CLIENT[4], call.to_client):
            def passing(size):
                return by_kernel(running, lambda: pass_on(bytes(size)))

            check(passing(900) == 1, f"by the kernel, as {name} takes it")
            server.ip(f"route add {end}/32 dev {name} mtu 700")
            wait_until(lambda: passing(900) == 0, "no more by the kernel than the route takes")
            check(passing(160) == 1, "by the kernel what still fits")
            server.ip(f"route change {end}/32 dev {name} mtu 1000")
            wait_until(lambda: passing(900) == 1, "by the kernel again when the route takes more")
            server.ip(f"route del {end}/32")
            wait_until(lambda: passing(1200) == 1, "by the kernel when the route has gone")


def addresses(program):
    """A listener's address that goes and comes back in the middle of a call: meanwhile nothing is forwarded."""
    server, near, far = street()
    with start(server, program) as running:
        needs_kernel(running)
        call = Call(near, far, 4, 4)
        call.both_ways(b"first")
        check(by_kernel(running, lambda: call.both_ways(b"by the kernel")) == 2, "by the kernel")
        for _ in range(2):
            server.ip(f"addr del {NEAR[4]}/24 dev eth0")
            time.sleep(0.3)

            def lost():
                call.say(b"to nobody")
                call.answer(b"from nobody")
                time.sleep(0.3)

            check(by_kernel(running, lost) == 0, "forwarded for an address that is not here")
            server.ip(f"addr add {NEAR[4]}/24 dev eth0")

            def again():
                try:
                    call.both_ways(b"again")
                except TimeoutError:
                    pass

            wait_until(lambda: by_kernel(running, again) == 2, "by the kernel when the address is back")


def received(host, name):
    """Packets that have come in at an interface."""
    return json.loads(host.ip(f"-s -j link show {name}"))[0]["stats64"]["rx"]["packets"]


def rules(program):
    """Policy rules of either family that come and go, and nothing else that does."""
    server, near, far = street()
    router, = hosts("router")
    cable(server, "eth2", router, "eth0", ["11.0.3.5/24", "2a03::5/64"], ["11.0.3.9/24", "2a03::9/64"])
    cable(router, "eth1", far, "eth1", ["11.0.4.5/24", "2a04::5/64"], ["11.0.4.9/24", "2a04::9/64"])
    for name in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        router.set(name, 1)
    for name in "all", "eth1":
        far.set(f"net.ipv4.conf.{name}.rp_filter", 0)
    router.ip(f"route add {PEER[4]}/32 via 11.0.4.9")
    router.ip(f"-6 route add {PEER[6]}/128 via 2a04::9")
    server.ip(f"route add {PEER[4]}/32 via 11.0.3.9 table 77")
    server.ip(f"-6 route add {PEER[6]}/128 via 2a03::9 table 77")
    with start(server, program) as running:
        needs_kernel(running)
        for beyond in 4, 6:
            call = Call(near, far, 4, beyond, user="ann")
            call.both_ways(b"first")

            def by_router():
                before = received(far, "eth1")
                call.say(b"on")
                try:
                    call.heard(b"on")
                except TimeoutError:
                    return False  # a new way may take one for looking around
                return received(far, "eth1") > before

            ports = call.relayed[1], call.peer.getsockname()[1]
            for of in f"to {PEER[beyond]}", f"ipproto udp sport {ports[0]}", f"ipproto udp dport {ports[1]}":
                rule = f"{'-6 ' * (beyond == 6)}rule %s {of} lookup 77"
                server.ip(rule % "add")
                wait_until(by_router, f"the way that a rule of IPv{beyond} leads")
                check(by_kernel(running, by_router) == 1, "by the new way in the kernel")
                server.ip(rule % "del")
                wait_until(lambda: not by_router(), f"the old way when a rule of IPv{beyond} has gone")
            call.client.close()


CASES = {case.__name__: case for case in (ways, sizes_change, routes, addresses, rules)}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
