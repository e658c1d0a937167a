#!/bin/sh
# Renders a folder of deploy/kubernetes to stdout: with kubectl or kustomize, whichever there is,
# else with a kustomize that is built by go, once, into build/tools.
#
#     tools/kustomize.sh FOLDER
set -eu

# The newest that Debian 12's go (1.19) can build.
module=sigs.k8s.io/kustomize/kustomize/v5@v5.0.3

folder=${1:?usage: $0 FOLDER}
tools=$(dirname "$0")/../build/tools

if [ -z "${KUSTOMIZE_BUILT-}" ]; then
    if command -v kubectl >/dev/null 2>&1; then
        exec kubectl kustomize "$folder"
    elif command -v kustomize >/dev/null 2>&1; then
        exec kustomize build "$folder"
    fi
fi

mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
if [ ! -x "$tools/kustomize" ]; then
    (
        flock 9 # two tests may want it at once
        [ -x "$tools/kustomize" ] || {
            echo "kustomize: building $module" >&2
            export GOBIN="$tools/new" GOPATH="$tools/gopath" GOFLAGS="-modcacherw ${GOFLAGS-}"
            go install "$module" >&2
            mv "$tools/new/kustomize" "$tools/kustomize"
            rm -rf "$tools/gopath"
        }
    ) 9>"$tools/kustomize.lock"
fi
exec "$tools/kustomize" build "$folder"
