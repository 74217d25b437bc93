#!/bin/sh
# Runs each fuzz target for a while, until one fails, beginning from the committed corpus; what it finds worth trying goes to
# fuzz/target/corpus, a failing input to fuzz/artifacts:
#
#   fuzz.sh SECONDS [TARGET]...
#
# TOOLCHAIN is one whose rustc takes -Z flags.
set -eu

cd "$(dirname "$0")/../fuzz"
seconds=${1:?usage: fuzz.sh SECONDS [TARGET]...}
shift
: "${CARGO:=cargo}" "${TOOLCHAIN:=+nightly}"

if ! "$CARGO" "$TOOLCHAIN" fuzz --version >/dev/null 2>&1; then
    echo "SKIP fuzzing needs cargo-fuzz (cargo install cargo-fuzz) and a $TOOLCHAIN toolchain"
    exit 0
fi
# shellcheck disable=SC2046 # one argument for each target
[ $# -gt 0 ] || set -- $("$CARGO" "$TOOLCHAIN" fuzz list)
"$CARGO" "$TOOLCHAIN" fuzz build
for target; do
    mkdir -p "target/corpus/$target"
    echo "== $target: $seconds s"
    # The longest input that is tried: more makes nothing new happen, only slower.
    nice -n 10 "$CARGO" "$TOOLCHAIN" fuzz run "$target" "target/corpus/$target" "corpus/$target" -- \
        -max_total_time="$seconds" -max_len=2048 -verbosity=0 -print_final_stats=1
done
