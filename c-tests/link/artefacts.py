"""The libraries themselves, as nm, readelf and objdump see them."""

import os
import re

import case
from case import ARCHIVE, LIB, PRELOAD, SHARED, check, declared, defined, drop_in_symbols, run, undefined

ASTERISK = os.environ["PJAUTH_ASTERISK_LIB"]
# Debian 12 and Ubuntu 22.04 have more; RHEL 9 has just that.
GLIBC_FLOOR = (2, 34)


def shared_libraries():
    return [SHARED, PRELOAD, LIB / "libpjauth-turn.so"] + ([ASTERISK] if os.path.exists(ASTERISK) else [])


def same(found, expected, where):
    check(not expected - found, f"{where} lacks {sorted(expected - found)}")
    check(not found - expected, f"{where} has besides {sorted(found - expected)}")


def symbols():
    """Exactly the listed names and what pjauth.h declares; the array is data, the others are code."""
    listed = drop_in_symbols()
    check(listed and listed == sorted(set(listed)), "the list of names is not sorted")
    for path, options in [(ARCHIVE, []), (SHARED, ["--dynamic"]), (PRELOAD, ["--dynamic"])]:
        kinds = defined(path, *options)
        same(set(kinds), set(listed) | declared(), path.name)
        data = {name for name, kind in kinds.items() if kind != "T"}
        check(data == {"pjsip_auth_algorithms"} & set(listed), f"{path.name}: data symbols {sorted(data)}")


def imports():
    """What is imported of PJSIP are functions, bound when first called."""
    for path in shared_libraries():
        ours = set(defined(path, "--dynamic"))
        rows = re.findall(r"^[0-9a-f]+ +[0-9a-f]+ +(R_\w+) +[0-9a-f]+ +(pj\w+)",
                          run("readelf", "--relocs", "--wide", path), flags=re.M)
        foreign = [(kind, name) for kind, name in rows if name not in ours]
        check(foreign or "turn" in os.path.basename(path), f"{path}: imports nothing of PJSIP")
        early = [f"{name} ({kind})" for kind, name in foreign if "JUMP_SL" not in kind]
        check(not early, f"{path}: bound at load time: {early}")


def loading():
    """Soname, no unloading, lazy binding, nothing to relocate in the code, no executable stack."""
    for path in shared_libraries():
        dynamic = run("readelf", "--dynamic", "--wide", path)
        name = os.path.basename(path)
        check(f"soname: [{name}{'' if path == PRELOAD else '.0'}]" in dynamic, f"{path}: wrong or no soname")
        check("NODELETE" in dynamic, f"{path}: dlclose would unmap it")
        check("BIND_NOW" not in dynamic and not re.search(r"FLAGS.*\bNOW\b", dynamic), f"{path}: bound at once")
        check("TEXTREL" not in dynamic, f"{path}: not position-independent")
        stack = re.search(r"GNU_STACK.* (R\w+) ", run("readelf", "--segments", "--wide", path))
        check(stack and "E" not in stack[1], f"{path}: executable stack")
        needed = set(re.findall(r"NEEDED.*\[(.*?)\]", dynamic))
        extra = {lib for lib in needed if not re.match(r"(libc|libm|libgcc_s|ld-linux.*)\.so", lib)}
        check(not extra, f"{path}: needs {sorted(extra)}")


def glibc():
    """The oldest glibc that the libraries load with. Weak references do not count: they may stay unresolved."""
    for path in shared_libraries():
        wanted = [tuple(map(int, version.split(".")))
                  for line in run("objdump", "--dynamic-syms", path).splitlines() if " w " not in line
                  for version in re.findall(r"\bGLIBC_([0-9.]+)", line)]
        # A library may import nothing that has a version; ours allocates.
        check(wanted or path != SHARED, f"{path}: no glibc version found")
        newest = max(wanted, default=(0,))
        print(f"{path}: glibc {'.'.join(map(str, newest))}")
        check(newest <= GLIBC_FLOOR, f"{path} needs glibc {newest}")


def turn():
    """The TURN server alone: pjauth_* that the header declares, and nothing of PJSIP on either side."""
    for path, options in [(LIB / "libpjauth-turn.a", []), (LIB / "libpjauth-turn.so", ["--dynamic"])]:
        found = set(defined(path, *options))
        check("pjauth_version" in found and found <= declared(), f"{path.name} has {sorted(found - declared())}")
        wanted = {name for name in undefined(path) if name.startswith("pj")}
        check(not wanted, f"{path.name} wants {sorted(wanted)}")


case.main({"symbols": symbols, "imports": imports, "loading": loading, "glibc": glibc, "turn": turn})
