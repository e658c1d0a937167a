#!/bin/bash
# What `make install` puts somewhere is whole and gone after `make uninstall`; systemd takes the units,
# finds them well hardened, and would complain of a typo.
set -eu
build=$(dirname "$(dirname "$SPANMILL")")
manifest=$build/install_manifest.txt
work=$(mktemp -d)
clean() {
    [ ! -e "$work/manifest" ] || cp "$work/manifest" "$manifest"
    rm -rf "$work"
}
trap clean EXIT
# It is needed to uninstall.
[ ! -e "$manifest" ] || cp "$manifest" "$work/manifest"
prefix=/opt/spanmill-test
root=$work/root

fail() {
    echo "FAIL: $*"
    cat "$work"/*.log 2>/dev/null || true
    exit 1
}

DESTDIR=$root cmake --install "$build" --prefix $prefix >"$work/install.log" 2>&1 || fail "cmake --install"
here=$root$prefix

# The image is installed from the same folders.
for folder in $(grep -oh 'deploy/[a-z]*' CMakeLists.txt cmake/*.cmake | sort -u); do
    grep -qx "!$folder" deploy/Containerfile.dockerignore || fail "the image is built without $folder"
done

# Each program has a man page and completions, each service a unit and a valid settings file.
for path in "$here"/bin/*; do
    program=${path##*/}
    [ -f "$here/share/man/man1/$program.1" ] || fail "no man page of $program"
    [ -f "$here/share/bash-completion/completions/$program" ] || fail "no completion of $program for bash"
    head -n 1 "$here/share/zsh/site-functions/_$program" | grep -qx "#compdef $program" ||
        fail "no completion of $program for zsh"
    [ "$program" != spanmill ] || continue
    name=${program#spanmill-}
    unit=$(ls "$here/lib/systemd/system/$program.service" \
        "$here/lib/systemd/system/$program@.service" 2>/dev/null) || true
    [ -f "$unit" ] || fail "no unit of $program"
    grep -q "^ExecStart=$prefix/bin/$program --config /etc/spanmill/$name.yaml" "$unit" ||
        fail "$unit does not start $prefix/bin/$program"
    "$path" --config "$here/share/doc/spanmill/examples/$name.yaml" --print-config \
        >"$work/config.log" 2>&1 || fail "$program does not take its sample of settings"
done
[ "$(find "$here/bin" -type f | wc -l)" -ge 4 ] || fail "programs are missing"
[ -f "$here/share/spanmill/proto/result.proto" ] || fail "no result.proto"
for file in grafana/dashboards/spanmill-phases.json grafana/provisioning/datasources/spanmill.yaml \
    prometheus/spanmill.rules.yaml; do
    [ -f "$here/share/spanmill/$file" ] || fail "no $file"
done

# systemd also checks the started program: an existing one is used.
mkdir "$work/units"
cp "$here"/lib/systemd/system/*.service "$work/units"
sed -i "s|^ExecStart=$prefix/bin/[a-z-]*|ExecStart=/bin/true|" "$work"/units/*

verify() {
    # Units of the machine that they need are not checked.
    systemd-analyze verify --man=no --recursive-errors=no "$1" >"$work/verify.log" 2>&1 &&
        ! grep -q spanmill "$work/verify.log"
}

# 0 is safe, 10 is not; the threshold is in tenths.
secure() {
    systemd-analyze security --offline=true --threshold=20 "$1" >"$work/security.log" 2>&1
}

for unit in "$work"/units/*.service; do
    ! grep -q '@[A-Z]' "$unit" || fail "not all of $unit is filled in"
    verify "$unit" || fail "systemd-analyze verify $unit"
    secure "$unit" || fail "$unit is more exposed than 2.0 of 10"
    cp "$unit" "$work/unit"
    sed -i 's/^ProtectClock=/ProtectClocks=/' "$unit"
    ! verify "$unit" || fail "a setting that there is not is not found in $unit"
    cp "$work/unit" "$unit"
    sed -i '/^ProtectSystem=/d; /^CapabilityBoundingSet=/d; /^SystemCallFilter=/d
        s/^DynamicUser=yes/User=spanmill/' "$unit"
    ! secure "$unit" || fail "that $unit gives more away is not found"
done

# A file that is not installed by spanmill stays, and so does its folder.
touch "$here/share/doc/spanmill/examples/mine"
DESTDIR=$root cmake -D MANIFEST="$manifest" -P cmake/Uninstall.cmake \
    >"$work/uninstall.log" 2>&1 || fail "uninstall"
[ "$(find "$root" -type f)" = "$here/share/doc/spanmill/examples/mine" ] ||
    fail "uninstall leaves $(find "$root" -type f)"
[ ! -e "$here/share/spanmill" ] || fail "uninstall leaves an empty folder"
! DESTDIR=$root cmake -D MANIFEST="$manifest" -P cmake/Uninstall.cmake \
    >"$work/uninstall.log" 2>&1 || fail "uninstall twice"
echo "all well"
