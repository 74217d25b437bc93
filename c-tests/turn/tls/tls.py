"""TLS listeners: tls.py PROGRAM CASE."""
import os
import socket
import ssl
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "field")]

from hosts import Refused, Server, check, wait_until  # noqa: E402
import turn_client  # noqa: E402
from turn_client import ERROR_CODE, FAILURE, XOR_MAPPED_ADDRESS, Client, Peer, exchange, plain_address  # noqa: E402

UDP, TCP, TLS = 1, 2, 8
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
EINVAL, FROM_OS = 70004, 120000
CERTIFICATES = HERE.parent / "certificates"


def pair(name, key=None):
    """The files of a certificate and its key."""
    return f"{CERTIFICATES / name}.pem,{CERTIFICATES / (key or name)}.key"


def server(program, *options, certificates=("turn",), transport=TLS, limit=None):
    words = [word for name in certificates for word in ("--certificate", pair(name))]
    return Server(None, program, "--listen", f"127.0.0.1,0,{transport}", "--allow", "127.0.0.0/8", *words, *options,
                  limit=limit)


def address(running, transport=TLS):
    """Where it listens, as (ip, port)."""
    found = [at for at, of in running.listeners() if int(of) == transport]
    ip, port = found[0].rsplit(":", 1)
    return ip.strip("[]"), int(port)


def context(*, alpn=None, version=None):
    """A client's settings: it trusts the tests' authority alone."""
    made = ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))
    if alpn:
        made.set_alpn_protocols(alpn)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def client(running, tls=None, **options):
    return Client(address(running), "joe", "secret", "tls", tls=tls or context(), **options)


def relays(program):
    """Both versions of TLS, long messages and short, certificates of both kinds of key."""
    for name, key in (("turn.test", "turn"), ("other.test", "other")):
        for version in VERSIONS:
            with server(program, certificates=[key]) as running, \
                    client(running, context(version=version), name=name) as joe:
                joe.allocate()
                peer = Peer()
                exchange(joe, peer)
                for size in (0, 1, 1200, 9000, 60000):
                    joe.send_channel(bytes(size))
                    check(peer.receive() == (bytes(size), joe.relayed), f"{size} bytes to the peer")
                    peer.send(joe.relayed, bytes(size))
                    check(joe.receive() == (peer.address, bytes(size)), f"{size} bytes from the peer")
                check(running.figure("handshakes_total") == 1, "the handshake is counted")
                check(running.figure("connections") == 1, "the connection is counted")


def streams(program):
    """A TCP relay (RFC 6062) whose control and data connections are TLS: bytes both ways at once, more than fit into
    any buffer, and the peer's end, after which the client still speaks."""
    payload = os.urandom(3 << 20)
    for version in VERSIONS:
        with server(program, "--workers", "3") as running, socket.create_server(("127.0.0.1", 0)) as listener, \
                client(running, context(version=version)) as joe:
            joe.allocate(transport=turn_client.TCP)
            identifier = joe.connect_peer(listener.getsockname())
            with listener.accept()[0] as peer, client(running, context(version=version)) as data:
                data.bind_connection(identifier)
                sender = threading.Thread(target=peer.sendall, args=(payload,))
                sender.start()
                check(data.receive_bytes(len(payload)) == payload, "other bytes than the peer sent")
                sender.join()
                reader = threading.Thread(target=lambda: got.append(received(peer, len(payload))))
                got = []
                reader.start()
                data.socket.sendall(payload)
                reader.join()
                check(got == [payload], "other bytes than the client sent")
                peer.shutdown(socket.SHUT_WR)
                check(data.socket.recv(1) == b"", "the peer's end is not passed on")
                data.socket.sendall(b"last words")
                check(received(peer, 10) == b"last words", "what follows the end is lost")
            wait_until(lambda: running.figure("peer_connections") == 0, "a connection stays")
            check(running.figure("bytes_to_peers_total") == len(payload) + 10, "bytes are not counted")


def received(end, size):
    got = b""
    while len(got) < size and (more := end.recv(size - len(got))):
        got += more
    return got


def refuses(program):
    """Certificates that cannot serve, each with the reason."""
    cases = ((["--certificate", pair("turn", "other")], EINVAL, "turn.pem with the key of"),
             (["--certificate", pair("none")], FROM_OS + 2, "none.pem"),
             (["--certificate", "/dev/zero,/dev/zero"], FROM_OS + 27, "/dev/zero"),
             (["--certificate", f"{__file__},{CERTIFICATES}/turn.key"], EINVAL, "no certificate in it"),
             ([], EINVAL, "needs a certificate"))
    for words, status, text in cases:
        try:
            with server(program, *words, certificates=()):
                raise AssertionError(f"it starts with {words}")
        except Refused as refused:
            check(refused.status == status and text in refused.text, f"{words}: {refused}")


