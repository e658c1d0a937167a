# systemd takes the agent's unit as it is, finds it well hardened, and would complain of a typo.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAIL: $*"
    cat "$work"/*.log
    exit 1
}

# systemd looks at what is started, too: something that is there.
unit=$work/spanmill-agent.service
sed 's|@CMAKE_INSTALL_FULL_BINDIR@/spanmill-agent|/bin/true|' \
    deploy/systemd/spanmill-agent.service.in >"$unit"
! grep -q '@[A-Z]' "$unit" || fail "not all of the unit is filled in"

verify() {
    # Units of the machine itself, which it needs, are not ours to judge.
    systemd-analyze verify --man=no --recursive-errors=no "$1" >"$work/verify.log" 2>&1 &&
        ! grep -q spanmill "$work/verify.log"
}
verify "$unit" || fail "systemd-analyze verify"

sed -i.bak 's/^ProtectClock=/ProtectClocks=/' "$unit"
! verify "$unit" || fail "a setting that there is not is not found"
mv "$unit.bak" "$unit"

# 0 is safe, 10 is not; the threshold is in tenths.
systemd-analyze security --offline=true --threshold=20 "$unit" >"$work/security.log" 2>&1 ||
    fail "more exposed than 2.0 of 10"
sed -i '/^ProtectSystem=/d; /^CapabilityBoundingSet=/d; /^SystemCallFilter=/d' "$unit"
! systemd-analyze security --offline=true --threshold=20 "$unit" >"$work/security.log" 2>&1 ||
    fail "a unit that gives more away is not found"
echo "all well"
