#!/bin/sh
# Makes the two files that C programs link from Cargo's static library:
#
#   artefacts.sh CARGO_ARCHIVE NAME VERSION OUT_DIR [LINK_FLAG...] < exported names, one a line, * allowed
#
# with the names that the archive brings along: the SIP half's, which depend on the pjproject it was built for,
# writes OUT_DIR/NAME.a, OUT_DIR/NAME.so.VERSION and the two symbolic links to it. LINK_FLAGs go to the shared
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
"$OBJCOPY" --wildcard --keep-global-symbols="$work/keep" -R .pjauth.exports -R .llvmbc -R .llvmcmd \
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

mkdir -p "$out"
rm -f "$out/$name.a"
"$AR" rcsD "$out/$name.a" "$work/$name.o"

# nodelete: thread-locals and the application's callbacks point into the library, so dlclose must not unmap it.
# lazy:     a preloaded library meets processes without PJSIP; its functions may be looked for only when called.
soname=$name.so.${version%%.*}
{ echo '{ global:'; sed 's/$/;/' "$work/keep"; echo 'local: *; };'; } > "$work/exports.map"
"$CC" -shared -o "$out/$name.so.$version" "$work/$name.o" \
    -Wl,-soname,"$soname" -Wl,--version-script="$work/exports.map" -Wl,-Bsymbolic-functions \
    -Wl,-z,nodelete -Wl,-z,lazy -Wl,-z,relro -Wl,-z,noexecstack "$@"
ln -sf "$name.so.$version" "$out/$soname"
ln -sf "$soname" "$out/$name.so"