def replaced(program):
    """While it runs: a good certificate takes the place of another, a bad one does not and says why; one that has
    expired is spoken of."""
    with server(program) as running:
        with client(running) as before:
            before.allocate()
            running.tell(f"certificate {pair('other')}")
            with client(running, name="other.test") as joe:
                joe.allocate()
            for words, status, text in ((pair("turn", "other"), EINVAL, "turn.pem with the key of"),
                                        (pair("none"), FROM_OS + 2, "none.pem"),
                                        (f"{CERTIFICATES}/turn.pem,/dev/zero", FROM_OS + 27, "/dev/zero"), (f"{__file__},{__file__}", EINVAL, "")):
                said = running.refuses(f"certificate {words}", status)
                check(any(line.startswith("error ") and text in line for line in said), f"{words}: {said}")
            with client(running, name="other.test") as joe:
                joe.allocate()
            before.refresh(600)
            running.tell(f"certificate {pair('expired')}")
            running.expect("log 2 the certificate of CN=expired.test has expired", within=20)


def names(program):
    """A client gets the certificate of the name that it asks for, whatever the order; without one, the first. Who
    can check none is told so."""
    with server(program, certificates=("other", "turn")) as running:
        for name, expected in (("turn.test", "other"), ("a.turn.test", "turn"), ("other.test", "other"),
                               ("A.TURN.test", "turn"), ("nobody.test", "other"), (None, "other")):
            tls = context()
            tls.check_hostname = False
            with client(running, tls, name=name) as joe:
                shown = ssl.DER_cert_to_PEM_cert(joe.socket.getpeercert(binary_form=True)).split()
                own = (CERTIFICATES / f"{expected}.pem").read_text().split()
                check(shown == own, f"{name} gets another certificate than {expected}'s")
    with server(program, certificates=("turn",)) as running:
        tls = context(version=ssl.TLSVersion.TLSv1_2)
        tls.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
        refuses_handshake(running, tls, "HANDSHAKE_FAILURE")


def protocols(program):
    """ALPN: one of RFC 7443's, or none, but not only others."""
    with server(program) as running:
        for offered, chosen in ((["stun.turn"], "stun.turn"), (["stun.nat-discovery"], "stun.nat-discovery"),
                                (["h2", "stun.nat-discovery", "stun.turn"], "stun.turn"), (None, None)):
            with client(running, context(alpn=offered)) as joe:
                check(joe.socket.selected_alpn_protocol() == chosen, f"of {offered} not {chosen}")
                joe.allocate()
        for version in VERSIONS:
            refuses_handshake(running, context(alpn=["h2", "http/1.1"], version=version), "NO_APPLICATION_PROTOCOL")


def refuses_handshake(running, tls, reason, **options):
    """The server ends the handshake with an alert that says why."""
    try:
        with client(running, tls, **options) as joe:
            # Of TLS 1.3 a client hears only then that it was refused.
            joe.binding()
    except ssl.SSLError as error:
        check(reason in str(error).upper().replace(" ", "_"), f"{reason} is wanted, not {error}")
        return
    raise AssertionError(f"no {reason}")


def resumed(program):
    """A client comes back with a ticket, to whichever worker it gets; nobody is offered early data."""
    with server(program, "--workers", 4) as running:
        for version in VERSIONS:
            tls = context(version=version)
            with client(running, tls) as joe:
                joe.allocate()
                session = joe.socket.session
            check(session.has_ticket, "no ticket")
            for _ in range(8):
                with client(running, tls, session=session) as joe:
                    joe.allocate()
                    check(joe.socket.session_reused, "the ticket is not taken")
                    session = joe.socket.session
        check(running.figure("handshakes_resumed_total") == 16, "what is resumed is not counted")
        check(running.figure("handshakes_total") == 18, "handshakes are not counted")


def certified(program):
    """A client's certificate is asked for where there is somebody who signs them; the observer reads whose it is."""
    authorities = ["--authorities", CERTIFICATES / "authority.pem"]
    for required in False, True:
        with server(program, *authorities, *["--certified"] * required) as running:
            for version in VERSIONS:
                tls = context(version=version)
                if required:
                    refuses_handshake(running, tls, "CERTIFICATE_REQUIRED")
                else:
                    said = len(certifications(running))
                    with client(running, tls) as joe:
                        joe.allocate()
                    check(len(certifications(running)) == said, "a name out of nowhere")
                tls.load_cert_chain(*[str(CERTIFICATES / f"client.{kind}") for kind in ("pem", "key")])
                with client(running, tls) as joe:
                    joe.allocate()
                running.expect("certified CN=joe,O=Example")
                tls.load_cert_chain(*[str(CERTIFICATES / f"turn.{kind}") for kind in ("pem", "key")])
                refuses_handshake(running, tls, "ALERT")
    with server(program) as running:
        tls = context()
        tls.load_cert_chain(*[str(CERTIFICATES / f"client.{kind}") for kind in ("pem", "key")])
        with client(running, tls) as joe:
            joe.allocate()
        check(not certifications(running), "nobody was asked for a certificate")


