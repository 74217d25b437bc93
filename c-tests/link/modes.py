"""Link modes, where there is no pjproject: a stand-in host (host.py) shows who provides the functions."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import case
from case import ARCHIVE, HERE, ROOT, STAGE, check, defined, names, pkg_config, run, staged, undefined
from host import PROGRAMS, VERSION, ours, stand_in


def link(program, *libraries, flags=()):
    run("cc", "-Wall", "-Wextra", "-Werror", PROGRAMS / program, "-o", "app", *flags, *libraries)
    return names("app")


def linkers():
    return ["bfd"] + [name for name in ("gold", "lld", "mold") if case.shutil.which(f"ld.{name}")]


def static_first():
    """An application that calls us itself needs only that our archive stands first."""
    ours(link("direct.c", ARCHIVE, *stand_in()))


def static_forced():
    """The .pc file's flags suffice for one that does not, whatever the linker."""
    libraries = pkg_config("--libs", "pjauth-static") + stand_in()
    for linker in linkers():
        ours(link("through.c", *libraries, flags=[f"-fuse-ld={linker}"]))
        check(os.path.basename(run("./app").strip()) == "app", "the functions are not in the program")


def static_unforced():
    """Without them the original gets in: were it otherwise, the checks above would show nothing."""
    symbols = link("through.c", ARCHIVE, *stand_in())
    check("original" in symbols and VERSION not in symbols, "the control case found pjauth")


def shared():
    """The .pc file's flags suffice, also with --as-needed, the default of some compilers."""
    libraries = pkg_config("--libs", "pjauth") + stand_in()
    for linker in linkers():
        symbols = link("through.c", *libraries, flags=[f"-fuse-ld={linker}", "-Wl,--as-needed"])
        check("original" not in symbols, "the original object was linked too")
        check(run("./app", env=staged()).strip().endswith("/libpjauth.so.0"), "the functions are not the library's")


def rust_library():
    run("rustc", "--edition", "2024", "-O", "--crate-type", "staticlib", PROGRAMS / "panics.rs", "-o", "libpanics.a")


def other_rust():
    """A second Rust archive, as rustc makes it, beside ours, in either order."""
    rust_library()
    host = stand_in()
    for pair in [(ARCHIVE, "libpanics.a"), ("libpanics.a", ARCHIVE)]:
        flags = ["-DBESIDE_PJAUTH", f"-I{STAGE}/include", "-pthread"]
        ours(link("panics.c", *pair, *host, flags=flags))
        check(run("./app").split()[:2] == ["1", "3"], "panics went astray")


def panic():
    """What artefacts.sh does to an archive leaves panics and thread-locals working, in both artefacts."""
    rust_library()
    with open("names", "w") as file:
        file.write("panics_*\n")
    run("sh", "-c", f"{ROOT}/scripts/artefacts.sh libpanics.a libshrunk 1.2.3 . < names")
    check(set(defined("libshrunk.a")) == {"panics_caught"}, "more global names than asked for")
    for compiler, library in [("cc", "libshrunk.a"), ("cc", "./libshrunk.so"), ("clang", "libshrunk.a")]:
        if case.shutil.which(compiler):
            run(compiler, PROGRAMS / "panics.c", "-o", "app", library, "-pthread", "-Wl,-rpath,.")
            check(run("./app").split() == ["1", "3"], f"{library}: panics went astray")


def both_archives():
    """libpjauth has both halves: with the TURN half's archive beside it, either that one is left out, or it does not
    link; never two in one program."""
    turn_archive = ARCHIVE.with_name("libpjauth-turn.a")
    ours(link("direct.c", ARCHIVE, turn_archive, *stand_in()))
    done = subprocess.run(["cc", PROGRAMS / "direct.c", "-o", "app", "-Wl,-u,pjauth_version", turn_archive, ARCHIVE,
                           *stand_in()], capture_output=True, text=True)
    check(done.returncode != 0 and "multiple definition of `pjauth_version'" in done.stderr, "it linked, or said otherwise")


def turn():
    """The TURN server alone, without anything that stands for PJSIP."""
    for package in ("pjauth-turn", "pjauth-turn-static"):
        link("marker.c", *pkg_config("--cflags", "--libs", package), flags=["-Wl,--no-undefined"])
        check(run("./app", env=staged()).strip() == pkg_config("--modversion", package)[0], "not our version")


