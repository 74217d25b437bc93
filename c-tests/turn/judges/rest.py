"""Time-limited credentials of the TURN REST interface, made here by Python: what is good is let in, and ends in time.

usage: rest.py SERVER CASE
"""

import base64
import hmac
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lab
from turn_client import Client, Refused

SECRETS = ["--secret", "new", "--secret", "old"]


def password(name, secret="new", digest="sha1"):
    return base64.b64encode(hmac.digest(secret.encode(), name.encode(), digest)).decode()


def outcome(server, name, word, transport="udp"):
    """The lifetime of an allocation that asked for an hour, or the code of the refusal."""
    with Client(server.address, name, word, transport) as client:
        try:
            client.allocate(lifetime=3600)
            return client.refresh(3600)
        except Refused as refused:
            return -refused.code


def good(kind):
    with lab.server(kind, *SECRETS) as server:
        later = int(time.time()) + 86400
        for name in (f"{later}:ann", str(later), f"{later}:a:b@c"):
            for secret in "new", "old":
                for digest in "sha1", "sha256":
                    for transport in "udp", "tcp":
                        lifetime = outcome(server, name, password(name, secret, digest), transport)
                        lab.check(lifetime == 3600, f"{name} by {secret}, {digest}, {transport}: {lifetime}")


def bad(kind):
    with lab.server(kind, *SECRETS) as server:
        now = int(time.time())
        good_name = f"{now + 3600}:ann"
        for name, word in [
            (f"{now - 1}:ann", password(f"{now - 1}:ann")),
            (good_name, password(good_name, "other")),
            (good_name, password(f"{now + 3600}:bob")),
            (good_name, password(good_name)[:-1]),
            ("ann", password("ann")),
            (f"ann:{now + 3600}", password(f"ann:{now + 3600}")),
            (f"+{good_name}", password(f"+{good_name}")),
            (f"0{good_name}", password(f"0{good_name}")),
            ("99999999999999999999999:ann", password("99999999999999999999999:ann")),
        ]:
            got = outcome(server, name, word)
            lab.check(got == -401, f"{name}, {word}: {got}")


def bounded(kind):
    """However often it is refreshed, an allocation ends with its credential."""
    with lab.server(kind, *SECRETS) as server:
        name = f"{int(time.time()) + 900}:ann"
        lifetime = outcome(server, name, password(name))
        lab.check(800 < lifetime <= 900, f"a credential good for 900 s gave {lifetime} s")


CASES = {"good": good, "bad": bad, "bounded": bounded}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
