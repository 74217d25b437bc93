#!/usr/bin/env python3
"""The Python wheel pjsua2-python with the library preloaded: phone.py registers with the tests' registrar, and
vault_phone.py registers and calls with a password that comes two seconds later.

usage: wheel_test.py PYTHON CASE [LIBPJAUTH]

PYTHON is that of the wheel's environment. Cases: `registers` and `vault`, with a library that was built for the wheel's
pjproject; `aside`, with one that was built for another; `control`, without any.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "pjsip" / "judges"))

from registrar_process import RegistrarProcess  # noqa: E402

# Scenario, transport, and whether the wheel's own PJSIP can answer it: its OpenSSL is too old for SHA-512-256, and
# lists in qop are beyond it. What it cannot is answered by our code or not at all.
REGISTRATIONS = [("md5-401", "udp", True), ("md5-407", "tcp", True), ("sha-256-401", "udp", True),
                 ("sha-256-407", "tcp", True), ("sha-512-256-401", "udp", False), ("qop-list", "tcp", False)]
RUN_SECONDS = 60


class Verdicts:
    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, name, good, why=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"ok {name}" if good else f"FAIL {name} {why}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, 0 skipped")
        return self.failed != 0


def run_phone(python, program, arguments, library, bindings=None):
    """Runs one of the programs; with a folder for `bindings`, the dynamic linker writes down there what it binds."""
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    if library:
        env["LD_PRELOAD"] = library
    if bindings:
        env |= {"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": str(bindings / "ld")}
    done = subprocess.run([python, "-B", HERE / program, *arguments], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_SECONDS)
    return done.returncode, done.stdout


def register(verdict, registrar, python, scenario, transport, library, accepted, bindings=None):
    name = f"{scenario}-{transport}"
    status, text = run_phone(python, "phone.py", [str(registrar.port), scenario, transport], library, bindings)
    events = registrar.of(scenario)
    faults = [fault for event in events for fault in event["faults"]]
    said = re.search(r"^registered (\d+) (\d+)$", text, flags=re.M)
    good = status == 0 and said and events and not faults and (said.groups() == ("0", "200")) == accepted
    verdict(name if accepted else f"{name}-refused", good, f"exit {status}: {text[-1500:]} {events}")
    return text


def check_bindings(verdict, folder):
    """The wheel's calls of the object's functions reach us, all of them, and ours of PJSIP reach the wheel."""
    lines = "".join(path.read_text() for path in folder.iterdir())
    bound = re.findall(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: normal symbol `(pj\w+)'", lines)
    listed = set((ROOT / "src/pjsip/symbols-2.15.txt").read_text().split())
    theirs = {name: "libpjauth" in to for user, to, name in bound if "_pjsua2" in user and name in listed}
    verdict("wheel-binds-to-pjauth", len(theirs) > 10 and all(theirs.values()), theirs)
    ours = {name: "_pjsua2" in to for user, to, name in bound
            if "libpjauth" in user and name not in listed and not name.startswith("pjauth_")}
    verdict("pjauth-binds-to-wheel", "pj_get_version" in ours and all(ours.values()), ours)


# What vault_phone.py says: PJSIP's threads, in this order; and the vault's own, beside them, with the status, whether
# the two seconds had passed, and the thread's name.
PHONE_SAYS = ["challenged", "registered 0 200", "call CALLING", "challenged", "call CONNECTING", "call CONFIRMED",
              "call DISCONNECTED", "done"]
VAULT_SAYS = ["answered 0 late vault"] * 2


def vault(verdict, registrar, python, transport, library):
    """Registers and calls: a challenge each, answered by another thread two seconds later; both accepted at once."""
    caller, callee = f"sha-256-{401 if transport == 'tcp' else 407}", "invite"
    before = len(registrar.lines)
    arguments = [str(registrar.port), caller, callee, transport]
    status, text = run_phone(python, "vault_phone.py", arguments, library)
    lines = text.splitlines()
    phone_said = [line for line in lines if line.split(" ")[0] in {line.split(" ")[0] for line in PHONE_SAYS}]
    vault_said = [line for line in lines if line.startswith("answered")]
    good = status == 0 and phone_said == PHONE_SAYS and vault_said == VAULT_SAYS
    verdict(f"vault-{transport}", good, f"exit {status}: {text[-2000:]}")
    events = registrar.lines[before:]
    statuses = [event["status"] for event in events if event["method"] in ("REGISTER", "INVITE")]
    expected = [int(caller[-3:]), 200, 407, 200, int(caller[-3:]), 200]
    verdict(f"vault-{transport}-on-the-wire", statuses == expected and not any(e["faults"] for e in events), events)


def main():
    python, case, *rest = sys.argv[1:]
    library = rest[0] if rest else None
    verdict = Verdicts()
    registrar = RegistrarProcess()
    if case == "vault":
        for transport in "tcp", "udp":
            vault(verdict, registrar, python, transport, library)
        registrar.stop()
        return verdict.end()
    for scenario, transport, stock_can in REGISTRATIONS:
        accepted = stock_can or case == "registers"
        text = register(verdict, registrar, python, scenario, transport, library, accepted)
        if case == "aside":
            verdict("says-so-once", text.count("stepping aside") == 1, text[-1500:])
    if case == "registers":
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            register(verdict, registrar, python, "noalg", "udp", library, True, folder)
            check_bindings(verdict, folder)
    registrar.stop()
    return verdict.end()


if __name__ == "__main__":
    sys.exit(main())
