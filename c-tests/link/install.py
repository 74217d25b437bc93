"""What scripts/install.sh lays down and takes away, and what it does not begin."""

import os
import re
import subprocess
from pathlib import Path

import case
from case import BUILT, HERE, ROOT, check, run

VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), flags=re.M)[1]
SONAME = f"libpjauth.so.{VERSION.split('.')[0]}"


def script(action, prefix, destdir="", expect=0, **env):
    """Runs install.sh; returns what it said."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PJPROJECT_DIR", "PJAUTH_CONFIG")}
    done = subprocess.run([ROOT / "scripts/install.sh", action, VERSION, str(prefix), str(destdir)], cwd=ROOT,
                          env={**clean, "LIBRARIES": str(BUILT), **env}, capture_output=True, text=True)
    said = done.stdout + done.stderr
    print(said)
    check((done.returncode == 0) == (expect == 0), f"exit status {done.returncode}")
    return said


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if not path.is_dir())


def flags(libdir, *packages):
    return run("pkg-config", "--cflags", "--libs", *packages, env={"PKG_CONFIG_PATH": f"{libdir}/pkgconfig"}).strip()


def whole():
    """All of it, the folders in between, and from which headers it was built is said."""
    said = script("install", Path("p").absolute())
    found = files("p")
    for name in ("lib/libpjauth.a", "lib/libpjauth-turn.a", f"lib/{SONAME}", "lib/libpjauth-preload.so",
                 "lib/pkgconfig/pjauth.pc", "include/pjauth.h", "share/doc/pjauth/LICENSE-MIT",
                 "share/doc/pjauth/THIRD-PARTY.md", "share/doc/pjauth/docs/differences.md"):
        check(name in found, f"{name} is not installed")
    built_from = (BUILT / "libpjauth.built-from").read_text().splitlines()[0]
    check(built_from and built_from in said, "it is not said which headers it was built from")
    # The debugging information lies apart, and where debuggers look for it.
    sections = run("readelf", "--sections", "--wide", f"p/lib/{SONAME}")
    check(".debug_info" not in sections and ".gnu_debuglink" in sections, "the debugging information is not apart")
    check(f"lib/.debug/libpjauth.so.{VERSION}.debug" in found, "the debugging information is missing")
    check(os.path.getsize(f"p/lib/{SONAME}") < 5 << 20, "the library is large")


def turn_alone():
    """After `make lib-turn` there is no SIP half to install."""
    os.mkdir("built")
    for path in BUILT.glob("libpjauth-turn*"):
        os.symlink(path, f"built/{path.name}")
    script("install", Path("p").absolute(), LIBRARIES=os.path.abspath("built"))
    check(files("p/lib/pkgconfig") == ["pjauth-turn-static.pc", "pjauth-turn.pc"], "other .pc files")
    check("lib/libpjauth.a" not in files("p"), "the SIP half is there")
    run("sh", "-ec", f"cc {HERE}/programs/marker.c -o app {flags('p/lib', 'pjauth-turn-static')}")
    run("./app")


def spaces():
    """A prefix with blanks, and what sed minds: the .pc files and CMake's lead there."""
    odd = Path("odd&|").absolute()
    script("install", odd)
    check(f"prefix={odd}\n" in (odd / "lib/pkgconfig/pjauth.pc").read_text(), "another prefix in the .pc file")
    prefix = Path("a b").absolute()
    script("install", prefix)
    # As CMake and Meson read them; a shell wants an eval.
    for package in ("pjauth-turn", "pjauth-turn-static"):
        run("sh", "-ec", f'eval "cc {HERE}/programs/marker.c -o app $(pkg-config --cflags --libs {package})"',
            env={"PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"})
        check(run("./app", env={"LD_LIBRARY_PATH": f"{prefix}/lib"}).strip() == VERSION, "not our version")
    Path("CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.16)\nproject(consumer C)\n"
                                      "find_package(pjauth REQUIRED)\n"
                                      f"add_executable(app {HERE}/programs/marker.c)\n"
                                      "target_link_libraries(app PRIVATE pjauth::turn_static)\n")
    run("cmake", "-S", ".", "-B", "out", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", "out")
    check(run("out/app").strip() == VERSION, "not our version")


def libdir():
    """LIBDIR is where libraries, .pc and CMake files are; the headers are still found."""
    prefix = Path("p").absolute()
    lib = prefix / "lib/some-triplet"
    script("install", prefix, LIBDIR=str(lib))
    check(not (prefix / "lib/libpjauth.a").exists() and (lib / "libpjauth.a").exists(), "LIBDIR was not heeded")
    run("sh", "-ec", f"cc {HERE}/programs/marker.c -o app {flags(lib, 'pjauth-turn-static')}")
    check(run("./app").strip() == VERSION, "not our version")
    config = (lib / "cmake/pjauth/pjauthConfig.cmake").read_text()
    check("../../../../include" in config, "CMake would not find the headers")


def staged():
    """DESTDIR is where it is laid down, not where it is said to be."""
    script("install", "/usr", Path("root").absolute())
    pc = Path("root/usr/lib/pkgconfig/pjauth.pc").read_text()
    check("prefix=/usr\n" in pc and "root" not in pc, "DESTDIR is in the .pc file")


def full_disk():
    """A disk that is full half-way: what was there before is there still, and nothing else."""
    small = Path("small").absolute()
    small.mkdir()
    mount = f"mount -t tmpfs -o size=4m none '{small}' && mkdir -p '{small}/p/lib' && echo old >'{small}/p/lib/libpjauth.a'"
    try:
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c",
             f"{mount} || exit 77; LIBRARIES='{BUILT}' '{ROOT}/scripts/install.sh' install {VERSION} '{small}/p' '' 2>&1;"
             f"echo status $?; cat '{small}/p/lib/libpjauth.a'; find '{small}/p' ! -type d"],
            cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        case.skip("unshare is not installed")
    if done.returncode == 77 or "unshare" in done.stderr:
        case.skip("only root can mount a small disk")
    said = done.stdout
    print(said)
    check("status 1" in said and "nothing was installed" in said, "it does not say that nothing was installed")
    check(said.splitlines()[-2:] == ["old", f"{small}/p/lib/libpjauth.a"], "what was there is not all that is there")


