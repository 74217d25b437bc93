#!/usr/bin/env python3
"""Whether docs/differences.md shows the list of differences that the comparison goes by.

usage: documented.py [--update] PAGE PROGRAM...

The table stands between two comments in PAGE; PROGRAM... --markdown prints what it ought to be. --update writes it anew (`make differences`).
"""

import subprocess
import sys
from pathlib import Path

BEGIN = "<!-- begin: c-tests/differential/differences.inc -->\n"
END = "<!-- end -->\n"


def main():
    update = sys.argv[1] == "--update"
    page, *program = sys.argv[2 if update else 1:]
    table = subprocess.run([*program, "--markdown"], check=True, capture_output=True, text=True).stdout
    text = Path(page).read_text()
    before, begin, rest = text.partition(BEGIN)
    shown, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{page}: no place for the table")
    if update:
        Path(page).write_text(before + BEGIN + table + END + after)
    elif shown != table:
        sys.exit(f"{page} does not show the list of differences: `make differences` writes it anew")


if __name__ == "__main__":
    main()
