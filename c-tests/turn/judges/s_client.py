"""OpenSSL's s_client: what versions of TLS there are, protocols by ALPN, resumption, renegotiation.

usage: s_client.py SERVER CASE
"""

import os
import re
import subprocess
import sys
import tempfile

import lab

# How long s_client is given for what it is to do, in seconds, one after the other: machines are busy.
WAITS = 0.5, 4, 20


def s_client(server, *options, said=""):
    """What s_client prints; `said` is its input, after which it ends."""
    command = [lab.need("openssl", "openssl"), "s_client", "-connect", f"127.0.0.1:{server.tls_port}", "-CAfile",
               str(lab.AUTHORITY), "-servername", "turn.test", "-verify_hostname", "turn.test", *options]
    done = subprocess.run(command, input=said.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    return done.stdout.decode(errors="replace")


def versions(kind):
    """1.2 and 1.3 with their modern ciphers, and nothing else."""
    with lab.server(kind, tls=True) as server:
        for version, name in (("tls1_3", "TLSv1.3"), ("tls1_2", "TLSv1.2")):
            output = s_client(server, f"-{version}")
            lab.check(f"New, {name}, Cipher is " in output, f"no {name}:\n{output}")
            lab.check("Verify return code: 0 (ok)" in output, "the certificate is not verified")
            lab.check("Secure Renegotiation IS supported" in output or version == "tls1_3", "RFC 5746")
        for words in (["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"], ["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"],
                      ["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"], ["-tls1_2", "-cipher", "eNULL:aNULL:@SECLEVEL=0"],
                      ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"]):
            output = s_client(server, *words)
            lab.check("Cipher is (NONE)" in output, f"{words}:\n{output}")


def alpn(kind):
    """One of RFC 7443's, in the server's order; not only others."""
    with lab.server(kind, tls=True) as server:
        for version in "-tls1_2", "-tls1_3":
            for offered, chosen in (("stun.turn", "stun.turn"), ("h2,stun.nat-discovery", "stun.nat-discovery"),
                                    ("stun.nat-discovery,stun.turn", "stun.turn")):
                output = s_client(server, version, "-alpn", offered)
                lab.check(f"ALPN protocol: {chosen}" in output, f"of {offered} not {chosen}:\n{output}")
            output = s_client(server, version, "-alpn", "h2,http/1.1")
            lab.check("no application protocol" in output, f"h2 alone:\n{output}")


def resumed(kind):
    """A ticket is good for another connection, and offers no early data."""
    with lab.server(kind, tls=True) as server, tempfile.TemporaryDirectory() as folder:
        # Of TLS 1.3 the tickets come with what is read first.
        for version in "-tls1_2", "-tls1_3":
            for seconds in WAITS:
                first = subprocess.run(["sh", "-c", f"sleep {seconds} | openssl s_client -connect 127.0.0.1:{server.tls_port} "
                                        f"{version} -servername turn.test -sess_out {folder}/session"],
                                       capture_output=True, text=True, timeout=60)
                if os.path.exists(f"{folder}/session"):
                    break
            lab.check("New, TLSv1" in first.stdout, f"no session:\n{first.stdout}")
            output = s_client(server, version, "-sess_in", f"{folder}/session")
            os.remove(f"{folder}/session")
            lab.check(re.search("^Reused, TLSv1", output, flags=re.M), f"not resumed:\n{output}")
            sizes = re.findall(r"Max Early Data: (\d+)", first.stdout + output)
            lab.check(set(sizes) <= {"0"}, f"early data: {sizes}")


def renegotiated(kind):
    """A client that asks for another handshake on its connection gets none."""
    with lab.server(kind, tls=True) as server:
        for seconds in WAITS:
            said = subprocess.run(["sh", "-c", f"(sleep {seconds}; echo R; sleep {seconds}) | openssl s_client -tls1_2 -connect "
                                   f"127.0.0.1:{server.tls_port}"], capture_output=True, text=True, timeout=60)
            output = said.stdout + said.stderr
            if "no renegotiation" in output:
                break
        lab.check("RENEGOTIATING" in output, f"it was not asked for:\n{output}")
        lab.check("no renegotiation" in output, f"it is not refused:\n{output}")


CASES = {case.__name__: case for case in (versions, alpn, resumed, renegotiated)}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
