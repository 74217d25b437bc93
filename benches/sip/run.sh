#!/bin/sh
# Builds and runs the benchmark of the SIP half, against the installed pjproject's own object:
#
#   benches/sip/run.sh [--json]
#
# LIBPJAUTH names our archive (default: build/lib/libpjauth.a). The object is taken out of the installed archive, its
# names get `stock_` in front, and both go into one program. Nothing of it is kept.
# CC, AR, NM, OBJCOPY and PKG_CONFIG name the tools.
set -eu

: "${CC:=cc}" "${AR:=ar}" "${NM:=nm}" "${OBJCOPY:=objcopy}" "${PKG_CONFIG:=pkg-config}"
cd "$(dirname "$0")/../.."
: "${LIBPJAUTH:=build/lib/libpjauth.a}"
sources=benches/sip
symbols=src/pjsip/symbols-2.17.txt
object=sip_auth_client.o
json=${1:-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
c99="$CC -std=c99 -O2 -g -Wall -Wextra -Werror"

not_measured() {
    $c99 -o "$work/unmeasured" "$sources/unmeasured.c" "$sources/report.c"
    "$work/unmeasured" "$1" $json
    exit 0
}

# The archive of the installed pjproject that has the object.
find_archive() {
    dirs=$("$PKG_CONFIG" --static --variable=libdir libpjproject)
    dirs="$dirs $("$PKG_CONFIG" --static --libs-only-L libpjproject | sed 's/-L//g')"
    for lib in $("$PKG_CONFIG" --static --libs-only-l libpjproject); do
        for dir in $dirs; do
            file=$dir/lib${lib#-l}.a
            if [ -f "$file" ] && "$AR" t "$file" | grep -qx "$object"; then
                echo "$file"
                return
            fi
        done
    done
}

[ -f "$LIBPJAUTH" ] || not_measured "no $LIBPJAUTH (make lib)"
"$PKG_CONFIG" --exists libpjproject 2>/dev/null || not_measured "pkg-config finds no libpjproject"
archive=$(find_archive)
[ -n "$archive" ] || not_measured "libpjproject has no static archive with $object"

(cd "$work" && "$AR" x "$archive" "$object")
"$NM" --extern-only --defined-only "$work/$object" | awk '{ print $3 }' | LC_ALL=C sort > "$work/defined"
LC_ALL=C sort "$symbols" | cmp -s - "$work/defined" || not_measured "$object is not the one that we replace"
awk '{ print $1, "stock_" $1 }' "$work/defined" > "$work/renamed"
"$OBJCOPY" --redefine-syms="$work/renamed" "$work/$object" "$work/stock.o"

$c99 -Iinclude $("$PKG_CONFIG" --cflags libpjproject) -o "$work/bench" \
    "$sources/bench.c" "$sources/stand.c" "$sources/side.c" "$sources/heap.c" "$sources/report.c" \
    "$work/stock.o" -Wl,-u,pjauth_version "$LIBPJAUTH" $("$PKG_CONFIG" --static --libs libpjproject)
"$work/bench" $json
