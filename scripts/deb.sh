#!/bin/sh
# `make deb`: what `make lib` made, as Debian packages:
#
#   deb.sh VERSION OUT
#
# libpjauth0, libpjauth-turn0: the shared libraries; libpjauth-dev, libpjauth-turn-dev: what it takes to build with them.
# LIBRARIES is the folder they were built into. Files are laid down by install.sh, and here only shared out. Headers
# that both halves have are libpjauth-turn-dev's. DEBFULLNAME and DEBEMAIL name whoever stands for the packages.
set -eu
version=$1 out=$(realpath -m "$2")
cd "$(dirname "$0")/.."
: "${LIBRARIES:=build/lib}" "${DEBFULLNAME:=pjauth}" "${DEBEMAIL:=pjauth@packages.invalid}"
export LIBRARIES

for tool in dpkg-deb dpkg-shlibdeps dpkg-architecture; do
    command -v $tool >/dev/null || { echo "make deb: $tool is not installed (Debian package dpkg-dev)" >&2; exit 1; }
done
architecture=$(dpkg-architecture -qDEB_HOST_ARCH)
libdir=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
revision=$version-1
so=${version%%.*}

mkdir -p "$out"
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
LIBDIR=$libdir scripts/install.sh install "$version" /usr "$work/all" >"$work/said"
built_from=$(sed -n 's/^libpjauth .*, built from //p' "$work/said")

# take PACKAGE PATH...: moves what was laid down into a package
take() {
    package=$1
    shift
    for path; do
        mkdir -p "$work/$package$(dirname "$path")"
        mv "$work/all$path" "$work/$package$path"
    done
}

# What dpkg-shlibdeps finds the library to need.
needs_of() {
    (cd "$work" && dpkg-shlibdeps -O -e"$1" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
}

# documents PACKAGE
documents() {
    folder=$work/$1/usr/share/doc/$1
    mkdir -p "$folder"
    {
        echo "pjauth is licensed under either of MIT or Apache-2.0, at your option. On Debian systems the text of the"
        echo "latter is in /usr/share/common-licenses/Apache-2.0."
        echo; cat LICENSE-MIT
        # The texts that are in Debian's own folder are not repeated here, only named above.
        echo; sed 's/, whose text is LICENSE-APACHE//' packaging/THIRD-PARTY.md
    } >"$folder/copyright"
    {
        echo "pjauth ($revision) unstable; urgency=medium"; echo
        echo "  * Built from the sources of pjauth $version; its CHANGELOG.md has what is new."; echo
        echo " -- $DEBFULLNAME <$DEBEMAIL>  $(date -Ru -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGELOG.md)}")"
    } | gzip -9n >"$folder/changelog.Debian.gz"
    gzip -9nc CHANGELOG.md >"$folder/changelog.gz"
}

# package NAME SECTION DEPENDS SUMMARY, and on standard input what is to know of it, indented by one
package() {
    name=$1 root=$work/$1
    documents "$name"
    mkdir -p "$root/DEBIAN"
    {
        echo "Package: $name"
        echo "Source: pjauth"
        echo "Version: $revision"
        echo "Section: $2"
        echo "Priority: optional"
        echo "Architecture: $architecture"
        echo "Multi-Arch: same"
        echo "Maintainer: $DEBFULLNAME <$DEBEMAIL>"
        echo "Installed-Size: $(du -sk "$root" | cut -f1)"
        echo "Depends: $3"
        echo "Description: $4"
        cat
    } >"$root/DEBIAN/control"
    (cd "$root" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
    find "$root" -type d -exec chmod 755 {} +
    dpkg-deb --root-owner-group --build "$root" "$out/${name}_${revision}_$architecture.deb" >"$work/said"
    echo "$out/${name}_${revision}_$architecture.deb"
}

# library STEM: NAME0 knows the dynamic linker and who links with it
library() {
    mkdir -p "$work/$1$so/DEBIAN"
    echo "activate-noawait ldconfig" >"$work/$1$so/DEBIAN/triggers"
    echo "$1 $so $1$so (>= $version)" >"$work/$1$so/DEBIAN/shlibs"
    for file in "$work/all$libdir/$1.so.$version" "$work/all$libdir/$1"-preload.so; do
        [ ! -e "$file" ] || { "${STRIP:-strip}" --strip-unneeded "$file"; chmod 644 "$file"; }
    done
    take "$1$so" "$libdir/$1.so.$version" "$libdir/$1.so.$so"
}

# dpkg-shlibdeps will have a control file.
mkdir -p "$work/debian"
printf 'Source: pjauth\n\nPackage: pjauth\nArchitecture: any\n' >"$work/debian/control"

library libpjauth-turn
package "libpjauth-turn$so" libs "$(needs_of "$work/libpjauth-turn$so$libdir/libpjauth-turn.so.$version")" \
    "embeddable TURN server, for C and C++ (shared library)" <<'TEXT'
 A TURN server (RFC 8656, RFC 5766) inside a C or C++ program, which decides on
 every request by an observer of three functions, at once or later.
TEXT
take libpjauth-turn-dev /usr/include/pjauth.h /usr/include/pjauth "$libdir/libpjauth-turn.a" "$libdir/libpjauth-turn.so" \
    "$libdir/pkgconfig/pjauth-turn.pc" "$libdir/pkgconfig/pjauth-turn-static.pc" "$libdir/cmake"
package libpjauth-turn-dev libdevel "libpjauth-turn$so (= $revision)" \
    "embeddable TURN server, for C and C++ (development files)" <<'TEXT'
 A TURN server (RFC 8656, RFC 5766) inside a C or C++ program, which decides on
 every request by an observer of three functions, at once or later.
 .
 This package has the headers, the archive, and what pkg-config and CMake ask
 for.
TEXT

[ -n "$built_from" ] || exit 0
library libpjauth
take "libpjauth$so" "$libdir/libpjauth-preload.so"
package "libpjauth$so" libs "$(needs_of "$work/libpjauth$so$libdir/libpjauth.so.$version")" \
    "drop-in for PJSIP's client authentication object (shared library)" <<TEXT
 Lets a SIP application answer an authentication challenge later, from any
 thread. To be linked ahead of PJSIP's libraries, or preloaded.
 .
 Built for the structures of: $built_from.
TEXT
take libpjauth-dev /usr/include/pjauth.hpp /usr/include/pjsip_auth_async.h "$libdir/libpjauth.a" "$libdir/libpjauth.so" \
    "$libdir/pkgconfig/pjauth.pc" "$libdir/pkgconfig/pjauth-static.pc"
package libpjauth-dev libdevel "libpjauth$so (= $revision), libpjauth-turn-dev (= $revision)" \
    "drop-in for PJSIP's client authentication object (development files)" <<'TEXT'
 Lets a SIP application answer an authentication challenge later, from any
 thread. To be linked ahead of PJSIP's libraries, or preloaded.
 .
 This package has the headers, the archive, and what pkg-config asks for.
TEXT
