#!/bin/sh
# keda.sh -- do pods of the overlay `production` run on a real kubelet, and does a real KEDA scale mappers by lag?
#
# On the cluster of tests/deploy/node.sh, with KEDA's operator and metrics adapter, which are built once (20 minutes on
# two cores, beside the half hour for the cluster), and a Kafka broker where a user for each role logs in by SCRAM
# over TLS and has the rights of docs/TOPICS.md. The node has an LTTng session daemon, whose chunks a pod of the agent's
# DaemonSet publishes. tests/deploy/keda.py says what is asked.
set -eu
. tests/deploy/node.sh
servers="sessiond adapter operator $servers"
go_apart "$0" operator adapter

start_keda() {
    kubectl apply --server-side -f "$tools/keda/config/crd/bases" >"$work/applied"
    certificate keda 'DNS:keda-metrics-apiserver.keda.svc,IP:127.0.0.1'
    mkdir "$work/keda"
    cp "$work/ca.crt" "$work/keda/ca.crt"
    for kind in crt key; do cp "$work/keda.$kind" "$work/keda/tls.$kind"; done
    calls=$(free_port) metrics=$(free_port) secure=$(free_port)
    kubectl apply -f - >"$work/applied" <<END
apiVersion: v1
kind: Namespace
metadata: {name: keda}
---
apiVersion: v1
kind: Service
metadata: {name: keda-metrics-apiserver, namespace: keda}
spec: {type: ExternalName, externalName: localhost, ports: [{port: $secure, name: https}]}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec:
  group: external.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  caBundle: $(base64 -w0 "$work/ca.crt")
  service: {name: keda-metrics-apiserver, namespace: keda, port: $secure}
END
    export POD_NAMESPACE=keda KEDA_CLUSTER_OBJECT_NAMESPACE=keda WATCH_NAMESPACE="" POD_NAME=keda-operator
    launch operator "$tools/keda-operator" --kubeconfig="$KUBECONFIG" --cert-dir="$work/keda" \
        --metrics-bind-address=127.0.0.1:0 --health-probe-bind-address=127.0.0.1:0 \
        --metrics-service-bind-address="127.0.0.1:$calls" --leader-elect=false --enable-webhook-patching=false \
        --enable-apiservice-patching=false
    launch adapter "$tools/keda-adapter" --cert-dir="$work/keda" --tls-cert-file="$work/keda/tls.crt" \
        --tls-private-key-file="$work/keda/tls.key" --bind-address=127.0.0.1 --secure-port="$secure" \
        --authentication-kubeconfig="$KUBECONFIG" --authorization-kubeconfig="$KUBECONFIG" \
        --lister-kubeconfig="$KUBECONFIG" --metrics-service-address="127.0.0.1:$calls" --port="$metrics"
}

# User space alone, so that the tracer of the machine's kernel is left alone. What pods write below /var/lib is in $work.
start_tracing() {
    mkdir "$work/lib" "$work/lib.changes"
    sed '$a spanmill:x:64000:64000::/var/lib/spanmill:/usr/sbin/nologin' /etc/passwd >"$work/passwd"
    sed 's/^tracing:.*:$/&spanmill/; $a spanmill:x:64000:' /etc/group >"$work/group"
    for file in passwd group; do mount --bind "$work/$file" /etc/$file; done
    mount -t overlay var-lib -o "lowerdir=/var/lib,upperdir=$work/lib,workdir=$work/lib.changes" /var/lib
    launch sessiond lttng-sessiond --no-kernel
}

start_node
start_keda
start_tracing
certificate broker "IP:$node"
cat "$work/broker.key" "$work/broker.crt" >"$work/broker.pem"
users=
for role in agent mapper reducer export topics operator; do users="$users spanmill-$role"; done
BROKER_HOST=$node BROKER_TLS=$work/broker.pem BROKER_USERS=$users BROKER_OWNER=$$ \
    tests/kafka/broker.sh start "$work/broker" >"$work/broker.log"
PROGRAMS=$PROGRAMS NODE=$node python3 -B tests/deploy/keda.py "$work" || {
    tail -n 5 "$work"/logs/*/*/*.log "$work/kubelet.log" "$work/manager.log" "$work/operator.log" "$work/adapter.log" "$work/sessiond.log"
    fail 'KEDA'
}
tests/kafka/broker.sh stop "$work/broker"
