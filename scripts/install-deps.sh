#!/bin/sh
# Installs what building and testing need and this machine lacks. Silent when nothing is missing. Where it cannot
# install (no apt, not root) it names what to install, and fails if the build needs it.
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
python3       python3          tests
cmake         cmake            tests
valgrind      valgrind         optional
mmdebstrap    mmdebstrap       optional
sipp          sip-tester       optional
turnserver    coturn           optional
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
        -luuid) echo "lib:uuid uuid-dev tests" ;;
        -lssl) echo "lib:ssl libssl-dev tests" ;;
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

# missing [PURPOSE]: the packages that are missing, one a line
missing() {
    needs | while read -r what package purpose; do
        if [ "${1-$purpose}" = "$purpose" ] && ! present "$what"; then echo "$package"; fi
    done | sort -u
}

if ! command -v cargo >/dev/null 2>&1; then
    echo "pjauth needs Rust 1.95 or later: install cargo (rustup, or the system's package)" >&2
    exit 1
fi

wanted=$(missing)
[ -n "$wanted" ] || exit 0
echo "missing:" $wanted
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y $wanted >/dev/null
    wanted=$(missing)
    [ -n "$wanted" ] || exit 0
    echo "still missing after installing:" $wanted >&2
elif command -v apt-get >/dev/null 2>&1; then
    echo "install them as root: apt-get install" $wanted >&2
else
    echo "install what corresponds to these Debian packages:" $wanted >&2
fi
if [ -n "$(missing building)$(missing tests)" ]; then exit 1; fi
echo "they are optional: the tests that need them will be skipped" >&2
