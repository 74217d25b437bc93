"""What the registrar asks for, by the user part of the request.

A scenario is a list of rounds. A request is answered with the first round,
and each later round is sent only to a request that answered the round before
it correctly; past the last round the request is accepted. Each round is a
status and a list of challenges, topmost first.
"""

from dataclasses import dataclass, field

REALM = "pjauth.test"
PASSWORD = "Circle of Life"


@dataclass
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate header.

    `nonce` names a nonce: equal names within one call give one value, None
    gives a fresh one each time it is sent. `raw` replaces the whole value.
    """

    alg: str | None = "MD5"
    qop: str | None = "auth"
    realm: str = REALM
    nonce: str | None = None
    opaque: bool = True
    stale: bool | None = None
    userhash: bool = False
    extra: str = ""
    raw: str | None = None


@dataclass
class Round:
    status: int
    challenges: list[Challenge]


@dataclass
class Scenario:
    rounds: list[Round]
    password: str = PASSWORD
    # The last round is sent again for ever, correctly answered or not.
    endless: bool = False
    # What the client must answer: (realm, algorithm as echoed) of each realm.
    expect: list[tuple[str, str | None]] = field(default_factory=list)
    # Methods that are challenged; None means all but ACK and CANCEL.
    methods: frozenset | None = None
    # Only requests of a dialog that stands.
    in_dialog: bool = False
    # The challenge waits until a CANCEL or a BYE is answered.
    late: bool = False
    # What else it does to a challenged request: "rings" before, and after it "repeats" the
    # challenge, sends a "second" final response, "closes" the connection, or is "mute"; or it only rings, and "guards"
    # the call: it challenges the CANCEL; or what it rings with is "reliable" (RFC 3262), and it
    # accepts the call when that is acknowledged; or it "leaves", with a BYE or a last NOTIFY, when
    # it has challenged.
    manners: str = ""


def one(status=401, **kw):
    return Scenario([Round(status, [Challenge(**kw)])], expect=[(kw.get("realm", REALM), kw.get("alg", "MD5"))])


def several(*challenges, expect, status=401):
    return Scenario([Round(status, list(challenges))], expect=[(REALM, alg) for alg in expect])


def twice(first, second, **kw):
    return Scenario([Round(401, [first]), Round(401, [second])], expect=[(REALM, "MD5")], **kw)


def only(methods, in_dialog=False, manners="", late=False, **kw):
    scenario = one(**kw)
    scenario.methods = frozenset(methods)
    scenario.in_dialog, scenario.manners, scenario.late = in_dialog, manners, late
    return scenario


def _table():
    t = {}
    for alg in ("MD5", "SHA-256", "SHA-512-256"):
        name = alg.lower()
        for status in (401, 407):
            t[f"{name}-{status}"] = one(status, alg=alg)
            t[f"{name}-noqop-{status}"] = one(status, alg=alg, qop=None)
        t[f"{name}-sess"] = one(alg=alg + "-sess")
        t[f"{name}-authint"] = one(alg=alg, qop="auth-int")
    t.update({
        "open": Scenario([]),
        "noalg": one(alg=None),
        "no-opaque": one(opaque=False),
        "qop-list": one(qop="auth ,auth-int"),
        "qop-list-caps": one(qop="AUTH-INT, Auth"),
        "qop-unknown": one(qop="chocolate"),
        "userhash": one(alg="SHA-256", userhash=True),
        "same-nonce": one(nonce="n"),
        "realm-case": one(realm="PJAuth.TEST"),
        "realm-empty": one(realm=""),
        "realm-quoted": one(realm=r"the \"quoted\" one"),
        # One realm, several challenges: the topmost one the client supports.
        "two-nonces": several(Challenge("SHA-256"), Challenge("MD5"), expect=["SHA-256"]),
        "same-nonces": several(Challenge("SHA-256", nonce="n"), Challenge("MD5", nonce="n"), expect=["SHA-256"]),
        "md5-first": several(Challenge("MD5"), Challenge("SHA-256"), expect=["MD5"]),
        "unknown-first": several(Challenge("BLAKE9"), Challenge("SHA-256"), expect=["SHA-256"]),
        "two-realms": Scenario(
            [Round(401, [Challenge("MD5", realm="a.test"), Challenge("SHA-256", realm="b.test")])],
            expect=[("a.test", "MD5"), ("b.test", "SHA-256")]),
        "proxy-then-www": Scenario(
            [Round(407, [Challenge("MD5", realm="proxy.test", nonce="p")]), Round(401, [Challenge("SHA-256")])],
            expect=[("proxy.test", "MD5"), (REALM, "SHA-256")]),
        # The same realm once more, after a right answer.
        "stale": twice(Challenge(), Challenge(stale=True)),
        "changed-nonce": twice(Challenge(), Challenge()),
        "changed-for-ever": twice(Challenge(), Challenge(), endless=True),
        "stale-for-ever": twice(Challenge(), Challenge(stale=True), endless=True),
        "wrong-password": Scenario([Round(401, [Challenge(nonce="n")])], password="something else"),
        # What no client can answer. (A scheme other than Digest is missing
        # here: PJSIP's parser drops the whole response, nobody is asked.)
        "unknown-only": several(Challenge("BLAKE9"), Challenge("SHA-3"), expect=[]),
        "no-challenge": several(expect=[]),
        # Bad input.
        "missing-nonce": several(Challenge(raw=f'Digest realm="{REALM}", algorithm=MD5, qop="auth"'), expect=[]),
        "realm-endless": one(realm="r" * 2500),
        "realm-control": one(realm="a\x01\x02\x7f\tb"),
        "nonce-control": several(
            Challenge(raw=f'Digest realm="{REALM}", nonce="n\x01\x1b\x7f", algorithm=MD5, qop="auth"'), expect=[]),
        "params-many": one(extra="".join(f", p{i}=v" for i in range(300))),
        # Challenges one method alone, so that a dialog can be built first.
        "invite": only(["INVITE"], status=407, alg="SHA-256"),
        "bye": only(["BYE"], status=401, alg="SHA-256"),
        "fork": only(["BYE"], status=407, alg="SHA-256"),
        "invite-twice": Scenario(
            [Round(407, [Challenge("MD5", realm="proxy.test", nonce="p")]), Round(401, [Challenge("SHA-256")])],
            expect=[("proxy.test", "MD5"), (REALM, "SHA-256")], methods=frozenset(["INVITE"])),
        "reinvite": only(["INVITE"], in_dialog=True, alg="SHA-256"),
        "update": only(["UPDATE"], status=407, alg="SHA-256"),
        "rings": only(["INVITE"], manners="rings", alg="SHA-256"),
        "repeats": only(["INVITE"], manners="repeats", alg="SHA-256"),
        "second": only(["INVITE"], manners="second", alg="SHA-256"),
        "closes": only(["INVITE"], manners="closes", alg="SHA-256"),
        "mute": only(["INVITE"], manners="mute", alg="SHA-256"),
        "hesitates": only(["INVITE"], manners="rings", late=True, status=407, alg="SHA-256"),
        "reinvite-rings": only(["INVITE"], in_dialog=True, manners="rings", alg="SHA-256"),
        "reinvite-late": only(["INVITE"], in_dialog=True, manners="rings", late=True, alg="SHA-256"),
        "guards": only([], manners="guards"),
        "invite-stale": Scenario([Round(407, [Challenge("SHA-256", stale=True)])], endless=True,
                                 expect=[(REALM, "SHA-256")], methods=frozenset(["INVITE"])),
        "info": only(["INFO"], in_dialog=True, alg="SHA-256"),
        "message": only(["MESSAGE"], in_dialog=True, alg="SHA-256"),
        "prack": only(["PRACK"], in_dialog=True, manners="reliable", alg="SHA-256"),
        "message-left": only(["MESSAGE"], in_dialog=True, manners="leaves", alg="SHA-256"),
        "update-left": only(["UPDATE"], in_dialog=True, manners="leaves", alg="SHA-256"),
        "reinvite-left": only(["INVITE"], in_dialog=True, manners="leaves", alg="SHA-256"),
        "subscribe-left": only(["SUBSCRIBE"], in_dialog=True, manners="leaves", alg="SHA-256"),
        "transfers": only(["NOTIFY"], in_dialog=True, alg="SHA-256"),
        "info-late": only(["INFO"], in_dialog=True, late=True, alg="SHA-256"),
        "message-late": only(["MESSAGE"], in_dialog=True, late=True, alg="SHA-256"),
        "update-late": only(["UPDATE"], in_dialog=True, late=True, alg="SHA-256"),
        "prack-late": only(["PRACK"], in_dialog=True, late=True, manners="reliable", alg="SHA-256"),
        "transfers-late": only(["NOTIFY"], in_dialog=True, late=True, alg="SHA-256"),
        "refer-late": only(["REFER"], in_dialog=True, late=True, alg="SHA-256"),
        "refer": only(["REFER"], in_dialog=True, alg="SHA-256"),
        "register-closes": only(["REGISTER"], manners="closes", alg="SHA-256"),
    })
    return t


SCENARIOS = _table()
