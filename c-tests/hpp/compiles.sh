#!/bin/sh
# pjauth.hpp compiles by itself, twice included, with every C++ compiler here,
# with and without exceptions, and its functions can be called.
#
# usage: compiles.sh without|with INCLUDE_DIR [COMPILER_FLAG...]
#
# without: its part that needs no PJSIP; with: all of it, PJSIP's flags given.
set -eu

part=$1 include=$2
shift 2
warnings="-std=c++17 -Wall -Wextra -Werror -pedantic -fsyntax-only"
found=
if [ "$part" = with ]; then
    set -- "$@" -DWANTED=1
else
    set -- "$@" -DWANTED=0 -DPJAUTH_NO_PJSIP
fi

program() {
    echo '#include <pjauth.hpp>'
    echo '#include <pjauth.hpp>'
    echo '#if PJAUTH_HAS_PJSIP != WANTED'
    echo '#error "the wrong part of the header"'
    echo '#endif'
    echo 'int main() { return pjauth::status(1).message().c_str()[0] && pjauth::version(); }'
}

for compiler in g++ clang++; do
    command -v "$compiler" >/dev/null || continue
    for flags in "" "-fno-exceptions -fno-rtti"; do
        # shellcheck disable=SC2086
        program | "$compiler" $warnings $flags "-I$include" "$@" -x c++ -
    done
    found="$found $compiler"
done
[ -n "$found" ] || { echo "SKIP neither g++ nor clang++ is installed"; exit 77; }
echo "compiled by$found"
