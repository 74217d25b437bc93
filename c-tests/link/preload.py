"""Preloaded into programs that have no PJSIP, the library changes nothing."""

import os
import subprocess
import sys

import case
from case import HERE, PRELOAD, SHARED, check, run


def outcome(command, preload, more=()):
    # A small environment of our own: a failure prints what `env` printed.
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **dict(more)}
    if preload:
        env["LD_PRELOAD"] = str(preload)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("LD_PRELOAD=")]
    return done.returncode, lines, done.stderr


def unchanged(*command, more=()):
    """Preloaded either way: the library made for it, and the one to link, which lazy binding lets load."""
    without = outcome(command, None, more)
    for library in [PRELOAD] if more else [PRELOAD, SHARED]:
        preloaded = outcome(command, library, more)
        check(without == preloaded, f"{command}: {without} became {preloaded} with {library.name}")
    return preloaded


def sh():
    unchanged("sh", "-c", "true")
    unchanged("sh", "-c", "false")
    unchanged("sh", "-c", "echo one | cat; (exit 3); echo $?; ls / | sort | head -n 3")
    # And it was there: the check above would not see a preload that the loader left out.
    for library in (PRELOAD, SHARED):
        status, lines, _ = outcome(["sh", "-c", "cat /proc/self/maps"], library)
        check(status == 0 and any(library.name in line for line in lines), "not preloaded at all")


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


NOW = (("LD_BIND_NOW", "1"),)


def bind_now():
    """The dynamic linker looks for all functions at once; those of PJSIP that are not there may be missing."""
    unchanged("sh", "-c", "echo one | cat; (exit 3); echo $?", more=NOW)
    unchanged(sys.executable, "-c", "print(sum(range(10)))", more=NOW)


def linked_library_wants_all():
    """The control: the library to link does not load so. Were it otherwise, the case above would show nothing."""
    status, _, errors = outcome(["sh", "-c", "true"], SHARED, NOW)
    check(status != 0 and "undefined symbol" in errors, f"loaded: {status} {errors}")


def ctypes():
    """Python's ctypes binds at once too."""
    program = "import ctypes, sys; l = ctypes.CDLL(sys.argv[1]); l.pjauth_version.restype = ctypes.c_char_p; " \
              "print(l.pjauth_version().decode())"
    check(run(sys.executable, "-c", program, PRELOAD).strip(), "no version")


case.main({"bind_now": bind_now, "linked_library_wants_all": linked_library_wants_all, "ctypes": ctypes, "sh": sh, "env": env, "python": python, "stays": stays})
