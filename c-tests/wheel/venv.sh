#!/bin/sh
# Makes a virtual environment with PyPI's pjsua2-python in it, once, and prints the path of its python.
#
# usage: venv.sh FOLDER
#
# Exits with 77 and a SKIP line where that cannot be. The version is the one that src/pjsip/configs/pjsua2-wheel.h
# describes.
set -eu

folder=${1:?usage: venv.sh FOLDER}
wheel=pjsua2-python==2.15.1.post1

skip() {
    echo "SKIP $wheel: $*"
    exit 77
}

make_venv() {
    part=$folder.part.$$
    trap 'rm -rf "$part"' EXIT
    mkdir -p "$(dirname "$folder")"
    python3 -m venv "$part" >"$folder.log" 2>&1 || skip "python3 cannot make a virtual environment"
    timeout 120 "$part/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: "$wheel" \
        >>"$folder.log" 2>&1 || skip "pip cannot install it here, see $folder.log"
    # Another process may have been quicker.
    [ -d "$folder" ] || mv "$part" "$folder"
}

[ -d "$folder" ] || make_venv
echo "$(cd "$folder" && pwd)/bin/python"
