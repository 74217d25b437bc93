"""TCP relays (RFC 6062) where the control connection, the data connection or both are TLS: joined.py PROGRAM CASE."""
import os
import signal
import socket
import ssl
import struct
import sys
import time
from contextlib import ExitStack, closing

from tls import TCP, TLS, UDP, address, context, server  # sets the path

from field import PORT, listen, town  # noqa: E402
from hosts import Server, check, skip, wait_until  # noqa: E402
import turn_client as turn  # noqa: E402

ADDITIONAL_ADDRESS_FAMILY, SOFTWARE = 0x8000, 0x8022
KINDS = TCP, TLS
PJAUTH_TURN_CONNECTION = -1
# Of a machine that has much else to do.
PATIENCE = 60


def both(program, *options, **limits):
    return server(program, "--listen", f"127.0.0.1,0,{TCP}", *options, **limits)


def connection(stack, running, kind, user="joe", password="secret"):
    words = ("tls", {"tls": context()}) if kind == TLS else ("tcp", {})
    return stack.enter_context(turn.Client(address(running, kind), user, password, words[0], patience=PATIENCE,
                                           **words[1]))


def listening(stack):
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    listener.settimeout(PATIENCE)
    return listener


def accepted(stack, listener):
    peer = stack.enter_context(closing(listener.accept()[0]))
    peer.settimeout(PATIENCE)
    return peer


def received(end):
    """All that comes, and then the end."""
    parts = []
    while more := end.recv(1 << 16):
        parts.append(more)
    return b"".join(parts)


def refused(code, call, *arguments):
    try:
        call(*arguments)
    except turn.Refused as refusal:
        check(refusal.code == code, f"{refusal.code} in place of {code}")
    else:
        raise AssertionError(f"not refused with {code}")


def crossed(program):
    """Whichever of the two connections is TLS; another user's, a guessed id, and one that is used up, on either."""
    with both(program, "--workers", 3) as running:
        for control_kind in KINDS:
            for data_kind in KINDS:
                with ExitStack() as stack:
                    control, listener = connection(stack, running, control_kind), listening(stack)
                    control.allocate(transport=turn.TCP)
                    identifier = control.connect_peer(listener.getsockname())
                    peer = accepted(stack, listener)
                    guessed = bytes([identifier[0] ^ 1]) + identifier[1:]
                    refused(400, connection(stack, running, data_kind).bind_connection, guessed)
                    refused(401, connection(stack, running, data_kind, password="no").bind_connection, identifier)
                    refused(441, connection(stack, running, data_kind, "ann").bind_connection, identifier)
                    data = connection(stack, running, data_kind)
                    data.bind_connection(identifier)
                    refused(400, connection(stack, running, data_kind).bind_connection, identifier)
                    data.socket.sendall(b"there")
                    check(peer.recv(64) == b"there", "nothing comes")
                    peer.sendall(b"and back")
                    check(data.receive_bytes(8) == b"and back", "nothing comes back")
        wait_until(lambda: running.figure("peer_connections") == 0, "a connection stays")


def early(program):
    """What comes with a ConnectionBind, however much, and an end right behind it: all is passed on, whichever worker
    has the peer. The request is long and comes in two pieces, so that not everything fits into one buffer."""
    payload = os.urandom(150_000)
    with both(program, "--workers", 4) as running, ExitStack() as whole:
        pid = running.process.pid
        whole.callback(os.kill, pid, signal.SIGCONT)
        control = connection(whole, running, TLS)
        control.allocate(transport=turn.TCP)
        for kind in KINDS * 6:
            with ExitStack() as stack:
                listener, data = listening(stack), connection(stack, running, kind)
                identifier = control.connect_peer(listener.getsockname())
                peer = accepted(stack, listener)
                challenge = data.transaction(data.build(turn.CONNECTION_BIND, [(turn.CONNECTION_ID, identifier)]))
                data.realm, data.nonce = challenge.attributes[turn.REALM], challenge.attributes[turn.NONCE]
                data.key = control.key
                request = data.build(turn.CONNECTION_BIND, [(turn.CONNECTION_ID, identifier), (SOFTWARE, bytes(2800))])
                data.send_raw(request[:-100])
                # Now the rest waits until there is much of it.
                time.sleep(0.05)
                os.kill(pid, signal.SIGSTOP)
                data.send_raw(request[-100:] + payload)
                if kind == TCP:
                    data.socket.shutdown(socket.SHUT_WR)
                else:
                    data.socket.setblocking(False)
                    try:
                        data.socket.unwrap()
                    except OSError:
                        pass
                os.kill(pid, signal.SIGCONT)
                got = received(peer)
                check(got == payload, f"{len(got)} bytes of {len(payload)} have come")


