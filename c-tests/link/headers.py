"""The installed headers compile: each alone and included twice, all together, and beside PJSIP's own; C99 and C++17."""

import pathlib
import re

import case
from case import INCLUDE, check, compilers, pkg_config, run

FLAGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
C = [(compiler, "-std=c99", "c") for compiler in compilers("gcc", "clang")]
CXX = [(compiler, "-std=c++17", "c++") for compiler in compilers("g++", "clang++")]


def headers():
    found = sorted(path for path in INCLUDE.rglob("*") if path.suffix in (".h", ".hpp"))
    check(INCLUDE / "pjauth.h" in found, "no pjauth.h")
    return found


def only_cxx(header):
    return header.suffix == ".hpp" or "icy" in header.relative_to(INCLUDE).parts


def wants_pjsip(header):
    return re.search(r'#\s*include\s*[<"]pj(sip|lib|sua|nath|media|/)', header.read_text())


def compile_in(languages, includes, flags=()):
    text = "".join(f"#include <{name}>\n" for name in includes) + "int main(void) { return 0; }\n"
    for compiler, standard, language in languages:
        source = f"all.{language.replace('+', 'x')}"
        with open(source, "w") as file:
            file.write(text)
        run(compiler, standard, "-x", language, *FLAGS, f"-I{INCLUDE}", *flags, source)


def groups(candidates):
    """Pairs of languages and the headers that both understand."""
    names = [(path, str(path.relative_to(INCLUDE))) for path in candidates]
    yield C, [name for path, name in names if not only_cxx(path)]
    yield CXX, [name for path, name in names]


def alone():
    for languages, names in groups([h for h in headers() if not wants_pjsip(h)]):
        for name in names:
            compile_in(languages, [name, name])


def together():
    for languages, names in groups([h for h in headers() if not wants_pjsip(h)]):
        compile_in(languages, names)
        compile_in(languages, names[::-1])


def beside_pjsip():
    # PJSIP's own headers are not held to our warnings; they call bzero(), which strict C99 does not show.
    flags = [re.sub("^-I", "-isystem", flag) for flag in pkg_config("--cflags", "libpjproject")]
    flags.append("-D_DEFAULT_SOURCE")
    pjsip = ["pjsip.h", "pjsip_ua.h", "pjsua-lib/pjsua.h"]
    for languages, names in groups(headers()):
        compile_in(languages, pjsip + names, flags)
        compile_in(languages, names + pjsip, flags)
        for name in names:
            if wants_pjsip(INCLUDE / name):  # the others: alone()
                compile_in(languages, [name], flags)


# What an observer uses of icey's net and stun modules, for programs that use more of icey than its TURN server.
ICEY = {
    "icy/net/address.h": """
        #include <cstdint>
        #include <string>
        namespace icy { namespace net {
        enum TransportType { UDP, TCP, SSLTCP };
        class Address {
        public:
            Address() = default;
            Address(const std::string& host, std::uint16_t port) : _host(host), _port(port) {}
            std::string host() const { return _host; }
            std::uint16_t port() const { return _port; }
            std::string toString() const { return _host; }
        private:
            std::string _host;
            std::uint16_t _port = 0;
        };
        } }""",
    "icy/stun/message.h": """
        #include <cstdint>
        namespace icy { namespace stun {
        struct Message { enum MethodType { Binding = 1, Allocate = 3, SendIndication = 6 }; };
        struct Username { enum { TypeID = 0x0006 }; };
        struct MessageIntegrity { enum { TypeID = 0x0008 }; };
        struct Realm { enum { TypeID = 0x0014 }; };
        struct Nonce { static const std::uint16_t TypeID = 0x0015; };
        } }""",
}


def beside_icey():
    """The observer of an icey program, which names only the TURN header, where icey's net and stun headers are found."""
    for name, text in ICEY.items():
        path = pathlib.Path("icey", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#pragma once\n" + text + "\n")
    observer = case.ROOT / "c-tests/turn/icey_observer.cpp"
    for compiler, standard, _ in CXX:
        run(compiler, standard, *FLAGS, f"-I{INCLUDE}", f"-I{INCLUDE}/pjauth", "-Iicey", str(observer))


def documented():
    """Doxygen finds nothing to complain of, and makes a page of every function: what it takes and returns is told."""
    if not case.shutil.which("doxygen"):
        case.skip("doxygen is not installed")
    settings = (case.ROOT / "packaging/Doxyfile").read_text()
    pathlib.Path("Doxyfile").write_text(f"{settings}\nINPUT = {INCLUDE}\nOUTPUT_DIRECTORY = out\n")
    run("doxygen", "Doxyfile")
    missing = sorted(name for name in case.declared() if not pathlib.Path(f"out/man/man3/{name}.3").exists())
    check(not missing, f"no page of {missing}")


case.main({"documented": documented, "alone": alone, "together": together, "beside_pjsip": beside_pjsip, "beside_icey": beside_icey})
