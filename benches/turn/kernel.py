#!/usr/bin/env python3
"""What the kernel's way is worth: packets forwarded per busy second of the server's core, by way of the kernel, by this
library's sockets, and by coturn; round trips; and what the program and its maps cost.

usage: kernel.py [--json] [--realtime] [--rounds N] [--seconds S] [--only WORD] SERVER FRAMES

SERVER is c-tests/turn/field/server.c, FRAMES is frames.c, built. As root: it makes three hosts of network namespaces, the
server's with an interface to each of the others. What arrives at the server is steered to the first core, where the
server is pinned too; generator and the other hosts have the second. Every measurement has a fresh server, and the
servers take turns within each round; a figure is the median of the rounds.

Busy is the time in which that core neither slept nor ran others nor was taken away by the machine below. What the ticks
say is a check, and printed where it is another figure by more than a tenth.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TURN = Path(__file__).resolve().parents[2] / "c-tests/turn"
sys.path[:0] = [str(TURN / "field"), str(TURN / "judges"), str(TURN)]
import lab  # noqa: E402
import relay_program  # noqa: E402
from hosts import check, hosts, run, skip  # noqa: E402
from kernel import CLIENT, FAR, NEAR, OFF, ON, PEER, PORT, REQUIRED, Call, needs_kernel, street  # noqa: E402
from kernel import start as start_server  # noqa: E402
from turn_client import Client  # noqa: E402

KERNEL, SOCKETS, COTURN = "kernel", "sockets", "coturn"
SERVER_CORE, LOAD_CORE = 0, 1
CLIENTS = "11.1.0.0"
GOAL = 8


class Unmeasured(Exception):
    """Why a figure is missing."""


class Street:
    """The hosts, and who hears whom."""

    def __init__(self):
        if not shutil.which("ethtool"):
            skip("ethtool is not installed (Debian package ethtool)")
        self.server, self.near, self.far = street()
        self.server.ip(f"route add {CLIENTS}/16 via {CLIENT[4]}")
        self.near.ip(f"route add local {CLIENTS}/16 dev lo")
        for host, names, core in ((self.server, ("eth0", "eth1"), SERVER_CORE), (self.near, ("eth0",), LOAD_CORE),
                                  (self.far, ("eth0",), LOAD_CORE)):
            for name in names:
                steer = f"for q in /sys/class/net/{name}/queues/rx-*; do echo {1 << core:x} > $q/rps_cpus; done"
                run(["ip", "netns", "exec", host.name, "sh", "-c", steer])
                # Joined packets would count as one.
                run(f"ip netns exec {host.name} ethtool -K {name} tx-udp-segmentation off gro off")
        self.macs = {name: self.mac(self.server, name) for name in ("eth0", "eth1")}
        # Known before: what counts arrivals takes the questions for them too.
        for name, ip, host in (("eth0", CLIENT[4], self.near), ("eth1", PEER[4], self.far)):
            self.server.ip(f"neigh replace {ip} lladdr {self.mac(host, 'eth0')} dev {name} nud permanent")

    @staticmethod
    def mac(host, name):
        return json.loads(host.ip(f"-j link show {name}"))[0]["address"]


def pinned(core, is_ahead):
    return ["taskset", "-c", core, *(["chrt", "-f", 1] if is_ahead else [])]


@contextlib.contextmanager
def coturn(args, host):
    with tempfile.TemporaryDirectory() as folder:
        turnserver = lab.need("turnserver", "coturn")
        unwanted = lab.known_to("turnserver", "--no-tls", "--no-dtls", "--no-cli")
        with lab.running("ip", "netns", "exec", host.name, *pinned(SERVER_CORE, args.realtime), turnserver, "-n", "-p", PORT, "-a",
                         "-u", f"{lab.USER}:{lab.PASSWORD}", "-r", lab.REALM, "-L", NEAR[4], "-L", FAR[4],
                         "-E", FAR[4], *unwanted, "--log-file", "/dev/null", "--pidfile", f"{folder}/pid",
                         "-b", f"{folder}/db") as process:
            yield process, lambda: 0


@contextlib.contextmanager
def ours(args, host, name):
    # By way of the kernel it has nothing to do; ahead of others, what interrupts do would seem to be its work.
    ahead = pinned(SERVER_CORE, args.realtime and name == SOCKETS)
    with start_server(host, *ahead, args.server, kernel=REQUIRED if name == KERNEL else OFF) as server:
        yield server.process, lambda: server.figure("packets_by_kernel_total")


def fresh(args, where, name):
    """A server of its own for one measurement: its process, and how to ask what the kernel has relayed."""
    return coturn(args, where.server) if name == COTURN else ours(args, where.server, name)


def wait_for(where):
    with where.near.entered():
        for _ in range(300):
            if lab.answers(socket.AF_INET, NEAR[4], PORT):
                return
    raise Unmeasured("the server does not answer")


def measure(args, where, name, mode, *words):
    """The generator's answer to one measurement; `by_kernel` is the share of the packets that the kernel relayed."""
    with fresh(args, where, name) as (process, by_kernel):
        wait_for(where)
        command = [*pinned(LOAD_CORE, args.realtime), args.frames, mode, *words,
                   "--near", f"/run/netns/{where.near.name}", "--far", f"/run/netns/{where.far.name}",
                   "--middle", f"/run/netns/{where.server.name}", "--server", NEAR[4], "--peer", PEER[4],
                   "--clients", CLIENTS, "--mac", where.macs["eth1" if mode == "to-client" else "eth0"],
                   "--pid", process.pid, "--user", lab.USER, "--password", lab.PASSWORD]
        load = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, preexec_fn=lab.die_with_parent)
        try:
            if load.stdout.readline() != "ready\n":
                raise Unmeasured((load.stderr.read().strip().splitlines() or ["the generator failed"])[-1])
            before = by_kernel()
            output, errors = load.communicate("go\n", timeout=60)
            check(load.returncode == 0, errors)
        except subprocess.TimeoutExpired:
            raise Unmeasured("no result within a minute") from None
        finally:
            load.kill()
            load.wait()
        answer = json.loads(output)
        if "packets" in answer:
            answer["by_kernel"] = (by_kernel() - before) / max(answer["all"], 1)
            if answer["packets"] == 0 or name == KERNEL and answer["by_kernel"] < 0.99:
                raise Unmeasured(f"{answer['packets']} packets, {answer['by_kernel']:.0%} of all by the kernel")
            if name == KERNEL:
                answer["program"] = relay_program.run_time(process.pid)
        return answer


