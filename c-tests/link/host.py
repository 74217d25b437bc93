"""What PJSIP is to an application, where there is no pjproject: an archive that calls the functions (caller.c), and behind
it one with the original object, which marks itself by the symbol `original`, and with everything else that our library
imports."""

import os

from case import ARCHIVE, HERE, check, drop_in_symbols, run, undefined

PROGRAMS = HERE / "programs"
VERSION = "pjauth_version"


def archive(name, *sources):
    for source in sources:
        run("cc", "-O1", "-c", source, "-o", f"{os.path.basename(source)}.o")
    run("ar", "rcs", name, *[f"{os.path.basename(source)}.o" for source in sources])


def stand_in():
    """libcaller.a and libhost.a, in the order in which they must be linked."""
    functions = [name for name in drop_in_symbols() if name != "pjsip_auth_algorithms"]
    with open("original.c", "w") as file:
        file.write("int original; int pjsip_auth_algorithms[64];\n")
        file.writelines(f"int {name}(void) {{ return original; }}\n" for name in functions)
    with open("rest.c", "w") as file:
        file.write("void abort(void); int printf(const char *, ...); int rest;\n"
                   "int pj_log_get_level(void) { return 1; }\n"
                   "void pj_log_1(const char *from, const char *form, int n, const char *text) { printf(form, n, text); }\n")
        file.writelines(f"void {name}(void) {{ abort(); }}\n" for name in sorted(undefined(ARCHIVE))
                        if name.startswith("pj") and name not in ("pj_log_get_level", "pj_log_1"))
    archive("libcaller.a", PROGRAMS / "caller.c")
    archive("libhost.a", "original.c", "rest.c")
    return ["libcaller.a", "libhost.a"]


def ours(symbols):
    check("original" not in symbols, "the original object was linked too")
    check(VERSION in symbols and "pjsip_auth_clt_init" in symbols, "pjauth was not linked")
