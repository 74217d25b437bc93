#!/usr/bin/env python3
"""Every name that the original object defines is ours in the programs given, and each is there once.

usage: names.py SYMBOLS ARCHIVE PROGRAM...

Ours is one object: in a program, its names stand at the same distances from each other as in the archive. The
original's do not.
"""

import subprocess
import sys


def addresses(*files_and_flags):
    """Name to address and type, of what is defined."""
    listing = subprocess.run(["nm", "--defined-only", *files_and_flags], stdout=subprocess.PIPE, text=True, check=True)
    found = {}
    for fields in map(str.split, listing.stdout.splitlines()):
        if len(fields) == 3:
            found.setdefault(fields[2], []).append((int(fields[0], 16), fields[1]))
    return found


def main():
    names = open(sys.argv[1], encoding="ascii").read().split()
    archive = addresses(sys.argv[2])
    failures = 0
    print(f"{len(names)} names")
    for program in sys.argv[3:]:
        linked = addresses(program)
        marker = linked.get("pjauth_version")
        if not marker:
            sys.exit(f"FAIL {program}: not linked with pjauth")
        for name in names:
            ours, theirs = archive.get(name, []), linked.get(name, [])
            text = ours and ours[0][1] == "T"
            same = len(ours) == len(theirs) == 1 and (
                not text or theirs[0][0] - marker[0][0] == ours[0][0] - archive["pjauth_version"][0][0])
            if not same:
                print(f"FAIL {program}: {name} is not ours")
                failures += 1
        # What the original alone has: its log's name for itself is a local symbol of the object's file.
        files = subprocess.run(["nm", "--debug-syms", program], stdout=subprocess.PIPE, text=True, check=True)
        if any(line.endswith(" a sip_auth_client.c") for line in files.stdout.splitlines()):
            print(f"FAIL {program}: the original object is in it as well")
            failures += 1
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
