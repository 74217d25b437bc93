#!/bin/sh
# Runs a program under valgrind; an error or a leak is exit status 9. Where valgrind itself crashes, as 3.27 does on some
# libraries, nothing is proven, and nothing is wrong with the program.
#
# usage: valgrind.sh PROGRAM [ARGUMENT...]
set -u

log=$(mktemp)
trap 'rm -f "$log"' EXIT
leaks=definite,indirect,possible
valgrind -q --log-file="$log" --leak-check=full --show-leak-kinds=$leaks --errors-for-leak-kinds=$leaks \
    --suppressions="$(dirname "$0")/valgrind.supp" --error-exitcode=9 "$@"
status=$?
cat "$log" >&2
if grep -q 'VALGRIND INTERNAL ERROR' "$log"; then
    echo "SKIP $(valgrind --version) crashes by itself"
    exit 77
fi
exit $status
