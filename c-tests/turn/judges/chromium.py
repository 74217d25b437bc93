"""A browser: two pages in two headless Chromiums, each allowed nothing but relay candidates, pass messages on a data
channel. getStats() must say that both ends of the pair in use are relayed.

usage: chromium.py SERVER CASE
"""

import http.server
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from contextlib import ExitStack, contextmanager
from pathlib import Path

import lab

MESSAGES = 200
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
         "--disable-dev-shm-usage", "--no-proxy-server", "--allow-loopback-in-peer-connection"]


class Exchange(http.server.BaseHTTPRequestHandler):
    """Serves the page, and keeps what is posted to a path for whoever asks for it."""

    def do_GET(self):
        path = urllib.parse.urlparse(self.path).path
        if path == "/page":
            self.answer(200, "text/html", (Path(__file__).parent / "page.html").read_bytes())
        elif path in self.server.posted:
            self.answer(200, "application/json", self.server.posted[path])
        else:
            self.answer(204, "text/plain", b"")

    def do_POST(self):
        self.server.posted[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, "text/plain", b"")

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def exchange():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    server.posted = {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trust(home):
    """Puts the authority into the certificates that a browser of this home has."""
    certutil = lab.need("certutil", "libnss3-tools")
    for folder in ".pki/nssdb", ".local/share/pki/nssdb":
        store = Path(home, folder)
        store.mkdir(parents=True)
        for words in (["-N", "--empty-password"], ["-A", "-n", "authority", "-t", "C,,", "-i", lab.AUTHORITY]):
            subprocess.run([certutil, "-d", f"sql:{store}", *words], check=True, stdin=subprocess.DEVNULL)


def browse(browser, url):
    """A context in which a fresh Chromium shows the page."""
    stack = ExitStack()
    profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
    if "scheme=turns" in url:
        trust(profile)
        browser = ["env", f"HOME={profile}", browser]
    else:
        browser = [browser]
    log = stack.enter_context(open(f"{profile}/log", "w"))
    stack.enter_context(lab.running(*browser, *FLAGS, f"--user-data-dir={profile}/data", url, log=log))
    return stack


def reports(kind, transport, password, *options):
    """What the two pages reported: caller and callee."""
    browser = lab.need("chromium", "chromium")
    tls = transport == "tls"
    with lab.server(kind, *options, tls=tls) as server, exchange() as site, ExitStack() as pages:
        for role in "caller", "callee":
            host, port = server.address
            query = urllib.parse.urlencode({"role": role, "scheme": "turns" if tls else "turn", "host": host, "port": port,
                                            "transport": "tcp" if tls else transport,
                                            "user": lab.USER, "password": password})
            pages.enter_context(browse(browser, f"http://127.0.0.1:{site.server_port}/page?{query}"))
        for _ in range(900):
            done = [site.posted.get(f"/report/{role}") for role in ("caller", "callee")]
            if all(done):
                return [json.loads(report) for report in done]
            time.sleep(0.1)
        sys.exit(f"FAIL no report from the pages; posted: {list(site.posted)}")


def relays(transport, *options):
    def case(kind):
        for role, report in zip(("caller", "callee"), reports(kind, transport, lab.PASSWORD, *options)):
            print(role, report)
            lab.check("error" not in report, f"the {role} failed")
            pair = report["pair"]
            lab.check(report["messages"] == MESSAGES, f"{report['messages']} of {MESSAGES} messages arrived whole")
            lab.check(pair["local"] == pair["remote"] == "relay", "the pair in use is not relayed")
            lab.check(pair["transport"] == transport, f"the server was reached over {pair['transport']}")
    return case


def refuses_password(kind):
    for role, report in zip(("caller", "callee"), reports(kind, "udp", "wrong")):
        print(role, report)
        lab.check("error" in report and report["candidates"] == 0, f"the {role} got in with a wrong password")


CASES = {
    "udp": relays("udp"),
    "tcp": relays("tcp"),
    "tls": relays("tls"),
    "delayed": relays("udp", "--delay-ms", "200"),
    "password": refuses_password,
}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
