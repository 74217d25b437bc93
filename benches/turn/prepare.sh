# What run.sh and kernel.sh begin with, in the project's folder: what is there, and where programs are built.
: "${CC:=cc}" "${LIBPJAUTH_TURN:=build/lib/libpjauth-turn.a}"
sources=benches/turn

skip() {
    echo "SKIP $1"
    exit 0
}

[ -f "$LIBPJAUTH_TURN" ] || skip "no $LIBPJAUTH_TURN (make lib)"
command -v python3 >/dev/null || skip "no python3"
echo '#include <openssl/hmac.h>' | $CC -E - >/dev/null 2>&1 || skip "no headers of OpenSSL (Debian package libssl-dev)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
c99="$CC -std=c99 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror"
