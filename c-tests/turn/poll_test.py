"""The example turn_poll, for real: poll_test.py PROGRAM [WRAPPER...] runs WRAPPER... PROGRAM"""
import sys
import time

from program import Program, check, free_port
from turn_client import Client, Peer, Refused, exchange


def refusal(client):
    try:
        client.allocate()
    except Refused as refused:
        return refused.code
    raise AssertionError("the allocation was granted")


def main(program, *wrapper):
    with Program(*wrapper, program, "--listen", f"127.0.0.1:{free_port()}", "--allow", "127.0.0.0/8", "--user",
                 "joe:secret", "--delay", "300") as server:
        with Client(server.address, "joe", "secret", resend=0.1) as client:
            began = time.monotonic()
            ip, port = client.allocate()
            check(time.monotonic() - began >= 0.3, "answered before the decision")
            check(client.sent >= 4, "the client did not have to wait")
            server.expect(f"created   joe {ip}:{port}")
            exchange(client, Peer())
            check(client.refresh(0) == 0, "the allocation is not deleted")
            server.expect(f"removed   joe {ip}:{port}: 16 bytes")
        for user, password in (("joe", "guess"), ("nobody", "secret")):
            with Client(server.address, user, password) as client:
                check(refusal(client) == 401, f"{user} is let in")
        with Client(server.address, "joe", "secret") as client, Client(server.address, "joe", "secret") as other:
            client.allocate()
            other.allocate()
            exchange(client, Peer())
            exchange(other, Peer())
            lines = server.stop()
    created = sum(line.startswith("created") for line in lines)
    removed = sum(line.startswith("removed") for line in lines)
    check(created == removed == 3, f"created {created}, removed {removed}: {lines}")


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:])
