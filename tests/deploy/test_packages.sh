#!/bin/bash
# The Debian packages of this build, twice the same bytes; and what becomes of a system on which they
# are installed, upgraded, removed and purged: this machine, under an overlay that keeps all writes.
# `make packages-test` does the same in a fresh Debian.
set -eu
build=$(dirname "$(dirname "$SPANMILL")")

skip() {
    echo "skipped: $*"
    exit 77
}
[ "$(id -u)" -eq 0 ] || skip 'only root can install packages'
for program in dpkg-shlibdeps systemd-analyze adduser lttng; do
    command -v $program >/dev/null || skip "there is no $program"
done

work=$(mktemp -d)
clean() {
    umount -R "$work/over/root" 2>/dev/null || true
    umount "$work/over" 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT

tools/packages.sh "$build" "$work/packages" >"$work/log" || { cat "$work/log"; exit 1; }
tools/packages.sh "$build" "$work/again" >"$work/log" || { cat "$work/log"; exit 1; }
diff -r "$work/packages" "$work/again" || { echo 'FAIL: the same build makes other packages'; exit 1; }

# A file system in memory: upper and lower may not be on an overlay at the same time.
mkdir "$work/over"
mount -t tmpfs -o size=256m over "$work/over" || skip 'no tmpfs can be mounted'
mkdir "$work"/over/{upper,work,root}
mount -t overlay -o "lowerdir=/,upperdir=$work/over/upper,workdir=$work/over/work" over \
    "$work/over/root" || skip 'no overlay can be mounted over /'
root=$work/over/root
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmp "$root/run"
mkdir -p "$root/packages/upper"
mount --rbind "$work/over/upper" "$root/packages/upper"
cp "$work"/packages/*.deb "$root/packages"
cp tests/deploy/try_packages.sh "$root/packages/"
! chroot "$root" dpkg-query -W 'spanmill*' 2>/dev/null | grep -q . || skip 'spanmill is installed here'
chroot "$root" /packages/try_packages.sh /packages /packages/upper >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
echo 'all well'
