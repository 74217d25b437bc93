#!/usr/bin/env python3
"""The cases that only pjauth passes, with pjproject's own object: each must
fail, or the case would prove nothing.

usage: stock_fails_test.py REGISTRAR PROGRAM=GOOD:CASE,CASE...

GOOD is a case that stock passes: it shows that a single case run this way can
pass. A case fails by its own checks, by a crash, by valgrind's finding, or by not
ending (a deadlock).
"""

import subprocess
import sys

SECONDS = 30
SKIPPED = 77


def outcome(program, case, registrar):
    """How the case fails; empty: it passes, None: it cannot run here."""
    line = ["valgrind", "-q", "--error-exitcode=9", program, "--stock", "--reckless", "--registrar", registrar, case]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        status = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "hangs"
    if status == SKIPPED:
        return None
    return {0: "", 1: "fails its checks", 9: "uses freed memory"}.get(status, f"crashes ({status})")


def main():
    registrar, *groups = sys.argv[1:]
    passed = failed = skipped = 0
    for group in groups:
        program, cases = group.split("=")
        good, cases = cases.split(":")
        how = outcome(program, good, registrar)
        if how is None:
            skipped += 1
            print(f"SKIP {good} and what goes with it: see the group real-static", flush=True)
            continue
        passed, failed = passed + (not how), failed + bool(how)
        print(f"FAIL stock {how}: {good}" if how else f"ok stock passes {good}", flush=True)
        for case in cases.split(","):
            how = outcome(program, case, registrar)
            passed, failed = passed + bool(how), failed + (not how)
            print(f"ok stock {how}: {case}" if how else f"FAIL stock passes {case}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
