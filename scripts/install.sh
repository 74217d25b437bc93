#!/bin/sh
# Installs what `make lib` built, or removes it:
#
#   install.sh install|uninstall VERSION PREFIX [DESTDIR]
#
# Both walk the same list, so that what one lays down the other finds. LIBRARIES is the folder they were built into,
# LIBDIR the one they go to (PREFIX/lib); what was not built, such as the SIP half after `make lib-turn`, is not
# installed. All is first laid out beside its place, on the same disk: what cannot be installed whole is not begun.
set -eu

action=$1 version=$2 prefix=$3 destdir=${4-}
: "${LIBRARIES:=build/lib}" "${LIBDIR:=$prefix/lib}" "${DOCUMENTS:=build/docs}"
umask 022
[ -z "$destdir" ] || destdir=$(realpath -m "$destdir")
incdir=$prefix/include docdir=$prefix/share/doc/pjauth

give_up() {
    echo "pjauth: $*: nothing was installed" >&2
    exit 1
}

# put MODE SOURCE FOLDER [NAME]
put() {
    target=$3/${4:-$(basename "$2")}
    if [ "$action" = uninstall ]; then
        rm -f "$destdir$target"
    else
        mkdir -p "$lay$3" && cp "$2" "$lay$target" && chmod "$1" "$lay$target" || give_up "$target could not be written"
    fi
}

# link TARGET FOLDER NAME
link() {
    if [ "$action" = install ]; then ln -sf "$1" "$lay$2/$3"; else rm -f "$destdir$2/$3"; fi
}

