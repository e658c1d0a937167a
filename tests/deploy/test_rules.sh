# Each alert rule fires when it should and not when all is well, by promtool; each has a section in the
# runbook. Dashboards are written, and their ids are all different.
set -eu
command -v promtool >/dev/null || { echo "there is no promtool here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1

cp deploy/prometheus/spanmill.rules.yaml "$work/rules.yaml"
python3 tests/deploy/rules.py "$work/rules.yaml" docs/RUNBOOK.md "$work"
promtool test rules "$work/tests.yaml"

# A threshold that is never reached, one that is always reached, and a rule without a test: all are detected.
sed -i 's/blocked_seconds > 120/blocked_seconds > 1e9/' "$work/rules.yaml"
if promtool test rules "$work/tests.yaml" >"$work/said" 2>&1; then
    echo "FAIL: an alert that does not fire is not found"
    exit 1
fi
sed -i 's/blocked_seconds > 1e9/blocked_seconds > 1/' "$work/rules.yaml"
if promtool test rules "$work/tests.yaml" >"$work/said" 2>&1; then
    echo "FAIL: an alert that fires for nothing is not found"
    exit 1
fi
sed 's/SpanmillGap/SpanmillHole/' deploy/prometheus/spanmill.rules.yaml >"$work/rules.yaml"
if python3 tests/deploy/rules.py "$work/rules.yaml" docs/RUNBOOK.md "$work" 2>"$work/said"; then
    echo "FAIL: a rule without a test and a section is not found"
    exit 1
fi

deploy/grafana/dashboards.py "$work/dashboards"
[ "$(ls "$work/dashboards" | wc -l)" -ge 4 ]
cat "$work"/dashboards/*.json | grep -E '^ "uid"' | sort | uniq -d >"$work/twice"
[ ! -s "$work/twice" ] || { echo "FAIL: two dashboards have one uid"; exit 1; }
echo "all well"
