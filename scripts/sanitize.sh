#!/bin/sh
# The C tests against libraries that carry a sanitizer:
#
#   sanitize.sh address|thread
#
# Cargo builds both halves with it, CMake the test programs, and each program is first looked through for it: a
# sanitizer that is not there finds nothing. The standard library and pjproject are built without: of the latter's
# memory address sanitizer still knows what malloc gave; thread sanitizer knows only what our own code orders.
# CC and CXX name clang, which instruments the tests; the runtime is rustc's. TOOLCHAIN is one whose rustc takes -Z
# flags.
set -eu

cd "$(dirname "$0")/.."
sanitizer=${1:?usage: sanitize.sh address|thread}
: "${CARGO:=cargo}" "${CC:=clang}" "${CXX:=clang++}" "${TOOLCHAIN:=+nightly}"
triple=x86_64-unknown-linux-gnu
target=target/sanitize-$sanitizer
build=build/sanitize-$sanitizer
sip="regc contract misuse challenge ua pjsua"
turn="smoke_static throwing_static"

skip() {
    echo "SKIP $sanitizer sanitizer: $1"
    exit 0
}

case $sanitizer in
address) short=asan flags=-Zsanitizer=address ;;
thread) short=tsan flags="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" ;;
*) echo "sanitize.sh: no sanitizer called $sanitizer" >&2; exit 2 ;;
esac
mark=__${short}_init
[ "$(uname -m)" = x86_64 ] || skip "only x86-64 has been tried"
"$CARGO" "$TOOLCHAIN" --version >/dev/null 2>&1 || skip "no $TOOLCHAIN toolchain"
"$CC" --version 2>/dev/null | grep -q clang || skip "$CC is not clang"
runtime=$(echo "$(rustc "$TOOLCHAIN" --print sysroot)/lib/rustlib/$triple/lib"/librustc-*_rt.$short.a)
[ -f "$runtime" ] || skip "the toolchain has no runtime for it"

# archive NAME FLAG...
archive() {
    name=$1
    shift
    RUSTFLAGS=$flags "$CARGO" "$TOOLCHAIN" rustc --quiet --release --lib --crate-type staticlib --target "$triple" \
        --target-dir "$target/$name" "$@"
}
archive turn --no-default-features --features turn
if pkg-config --exists libpjproject; then
    archive both
    programs=
    for name in $sip; do programs="$programs pjsip/$name.pjauth"; done
    programs="$programs differential/differential"
    tests="real-static\\.($(echo "$sip" | tr ' ' '|'))|differential\\.answers|"
else
    echo "SKIP the SIP half: pkg-config does not find libpjproject"
    programs= tests=
fi
for name in $turn; do programs="$programs turn/$name"; done
tests="$tests turn\\.($(echo "$turn" | tr ' ' '|'))"

CC=$CC CXX=$CXX cmake -S c-tests -B "$build" --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS="-fsanitize=$sanitizer" -DCMAKE_CXX_FLAGS="-fsanitize=$sanitizer" \
    -DCMAKE_EXE_LINKER_FLAGS="-fno-sanitize-link-runtime -Wl,--whole-archive,$runtime,--no-whole-archive -rdynamic" \
    -DCMAKE_C_STANDARD_LIBRARIES="-lpthread -ldl -lrt -lm" -DCMAKE_CXX_STANDARD_LIBRARIES="-lpthread -ldl -lrt -lm" \
    -DPJAUTH_STATIC_LIB="$PWD/$target/both/$triple/release/libpjauth.a" \
    -DPJAUTH_TURN_STATIC_LIB="$PWD/$target/turn/$triple/release/libpjauth.a" >/dev/null
# shellcheck disable=SC2046 # one argument for each program
cmake --build "$build" --parallel "${JOBS:-2}" --target $(for path in $programs; do basename "$path"; done) >/dev/null

# The sanitizer is in the program, and its calls are in our code: an exported function of ours makes some.
for path in $programs; do
    nm "$build/$path" | grep -q " T $mark$" || { echo "$path has no $mark" >&2; exit 1; }
done
for half in "$target"/*/"$triple"/release/libpjauth.a; do
    nm "$half" 2>/dev/null | grep -q " U $mark$" || { echo "$half was built without $mark" >&2; exit 1; }
done
echo "$sanitizer sanitizer: in $(echo "$programs" | wc -w) programs and the libraries they link"

export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=0:second_deadlock_stack=1:suppressions=$PWD/c-tests/tsan.supp}"
rm -f "$build/junit.xml"
ctest --test-dir "$build" --output-junit junit.xml --output-on-failure --no-tests=error -j "${JOBS:-2}" \
    -R "^($(echo "$tests" | tr -d ' '))\$" || true
exec python3 scripts/summary.py --ctest "$build"
