#!/bin/bash
# Runs the image's mappers and reducers in containers against a real broker, with the sample
# recording, and compares their results with those of one process.
#
#     deploy/check-image.sh [NAME]
#
# NAME: of the image; localhost/spanmill:VERSION. BROKER names a Kafka broker for tests; else one is
# started (tests/kafka/broker.sh). Containers share the host's network; their root is
# read-only, they have no capabilities, and cgroups are not needed. Needs podman, runc and curl.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^project(spanmill VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
image=${1:-localhost/spanmill:$version}
prefix=image-$$
work=$(mktemp -d)
chmod 755 "$work"
export STORAGE_DRIVER="${STORAGE_DRIVER:-overlay}"
podman=(podman --cgroup-manager=cgroupfs --runtime runc)
names=()
clean() {
    for name in "${names[@]}"; do
        "${podman[@]}" rm --force --time 0 "$name" >/dev/null 2>&1 || true
    done
    [ ! -d "$work/kafka" ] || tests/kafka/broker.sh stop "$work/kafka"
    rm -rf "$work"
}
trap clean EXIT

broker=${BROKER-}
if [ -z "$broker" ]; then
    tools/kafka/install.sh
    tests/kafka/broker.sh start "$work/kafka"
    broker=$(cat "$work/kafka/bootstrap")
fi
recording=$PWD/tests/data/thumbnails

confined=(--network=host --read-only --cap-drop=all --security-opt=no-new-privileges
    --ulimit nofile=4096:4096 --ulimit nproc=4096:4096
    --tmpfs /tmp:rw,size=1g,mode=1777 --volume "$recording:/recording:ro"
    --env "SPANMILL_BROKERS=$broker" --env "SPANMILL_PREFIX=$prefix")
# For workers: timeouts short enough for this check.
worker=(-X session.timeout.ms=6000 -X heartbeat.interval.ms=1000
    -X fetch.wait.max.ms=50)

say() {
    printf '%(%H:%M:%S)T %s\n' -1 "$*"
}

fail() {
    say "FAIL: $*"
    for name in "${names[@]}"; do
        echo "--- $name"
        "${podman[@]}" logs "$name" 2>&1 | tail -n 20 || true
    done
    exit 1
}

# once PROGRAM ARGUMENT...: in a separate container, with its output on stdout.
once() {
    "${podman[@]}" run --rm "${confined[@]}" "$image" "$@"
}

# start NAME PORT PROGRAM [INSTANCE]: in the background, with its health server at PORT.
start() {
    local phases=()
    [ "$3" != spanmill-mapper ] || phases=(--phases /recording/phases.yaml)
    names+=("$prefix-$1")
    "${podman[@]}" run --detach --name "$prefix-$1" "${confined[@]}" "$image" "$3" \
        --instance "${4-$1}" --health-listen "127.0.0.1:$2" "${worker[@]}" "${phases[@]}" >/dev/null
}

# wait_ready NAME PORT
wait_ready() {
    for _ in $(seq 150); do
        if curl -fsS "http://127.0.0.1:$2/readyz" >/dev/null 2>&1; then
            say "$1 is ready"
            return
        fi
        sleep 0.2
    done
    fail "$1 is not ready after 30 s: $(curl -sS "http://127.0.0.1:$2/readyz" 2>&1)"
}

# stop NAME: SIGTERM, then its exit code within the time that it has to drain.
stop() {
    local begin=$EPOCHREALTIME code
    "${podman[@]}" kill --signal TERM "$prefix-$1" >/dev/null
    code=$(timeout 40 "${podman[@]}" wait "$prefix-$1") || fail "$1 does not stop"
    say "$1 left with $code, $(awk "BEGIN {printf \"%.1f\", $EPOCHREALTIME - $begin}") s after SIGTERM"
    [ "$code" = 0 ] || fail "$1 left with $code"
}

results() {
    once spanmill results --format json 2>"$work/results.log" | LC_ALL=C sort || true
}

# Waits until the results are those of one process.
wait_results() {
    for _ in $(seq 60); do
        results >"$work/got"
        if cmp -s "$work/expected" "$work/got"; then
            say "results equal those of spanmill report: $(wc -l <"$work/got") objects"
            return
        fi
        sleep 1
    done
    diff "$work/expected" "$work/got" | head -n 20 || true
    cat "$work/results.log"
    fail "results differ from those of spanmill report"
}

# A free port.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

say "$(once spanmill --version), image $image, user $(once id -u)"
once spanmill topics create --partitions 4 --chunk-partitions 4 --replication 1 --min-insync 1
once spanmill report /recording --phases /recording/phases.yaml --format json |
    LC_ALL=C sort >"$work/expected"

mapper_port=$(free_port)
reducer_port=$(free_port)
start mapper "$mapper_port" spanmill-mapper
start reducer "$reducer_port" spanmill-reducer
wait_ready mapper "$mapper_port"
wait_ready reducer "$reducer_port"

# The mapper gets SIGTERM while it works; another one takes over.
once spanmill publish /recording &
for _ in $(seq 1500); do
    mapped=$(curl -fsS "http://127.0.0.1:$mapper_port/metrics" |
        sed -n 's/^spanmill_mapper_chunks_total{outcome="mapped"} //p')
    [ "$mapped" = 0 ] || break
    sleep 0.01
done
say "the mapper has mapped $mapped of 4 chunks, and is asked to stop"
stop mapper
wait $!
start mapper-2 "$mapper_port" spanmill-mapper
wait_ready mapper-2 "$mapper_port"
wait_results

curl -fsS "http://127.0.0.1:$mapper_port/metrics" >"$work/metrics"
say "mapper-2 has mapped $(sed -n 's/^spanmill_mapper_chunks_total{outcome="mapped"} //p' \
    "$work/metrics") of them"
curl -fsS "http://127.0.0.1:$reducer_port/metrics" >"$work/metrics"
say "the reducer has joined $(sed -n 's/^spanmill_reducer_chunks_total //p' "$work/metrics")"
say "metrics: $(grep -c '^# TYPE' "$work/metrics") families, e.g. $(grep ^process_resident "$work/metrics")"
if command -v promtool >/dev/null; then
    promtool check metrics <"$work/metrics" || fail "promtool does not like the metrics"
fi

# A reducer that is stopped leaves; its successor, of the same name as in a StatefulSet, restores
# what it needs from Kafka, for there is nothing else.
stop reducer
start reducer-2 "$reducer_port" spanmill-reducer reducer
wait_ready reducer-2 "$reducer_port"
wait_results
stop reducer-2
stop mapper-2
say "all well"
