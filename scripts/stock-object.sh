#!/bin/sh
# Takes the object that we replace out of the installed pjproject, with `stock_` in front of its names, so that the
# original and ours go into one program:
#
#   stock-object.sh OUT.o
#
# Exits with 77 after "SKIP <reason>" where there is no such object. AR, NM, OBJCOPY and PKG_CONFIG name the tools.
set -eu

out=$1
: "${AR:=ar}" "${NM:=nm}" "${OBJCOPY:=objcopy}" "${PKG_CONFIG:=pkg-config}"
symbols=$(dirname "$0")/../src/pjsip/symbols-2.17.txt
object=sip_auth_client.o

skip() {
    echo "SKIP $1"
    exit 77
}

# The archive that has the object.
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

"$PKG_CONFIG" --exists libpjproject 2>/dev/null || skip "pkg-config does not find libpjproject"
archive=$(find_archive)
[ -n "$archive" ] || skip "libpjproject has no static archive with $object"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && "$AR" x "$archive" "$object")
"$NM" --extern-only --defined-only "$work/$object" | awk '{ print $3 }' | LC_ALL=C sort > "$work/defined"
LC_ALL=C sort "$symbols" | cmp -s - "$work/defined" || skip "$object is not the one that we replace"
awk '{ print $1, "stock_" $1 }' "$work/defined" > "$work/renamed"
mkdir -p "$(dirname "$out")"
"$OBJCOPY" --redefine-syms="$work/renamed" "$work/$object" "$out"
