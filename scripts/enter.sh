#!/bin/sh
# What stands before every target that builds, installs or tests:
#
#   enter.sh FOLDER PURPOSES COMMAND...
#
# Two makes in one checkout take turns, by a lock in FOLDER; then what PURPOSES need is looked for, and installed where
# that can be (install-deps.sh), before anything is begun. An empty PURPOSES asks for nothing.
set -eu
cd "$(dirname "$0")/.."
folder=$1 purposes=$2
shift 2

if ! mkdir -p "$folder" 2>/dev/null || ! : 2>/dev/null >>"$folder/lock"; then
    echo "pjauth: $PWD cannot be written to: copy it, or build elsewhere:" \
        "make build=/elsewhere/build target=/elsewhere/target ..." >&2
    exit 1
fi
if command -v flock >/dev/null 2>&1; then
    exec 9>>"$folder/lock"
    flock --nonblock 9 || { echo "pjauth: another make is at work in $PWD: waiting for it" >&2; flock 9; }
fi

if [ -n "$purposes" ]; then
    # shellcheck disable=SC2086 # one argument for each purpose
    scripts/install-deps.sh $purposes 9>&-
    # Cargo's own words, at the end of several attempts, are about one crate of many.
    host=$("${RUSTC:-rustc}" -vV | sed -n 's/^host: //p')
    if ! "${CARGO:-cargo}" fetch --quiet --locked --target "$host" --offline 2>/dev/null 9>&- &&
        ! "${CARGO:-cargo}" fetch --quiet --locked --target "$host" 9>&-; then
        echo "pjauth: cargo could not fetch the crates that Cargo.lock names: is there a network?" \
            "'cargo vendor' on a machine that has one brings them along" >&2
        exit 1
    fi
fi
# What the command leaves running is not to keep the lock.
"$@" 9>&-
