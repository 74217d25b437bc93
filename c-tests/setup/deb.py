"""scripts/deb.sh: the Debian packages, and a bare Debian that has nothing else of pjauth's."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from machine import ROOT, check, main

LIBRARIES = Path(os.environ["PJAUTH_STATIC_LIB"]).parent
VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), flags=re.M)[1]
KEPT = ROOT / "build/deb-root"


def skip(reason):
    print("SKIP", reason)
    sys.exit(77)


def need(*programs):
    for program, package in programs:
        shutil.which(program) or skip(f"{program} is not installed (Debian package {package})")


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    print(done.stdout + done.stderr)
    return done


def packages():
    need(("dpkg-deb", "dpkg"), ("dpkg-shlibdeps", "dpkg-dev"))
    env = {**os.environ, "LIBRARIES": str(LIBRARIES)}
    check(run(ROOT / "scripts/deb.sh", VERSION, "debs", env=env).returncode == 0, "they were not made")
    names = {path.name.split("_")[0] for path in Path("debs").iterdir()}
    check(names == {"libpjauth0", "libpjauth-dev", "libpjauth-turn0", "libpjauth-turn-dev"}, f"made: {names}")


def lintian():
    """No error; and that lintian finds one where there is one."""
    need(("lintian", "lintian"))
    packages()
    check(run("lintian", "--fail-on", "error", *Path("debs").iterdir()).returncode == 0, "lintian has errors")
    run("dpkg-deb", "--raw-extract", next(Path("debs").glob("libpjauth0_*")), "bad")
    shutil.rmtree("bad/usr/share/doc")
    run("dpkg-deb", "--build", "bad", "bad.deb")
    check(run("lintian", "--fail-on", "error", "bad.deb").returncode != 0, "lintian finds nothing")


def make_root():
    """A bare Debian of this system's release with a compiler in it, once."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    suite = release.get("VERSION_CODENAME", "").strip('"')
    suite or skip("this system has no named release")
    part = Path(f"{KEPT}.part.{os.getpid()}")
    try:
        made = run("timeout", "280", "mmdebstrap", "--quiet", "--variant=minbase", "--include=gcc,libc6-dev,pkg-config",
                   "--aptopt=Acquire::Check-Valid-Until \"false\"", suite, part)
        made.returncode == 0 or skip("mmdebstrap could not make a bare root")
        KEPT.exists() or part.rename(KEPT)
    finally:
        shutil.rmtree(part, ignore_errors=True)


# In a copy that nobody else sees: installed, a program of each kind built and run, removed without a trace.
INSIDE = r"""
set -e
cd /tmp
dpkg --install debs/*.deb >/dev/null
for package in pjauth-turn pjauth-turn-static; do
    cc marker.c -o app $(pkg-config --cflags --libs $package)
    echo "$package $(./app)"
done
ldconfig -p | grep -q 'libpjauth.so.0 '
LD_BIND_NOW=1 LD_PRELOAD=$(pkg-config --variable=libdir pjauth)/libpjauth-preload.so sh -c 'grep -o libpjauth-preload.so /proc/self/maps | sort -u'
echo '#include <pjauth.h>' | cc -fsyntax-only -x c -
dpkg --purge libpjauth-dev libpjauth0 libpjauth-turn-dev libpjauth-turn0 >/dev/null
find / -xdev -name '*pjauth*' ! -path '/tmp/*' ! -path '/proc/*' | sed 's/^/left: /'
"""


def bare_root():
    os.geteuid() == 0 or skip("only root can enter a bare root")
    need(("mmdebstrap", "mmdebstrap"), ("unshare", "util-linux"))
    packages()
    KEPT.exists() or make_root()
    Path("inside.sh").write_text(INSIDE)
    here = Path.cwd()
    script = f"""
        set -e
        mount -t tmpfs none '{here}/debs.upper' && mkdir '{here}/debs.upper/u' '{here}/debs.upper/w'
        mount -t overlay -o 'lowerdir={KEPT},upperdir={here}/debs.upper/u,workdir={here}/debs.upper/w' none '{here}/root'
        mount -t proc none '{here}/root/proc'
        cp -r debs inside.sh '{ROOT}/c-tests/link/programs/marker.c' '{here}/root/tmp/'
        exec chroot '{here}/root' env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive sh /tmp/inside.sh
    """
    for folder in ("debs.upper", "root"):
        os.mkdir(folder)
    done = run("unshare", "--mount", "sh", "-c", script)
    if "mount:" in done.stderr:
        skip("no overlay can be mounted here")
    check(done.returncode == 0, "it failed in the bare root")
    said = done.stdout.splitlines()
    for word in (f"pjauth-turn {VERSION}", f"pjauth-turn-static {VERSION}", "libpjauth-preload.so"):
        check(word in said, f"no line {word}")
    check(not [line for line in said if line.startswith("left:")], "files are left after a purge")


main([lintian, bare_root])
