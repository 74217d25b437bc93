#!/usr/bin/env python3
"""The tests' own SIP registrar and challenger, on loopback UDP, TCP and TLS.

usage: registrar.py [unasked]

With "unasked" a request may answer what another request was asked: the client remembers. It is judged like any other
answer, and asked again where the nonce is not one that a scenario keeps.

Prints {"port":N,"tls":M} first, or {"port":N,"no_tls":"why"}: N is the port of
UDP and TCP. Then comes one JSON line for each request it answered.
A line "mark TEXT" on standard input is echoed as {"mark":"TEXT"}: whatever
was answered before stands above it. Ends when standard input closes.
"""

import asyncio
import json
import re
import secrets
import signal
import sys
import time

from digest_judge import Judge, base
from listeners import HOST, PAUSE_SECONDS, listen
from scenarios import SCENARIOS, Challenge

LIFETIME_SECONDS = 600
REASONS = {180: "Ringing", 183: "Session Progress", 200: "OK", 401: "Unauthorized", 404: "Not Found", 407: "Proxy Authentication Required",
           481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated"}
SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")
SDP_TYPE = "application/sdp"
PIDF = ('<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:test@127.0.0.1">'
        '<tuple id="t"><status><basic>open</basic></status></tuple></presence>')
COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
           "c": "content-type", "o": "event"}


class Message:
    """A parsed request or response. Header values are kept in order."""

    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.start, *lines = re.sub(r"\r\n[ \t]+", " ", head.decode("latin-1")).split("\r\n")
        self.headers = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((COMPACT.get(name, name), value.strip()))

    def all(self, name):
        return [v for n, v in self.headers if n == name]

    def get(self, name, default=""):
        return next(iter(self.all(name)), default)

    @property
    def is_request(self):
        return not self.start.startswith("SIP/2.0")


def uri_of(header):
    match = re.search(r"<([^>]*)>", header)
    return match.group(1) if match else header.split(";")[0].strip()


def user_of(uri):
    match = re.match(r"sips?:([^@;]*)@", uri)
    return match.group(1) if match else ""


class Call:
    """What the registrar knows of one Call-ID and method."""

    def __init__(self):
        self.round = 0
        self.issued = []    # [(header name, {nonce: [Challenge]})] of the last rounds
        self.nonces = {}    # name -> value
        self.branch = ""
        self.cseq = 0


