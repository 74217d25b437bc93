#!/usr/bin/env python3
"""The table of `make matrix`: versions of pjproject by groups of test cases.

usage: matrix.py BUILD_DIR...

Each folder is named after its version and holds the junit.xml of its tests. A cell counts cases, not programs:
passed/failed/skipped, by the programs' closing lines; a test without one is one case. Columns are test programs; runs
without pjauth are `stock`, the checks of the linked libraries `link`. Below stands why cases were skipped, and which
failed. Exit status 1 if anything failed or was not built.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from pathlib import Path

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", flags=re.M)


def column(name):
    """The column of a CTest test such as valgrind.ua or real-static.regc.control."""
    group, _, rest = name.partition(".")
    program = rest.partition(".")[0]
    if rest.endswith(".control"):
        return "stock"
    if program in ("headers", "pjproject", "artefacts"):
        return "link"
    return program if group == "real-static" else f"{group}.{program}"


def outcome(case):
    """Counts, and the lines that say why cases were skipped or failed."""
    text = case.findtext("system-out") or ""
    skips = [re.sub(r"^\S+: ", "", reason) for reason in re.findall(r"^SKIP +(.*)$", text, flags=re.M)]
    failures = [f"{case.get('name')} {line}" for line in re.findall(r"^FAIL +(.*)$", text, flags=re.M)]
    passed = case.get("status") == "run"
    closing = CLOSING.findall(text)
    if case.find("skipped") is not None and not closing:
        return Counter(skipped=1), skips or [case.get("name")], []
    if not closing:
        return Counter(passed=passed, failed=not passed), [], [] if passed else [case.get("name")]
    counts = Counter(dict(zip(("passed", "failed", "skipped"), map(int, closing[-1]))))
    if case.get("status") == "fail" and not counts["failed"]:
        counts["failed"] = 1
        failures = [case.get("name")]
    return counts, skips, failures


def read(folder):
    """The cells of one version; `None` where its tests never ran."""
    report = folder / "junit.xml"
    if not report.exists():
        return None
    cells, notes = defaultdict(Counter), Counter()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        counts, skips, failures = outcome(case)
        cells[column(case.get("name"))] += counts
        notes.update(f"skipped: {reason}" for reason in skips)
        notes.update(f"failed: {failure}" for failure in failures)
    return cells, notes


def cell(counts):
    return f"{counts['passed']}/{counts['failed']}/{counts['skipped']}" if counts else "-"


def main():
    versions = {Path(folder).name: read(Path(folder)) for folder in sys.argv[1:]}
    ran = {version: result for version, result in versions.items() if result}
    columns = sorted({name for cells, _ in ran.values() for name in cells}, key=lambda name: (name == "stock", name))
    widths = [max(len(name), 9) for name in columns]
    print(f"\n{'pjproject':10}" + "".join(f"  {name:>{width}}" for name, width in zip(columns, widths))
          + "    (cases passed/failed/skipped)")
    for version, result in versions.items():
        if not result:
            print(f"{version:10}  not built: see build/matrix/{version}/build.log")
            continue
        print(f"{version:10}" + "".join(f"  {cell(result[0].get(name)):>{width}}"
                                        for name, width in zip(columns, widths)))
    total = Counter()
    for version, (cells, notes) in ran.items():
        total += sum(cells.values(), Counter())
        for note, times in sorted(notes.items()):
            print(f"{version:10}  {note}" + (f" ({times} cases)" if times > 1 else ""))
    print(f"\n{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    sys.exit(1 if total["failed"] or not total["passed"] or len(ran) < len(versions) else 0)


if __name__ == "__main__":
    main()
