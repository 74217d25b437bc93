#!/usr/bin/env python3
"""The judge judged: the examples of RFC 2617 and RFC 7616, and that it finds
fault where there is one."""

import sys

from digest_judge import Judge
from scenarios import Challenge

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
REALM = "http-auth@example.org"
ANSWER = (f'Digest username="Mufasa", realm="{REALM}", uri="/dir/index.html", algorithm={{alg}}, nonce="{NONCE}", '
          'nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}"')
RESPONSES = {"MD5": "8ca523f5e9506fed4657c9700eebdbec",
             "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"}
RFC2617 = ('Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
           'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", '
           'response="6629fae49393a05397450978507c4ef1"')

passed = failed = 0


def check(name, want, value, challenge, nonce, password="Circle of Life"):
    global passed, failed
    faults, _, _ = Judge().faults(value, {nonce: [challenge]}, "Mufasa", password, "GET", "/dir/index.html", b"")
    good = faults == want
    passed, failed = passed + good, failed + (not good)
    print(f"ok {name}" if good else f"FAIL {name}: {faults}")


def main():
    for alg, response in RESPONSES.items():
        challenge = Challenge(alg, realm=REALM, qop="auth, auth-int", opaque=False)
        good = ANSWER.format(alg=alg, response=response)
        check(f"rfc7616-{alg}", [], good, challenge, NONCE)
        check(f"response-{alg}", ["response"], good.replace(response, "0" + response[1:]), challenge, NONCE)
        check(f"password-{alg}", ["response"], good, challenge, NONCE, "Circle of Death")
        check(f"nonce-{alg}", ["nonce or algorithm not offered"], good, challenge, "other")
        check(f"count-{alg}", ["nc", "response"], good.replace("nc=00000001", "nc=0000000A"), challenge, NONCE)
        check(f"quotes-{alg}", ["qop quoted"], good.replace("qop=auth", 'qop="auth"'), challenge, NONCE)
        check(f"offer-{alg}", ["nonce or algorithm not offered"], good, Challenge("SHA-512-256", realm=REALM), NONCE)
        check(f"opaque-{alg}", ["opaque"], good, Challenge(alg, realm=REALM, opaque=True), NONCE)
    check("rfc2617", [], RFC2617, Challenge(None, realm="testrealm@host.com", opaque=False),
          "dcd98b7102dd2f0e8b11d0f600bfb0c093", "Circle Of Life")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