class Registrar:
    def __init__(self, out=sys.stdout, unasked=False):
        self.out = out
        self.known = {} if unasked else None  # header of an answer -> {nonce: [Challenge]}, of all requests
        self.judge = Judge(may_skip=unasked)
        self.calls = {}
        self.replies = {}   # branch and method -> what was sent, for retransmissions
        self.tags = {}      # Call-ID -> To tag
        self.invites = {}   # Call-ID -> INVITE message
        self.refused = {}   # branch of an INVITE -> CSeq of its ACK
        self.hesitates = {} # Call-ID -> what sends the challenge at last
        self.unacknowledged = {} # Call-ID -> what accepts the INVITE when its 183 is acknowledged
        self.muted = set()  # Call-IDs that are heard no more
        self.cseq = 1
        self.ports = {}     # transport -> port

    def say(self, **event):
        self.out.write(json.dumps(event, separators=(",", ":")) + "\n")
        self.out.flush()

    # -- what arrives -----------------------------------------------------

    def on_message(self, data, over, send, close=lambda: None):
        """`over` is a key of `ports`; `send` takes bytes and goes back to where `data` came from; `close` ends that
        connection."""
        if not data.strip():
            return
        msg = Message(data)
        if not msg.is_request:
            return
        if msg.get("call-id") in self.muted:
            if msg.start.startswith("CANCEL "):
                self.say(method="CANCEL", over=over)
            return
        msg.over, msg.send, msg.close = over, send, close
        method, uri = msg.start.split(" ")[:2]
        branch = re.search(r"branch=([^;,\s]+)", msg.get("via"))
        if method == "ACK":
            self.on_ack(msg, branch.group(1) if branch else "")
            return
        key = (branch.group(1) if branch else "", method)
        if key in self.replies:
            for packet in self.replies[key]:
                send(packet)
            return
        sent = self.replies.setdefault(key, [])

        def remember(packet):
            sent.append(packet)
            send(packet)

        if method == "CANCEL":
            self.on_cancel(msg, remember)
        else:
            self.on_request(msg, method, uri, key[0], remember)

    def on_ack(self, msg, branch):
        """Tells of the ACKs to what a scenario with manners refused."""
        if branch in self.refused:
            self.say(method="ACK", cseq=msg.get("cseq") == self.refused[branch])

    def on_cancel(self, msg, send):
        invite = self.invites.pop(msg.get("call-id"), None)
        scenario = SCENARIOS.get(user_of(uri_of(msg.get("to"))))
        if scenario and scenario.manners == "guards":
            send(self.reply(msg, 407, [("Proxy-Authenticate", self.render(Challenge(), Call(), {}))]))
            self.say(method="CANCEL", over=msg.over, status=407)
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, lambda: invite and msg.send(self.reply(invite, 487)))
            return
        send(self.reply(msg, 200))
        self.hesitates.pop(msg.get("call-id"), lambda: None)()
        if invite:
            send(self.reply(invite, 487))
        self.say(method="CANCEL", over=msg.over, status=200)

    def on_request(self, msg, method, uri, branch, send):
        to_user = user_of(uri_of(msg.get("to")))
        name = to_user if to_user in SCENARIOS else user_of(uri)
        scenario = SCENARIOS.get(name)
        if scenario is None:
            send(self.reply(msg, 404))
            self.say(method=method, over=msg.over, user=name, status=404)
            return
        call = self.calls.setdefault((msg.get("call-id"), method), Call())
        faults = self.check_sequence(msg, branch, call)
        answers, verified = self.check_answers(msg, method, uri, call, scenario, faults)
        challenged = scenario.methods is None or method in scenario.methods
        if scenario.in_dialog and "tag=" not in msg.get("to"):
            challenged = False
        if method == "INVITE" and (challenged and scenario.manners == "rings"
                                   or scenario.manners == "guards"):
            send(self.reply(msg, 180, self.contact(msg, name)))
        if method == "INVITE" and scenario.manners == "guards":
            self.invites[msg.get("call-id")] = msg
            return
        if method == "INVITE" and scenario.manners == "reliable":
            self.unacknowledged[msg.get("call-id")] = lambda: self.accept(msg, method, name, send)
            self.invites[msg.get("call-id")] = msg
            send(self.reply(msg, 183, self.contact(msg, name) + [("Require", "100rel"), ("RSeq", "1")]))
            self.say(method=method, over=msg.over, user=name, status=183)
            return
        kept = []
        challenge = kept.append if scenario.late else send
        status = self.decide(msg, scenario, call, verified, challenge) if challenged else 200
        if kept and status != 200:
            self.hesitates[msg.get("call-id")] = lambda: send(kept[0])
        self.say(method=method, over=msg.over, user=name, status=status, round=call.round,
                 faults=faults, answers=answers, call=msg.get("call-id"))
        if status == 200:
            self.accept(msg, method, name, send)
        elif scenario.manners == "leaves":
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.leave, msg, name)
        elif scenario.manners:
            self.refused[branch] = msg.get("cseq").replace("INVITE", "ACK")
            self.misbehave(msg, scenario.manners, branch, send)

    def leave(self, msg, name):
        """Ends the call, or the subscription, that a challenged request is in."""
        if msg.start.startswith("SUBSCRIBE "):
            msg.send(self.notify(msg, name, "0"))
        else:
            msg.send(finish(self.request(self.invites[msg.get("call-id")], name, "BYE")))

    def misbehave(self, msg, manners, branch, send):
        """What a scenario does after a challenge."""
        later = asyncio.get_running_loop().call_later
        if manners == "repeats":
            again = self.replies[(branch, "INVITE")]
            for i in range(1, 4):
                later(i * PAUSE_SECONDS, lambda: msg.send(again[-1]))
        elif manners == "second":
            later(PAUSE_SECONDS, lambda: msg.send(self.reply(msg, 486)))
            later(2 * PAUSE_SECONDS, lambda: msg.send(self.reply(msg, 200, self.contact(msg, "second"), SDP, SDP_TYPE)))
        elif manners == "closes":
            later(PAUSE_SECONDS, msg.close)
        elif manners == "mute":
            self.muted.add(msg.get("call-id"))

    @staticmethod
    def check_sequence(msg, branch, call):
        """A request sent again is a new transaction: new branch, higher CSeq. It says what it comes over."""
        cseq = int(msg.get("cseq", "0 X").split()[0])
        faults = []
        if call.branch == branch or not branch.startswith("z9hG4bK"):
            faults.append("branch")
        if cseq <= call.cseq:
            faults.append("cseq")
        if not msg.get("via").upper().startswith(f"SIP/2.0/{msg.over.upper()} "):
            faults.append("transport")
        call.branch, call.cseq = branch, cseq
        return faults

    def check_answers(self, msg, method, uri, call, scenario, faults):
        """Judges each credential; returns them as JSON and whether all is well."""
        found, summary = [], []
        for header in ("authorization", "proxy-authorization"):
            issued = dict(self.known.get(header, {})) if self.known else {}
            for name, nonces in call.issued:
                if name == header:
                    issued.update(nonces)
            for value in msg.all(header):
                wrong, p, challenge = self.judge.faults(
                    value, issued, user_of(uri_of(msg.get("from"))),
                    scenario.password, method, uri, msg.body)
                faults += wrong
                found.append((p.get("realm"), p.get("algorithm")))
                summary.append({k: p.get(k, "") for k in ("realm", "algorithm", "qop", "nc", "cnonce")})
        realms = [realm for realm, _ in found]
        if len(set(realms)) != len(realms):
            faults.append("two answers for one realm")
        if found and scenario.expect:
            got = [(realm, base(alg)) for realm, alg in found]
            want = [(realm, base(alg)) for realm, alg in scenario.expect]
            if any(g not in want for g in got) or (call.round == len(scenario.rounds) and len(got) < len(want)):
                faults.append("choice")
        return summary, bool(found) and not faults

    def decide(self, msg, scenario, call, verified, send):
        """Challenges or returns 200."""
        last = len(scenario.rounds)
        if call.round and verified and not (call.round == last and scenario.endless):
            call.round += 1
        elif self.known and verified and last == 1 and scenario.rounds[0].challenges[0].nonce:
            return 200
        elif not call.round or not msg.all("authorization") + msg.all("proxy-authorization"):
            call.round, call.issued = 1, []
        if call.round > last:
            call.round = 0
            return 200
        rnd = scenario.rounds[call.round - 1]
        name = "WWW-Authenticate" if rnd.status == 401 else "Proxy-Authenticate"
        answer = "authorization" if rnd.status == 401 else "proxy-authorization"
        values, nonces = [], {}
        for c in rnd.challenges:
            values.append(self.render(c, call, nonces))
        call.issued = [e for e in call.issued if e[0] != answer] + [(answer, nonces)]
        if self.known is not None:
            self.known.setdefault(answer, {}).update(nonces)
        send(self.reply(msg, rnd.status, [(name, v) for v in values]))
        return rnd.status

    @staticmethod
    def render(c: Challenge, call, nonces):
        if c.raw is not None:
            return c.raw
        nonce = call.nonces.setdefault(c.nonce, secrets.token_hex(12)) if c.nonce else secrets.token_hex(12)
        nonces.setdefault(nonce, []).append(c)
        text = f'Digest realm="{c.realm}", nonce="{nonce}"'
        if c.opaque:
            text += ', opaque="0p4que"'
        if c.alg:
            text += f", algorithm={c.alg}"
        if c.qop:
            text += f', qop="{c.qop}"'
        if c.stale is not None:
            text += f", stale={str(c.stale).lower()}"
        if c.userhash:
            text += ", userhash=true"
        return text + c.extra

    # -- what is sent -----------------------------------------------------

    def reply(self, msg, status, headers=(), body="", content_type="", tag=None):
        call_id = msg.get("call-id")
        tag = tag or self.tags.setdefault(call_id, secrets.token_hex(4))
        to = msg.get("to")
        lines = [f"SIP/2.0 {status} {REASONS[status]}"]
        lines += [f"Via: {v}" for v in msg.all("via")]
        lines += [f"Record-Route: {v}" for v in msg.all("record-route")]
        lines += [f"From: {msg.get('from')}", f"To: {to if 'tag=' in to else f'{to};tag={tag}'}",
                  f"Call-ID: {call_id}", f"CSeq: {msg.get('cseq')}"]
        lines += [f"{n}: {v}" for n, v in headers]
        return finish(lines, body, content_type)

    def accept(self, msg, method, name, send):
        contact = self.contact(msg, name)
        if method == "REGISTER":
            bindings = [v for v in msg.all("contact") if v != "*"]
            expires = msg.get("expires", "300")
            send(self.reply(msg, 200, [("Contact", f"{v};expires={expires}") for v in bindings if expires != "0"]))
        elif method == "INVITE":
            self.invites[msg.get("call-id")] = msg
            if name == "fork" and "tag=" not in msg.get("to"):
                send(self.reply(msg, 180, contact, tag="branch-a"))
                send(self.reply(msg, 180, contact, tag="branch-b"))
                self.tags[msg.get("call-id")] = "branch-b"
            send(self.reply(msg, 200, contact + [("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")], SDP, SDP_TYPE))
            if name.startswith("transfers"):
                asyncio.get_running_loop().call_later(PAUSE_SECONDS, lambda: msg.send(self.refer(msg, name)))
        elif method == "UPDATE" and msg.body:
            send(self.reply(msg, 200, contact, SDP, SDP_TYPE))
        elif method == "SUBSCRIBE":
            expires = msg.get("expires", "300")
            send(self.reply(msg, 200, contact + [("Expires", expires)]))
            send(self.notify(msg, name, expires))
        elif method == "PUBLISH":
            send(self.reply(msg, 200, [("SIP-ETag", secrets.token_hex(4)), ("Expires", msg.get("expires", "300"))]))
        else:
            send(self.reply(msg, 200))
            if method == "PRACK":
                self.unacknowledged.pop(msg.get("call-id"), lambda: None)()
            if method == "BYE":
                self.hesitates.pop(msg.get("call-id"), lambda: None)()

    def contact(self, msg, name):
        parameter = "" if msg.over == "udp" else f";transport={msg.over}"
        return [("Contact", f"<sip:{name}@{HOST}:{self.ports[msg.over]}{parameter}>")]

    def notify(self, msg, name, expires):
        """The NOTIFY that follows a SUBSCRIBE, in the dialog just made."""
        state = f"active;expires={expires}" if expires != "0" else "terminated;reason=timeout"
        lines = [f"Event: {msg.get('event')}", f"Subscription-State: {state}"]
        return finish(self.request(msg, name, "NOTIFY") + lines, PIDF, "application/pidf+xml")

    def refer(self, msg, name):
        """A REFER in the dialog that an INVITE made."""
        return finish(self.request(msg, name, "REFER") + [f"Refer-To: <sip:somebody@{HOST}>"])

    def request(self, msg, name, method):
        """The head of a request in the dialog that `msg` made."""
        self.cseq += 1
        sender = msg.get("to") + ("" if "tag=" in msg.get("to") else f";tag={self.tags[msg.get('call-id')]}")
        return [f"{method} {uri_of(msg.get('contact'))} SIP/2.0",
                f"Via: SIP/2.0/{msg.over.upper()} {HOST}:{self.ports[msg.over]};branch=z9hG4bK{secrets.token_hex(8)}",
                f"From: {sender}",
                f"To: {msg.get('from')}", f"Call-ID: {msg.get('call-id')}", f"CSeq: {self.cseq} {method}",
                "Max-Forwards: 70", *(f"{n}: {v}" for n, v in self.contact(msg, name))]


def finish(lines, body="", content_type=""):
    if body:
        lines = lines + [f"Content-Type: {content_type}"]
    return "\r\n".join(lines + [f"Content-Length: {len(body)}", "", body]).encode("latin-1")


async def main():
    registrar = Registrar(unasked="unasked" in sys.argv[1:])
    registrar.ports, no_tls = await listen(registrar.on_message)
    registrar.say(port=registrar.ports["udp"], **({"no_tls": no_tls} if no_tls else {"tls": registrar.ports["tls"]}))
    loop = asyncio.get_running_loop()
    end = time.monotonic() + LIFETIME_SECONDS
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while time.monotonic() < end:
        try:
            line = await asyncio.wait_for(commands.readline(), end - time.monotonic())
        except asyncio.TimeoutError:
            return
        if not line:
            return
        word, _, rest = line.decode().strip().partition(" ")
        if word == "mark":
            registrar.say(mark=rest)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())
