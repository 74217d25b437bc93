"""Unmodified Asterisk from the private root, in a folder of its own.

Loopback only; it is started and stopped by its process id.
"""

import contextlib
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_pjproject", "res_pjsip",
           "res_pjsip_outbound_authenticator_digest", "res_pjsip_outbound_registration",
           "res_pjsip_authenticator_digest", "res_pjsip_endpoint_identifier_user", "res_pjsip_registrar"]
START_SECONDS = 20


class Root:
    """The private root: paths as asterisk_root.sh prints them."""

    def __init__(self, root):
        script = HERE.parent / "rig" / "asterisk_root.sh"
        run = subprocess.run([script, root], stdout=subprocess.PIPE, text=True, check=False)
        if run.returncode == 77:
            print(run.stdout.strip())
            sys.exit(77)
        run.check_returncode()
        self.paths = dict(line.split("=", 1) for line in run.stdout.split())

    def command(self, program, *args, preload=None):
        """The argument list that runs `program` on the root's own libraries."""
        line = [self.paths["LOADER"], "--library-path", self.paths["LIBS"]]
        if preload:
            line += ["--preload", str(preload)]
        return line + [str(program), *args]


def free_port(kind=socket.SOCK_DGRAM):
    """A port free on loopback a moment ago: Asterisk takes no port 0. It is none of those that port 0 stands for
    elsewhere, which others take in the meantime."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket(socket.AF_INET, kind) as s:
            with contextlib.suppress(OSError):
                s.bind(("127.0.0.1", port))
                return port
    raise OSError("no port free for Asterisk")


def write_configuration(folder, root, pjsip):
    for name in ("etc", "lib", "db", "spool", "run", "log"):
        (folder / name).mkdir()
    libs = pathlib.Path(root.paths["LIBS"])
    data = libs.parents[1] / "share" / "asterisk"
    (folder / "etc/asterisk.conf").write_text(
        f"[directories]\nastetcdir => {folder}/etc\nastmoddir => {libs}/asterisk/modules\n"
        f"astvarlibdir => {folder}/lib\nastdbdir => {folder}/db\nastkeydir => {folder}/lib\n"
        f"astdatadir => {data}\nastagidir => {folder}/lib\nastspooldir => {folder}/spool\n"
        f"astrundir => {folder}/run\nastlogdir => {folder}/log\n")
    (folder / "etc/modules.conf").write_text(
        "[modules]\nautoload=no\n" + "".join(f"load => {m}.so\n" for m in MODULES))
    (folder / "etc/logger.conf").write_text("[logfiles]\nmessages => notice,warning,error,verbose\n")
    (folder / "etc/pjsip.conf").write_text(pjsip)


@contextlib.contextmanager
def running(root, pjsip, preload=None):
    """Starts Asterisk with this pjsip.conf; gives (process, folder of logs)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pjauth-asterisk-"))
    try:
        write_configuration(folder, root, pjsip)
        line = root.command(root.paths["ASTERISK"], "-f", "-C", str(folder / "etc/asterisk.conf"), preload=preload)
        with open(folder / "out", "w", encoding="utf-8") as out:
            process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            yield process, folder
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def log_of(folder):
    texts = [(folder / name).read_text(errors="replace") for name in ("out", "log/messages")
             if (folder / name).exists()]
    return "\n".join(texts)


def wait_for(condition, seconds=START_SECONDS):
    """Polls until `condition()` is true or the time is up; returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return condition()
