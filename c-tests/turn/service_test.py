"""The server that operators run, examples/turn_service.cpp: service_test.py PROGRAM EXAMPLES"""
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from program import PATIENCE, Program, check, free_port
from turn_client import Client, Peer, Refused, exchange


CERTIFICATES = pathlib.Path(__file__).resolve().parent / "certificates"


class Systemd:
    """Who is told what the service does."""

    def __init__(self, folder):
        self.path = f"{folder}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)

    def hears(self, word):
        text = self.socket.recv(4096).decode()
        check(word in text.split("\n"), f"told {text!r}, not {word}")
        return text


class Service(Program):
    def __init__(self, program, folder, systemd):
        self.port, self.metrics_port = free_port(), free_port()
        self.file = pathlib.Path(folder, "turn.conf")
        self.log = open(f"{folder}/log", "w+")
        self.write()
        super().__init__(program, self.file, stderr=self.log, env={**os.environ, "NOTIFY_SOCKET": systemd.path})

    def write(self, *lines, user="joe:secret"):
        self.file.write_text("\n".join([f"listen = 127.0.0.1:{self.port} udp+tcp", f"metrics = 127.0.0.1:{self.metrics_port}",
                                        f"user = {user}", "allow = 127.0.0.0/8", "# a comment", "", *lines]))

    def reload(self, systemd):
        self.process.send_signal(signal.SIGHUP)
        systemd.hears("RELOADING=1")
        systemd.hears("READY=1")

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=PATIENCE) as page:
            return page.read().decode()

    def figure(self, name):
        return int(re.search(rf"^pjauth_turn_{re.escape(name)} (\d+)$", self.get("/metrics"), re.M)[1])


def code_of(address, user, password):
    with Client(address, user, password) as client:
        try:
            client.allocate()
        except Refused as refused:
            return refused.code
    return 0


def scraped(service):
    """Prometheus' page, whatever others do to the port meanwhile."""
    slow = [socket.create_connection(("127.0.0.1", service.metrics_port)) for _ in range(3)]
    slow[0].sendall(b"GET /metrics HTTP/1.1\r\n")
    slow[1].sendall(b"x" * 20000)
    check(service.figure("allocations") == 1, "one allocation is there")
    check(service.figure('error_responses_total{code="401"}') == 1, "one 401 was sent")
    for request, status in (("/nothing", 404), ("/", 404)):
        try:
            service.get(request)
            check(False, f"{request} is there")
        except urllib.error.HTTPError as error:
            check(error.code == status, f"{request}: {error.code}")
    slow[2].sendall(b"POST /metrics HTTP/1.1\r\n\r\n")
    check(slow[2].recv(100).startswith(b"HTTP/1.1 405 "), "a POST is answered")
    slow[0].sendall(b"\r\n")
    check(slow[0].recv(100).startswith(b"HTTP/1.1 200 "), "a slow request is answered")
    for one in slow:
        one.close()


def reloaded(service, systemd):
    service.write("user = ann:hush", "user_quota = 1", "min_port = 50000")
    service.reload(systemd)
    with Client(service.address, "ann", "hush") as client:
        client.allocate()
        check(code_of(service.address, "ann", "hush") == 486, "the quota of the new file")
        client.refresh(0)
    check("as before until the next start: min_port" in service.logged(), service.logged())
    # One without sense changes nothing, neither of what stands before the mistake nor after it.
    for mistake in ("no_such_option = 1", "user_quota = many", "max_lifetime = 0", "allow = 300.0.0.0/8", "nonsense"):
        service.write("user_quota = 0", mistake, user="eve:evil")
        service.reload(systemd)
        check(code_of(service.address, "eve", "evil") == 401, f"{mistake}: the users are the new ones")
        with Client(service.address, "ann", "hush") as client:
            client.allocate()
            check(code_of(service.address, "ann", "hush") == 486, f"{mistake}: the quota is the new one")
            client.refresh(0)


def drained(service, systemd, client):
    service.process.send_signal(signal.SIGTERM)
    systemd.hears("STOPPING=1")
    check(code_of(service.address, "ann", "hush") == 300, "new clients are sent elsewhere")
    exchange(client, Peer())
    check(service.figure("allocations") == 1, "whoever is there stays")
    client.refresh(0)
    check(service.process.wait(PATIENCE) == 0, "it ends with the last client")


def in_order(program):
    with tempfile.TemporaryDirectory() as folder:
        systemd = Systemd(folder)
        with Service(program, folder, systemd) as service:
            systemd.hears("READY=1")
            with Client(service.address, "joe", "secret", "tcp") as client:
                client.allocate()
                scraped(service)
                reloaded(service, systemd)
                service.write("user = ann:hush", "alternate = 192.0.2.7:3478")
                service.reload(systemd)
                drained(service, systemd, client)


