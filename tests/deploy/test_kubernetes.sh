# The manifests render, and keep to the rules of policy.py, which are shown to find breaches.
set -eu
folder=deploy/kubernetes
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAIL: $*"
    exit 1
}

render() {
    tools/kustomize.sh "$1" >"$work/rendered.yaml" || fail "$1 does not render"
}

# A component renders only as a part of something.
mkdir -p "$work/with-keda"
cat >"$work/with-keda/kustomization.yaml" <<END
resources: [$(realpath --relative-to="$work/with-keda" $folder/base)]
components: [$(realpath --relative-to="$work/with-keda" $folder/components/keda)]
END

mkdir -p "$work/with-export"
cat >"$work/with-export/kustomization.yaml" <<END
resources: [$(realpath --relative-to="$work/with-export" $folder/overlays/production)]
components: [$(realpath --relative-to="$work/with-export" $folder/components/export)]
END

for place in "$folder/base" "$folder"/overlays/* "$work/with-keda" "$work/with-export"; do
    echo "-- $place"
    render "$place"
    python3 tests/deploy/policy.py check <"$work/rendered.yaml" || fail "$place"
    python3 tests/deploy/policy.py mutants <"$work/rendered.yaml" || fail "mutants of $place"
done

count() {
    grep -c "^kind: $1\$" "$work/rendered.yaml" || true
}

# What each of them is for.
render $folder/base
for kind in Deployment StatefulSet DaemonSet Job HorizontalPodAutoscaler NetworkPolicy; do
    [ "$(count $kind)" = 1 ] || fail "base: $(count $kind) of kind $kind"
done
[ "$(count PodDisruptionBudget)" = 2 ] || fail "base: not a budget each for mappers and reducers"
render "$work/with-keda"
[ "$(count ScaledObject) $(count HorizontalPodAutoscaler)" = "1 0" ] || fail "keda: two autoscalers"
render "$work/with-export"
[ "$(count Deployment)" = 2 ] || fail "export: no Deployment"
# What no pod mounts would be an old name of the configuration.
[ "$(grep -c '^ *name: spanmill-[a-z0-9]\{10\}$' "$work/rendered.yaml")" -ge 5 ] ||
    fail "export: the configuration is not mounted by its name"
render $folder/overlays/production
grep -q SPANMILL_KAFKA_SASL_PASSWORD "$work/rendered.yaml" || fail "production: no password"

# The settings of each rendering are ones that the programs know.
for overlay in base overlays/development overlays/production; do
    for program in spanmill-mapper spanmill-reducer spanmill-export spanmill-agent; do
        path=$(dirname "$SPANMILL")/$program
        "$path" --config $folder/$overlay/spanmill.yaml --print-config >"$work/settings" ||
            fail "$program does not take $overlay/spanmill.yaml"
    done
    "$SPANMILL" topics create --config $folder/$overlay/spanmill.yaml --print-config \
        >"$work/settings" || fail "spanmill topics does not take $overlay/spanmill.yaml"
done
echo "all well"
