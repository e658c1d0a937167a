#!/bin/sh
# apiserver.sh -- does a real API server take the manifests?
#
# Builds kube-apiserver into build/tools/kubernetes with go (once: ten minutes on two cores), starts it on
# etcd, both on the loopback interface and with their data in a folder of their own, and applies base,
# overlays and components by server-side apply; the overlay `production` twice, with another
# configuration the second time. CRDs of KEDA and of the Prometheus operator come with their Go modules;
# those of Strimzi from STRIMZI_CRDS, a folder of YAML files: no registry has them.
set -eu
version=1.36.3
keda=v2.21.0
operator=v0.85.0
folder=deploy/kubernetes
mkdir -p build/tools/kubernetes
tools=$(cd build/tools/kubernetes && pwd)
work=$(mktemp -d)
export GOPATH="$tools/gopath" GOCACHE="$tools/cache" GOFLAGS="-mod=mod -modcacherw" CGO_ENABLED=0

# The API server keeps nothing that lasts, and would wait for etcd.
finish() {
    for server in apiserver etcd; do
        if [ -s "$work/$server.pid" ]; then
            pid=$(cat "$work/$server.pid")
            kill -KILL "$pid" 2>/dev/null || true
            wait "$pid" 2>/dev/null || true
        fi
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAIL: $*"
    exit 1
}

# The module's own place among its siblings, which are released beside it as 0.x.
build() {
    mkdir -p "$tools/module"
    (
        cd "$tools/module"
        rm -f go.mod go.sum
        go mod init example.org/apiserver
        go mod edit -require="k8s.io/kubernetes@v$version"
        siblings=$(go mod download -json "k8s.io/kubernetes@v$version" |
            sed -n 's/^.*"GoMod": "\(.*\)".*$/\1/p')
        sed -n 's|^.*\(k8s\.io/[a-z0-9-]*\) => \./staging/.*$|\1|p' "$siblings" | while read -r module; do
            go mod edit -replace="$module=$module@v0.${version#1.}"
        done
        printf '//go:build tools\n\npackage tools\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver"\n' >tools.go
        go build -trimpath -o "$tools/kube-apiserver.new" -ldflags \
            "-s -w -X k8s.io/component-base/version.gitVersion=v$version" \
            k8s.io/kubernetes/cmd/kube-apiserver
    ) >"$tools/build.log" 2>&1 || {
        tail -20 "$tools/build.log"
        fail "kube-apiserver $version is not built"
    }
    mv "$tools/kube-apiserver.new" "$tools/kube-apiserver"
}

# Where go keeps the module.
module() {
    (cd "$work" && printf 'module x\n' >go.mod && go mod download -json "$1") |
        sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p'
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start() {
    clients=$(free_port) peers=$(free_port) port=$(free_port)
    openssl genrsa -out "$work/key" 2048 2>/dev/null
    echo 'admin,admin,1,"system:masters"' >"$work/tokens.csv"
    etcd --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$clients" \
        --advertise-client-urls "http://127.0.0.1:$clients" --log-level error \
        --listen-peer-urls "http://127.0.0.1:$peers" >"$work/etcd.log" 2>&1 &
    echo $! >"$work/etcd.pid"
    "$tools/kube-apiserver" --etcd-servers="http://127.0.0.1:$clients" --bind-address=127.0.0.1 \
        --advertise-address=127.0.0.1 --secure-port="$port" --cert-dir="$work/certificates" \
        --service-cluster-ip-range=10.96.0.0/16 --endpoint-reconciler-type=none \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$work/key" --service-account-signing-key-file="$work/key" \
        --token-auth-file="$work/tokens.csv" --authorization-mode=RBAC >"$work/apiserver.log" 2>&1 &
    echo $! >"$work/apiserver.pid"
    cat >"$work/kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:$port", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: admin}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
END
    export KUBECONFIG="$work/kubeconfig"
    for _ in $(seq 1 240); do
        ! kubectl get --raw /readyz >"$work/ready" 2>&1 || return 0
        sleep 0.5
    done
    tail -5 "$work/apiserver.log"
    fail "the API server is not ready"
}

apply() {
    kubectl apply --server-side -f "$1" >"$work/applied" 2>"$work/refused" || {
        cat "$work/refused"
        fail "$2 is refused"
    }
    echo "ok: $2, $(wc -l <"$work/applied") objects"
}

# render NAME BASE COMPONENT...: the base with components, of a copy of the manifests
render() {
    name=$1 base=$2
    shift 2
    rm -rf "$work/render"
    cp -r "$folder" "$work/render"
    mkdir "$work/render/here"
    {
        echo "resources: [../$base]"
        echo "components:"
        for component in "$@"; do echo "  - ../components/$component"; done
    } >"$work/render/here/kustomization.yaml"
    [ $# -gt 0 ] || echo "resources: [../$base]" >"$work/render/here/kustomization.yaml"
    [ -z "${change-}" ] || sed -i "$change" "$work/render/$base/spanmill.yaml"
    tools/kustomize.sh "$work/render/here" >"$work/$name.yaml"
}

for program in go etcd kubectl openssl; do
    command -v $program >/dev/null || fail "$program is wanted (Debian: golang, etcd-server, openssl)"
done
[ -x "$tools/kube-apiserver" ] || build
start
apply "$(module "github.com/kedacore/keda/v2@$keda")/config/crd/bases" "CRDs of KEDA $keda"
crds=$(module "github.com/prometheus-operator/prometheus-operator@$operator")/example/prometheus-operator-crd
mkdir "$work/crds"
cp "$crds"/*_podmonitors.yaml "$crds"/*_prometheusrules.yaml "$work/crds"
apply "$work/crds" "CRDs of the Prometheus operator $operator"
components=prometheus-operator
if [ -n "${STRIMZI_CRDS-}" ]; then
    apply "$STRIMZI_CRDS" "CRDs of Strimzi"
    components="$components strimzi"
else
    echo "skipped: components/strimzi (STRIMZI_CRDS is not set)"
fi
render base base
apply "$work/base.yaml" base
render development overlays/development
apply "$work/development.yaml" "overlay development"
render production overlays/production
apply "$work/production.yaml" "overlay production"
change='s/memory-limit: 1G/memory-limit: 2G/' render changed overlays/production
! cmp -s "$work/production.yaml" "$work/changed.yaml" || fail "nothing was changed"
apply "$work/changed.yaml" "overlay production with another configuration"
render keda base keda # in place of the autoscaler of base
apply "$work/keda.yaml" "base with KEDA"
# shellcheck disable=SC2086
render components overlays/production $components
apply "$work/components.yaml" "components of operators: $components"
echo "all well"
