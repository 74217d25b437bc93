#!/usr/bin/env python3
"""The TURN server's speed beside that of others, in packets and handshakes per second of the server's CPU time.

usage: bench.py [--json] [--rounds N] [--only WORD] LOAD BARE SPLICE [NAME=COMMAND]...

LOAD is the load generator, BARE and SPLICE are the bare forwarding loops for packets and streams. Each NAME=COMMAND is
a server, the first of them ours; in the command {port}, {user}, {password} and {realm} are filled in. coturn is added
where it is installed. Server and generator are pinned to a core each, every measurement has a fresh server, and the
servers take turns within each round; a figure is the median of the rounds. --only measures the rows whose arguments for
the generator have this word.
"""

import argparse
import contextlib
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "c-tests/turn/judges"))
import lab
import rows

SERVER_CORE, LOAD_CORE = 0, 1
HELD_USER = "undecided"
COTURN = ("turnserver -n -p {port} -a -u {user}:{password} -r {realm} -L 127.0.0.1 -E 127.0.0.1 "
          "--allow-loopback-peers {unwanted} --log-file /dev/null --pidfile {folder}/pid "
          "-b {folder}/db")


class Unmeasured(Exception):
    """Why a figure is missing."""


def pinned(core, command, **options):
    def prepare():
        lab.die_with_parent()
        os.sched_setaffinity(0, {core})
    return subprocess.Popen(command, preexec_fn=prepare, stdin=subprocess.DEVNULL, text=True, **options)


@contextlib.contextmanager
def fresh(name, command, words):
    """A server of its own for one measurement."""
    port, peer = lab.free_port(), lab.free_port()
    flows = words[words.index("--flows") + 1] if "--flows" in words else "50"
    with tempfile.TemporaryDirectory() as folder:
        known = {"port": port, "user": lab.USER, "password": lab.PASSWORD, "realm": lab.REALM, "folder": folder,
                 "peer": peer, "flows": flows, "held": HELD_USER}
        server = pinned(SERVER_CORE, shlex.split(command.format(**known)),
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(name, port, server)
            yield server, ["--port", str(port), "--peer", str(peer), "--pid", str(server.pid)]
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(name, port, server):
    """Until the server answers; the bare loop answers nothing and gets a moment."""
    for _ in range(100):
        if server.poll() is not None:
            raise Unmeasured(f"the server ended with {server.returncode}")
        if name == rows.CEILING:
            return time.sleep(0.3)
        if lab.answers(lab.socket.AF_INET, "127.0.0.1", port):
            return None
    raise Unmeasured("the server does not answer")


def measure(args, name, words):
    """The generator's answer to one measurement."""
    command = args.servers[name]
    if name == rows.CEILING and words[0] == "stream":
        command = args.splice + " {port} {peer}"
    with fresh(name, command, words) as (_, where):
        command = [args.load, *words, *where, "--user", lab.USER, "--password", lab.PASSWORD, "--held", HELD_USER]
        command += ["--bare"] if name == rows.CEILING else []
        load = pinned(LOAD_CORE, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            output, errors = load.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            load.kill()
            load.wait()
            raise Unmeasured("no result within a minute") from None
    if load.returncode != 0:
        raise Unmeasured((errors.strip().splitlines() or ["the generator failed"])[-1].removeprefix("load: "))
    return json.loads(output)


def collect(args):
    """What was measured, or why not: {(arguments, server): [answer or reason]}."""
    results = {}
    for arguments in dict.fromkeys(row.arguments for row in rows.ROWS):
        words = arguments.split()
        if args.only and args.only not in words:
            continue
        for _ in range(1 if words[0] in rows.ONCE else args.rounds):
            for name in args.servers:
                result = rows.why_not(name, words[0])
                if result is None:
                    try:
                        result = measure(args, name, words)
                    except Unmeasured as reason:
                        result = str(reason)
                    print(f"{arguments:40} {name:12} {result}", file=sys.stderr)
                results.setdefault((arguments, name), []).append(result)
    return results


def figures(args, results):
    """{row: {server: figure}}, and [(row, server, why there is none)]."""
    table, missing = {}, []
    for row in rows.ROWS:
        if (row.arguments, rows.OURS) not in results:
            continue
        table[row] = {}
        for name in args.servers:
            answers = results[row.arguments, name]
            measured = [row.figure(answer) for answer in answers if isinstance(answer, dict)]
            if measured:
                table[row][name] = row.over_rounds(measured)
            elif rows.why_not(name, row.mode) is None:
                missing.append((row, name, answers[0]))
    return table, missing


def shown(figure):
    return "-" if figure is None else f"{figure:,.0f}" if figure >= 1000 else f"{figure:.3g}"


def show(args, table, missing):
    head = ["", *args.servers, "goal", "reached"]
    lines = []
    for row, measured in table.items():
        goals = [(goal, goal.ratio(table, row)) for goal in row.goals]
        lines.append([row.title, *(shown(measured.get(name)) for name in args.servers),
                      "; ".join(goal.text for goal in row.goals),
                      "; ".join(goal.verdict(ratio) for goal, ratio in goals)])
    widths = [max(len(line[at]) for line in [head, *lines]) for at in range(len(head))]
    for line in [head, *lines]:
        print("  ".join(cell.ljust(width) if at in (0, len(head) - 1, len(head) - 2) else cell.rjust(width)
                        for at, (cell, width) in enumerate(zip(line, widths))).rstrip())
    print("\nPackets, handshakes and bytes are per second of the server's CPU time, each the median of the rounds.\n"
          "Round trips are those of the quietest round.\n"
          "Many sockets cost the kernel more for each packet than few do: hence the bare loop.")
    for row, name, reason in missing:
        print(f"not measured: {row.title}, {name}: {reason}")
    for name, reason in rows.ABSENT.items():
        if name not in args.servers:
            print(f"not measured here: {name}: {reason}")


def as_json(table, missing):
    return {
        "unit": "per second of the server's CPU time, unless the row names another",
        "rows": [{"id": row.id, "title": row.title, "figures": measured,
                  "goals": [{"goal": goal.text, "ratio": goal.ratio(table, row),
                             "reached": goal.is_reached(goal.ratio(table, row))} for goal in row.goals]}
                 for row, measured in table.items()],
        "missing": [{"id": row.id, "server": name, "reason": reason} for row, name, reason in missing],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only")
    parser.add_argument("load")
    parser.add_argument("bare")
    parser.add_argument("splice")
    parser.add_argument("servers", nargs="*")
    args = parser.parse_args()
    args.servers = dict(server.split("=", 1) for server in args.servers)
    if shutil.which("turnserver"):
        unwanted = " ".join(lab.known_to("turnserver", "--no-tls", "--no-dtls", "--no-cli"))
        args.servers["coturn"] = COTURN.replace("{unwanted}", unwanted)
    args.servers[rows.CEILING] = args.bare + " {port} {peer} {flows}"
    if len(os.sched_getaffinity(0)) < 2:
        print("SKIP server and generator need a core each")
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    table, missing = figures(args, collect(args))
    if args.json:
        print(json.dumps(as_json(table, missing), indent=2))
    else:
        show(args, table, missing)


if __name__ == "__main__":
    main()
