"""registrar.py as a child, for tests that are Python programs themselves."""

import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent


class RegistrarProcess:
    """registrar.py, and the lines it has printed so far."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-B", HERE / "registrar.py"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.port = ready["port"]
        self.ports = {"udp": self.port, "tcp": self.port}
        if "tls" in ready:
            self.ports["tls"] = ready["tls"]
        self.no_tls = ready.get("no_tls")
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def of(self, user):
        return [e for e in list(self.lines) if e.get("user") == user]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
