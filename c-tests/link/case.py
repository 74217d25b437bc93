"""What the scripts of this folder share: where things are, running commands, and one case per CTest test."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = Path(os.environ["PJAUTH_ROOT"])
INCLUDE = Path(os.environ["PJAUTH_INCLUDE_DIR"])
STAGE = Path(os.environ["PJAUTH_STAGE"])
SERIES = os.environ["PJAUTH_SERIES"]
LIB = STAGE / "lib"
ARCHIVE = LIB / "libpjauth.a"
SHARED = LIB / "libpjauth.so"
PRELOAD = LIB / "libpjauth-preload.so"
BUILT = Path(os.environ["PJAUTH_SHARED_LIB"]).parent  # where they were built, before they were installed
SKIPPED = 77


def run(*command, cwd=None, env=None):
    """Runs a command and returns what it printed; a failure ends the test with its output."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env={**os.environ, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=800)
    if done.returncode != 0:
        print("$", *command)
        print(done.stdout + done.stderr)
        sys.exit(f"FAIL exit status {done.returncode}")
    return done.stdout


def skip(reason):
    print("SKIP", reason)
    sys.exit(SKIPPED)


def check(condition, message):
    if not condition:
        sys.exit(f"FAIL {message}")


def pkg_config(*arguments):
    return run("pkg-config", *arguments, env=staged()).split()


def staged():
    """The environment of a user who installed pjauth into the stage."""
    found = os.environ.get("PKG_CONFIG_PATH", "")
    return {"PKG_CONFIG_PATH": f"{LIB / 'pkgconfig'}:{found}", "LD_LIBRARY_PATH": str(LIB)}


def defined(path, *options):
    """The global names a file defines, with nm's letter for their kind."""
    rows = (line.split() for line in run("nm", "--extern-only", "--defined-only", *options, path).splitlines())
    return {row[2].split("@")[0]: row[1] for row in rows if len(row) == 3}


def names(path):
    """All names a program defines: mold makes local what a program does not export."""
    return {line.split()[-1] for line in run("nm", "--defined-only", path).splitlines() if line}


def undefined(path):
    """The names a file wants from elsewhere."""
    rows = (line.split() for line in run("nm", "--undefined-only", path).splitlines())
    return {row[1] for row in rows if len(row) == 2}


def drop_in_symbols():
    """What the library exports for the pjproject in use."""
    return (ROOT / f"src/pjsip/symbols-{SERIES}.txt").read_text().split()


def original_symbols():
    """Those of them that the object of that pjproject defines: before 2.17 it has no asynchronous functions."""
    before = tuple(map(int, SERIES.split("."))) < (2, 17)
    return [name for name in drop_in_symbols() if not (before and "_async_" in name)]


def declared():
    """The functions that pjauth.h declares."""
    text = re.sub(r"/\*.*?\*/", "", (INCLUDE / "pjauth.h").read_text(), flags=re.S)
    return set(re.findall(r"^[^#(\n]*?\b(pjauth_\w+)\(", text, flags=re.M))


def compilers(*names):
    return [name for name in names if shutil.which(name)]


def main(cases):
    """Runs the case that the command line names, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        cases[sys.argv[1]]()
    print("ok")
