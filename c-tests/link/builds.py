"""The build systems that a user may have: a minimal project with each of the four libraries, and a stand-in host."""

import os
import shutil

import case
from case import LIB, ROOT, STAGE, check, names, pkg_config, run, staged
from host import PROGRAMS, ours, stand_in


def need(program, package):
    if not shutil.which(program):
        case.skip(f"{program} is not installed (Debian package {package})")


def judged(folder, prefix="app_"):
    """The four programs: who provides the functions, and that they run."""
    version = pkg_config("--modversion", "pjauth")[0]
    for library in ("turn", "turn_static"):
        check(run(f"{folder}/{prefix}{library}", env=staged()).strip() == version, f"{library}: not our version")
    shared = f"{folder}/{prefix}pjauth"
    check("original" not in names(shared), "pjauth: the original object was linked too")
    check(run(shared, env=staged()).strip().endswith("/libpjauth.so.0"), "pjauth: the functions are not the library's")
    ours(names(f"{folder}/{prefix}pjauth_static"))


def with_cmake(*options):
    need("cmake", "cmake")
    stand_in()
    run("cmake", "-S", PROGRAMS / "cmake", "-B", "out", f"-DHOST={os.path.abspath('libhost.a')}", *options, env=staged())
    run("cmake", "--build", "out", env=staged())


def cmake_config():
    """find_package(pjauth)"""
    with_cmake(f"-DCMAKE_PREFIX_PATH={STAGE}")
    judged("out")


def cmake_pkg_config():
    """pkg_check_modules(IMPORTED_TARGET), which sorts what it finds"""
    with_cmake("-DWITH_PKG_CONFIG=ON")
    judged("out")


def meson():
    need("meson", "meson")
    need("ninja", "ninja-build")
    stand_in()
    for name in ("meson.build", "meson_options.txt"):
        shutil.copy(PROGRAMS / "meson" / name, ".")
    for name in ("through.c", "marker.c"):
        shutil.copy(PROGRAMS / name, ".")
    run("meson", "setup", "out", f"-Dhost={os.path.abspath('.')}", env=staged())
    run("ninja", "-C", "out", env=staged())
    judged("out")


def libtool():
    """Which sorts -l and -L as well, and wants its objects compiled by itself."""
    need("libtool", "libtool-bin")
    host = stand_in()
    programs = [("through", "pjauth", "pjauth", host), ("through", "pjauth_static", "pjauth-static", host),
                ("marker", "turn", "pjauth-turn", []), ("marker", "turn_static", "pjauth-turn-static", [])]
    for source, name, package, libraries in programs:
        run("libtool", "--quiet", "--tag=CC", "--mode=compile", "cc", *pkg_config("--cflags", package), "-c",
            PROGRAMS / f"{source}.c", "-o", f"{name}.lo")
        run("libtool", "--quiet", "--tag=CC", "--mode=link", "cc", "-o", f"app_{name}", f"{name}.lo",
            *pkg_config("--libs", package), *libraries, "-ldl")
    judged(".")


def cmake_subdirectory():
    """add_subdirectory, as FetchContent does it: what is built is what `make lib` builds."""
    case.skip("there is no CMakeLists.txt yet") if not (ROOT / "CMakeLists.txt").exists() else None
    source = os.path.abspath("source")
    os.makedirs(source)
    for name in ("CMakeLists.txt", "Cargo.toml", "packaging", "include"):
        os.symlink(ROOT / name, f"{source}/{name}")
    # The pieces of the Makefile, played by a stand-in: what is built here is built by the tests already.
    with open(f"{source}/Makefile", "w") as file:
        file.write(f"lib lib-turn:\n\techo $@ >asked\n\tmkdir -p $(build)/lib && cp -a {LIB}/libpjauth* $(build)/lib/\n")
    with_cmake(f"-DWITH_SOURCE={source}")
    judged("out")
    check(open(f"{source}/asked").read() == "lib\n", "both halves were not asked for")
    # As a project around it says it: by a plain variable.
    with open("CMakeLists.txt", "w") as file:
        file.write("cmake_minimum_required(VERSION 3.16)\nproject(around C CXX)\nset(PJAUTH_HALVES turn)\n"
                   f"add_subdirectory({source} pjauth)\nadd_executable(app {PROGRAMS}/marker.c icey.cpp)\n"
                   "set_property(TARGET app PROPERTY CXX_STANDARD 17)\n"
                   "target_link_libraries(app PRIVATE pjauth::turn)\n")
    # As icey's users name its headers; find_package(pjauth) finds them too.
    with open("icey.cpp", "w") as file:
        file.write('#include "icy/turn/server/server.h"\n#include <icy/turn/client/client.h>\n')
    run("cmake", "-S", ".", "-B", "alone")
    run("cmake", "--build", "alone")
    check(open(f"{source}/asked").read() == "lib-turn\n", "more than the TURN half was asked for")


def order():
    """Behind PJSIP's archives the shared library is out of use, and pjauth_check_layout says so, with every linker."""
    host = stand_in()
    flags = pkg_config("--cflags", "--libs", "pjauth")
    linkers = ["bfd"] + [name for name in ("gold", "lld", "mold") if shutil.which(f"ld.{name}")]
    for linker in linkers:
        # PJSIP's archives are all in a real program; the stand-in's are made to be.
        whole = ["-Wl,--whole-archive", *host, "-Wl,--no-whole-archive"]
        for words, expected in ((flags + host, "0"), (whole + flags, "70012")):
            run("cc", PROGRAMS / "check.c", "-o", "app", f"-fuse-ld={linker}", *words, "-ldl")
            said = run("./app", env=staged())
            check(said.splitlines()[-1].split()[0] == expected, f"{linker}: {said}, not {expected}")
            check(("link pjauth ahead" in said) == (expected != "0"), f"{linker}: the log says {said}")


case.main({function.__name__: function for function in (
    cmake_config, cmake_pkg_config, meson, libtool, cmake_subdirectory, order)})
