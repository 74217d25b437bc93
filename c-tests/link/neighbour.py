"""An icey that is installed beside pjauth: each is found as itself, and neither removes the other's files."""

import itertools
import pathlib

import case
from case import INCLUDE, ROOT, check, compilers, pkg_config, run

# What matters of icey's headers: their names, and that they include each other by them.
ICEY = {
    "turn.h": "#define TURN_API\n",
    "types.h": '#include "icy/turn/turn.h"\nnamespace icy { namespace turn { enum class AuthenticationState { Iceys }; } }\n',
    "iallocation.h": '#include "icy/turn/types.h"\nnamespace icy { namespace turn { struct IAllocation { int iceys; }; } }\n',
    "client/client.h": '#include "icy/turn/iallocation.h"\nnamespace icy { namespace turn { struct Client : IAllocation {}; } }\n',
    "server/server.h": '#include "icy/turn/iallocation.h"\nnamespace icy { namespace turn { struct Server { int iceys; }; } }\n',
}

CLIENT = '#include "icy/turn/client/client.h"\nint of(icy::turn::Client& client) { return client.iceys; }\n'
SERVER = ('#include "icy/turn/types.h"\n#include "icy/turn/server/server.h"\n'
          'std::string of(icy::turn::pjauth_turn::Server& server) { return server.error(); }\n')


def icey(folder):
    for name, text in ICEY.items():
        path = pathlib.Path(folder, "icy/turn", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#pragma once\n" + text)


def ways():
    """What a program that uses both may give the compiler, in either order; the folders alone, and pkg-config's flags."""
    ours = pkg_config("--cflags", "pjauth-turn")
    yield from (list(itertools.chain(*order)) for order in itertools.permutations([ours, ["-Iicey"]]))


def compile_with(compiler, flags, text, expect=None):
    pathlib.Path("unit.cpp").write_text(text)
    command = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *flags, "unit.cpp"]
    if expect is None:
        run(*command)
        return
    done = case.subprocess.run(command, capture_output=True, text=True)
    check(done.returncode != 0 and expect in done.stderr, f"{flags}: nothing says {expect!r}:\n{done.stderr}")


def folders():
    icey("icey")
    for compiler, flags in itertools.product(compilers("g++", "clang++"), ways()):
        compile_with(compiler, flags, CLIENT)
        compile_with(compiler, flags, SERVER)
        compile_with(compiler, flags, CLIENT + SERVER, "include pjauth's server in another one")
        compile_with(compiler, flags, SERVER + CLIENT.replace("of(", "of_client("), "include icey's client in another one")
    # Without pkg-config it is whichever comes first, and pjauth's by its whole name.
    for compiler in compilers("g++", "clang++"):
        flags = ["-Iicey", f"-I{INCLUDE}"]
        whole = '#include <pjauth/icy/turn/server/server.h>\nicy::turn::pjauth_turn::Server* server;\n'
        compile_with(compiler, flags, whole)
        compile_with(compiler, flags, CLIENT + whole, "include pjauth's server in another one")
        compile_with(compiler, [f"-I{INCLUDE}", f"-I{INCLUDE}/pjauth", "-Iicey"], SERVER)


def uninstall():
    """What icey's installation laid down in the same prefix is there before and after."""
    prefix = pathlib.Path("prefix").resolve()
    icey(prefix / "include")
    before = {path: path.read_bytes() for path in prefix.rglob("*") if path.is_file()}
    libraries = pathlib.Path("libraries").resolve()
    libraries.mkdir()
    for library in ("libpjauth", "libpjauth-turn"):
        for end in (".a", ".so.9.9.9", ".so.9.9.9.debug"):
            (libraries / (library + end)).touch()
    (libraries / "libpjauth-preload.so").touch()
    # What `make lib` notes of the pjproject that it found.
    (libraries / "libpjauth.built-from").write_text("pjproject 2.17\n")
    for action in ("install", "uninstall"):
        run("sh", ROOT / "scripts/install.sh", action, "9.9.9", prefix, cwd=ROOT, env={"LIBRARIES": str(libraries)})
        now = {path: path.read_bytes() for path in prefix.rglob("*") if path.is_file()}
        check(before.items() <= now.items(), f"{action} touched icey's files")
        check((len(now) > len(before)) == (action == "install"), f"{action} left {sorted(now.keys() - before.keys())}")
    check(not (prefix / "include/pjauth").exists(), "a folder of ours is left")


case.main({"folders": folders, "uninstall": uninstall})
