#!/bin/sh
# Builds what `make otlp-test` asks: Jaeger, a store of traces, and an OpenTelemetry Collector with the
# parts that are tested. Takes some ten minutes on two cores, once.
#
#     tools/otel/install.sh FOLDER
set -eu

jaeger=v1.76.0
folder=${1:?folder}
sources=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
[ ! -x "$folder/jaeger" ] || [ ! -x "$folder/otelcol" ] || exit 0
command -v go >/dev/null || {
    echo "otel: there is no go, which builds Jaeger and the Collector" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
export GOFLAGS='-mod=mod -buildvcs=false'

if [ ! -x "$folder/jaeger" ]; then
    echo "otel: building Jaeger $jaeger" >&2
    mkdir "$work/jaeger"
    cd "$work/jaeger"
    go mod init otel.test/jaeger 2>/dev/null
    go get -tool "github.com/jaegertracing/jaeger/cmd/jaeger@$jaeger" 2>/dev/null
    go build -o "$folder/jaeger" github.com/jaegertracing/jaeger/cmd/jaeger
fi
if [ ! -x "$folder/otelcol" ]; then
    echo "otel: building the Collector" >&2
    mkdir "$work/otelcol"
    cp "$sources/collector.go" "$work/otelcol/main.go"
    cp "$sources/collector.mod" "$work/otelcol/go.mod"
    cd "$work/otelcol"
    go build -o "$folder/otelcol" .
fi
