"""A judge of the sockets' way again, between hosts whose channel data goes by way of the kernel; the figure says that it did.

usage: by_kernel.py SERVER PAIR LEAST JUDGE CASE [PROGRAM]

PAIR are the families of client and peer, as in 46; JUDGE and CASE name a script of judges/ and one of its cases, which
runs at the client's host. LEAST is how many packets the kernel relays then.
"""
import subprocess
import sys
import threading
from pathlib import Path

from hosts import SKIPPED, check
from kernel import NEAR, PEER, PORT, needs_kernel, start, street

JUDGES = Path(__file__).resolve().parent.parent / "judges"
# And the next, where coturn's client has what it takes for RTCP.
ECHO = 7000


def echo(peer):
    """Sends back whatever comes."""
    peer.settimeout(None)
    while True:
        peer.sendto(*peer.recvfrom(65536))


def main():
    program, (family, beyond), least, judge, *words = sys.argv[1:]
    server, near, far = street()
    for port in ECHO, ECHO + 1:
        threading.Thread(target=echo, args=[far.udp(PEER[int(beyond)], port)], daemon=True).start()
    place = f"elsewhere,{NEAR[int(family)]},{PORT},{PEER[int(beyond)]},{ECHO}"
    with start(server, program) as running:
        needs_kernel(running)
        command = ["ip", "netns", "exec", near.name, sys.executable, "-B", JUDGES / f"{judge}.py", place, *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=600)
        if done.returncode == SKIPPED:
            sys.exit(SKIPPED)
        check(done.returncode == 0, f"{judge} {words[0]} ended with {done.returncode}")
        count = running.figure("packets_by_kernel_total")
        print(f"{count} packets by the kernel")
        check(count >= int(least), f"{count} packets by the kernel, not {least}")


if __name__ == "__main__":
    main()