def policies(program):
    """A peer that clients may reach no longer is not reached: not by a connection that is there already, nor by one
    that waits for its client; what stays allowed stays."""
    for kind in KINDS:
        with both(program) as running, ExitStack() as stack:
            control, ends = connection(stack, running, kind), []
            control.allocate(transport=turn.TCP)
            for host in "127.0.0.1", "127.0.0.1", "127.5.5.5":
                listener = stack.enter_context(socket.create_server((host, 0)))
                identifier = control.connect_peer(listener.getsockname())
                ends.append((accepted(stack, listener), identifier))
            datas = []
            for _, identifier in ends[::2]:
                datas.append(connection(stack, running, kind))
                datas[-1].bind_connection(identifier)
            running.tell("allow 127.5.0.0/16")
            for peer, _ in ends[:2]:
                check(received(peer) == b"", "a peer is reached that may be no longer")
            check(datas[0].socket.recv(64) == b"", "the client is not told")
            datas[1].socket.sendall(b"still there")
            check(ends[2][0].recv(64) == b"still there", "a peer that stays allowed has gone")
            refused(403, control.connect_peer, ends[0][0].getpeername())


def announced(program):
    """Behind a 1:1 NAT whose outer address changes: relays of before and after reach each other under what is announced,
    and are told of each other by it; none reaches itself."""
    with both(program, "--relay", "127.0.0.1=198.41.0.4") as running:
        for order in 1, -1:
            with ExitStack() as stack:
                clients = []
                for external in "198.41.0.4", "198.41.0.5":
                    running.tell(f"external 127.0.0.1 {external}")
                    clients.append(connection(stack, running, TLS))
                    check(clients[-1].allocate(transport=turn.TCP)[0] == external, "another address is announced")
                one, other = clients[::order]
                other.permit(one.relayed)
                mine = one.connect_peer(other.relayed)
                seen, theirs = other.attempted()
                check(seen == one.relayed, f"{one.relayed} is announced as {seen}")
                near, far = connection(stack, running, TLS), connection(stack, running, TCP)
                near.bind_connection(mine)
                far.bind_connection(theirs)
                near.socket.sendall(b"across")
                check(far.receive_bytes(6) == b"across", "nothing comes across")
                near.close()
                check(received(far.socket) == b"", "an end is not passed on")
                refused(403, one.connect_peer, one.relayed)


def interfaces(program):
    """The same where clients use two addresses of the server, which are announced as one."""
    host, outside, container = town()
    with Server(host, program, *listen("0.0.0.0"), "--relay", "0.0.0.0=198.41.0.4", "--workers", 2):
        def client(of, at):
            with of.entered():
                return turn.Client((at, PORT), "joe", "secret", "tcp", patience=PATIENCE)

        sides = (outside, "11.0.0.5"), (container, "172.17.0.1")
        for side, other_side in sides, sides[::-1]:
            one, other = client(*side), client(*other_side)
            for own in one, other:
                check(own.allocate(transport=turn.TCP)[0] == "198.41.0.4", "another address is announced")
            other.permit(one.relayed)
            mine = one.connect_peer(other.relayed)
            seen, theirs = other.attempted(PATIENCE)
            check(seen == one.relayed, f"{one.relayed} is announced as {seen}")
            near, far = client(*side), client(*other_side)
            near.bind_connection(mine)
            far.bind_connection(theirs)
            near.socket.sendall(b"across")
            check(far.receive_bytes(6) == b"across", "nothing comes across")
            for own in "11.0.0.5", "172.17.0.1", "198.41.0.4":
                refused(403, one.connect_peer, (own, 22))


