#!/bin/sh
# Installs what `make lib` built, or removes it:
#
#   install.sh install|uninstall VERSION PREFIX [DESTDIR]
#
# Both walk the same list, so that what one lays down the other finds. LIBRARIES is the folder they were built into.
set -eu

action=$1 version=$2 prefix=$3 destdir=${4-}
root=$destdir$prefix
: "${LIBRARIES:=build/lib}"
libraries="libpjauth libpjauth-turn"
# A library that stands first and is called only from a later archive would be passed over: an archive wants the
# name asked for beforehand, and a shared library loses it to PJSIP's archive where --as-needed is on, which is the
# default of Debian's and Ubuntu's gcc.
force_archive="-Wl,-u,pjsip_auth_clt_init -l:libpjauth.a"
force_shared="-Wl,--push-state,--no-as-needed,-lpjauth,--pop-state"
private="-lpthread -ldl -lm"

# put MODE SOURCE FOLDER [NAME]
put() {
    target=$root/$3/${4:-$(basename "$2")}
    if [ "$action" = install ]; then
        install -D -m "$1" "$2" "$target"
    else
        rm -f "$target"
    fi
}

# link TARGET FOLDER NAME
link() {
    if [ "$action" = install ]; then ln -sf "$1" "$root/$2/$3"; else rm -f "$root/$2/$3"; fi
}

# fill TEMPLATE FOLDER NAME [KEY VALUE]...
fill() {
    template=$1 folder=$2 name=$3
    shift 3
    set -- PREFIX "$prefix" VERSION "$version" "$@"
    cp "$template" "$filled"
    while [ $# -gt 0 ]; do
        sed -i "s|@$1@|$2|g" "$filled"
        shift 2
    done
    put 644 "$filled" "$folder" "$name"
}

# pc NAME DESCRIPTION LIBS LIBS_PRIVATE
pc() {
    fill packaging/library.pc.in lib/pkgconfig "$1.pc" NAME "$1" DESCRIPTION "$2" LIBS "$3" LIBS_PRIVATE "$4"
}

filled=$(mktemp)
trap 'rm -f "$filled"' EXIT

for library in $libraries; do
    put 644 "$LIBRARIES/$library.a" lib
    put 755 "$LIBRARIES/$library.so.$version" lib
    link "$library.so.$version" lib "$library.so.${version%%.*}"
    link "$library.so.${version%%.*}" lib "$library.so"
done
for header in $(cd include && find . -name '*.h' -o -name '*.hpp'); do
    put 644 "include/$header" "include/$(dirname "${header#./}")"
done

sip="drop-in for PJSIP's client authentication object, and TURN server"
turn="embeddable TURN server"
pc pjauth "$sip" "$force_shared" "$private"
pc pjauth-static "$sip (static)" "$force_archive $private" ""
pc pjauth-turn "$turn" "-lpjauth-turn" "$private"
pc pjauth-turn-static "$turn (static)" "-l:libpjauth-turn.a $private" ""
put 644 packaging/pjauthConfig.cmake lib/cmake/pjauth
fill packaging/pjauthConfigVersion.cmake.in lib/cmake/pjauth pjauthConfigVersion.cmake

if [ "$action" = uninstall ]; then
    # Folders of ours alone; the others belong to the prefix.
    rmdir "$root/lib/cmake/pjauth" "$root/include/icy/turn/server" "$root/include/icy/turn" "$root/include/icy" \
        2>/dev/null || true
fi
