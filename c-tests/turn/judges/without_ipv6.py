"""The judges on a host without IPv6, as most containers are: they judge by IPv4, and what is about IPv6 is skipped.

usage: without_ipv6.py SERVER

The host is a network namespace of this test's own.
"""

import os
import subprocess
import sys
from pathlib import Path

import lab

HERE = Path(__file__).resolve().parent
INSIDE = """
for each in all default lo; do echo 1 >/proc/sys/net/ipv6/conf/$each/disable_ipv6 || exit 99; done
ip link set lo up || exit 99
exec "$@"
"""


def inside(script, case):
    """A judge's case there: its exit status and what it printed."""
    done = subprocess.run(["unshare", "--net", "sh", "-c", INSIDE, "sh", sys.executable, "-B", HERE / script,
                           sys.argv[1], case], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    return done.returncode, done.stdout


def main():
    os.geteuid() == 0 or lab.skip("only root can make a network namespace")
    lab.has_ipv6() or lab.skip("this host has no IPv6 to take away")
    lab.need("unshare", "util-linux")
    lab.need("ip", "iproute2")
    status, _ = inside("hostile.py", "prefixes")
    status != 99 or lab.skip("no network namespace can be made here")
    lab.check(status == 0, "the server was not judged without IPv6")
    status, said = inside("uclient.py", "ipv6")
    lab.check(status == lab.SKIPPED and "SKIP this host has no IPv6" in said, "the IPv6 case was not skipped")
    print("ok")


main()
