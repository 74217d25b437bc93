"""The server behind proxies that speak the PROXY protocol: HAProxy, nginx, and headers made here.

What a client behind a proxy is told of its address is its own, its allocation works, and nobody else may speak for
others.

usage: proxied.py SERVER CASE
"""

import contextlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lab
import wire
from turn_client import Client, Peer, exchange, plain_address

PROXY = ["--proxy", "127.0.0.1"]
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v1(client):
    return f"PROXY TCP4 {client[0]} 192.0.2.1 {client[1]} 3478\r\n".encode()


def v2(client, extra=b""):
    addresses = socket.inet_aton(client[0]) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", client[1], 3478)
    return V2 + b"\x21\x11" + struct.pack("!H", len(addresses + extra)) + addresses + extra


def connect(server, source="127.0.0.1"):
    connection = socket.socket()
    connection.settimeout(5)
    connection.bind((source, 0))
    connection.connect(server.address)
    return connection


def binding(connection, header=b"", at_a_time=None):
    """The address that the server sees; None where it ended the connection instead."""
    data = header + wire.request(wire.BINDING)[0]
    step = at_a_time or len(data)
    try:
        for begin in range(0, len(data), step):
            connection.sendall(data[begin:begin + step])
            if at_a_time:
                time.sleep(0.002)
        answer = connection.recv(2048)
    except (ConnectionResetError, BrokenPipeError):
        return None
    return wire.address_of(wire.parse(answer)[2][wire.XOR_MAPPED_ADDRESS]) if answer else None


def headers(kind):
    """Both versions, whole and byte by byte; a proxy that speaks for itself."""
    client = ("203.0.113.7", 51000)
    longer = v2(client, extra=b"\x04\0\x80" + bytes(128))
    with lab.server(kind, *PROXY) as server:
        for header in v1(client), v2(client), longer:
            for at_a_time in None, 1:
                with connect(server) as connection:
                    seen = binding(connection, header, at_a_time)
                    lab.check(seen == client, f"{header} {at_a_time}: the client is seen at {seen}")
                    lab.check(binding(connection) == client, "and at another address later")
        for header in b"PROXY UNKNOWN\r\n", V2 + b"\x20\0\0\0":
            with connect(server) as connection:
                seen = binding(connection, header)
                lab.check(seen == connection.getsockname(), f"{header}: a proxy that is itself is seen at {seen}")


def refused(kind):
    """A proxy without a good header, and a header of somebody who is no proxy."""
    client = ("203.0.113.7", 51000)
    with lab.server(kind, *PROXY) as server:
        for header in (b"", b"GET / HTTP/1.1\r\n\r\n", v1(("2001:db8::7", 1)), v1(("203.0.113.7", 70000)),
                       V2 + b"\x21\x11\0\x02\0\0", V2[:-1] + b"!", b"PROXY " + b"x" * 200):
            with connect(server) as connection:
                seen = binding(connection, header)
                lab.check(seen is None, f"{header}: answered, as of {seen}")
        for header in v1(client), v2(client):
            with connect(server, source="127.0.0.2") as connection:
                seen = binding(connection, header)
                lab.check(seen is None, f"a stranger's {header}: answered, as of {seen}")
        with connect(server, source="127.0.0.2") as connection:
            lab.check(binding(connection) == connection.getsockname(), "a client beside the proxy is served")


def limits(kind):
    """Connections count for the client that a proxy names, not for the proxy."""
    with lab.server(kind, *PROXY) as server, contextlib.ExitStack() as open_ones:
        def comes(client):
            return binding(open_ones.enter_context(connect(server)), v1(client)) == client

        for number in range(256):
            lab.check(comes(("203.0.113.7", 10000 + number)), f"connection {number} of one client")
        lab.check(not comes(("203.0.113.7", 20000)), "one more of that client is refused")
        lab.check(comes(("203.0.113.8", 20000)), "and another client is served")


@contextlib.contextmanager
def haproxy(server, version):
    port = lab.free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "haproxy.cfg")
        config.write_text(f"""
            defaults
                mode tcp
                timeout connect 5s
                timeout client 30s
                timeout server 30s
            listen turn
                bind 127.0.0.1:{port}
                server turn 127.0.0.1:{server.port} {version}\n""")
        with lab.running(lab.need("haproxy", "haproxy"), "-db", "-f", config):
            yield port


@contextlib.contextmanager
def nginx(server, version):
    port, program = lab.free_port(), lab.need("nginx", "nginx")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "nginx.conf")
        modules = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
        load = f"load_module {modules};" if modules.exists() else ""
        config.write_text(f"""
            {load}
            daemon off;
            master_process off;
            pid {folder}/pid;
            error_log {folder}/error.log;
            events {{ worker_connections 64; }}
            stream {{ server {{
                listen 127.0.0.1:{port};
                proxy_pass 127.0.0.1:{server.port};
                proxy_protocol on;
            }} }}
            """)
        known = subprocess.run([program, "-t", "-e", f"{folder}/error.log", "-p", folder, "-c", config],
                               capture_output=True, text=True)
        if known.returncode != 0 and "stream" in known.stderr:
            lab.skip("nginx has no stream module here (Debian package libnginx-mod-stream)")
        with lab.running(program, "-e", f"{folder}/error.log", "-p", folder, "-c", config):
            yield port


def behind(proxy, version):
    def case(kind):
        with lab.server(kind, *PROXY) as server, proxy(server, version) as port:
            for _ in range(400):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            # From another address than the proxy's own, which the server must be told.
            with Client(("127.0.0.1", port), lab.USER, lab.PASSWORD, "tcp", source="127.0.0.77") as client:
                answer = client.binding()
                mapped = plain_address(answer.attributes[wire.XOR_MAPPED_ADDRESS], answer.id)
                lab.check(mapped == client.socket.getsockname(), f"seen at {mapped}")
                client.allocate()
                exchange(client, Peer())
    return case


CASES = {"headers": headers, "refused": refused, "limits": limits, "haproxy-v1": behind(haproxy, "send-proxy"),
         "haproxy-v2": behind(haproxy, "send-proxy-v2"), "nginx": behind(nginx, "")}

if __name__ == "__main__":
    sys.exit(lab.main(CASES))
