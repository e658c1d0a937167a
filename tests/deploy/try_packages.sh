#!/bin/sh
# Installs, checks, upgrades, removes and purges the packages in FOLDER, as root of a system that may be
# spoilt: in a chroot. What they depend on is installed. Nothing may be left.
#
#     try_packages.sh FOLDER [TOP]
#
# TOP: below it are the files that were changed, as in the upper folder of an overlay; else all are looked
# at.
set -eu
folder=$1
top=${2:-/}
old=$(mktemp -d)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

fail() {
    echo "FAIL: $*"
    exit 1
}

# Files, folders of that name, and users. dpkg's own notes, caches, and copies that passwd makes are no
# part of a package.
system() {
    (cd "$top" && find ./etc ./usr ./var \( -path ./var/lib/dpkg -o -path ./var/cache \
        -o -path ./var/log -o -path ./var/lib/systemd -o -path ./etc/.pwd.lock \) -prune \
        -o \( ! -type d -o -name '*spanmill*' \) -print) 2>/dev/null |
        grep -v '^./etc/\(passwd\|group\|shadow\|gshadow\|subuid\|subgid\)-\?$' | sort
    sort /etc/passwd /etc/group
}

# The same packages of a lower version, whose settings had another default.
packages=
for package in "$folder"/*.deb; do
    name=$(dpkg-deb -f "$package" Package)
    packages="$packages $name"
    dpkg-deb -R "$package" "$old/$name"
    sed -i 's/^Version:.*/Version: 0.0.1-1/' "$old/$name/DEBIAN/control"
    for settings in "$old/$name"/etc/spanmill/*.yaml; do
        [ ! -e "$settings" ] || sed -i 's/^brokers:.*/brokers: old:9092/' "$settings"
    done
    echo old >"$old/$name/usr/share/doc/$name/only-in-the-old-one"
    (cd "$old/$name" && find usr etc -type f -exec md5sum {} + >DEBIAN/md5sums 2>/dev/null) || true
    dpkg-deb --root-owner-group -b "$old/$name" "$old" >/dev/null
    rm -r "${old:?}/$name"
done
[ "$(echo $packages)" = 'spanmill-agent spanmill-pool spanmill' ] || fail "packages:$packages"
programs=$(dpkg-deb -c "$folder"/spanmill_*.deb; dpkg-deb -c "$folder"/spanmill-agent_*.deb
    dpkg-deb -c "$folder"/spanmill-pool_*.deb)
programs=$(echo "$programs" | sed -n 's|.* \./usr/bin/\(.\)|/usr/bin/\1|p')
[ "$(echo "$programs" | wc -l)" -ge 4 ] || fail "programs: $programs"

system >"$old/before"

echo '== install'
dpkg -i "$old"/*.deb
for name in $packages; do
    [ -f "/usr/share/doc/$name/only-in-the-old-one" ] || fail "$name is not installed"
    [ -z "$(dpkg --verify "$name")" ] || fail "dpkg --verify $name: $(dpkg --verify "$name")"
done
id spanmill | grep -q '(tracing)' || fail "the agent's user is not in the group tracing: $(id spanmill)"
[ "$(stat -c %U:%a /var/lib/spanmill)" = spanmill:750 ] || fail "/var/lib/spanmill"
! ls /etc/systemd/system/*.wants/spanmill* 2>/dev/null || fail "installing enables a service"
for path in $programs; do
    "$path" --version | grep -q "^${path##*/} [0-9]" || fail "$path --version"
done
for settings in /etc/spanmill/*.yaml; do
    name=$(basename "$settings" .yaml)
    "/usr/bin/spanmill-$name" --config "$settings" --print-config | grep -q "^brokers: old:9092 .*$settings" ||
        fail "spanmill-$name does not take $settings"
    echo 'no-such-setting: 1' >"$old/wrong.yaml"
    ! "/usr/bin/spanmill-$name" --config "$old/wrong.yaml" --print-config >/dev/null 2>&1 ||
        fail "spanmill-$name takes anything"
done
if [ -d /usr/share/bash-completion ]; then
    for path in $programs; do
        bash -c ". /usr/share/bash-completion/completions/${path##*/}" || fail "completion of $path"
    done
fi

# As far as systemd can check this if it does not run. Manual pages may be missing in a minimal system.
if command -v systemd-analyze >/dev/null; then
    for unit in /usr/lib/systemd/system/spanmill*.service; do
        said=$(systemd-analyze verify --man=no --recursive-errors=no "$unit" 2>&1) || fail "$unit: $said"
        ! echo "$said" | grep spanmill || fail "$unit: $said"
        systemd-analyze security --offline=true --threshold=20 "$unit" >"$old/security" 2>&1 || {
            cat "$old/security"
            fail "$unit is more exposed than 2.0 of 10"
        }
    done
else
    fail 'there is no systemd-analyze'
fi
# `systemctl enable` does this; it creates the links even if systemd does not run.
systemctl enable spanmill-agent spanmill-mapper@1 spanmill-mapper@2 >/dev/null 2>&1
[ -L /etc/systemd/system/multi-user.target.wants/spanmill-mapper@2.service ] || fail 'systemctl enable'
echo SPANMILL_KAFKA_SASL_PASSWORD=secret >/etc/spanmill/agent.env
touch /var/lib/spanmill/agent.state

echo '== upgrade'
sed -i 's/^brokers:.*/brokers: mine:9092/' /etc/spanmill/agent.yaml
dpkg --force-confold -i "$folder"/*.deb
for name in $packages; do
    [ ! -e "/usr/share/doc/$name/only-in-the-old-one" ] || fail "the old $name is still there"
    [ "$(dpkg-query -W -f '${Version}' "$name")" != 0.0.1-1 ] || fail "$name is not upgraded"
done
grep -qx 'brokers: mine:9092' /etc/spanmill/agent.yaml || fail 'an upgrade replaces changed settings'
! grep -q 'old:9092' /etc/spanmill/*.yaml || fail 'an upgrade keeps settings that nobody changed'
[ -e /var/lib/spanmill/agent.state ] || fail 'an upgrade deletes the state of the agent'
dpkg -i "$folder"/*.deb >/dev/null # once more: nothing to do

echo '== remove'
# shellcheck disable=SC2086 # words on purpose
dpkg -r $packages
for path in $programs; do
    [ ! -e "$path" ] || fail "$path is still there"
done
grep -qx 'brokers: mine:9092' /etc/spanmill/agent.yaml || fail 'removing deletes settings'
[ -e /var/lib/spanmill/agent.state ] || fail 'removing deletes the state of the agent'

echo '== purge'
# shellcheck disable=SC2086
dpkg -P $packages
system >"$old/after"
diff "$old/before" "$old/after" || fail 'something is left, or gone'
rm -rf "$old"
echo 'all well'
