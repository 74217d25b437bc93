#!/bin/sh
# Sees to it that this machine has what is needed, before anything is built:
#
#   install-deps.sh [PURPOSE...]      building, sip, demo, demo-turn, tests, optional (default: all of them)
#   install-deps.sh --list            only prints the Debian packages, whether they are there or not
#
# Rust comes first, for no package manager is asked for anything while that is missing. Silent when nothing is. As root
# with apt it installs; otherwise it names what to install. It fails if a purpose cannot do without; what is optional,
# and turnserver, is done without.
#
# SYSROOT is where the system's folders are looked for, for the tests of this script.
set -eu
cd "$(dirname "$0")/.."
: "${SYSROOT:=}" "${CARGO:=cargo}" "${RUSTC:=rustc}"

# what must be there | Debian package | needed for
needs() {
    cat <<'LIST'
cc            build-essential  building
c++           build-essential  tests
make          build-essential  building
ld            binutils         building
pkg-config    pkg-config       sip
libclang      libclang-dev     sip
pkg-config    pkg-config       demo
pkg-config    pkg-config       demo-turn
python3       python3          demo
turnserver    coturn           optional-demo
pjsip         mmdebstrap       demo
keyring       debian-archive-keyring demo
c++           build-essential  tests
python3       python3          tests
cmake         cmake            tests
mmdebstrap    mmdebstrap       optional
keyring       debian-archive-keyring optional
turnserver    coturn           optional
valgrind      valgrind         optional
meson         meson            optional
ip            iproute2         optional
ethtool       ethtool          optional
clang++       clang            optional
doxygen       doxygen          optional
libtool       libtool-bin      optional
ld.lld        lld              optional
ld.mold       mold             optional
sipp          sip-tester       optional
haproxy       haproxy          optional
chromium      chromium         optional
ensurepip     python3-venv     optional
redis-server  redis-server     optional
lib:hiredis   libhiredis-dev   optional
lib:uv        libuv1-dev       optional
lib:crypto    libssl-dev       optional
openssl       openssl          optional
certutil      libnss3-tools    optional
lintian       lintian          optional
LIST
    # pjproject's static libraries ask for these by name only.
    for library in $(pkg-config --static --libs-only-l libpjproject 2>/dev/null || true); do
        case $library in
        -luuid) echo "lib:uuid uuid-dev building" ;;
        -lssl) echo "lib:ssl libssl-dev building" ;;
        esac
    done
}

# version_in TEXT: the first number with a dot in it
version_in() { echo "$1" | sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9.]*\).*/\1/p' | head -n 1; }

# at_least WANTED VERSION
at_least() {
    [ -n "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$1" ]
}

# bindgen loads libclang.so* or libclang-NUMBER.so* (libclang-cpp is another library), which reads its compiler's own
# headers from the folder beside it.
libclang() {
    for folder in ${LIBCLANG_PATH:+"$LIBCLANG_PATH"} "$SYSROOT"/usr/lib/llvm-*/lib "$SYSROOT"/usr/lib/*-linux-gnu \
        "$SYSROOT"/usr/lib64 "$SYSROOT"/usr/lib "$SYSROOT"/usr/local/lib; do
        for library in "$folder"/libclang.so* "$folder"/libclang-[0-9]*.so*; do
            [ -e "$library" ] || continue
            for header in "$folder"/clang/*/include/stddef.h "$folder"/../lib/clang/*/include/stddef.h; do
                [ ! -e "$header" ] || return 0
            done
        done
    done
    return 1
}

present() {
    case $1 in
    libclang) libclang ;;
    # The pjproject that pkg-config finds, or the means to unpack Debian's.
    pjsip) pkg-config --exists libpjproject 2>/dev/null || present mmdebstrap ;;
    keyring) [ -e "$SYSROOT/usr/share/keyrings/debian-archive-keyring.gpg" ] ;;
    python3) at_least 3.9 "$(version_in "$(python3 --version 2>/dev/null)")" ;;
    cmake) at_least 3.21 "$(version_in "$(cmake --version 2>/dev/null)")" ;;
    ensurepip) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    lib:*) echo 'int main(void) { return 0; }' | ${CC:-cc} -x c - -o /dev/null "-l${1#lib:}" 2>/dev/null ;;
    # A user's PATH need not have the folder of haproxy and ethtool.
    *) PATH=$PATH:$SYSROOT/usr/sbin command -v "$1" >/dev/null 2>&1 ;;
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

# too_old: programs that are there, and what they are for cannot do with their age
too_old() {
    for each in python3:3.9 cmake:3.21; do
        program=${each%:*}
        found=$(command -v "$program") && ! present "$program" || continue
        echo "$found is $(version_in "$("$program" --version 2>&1)"), and ${each#*:} or later is needed" >&2
    done
}

check_rust() {
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    for program in "$CARGO" "$RUSTC"; do
        found=$(version_in "$("$program" --version 2>/dev/null || true)")
        at_least "$wanted" "$found" && continue
        if [ -n "$found" ]; then here="$(command -v "$program") is $found"; else here="there is no working $program"; fi
        echo "pjauth needs Rust $wanted or later, and $here: install it with rustup, https://rustup.rs" >&2
        exit 1
    done
}

# required PURPOSE...: those that cannot go without what is missing
required() {
    for purpose; do
        case $purpose in optional*) ;; *) echo "$purpose" ;; esac
    done
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "$@" >/dev/null
}

if [ "${1-}" = --list ]; then
    needs | awk '{ print $2 }' | sort -u
    exit
fi
[ $# -gt 0 ] || set -- building sip demo tests optional
check_rust
case " $* " in *" demo"*) set -- "$@" optional-demo ;; esac

wanted=$(missing "$@")
[ -n "$wanted" ] || exit 0
echo "missing:" $wanted
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get -qq update || true
    # One that this release does not have is not to keep the others away.
    # shellcheck disable=SC2086 # one argument for each package
    apt_install $wanted 2>/dev/null || for package in $wanted; do
        apt_install "$package" || echo "apt could not install $package: its reason is above" >&2
    done
    wanted=$(missing "$@")
    [ -n "$wanted" ] || exit 0
    echo "still missing:" $wanted >&2
elif command -v apt-get >/dev/null 2>&1; then
    echo "install them as root: apt-get install" $wanted >&2
else
    echo "install what corresponds to these Debian packages:" $wanted >&2
fi
too_old
# shellcheck disable=SC2046 # one argument for each purpose
wanted=$(missing $(required "$@"))
[ -z "$wanted" ] || { echo "without these it does not go:" $wanted >&2; exit 1; }
echo "the rest goes without them; tests that need them are skipped" >&2
