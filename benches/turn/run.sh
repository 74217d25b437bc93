#!/bin/sh
# Builds and runs the benchmark of the TURN half, beside coturn (where it is installed) and a bare forwarding loop:
#
#   benches/turn/run.sh [--crates] [--json] [--rounds N] [--only WORD]
#
# --crates first builds two servers from crates.io, webrtc-rs' and mycrl's, which takes minutes, into build/bench; from
# then on they take part.
# LIBPJAUTH_TURN names our archive (default: build/lib/libpjauth-turn.a); CC the compiler. The load generator needs
# OpenSSL's libcrypto.
set -eu
cd "$(dirname "$0")/../.."
. benches/turn/prepare.sh

$c99 -o "$work/bare" $sources/bare.c
$c99 -o "$work/splice" $sources/splice.c
$c99 -o "$work/load" $sources/load.c $sources/clients.c $sources/times.c $sources/streams.c $sources/stun.c -lcrypto
$c99 -Iinclude -o "$work/pjauth" c-tests/turn/judges/server.c "$LIBPJAUTH_TURN" -lpthread -ldl -lm

crates=build/bench
webrtc=$crates/webrtc/release/webrtc-turn
mycrl=$crates/turn-server/bin/turn-server
if [ "${1-}" = --crates ]; then
    shift
    cargo build --quiet --release --locked --manifest-path $sources/webrtc/Cargo.toml --target-dir $crates/webrtc >&2
    cargo install --quiet turn-server --version 4.1.5 --locked --no-default-features --features udp \
        --root $crates/turn-server >&2
fi

server="$work/pjauth --workers 1 --port {port} --user {user}:{password} --realm {realm} --hold {held} --max-held 100000"
set -- "$@" "$work/load" "$work/bare" "$work/splice" "pjauth=$server"
[ ! -x $webrtc ] || set -- "$@" "webrtc-rs=$webrtc {port} {user} {password} {realm}"
[ ! -x $mycrl ] || set -- "$@" "turn-server=$sources/turn-server.sh $mycrl {port} {user} {password} {realm} {folder}"
python3 -B $sources/bench.py "$@"