def unwritable():
    """A prefix that is not ours to write to."""
    folder = Path("p").absolute()
    folder.write_text("")
    said = script("install", folder, expect=1)
    check("cannot be written to" in said and "nothing was installed" in said, "no clear line")


def other_headers():
    """Asked for another pjproject than the library was built from, it is not installed in silence."""
    said = script("install", Path("p").absolute(), expect=1, PJPROJECT_DIR="/another/pjproject")
    check("make lib PJPROJECT_DIR=/another/pjproject" in said, "it does not say what to do")
    check(not Path("p").exists(), "something was installed")


def nothing_built():
    os.mkdir("empty")
    said = script("install", Path("p").absolute(), expect=1, LIBRARIES=os.path.abspath("empty"))
    check("make lib" in said and not Path("p").exists(), "it does not say what to do")


def uninstall():
    """Leaves no file behind, and no folder of ours."""
    for action, expected in (("install", True), ("uninstall", False)):
        script(action, "/usr", Path("root").absolute())
        check(bool(files("root")) == expected, f"after {action}: {files('root')}")
    left = {path.name for path in Path("root").rglob("*")}
    check(not left & {"pjauth", "icy", ".debug", "docs"}, f"folders are left: {left}")


def licences():
    """THIRD-PARTY.md has every crate that Cargo links, with its licence."""
    lines = run("cargo", "tree", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}|{l}", "--offline",
                "--target", "x86_64-unknown-linux-gnu", cwd=ROOT).replace(" (*)", "").splitlines()
    linked = {(line.split()[0], line.split("|")[1].strip()) for line in lines} - {("pjauth", "MIT OR Apache-2.0")}
    told = set(re.findall(r"^\| (\S+) \| (.*?) \|$", (ROOT / "packaging/THIRD-PARTY.md").read_text(), flags=re.M))
    told -= {("crate", "licence"), ("---", "---")}
    check(linked == told, f"differing: {sorted(linked ^ told)}")
    text = (ROOT / "packaging/THIRD-PARTY.md").read_text()
    for crate, licence in linked:
        check("Apache-2.0" in licence or f"\n## {crate}\n" in text, f"the text of {crate}'s licence is missing")


case.main({function.__name__: function for function in (
    whole, turn_alone, spaces, libdir, staged, full_disk, unwritable, other_headers, nothing_built, uninstall, licences)})
