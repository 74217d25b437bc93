#!/usr/bin/env python3
"""The closing table of a test run: what passed, failed and was skipped in each group, and why it was skipped.

usage: summary.py [--ctest [NAME=]BUILD_DIR]... [--cargo GROUP=LOG]... [--skip GROUP=REASON]...

--ctest names a CMake build folder in which `ctest --output-junit junit.xml` was run, whose groups are shown as
NAME:GROUP; --cargo a log of `cargo test`;
--skip a group that could not run at all. Ends with the line "N passed, N failed, N skipped", and with exit status 1
if anything failed or nothing ran; also if all of the groups on real PJSIP were skipped, which a line before says. Which
of them ran on which PJSIP is said before that.
"""

import argparse
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from pathlib import Path


# Where PJSIP's own code calls ours. What the others prove is little without one of these.
ON_REAL_PJSIP = {
    "an installed one, statically linked": ["real-static", "differential", "valgrind"],
    "Debian's, a shared library": ["real-shared", "differential-shared", "valgrind-shared", "faults-shared", "soak-shared",
                                   "asterisk"],
    "the Python wheel's": ["wheel"],
}


class Table:
    def __init__(self):
        self.counts = defaultdict(Counter)
        self.notes = defaultdict(Counter)

    def add(self, group, outcome, number=1, note=None):
        self.counts[group][outcome] += number
        if note:
            self.notes[group][f"{outcome}: {note}"] += number

    def show(self):
        width = max([len(group) for group in self.counts], default=5)
        print(f"\n{'group':{width}}  passed  failed  skipped")
        for group, count in self.counts.items():
            print(f"{group:{width}}  {count['passed']:6}  {count['failed']:6}  {count['skipped']:7}")
            for note, times in self.notes[group].items():
                print(f"{'':{width}}  {note}" + (f" ({times} times)" if times > 1 else ""))

    def total(self):
        return sum(self.counts.values(), Counter())

    def real_pjsip_missing(self):
        """Whether there were tests on real PJSIP, and none of them ran."""
        groups = set().union(*ON_REAL_PJSIP.values())
        real = [count for group, count in self.counts.items() if group.split(":")[-1] in groups]
        return bool(real) and not any(count["passed"] or count["failed"] for count in real)

    def show_real_pjsip(self):
        """Which groups ran on which PJSIP, with how many tests."""
        for which, groups in ON_REAL_PJSIP.items():
            named = [(group, count) for group, count in self.counts.items() if group.split(":")[-1] in groups]
            ran = [f"{group} {count['passed'] + count['failed']}" for group, count in named
                   if count["passed"] or count["failed"]]
            if named:
                print(f"on real PJSIP, {which}: {', '.join(ran) or 'nothing'}")


def read_cargo(table, group, log):
    """Adds up cargo's result lines; a log without one, or one that breaks off, is a failure."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", Path(log).read_text(errors="replace"))
    results = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text, flags=re.M)
    for passed, failed, ignored in results:
        table.add(group, "passed", int(passed))
        table.add(group, "failed", int(failed))
        table.add(group, "skipped", int(ignored))
    for name, reason in re.findall(r"^test (\S+) \.\.\. ignored(?:, (.*))?$", text, flags=re.M):
        table.notes[group][f"skipped: {reason or name}"] += 1
    for name in re.findall(r"^test (\S+)(?: - .*)? \.\.\. FAILED$", text, flags=re.M):
        table.notes[group][f"failed: {name}"] += 1
    broken = re.search(r"^error(\[|:)", text, flags=re.M) and not table.counts[group]["failed"]
    if not results or broken:
        table.add(group, "failed", note="cargo ended before all tests ran")


def labels(build):
    """The group of each CTest test: its first label."""
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"],
                           check=True, capture_output=True, text=True).stdout
    found = {}
    for test in json.loads(shown)["tests"]:
        values = [item["value"] for item in test.get("properties", []) if item["name"] == "LABELS"]
        found[test["name"]] = values[0][0] if values else "other"
    return found


def read_ctest(table, name, build):
    group_of = {test: f"{name}:{group}" if name else group for test, group in labels(build).items()}
    for case in ElementTree.parse(Path(build) / "junit.xml").getroot().iter("testcase"):
        name = case.get("name")
        group = group_of.get(name, "other")
        if case.find("skipped") is not None:
            reasons = re.findall(r"^SKIP +(.*)$", case.findtext("system-out") or "", flags=re.M)
            table.add(group, "skipped", note=reasons[-1] if reasons else name)
        elif case.get("status") == "run":
            table.add(group, "passed")
        else:
            table.add(group, "failed", note=name)


def pair(text):
    group, _, value = text.partition("=")
    return group, value


def optional_pair(text):
    return pair(text) if "=" in text else ("", text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ctest", type=optional_pair, action="append", default=[])
    parser.add_argument("--cargo", type=pair, action="append", default=[])
    parser.add_argument("--skip", type=pair, action="append", default=[])
    options = parser.parse_args()

    table = Table()
    for group, log in options.cargo:
        read_cargo(table, group, log)
    for group, reason in options.skip:
        table.add(group, "skipped", note=reason)
    for name, build in options.ctest:
        read_ctest(table, name, build)
    table.show()
    print()
    table.show_real_pjsip()
    total = table.total()
    missing = table.real_pjsip_missing()
    if missing:
        print("\nNOT PROVEN: nothing ran on real PJSIP. Install mmdebstrap (and debian-archive-keyring), which unpacks "
              "Debian's,\nor a pjproject that pkg-config finds, and run this again.")
    print(f"\n{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped"
          + (": not green, for nothing ran on real PJSIP" if missing else ""))
    sys.exit(1 if total["failed"] or not total["passed"] or missing else 0)


if __name__ == "__main__":
    main()
