#!/usr/bin/env python3
"""Every name that the original object defines is ours in the programs given.

usage: names.py SYMBOLS ARCHIVE PROGRAM...

A program has each name once, in the size that it has in our archive; and it has nothing of the original object's file.
"""

import subprocess
import sys


def defined(path):
    """Name to (size, type) of each of its definitions."""
    listing = subprocess.run(["nm", "-S", "--defined-only", path], stdout=subprocess.PIPE, text=True, check=True)
    found = {}
    for fields in map(str.split, listing.stdout.splitlines()):
        if len(fields) == 4:
            found.setdefault(fields[3], []).append((int(fields[1], 16), fields[2]))
    return found


def has_original(program):
    listing = subprocess.run(["nm", "--debug-syms", program], stdout=subprocess.PIPE, text=True, check=True)
    return any(line.endswith(" a sip_auth_client.c") for line in listing.stdout.splitlines())


def main():
    names = open(sys.argv[1], encoding="ascii").read().split()
    ours = defined(sys.argv[2])
    failures = []
    for program in sys.argv[3:]:
        theirs = defined(program)
        failures += [f"{program}: {name} is {theirs.get(name)}, not {ours.get(name)}" for name in names
                     if len(theirs.get(name, [])) != 1 or theirs[name] != ours.get(name)]
        if has_original(program):
            failures.append(f"{program}: the original object is in it")
    for failure in failures:
        print("FAIL", failure)
    print(f"{len(names)} names in each of {len(sys.argv) - 3} programs: {len(failures)} failures")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
