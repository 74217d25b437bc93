"""aioice, the ICE and TURN stack of aiortc: allocations, data both ways, refresh, relay candidates, a wrong password.

usage: aioice_judge.py SERVER CASE

Without aioice it makes itself a virtual environment in $PJAUTH_VENV and goes on there.
"""

import asyncio
import fcntl
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import lab

PACKAGE = "aioice==0.13.0"
HELLO = b"hello"

if not importlib.util.find_spec("aioice"):
    venv = Path(os.environ.get("PJAUTH_VENV", Path(__file__).parents[3] / "build/venv"))
    venv.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{venv}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python, done = venv / "bin/python", venv / "complete"
        if not done.exists():
            install = f"{sys.executable} -m venv {venv} && {python} -m pip install --quiet {PACKAGE} && touch {done}"
            made = subprocess.run(["sh", "-c", install], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if made.returncode != 0:
                lab.skip(f"aioice cannot be installed: {(made.stderr or made.stdout).strip().splitlines()[-1]}")
    if sys.prefix == str(venv):
        lab.skip(f"aioice is not in {venv}")
    os.execv(python, [python, "-B", *sys.argv])

import aioice
from aioice import stun, turn


class Receiver(asyncio.DatagramProtocol):
    def __init__(self):
        self.arrived = asyncio.Queue()
        self.closed = asyncio.Event()

    def datagram_received(self, data, peer):
        self.arrived.put_nowait((data, peer))

    def connection_lost(self, exc):
        self.closed.set()


async def allocated(server, transport, password=lab.PASSWORD):
    return await turn.create_turn_endpoint(Receiver, server_addr=server.address, username=lab.USER, password=password,
                                           ssl=transport == "tls", transport=over(transport))


def over(transport):
    """What aioice calls a transport: TLS is TCP with something in it."""
    return "udp" if transport == "udp" else "tcp"


async def both_ways(server, transport):
    """Two allocations and a peer: data in every direction, whole and in both sizes."""
    first, inbox = await allocated(server, transport)
    second, other_inbox = await allocated(server, transport)
    here, there = first.get_extra_info("sockname"), second.get_extra_info("sockname")
    lab.check(here != there and here[0] == there[0], f"relayed addresses {here} and {there}")

    with lab.peer_of(server) as peer:
        for transport_of, arrived in (first, inbox), (second, other_inbox):
            for size in 1, 2, 3, 4, 159, 160, 1200:
                data = os.urandom(size)
                transport_of.sendto(data, peer)
                got = await asyncio.wait_for(arrived.arrived.get(), 5)
                lab.check(got == (data, peer), f"{size} bytes came back otherwise")
    await acquainted((first, there, other_inbox), (second, here, inbox))
    for sender, address, arrived, source in (first, there, other_inbox, here), (second, here, inbox, there):
        for number in range(50):
            sender.sendto(b"%d" % number, address)
        got = [await after_hello(arrived) for _ in range(50)]
        lab.check(sorted(got) == sorted((b"%d" % number, source) for number in range(50)), "data between two clients")

    first.close()
    second.close()
    await asyncio.wait_for(asyncio.gather(inbox.closed.wait(), other_inbox.closed.wait()), 5)


async def acquainted(*ways):
    """Until both let each other in: a channel, which the first data asks for, permits its peer's address."""
    for _ in range(100):
        for sender, address, _ in ways:
            sender.sendto(HELLO, address)
        await asyncio.sleep(0.1)
        if not any(inbox.arrived.empty() for _, _, inbox in ways):
            return
    sys.exit("FAIL two clients do not reach each other")


async def after_hello(inbox):
    while (got := await asyncio.wait_for(inbox.arrived.get(), 5))[0] == HELLO:
        pass
    return got


async def port_is_free(address):
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                return probe.bind(address)
            except OSError:
                await asyncio.sleep(0.1)
    sys.exit("FAIL the relayed port outlived its allocation")


async def refreshes(server, transport):
    """A refresh says how long the allocation lasts, and after one with 0 the relayed port is free."""
    protocols = {"udp": turn.TurnClientUdpProtocol, "tcp": turn.TurnClientTcpProtocol}

    def client():
        return protocols[over(transport)](server.address, lab.USER, lab.PASSWORD, lifetime=600, channel_refresh_time=500)

    loop = asyncio.get_running_loop()
    opened = (loop.create_datagram_endpoint(client, remote_addr=server.address) if transport == "udp" else
              loop.create_connection(client, *server.address, ssl=transport == "tls" or None))
    _, protocol = await opened
    relayed = await protocol.connect()
    for asked, granted in (600, 600), (1000, 1000), (0, 0):
        request = stun.Message(message_method=stun.Method.REFRESH, message_class=stun.Class.REQUEST)
        request.attributes["LIFETIME"] = asked
        response, _ = await protocol.request_with_retry(request)
        got = response.attributes["LIFETIME"]
        lab.check(got == granted, f"asked for {asked} seconds, got {got}")
    await port_is_free(relayed)
    protocol.refresh_task.cancel()
    protocol.transport.close()
    await asyncio.sleep(0)


async def candidates(server, transport):
    """ICE between two agents that offer nothing but relay candidates."""
    def agent(controlling):
        return aioice.Connection(ice_controlling=controlling, turn_server=server.address, turn_username=lab.USER,
                                 turn_password=lab.PASSWORD, turn_transport=over(transport), use_ipv6=False,
                                 turn_ssl=transport == "tls",
                                 transport_policy=aioice.TransportPolicy.RELAY)

    caller, callee = agent(True), agent(False)
    for offering, taking in (caller, callee), (callee, caller):
        await offering.gather_candidates()
        kinds = {candidate.type for candidate in offering.local_candidates}
        lab.check(kinds == {"relay"}, f"candidates are {kinds}")
        for candidate in offering.local_candidates:
            await taking.add_remote_candidate(candidate)
        await taking.add_remote_candidate(None)
        taking.remote_username, taking.remote_password = offering.local_username, offering.local_password
    await asyncio.wait_for(asyncio.gather(caller.connect(), callee.connect()), 20)
    for number in range(50):
        for sender, receiver in (caller, callee), (callee, caller):
            await sender.send(b"%d" % number)
            lab.check(await asyncio.wait_for(receiver.recv(), 5) == b"%d" % number, "data between two agents")
    await asyncio.gather(caller.close(), callee.close())


async def refuses_password(server, transport):
    try:
        await allocated(server, transport, password="wrong")
    except stun.TransactionFailed as error:
        code = error.response.attributes["ERROR-CODE"][0]
        lab.check(code == 401, f"a wrong password is answered with {code}")
    else:
        sys.exit("FAIL a wrong password was let in")


def case(body, transport):
    def run(kind):
        # The certificate is looked at as any other's, for the address.
        os.environ["SSL_CERT_FILE"] = str(lab.AUTHORITY)
        with lab.server(kind, tls=transport == "tls") as server:
            asyncio.run(asyncio.wait_for(body(server, transport), 60))
    return run


CASES = {f"{name}-{transport}": case(body, transport) for transport in ("udp", "tcp", "tls") for name, body in
         {"data": both_ways, "refresh": refreshes, "ice": candidates, "password": refuses_password}.items()}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
