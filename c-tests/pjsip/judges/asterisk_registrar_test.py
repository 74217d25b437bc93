#!/usr/bin/env python3
"""Asterisk as the registrar, with its own judgement of our digests.

usage: asterisk_registrar_test.py --root ROOT [--preload LIBPJAUTH] -- PROGRAM [ARG]...

Runs PROGRAM with "--registrar PORT" added, on this system's libraries, or on
the root's own with a library preloaded.
"""

import argparse
import socket
import subprocess
import sys

import asterisk

USERS = {"md5": "MD5", "sha256": "SHA-256", "sha512-256": "SHA-512-256", "both": "SHA-256,MD5", "stranger": "MD5"}


def configuration(port):
    text = f"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{port}\n"
    for user, algorithms in USERS.items():
        password = "another word" if user == "stranger" else "Circle of Life"
        text += (f"\n[{user}]\ntype=endpoint\ntransport=udp\nauth={user}-auth\naors={user}\ndisallow=all\nallow=ulaw\n"
                 f"\n[{user}]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n"
                 f"\n[{user}-auth]\ntype=auth\nauth_type=digest\nusername={user}\npassword={password}\n"
                 f"supported_algorithms_uas={algorithms}\n")
    return text


def answers_options(port):
    """Whether something answers an OPTIONS on this port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.3)
        s.bind(("127.0.0.1", 0))
        here = "127.0.0.1:%d" % s.getsockname()[1]
        request = (f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{here}\r\n"
                   f"From: <sip:probe@{here}>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {here}\r\nCSeq: 1 OPTIONS\r\n"
                   f"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
        s.connect(("127.0.0.1", port))
        try:
            s.send(request.encode())
            return s.recv(4096).startswith(b"SIP/2.0")
        except OSError:
            return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--preload", help="run PROGRAM on the root's libraries, with this one preloaded")
    parser.add_argument("program", nargs="+")
    args = parser.parse_args()
    root = asterisk.Root(args.root)
    port = asterisk.free_port()
    with asterisk.running(root, configuration(port)) as (process, folder):
        asterisk.wait_for(lambda: process.poll() is not None or answers_options(port))
        if not answers_options(port):
            print("FAIL asterisk does not answer\n", asterisk.log_of(folder)[-3000:])
            return 1
        line = args.program[:1] + ["--registrar", str(port)] + args.program[1:]
        if args.preload:
            line = root.command(*line, preload=args.preload)
        status = subprocess.run(line, timeout=120, check=False).returncode
        if status:
            print(asterisk.log_of(folder)[-4000:])
    return status


if __name__ == "__main__":
    sys.exit(main())
