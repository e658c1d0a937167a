# cluster.sh -- a real API server on etcd, on the loopback interface, for apiserver.sh, pods.sh and keda.sh. Their data
# are in $work, a folder that goes with them; programs are built into build/tools/kubernetes with go, once.
# shellcheck shell=sh
version=1.36.3
keda=v2.21.0
mkdir -p build/tools/kubernetes
tools=$(cd build/tools/kubernetes && pwd)
work=$(mktemp -d)
export GOPATH="$tools/gopath" GOCACHE="$tools/cache" GOFLAGS="-mod=mod -modcacherw" CGO_ENABLED=0

# The last one first. The API server keeps nothing that lasts, and would wait for etcd.
servers='apiserver etcd'
finish() {
    for server in $servers; do
        if [ -s "$work/$server.pid" ]; then
            pid=$(cat "$work/$server.pid")
            kill -KILL "$pid" 2>/dev/null || true
            wait "$pid" 2>/dev/null || true
        fi
    done
    awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAIL: $*"
    exit 1
}

launch() { # NAME COMMAND...
    name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 &
    echo $! >"$work/$name.pid"
}

# The path of the module among its siblings, which are released with it as 0.x.
build() { # kube-apiserver, kubelet ...
    [ ! -x "$tools/$1" ] || return 0
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
        printf '//go:build tools\n\npackage tools\n\nimport _ "k8s.io/kubernetes/cmd/%s"\n' "$1" >tools.go
        go build -trimpath -o "$tools/$1.new" -ldflags \
            "-s -w -X k8s.io/component-base/version.gitVersion=v$version" \
            "k8s.io/kubernetes/cmd/$1"
    ) >"$tools/build.log" 2>&1 || {
        tail -n 20 "$tools/build.log"
        fail "$1 $version is not built"
    }
    mv "$tools/$1.new" "$tools/$1"
}

# The path of the module.
module() {
    (cd "$work" && printf 'module x\n' >go.mod && go mod download -json "$1") |
        sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p'
}

# In a copy of its module, whose go.mod replaces and excludes modules. Its CRDs stay there: $tools/keda/config/crd.
build_keda() { # operator, adapter
    [ ! -x "$tools/keda-$1" ] || return 0
    if [ ! -d "$tools/keda" ]; then
        rm -rf "$tools/keda.new"
        cp -r "$(module "github.com/kedacore/keda/v2@$keda")" "$tools/keda.new"
        chmod -R u+w "$tools/keda.new"
        mv "$tools/keda.new" "$tools/keda"
    fi
    (cd "$tools/keda" && go build -trimpath -ldflags '-s -w' -o "$tools/keda-$1.new" "./cmd/$1") \
        >"$tools/build.log" 2>&1 || {
        tail -n 20 "$tools/build.log"
        fail "KEDA's $1 $keda is not built"
    }
    mv "$tools/keda-$1.new" "$tools/keda-$1"
}

# $work/NAME.key and NAME.crt, of the authority in $work/ca.crt.
certificate() { # NAME [subjectAltName]
    [ -e "$work/ca.crt" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca \
        -keyout "$work/ca.key" -out "$work/ca.crt" 2>/dev/null
    printf '%s\n' "${2:+subjectAltName=$2}" >"$work/$1.names"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$work/$1.key" 2>/dev/null |
        openssl x509 -req -days 2 -CA "$work/ca.crt" -CAkey "$work/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
            -extfile "$work/$1.names" -out "$work/$1.crt" 2>/dev/null
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start() {
    clients=$(free_port) peers=$(free_port) port=$(free_port)
    openssl genrsa -out "$work/key" 2048 2>/dev/null
    echo 'admin,admin,1,"system:masters"' >"$work/tokens.csv"
    certificate proxy # of the API server, to servers of metrics
    launch etcd etcd --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$clients" \
        --advertise-client-urls "http://127.0.0.1:$clients" --log-level error \
        --listen-peer-urls "http://127.0.0.1:$peers"
    launch apiserver "$tools/kube-apiserver" --etcd-servers="http://127.0.0.1:$clients" --bind-address=127.0.0.1 \
        --advertise-address=127.0.0.1 --secure-port="$port" --cert-dir="$work/certificates" \
        --service-cluster-ip-range=10.96.0.0/16 --endpoint-reconciler-type=none \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$work/key" --service-account-signing-key-file="$work/key" \
        --token-auth-file="$work/tokens.csv" --authorization-mode=RBAC \
        --requestheader-client-ca-file="$work/ca.crt" --requestheader-allowed-names=proxy \
        --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
        --requestheader-extra-headers-prefix=X-Remote-Extra- \
        --proxy-client-cert-file="$work/proxy.crt" --proxy-client-key-file="$work/proxy.key"
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
    tail -n 5 "$work/apiserver.log"
    fail "the API server is not ready"
}
