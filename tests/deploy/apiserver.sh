#!/bin/sh
# apiserver.sh -- does a real API server take the manifests?
#
# Builds kube-apiserver into build/tools/kubernetes with go (once: ten minutes on two cores), starts it on
# etcd, both on the loopback interface and with their data in a folder of their own, and applies base,
# overlays and components by server-side apply; the overlay `production` twice, with another
# configuration the second time. CRDs of KEDA and of the Prometheus operator come with their Go modules;
# those of Strimzi from STRIMZI_CRDS, a folder of YAML files: no registry has them.
set -eu
operator=v0.85.0
folder=deploy/kubernetes
. tests/deploy/cluster.sh

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
build kube-apiserver
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
