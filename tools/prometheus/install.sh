#!/bin/sh
# Builds a Prometheus with remote write 2.0, which Debian 12 lacks. Takes some minutes, once.
#
#     tools/prometheus/install.sh FOLDER
set -eu

prometheus=v0.315.1
folder=${1:?folder}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
[ ! -x "$folder/prometheus" ] || exit 0
command -v go >/dev/null || {
    echo "prometheus: there is no go, which builds it" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
export GOFLAGS='-mod=mod -buildvcs=false'
echo "prometheus: building $prometheus" >&2
cd "$work"
go mod init prometheus.test/prometheus 2>/dev/null
go get -tool "github.com/prometheus/prometheus/cmd/prometheus@$prometheus" 2>/dev/null
go build -tags remove_all_sd -o "$folder/prometheus" github.com/prometheus/prometheus/cmd/prometheus
