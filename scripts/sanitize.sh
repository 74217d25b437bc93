#!/bin/sh
# The C tests against libraries that carry a sanitizer, and one table:
#
#   sanitize.sh [address] [thread]      (default: both)
#
# Cargo builds both halves with it, CMake the test programs, and each program is first looked through for it: a
# sanitizer that is not there finds nothing. The standard library and pjproject are built without: of the latter's
# memory address sanitizer still knows what malloc gave; thread sanitizer knows of its locks, not of its accesses.
# CC and CXX name clang, which instruments the tests; the runtime is rustc's. TOOLCHAIN is one whose rustc takes -Z
# flags.
set -eu

cd "$(dirname "$0")/.."
: "${CARGO:=cargo}" "${CC:=clang}" "${CXX:=clang++}" "${TOOLCHAIN:=+nightly}" "${JOBS:=2}"
triple=x86_64-unknown-linux-gnu
sip="regc contract lifetimes misuse challenge ua pjsua"
turn="smoke_static throwing_static"

fail() {
    echo "sanitize.sh: $1" >&2
    exit 1
}

# Why nothing can be run with $sanitizer; empty: it can.
obstacle() {
    if [ "$(uname -m)" != x86_64 ]; then
        echo "only x86-64 has been tried"
    elif ! "$CARGO" "$TOOLCHAIN" --version >/dev/null 2>&1; then
        echo "there is no $TOOLCHAIN toolchain"
    elif ! "$CC" --version 2>/dev/null | grep -q clang; then
        echo "$CC is not clang"
    elif ! [ -f "$(runtime)" ]; then
        echo "the toolchain has no runtime for it"
    fi
}

runtime() {
    echo "$(rustc "$TOOLCHAIN" --print sysroot)/lib/rustlib/$triple/lib"/librustc-*_rt."$short".a
}

# archive NAME FLAG...
archive() {
    name=$1
    shift
    RUSTFLAGS=$flags "$CARGO" "$TOOLCHAIN" rustc --quiet --release --lib --crate-type staticlib --target "$triple" \
        --target-dir "$target/$name" "$@"
}

build_programs() {
    libraries="-lpthread -ldl -lrt -lm"
    rm -f "$build/CMakeCache.txt" # another pjproject than last time may be meant
    # With the runtime's own libraries: CMake's first program, which tries the compiler, is linked with nothing else.
    link="-fno-sanitize-link-runtime -Wl,--whole-archive,$(runtime),--no-whole-archive $libraries -rdynamic"
    CC=$CC CXX=$CXX cmake -S c-tests -B "$build" --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_C_FLAGS="-fsanitize=$sanitizer" -DCMAKE_CXX_FLAGS="-fsanitize=$sanitizer" \
        -DCMAKE_EXE_LINKER_FLAGS="$link" \
        -DCMAKE_C_STANDARD_LIBRARIES="$libraries" -DCMAKE_CXX_STANDARD_LIBRARIES="$libraries" \
        -DPJAUTH_STATIC_LIB="$PWD/$target/both/$triple/release/libpjauth.a" \
        -DPJAUTH_TURN_STATIC_LIB="$PWD/$target/turn/$triple/release/libpjauth.a" >/dev/null
    # An older pjproject has no use for some: these are skipped with the reason.
    known=$(cmake --build "$build" --target help) all=$programs programs=
    for path in $all; do
        if echo "$known" | grep -qxF "... $(basename "$path")"; then programs="$programs $path"; fi
    done
    # shellcheck disable=SC2046 # one argument for each program
    cmake --build "$build" --parallel "$JOBS" --target $(for path in $programs; do basename "$path"; done) >/dev/null
}

# The sanitizer is in every program, and our own code calls it.
prove() {
    for path in $programs; do
        nm "$build/$path" | grep -q " T $1$" || fail "$path has no $1"
    done
    for half in "$target"/*/"$triple"/release/libpjauth.a; do
        nm "$half" 2>/dev/null | grep -q " U $1$" || fail "$half was built without $1"
    done
    echo "$sanitizer sanitizer: in $(echo "$programs" | wc -w) programs, and in the libraries they link"
}

run() {
    sanitizer=$1
    target=target/sanitize-$sanitizer
    build=build/sanitize-$sanitizer
    case $sanitizer in
    address) short=asan flags=-Zsanitizer=address ;;
    thread) short=tsan flags="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" ;;
    *) fail "no sanitizer called $sanitizer" ;;
    esac
    reason=$(obstacle)
    if [ -n "$reason" ]; then
        echo "SKIP $sanitizer sanitizer: $reason"
        table="$table --skip '$sanitizer=$reason'"
        return
    fi
    programs='' tests=''
    archive turn --no-default-features --features turn,kernel
    if pkg-config --exists libpjproject; then
        archive both
        for name in $sip; do programs="$programs pjsip/$name.pjauth"; done
        programs="$programs differential/differential soak/soak"
        tests="real-static\\.($(echo "$sip" | tr ' ' '|'))|differential\\.answers|soak\\.both|"
    else
        table="$table --skip '$sanitizer:real-static=pkg-config does not find libpjproject'"
    fi
    for name in $turn; do programs="$programs turn/$name"; done
    tests="${tests}turn\\.($(echo "$turn" | tr ' ' '|'))"
    build_programs
    prove "__${short}_init"
    rm -f "$build/junit.xml"
    ctest --test-dir "$build" --output-junit junit.xml --output-on-failure -j "$((4 * JOBS))" -R "^($tests)\$" || true
    table="$table --ctest '$sanitizer=$build'"
}

# Deadlines there come when the application answers, and when it ends the owner.
export SOAK_SECONDS="${SOAK_SECONDS:-20}"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-second_deadlock_stack=1:suppressions=$PWD/c-tests/tsan.supp}"
table=
[ $# -gt 0 ] || set -- address thread
for each; do run "$each"; done
eval "exec python3 scripts/summary.py $table"
