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

mkdir -p "$work/with-operators"
cat >"$work/with-operators/kustomization.yaml" <<END
resources: [$(realpath --relative-to="$work/with-operators" $folder/overlays/production)]
components:
  - $(realpath --relative-to="$work/with-operators" $folder/components/strimzi)
  - $(realpath --relative-to="$work/with-operators" $folder/components/prometheus-operator)
END

for place in "$folder/base" "$folder"/overlays/* "$work/with-keda" "$work/with-operators"; do
    echo "-- $place"
    render "$place"
    python3 tests/deploy/policy.py check <"$work/rendered.yaml" || fail "$place"
    python3 tests/deploy/policy.py mutants <"$work/rendered.yaml" || fail "mutants of $place"
done

count() {
    grep -c "^kind: $1\$" "$work/rendered.yaml" || true
}

# The purpose of each.
render $folder/base
for kind in Deployment StatefulSet DaemonSet Job HorizontalPodAutoscaler NetworkPolicy; do
    [ "$(count $kind)" = 1 ] || fail "base: $(count $kind) of kind $kind"
done
[ "$(count PodDisruptionBudget)" = 2 ] || fail "base: not a budget each for mappers and reducers"
render "$work/with-keda"
[ "$(count ScaledObject) $(count HorizontalPodAutoscaler)" = "1 0" ] || fail "keda: two autoscalers"
render "$work/with-operators"
[ "$(count KafkaTopic) $(count KafkaUser) $(count Job) $(count PodMonitor)" = "7 5 0 1" ] ||
    fail "operators: not all topics, users and monitors, or a job beside them"
python3 tests/deploy/policy.py topics <"$work/rendered.yaml" | LC_ALL=C sort >"$work/topics"
"$SPANMILL" topics print --config $folder/overlays/production/spanmill.yaml |
    awk '{ for (i = 2; i <= NF; i++) print $1, $i }' | LC_ALL=C sort |
    diff - "$work/topics" || fail "strimzi: other topics than \`spanmill topics print\` has"
render $folder/overlays/production
[ "$(count Deployment)" = 2 ] || fail "production: no exporter"
# A ConfigMap that no pod mounts would be an outdated name.
[ "$(grep -c '^ *name: spanmill-[a-z0-9]\{10\}$' "$work/rendered.yaml")" -ge 5 ] ||
    fail "production: the configuration is not mounted by its name"
[ "$(grep -c 'name: SPANMILL_KAFKA_SASL_PASSWORD' "$work/rendered.yaml")" = 5 ] ||
    fail "production: not a password for each role"
grep -q 'image: .*@sha256:' "$work/rendered.yaml" || fail "production: an image not by digest"

# A Job is immutable: another configuration must not change it.
job() {
    render "$1"
    python3 tests/deploy/policy.py job <"$work/rendered.yaml"
}
mkdir -p "$work/changed"
cat >"$work/changed/kustomization.yaml" <<END
resources: [$(realpath --relative-to="$work/changed" $folder/base)]
configMapGenerator:
  - {name: spanmill, behavior: merge, files: [spanmill.yaml]}
  - {name: spanmill-topics, behavior: merge, files: [spanmill.yaml], options: {disableNameSuffixHash: true}}
END
{
    cat $folder/base/spanmill.yaml
    echo 'topics: {partitions: 3}'
} >"$work/changed/spanmill.yaml"
[ "$(job $folder/base)" = "$(job "$work/changed")" ] || fail "the job changes with the configuration"

# The settings of each rendering are supported by the programs.
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
