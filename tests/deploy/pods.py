"""For pods.sh: the base runs on a node, and sessions are published while mappers are gone, and while they get
another definitions file. Results are those of one process, to the byte, and only mappers start again.

    pods.py FOLDER      FOLDER/broker is a broker's; KUBECONFIG is that of the cluster"""
import json
import subprocess
import sys

import manifests
import pool
from manifests import LIMIT, Overlay, Sessions, check, replace

SPACE, PREFIX = "spanmill-pods", "pods"
COUNT = "\ncounts:\n  - {name: requests, event: 'thumbnailer:request_begin', by: [process]}\n"
WORKERS = "deployment/spanmill-mapper", "statefulset/spanmill-reducer"


def main(folder):
    broker, sessions = pool.broker_address(f"{folder}/broker"), Sessions(folder)
    overlay = Overlay(
        f"{folder}/manifests", "base", SPACE,
        {"brokers": broker, "prefix": PREFIX,
         "topics": {"chunk-partitions": 4, "partitions": 4, "replication": 1, "min-insync": 1}},
        [{"target": {"kind": "StatefulSet"}, "patch": json.dumps([replace("/spec/replicas", 1)])}],
        [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}])
    with open(pool.PHASES) as file:
        phases = file.read()
    manifests.wait_for_node()
    overlay.apply(phases)
    overlay.topics_made()
    overlay.ready(*WORKERS)
    reducer = overlay.pods("reducer")

    def command(*arguments):
        return subprocess.run([pool.program("spanmill"), *arguments, "--brokers", broker, "--prefix", PREFIX],
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout

    def publish():
        command("publish", sessions.new())

    def scale(count):
        overlay.kubectl("scale", "deployment/spanmill-mapper", f"--replicas={count}")

    publish()
    scale(0)
    pool.wait_until(lambda: not overlay.pods("mapper"), LIMIT, "mappers to be gone")
    publish()
    scale(1)
    publish()
    overlay.apply(phases + COUNT)
    publish()
    overlay.ready(*WORKERS)
    publish()

    def results():
        return command("results", "--format", "json").splitlines()
    pool.wait_until(lambda: sessions.are_joined(results()), LIMIT, "all chunks to be joined")
    counted = [check(results(), each) for each in sessions.copies]
    assert counted[0] == 0 and counted[-1] == 1, counted
    assert overlay.pods("reducer") == reducer, "the reducer was started again"
    print(f"ok: {len(counted)} sessions, of which {sum(counted)} have the new count; results are those of reports")
    manifests.kubectl("delete", "namespace", SPACE, "--timeout=120s")
    print("all well")


if __name__ == "__main__":
    main(*sys.argv[1:])
