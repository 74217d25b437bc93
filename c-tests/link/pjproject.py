"""With the pjproject that pkg-config finds: its own object, and the link lines of README.md, as printed."""

import re
import shutil
from pathlib import Path

import case
from case import ARCHIVE, HERE, check, defined, original_symbols, pkg_config, run, staged

LINES = dict(line.split(": ", 1) for line in (HERE / "link-lines.txt").read_text().splitlines())
ORIGINAL = "sip_auth_client.o"


def build(line, program="app.c"):
    """Runs a link line on a program; returns the names it defines and the linker's map of what went in."""
    shutil.copy(HERE / "programs" / program, "app.c")
    run("sh", "-c", f"{line} -Wl,-Map,app.map", env=staged())
    with open("app.map") as file:
        linked = file.read()
    return run("nm", "app"), linked


def definitions(table, name):
    return len(re.findall(rf"^[0-9a-f]+ [A-Z] {name}$", table, flags=re.M))


def original():
    """Our list of names is that of this pjproject's own object, but for the asynchronous ones that older ones lack."""
    folders = [Path(word[2:]) for word in pkg_config("--static", "--libs-only-L", "libpjproject")]
    archives = [path for folder in folders for path in folder.glob("libpjsip-*.a")
                if ORIGINAL in run("ar", "t", path).split()]
    check(archives, f"no archive has {ORIGINAL}")
    run("ar", "x", archives[0], ORIGINAL)
    found = sorted(defined(ORIGINAL))
    check(found == original_symbols(), f"{archives[0].name} defines {found}")


def static():
    table, linked = build(LINES["static"])
    check(definitions(table, "pjsip_auth_clt_init") == 1, "pjsip_auth_clt_init is not there once")
    check(definitions(table, "pjauth_version") == 1, "no marker: pjauth was not linked")
    check(ORIGINAL not in linked, "the original object was linked")
    run("./app", env=staged())


def shared():
    table, linked = build(LINES["shared"])
    check(definitions(table, "pjsip_auth_clt_init") == 0, "the program defines pjsip_auth_clt_init itself")
    check(ORIGINAL not in linked, "the original object was linked")
    check("libpjauth.so.0" in run("ldd", "app", env=staged()), "not linked with the library")
    run("./app", env=staged())


def behind():
    """Behind PJSIP's archives the shared library is out of use, which pjauth_check_layout says; ahead of them it is not."""
    line = LINES["shared"].replace("app.c", "behind.c", 1)
    for command, expected in ((line, "status 0"), (line.replace("pjauth libpjproject", "libpjproject pjauth"), "status 70012")):
        shutil.copy(HERE / "programs/behind.c", ".")
        run("sh", "-c", command, env=staged())
        said = run("./app", env=staged())
        check(expected in said.splitlines(), f"{command}: {said}")
        check(("link pjauth ahead of" in said) == (expected != "status 0"), f"the log says {said}")


def direct():
    """Calling us directly, the archive need only stand first."""
    table, linked = build(f"cc app.c -o app {ARCHIVE} $(pkg-config --static --libs libpjproject)", "direct.c")
    check(definitions(table, "pjauth_version") == 1 and ORIGINAL not in linked, "not ours alone")
    run("./app")


def unforced():
    """Without the .pc file's flags the original gets in: the control for the checks above."""
    table, linked = build(f"cc app.c -o app $(pkg-config --static --cflags libpjproject) {ARCHIVE} "
                             "$(pkg-config --static --libs libpjproject)")
    check(ORIGINAL in linked and definitions(table, "pjauth_version") == 0, "the control case found pjauth")


case.main({"original": original, "static": static, "shared": shared, "behind": behind, "direct": direct, "unforced": unforced})
