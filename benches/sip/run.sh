#!/bin/sh
# Builds and runs the benchmark of the SIP half, against the installed pjproject's own object:
#
#   benches/sip/run.sh [--json]
#
# LIBPJAUTH names our archive (default: build/lib/libpjauth.a). The object is taken out of the installed archive, its
# names get `stock_` in front, and both go into one program. Nothing of it is kept.
# CC and PKG_CONFIG name the tools, and what scripts/stock-object.sh names.
set -eu

: "${CC:=cc}" "${PKG_CONFIG:=pkg-config}"
cd "$(dirname "$0")/../.."
: "${LIBPJAUTH:=build/lib/libpjauth.a}"
sources=benches/sip
json=${1:-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
c99="$CC -std=gnu99 -O2 -g -Wall -Wextra -Werror"

not_measured() {
    $c99 -o "$work/unmeasured" "$sources/unmeasured.c" "$sources/report.c"
    "$work/unmeasured" "$1" $json
    exit 0
}

[ -f "$LIBPJAUTH" ] || not_measured "no $LIBPJAUTH (make lib)"
reason=$(scripts/stock-object.sh "$work/stock.o") || not_measured "${reason#SKIP }"

build() { # PROGRAM SOURCE...
    program=$1
    shift
    $c99 -Iinclude $("$PKG_CONFIG" --cflags libpjproject) -o "$work/$program" "$@" \
        "$sources/stand.c" "$sources/side.c" "$work/stock.o" -Wl,-u,pjauth_version "$LIBPJAUTH" \
        $("$PKG_CONFIG" --static --libs libpjproject)
}

build bench "$sources/bench.c" "$sources/heap.c" "$sources/report.c"
"$work/bench" $json
[ -z "$json" ] || exit 0
build outstanding "$sources/outstanding.c"
echo
"$work/outstanding"
