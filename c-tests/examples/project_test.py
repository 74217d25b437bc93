"""The examples as a user's own project: built from what is installed, and run.

    project_test.py turn                    the project without pjproject
    project_test.py sip                     the project with it, and the C++ example against a registrar, linked both ways
    project_test.py register COMMAND...     that example alone
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT, STAGE = Path(os.environ["PJAUTH_ROOT"]), Path(os.environ["PJAUTH_STAGE"])
REGISTRAR = ROOT / "c-tests/pjsip/judges/registrar.py"


def run(*words, env=None, ok=True):
    """What a command prints; where it fails, the test ends with that."""
    done = subprocess.run([str(word) for word in words], env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=800)
    if ok and done.returncode != 0:
        sys.exit(f"$ {' '.join(map(str, words))}\n{done.stdout}FAIL exit status {done.returncode}")
    return done.stdout


def built(out, **env):
    """Builds the project, and returns the names of its programs."""
    run("cmake", "-S", ROOT / "examples", "-B", out, f"-DCMAKE_PREFIX_PATH={STAGE}",
        "-DCMAKE_C_FLAGS=-D_DEFAULT_SOURCE -Wall -Wextra -Werror", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror", env=env)
    run("cmake", "--build", out)
    return {path.name for path in Path(out).iterdir() if path.is_file() and os.access(path, os.X_OK)}


def turn(out):
    """Without PJSIP the rest is built all the same."""
    programs = built(out, PKG_CONFIG_LIBDIR="/nowhere", PKG_CONFIG_PATH="")
    wanted = {"turn_server_c", "turn_poll_c", "turn_server_cpp", "turn_service_cpp"}
    assert programs == wanted, f"built {programs}"
    said = run(f"{out}/turn_server_cpp", "--nonsense", ok=False)
    assert "usage" in said.lower(), said


def sip(out):
    programs = built(out)
    assert {"register", "register_static", "vault_register", "turn_server_cpp"} <= programs, f"built {programs}"
    for name in ("register", "register_static"):
        register("env", f"LD_LIBRARY_PATH={STAGE}/lib", f"{out}/{name}")


def register(*command):
    """One registration is answered by the vault, and one given up."""
    registrar = subprocess.Popen([sys.executable, "-B", str(REGISTRAR)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True)
    try:
        port = json.loads(registrar.stdout.readline())["port"]
        said = run(*command, f"127.0.0.1:{port}", "sha-256-401", "Circle of Life")
        assert "tokens: 2 lent, 1 sent, 1 given up, 0 outstanding" in said, said
        answered = [json.loads(line) for line in registrar.communicate(timeout=30)[0].splitlines()]
        codes = [entry.get("status", entry.get("code")) for entry in answered]
        assert codes.count(200) == 1 and codes.count(401) == 2, answered
    finally:
        registrar.kill()
        registrar.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if sys.argv[1] == "register":
        register(*sys.argv[2:])
    else:
        with tempfile.TemporaryDirectory() as out:
            {"turn": turn, "sip": sip}[sys.argv[1]](out)