# -- rows -----------------------------------------------------------------------------------------------------------


def rows():
    for mode, way in ("to-peer", "to the peer"), ("to-client", "to the client"):
        for size, window in (160, 192), (1200, 96):
            for flows in 50, 5000:
                yield (f"{mode}-{size}-{flows}", f"{way}, {size} bytes, {flows:,} channels",
                       [mode, "--flows", flows, "--size", size, "--window", window])


def seconds_by_kind(answer):
    """What the core's ticks say of its time."""
    return {kind: number / answer["ticks"]["second"] for kind, number in answer["ticks"].items()}


def busy(answer):
    """Seconds in which the core worked for the server: all but those in which it slept, which the kernel measures to the
    microsecond, was taken away by the machine below, or ran others. What interrupts take is never less than that."""
    ticks = seconds_by_kind(answer)
    # Its threads' seconds have interrupts on top of them; nobody here has a nice value.
    others = ticks["nice"] + max(0, ticks["user"] + ticks["system"] - answer["server"])
    return answer["seconds"] - ticks["idle"] - ticks["stolen"] - others


def busy_by_ticks(answer):
    """The same by what each tick finds the core at. A core that sleeps between packets has no ticks, and what wakes it for
    them is not seen."""
    ticks = seconds_by_kind(answer)
    return ticks["irq"] + ticks["softirq"] + min(answer["server"], ticks["user"] + ticks["system"])


def per_busy_second(answer):
    return answer["packets"] / busy(answer)


