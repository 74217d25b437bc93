"""Preloaded into programs that have no PJSIP, the library changes nothing."""

import os
import subprocess
import sys

import case
from case import HERE, SHARED, check, run


def outcome(command, preload):
    # A small environment of our own: a failure prints what `env` printed.
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    if preload:
        env["LD_PRELOAD"] = str(SHARED)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("LD_PRELOAD=")]
    return done.returncode, lines, done.stderr


def unchanged(*command):
    without, preloaded = outcome(command, False), outcome(command, True)
    check(without == preloaded, f"{command}: {without} became {preloaded}")
    return preloaded


def sh():
    unchanged("sh", "-c", "true")
    unchanged("sh", "-c", "false")
    unchanged("sh", "-c", "echo one | cat; (exit 3); echo $?; ls / | sort | head -n 3")
    # And it was there: the check above would not see a preload that the loader left out.
    status, lines, _ = outcome(["sh", "-c", "cat /proc/self/maps"], True)
    check(status == 0 and any("libpjauth.so" in line for line in lines), "not preloaded at all")


def env():
    status, lines, _ = unchanged("env")
    check(status == 0 and lines, "env printed nothing")


def python():
    unchanged(sys.executable, "-c", "print(sum(range(10)))")
    unchanged(sys.executable, "-c",
              "import threading; t = threading.Thread(target=print, args=('x',)); t.start(); t.join()")
    unchanged(sys.executable, "-c", "import os; pid = os.fork(); print(pid == 0 or os.waitpid(pid, 0)[1])")


def stays():
    """dlclose leaves it mapped, for its callbacks and thread-locals may outlive the handle."""
    run("cc", HERE / "programs/stays.c", "-o", "stays", "-ldl")
    check(run("./stays", SHARED).strip(), "no version")


case.main({"sh": sh, "env": env, "python": python, "stays": stays})
