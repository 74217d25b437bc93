#!/usr/bin/env python3
"""The TURN server's speed beside that of others, in packets and handshakes per second of the server's CPU time.

usage: bench.py [--json FILE] [--rounds N] [--only ROW] LOAD BARE [NAME=COMMAND]...

LOAD and BARE are the load generator and the bare forwarding loop. Each NAME=COMMAND is a server; in the command
{port}, {user}, {password} and {realm} are filled in. coturn is added where it is installed. Server and generator are
pinned to a core each, every measurement has a fresh server, and the servers take turns within each round; a figure
is the median of the rounds.
"""

import argparse
import json
import os
import resource
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "c-tests/turn/judges"))
import lab

SERVER_CORE, LOAD_CORE = 0, 1
COTURN = ("turnserver -n -p {port} -a -u {user}:{password} -r {realm} -L 127.0.0.1 -E 127.0.0.1 "
          "--allow-loopback-peers --no-tls --no-dtls --no-cli --log-file /dev/null --pidfile {folder}/pid "
          "-b {folder}/db")
OURS, CEILING = "pjauth", "bare loop"

PACKETS, EACH = "per_cpu_second", "kib_each"
# name, what of the generator's answer is shown, its arguments
ROWS = [
    ("ChannelData, 160 bytes, 50 allocations", PACKETS, "channel"),
    ("ChannelData, 1200 bytes, 50 allocations", PACKETS, "channel --size 1200 --window 96"),
    ("ChannelData, 160 bytes, one flow, bursts", PACKETS, "channel --flows 1 --burst 32"),
    ("ChannelData, 160 bytes, 1000 allocations", PACKETS, "channel --flows 1000"),
    ("ChannelData, 160 bytes, 5000 allocations", PACKETS, "channel --flows 5000"),
    ("between two allocations, 160 bytes", PACKETS, "between"),
    ("Send indications, 160 bytes", PACKETS, "send"),
    ("allocate handshakes", PACKETS, "handshake --flows 1000"),
    ("resident growth by 80,000 handshakes, KiB", "growth", None),
    ("memory of an idle allocation, KiB", EACH, "idle --flows 5000"),
    ("round trip, median, us", "median_us", "rtt --flows 1"),
    ("round trip, 99th percentile, us", "p99_us", None),
]
ONCE = ("handshake", "idle")
NOT_STUN = ("between", "send", "handshake", "idle")


class Unmeasured(Exception):
    """Why a figure is missing."""


def pinned(core, command, **options):
    def prepare():
        lab.die_with_parent()
        os.sched_setaffinity(0, {core})
    return subprocess.Popen(command, preexec_fn=prepare, stdin=subprocess.DEVNULL, text=True, **options)


def wait_for(port, process):
    """Until the server answers; the bare loop answers nothing and gets a moment."""
    for _ in range(100):
        if process.poll() is not None:
            raise Unmeasured(f"the server ended with {process.returncode}")
        if lab.answers(lab.socket.AF_INET, "127.0.0.1", port):
            return
    raise Unmeasured("the server does not answer")


def measure(args, name, command, arguments):
    """One measurement with a fresh server."""
    port, peer = lab.free_port(), lab.free_port()
    flows = arguments[arguments.index("--flows") + 1] if "--flows" in arguments else "50"
    with tempfile.TemporaryDirectory() as folder:
        known = {"port": port, "user": lab.USER, "password": lab.PASSWORD, "realm": lab.REALM, "folder": folder,
                 "peer": peer, "flows": flows}
        server = pinned(SERVER_CORE, shlex.split(command.format(**known)),
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if name == CEILING:
                time.sleep(0.3)
            else:
                wait_for(port, server)
            return generate(args, name, server, [*arguments, "--port", str(port), "--peer", str(peer)])
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def generate(args, name, server, arguments):
    command = [args.load, *arguments, "--pid", str(server.pid), "--user", lab.USER, "--password", lab.PASSWORD]
    command += ["--bare"] if name == CEILING else []
    load = pinned(LOAD_CORE, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, errors = load.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        load.kill()
        load.wait()
        raise Unmeasured("no result within a minute") from None
    if load.returncode != 0:
        raise Unmeasured((errors.strip().splitlines() or ["the generator failed"])[-1].removeprefix("load: "))
    result = json.loads(output)
    if "resident_after" in result:
        result["growth"] = result["resident_after"] - result["resident_before"]
    return result


def runs(args):
    """Every measurement, in the order in which they are made: rows by rounds by servers."""
    for arguments in dict.fromkeys(row[2] for row in ROWS if row[2]):
        if args.only and args.only not in arguments:
            continue
        for _ in range(1 if arguments.split()[0] in ONCE else args.rounds):
            yield from ((arguments, name) for name in args.servers)


def collect(args):
    """What was measured, or why not: {(arguments, server): [result or reason]}."""
    results = {}
    for arguments, name in runs(args):
        words = arguments.split()
        if name == CEILING and words[0] in NOT_STUN:
            result = "not a TURN server"
        else:
            try:
                result = measure(args, name, args.servers[name], words)
            except Unmeasured as reason:
                result = str(reason)
        results.setdefault((arguments, name), []).append(result)
        print(f"{arguments:40} {name:12} {result}", file=sys.stderr)
    return results


def table(args, results):
    """[(row, {server: figure or reason})]"""
    arguments = None
    for title, field, own in ROWS:
        arguments = own or arguments
        figures = {}
        for name in args.servers:
            got = results.get((arguments, name), [])
            numbers = [result[field] for result in got if isinstance(result, dict)]
            if got:
                figures[name] = statistics.median(numbers) if numbers else got[0]
        if figures:
            yield title, figures


def show(args, rows):
    print("| |" + "".join(f" {name} |" for name in args.servers))
    print("|---|" + "---:|" * len(args.servers))
    for title, figures in rows:
        cells = [f"{figure:,.1f}" if isinstance(figure, float) and figure < 1000 else f"{figure:,.0f}"
                 if isinstance(figure, (int, float)) else "-" for figure in figures.values()]
        print(f"| {title} |" + "".join(f" {cell} |" for cell in cells))
    for title, figures in rows:
        for name, figure in figures.items():
            if isinstance(figure, str) and figure != "not a TURN server":
                print(f"not measured: {title}, {name}: {figure}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="rows whose generator arguments contain this")
    parser.add_argument("load")
    parser.add_argument("bare")
    parser.add_argument("servers", nargs="*")
    args = parser.parse_args()
    args.servers = dict(server.split("=", 1) for server in args.servers)
    if shutil.which("turnserver"):
        args.servers["coturn"] = COTURN
    args.servers[CEILING] = args.bare + " {port} {peer} {flows}"
    if os.cpu_count() < 2:
        lab.skip("the benchmark needs two cores")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows = list(table(args, collect(args)))
    show(args, rows)
    if args.json:
        Path(args.json).write_text(json.dumps(dict(rows), indent=2) + "\n")


if __name__ == "__main__":
    main()
