#!/bin/sh
# Makes the two files that C programs link from Cargo's static library:
#
#   artefacts.sh CARGO_ARCHIVE NAME VERSION OUT_DIR [LINK_FLAG...] < exported names, one a line, * allowed
#
# with the names that the archive brings along: the SIP half's, which depend on the pjproject it was built for,
# writes OUT_DIR/NAME.a, OUT_DIR/NAME.so.VERSION and the two symbolic links to it, OUT_DIR/NAME.so.VERSION.debug, which
# has the debugging information that the others are without, and OUT_DIR/NAME.built-from, which says for whose structures.
# Where something of PJSIP's is imported, OUT_DIR/NAME-preload.so as well. LINK_FLAGs go to the shared
# library's link. CC, LD, NM, OBJCOPY and AR name the tools (GNU binutils); CROSS_COMPILE is the prefix of those that
# are not named.
#
# Cargo's archive is Rust's: several hundred members whose thousands of global names clash with those of any other
# Rust archive in the program. What is shipped has one member with nothing global but the exported names. So it can
# stand beside another Rust archive, and whoever pulls one of its functions gets all of them: never one of ours
# and the next of PJSIP's.
set -eu

archive=$1 name=$2 version=$3 out=$4
shift 4
cross=${CROSS_COMPILE-}
: "${CC:=$cross${cross:+g}cc}" "${LD:=$(command -v "${cross}ld.bfd" || echo "${cross}ld")}"
: "${NM:=${cross}nm}" "${OBJCOPY:=${cross}objcopy}" "${AR:=${cross}ar}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/keep"

# One object, everything else local. The standard library brings LLVM bitcode along, which only rustc can use.
"$LD" -r --whole-archive "$archive" -o "$work/whole.o"
"$OBJCOPY" -O binary --only-section=.pjauth.exports "$work/whole.o" "$work/own"
cat "$work/own" >> "$work/keep"
"$OBJCOPY" -O binary --only-section=.pjauth.layout "$work/whole.o" "$work/layout"
"$OBJCOPY" --wildcard --keep-global-symbols="$work/keep" -R .pjauth.exports -R .pjauth.layout -R .llvmbc -R .llvmcmd \
    "$work/whole.o" "$work/local.o"

# Only what the exported names reach. Section groups are dissolved: the linker would otherwise take the group of the
# same name in another Rust archive for a copy of ours and drop it.
"$NM" --extern-only --defined-only "$work/local.o" | awk '{ print "-u", $3 }' > "$work/roots"
grep -v '\*' "$work/keep" | while read -r listed; do
    grep -qx -e "-u $listed" "$work/roots" || { echo "artefacts.sh: $archive has no $listed" >&2; exit 1; }
done
"$LD" -r --gc-sections --force-group-allocation @"$work/roots" "$work/local.o" -o "$work/reached.o"

# GNU ld leaves the undefined names of the dropped sections behind, weak ones turned strong; a second pass loses them.
"$LD" -r "$work/reached.o" -o "$work/$name.o"

# nodelete: thread-locals and the application's callbacks point into the library, so dlclose must not unmap it.
# lazy:     functions may be looked for only when called; a library with -z now would want them all when it is loaded.
soname=$name.so.${version%%.*}
{ echo '{ global:'; sed 's/$/;/' "$work/keep"; echo 'local: *; };'; } > "$work/exports.map"
# share OBJECT OUT SONAME FLAG...
share() {
    object=$1 shared=$2 given=$3
    shift 3
    "$CC" -shared -o "$work/$shared" "$object" \
        -Wl,-soname,"$given" -Wl,--version-script="$work/exports.map" -Wl,-Bsymbolic-functions -Wl,--build-id \
        -Wl,-z,nodelete -Wl,-z,lazy -Wl,-z,relro -Wl,-z,noexecstack "$@"
}
share "$work/$name.o" "$name.so.$version" "$soname" "$@"
made="$name.a $name.so.$version $name.so.$version.debug $name.built-from"

"$OBJCOPY" --only-keep-debug "$work/$name.so.$version" "$work/$name.so.$version.debug"
"$OBJCOPY" --strip-debug --add-gnu-debuglink="$work/$name.so.$version.debug" "$work/$name.so.$version"
"$OBJCOPY" --strip-debug "$work/$name.o"
"$AR" rcsD "$work/$name.a" "$work/$name.o"

# A preloaded library meets processes without PJSIP, and some that want all functions when it is loaded (LD_BIND_NOW):
# weak ones may be missing. Not so in the others: a weak name pulls no member out of PJSIP's archives.
"$NM" --undefined-only "$work/$name.o" | awk '$2 ~ /^pj/ { print $2 }' > "$work/foreign"
if [ -s "$work/foreign" ]; then
    "$OBJCOPY" --weaken-symbols="$work/foreign" "$work/$name.o" "$work/weak.o"
    share "$work/weak.o" "$name-preload.so" "$name-preload.so" "$@"
    made="$made $name-preload.so"
fi

# The configuration as it was said, for install.sh to compare; a name alone may be that of two trees.
{ cat "$work/layout"; echo
  echo "PJPROJECT_DIR=${PJPROJECT_DIR-}"; echo "PJAUTH_CONFIG=${PJAUTH_CONFIG-}"; } >"$work/$name.built-from"

# All of it is there before any of it is put in place: a full disk leaves what was.
mkdir -p "$out"
for file in $made; do cp "$work/$file" "$out/$file.new" || { rm -f "$out"/*.new; exit 1; }; done
for file in $made; do mv -f "$out/$file.new" "$out/$file"; done
ln -sf "$name.so.$version" "$out/$soname"
ln -sf "$soname" "$out/$name.so"
