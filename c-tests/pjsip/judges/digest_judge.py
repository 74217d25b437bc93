"""An independent judge of digest answers: RFC 3261, RFC 7616, RFC 8760.

Only the standard library's hashes; it shares nothing with the library under
test.
"""

import hashlib
import re

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
PARAMETER = re.compile(r'\s*([A-Za-z0-9._*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*)\s*(?:,|$)')
# Parameters whose value RFC 3261 puts in quotes, and those it does not.
QUOTED = {"username", "realm", "nonce", "uri", "response", "cnonce", "opaque"}
BARE = {"algorithm", "qop", "nc"}


def parse(value):
    """'Digest a="b", c=d' -> (scheme, {name: raw value}, faults)."""
    scheme, _, rest = value.strip().partition(" ")
    params, faults, at = {}, [], 0
    while at < len(rest):
        match = PARAMETER.match(rest, at)
        if not match:
            faults.append("syntax")
            break
        name = match.group(1).lower()
        if name in params:
            faults.append(f"{name} twice")
        params[name] = match.group(2)
        at = match.end()
    return scheme, params, faults


def unquote(raw):
    return raw[1:-1] if raw.startswith('"') else raw


def base(algorithm):
    """'sha-256-SESS' -> ('SHA-256', True); no algorithm means MD5."""
    name = (algorithm or "MD5").upper()
    sess = name.endswith("-SESS")
    return (name[:-5] if sess else name), sess


def hexdigest(algorithm, text):
    return hashlib.new(HASHES[algorithm], text).hexdigest()


def expected_response(p, challenge, user, password, method, body):
    """The response value that is right for the parameters the client sent.

    Quoted strings are hashed as they stand between the quotes.
    """
    alg, sess = base(challenge.alg)

    def h(*parts):
        return hexdigest(alg, b":".join(x if isinstance(x, bytes) else x.encode("latin-1") for x in parts))

    ha1 = h(user, challenge.realm, password)
    if sess:
        ha1 = h(ha1, p["nonce"], p.get("cnonce", ""))
    qop = p.get("qop", "").lower()
    ha2 = h(method, p["uri"], hexdigest(alg, body)) if qop == "auth-int" else h(method, p["uri"])
    if qop:
        return h(ha1, p["nonce"], p["nc"], p["cnonce"], p["qop"], ha2)
    return h(ha1, p["nonce"], ha2)


class Judge:
    """Remembers what was seen of nonces and cnonces, and finds fault."""

    def __init__(self, may_skip=False):
        self.may_skip = may_skip # an answer that was made may not have been sent
        self.nc = {}        # nonce -> last count
        self.cnonces = {}   # cnonce -> user it belongs to
        self.seen = set()   # values judged before

    def faults(self, value, issued, user, password, method, uri, body):
        """Judge one Authorization value against `issued`, {nonce: Challenge}.

        Returns (faults, parameters, challenge answered or None).
        """
        scheme, raw, faults = parse(value)
        p = {k: unquote(v) for k, v in raw.items()}
        if scheme.lower() != "digest":
            return faults + ["scheme"], p, None
        faults += [f"{k} not quoted" for k in QUOTED & raw.keys() if not raw[k].startswith('"')]
        faults += [f"{k} quoted" for k in BARE & raw.keys() if raw[k].startswith('"')]
        faults += [f"{k} missing" for k in ("username", "realm", "nonce", "uri", "response") if k not in raw]
        # With equal nonces, the algorithm tells which challenge was answered.
        chosen = [c for c in issued.get(p.get("nonce"), []) if base(c.alg) == base(p.get("algorithm"))]
        if faults or not chosen:
            return faults or ["nonce or algorithm not offered"], p, None
        challenge = chosen[0]
        faults += self._echo(p, challenge, user, uri)
        # A request sent again for another realm carries this answer along.
        carried = value in self.seen
        self.seen.add(value)
        faults += self._qop(p, challenge, user, carried)
        if not faults or faults == ["nc"]:
            good = expected_response(p, challenge, user, password, method, body)
            if p["response"] != good:
                faults.append("response")
        return faults, p, challenge

    @staticmethod
    def _echo(p, c, user, uri):
        faults = []
        if p["realm"] != c.realm:
            faults.append("realm")
        if (c.alg is None) != ("algorithm" not in p):
            faults.append("algorithm echo")
        if ("opaque" in p) != c.opaque or (c.opaque and p["opaque"] != "0p4que"):
            faults.append("opaque")
        if p["uri"] != uri:
            faults.append("uri")
        if c.userhash:
            hashed = hexdigest(base(c.alg)[0], f"{user}:{c.realm}".encode("latin-1"))
            if p["username"] != hashed or p.get("userhash", "").lower() != "true":
                faults.append("userhash")
        elif p["username"] != user or p.get("userhash", "false").lower() != "false":
            faults.append("username")
        return faults

    def _qop(self, p, c, user, carried):
        if c.qop is None:
            # A -sess algorithm needs a cnonce all the same.
            extra = {"qop", "nc"} | (set() if base(c.alg)[1] else {"cnonce"})
            return [f"{k} not asked for" for k in sorted(extra & p.keys())]
        faults = []
        offered = [token.strip().lower() for token in c.qop.split(",")]
        best = "auth" if "auth" in offered else "auth-int"
        if p.get("qop", "").lower() != best:
            faults.append("qop")
        if not p.get("cnonce"):
            faults.append("cnonce missing")
        elif self.cnonces.setdefault(p["cnonce"], user) != user or len(p["cnonce"]) < 8:
            faults.append("cnonce constant")
        if not re.fullmatch(r"[0-9a-f]{8}", p.get("nc", "")):
            faults.append("nc")
        else:
            last = self.nc.get(p["nonce"], 0)
            now, due = int(p["nc"], 16), last + (0 if carried else 1)
            if now != due and not (self.may_skip and now > due):
                faults.append("nc")
            self.nc[p["nonce"]] = int(p["nc"], 16)
        return faults