def told(program):
    """What the application hears through C: what kind of relay it is, each connection once, whoever made it, and in the
    end the bytes of all of them; and that it can have no such relays at all."""
    with both(program, "--tell") as running, ExitStack() as stack:
        control, listener = connection(stack, running, TLS), listening(stack)
        relayed = control.allocate(transport=turn.TCP)
        running.expect(f"created {TCP}$")
        for size in 1000, 234:
            identifier = control.connect_peer(listener.getsockname())
            running.expect(f"peer {PJAUTH_TURN_CONNECTION} 127.0.0.1:{listener.getsockname()[1]}$")
            peer, data = accepted(stack, listener), connection(stack, running, TLS)
            data.bind_connection(identifier)
            data.socket.sendall(bytes(size))
            peer.sendall(b"12345")
            data.receive_bytes(5)
            data.close()
            check(received(peer) == bytes(size), "other bytes than were sent")
            peer.close()
            wait_until(lambda: running.figure("peer_connections") == 0, "a connection stays")
        control.permit(("127.0.0.1", 1))
        running.expect("peer 0 127.0.0.1$")
        caller = stack.enter_context(socket.create_connection(relayed, PATIENCE))
        running.expect(f"peer {PJAUTH_TURN_CONNECTION} 127.0.0.1:{caller.getsockname()[1]}$")
        control.refresh(0)
        running.expect(f"removed {TCP} 1234 10$")
        heard = [line for line in running.lines if line.startswith("peer ")]
        check(len(heard) == 4, f"told of {heard}")
        check(received(caller) == b"", "a peer outlives the allocation")
        with connection(stack, running, TCP) as datagrams:
            datagrams.allocate()
            running.expect(f"created {UDP}$")
    with both(program, "--tcp-relays", "0") as running, ExitStack() as stack:
        for kind in KINDS:
            control = connection(stack, running, kind)
            refused(442, control.allocate, None, None, turn.TCP)
            control.allocate()


def ends(program):
    """Peers that close at once, with an end or with a reset, before their client comes and after."""
    reset = struct.pack("ii", 1, 0)
    with both(program) as running, ExitStack() as stack:
        control = connection(stack, running, TLS)
        control.allocate(transport=turn.TCP)
        for is_bound in False, True:
            for is_reset in False, True:
                for kind in KINDS:
                    listener = listening(stack)
                    identifier = control.connect_peer(listener.getsockname())
                    peer, data = accepted(stack, listener), connection(stack, running, kind)
                    if is_bound:
                        data.bind_connection(identifier)
                    if is_reset:
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    peer.close()
                    if not is_bound:
                        data.bind_connection(identifier)
                    check(is_over(data.socket), f"{kind}, bound {is_bound}, reset {is_reset}: no end")
                    data.close()
                    wait_until(lambda: running.figure("peer_connections") == 0, "a connection stays")


def is_over(end):
    try:
        return end.recv(64) == b""
    except ConnectionError:
        return True


