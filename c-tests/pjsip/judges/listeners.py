"""Where the registrar listens: UDP, TCP and, with a certificate of the moment, TLS.

Each calls `on_message(data, over, send, close)` for a message; UDP leaves `close` out.
"""

import asyncio
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile

HOST = "127.0.0.1"
PAUSE_SECONDS = 0.05
LONGEST_HEAD = 1 << 20
OPENSSL = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
           "-subj", f"/CN={HOST}", "-days", "2"]


class Udp(asyncio.DatagramProtocol):
    def __init__(self, on_message):
        self.on_message = on_message

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.on_message(data, "udp", lambda packet: self.transport.sendto(packet, addr))


async def serve_stream(on_message, over, reader, writer):
    def close():
        """Over TLS a close_notify goes first; what PJSIP heeds is the end of the connection."""
        writer.close()
        asyncio.get_running_loop().call_later(PAUSE_SECONDS, writer.transport.abort)

    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lstrip()
            if not head:
                continue
            length = re.search(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length.group(1)) if length else 0)
            on_message(head + body, over, writer.write, close)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def listen_stream(on_message, over, port=0, context=None):
    return await asyncio.start_server(lambda r, w: serve_stream(on_message, over, r, w), HOST, port,
                                      limit=LONGEST_HEAD, ssl=context)


async def listen_plain(on_message):
    """UDP and TCP on one ephemeral port; the two may clash, so try again."""
    loop = asyncio.get_running_loop()
    for _ in range(20):
        udp, _ = await loop.create_datagram_endpoint(lambda: Udp(on_message), (HOST, 0))
        port = udp.get_extra_info("sockname")[1]
        try:
            await listen_stream(on_message, "tcp", port)
        except OSError:
            udp.close()
            continue
        return port
    raise OSError("no port free for both UDP and TCP")


def certified():
    """A server's context with a self-signed certificate, which nobody is asked to trust; or None and why not."""
    if not shutil.which("openssl"):
        return None, "openssl, which makes the registrar's certificate, is not installed"
    with tempfile.TemporaryDirectory(prefix="pjauth-registrar-") as folder:
        files = pathlib.Path(folder, "key.pem"), pathlib.Path(folder, "certificate.pem")
        made = subprocess.run([*OPENSSL, "-keyout", files[0], "-out", files[1]], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=30)
        if made.returncode:
            return None, "openssl makes no certificate for the registrar"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files[1], files[0])
    return context, ""


async def listen(on_message):
    """Returns the port of each transport, and why there is no TLS where there is none."""
    port = await listen_plain(on_message)
    ports = {"udp": port, "tcp": port}
    context, why_not = certified()
    if context:
        tls = await listen_stream(on_message, "tls", context=context)
        ports["tls"] = tls.sockets[0].getsockname()[1]
    return ports, why_not
