"""A server program under test: it prints `listening IP:PORT` and then what happens, and ends with its input."""
import queue
import re
import socket
import subprocess
import threading
import time

PATIENCE = 20


def free_port():
    """A port on loopback that is free for UDP and TCP."""
    for _ in range(100):
        with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            stream.bind(("127.0.0.1", 0))
            try:
                datagrams.bind(stream.getsockname())
            except OSError:
                continue
            return stream.getsockname()[1]
    raise AssertionError("no port is free for both UDP and TCP")


class Program:
    def __init__(self, *command, **options):
        self.lines = []
        self.arrived = queue.Queue()
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, **options)
        threading.Thread(target=self._read, daemon=True).start()
        try:
            ip, port = re.match(r"listening (.*):(\d+)$", self.expect("listening ")).groups()
        except BaseException:
            self.process.kill()
            raise
        self.address = ip, int(port)

    def _read(self):
        for line in self.process.stdout:
            self.arrived.put(line.rstrip("\n"))
        self.arrived.put(None)

    def expect(self, start):
        """Reads lines up to the first that starts so, and returns it."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.arrived.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line {start!r} after: {self.lines}")
            self.lines.append(line)
            if line.startswith(start):
                return line

    def stop(self):
        """Ends the program. Returns all its lines."""
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        assert status == 0, f"exit status {status} after: {self.lines}"
        while True:
            line = self.arrived.get(timeout=PATIENCE)
            if line is None:
                return self.lines
            self.lines.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def check(condition, text):
    if not condition:
        raise AssertionError(text)