def certifications(running):
    """Whose certificates the observer has read."""
    running.tell("listeners")
    return [line for line in running.lines if line.startswith("certified ")]


def connect(running, transport=TLS):
    connected = socket.create_connection(address(running, transport))
    connected.settimeout(10)
    return connected


def hello(tls=None):
    """What a client begins with."""
    written = ssl.MemoryBIO()
    talk = (tls or context()).wrap_bio(ssl.MemoryBIO(), written, server_hostname="turn.test")
    try:
        talk.do_handshake()
    except ssl.SSLWantReadError:
        return written.read()


def is_closed(connected):
    """Whether the server ends a connection, whatever it says before."""
    try:
        while connected.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def bounds(program):
    """Handshakes at once, of a source and in all, and how long one may take; others are served meanwhile."""
    begun = hello()
    for limits in "100,3,2000", "3,100,2000":
        with server(program, "--handshakes", limits, transport=UDP | TLS) as running:
            silent = [connect(running) for _ in range(10)]
            with client(running) as joe:
                joe.allocate()
            half = [connect(running) for _ in range(3)]
            for one in half:
                one.sendall(begun[:100])
            with Client(address(running, UDP), "joe", "secret") as ann:
                ann.allocate()
            late = connect(running)
            late.sendall(begun)
            check(is_closed(late), f"{limits}: one handshake more")
            check(running.figure("handshakes_refused_total") == 1, "it is not counted")
            for one in half + silent:
                check(is_closed(one), f"{limits}: a handshake lasts")
            check(running.figure("handshakes_failed_total") == 3, "what takes too long is not counted")
            with client(running) as joe:
                joe.allocate()


def memory(program):
    """Who has not finished a handshake takes little: 64 KiB at most."""
    begun, count = hello(), 400
    with server(program, "--handshakes", f"{2 * count},{2 * count},60000", "--workers", 1) as running:
        status = Path(f"/proc/{running.process.pid}/status")

        def resident():
            return int(next(line for line in status.read_text().splitlines() if line.startswith("VmRSS")).split()[1])

        with client(running) as joe:
            joe.binding()
        for what, sent in (("nothing", b""), ("a half", begun[:-1]), ("a hello", begun)):
            before = resident()
            # As many as a source may have.
            crowd = [connect(running) for _ in range(200)]
            for one in crowd:
                one.sendall(sent)
            wait_until(lambda: running.figure("connections") == len(crowd), "the crowd is there")
            if sent == begun:
                for one in crowd:
                    check(one.recv(1), "no answer")
            each = (resident() - before) / len(crowd)
            print(f"{what}: {each:.1f} KiB")
            check(each <= 64, f"{each} KiB for a connection that has sent {what}")
            for one in crowd:
                one.close()
            wait_until(lambda: running.figure("connections") == 0, "the crowd has gone")


def misdirected(program):
    """No TLS where TLS is wanted, and TLS where none is: an answer in the client's own words, a figure, and in the log
    one line for many."""
    words = ["--listen", f"127.0.0.1,0,{TCP}"]
    with server(program, *words) as running:
        for number in range(1, 4):
            with Client(address(running), "joe", "secret", "tcp") as joe:
                answer = joe.binding()
                check((answer.kind, answer.code) == (FAILURE, 400), "STUN to the TLS listener")
                check(answer.attributes[ERROR_CODE][4:] == b"TLS Only", "it is not told why")
                check(is_closed(joe.socket), "STUN to the TLS listener stays")
            check(running.figure("tls_missing_total") == number, "no TLS is not counted")
            try:
                Client(address(running, TCP), "joe", "secret", "tls", tls=context())
                raise AssertionError("TLS to the TCP listener")
            except ssl.SSLError as error:
                check("ALERT_HANDSHAKE_FAILURE" in str(error).upper().replace(" ", "_"), f"no alert: {error}")
            check(running.figure("tls_unexpected_total") == number, "TLS is not counted")
        for junk in b"GET / HTTP/1.1\r\n\r\n", b"\x80\x2e\x01\0\x02", bytes(100), b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n":
            with connect(running) as stranger:
                stranger.sendall(junk)
                check(is_closed(stranger), f"{junk} stays")
        running.expect("log 2 1 clients took one listener for another")
        lines = [line for line in running.lines if "took one listener for another" in line]
        check(len(lines) == 1, f"{len(lines)} lines")
        with client(running) as joe:
            joe.allocate()