def throughput(args, where):
    """{row: {server: [answer of each round]}}."""
    results = {}
    for row, title, words in rows():
        if args.only and args.only not in row:
            continue
        for _ in range(args.rounds):
            for name in (KERNEL, SOCKETS, COTURN):
                try:
                    answer = measure(args, where, name, *words, "--seconds", args.seconds)
                except Unmeasured as reason:
                    answer = str(reason)
                print(f"{title:44} {name:8} {answer}", file=sys.stderr)
                results.setdefault((row, title), {}).setdefault(name, []).append(answer)
    return results


def round_trips(args, where):
    """{server: [median, 99th percentile] of the quietest round}, in microseconds."""
    found = {}
    for _ in range(args.rounds):
        for name in (KERNEL, SOCKETS, COTURN):
            answer = measure(args, where, name, "rtt", "--flows", 1)
            print(f"{'round trip':44} {name:8} {answer}", file=sys.stderr)
            found.setdefault(name, []).append((answer["median_us"], answer["p99_us"]))
    return {name: min(measured) for name, measured in found.items()}


def at_work(args, where):
    """{row: ns}: what the kernel itself counts of the program while packets go, on average."""
    with relay_program.counting():
        return {mode: measure(args, where, KERNEL, mode, "--flows", 50, "--seconds", args.seconds)["program"]
                for mode in ("to-peer", "to-client")}


PAIRS = [(4, 4), (4, 6), (6, 4), (6, 6)]
CROWD, CHANNELS_EACH = 200, 250


def by_itself(program_of, where, calls):
    """{what: ns} of one packet of 160 bytes through the program."""
    numbers = {}
    with where.server.entered():
        for side in "eth0", "eth1":
            numbers[side] = socket.if_nametoindex(side)
        for (family, beyond), call in zip(PAIRS, calls):
            client, data = call.client.socket.getsockname()[:2], bytes(160)
            channel = call.number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
            peer = call.peer.getsockname()[:2]
            for way, side, ends, payload in (("to the peer", "eth0", (client, (NEAR[family], PORT)), channel),
                                             ("to the client", "eth1", (peer, call.relayed), data)):
                frame = relay_program.frame(where.macs[side], *ends, payload)
                numbers[f"IPv{family} client, IPv{beyond} peer, {way}"] = program_of.median(
                    frame, numbers[side], relay_program.TC_ACT_REDIRECT)
        stranger = relay_program.frame(where.macs["eth0"], (CLIENT[4], 9), (NEAR[4], PORT), bytes(160))
        numbers["a packet that goes up"] = program_of.median(stranger, numbers["eth0"], relay_program.UP)
    return {what: ns for what, ns in numbers.items() if not what.startswith("eth")}


def program_and_maps(where, args):
    """What one packet costs in the program, with few channels and with 50,000; and what these take of the kernel's memory."""
    with start_server(where.server, args.server, "--kernel-channels", CROWD * CHANNELS_EACH + len(PAIRS),
                      kernel=REQUIRED) as server:
        pid = server.process.pid
        empty = relay_program.memory(pid)
        calls = [Call(where.near, where.far, family, beyond) for family, beyond in PAIRS]
        for call in calls:
            call.both_ways(b"first")
        program_of = relay_program.Program(pid)
        few = by_itself(program_of, where, calls)
        crowd = []
        for at in range(CROWD):
            with where.near.entered():
                client = Client((NEAR[4], PORT), lab.USER, lab.PASSWORD)
            client.allocate()
            for number in range(CHANNELS_EACH):
                client.bind_channel((PEER[4], 10_000 + number), 0x4000 + number)
            crowd.append(client)
        many = by_itself(program_of, where, calls)
        full = relay_program.memory(pid)
        check(server.figure("kernel_refused_total") == 0, "the table was too small")
        directions = 2 * (CROWD * CHANNELS_EACH + len(PAIRS))
        return {"ns": {"4 channels": few, f"{CROWD * CHANNELS_EACH:,} channels": many},
                "bytes": {"empty": empty, "full": full, "directions": directions, "a direction": full / directions,
                          "on demand": (full - empty) / directions}}


# -- the table --------------------------------------------------------------------------------------------------------