# fill TEMPLATE FOLDER NAME [KEY VALUE]...: the template with VALUE for each @KEY@. In a .pc file a blank in a folder's
# name has a backslash before it.
fill() {
    template=$1 folder=$2 name=$3
    shift 3
    set -- VERSION "$version" SONUMBER "${version%%.*}" "$@"
    cp "$template" "$filled"
    while [ $# -gt 0 ]; do
        value=$(printf '%s' "$2" | sed 's/[\\&|]/\\&/g')
        sed -i "s|@$1@|$value|g" "$filled"
        shift 2
    done
    put 644 "$filled" "$folder" "$name"
}

# pc NAME DESCRIPTION LIBS LIBS_PRIVATE
pc() {
    fill packaging/library.pc.in "$LIBDIR/pkgconfig" "$1.pc" NAME "$1" DESCRIPTION "$2" LIBS "$3" LIBS_PRIVATE "$4" \
        PREFIX "$(escaped "$prefix")" LIBDIR "$(below_prefix "$LIBDIR")" INCLUDEDIR "$(below_prefix "$incdir")"
}
escaped() { printf '%s' "$1" | sed 's/[\\ ]/\\&/g'; }
below_prefix() {
    case $1 in
    "$prefix"/*) printf '${prefix}%s' "$(escaped "${1#"$prefix"}")" ;;
    *) escaped "$1" ;;
    esac
}

# has LIBRARY: whether it was built; to remove, all were.
has() { [ "$action" = uninstall ] || [ -e "$LIBRARIES/$1.a" ]; }

# -- the list ------------------------------------------------------------------------------------------------------

libraries() {
    for library in libpjauth libpjauth-turn; do
        has $library || continue
        put 644 "$LIBRARIES/$library.a" "$LIBDIR"
        put 755 "$LIBRARIES/$library.so.$version" "$LIBDIR"
        link "$library.so.$version" "$LIBDIR" "$library.so.${version%%.*}"
        link "$library.so.${version%%.*}" "$LIBDIR" "$library.so"
        put 644 "$LIBRARIES/$library.so.$version.debug" "$LIBDIR/.debug"
    done
    ! has libpjauth || put 755 "$LIBRARIES/libpjauth-preload.so" "$LIBDIR"
}

# A library that stands first and is called only from a later archive would be passed over: an archive wants a name of
# its own asked for beforehand, and a shared library must not be dropped as not needed yet, which GNU ld does with
# --as-needed (the default of Debian's gcc) whatever is asked for. Each is one word with the whole path: build systems
# that sort words (CMake's imported targets, Meson) leave it whole. pkg-config has no way to write a path with a blank.
ask="-Wl,-u,pjsip_auth_clt_init"
archive() {
    case $LIBDIR in
    *' '*) printf '%s' "-L\${libdir} -l:$1.a" ;;
    *) printf '%s' "\${libdir}/$1.a" ;;
    esac
}
needed() {
    case $LIBDIR in
    *' '*) printf '%s' "-L\${libdir} -Wl,--push-state,--no-as-needed,-l${1#lib},--pop-state" ;;
    *) printf '%s' "-Wl,--push-state,--no-as-needed,\${libdir}/$1.so,--pop-state" ;;
    esac
}
private="-lpthread -ldl -lm"
for_builds() {
    (cd include && find . -name '*.h' -o -name '*.hpp') >"$headers"
    while read -r header; do
        folder=$(dirname "${header#./}")
        put 644 "include/$header" "$incdir${folder:+/$folder}"
    done <"$headers"
    if has libpjauth; then
        sip="drop-in for PJSIP's client authentication object, and TURN server"
        pc pjauth "$sip" "$(needed libpjauth)" "$private"
        pc pjauth-static "$sip (static)" "$ask $(archive libpjauth) $private" ""
    fi
    if has libpjauth-turn; then
        turn="embeddable TURN server"
        pc pjauth-turn "$turn" "-L\${libdir} -lpjauth-turn" "$private"
        pc pjauth-turn-static "$turn (static)" "-Wl,-u,pjauth_version $(archive libpjauth-turn) $private" ""
    fi
    cmake=$LIBDIR/cmake/pjauth
    fill packaging/pjauthConfig.cmake "$cmake" pjauthConfig.cmake \
        INCLUDEDIR "$(realpath -m --relative-to="$cmake" "$incdir")"
    fill packaging/pjauthConfigVersion.cmake.in "$cmake" pjauthConfigVersion.cmake
}

documents() {
    for file in README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE packaging/THIRD-PARTY.md; do
        put 644 "$file" "$docdir"
    done
    for file in docs/*.md docs/*.svg; do put 644 "$file" "$docdir/docs"; done
    # What `make docs` has made, if it has. Of the man pages those of our own names.
    if [ "$action" = uninstall ]; then
        rm -rf "$destdir${docdir:?}/html" "$destdir$prefix"/share/man/man3/pjauth_*.3
    elif [ -d "$DOCUMENTS" ]; then
        for file in "$DOCUMENTS"/html/* "$DOCUMENTS"/html/search/*; do
            [ -d "$file" ] || put 644 "$file" "$docdir/$(dirname "${file#"$DOCUMENTS"/}")"
        done
        for file in "$DOCUMENTS"/man/man3/pjauth_*.3; do put 644 "$file" "$prefix/share/man/man3"; done
    fi
}

# -- the two actions -----------------------------------------------------------------------------------------------

filled=$(mktemp) headers=$(mktemp)
lay=
clean_up() { rm -rf "$filled" "$headers" ${lay:+"$lay"}; }
trap clean_up EXIT
trap 'exit 130' HUP INT TERM

if [ "$action" = uninstall ]; then
    libraries; for_builds; documents
    # Folders of ours alone; the others belong to the prefix.
    for folder in "$LIBDIR/.debug" "$LIBDIR/cmake/pjauth" "$docdir/docs" "$docdir" \
        "$incdir/pjauth/icy/turn/server" "$incdir/pjauth/icy/turn/client" "$incdir/pjauth/icy/turn/observer" \
        "$incdir/pjauth/icy/turn" "$incdir/pjauth/icy" "$incdir/pjauth"; do
        rmdir "$destdir$folder" 2>/dev/null || true
    done
    exit
fi

has libpjauth || has libpjauth-turn || give_up "there is no library in $LIBRARIES; make lib"
# Another configuration asked for than was built would install the wrong library in silence.
if has libpjauth; then
    built=$LIBRARIES/libpjauth.built-from
    for asked in ${PJPROJECT_DIR:+"PJPROJECT_DIR=$PJPROJECT_DIR"} ${PJAUTH_CONFIG:+"PJAUTH_CONFIG=$PJAUTH_CONFIG"}; do
        grep -qxF "$asked" "$built" || give_up "$LIBRARIES was built from $(head -n 1 "$built"); make lib $asked"
    done
    echo "libpjauth $version, built from $(head -n 1 "$built")"
    sed -n 's/^PJPROJECT_DIR=\(..*\)/    (\1)/p' "$built"
fi
mkdir -p "$destdir$prefix" "$destdir$LIBDIR" 2>/dev/null && [ -w "$destdir$prefix" ] && [ -w "$destdir$LIBDIR" ] ||
    give_up "$destdir$prefix cannot be written to (sudo?)"
lay=$(mktemp -d "$destdir$prefix/.pjauth-XXXXXX") || give_up "$destdir$prefix cannot be written to"
libraries; for_builds; documents
(cd "$lay" && find . -type d) | while read -r folder; do mkdir -p "$destdir/$folder"; done ||
    give_up "not all folders could be made below $destdir$prefix"
(cd "$lay" && find . ! -type d) | while read -r file; do mv -f "$lay/$file" "$destdir/$file"; done
echo "installed into $destdir$prefix"
# The dynamic linker's list, where it has one and the library is for this system itself.
if [ -z "$destdir" ] && [ "$(id -u)" = 0 ]; then ldconfig 2>/dev/null || true; fi
