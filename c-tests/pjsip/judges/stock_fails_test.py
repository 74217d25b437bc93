#!/usr/bin/env python3
"""The cases that only pjauth passes, with pjproject's own object: each must
fail, or the case would prove nothing.

usage: stock_fails_test.py REGISTRAR [COMMAND...] -- PROGRAM=GOOD:CASE,CASE...

COMMAND stands before the programs that need one to run. GOOD is a case that stock passes: it shows that a single case run this way can
pass. A case fails by its own checks, by a crash, by valgrind's finding, or by not
ending (a deadlock).
"""

import subprocess
import sys

SECONDS = 30
GOOD_SECONDS = 100
SKIPPED = 77


def outcome(program, case, registrar, seconds=SECONDS):
    """How the case fails; empty: it passes, None: it cannot run here."""
    line = ["valgrind", "-q", "--error-exitcode=9", *program, "--stock", "--reckless", "--registrar", registrar, case]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "hangs"
    if status == SKIPPED:
        return None
    return {0: "", 1: "fails its checks", 9: "uses freed memory"}.get(status, f"crashes ({status})")


def main():
    end = sys.argv.index("--")
    registrar, *command = sys.argv[1:end]
    passed = failed = skipped = 0
    for group in sys.argv[end + 1:]:
        program, cases = group.split("=")
        program = [*command, program]
        good, cases = cases.split(":")
        how = outcome(program, good, registrar, GOOD_SECONDS)
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
