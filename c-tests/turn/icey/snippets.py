"""docs/coming-from-icey.md, line by line: snippets.py DOCUMENT INCLUDE_DIR COMPILER

What is "same" compiles as it stands, "edit" as the last column has it and not as the first, and "missing" not at all, with
an error that says what the last column says.
"""
import collections
import pathlib
import re
import subprocess
import sys

document, include, compiler = sys.argv[1:]
Row = collections.namedtuple("Row", "line code kind here")

BEGIN = """#include <map>
#include <memory>
#include <sstream>
#include <string>
#include "icy/turn/server/server.h"
#include "icy/turn/server/serverallocation.h"
#include "icy/turn/server/tcpallocation.h"
#include "icy/turn/server/tcpconnectionpair.h"
#include "icy/turn/server/udpallocation.h"
#include "icy/turn/fivetuple.h"
#include "icy/turn/permission.h"
#include "icy/turn/types.h"
using namespace icy;
using namespace icy::turn;
struct Observer : ServerObserver {
    void onServerAllocationCreated(Server*, IAllocation*) override {}
    void onServerAllocationRemoved(Server*, IAllocation*) override {}
    AuthenticationState authenticateRequest(Server*, Request&) override { return AuthenticationState::NotAuthorized; }
"""


def rows(text):
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[1] in ("same", "edit", "missing"):
            yield Row(number, cells[0].strip("`"), cells[1], cells[2].strip("`"))


def function(name, code, number):
    # `own` is a server of the program's, but where the line makes it.
    own = "" if re.search(r"\bown\b\s*[=(]|\bown\(", code) else ", Server& own"
    return (f"    AuthenticationState {name}(Server* server, Request& request, IAllocation* alloc, ServerOptions& options,"
            f" std::string& text{own}) {{\n        const auto state = AuthenticationState::NotAuthorized;\n"
            f"#line {number}\n        {code}\n        return state;\n    }}\n")


def compile_all(snippets):
    """Lines of the document by which the compiler found something wrong, and what."""
    source = BEGIN + "".join(function(f"line{row.line}", code, row.line) for row, code in snippets) + "};\n"
    limit = "-ferror-limit=0" if "clang" in compiler else "-fmax-errors=0"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wno-unused", "-Wunused-result", "-Wno-unused-parameter", "-Werror",
             "-Wno-error=uninitialized", limit, "-fsyntax-only", "-x", "c++", f"-iquote{include}/pjauth",
             f"-I{include}", "-"]
    done = subprocess.run([compiler, *flags], input=source, capture_output=True, text=True)
    found = collections.defaultdict(str)
    for number, text in re.findall(r"^<stdin>:(\d+):(.*)", done.stderr, flags=re.M):
        found[int(number)] += text + "\n"
    found["all"] = done.stderr
    return done.returncode, found


def main():
    known = list(rows(pathlib.Path(document).read_text()))
    kinds = collections.Counter(row.kind for row in known)
    wrong = []
    status, found = compile_all([(row, row.code) for row in known if row.kind == "same"] +
                                [(row, row.here) for row in known if row.kind == "edit"])
    if status != 0:
        wrong += [f"line {line} does not compile:\n{text}" for line, text in found.items() if line != "all"]
        wrong += [] if len(found) > 1 else [found["all"]]
    _, found = compile_all([(row, row.code) for row in known if row.kind != "same"])
    everything = found.pop("all")
    for row in known:
        if row.kind != "same" and row.line not in found:
            wrong.append(f"line {row.line} compiles: {row.code}")
        if row.kind == "missing":
            name = re.search(r"(?:->|\.)(\w+)[<(]", row.code)[1]
            said = [text for text in re.findall(r"error: (.*)", everything) if f"{name}()" in text]
            if not any(row.here in text for text in said):
                wrong.append(f"line {row.line}: nothing says {row.here!r} of {name}(), but {said}")
    for text in wrong:
        print(text)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    if wrong or len(known) < 70 or not all(kinds[kind] for kind in ("same", "edit", "missing")):
        sys.exit(f"{len(wrong)} of {len(known)} lines are not as the document says")


main()