def stops(program):
    """Clients that stop in the middle of anything, or leave without a word: nothing stays, and nobody else minds."""
    begun = hello()
    with server(program) as running, client(running) as other:
        other.allocate()
        for cut in range(0, len(begun) + 1, 7):
            with connect(running) as stranger:
                stranger.sendall(begun[:cut])
        for _ in range(20):
            with client(running) as joe:
                joe.allocate()
            joe = client(running)
            joe.allocate()
            # Half of a record, and then the end without notice.
            raw = socket.socket(fileno=joe.socket.detach())
            raw.send(b"\x17\x03\x03\x01\x00half")
            raw.close()
        with client(running) as joe:
            joe.allocate()
            joe.send_raw(b"\x40\x00\x00")
            ended = joe.socket.unwrap()
            check(is_closed(ended), "a client that says it ends stays")
        wait_until(lambda: running.figure("connections") == 1, "the others have gone")
        check(running.figure("allocations") == 1, "allocations stay")
        other.refresh(600)


def proxied(program):
    """The PROXY protocol goes ahead of TLS."""
    with server(program, "--proxy", "127.0.0.1") as running:
        header = b"PROXY TCP4 203.0.113.7 192.0.2.1 51000 3478\r\n"
        with client(running, greeting=header) as joe:
            answer = joe.binding()
            seen = plain_address(answer.attributes[XOR_MAPPED_ADDRESS], answer.id)
            check(seen == ("203.0.113.7", 51000), f"the client is at {seen}")
            joe.allocate()
        # In pieces, with the first of TLS behind it.
        with connect(running) as joe:
            whole = header + hello()
            for at in range(0, len(whole), 11):
                joe.sendall(whole[at:at + 11])
            check(joe.recv(1) == b"\x16", "no answer to what came in pieces")
        with connect(running) as joe:
            joe.sendall(hello())
            check(is_closed(joe), "a proxy without a header")
        wait_until(lambda: running.figure("proxy_refused_total") == 1, "it is not counted")


def proxied_misdirected(program):
    """Behind a proxy as well: no TLS where TLS is wanted, and TLS where none is; and a proxy that says it twice."""
    v1 = b"PROXY TCP6 2001:db8::7 2001:db8::1 51000 3478\r\n"
    v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 7, 192, 0, 2, 1, 200, 0, 13, 150])
    with server(program, "--proxy", "127.0.0.1", "--listen", f"127.0.0.1,0,{TCP}") as running:
        for number, header in enumerate((v1, v2), 1):
            with Client(address(running), "joe", "secret", "tcp", greeting=header) as joe:
                answer = joe.binding()
                check((answer.kind, answer.code) == (FAILURE, 400), "STUN to the TLS listener")
                check(is_closed(joe.socket), "STUN to the TLS listener stays")
            try:
                Client(address(running, TCP), "joe", "secret", "tls", tls=context(), greeting=header)
                raise AssertionError("TLS to the TCP listener")
            except ssl.SSLError as error:
                check("ALERT_HANDSHAKE_FAILURE" in str(error).upper().replace(" ", "_"), f"no alert: {error}")
            for transport in TCP, TLS:
                with connect(running, transport) as twice:
                    twice.sendall(header + header + hello())
                    check(is_closed(twice), "a header behind a header")
            check(running.figure("tls_unexpected_total") == number, "TLS is not counted")
            check(running.figure("tls_missing_total") == 2 * number, "no TLS is not counted")


def old_versions(program):
    """A client that speaks nothing newer than TLS 1.1 gets an alert."""
    with server(program) as running:
        for minor in 0, 1, 2:
            body = bytes([3, minor]) + bytes(32) + b"\0" + b"\0\x04\xc0\x13\x00\x2f" + b"\x01\0" + b"\0\0"
            said = b"\x16\x03\x01" + (len(body) + 4).to_bytes(2, "big") + b"\x01" + len(body).to_bytes(3, "big") + body
            with connect(running) as old:
                old.sendall(said)
                answer = old.recv(7)
                # protocol_version, or handshake_failure: such a client lacks more than that.
                check(answer[:6] == b"\x15\x03\x03\0\x02\x02" and answer[6] in (0x46, 0x28), f"3.{minor}: {answer}")
                check(is_closed(old), "it stays")
        wait_until(lambda: running.figure("handshakes_failed_total") == 3, "it is not counted")


CASES = {case.__name__: case for case in (relays, streams, refuses, replaced, names, protocols, resumed, certified, bounds,
                                          memory, misdirected, stops, proxied, proxied_misdirected, old_versions)}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
    print("ok")
