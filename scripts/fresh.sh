#!/bin/bash
# `make test-fresh`: a bare Debian, a fresh clone of what is committed, and a command in it: whether the set-up is whole
# shows only where nothing was set up.
#
#   fresh.sh SUITE root|user COMMAND...
#
# SUITE is one that debootstrap knows: bookworm, trixie, sid. The command runs as root, or as an ordinary user of a
# machine to which root has given what install-deps.sh names. Made by mmdebstrap, by root; this host's Rust is lent, for
# rustup is what a newcomer brings along, and its network is shared. Processes and mounts are in namespaces of their own
# and go with the command; the folder (below TMPDIR, up to 5 GB) goes on every way out.
set -eu -o pipefail
cd "$(dirname "$0")/.."

give_up() { echo "test-fresh: $*" >&2; exit 1; }
[ $# -ge 3 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
suite=$1 who=$2
shift 2
[ "$(id -u)" = 0 ] || give_up "only root can make a root"
command -v mmdebstrap >/dev/null || give_up "mmdebstrap is not installed"
case $who in
root) home=/root more= ;;
user) home=/home/user more=,$(scripts/install-deps.sh --list | paste -sd,) ;;
*) give_up "as whom? root or user, not $who" ;;
esac
cargo=${CARGO_HOME:-$HOME/.cargo} rustup=${RUSTUP_HOME:-$HOME/.rustup}
[ -x "$cargo/bin/cargo" ] && [ -d "$rustup/toolchains" ] || give_up "no rustup below $cargo and $rustup to lend"

place=$(mktemp -d "${TMPDIR:-/tmp}/pjauth-fresh.XXXXXX")
unset TMPDIR
machine=$place/machine
running=
leave() {
    [ -z "$running" ] || { kill -KILL "$running" && wait "$running"; } 2>/dev/null
    rm -rf --one-file-system "$place"
}
trap leave EXIT
trap 'exit 130' INT HUP
trap 'exit 143' TERM

# In the background and waited for, so that a signal is heard at once.
attended() {
    "$@" &
    running=$!
    local status=0
    wait "$running" || status=$?
    running=
    return $status
}

echo "test-fresh: a bare $suite in $machine ..."
# What this host had to be told to reach its mirrors holds for the machine as well.
apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-)' >"$place/apt" || true
attended unshare --mount --pid --mount-proc --fork --kill-child mmdebstrap --quiet --variant=minbase --aptopt="$place/apt" \
    --include="ca-certificates,git,make$more" "$suite" "$machine" || give_up "mmdebstrap could not make it"
certificates=/usr/local/share/ca-certificates
if [ -n "$(ls -A $certificates 2>/dev/null)" ]; then
    cp -r $certificates/. "$machine$certificates/"
    chroot "$machine" update-ca-certificates >/dev/null 2>&1 || give_up "this host's certificates could not be added"
fi
cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
[ $who = root ] || chroot "$machine" useradd --create-home --shell /bin/bash user
mkdir -p "$machine$home"/.cargo/bin "$machine$home/.rustup"
for file in "$cargo"/config* "$cargo"/credentials* /etc/pip.conf; do
    case $file in
    /etc/*) to=$machine/etc ;;
    *) to=$machine$home/.cargo ;;
    esac
    [ ! -f "$file" ] || cp "$file" "$to/"
done
git clone --quiet --no-hardlinks . "$machine$home/pjauth"
chroot "$machine" chown -R $who:$who "$home"

# inside MACHINE WHO HOME CARGO RUSTUP COMMAND...: the first process of the namespaces
inside() {
    local who=$2 home=$3
    mount --bind "$1" "$1" && cd "$1"
    mount --rbind /dev dev && mount -t proc proc proc && mount --rbind /sys sys && mount -t tmpfs -o mode=1777 none tmp
    mount -o bind,ro "$4/bin" ".$home/.cargo/bin" && mount -o bind,ro "$5" ".$home/.rustup"
    shift 5
    # Not chroot alone: mmdebstrap and browsers make namespaces, which the kernel grants nobody inside of one.
    mkdir -p old && pivot_root . old && cd / && umount -l /old
    exec setpriv --reuid="$who" --regid="$who" --init-groups sh -c 'cd "$0/pjauth" && exec "$@"' "$home" "$@"
}

kept=$(env | grep -E '^([A-Za-z]+_proxy|[A-Z]+_PROXY|(SSL|CURL|PIP|REQUESTS|GIT_SSL|CARGO_HTTP)_[A-Z_]*)=' | grep -v '^PIP_FIND' || true)
mapfile -t kept <<<"${kept:-LANG=C.UTF-8}"
began=$SECONDS status=0
echo "test-fresh: in $home/pjauth as $who, at $(git rev-parse --short HEAD): $*"
attended env -i "${kept[@]}" LANG=C.UTF-8 HOME="$home" USER=$who \
    PATH="$home/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    unshare --mount --pid --ipc --uts --fork --kill-child bash -euc "$(declare -f inside); inside \"\$@\"" \
    inside "$machine" $who "$home" "$cargo" "$rustup" "$@" </dev/null || status=$?
echo "test-fresh: $suite, $who: exit status $status after $((SECONDS - began)) s"
exit $status
