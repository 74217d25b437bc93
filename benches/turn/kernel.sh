#!/bin/sh
# Builds and runs the benchmark of the kernel's way, as root, beside this library's sockets and coturn:
#
#   benches/turn/kernel.sh [--json] [--realtime] [--rounds N] [--seconds S] [--only WORD]
#
# LIBPJAUTH_TURN names our archive (default: build/lib/libpjauth-turn.a); CC the compiler. The generator needs OpenSSL's
# libcrypto.
set -eu

: "${CC:=cc}"
cd "$(dirname "$0")/../.."
: "${LIBPJAUTH_TURN:=build/lib/libpjauth-turn.a}"
sources=benches/turn

skip() {
    echo "SKIP $1"
    exit 0
}

[ -f "$LIBPJAUTH_TURN" ] || skip "no $LIBPJAUTH_TURN (make lib)"
command -v python3 >/dev/null || skip "no python3"
command -v turnserver >/dev/null || skip "turnserver is not installed (Debian package coturn)"
echo '#include <openssl/hmac.h>' | $CC -E - >/dev/null 2>&1 || skip "no headers of OpenSSL (Debian package libssl-dev)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
c99="$CC -std=c99 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror"
$c99 -o "$work/frames" $sources/frames.c $sources/feed.c $sources/clients.c $sources/stun.c -lcrypto
$c99 -Iinclude -o "$work/server" c-tests/turn/field/server.c "$LIBPJAUTH_TURN" -lpthread -ldl -lm
python3 -B $sources/kernel.py "$@" "$work/server" "$work/frames" || [ $? -eq 77 ]