def without_patience(program):
    """Users that are gone lose their allocations; a second signal ends a drain; a file without sense starts nothing."""
    with tempfile.TemporaryDirectory() as folder:
        systemd = Systemd(folder)
        with Service(program, folder, systemd) as service:
            systemd.hears("READY=1")
            with Client(service.address, "joe", "secret") as joe:
                joe.allocate()
                service.write(user="ann:hush")
                service.reload(systemd)
                check(service.figure("allocations") == 0, "the user is gone")
            with Client(service.address, "ann", "hush") as ann:
                ann.allocate()
                service.process.send_signal(signal.SIGTERM)
                systemd.hears("STOPPING=1")
                service.process.send_signal(signal.SIGTERM)
                check(service.process.wait(PATIENCE) == 0, "it ends at once")
                check("ending with 1 allocations left" in service.logged(), service.logged())
        for text in ("", "listen = 127.0.0.1:1\nlisten = x", "listen = 127.0.0.1:99999", "listen = 127.0.0.1:0 sctp",
                     "listen = 127.0.0.1:0\nuser = joe", "listen = 127.0.0.1:0\nmax_held = -1"):
            file = pathlib.Path(folder, "bad.conf")
            file.write_text(text)
            ended = subprocess.run([program, file], capture_output=True, text=True, timeout=PATIENCE)
            check(ended.returncode == 1 and "bad.conf" in ended.stderr, f"{text!r}: {ended}")


def encrypted(program):
    """TLS: SIGHUP brings the certificate that the files have by then; one that is none changes nothing at all."""
    with tempfile.TemporaryDirectory() as folder:
        systemd, port = Systemd(folder), free_port()
        chain, key = pathlib.Path(folder, "chain.pem"), pathlib.Path(folder, "key.pem")

        def certified(name):
            chain.write_text((CERTIFICATES / f"{name}.pem").read_text())
            key.write_text((CERTIFICATES / f"{name}.key").read_text())

        class Encrypted(Service):
            def write(self, *lines, **options):
                super().write(f"listen = 127.0.0.1:{port} tls", f"certificate = {chain} {key}", *lines, **options)

        context = ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))

        def met(user="joe", password="secret"):
            """Whose certificate a client gets to see that does what clients do."""
            with Client(("127.0.0.1", port), user, password, "tls", tls=context) as client:
                client.allocate()
                return dict(*client.socket.getpeercert()["subject"])["commonName"]

        certified("turn")
        with Encrypted(program, folder, systemd) as service:
            systemd.hears("READY=1")
            check(met() == "turn.test", "the first certificate")
            certified("other")
            check(met() == "turn.test", "nobody has said that the files have changed")
            service.reload(systemd)
            check(met() == "other.test", "the certificate after SIGHUP")
            chain.write_text("nothing")
            service.write("user = ann:hush")
            service.reload(systemd)
            check(met() == "other.test", "a certificate that is none has changed something")
            check(code_of(service.address, "ann", "hush") == 401, "the users are the new ones")
            check("chain.pem" in service.logged(), service.logged())
            certified("turn")
            service.reload(systemd)
            check(met("ann", "hush") == "turn.test", "the certificate after it is one again")


def of_systemd(program, examples):
    """The unit is one that systemd takes, and the sample file one that the program reads as far as the listener."""
    settings = pathlib.Path(examples, "turn_service.conf").read_text()
    unit = pathlib.Path(examples, "turn_service.service").read_text()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "turn_service.conf")
        file.write_text(settings.replace("listen = *:3478", "listen = 192.0.2.1:3478").replace("127.0.0.1:9641", "127.0.0.1:0"))
        ended = subprocess.run([program, file], capture_output=True, text=True, timeout=PATIENCE)
        check("cannot listen on UDP 192.0.2.1:3478" in ended.stderr, ended.stderr)
        if not shutil.which("systemd-analyze"):
            print("systemd-analyze is not here: the unit was not looked at")
            return
        copy = pathlib.Path(folder, "turn_service.service")
        copy.write_text(unit.replace("/usr/local/bin/turn_service", program))
        found = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=PATIENCE)
        check("turn_service.service:" not in found.stderr, found.stderr)


if __name__ == "__main__":
    program, examples = sys.argv[1:]
    in_order(program)
    without_patience(program)
    encrypted(program)
    of_systemd(program, examples)
    print("passed")
