"""TLS listeners: tls.py PROGRAM CASE."""
import ssl
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "field")]

from hosts import Refused, Server, check  # noqa: E402
from turn_client import Client, Peer, exchange  # noqa: E402

UDP, TCP, TLS = 1, 2, 8
EINVAL, FROM_OS = 70004, 120000
CERTIFICATES = HERE.parent / "certificates"


def pair(name, key=None):
    """The files of a certificate and its key."""
    return f"{CERTIFICATES / name}.pem,{CERTIFICATES / (key or name)}.key"


def server(program, *options, certificates=("turn",), transport=TLS):
    words = [word for name in certificates for word in ("--certificate", pair(name))]
    return Server(None, program, "--listen", f"127.0.0.1,0,{transport}", "--allow", "127.0.0.0/8", *words, *options)


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
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
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


def refuses(program):
    """Certificates that cannot serve, each with the reason."""
    cases = ((["--certificate", pair("turn", "other")], EINVAL, "turn.pem with the key of"),
             (["--certificate", pair("none")], FROM_OS + 2, "none.pem"),
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
                                        (pair("none"), FROM_OS + 2, "none.pem"), (f"{__file__},{__file__}", EINVAL, "")):
                said = running.refuses(f"certificate {words}", status)
                check(any(line.startswith("error ") and text in line for line in said), f"{words}: {said}")
            with client(running, name="other.test") as joe:
                joe.allocate()
            before.refresh(600)
            running.tell(f"certificate {pair('expired')}")
            running.expect("log 2 the certificate of CN=expired.test has expired", within=20)


CASES = {case.__name__: case for case in (relays, refuses, replaced)}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
    print("ok")
