#!/usr/bin/env python3
"""All benchmarks as one table: ours, the competitor's, the ratio, the goal.

usage: table.py [--json FILE] [--svg FILE] [--sip FILE] [--turn FILE]

Runs benches/sip/run.sh and benches/turn/run.sh, each of which measures ours and its competitors in turns within one
run. --sip and --turn read what an earlier `run.sh --json` printed instead. --json writes the rows for machines, --svg
a plot of the ratios. A ratio above 1 means that ours is the better one, whatever the unit. What could not be measured
is listed with the reason.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
OURS = "pjauth"

SIP_TITLES = {
    "token": "token: mint and consume",
    "token-4-threads": "token: the same from 4 threads",
    "token-group-lock": "token: with a group lock",
    "token-parent": "token: with a parent session",
    "token-abandoned": "token: abandoned",
    "token-declined": "token: declined in the callback",
    "digest-md5": "digest: MD5",
    "digest-sha-256": "digest: SHA-256",
    "digest-sha-512-256": "digest: SHA-512-256",
    "reinit-md5": "reinit_req: MD5",
    "reinit-sha-256": "reinit_req: SHA-256",
    "reinit-md5-new-nonce": "reinit_req: MD5, a new nonce each time",
    "reinit-sha-256-new-nonce": "reinit_req: SHA-256, a new nonce each time",
    "set-credentials": "set_credentials: two",
    "init-req-nothing": "init_req: nothing to add",
    "init-req-empty": "init_req: initial_auth, two credentials",
    "init-req-remembered": "init_req: AUTO_SEND_NEXT, one challenge",
    "session": "session: init and deinit",
    "heap": "heap blocks for each challenge",
}


def row(half, title, unit, ours, other, theirs, goal, met, lower_is_better):
    ratio = None
    if ours and theirs:
        ratio = theirs / ours if lower_is_better else ours / theirs
    return {"half": half, "title": title, "unit": unit, "ours": ours, "competitor": other, "theirs": theirs,
            "ratio": ratio, "goal": goal, "met": met}


def measured(script):
    """What run.sh --json prints; its progress goes to the terminal."""
    print(f"== {script.relative_to(HERE.parent)}", file=sys.stderr)
    done = subprocess.run([script, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return {"reason": f"{script.name} failed with {done.returncode}"}
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"reason": done.stdout.strip().removeprefix("SKIP ") or "no result"}


def sip_rows(answer):
    if "reason" in answer:
        return [], [("SIP half", answer["reason"])]
    rows = [row("SIP", SIP_TITLES.get(item["row"], item["row"]), item["unit"], item["ours"]["median"],
                "stock 2.17", item["stock"]["median"], item["goal"].replace("*", ""), item["met"], True)
            for item in answer["rows"]]
    return rows, []


def turn_rows(answer):
    if "reason" in answer:
        return [], [("TURN half", answer["reason"])]
    rows = []
    for item in answer["rows"]:
        unit = next((name for name in ("KiB", "us") if item["title"].endswith(name)), "/CPU s")
        lower = unit in ("KiB", "us")
        ours = item["figures"].get(OURS)
        others = [(name, figure) for name, figure in item["figures"].items() if name != OURS] or [("-", None)]
        goals = {next((name for name, _ in others if name in goal["goal"]), None): goal for goal in item["goals"]}
        for at, (name, figure) in enumerate(others):
            goal = goals.pop(name, None) or (goals.pop(None, None) if at == 0 else None)
            rows.append(row("TURN", item["title"], unit, ours, name, figure, goal["goal"] if goal else "-",
                            goal["reached"] if goal else None, lower))
        for goal in goals.values():
            rows.append(row("TURN", item["title"], unit, ours, "-", None, goal["goal"], goal["reached"], lower))
    missing = [(f"{item['id']}, {item['server']}", item["reason"]) for item in answer.get("missing", [])]
    return rows, missing


def shown(figure):
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.1f}"


def show(rows, missing):
    head = ["", "unit", "ours", "competitor", "theirs", "ratio", "goal", "met"]
    verdict = {True: "yes", False: "NO", None: "-"}
    lines, last = [], None
    for item in rows:
        title = item["title"] if item["title"] != last else ""
        last = item["title"]
        lines.append([title, item["unit"], shown(item["ours"]), item["competitor"], shown(item["theirs"]),
                      f"{item['ratio']:.2f}x" if item["ratio"] else "-", item["goal"], verdict[item["met"]]])
    widths = [max(len(line[at]) for line in [head, *lines]) for at in range(len(head))]
    left = {0, 1, 3, 6, 7}
    for line in [head, *lines]:
        print("  ".join(cell.ljust(width) if at in left else cell.rjust(width)
                        for at, (cell, width) in enumerate(zip(line, widths))).rstrip())
    print("\nratio: above 1 ours is the better one. Medians; the sides take turns within one run.")
    for what, reason in missing:
        print(f"not measured: {what}: {reason}")


def plot(rows):
    """The ratios as bars. A line stands where both sides are equal; bars end at four times."""
    rows = [item for item in rows if item["ratio"]]
    label, scale, height, most = 420, 110, 20, 4.0
    width = label + int(scale * most) + 70
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height * len(rows) + 50}" '
             'font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="{label}" y="18">times as good as the competitor, measured in the same run</text>']
    for at, item in enumerate(rows):
        y = 30 + at * height
        length = scale * min(item["ratio"], most)
        colour = "#2a7f62" if item["ratio"] >= 1 else "#b5533c"
        title = escape(f"{item['title']} / {item['competitor']}")
        parts.append(f'<text x="{label - 8}" y="{y + 13}" text-anchor="end">{title}</text>')
        parts.append(f'<rect x="{label}" y="{y + 2}" width="{length:.0f}" height="{height - 6}" fill="{colour}"/>')
        parts.append(f'<text x="{label + length + 5:.0f}" y="{y + 13}">{item["ratio"]:.2f}</text>')
    bottom = 30 + height * len(rows)
    parts.append(f'<line x1="{label + scale}" y1="26" x2="{label + scale}" y2="{bottom}" stroke="black"/>')
    return "\n".join([*parts, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser()
    for name in ("json", "svg", "sip", "turn"):
        parser.add_argument(f"--{name}", type=Path)
    args = parser.parse_args()

    def answer(given, half):
        return json.loads(given.read_text()) if given else measured(HERE / half / "run.sh")

    rows, missing = [], []
    for made, lost in (sip_rows(answer(args.sip, "sip")), turn_rows(answer(args.turn, "turn"))):
        rows += made
        missing += lost
    show(rows, missing)
    if args.json:
        args.json.write_text(json.dumps({"rows": rows, "not_measured": missing}, indent=2) + "\n")
    if args.svg:
        args.svg.write_text(plot(rows))


if __name__ == "__main__":
    main()
