#!/bin/sh
# `make demo`: builds vault_register.c, starts the tests' registrar on loopback and
# runs the one against the other.
#
# usage: demo.sh static|shared|debian
#
# static, shared: with the pjproject that pkg-config finds, and this pjauth linked so
# debian:         with the shared PJSIP 2.17 of Debian's asterisk, in a private root
#
# RUN, where set, stands before the program: RUN="valgrind --leak-check=full"
set -eu
cd "$(dirname "$0")/.."

way=${1:?usage: demo.sh static|shared|debian}
out=build/demo
sources="examples/vault_register.c examples/endpoint.c examples/timeline.c"
program=$out/vault_register-$way
# PJSIP's own headers call bzero(), which strict C99 does not show.
warnings="-std=c99 -D_DEFAULT_SOURCE -Wall -Wextra -Werror -g"
: "${CC:=cc}" "${RUN:=}"
mkdir -p "$out"

give_up() {
    echo "demo: $*" >&2
    exit 1
}

# Under CTest status 77 is a skipped test; `make demo` has nothing to show and fails.
without_pjsip() {
    echo "$found"
    echo "demo: there is no PJSIP here to show anything on. Install mmdebstrap and debian-archive-keyring (with a" \
        "network, they unpack Debian's), or a pjproject that pkg-config finds, and try again" >&2
    exit "$1"
}

show() {
    echo "+ $*"
    "$@"
}

with_pkg_config() {
    export PKG_CONFIG_PATH="build/stage/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
    # shellcheck disable=SC2046,SC2086
    show "$CC" $warnings $sources -o "$program" \
        $(pkg-config --static --cflags --libs "$1" libpjproject)
}

# Debian ships PJSIP 2.17 inside Asterisk, without headers: c-tests/pj217 has some. The
# library wants a newer libc than this system may have: the program runs on that of the
# root, and is linked without a look at what the library needs. It also calls back into
# Asterisk, for which asterisk_symbols.c stands in.
with_debian() {
    found=$(c-tests/pjsip/rig/asterisk_root.sh build/asterisk-root) || without_pjsip $?
    loader=$(echo "$found" | sed -n 's/^LOADER=//p')
    libs=$(echo "$found" | sed -n 's/^LIBS=//p')
    # shellcheck disable=SC2086
    show "$CC" $warnings -Ic-tests/pj217 -include src/pjsip/configs/asterisk.h -Iinclude \
        $sources c-tests/pj217/asterisk_symbols.c -rdynamic -o "$program" \
        build/asterisk/libpjauth.so "$(echo "$found" | sed -n 's/^PJ=//p')" \
        -Wl,--allow-shlib-undefined \
        -Wl,--no-as-needed -lstdc++ -lpthread -ldl
    RUN="${RUN:+$RUN }$loader --library-path build/asterisk:$libs"
}

case $way in
static) with_pkg_config pjauth-static ;;
shared)
    with_pkg_config pjauth
    RUN="env LD_LIBRARY_PATH=build/stage/lib${RUN:+ $RUN}"
    ;;
debian) with_debian ;;
*) give_up "there is no way called $way" ;;
esac

# The registrar says where it listens, and ends when its standard input does.
command -v python3 >/dev/null || give_up "python3 is not installed: the registrar needs it"
pipes=$(mktemp -d)
trap 'rm -rf "$pipes"' EXIT
mkfifo "$pipes/in" "$pipes/out"
python3 -B c-tests/pjsip/judges/registrar.py <"$pipes/in" >"$pipes/out" &
exec 3>"$pipes/in" 4<"$pipes/out"
read -r line <&4 || line=
port=$(echo "$line" | sed -n 's/^{"port":\([0-9]*\),.*/\1/p')
[ -n "$port" ] || give_up "the registrar did not start"

status=0
echo "+ ${RUN:+$RUN }$program 127.0.0.1:$port sha-256-401 'Circle of Life'"
# shellcheck disable=SC2086
timeout 120 $RUN "$program" "127.0.0.1:$port" sha-256-401 "Circle of Life" || status=$?
exec 3>&- 4<&-
wait
exit $status
