#!/bin/sh
# Makes a private root with Debian unstable's asterisk in it, once, and what
# valgrind has to know of its C library. Nothing of it is installed on this
# system, and nothing in it needs chroot: its programs and ours run through its
# own loader and library folder.
#
# usage: asterisk_root.sh ROOT
#
# Prints LOADER, LIBS (the library folder), PJ (the shared pjproject) and
# ASTERISK as NAME=PATH lines; progress goes to standard error. Exits with 77
# and a SKIP line where the root cannot be made.
set -eu

root=${1:?usage: asterisk_root.sh ROOT}
packages=asterisk,libc6-dbg
libs=usr/lib/x86_64-linux-gnu
[ -d "$root" ] && root=$(cd "$root" && pwd)

say() { echo "asterisk root: $*" >&2; }
skip() {
    echo "SKIP asterisk root: $*"
    exit 77
}

make_root() {
    command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
    case $(uname -m) in
    x86_64) ;;
    *) skip "only x86-64 has been tried" ;;
    esac
    mkdir -p "$(dirname "$root")"
    # Another process may be at it; its own is made under its own name.
    part=$root.part.$$
    trap 'rm -rf "$part"' EXIT
    trap 'exit 130' HUP INT TERM
    say "unpacking Debian unstable's asterisk (about 70 MB to fetch) ..."
    # An ordinary user's files are to be his own, which no other mode sees to: nothing is run in the root anyway.
    mode=auto
    [ "$(id -u)" = 0 ] || mode=chrootless
    # A mirror that is a snapshot may be past its Valid-Until date.
    if ! timeout 300 mmdebstrap --quiet --mode="$mode" --variant=extract --include="$packages" \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        unstable "$part" >"$root.log" 2>&1; then
        tail -n 3 "$root.log" >&2
        [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || skip "mmdebstrap failed: debian-archive-keyring is missing"
        skip "mmdebstrap failed, see $root.log"
    fi
    # Where valgrind looks for them beside the libraries, wherever the root is.
    mkdir "$part/$libs/.debug"
    (cd "$part/$libs/.debug" && ln -s ../../../lib/debug/.build-id/*/*.debug .)
    echo "$packages" >"$part/packages"
    [ -d "$root" ] || mv "$part" "$root"
    say "ready: $(du -sh "$root" | cut -f1)"
}

# One that this script made for less is made anew.
[ ! -f "$root.log" ] || [ "$(cat "$root/packages" 2>/dev/null)" = "$packages" ] || rm -rf "$root"
[ -d "$root" ] || make_root
root=$(cd "$root" && pwd)
libs=$root/$libs
[ -f "$libs/libasteriskpj.so.2" ] ||
    skip "this asterisk brings no libasteriskpj.so.2"
grep -qa 'pjnath-2\.17' "$libs/libasteriskpj.so.2" ||
    skip "this asterisk's pjproject is not 2.17"

echo "LOADER=$libs/ld-linux-x86-64.so.2"
echo "LIBS=$libs"
echo "PJ=$libs/libasteriskpj.so.2"
echo "ASTERISK=$root/usr/sbin/asterisk"
