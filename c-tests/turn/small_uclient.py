"""Stands in for coturn's turnutils_uclient in the demo, where that is not installed: the few of its options that the
demo uses, the same order of events, the same words."""
import argparse
import sys
import time

from turn_client import Client, NoAnswer, Refused

options = argparse.ArgumentParser()
options.add_argument("-c", action="store_true")
for number in "-m", "-n", "-l", "-z", "-r", "-p":
    options.add_argument(number, type=int)
for text in "-u", "-w", "-e", "server":
    options.add_argument(text)
given = options.parse_args()
server, peer = (given.server, given.p), (given.e, given.r)

try:
    # One to see whether it can, which it leaves behind, and one to use.
    with Client(server, given.u, given.w) as client:
        client.allocate()
    with Client(server, given.u, given.w) as client:
        client.allocate()
        client.bind_channel(peer)
        received = 0
        time.sleep(1)
        for number in range(given.n):
            message = number.to_bytes(given.l, "big")
            client.send_channel(message)
            received += client.receive() == (peer, message)
            time.sleep(given.z / 1000)
        print(f"tot_send_msgs={given.n}, tot_recv_msgs={received}")
        client.refresh(0)
except Refused as refused:
    print(f"error {refused.code}")
    sys.exit(1)
except NoAnswer as silence:
    sys.exit(str(silence))
