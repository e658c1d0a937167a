#!/bin/sh
# pods.sh -- do pods of the base run on a real kubelet, and does a new definitions file roll through without loss?
#
# Builds kube-apiserver, kubelet, kube-controller-manager and kube-scheduler with go (once: half an hour on two
# cores), and starts them with containerd, etcd and a Kafka broker, all in a process namespace of their own; they end
# with this script. Pods use the network of this machine, as there is no plugin for another; tests/deploy/pods.py
# says what is asked of them. Needs root, cgroups, and Debian's containerd, runc, containernetworking-plugins,
# etcd-server. PROGRAMS: the folder of spanmill's programs. KAFKA_JARS: see tests/kafka/broker.sh.
set -eu
: "${PROGRAMS:=$PWD/build/release/bin}"
[ -n "${POD_TEST-}" ] || POD_TEST=1 exec python3 -ISB tests/isolate.py --must sh "$0"
. tests/deploy/cluster.sh
servers='containerd kubelet scheduler manager apiserver etcd'

launch() { # NAME COMMAND...
    name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 &
    echo $! >"$work/$name.pid"
}

start_containerd() {
    mkdir -p "$work/cni" "$work/containerd"
    echo '{"cniVersion": "0.4.0", "name": "lo", "plugins": [{"type": "loopback"}]}' >"$work/cni/lo.conflist"
    cat >"$work/containerd.toml" <<END
version = 2
root = "$work/containerd/root"
state = "$work/containerd/state"
[grpc]
  address = "$work/containerd/socket"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  stream_server_address = "127.0.0.1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$work/cni"
END
    launch containerd containerd --config "$work/containerd.toml"
    python3 -B tests/deploy/images.py "$PROGRAMS" "$work"
    for image in pause spanmill; do
        ctr -a "$work/containerd/socket" -n k8s.io images import "$work/$image.tar" >"$work/imported"
    done
}

start_kubelet() {
    cat >"$work/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
address: 127.0.0.1
port: $(free_port)
healthzPort: 0
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix://$work/containerd/socket
resolvConf: ""
makeIPTablesUtilChains: false
evictionHard: {memory.available: "100Mi"}
podLogsDir: $work/logs
END
    launch kubelet "$tools/kubelet" --config="$work/kubelet.yaml" --kubeconfig="$KUBECONFIG" \
        --root-dir="$work/kubelet" --cert-dir="$work/pki" --hostname-override=node --v=1
}

start_controllers() {
    for name in manager scheduler; do
        program=kube-$name key=
        [ $name = scheduler ] || program=kube-controller-manager key="--service-account-private-key-file=$work/key"
        # shellcheck disable=SC2086 # none or one
        launch $name "$tools/$program" --kubeconfig="$KUBECONFIG" --authentication-kubeconfig="$KUBECONFIG" \
            --authorization-kubeconfig="$KUBECONFIG" --leader-elect=false --bind-address=127.0.0.1 \
            --secure-port="$(free_port)" --cert-dir="$work/$name" $key
    done
}

for program in go etcd kubectl openssl containerd ctr runc; do
    command -v $program >/dev/null || fail "$program is missing"
done
for program in kube-apiserver kubelet kube-controller-manager kube-scheduler; do
    build $program
done
start
start_containerd
start_kubelet
start_controllers
BROKER_OWNER=$$ tests/kafka/broker.sh start "$work/broker" >"$work/broker.log"
PROGRAMS=$PROGRAMS python3 -B tests/deploy/pods.py "$work" || {
    tail -5 "$work/kubelet.log" "$work/manager.log"
    fail 'pods'
}
tests/kafka/broker.sh stop "$work/broker"
