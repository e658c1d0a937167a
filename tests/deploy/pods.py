"""For pods.sh: the base runs on a node, and sessions are published while mappers are gone, and while they get
another definitions file. Results are those of one process, to the byte, and only mappers start again.

    pods.py FOLDER      FOLDER/broker is a broker's; KUBECONFIG is that of the cluster"""
import json
import os
import shutil
import subprocess
import sys
import time

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for folder in "tests/pool", "tools/try":
    sys.path.insert(0, os.path.join(ROOT, folder))
import pool  # noqa: E402
import present  # noqa: E402

SPACE, PREFIX, LIMIT = "spanmill-pods", "pods", 60
COUNT = "\ncounts:\n  - {name: requests, event: 'thumbnailer:request_begin', by: [process]}\n"
PLACES = {"Deployment": ("mapper", 29464), "StatefulSet": ("reducer", 29465), "Job": ("topics", None)}


def overlay(folder, broker):
    """The base, on the network of the node, for a broker and a node that are small."""
    with open("deploy/kubernetes/base/spanmill.yaml") as file:
        settings = yaml.safe_load(file)
    settings.update(brokers=broker, prefix=PREFIX, topics={
        "chunk-partitions": 4, "partitions": 4, "replication": 1, "min-insync": 1})
    patches = []
    for kind, (role, port) in PLACES.items():
        pod, container = "/spec/template/spec", "/spec/template/spec/containers/0"
        patch = [{"op": "add", "path": f"{pod}/hostNetwork", "value": True},
                 {"op": "add", "path": f"{container}/imagePullPolicy", "value": "Never"}]
        if port:
            settings[role]["health-listen"] = f"127.0.0.1:{port}"
            patch += [{"op": "replace", "path": f"{container}/ports/0/containerPort", "value": port},
                      {"op": "replace", "path": f"{container}/resources/requests", "value": {"cpu": "10m"}}]
            for probe in "livenessProbe", "readinessProbe":
                patch += [{"op": "add", "path": f"{container}/{probe}/httpGet/host", "value": "127.0.0.1"}]
        if kind == "StatefulSet":
            patch.append({"op": "replace", "path": "/spec/replicas", "value": 1})
        patches.append({"target": {"kind": kind}, "patch": json.dumps(patch)})
    shutil.copytree("deploy/kubernetes", folder)
    os.mkdir(f"{folder}/here")
    with open(f"{folder}/here/spanmill.yaml", "w") as file:
        yaml.safe_dump(settings, file)
    with open(f"{folder}/here/namespace.yaml", "w") as file:
        yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}, file)
    maps = [{"name": name, "behavior": "merge", "files": [f"{file}.yaml"]}
            for name, file in (("spanmill", "spanmill"), ("spanmill-topics", "spanmill"), ("spanmill-phases", "phases"))]
    maps[1]["options"] = {"disableNameSuffixHash": True}
    with open(f"{folder}/here/kustomization.yaml", "w") as file:
        yaml.safe_dump({"namespace": SPACE, "resources": ["../base", "namespace.yaml"], "configMapGenerator": maps,
                        "patches": patches}, file)
    return f"{folder}/here"


def kubectl(*arguments, text=None):
    done = subprocess.run(["kubectl", *arguments], input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def apply(place, phases):
    with open(f"{place}/phases.yaml", "w") as file:
        file.write(phases)
    rendered = subprocess.run(["tools/kustomize.sh", place], check=True, stdout=subprocess.PIPE, text=True).stdout
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=rendered)


def ready():
    for what in "deployment/spanmill-mapper", "statefulset/spanmill-reducer":
        kubectl("-n", SPACE, "rollout", "status", what, "--timeout=180s")


def scale(count):
    kubectl("-n", SPACE, "scale", "deployment/spanmill-mapper", f"--replicas={count}")


def mappers():
    return kubectl("-n", SPACE, "get", "pods", "-l", "app.kubernetes.io/name=spanmill-mapper", "-o", "name").split()


def uids(role):
    return kubectl("-n", SPACE, "get", "pods", "-l", f"app.kubernetes.io/name=spanmill-{role}", "-o",
                   "jsonpath={.items[*].metadata.uid}")


def check(results, folder):
    """All of its session, but what the second definitions file added. How often that counted."""
    expected = pool.report(folder)
    session = f'"session":"{json.loads(expected[0])["session"]}"'
    lines = [line for line in results if session in line]
    counted = [line for line in lines if '"name":"requests"' in line]
    assert sorted(set(lines) - set(counted)) == expected, f"{session}: other results than a report's"
    return len(counted)


def main(folder):
    broker, spanmill = pool.broker_address(f"{folder}/broker"), pool.program("spanmill")
    place = overlay(f"{folder}/manifests", broker)
    with open(pool.PHASES) as file:
        phases = file.read()
    pool.wait_until(lambda: "True" in kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.conditions[?(@.type=="
                                              '"Ready")].status}'), LIMIT, "the node to be ready")
    apply(place, phases)
    kubectl("-n", SPACE, "wait", "--for=condition=complete", "job/spanmill-topics", "--timeout=180s")
    ready()
    reducer, end, published = uids("reducer"), present.end_of(spanmill, pool.THUMBNAILS), []

    def command(*arguments):
        return subprocess.run([spanmill, *arguments, "--brokers", broker, "--prefix", PREFIX], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout

    def publish():
        at = time.time() - 1000 + 100 * len(published)
        published.append(present.copy(pool.THUMBNAILS, f"{folder}/recording-{len(published)}",
                                      int(at * 1e9) - end, at))
        command("publish", published[-1])

    publish()
    scale(0)
    pool.wait_until(lambda: not mappers(), LIMIT, "mappers to be gone")
    publish()
    scale(1)
    publish()
    apply(place, phases + COUNT)
    publish()
    ready()
    publish()

    def results():
        return command("results", "--format", "json").splitlines()
    pool.wait_until(lambda: sum('"type":"summary","' in line and '"chunks":4,' in line for line in results()) ==
                    len(published), LIMIT, "all chunks to be joined")
    counted = [check(results(), each) for each in published]
    assert counted[0] == 0 and counted[-1] == 1, counted
    assert uids("reducer") == reducer, "the reducer was started again"
    print(f"ok: {len(published)} sessions, of which {sum(counted)} have the new count; results are those of reports")
    kubectl("delete", "namespace", SPACE, "--timeout=120s")
    print("all well")


if __name__ == "__main__":
    main(*sys.argv[1:])
