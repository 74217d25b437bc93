#!/bin/sh
# `make matrix`: builds the library for several versions of pjproject and runs the tests on real PJSIP with each.
#
#   PJPROJECTS="PREFIX PREFIX ..." [JOBS=2] [GROUPS_RUN="real-static valgrind"] scripts/matrix.sh
#
# Each PREFIX is an installation (PREFIX/lib/pkgconfig/libpjproject.pc); without PJPROJECTS it is the one that
# pkg-config finds. Everything of one version is in build/matrix/VERSION. The table at the end is the verdict.
set -u
cd "$(dirname "$0")/.."
: "${PJPROJECTS:=$(pkg-config --variable=prefix libpjproject)}" "${JOBS:=2}" "${GROUPS_RUN:=real-static}"
export PKG_CONFIG_PATH
given=${PKG_CONFIG_PATH-}
labels="^($(echo "$GROUPS_RUN" | tr ' ' '|'))\$"

# one DIR: builds and tests the version that pkg-config now finds
one() {
    rm -rf "$1/junit.xml" "$1/build.log"
    {
        make build="$1" target=target/matrix stage &&
        cmake -S c-tests -B "$1/c-tests" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPJAUTH_MATRIX=ON \
            -DPJAUTH_STATIC_LIB="$PWD/$1/tested/lib/libpjauth.a" -DPJAUTH_SHARED_LIB="$PWD/$1/tested/lib/libpjauth.so" \
            -DPJAUTH_STAGE="$PWD/$1/stage" &&
        cmake --build "$1/c-tests" --parallel "$JOBS"
    } >"$1/build.log" 2>&1 || { tail -n 30 "$1/build.log"; return; }
    ctest --test-dir "$1/c-tests" --output-junit "$PWD/$1/junit.xml" --test-output-size-passed 1000000 \
        --no-tests=error -j "$((4 * JOBS))" -L "$labels"
}

set --
for prefix in $PJPROJECTS; do
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig${given:+:$given}
    version=$(pkg-config --modversion libpjproject) || { echo "matrix: no libpjproject.pc below $prefix" >&2; exit 1; }
    case " $* " in *" build/matrix/$version "*) echo "matrix: $version twice" >&2; exit 1 ;; esac
    set -- "$@" "build/matrix/$version"
    mkdir -p "build/matrix/$version"
    echo "== pjproject $version"
    one "build/matrix/$version"
done
exec python3 scripts/matrix.py "$@"
