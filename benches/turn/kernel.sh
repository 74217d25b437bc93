#!/bin/sh
# Builds and runs the benchmark of the kernel's way, as root, beside this library's sockets and coturn:
#
#   benches/turn/kernel.sh [--json] [--realtime] [--rounds N] [--seconds S] [--only WORD]
#
# LIBPJAUTH_TURN names our archive (default: build/lib/libpjauth-turn.a); CC the compiler. The generator needs OpenSSL's
# libcrypto.
set -eu
cd "$(dirname "$0")/../.."
. benches/turn/prepare.sh
command -v turnserver >/dev/null || skip "turnserver is not installed (Debian package coturn)"

$c99 -o "$work/frames" $sources/frames.c $sources/feed.c $sources/clients.c $sources/times.c $sources/stun.c -lcrypto
$c99 -Iinclude -o "$work/server" c-tests/turn/field/server.c "$LIBPJAUTH_TURN" -lpthread -ldl -lm
python3 -B $sources/kernel.py "$@" "$work/server" "$work/frames" || [ $? -eq 77 ]