def figures(results):
    """{row: {server: packets per busy second}}: medians, and the ratios."""
    table = []
    for (row, title), measured in results.items():
        answers = {name: [answer for answer in all_of if isinstance(answer, dict)] for name, all_of in measured.items()}
        own = {name: statistics.median(map(per_busy_second, of)) for name, of in answers.items() if of}
        seen = {name: statistics.median(busy_by_ticks(one) / busy(one) for one in of) for name, of in answers.items() if of}
        forwarded = {name: statistics.median(answer["by_kernel"] for answer in of) for name, of in answers.items() if of}
        ratio = own[KERNEL] / own[SOCKETS] if {KERNEL, SOCKETS} <= own.keys() else None
        table.append({"id": row, "title": title, "per_busy_second": own, "seen_by_ticks": seen, "by_kernel": forwarded,
                      "ratio": ratio, "goal": GOAL, "reached": ratio and ratio >= GOAL,
                      "not_measured": {name: all_of[0] for name, all_of in measured.items() if name not in own}})
    return table


def show(answer):
    print(f"{'packets per busy second of the core':44}{KERNEL:>12}{SOCKETS:>12}{COTURN:>12}{'ratio':>8}  goal")
    for row in answer["rows"]:
        own = row["per_busy_second"]
        cells = "".join(f"{own[name]:12,.0f}" if name in own else f"{'-':>12}" for name in (KERNEL, SOCKETS, COTURN))
        ratio = f"{row['ratio']:8.1f}" if row["ratio"] else f"{'-':>8}"
        print(f"{row['title']:44}{cells}{ratio}  >= {GOAL}: {'yes' if row['reached'] else 'NO'}")
        for name, share in row["seen_by_ticks"].items():
            if not 0.9 <= share <= 1.1:
                print(f"  {name}: ticks saw {share:.0%} of the time that the core was busy")
        for name, reason in row["not_measured"].items():
            print(f"  not measured: {name}: {reason}")
    if "round_trip_us" in answer:
        trips = answer["round_trip_us"]
        for at, title in enumerate(("round trip at low load, median, us", "the same, 99th percentile")):
            print(f"{title:44}" + "".join(f"{trips[name][at]:12.1f}" for name in (KERNEL, SOCKETS, COTURN)))
    if "program" in answer:
        few, many = answer["program"]["ns"].items()
        print(f"\n{'the program alone, ns a packet, median':44}{few[0]:>16}{many[0]:>18}  goal")
        for what in few[1]:
            goal = f"  <= 250: {'yes' if max(few[1][what], many[1][what]) <= 250 else 'NO'}" if "client" in what else ""
            print(f"{what:44}{few[1][what]:16.0f}{many[1][what]:18.0f}{goal}")
        for mode, ns in answer["at_work_ns"].items():
            print(f"{f'while packets go {mode}, on average':44}{ns:16.0f}")
        bytes_of = answer["program"]["bytes"]
        each = bytes_of["a direction"]
        print(f"\nkernel memory of a channel's direction, of {bytes_of['directions']:,}: {each:.0f} bytes, of which "
              f"{bytes_of['on demand']:.0f} on demand  <= 512: {'yes' if each <= 512 else 'NO'}")
    print("\nBusy is the time in which the server's core did not sleep and ran nobody else; each figure is the median of the rounds, "
          "round\ntrips those of the quietest one. The program's figures have the cost of looking at the clock in them.")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--realtime", action="store_true",
                        help="generator and servers go ahead of everything else that runs on this machine")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--only", help="the rows whose names have this word, and nothing else")
    parser.add_argument("server")
    parser.add_argument("frames")
    args = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        skip("server and generator need a core each")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    where = Street()
    with start_server(where.server, args.server, kernel=ON) as server:
        needs_kernel(server)
    answer = {"rows": figures(throughput(args, where))}
    if not args.only:
        answer |= {"round_trip_us": round_trips(args, where), "at_work_ns": at_work(args, where),
                   "program": program_and_maps(where, args)}
    if args.json:
        print(json.dumps(answer, indent=2))
    else:
        show(answer)


if __name__ == "__main__":
    main()
