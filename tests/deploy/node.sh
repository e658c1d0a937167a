# node.sh -- a real kubelet with containerd, controllers and scheduler for the API server of cluster.sh, for pods.sh and
# keda.sh. Everything runs in a process namespace and a network of its own and ends with the script. Pods have their
# own addresses on a bridge of that network; what they reach outside listens at $node. Needs root, cgroups, and Debian's
# containerd, runc, containernetworking-plugins, etcd-server, iproute2. PROGRAMS: the folder of spanmill's programs.
# KAFKA_JARS: see tests/kafka/broker.sh.
# shellcheck shell=sh
: "${PROGRAMS:=$PWD/build/release/bin}"
. tests/deploy/cluster.sh
# shellcheck disable=SC2034 # of cluster.sh
servers='containerd kubelet scheduler manager apiserver etcd'
pods=10.88.0 node=10.88.0.1

# Those that a kubelet makes, the deepest first; they outlive it.
pod_groups() {
    find /sys/fs/cgroup -depth -type d -path '*/kubepods*'
}

# Builds what is missing, which needs the network of the machine, then runs the script again, apart; returns there.
go_apart() { # SCRIPT [PART OF KEDA...]
    [ -z "${POD_TEST-}" ] || return 0
    for program in go etcd kubectl openssl containerd ctr runc ip; do
        command -v $program >/dev/null || fail "$program is missing"
    done
    for program in kube-apiserver kubelet kube-controller-manager kube-scheduler; do
        build $program
    done
    script=$1 code=0
    shift
    for part in "$@"; do
        build_keda "$part"
    done
    others=$(pod_groups)
    POD_TEST=1 unshare --net python3 -ISB tests/isolate.py --must sh "$script" || code=$?
    [ -n "$others" ] || pod_groups | xargs -r rmdir
    exit $code
}

start_network() {
    ip link set lo up
    ip link add pods type bridge
    ip address add "$node/24" dev pods
    ip link set pods up
}

start_containerd() {
    mkdir -p "$work/cni" "$work/containerd"
    cat >"$work/cni/pods.conflist" <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "pods", "isGateway": true,
 "ipam": {"type": "host-local", "dataDir": "$work/addresses", "ranges": [[{"subnet": "$pods.0/24"}]],
          "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
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
imageGCHighThresholdPercent: 100 # no image comes back if a full disk makes the kubelet delete it
podLogsDir: $work/logs
END
    launch kubelet "$tools/kubelet" --config="$work/kubelet.yaml" --kubeconfig="$KUBECONFIG" \
        --root-dir="$work/kubelet" --cert-dir="$work/pki" --hostname-override=node --node-ip="$node" --v=1
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

start_node() {
    start_network
    start
    start_containerd
    start_kubelet
    start_controllers
}