def readme_programs():
    """The two TURN programs of README.md and docs/turn.md, as text of the files that their first lines name. They
    listen on loopback here."""
    for page, language in (("docs/turn.md", "c"), ("README.md", "cpp")):
        block = re.search(rf"^```{language}\n(?://|/\*) server\.{language}.*?^```$",
                          (ROOT / page).read_text(), flags=re.M | re.S)
        check(block and '{"0.0.0.0", 3478' in block[0], f"{page} has no server.{language}")
        with open(f"server.{language}", "w") as file:
            file.write("".join(block[0].splitlines(True)[1:-1]).replace('{"0.0.0.0", 3478', '{"127.0.0.1", 0'))


def serves(program):
    """It runs, to the end of its input, and wants nothing of PJSIP's."""
    run(program, env=staged())
    wanted = [name for name in undefined(program) if name.startswith("pj") and not name.startswith("pjauth_turn_")]
    check(not wanted, f"{program} wants {wanted}")


def turn_readme():
    """The printed TURN programs, built by README.md's lines, and with the archive, by each compiler."""
    readme_programs()
    lines = dict(line.split(": ", 1) for line in (HERE / "link-lines.txt").read_text().splitlines())
    for key in ("turn_c", "turn_cpp"):
        for line in (lines[key], lines[key].replace("pjauth-turn", "pjauth-turn-static")):
            run("sh", "-ec", line, env=staged())
            serves("./server")
            library = "libpjauth-turn.so.0" in run("ldd", "./server", env=staged())
            check(library == ("static" not in line), f"linked the wrong way: {line}")
    for compiler, standard, source in [("clang", "c99", "server.c"), ("clang++", "c++17", "server.cpp")]:
        if shutil.which(compiler):
            run(compiler, f"-std={standard}", source, "-o", "server", *pkg_config("--cflags", "--libs", "pjauth-turn-static"))
            serves("./server")


def turn_tls():
    """The lines that README.md prints for TLS, in the programs that it names: a client gets the certificate."""
    readme_programs()
    certificates = ROOT / "c-tests/turn/certificates"
    for name in ("pem", "key"):
        shutil.copy(certificates / f"turn.{name}", {"pem": "fullchain.pem", "key": "privkey.pem"}[name])
    lines = dict(line.split(": ", 1) for line in (HERE / "link-lines.txt").read_text().splitlines())
    for language, head in (("cpp", "    Server server("), ("c", "    if (pjauth_turn_server_create(")):
        block = re.search(rf"^```{language}\n(    [^\n]*(?:5349|pjauth_turn_certificate).*?)^```$",
                          (ROOT / "README.md").read_text(), flags=re.M | re.S)
        check(block and "5349" in block[1], f"README.md has no TLS in {language}")
        port = free_port()
        source = Path(f"server.{language}")
        source.write_text(source.read_text().replace(head, block[1].replace("5349", str(port)) + head, 1))
        run("sh", "-ec", lines[f"turn_{language}"], env=staged())
        with subprocess.Popen(["./server"], stdin=subprocess.PIPE, env={**os.environ, **staged()}) as server:
            trust = ssl.create_default_context(cafile=certificates / "authority.pem")
            with trust.wrap_socket(connected(port, server), server_hostname="turn.test") as client:
                check(client.version() == "TLSv1.3", f"{client.version()}")
            server.stdin.close()
            check(server.wait(20) == 0, "it does not end")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connected(port, server):
    """A connection to a server that is about to listen."""
    while server.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), 10)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError("the server ended")


def turn_cmake():
    """The same with find_package(pjauth), and what that finds."""
    readme_programs()
    shutil.copy(PROGRAMS / "cmake-turn" / "CMakeLists.txt", ".")
    run("cmake", "-S", ".", "-B", "out", f"-DCMAKE_PREFIX_PATH={STAGE}")
    run("cmake", "--build", "out")
    for program in ("c_turn", "c_turn_static", "cpp_turn", "cpp_turn_static"):
        serves(f"out/{program}")


def readme():
    """README.md prints the very lines that are tested here."""
    text = (ROOT / "README.md").read_text()
    for line in (HERE / "link-lines.txt").read_text().splitlines():
        command = line.split(": ", 1)[1]
        check(command in text, f"README.md lacks: {command}")
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
            check((page.parent / target).exists(), f"{page.name} names {target}, which is not there")
    check(len(text.splitlines()) <= 150, "README.md is for a newcomer: at most 150 lines")


case.main({function.__name__: function for function in (
    static_first, static_forced, static_unforced, shared, other_rust, panic, both_archives, turn, turn_readme, turn_tls, turn_cmake, readme)})
