#!/bin/sh
# `make test`: every test there is, then the closing table. A failure in one part does not keep the others from
# running; the table's exit status is the verdict. JOBS is how many cores the CTest tests may take, of which each has its
# quarters (c-tests/CMakeLists.txt).
set -u

build=build/c-tests
logs=build/test
mkdir -p "$logs"

# logged GROUP COMMAND...: shown as it runs, and kept for the table
logged() {
    group=$1
    shift
    echo "== $group: $*"
    "$@" 2>&1 | tee "$logs/$group.log"
}

logged cargo cargo test --no-fail-fast
# The library as it is built without TLS, the kernel's way and PJSIP.
logged bare cargo test --no-default-features --features turn --lib driver::tests::basics
logged loom make --no-print-directory loom
set -- --cargo "cargo=$logs/cargo.log" --cargo "bare=$logs/bare.log" --cargo "loom=$logs/loom.log"
if cargo +nightly miri --version >/dev/null 2>&1; then
    logged miri make --no-print-directory miri
    set -- "$@" --cargo "miri=$logs/miri.log"
else
    set -- "$@" --skip "miri=no toolchain here has the miri component"
fi

echo "== C and C++"
rm -f "$build/junit.xml"
ctest --test-dir "$build" --output-junit junit.xml --output-on-failure -j "$((4 * ${JOBS:-2}))"

exec python3 scripts/summary.py "$@" --ctest "$build"
