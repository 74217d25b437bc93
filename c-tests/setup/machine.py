"""A machine that lacks what a test says: a PATH of stand-ins, and a folder in place of the system's own."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ["PJAUTH_ROOT"])
# What the scripts themselves are made of.
TOOLS = ["sh", "sed", "sort", "head", "cat", "dirname", "env", "printf", "mkdir", "rm", "flock", "cut", "tr", "grep", "awk"]


def check(condition, message):
    if not condition:
        sys.exit(f"FAIL {message}")


class Machine:
    """Has everything that is asked for, until the test takes it away."""

    def __init__(self):
        self.bin = Path("bin")
        self.system = Path("system")
        self.bin.mkdir()
        for tool in TOOLS:
            os.symlink(shutil.which(tool), self.bin / tool)
        for name in ("cc", "c++", "make", "ld", "pkg-config", "mmdebstrap", "turnserver", "valgrind", "sipp", "chromium",
                     "redis-server", "openssl", "ethtool", "meson", "lintian", "libtool", "ld.lld", "ld.mold"):
            self.program(name)
        self.program("pkg-config", "exit 1")
        self.program("python3", '[ "$1" = --version ] && echo Python 3.11.2; exit 0')
        self.program("cmake", "echo cmake version 3.25.1")
        self.rust("1.99.0")
        self.user(1000)
        self.file("usr/share/keyrings/debian-archive-keyring.gpg")
        self.file("usr/lib/llvm-14/lib/libclang.so.1")
        self.file("usr/lib/llvm-14/lib/clang/14.0.6/include/stddef.h")

    def program(self, name, body="exit 0"):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def without(self, *names):
        for name in names:
            (self.bin / name).unlink()

    def rust(self, version):
        self.program("cargo", f"echo 'cargo {version} (0123abc 2026-01-01)'")
        self.program("rustc", f"echo 'rustc {version} (0123abc 2026-01-01)'")

    def user(self, number):
        self.program("id", f"echo {number}")

    def file(self, path):
        (self.system / path).parent.mkdir(parents=True, exist_ok=True)
        (self.system / path).touch()

    def no_file(self, path):
        shutil.rmtree(self.system / path, ignore_errors=True)
        (self.system / path).unlink(missing_ok=True)

    def apt(self, then=""):
        """apt-get, which writes down what it is asked, and does `then`."""
        self.program("apt-get", f'echo "$*" >>"{Path("apt").absolute()}"; {then}')

    def asked_of_apt(self):
        return Path("apt").read_text() if Path("apt").exists() else ""

    def needs(self, *purposes, status=0, **env):
        """Runs install-deps.sh here; returns what it said."""
        done = subprocess.run(["/bin/sh", ROOT / "scripts/install-deps.sh", *purposes], capture_output=True, text=True,
                              env={"PATH": str(self.bin.absolute()), "SYSROOT": str(self.system.absolute()), **env})
        said = done.stdout + done.stderr
        print(said)
        check(done.returncode == status, f"exit status {done.returncode}, not {status}")
        return said


def main(cases):
    """Runs the case that the command line names, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        {case.__name__: case for case in cases}[sys.argv[1]]()
    print("ok")
