"""scripts/summary.py: a run in which nothing ran on real PJSIP does not look green."""

import subprocess
import sys
from pathlib import Path

from machine import ROOT, check, main


def table(*arguments):
    """The closing table of a run whose unit tests passed; its last line, and its exit status."""
    Path("cargo.log").write_text("test result: ok. 9 passed; 0 failed; 0 ignored\n")
    done = subprocess.run([sys.executable, ROOT / "scripts/summary.py", "--cargo", "cargo=cargo.log", *arguments],
                          capture_output=True, text=True)
    print(done.stdout + done.stderr)
    return done.stdout, done.returncode


def nothing_on_real_pjsip():
    said, status = table("--skip", "real-static=no libpjproject", "--skip", "asterisk=no mmdebstrap")
    check(status != 0, "exit status 0")
    check("9 passed" in said.splitlines()[-1] and "real PJSIP" in said.splitlines()[-1], "the last line does not say so")
    check("mmdebstrap" in "".join(said.splitlines()[-4:]), "the last lines do not say what to do")


def something_on_real_pjsip():
    Path("real.log").write_text("test result: ok. 1 passed; 0 failed; 0 ignored\n")
    said, status = table("--skip", "real-static=no libpjproject", "--cargo", "real-shared=real.log")
    check(status == 0 and said.splitlines()[-1] == "10 passed, 0 failed, 1 skipped", "what ran was not counted")
    check("statically linked: nothing\n" in said and "shared library: real-shared 1\n" in said,
          "what ran on which PJSIP is not said")


def no_real_pjsip_groups():
    """A run that never meant to, such as the TURN half's alone."""
    said, status = table("--skip", "miri=no nightly")
    check(status == 0 and said.splitlines()[-1] == "9 passed, 0 failed, 1 skipped", "real PJSIP was missed")


main([nothing_on_real_pjsip, something_on_real_pjsip, no_real_pjsip_groups])
