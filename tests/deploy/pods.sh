#!/bin/sh
# pods.sh -- do pods of the base run on a real kubelet, and does a new definitions file roll through without loss?
#
# On the cluster of tests/deploy/node.sh, whose programs are built once (half an hour on two cores), with a Kafka broker;
# tests/deploy/pods.py says what is asked of the pods.
set -eu
. tests/deploy/node.sh
go_apart "$0"
start_node
BROKER_HOST=$node BROKER_OWNER=$$ tests/kafka/broker.sh start "$work/broker" >"$work/broker.log"
PROGRAMS=$PROGRAMS python3 -B tests/deploy/pods.py "$work" || {
    tail -n 5 "$work"/logs/*/*/*.log "$work/kubelet.log" "$work/manager.log"
    fail 'pods'
}
tests/kafka/broker.sh stop "$work/broker"
