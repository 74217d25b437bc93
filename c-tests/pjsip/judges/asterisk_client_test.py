#!/usr/bin/env python3
"""Unmodified Asterisk registers with the tests' registrar.

usage: asterisk_client_test.py --root ROOT (--stock | --preload LIBPJAUTH)

Without the preload it is the control: the same scenarios, and the one that
stock cannot answer (a list in qop) fails. With it, that one succeeds too,
which only our code can do.
"""

import argparse
import socket
import sys

import asterisk
from registrar_process import RegistrarProcess

# Scenario, the algorithms Asterisk may use, whether stock can answer it, and what it goes over.
REGISTRATIONS = [("md5-401", "MD5", True, "udp"), ("md5-noqop-407", "MD5", True, "udp"),
                 ("sha-256-401", "SHA-256", True, "udp"), ("sha-256-407", "SHA-256", True, "udp"),
                 ("sha-512-256-401", "SHA-512-256", True, "udp"), ("qop-list", "MD5", False, "udp"),
                 ("md5-407", "MD5", True, "tls"), ("md5-authint", "MD5", False, "tls")]


def configuration(ports, registrations):
    text = f"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{asterisk.free_port()}\n"
    if "tls" in ports:
        text += (f"\n[tls]\ntype=transport\nprotocol=tls\nmethod=tlsv1_2\n"
                 f"bind=127.0.0.1:{asterisk.free_port(socket.SOCK_STREAM)}\n")
    for name, algorithm, _, over in registrations:
        text += (f"\n[{name}-auth]\ntype=auth\nauth_type=digest\nusername={name}\npassword=Circle of Life\n"
                 f"supported_algorithms_uac={algorithm}\n"
                 f"\n[{name}]\ntype=registration\ntransport={over}\noutbound_auth={name}-auth\n"
                 f"server_uri=sip:127.0.0.1:{ports[over]}\\;transport={over}\nclient_uri=sip:{name}@127.0.0.1\n"
                 f"max_random_initial_delay=0\nretry_interval=600\nforbidden_retry_interval=600\n")
    return text


def is_accepted(events):
    return bool(events) and events[-1]["status"] == 200


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--stock", action="store_true")
    group.add_argument("--preload")
    args = parser.parse_args()
    root = asterisk.Root(args.root)
    passed = failed = skipped = 0

    def verdict(name, good, why=""):
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        print(f"ok {name}" if good else f"FAIL {name} {why}", flush=True)

    registrar = RegistrarProcess()
    registrations = [r for r in REGISTRATIONS if r[-1] in registrar.ports]
    for name, *_ in [r for r in REGISTRATIONS if r not in registrations]:
        skipped += 1
        print(f"SKIP register-{name}: {registrar.no_tls}", flush=True)
    with asterisk.running(root, configuration(registrar.ports, registrations), args.preload) as (process, folder):
        expected = [name for name, _, stock_can, _ in registrations if stock_can or args.preload]
        asterisk.wait_for(lambda: process.poll() is not None or all(is_accepted(registrar.of(n)) for n in expected)
                          and all(registrar.of(n) for n, *_ in registrations))
        alive = process.poll() is None
        verdict("asterisk-runs", alive, asterisk.log_of(folder)[-3000:])
        if alive:
            with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
                verdict("library-mapped", ("libpjauth" in maps.read()) == bool(args.preload))
        for name, algorithm, stock_can, over in registrations:
            events = registrar.of(name)
            want = stock_can or bool(args.preload)
            good = is_accepted(events) == want and all(not e["faults"] and e["over"] == over for e in events)
            if good and want:
                good = [a["algorithm"] for a in events[-1]["answers"]] == [algorithm]
            verdict(f"register-{name}" if want else f"stock-refuses-{name}", good, events)
        if failed:
            print(asterisk.log_of(folder)[-4000:])
    verdict("asterisk-stops", process.returncode in (0, -15), process.returncode)
    registrar.stop()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