def joined(stack, running, control, kind, host="127.0.0.1"):
    """A connection through a relay: the client's end and the peer's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        listener.settimeout(PATIENCE)
        identifier = control.connect_peer(listener.getsockname()[:2])
        peer = accepted(stack, listener)
    data = connection(stack, running, kind)
    data.bind_connection(identifier)
    return data, peer


def passes(data, peer):
    data.socket.sendall(b"to")
    check(peer.recv(64) == b"to", "nothing comes")
    peer.sendall(b"fro")
    check(data.receive_bytes(3) == b"fro", "nothing comes back")


def drained(program):
    """A server that takes no more clients has those that it has connect, and one that stops leaves no end open."""
    for kind in KINDS:
        with both(program, "--tell") as running, ExitStack() as stack:
            control = connection(stack, running, kind)
            relayed = control.allocate(transport=turn.TCP)
            before = joined(stack, running, control, kind)
            running.tell("drain")
            refused(508, connection(stack, running, kind).allocate, None, None, turn.TCP)
            after = joined(stack, running, control, kind)
            control.permit(("127.0.0.1", 1))
            caller = stack.enter_context(socket.create_connection(relayed, PATIENCE))
            check(control.attempted() is not None, "a peer is not announced")
            control.refresh(600)
            for data, peer in before, after:
                passes(data, peer)
            running.tell("stop")
            for end in before[0].socket, before[1], after[0].socket, after[1], caller, control.socket:
                check(is_over(end), "a connection outlives the server")
            running.expect(f"removed {TCP} 4 6$")


def families(program):
    """Relays of one family and of both: peers of each, and those of the other refused."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        skip("this host has no IPv6")
    v4, v6 = "127.0.0.1", "::1"
    with both(program, "--allow", "::1", "--relay", v4, "--relay", v6) as running:
        for kind in KINDS:
            for family, reached, foreign in ((4, [v4], [v6]), (6, [v6], [v4]), (None, [v4, v6], [])):
                with ExitStack() as stack:
                    control = connection(stack, running, kind)
                    wanted = [(turn.REQUESTED_TRANSPORT, struct.pack("!I", turn.TCP << 24))]
                    if family:
                        control.allocate(family=family, transport=turn.TCP)
                    else:
                        control.request(turn.ALLOCATE, wanted + [(ADDITIONAL_ADDRESS_FAMILY, bytes([2, 0, 0, 0]))])
                    for host in reached:
                        passes(*joined(stack, running, control, kind, host))
                    for host in foreign:
                        refused(443, control.connect_peer, (host, 9))
                        refused(443, control.permit, (host, 9))


def descriptors(program):
    """Without descriptors a Connect is answered with 508 and a peer that calls waits; what is joined goes on, and all is
    as before when there are some again."""
    with both(program, "--workers", 1, limit=40) as running, ExitStack() as stack:
        control = connection(stack, running, TLS)
        relayed = control.allocate(transport=turn.TCP)
        control.permit(("127.0.0.1", 1))
        ends = joined(stack, running, control, TLS)
        with ExitStack() as crowd:
            open_files = f"/proc/{running.process.pid}/fd"
            while len(os.listdir(open_files)) < 40:
                crowd.enter_context(socket.create_connection(address(running, TCP), PATIENCE))
            caller = stack.enter_context(socket.create_connection(relayed, PATIENCE))
            with listening(crowd) as listener:
                refused(508, control.connect_peer, listener.getsockname())
            passes(*ends)
        check(control.attempted(PATIENCE) is not None, "who called meanwhile is forgotten")
        passes(*ends)
        passes(*joined(stack, running, control, TLS))
        check(not is_readable(caller), "who called meanwhile is sent away")


def is_readable(end):
    end.settimeout(0.1)
    try:
        end.recv(1)
        return True
    except TimeoutError:
        return False


def slow(program):
    """A reader that does nothing stops the writer, over TLS as well, and takes little memory; nothing is lost."""
    with both(program) as running, ExitStack() as stack:
        control = connection(stack, running, TLS)
        control.allocate(transport=turn.TCP)
        data, peer = joined(stack, running, control, TLS)
        status = f"/proc/{running.process.pid}/status"

        def resident():
            with open(status) as lines:
                return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])

        before = resident()
        for writer, reader in (data.socket, peer), (peer, data.socket):
            writer.setblocking(False)
            sent, waits_since = 0, time.monotonic()
            while time.monotonic() < waits_since + 1:
                try:
                    sent += writer.send(bytes(16384))
                    waits_since = time.monotonic()
                except (BlockingIOError, ssl.SSLWantWriteError):
                    time.sleep(0.01)
                check(sent < 64 << 20, "nobody is stopped")
            check(resident() - before < 8192, f"{resident() - before} KiB for a reader that does nothing")
            reader.settimeout(PATIENCE)
            writer.settimeout(PATIENCE)
            left = sent
            while left > 0:
                left -= len(reader.recv(1 << 20))
            # The record that had no room any more.
            writer.sendall(bytes(16384))
            check(len(reader.recv(16384, socket.MSG_WAITALL) if reader is peer else data.receive_bytes(16384)) == 16384,
                  "what waited is lost")
        passes(data, peer)


CASES = {case.__name__: case for case in (crossed, early, policies, announced, interfaces, told, ends, drained,
                                          families, descriptors, slow)}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
    print("ok")
