#!/bin/sh
# `make demo-turn`: builds turn_demo.c from an installed libpjauth-turn and runs it
# against coturn's turnutils_uclient, or the tests' own client where that is missing.
#
# usage: turn_demo.sh [CLIENT]
set -eu
cd "$(dirname "$0")/.."

out=build/demo
: "${CC:=cc}" "${RUN:=}"
mkdir -p "$out"

if [ $# -gt 0 ]; then
    client=$1
elif command -v turnutils_uclient >/dev/null; then
    client=turnutils_uclient
else
    client="python3 -B c-tests/turn/small_uclient.py"
fi

export PKG_CONFIG_PATH="build/stage/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
# shellcheck disable=SC2046
set -- "$CC" -std=c99 -Wall -Wextra -Werror -g examples/turn_demo.c examples/timeline.c -o "$out/turn_demo" \
    $(pkg-config --cflags --libs pjauth-turn-static)
echo "+ $*"
"$@"
echo "+ ${RUN:+$RUN }$out/turn_demo '$client'"
# shellcheck disable=SC2086
exec timeout 120 $RUN "$out/turn_demo" "$client"
