"""The Makefile's entrances: what they ask for before they begin, and two of them at once. Cargo and what makes the
artefacts are stand-ins; the Makefile and its scripts are the repository's."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from machine import ROOT, Machine, check, main

CARGO = r"""
case "$1" in
--version) echo 'cargo 1.99.0'; exit ;;
fetch) [ ! -e "$HERE/no-network" ] ; exit ;;
rustc) ;;
*) exit 1 ;;
esac
echo "begin $$ ${PJAUTH_CONFIG-none}" >>"$HERE/calls"
sleep 0.3
while [ $# -gt 0 ]; do [ "$1" = --target-dir ] && dir=$2; shift; done
mkdir -p "$dir/release" && echo archive >"$dir/release/libpjauth.a"
echo "end $$" >>"$HERE/calls"
"""


class Checkout(Machine):
    """A machine that has all, and a checkout in which nothing is really compiled."""

    def __init__(self):
        super().__init__()
        for tool in ("make", "nproc", "expand", "touch", "cp", "mv", "ln", "sleep", "mktemp", "find", "basename", "chmod",
                     "uname", "realpath", "tee", "ls", "xargs", "stat", "tail"):
            (self.bin / tool).unlink(missing_ok=True)
            os.symlink(shutil.which(tool), self.bin / tool)
        self.program("cargo", f'HERE="{Path.cwd()}"' + CARGO)
        self.program("rustc", "echo 'rustc 1.99.0'; echo 'host: x86_64-unknown-linux-gnu'")
        self.folder = Path("checkout").absolute()
        self.folder.mkdir()
        for name in ("Makefile", "Cargo.toml", "scripts", "packaging", "include", "src", "docs"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.folder / name)
        artefacts = self.folder / "scripts/artefacts.sh"
        artefacts.write_text('#!/bin/sh\nmkdir -p "$4"\ntouch "$4/$2.a"\n')

    def make(self, *arguments, wait=True, **env):
        command = [str(self.bin / "make"), "-C", str(self.folder), *arguments]
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   stdin=subprocess.DEVNULL,
                                   env={"PATH": str(self.bin.absolute()), "SYSROOT": str(self.system.absolute()), **env})
        return self.ended(started) if wait else started

    def ended(self, started):
        said = started.communicate(timeout=120)[0]
        print(said)
        return said, started.returncode

    def calls(self):
        return Path("calls").read_text().split("\n")[:-1] if Path("calls").exists() else []


def two_at_once():
    """Take turns: the second begins when the first has ended, and says that it waits."""
    here = Checkout()
    first = here.make("lib", wait=False, PJAUTH_CONFIG="default")
    for _ in range(500):
        if here.calls():
            break
        time.sleep(0.02)
    said, status = here.make("lib", PJAUTH_CONFIG="asterisk")
    check(here.ended(first)[1] == 0 and status == 0, "one of them failed")
    check("another make is at work" in said, "the second does not say that it waits")
    configurations = [line.split()[2] for line in here.calls() if line.startswith("begin")]
    check(configurations == ["default", "default", "asterisk", "asterisk"], f"in turns: {configurations}")


def write_protect(folder):
    if os.geteuid() == 0:
        # Root writes everywhere but where a file stands in the place of a folder.
        (folder / "build").write_text("")
    else:
        folder.chmod(0o555)


def read_only():
    here = Checkout()
    write_protect(here.folder)
    said, status = here.make("lib", PJAUTH_CONFIG="default")
    check(status != 0 and "cannot be written to" in said and "build=/" in said, "no clear line")
    check(here.calls() == [], "it began all the same")


def read_only_elsewhere():
    """With build and target elsewhere nothing is written into the checkout."""
    here = Checkout()
    before = sorted(here.folder.rglob("*"))
    elsewhere = Path("elsewhere").absolute()
    said, status = here.make("lib", f"build={elsewhere}/build", f"target={elsewhere}/target", PJAUTH_CONFIG="default")
    check(status == 0 and (elsewhere / "build/lib/libpjauth.a").exists(), "it did not build elsewhere")
    check(sorted(here.folder.rglob("*")) == before, "it wrote into the checkout")


def no_network():
    here = Checkout()
    Path("no-network").touch()
    said, status = here.make("lib", PJAUTH_CONFIG="default")
    check(status != 0 and "is there a network?" in said and "cargo vendor" in said, "no clear line")
    check(here.calls() == [], "it began all the same")


def whose_structures():
    """Without a pjproject nothing is guessed; each of the three ways goes."""
    here = Checkout()
    said, status = here.make("lib")
    check(status != 0 and here.calls() == [], "it guessed")
    for way in ("PKG_CONFIG_PATH", "PJPROJECT_DIR=", "PJAUTH_CONFIG="):
        check(way in said, f"{way} is not named")
    check("asterisk" in said, "the configurations are not named")
    check(here.make("lib", "PJPROJECT_DIR=/somewhere")[1] == 0, "PJPROJECT_DIR was not heeded")
    check(here.make("lib", "PJAUTH_CONFIG=asterisk")[1] == 0, "PJAUTH_CONFIG was not heeded")
    here.program("pkg-config", "echo 2.17")
    check(here.make("lib")[1] == 0, "pkg-config was not heeded")


def turn_alone():
    """Needs neither libclang nor a pjproject."""
    here = Checkout()
    shutil.rmtree(here.system / "usr/lib")
    check(here.make("lib-turn")[1] == 0, "make lib-turn failed")
    check(sorted(path.name for path in (here.folder / "build/lib").iterdir()) == ["libpjauth-turn.a"], "more was made")
    said, status = here.make("lib", PJAUTH_CONFIG="default")
    check(status != 0 and "libclang-dev" in said, "make lib does not ask for libclang")


def old_rust_first():
    """Whatever the target and however many jobs."""
    here = Checkout()
    here.program("cargo", "echo 'cargo 1.85.0'")
    for goals in (["lib"], ["install"], ["-j4", "demo"], ["-j4", "test"], ["lib-turn"], ["deb"], ["test-turn"]):
        said, status = here.make(*goals)
        check(status != 0 and said.count("install it with rustup") == 1, f"make {' '.join(goals)}: {said}")


def nothing_to_say():
    """`make` alone and with -n begin nothing and complain of nothing, whatever is missing."""
    here = Checkout()
    here.without("pkg-config", "cargo", "rustc")
    for goals in ([], ["help"]):
        said, status = here.make(*goals)
        check(status == 0 and not re.search("not found|error", said, flags=re.I), f"make {goals}: {said}")


def demo_shows_nothing():
    """mmdebstrap that cannot: the demo fails and says what to do; and an ordinary user's is asked in the mode he can."""
    here = Checkout()
    shutil.copytree(ROOT / "examples", here.folder / "examples")
    shutil.copytree(ROOT / "c-tests/pjsip", here.folder / "c-tests/pjsip")
    for tool in ("timeout", "du"):
        os.symlink(shutil.which(tool), here.bin / tool)
    here.program("mmdebstrap", f'echo "$*" >"{Path("asked").absolute()}"; exit 1')
    for user, mode in ((1000, "--mode=chrootless"), (0, "--mode=auto")):
        here.user(user)
        done = subprocess.run(["/bin/sh", here.folder / "examples/demo.sh", "debian"], capture_output=True, text=True,
                              env={"PATH": str(here.bin.absolute())})
        print(done.stdout + done.stderr)
        check(done.returncode != 0 and "Install mmdebstrap" in done.stderr, "it does not say what to do")
        check(mode in Path("asked").read_text().split(), f"user {user}: mmdebstrap was asked {Path('asked').read_text()}")


main([demo_shows_nothing, two_at_once, read_only, read_only_elsewhere, no_network, whose_structures, turn_alone, old_rust_first,
      nothing_to_say])
