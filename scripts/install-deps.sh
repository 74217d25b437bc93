#!/bin/sh
# Installs what this machine lacks:
#
#   install-deps.sh [PURPOSE...]      building, demo, tests, optional (default: all of them)
#
# Silent when nothing is missing. Where it cannot install (no apt, not root) it names what to install, and fails if
# building, or the tests where they are wanted, cannot do without.
set -eu

# what must be there | Debian package | needed for
needs() {
    cat <<'LIST'
cc            build-essential  building
c++           build-essential  building
make          build-essential  building
ld            binutils         building
pkg-config    pkg-config       building
libclang      libclang-dev     building
python3       python3          building
cmake         cmake            tests
mmdebstrap    mmdebstrap       demo
turnserver    coturn           demo
valgrind      valgrind         optional
sipp          sip-tester       optional
chromium      chromium         optional
ensurepip     python3-venv     optional
redis-server  redis-server     optional
lib:hiredis   libhiredis-dev   optional
lib:crypto    libssl-dev       optional
openssl       openssl          optional
LIST
    # pjproject's static libraries ask for these by name only.
    for library in $(pkg-config --static --libs-only-l libpjproject 2>/dev/null || true); do
        case $library in
        -luuid) echo "lib:uuid uuid-dev building" ;;
        -lssl) echo "lib:ssl libssl-dev building" ;;
        esac
    done
}

present() {
    case $1 in
    libclang)
        [ -n "${LIBCLANG_PATH-}" ] || ldconfig -p | grep -q 'libclang[-.0-9]*\.so' ||
            ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1 ;;
    ensurepip) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    lib:*) echo 'int main(void) { return 0; }' | ${CC:-cc} -x c - -o /dev/null "-l${1#lib:}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# missing PURPOSE...: the packages that are missing, one a line
missing() {
    needs | while read -r what package purpose; do
        case " $* " in
        *" $purpose "*) present "$what" || echo "$package" ;;
        esac
    done | sort -u
}

[ $# -gt 0 ] || set -- building demo tests optional
if ! command -v cargo >/dev/null 2>&1; then
    echo "pjauth needs Rust 1.95 or later: install cargo (rustup, or the system's package)" >&2
    exit 1
fi

wanted=$(missing "$@")
[ -n "$wanted" ] || exit 0
echo "missing:" $wanted
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y $wanted >/dev/null
    wanted=$(missing "$@")
    [ -n "$wanted" ] || exit 0
    echo "still missing after installing:" $wanted >&2
elif command -v apt-get >/dev/null 2>&1; then
    echo "install them as root: apt-get install" $wanted >&2
else
    echo "install what corresponds to these Debian packages:" $wanted >&2
fi
case " $* " in
*" tests "*) required="building tests" ;;
*) required=building ;;
esac
# shellcheck disable=SC2086 # one argument for each purpose
[ -z "$(missing $required)" ] || exit 1
echo "the rest goes without them; tests that need them are skipped" >&2
