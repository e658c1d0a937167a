"""An overlay of deploy/kubernetes on the cluster of node.sh, for pods.py and keda.py, and what is published to it."""
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

LITTLE = {"cpu": "10m", "memory": "32Mi"}  # pods are many for a node of this size
LIMIT = 60


def kubectl(*arguments, text=None):
    done = subprocess.run(["kubectl", *arguments], input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def requests(kind):
    return {"target": {"kind": kind},
            "patch": json.dumps([replace("/spec/template/spec/containers/0/resources/requests", LITTLE)])}


class Overlay:
    """Of a base of deploy/kubernetes, in `folder`, a copy that it makes."""

    def __init__(self, folder, base, space, settings, patches, more=(), **fields):
        """`settings` are set in spanmill.yaml; `more`: objects; `fields`: of kustomization.yaml."""
        self.space, self.place = space, f"{folder}/here"
        shutil.copytree("deploy/kubernetes", folder)
        os.mkdir(self.place)
        with open(f"{folder}/{base}/spanmill.yaml") as file:
            merged = yaml.safe_load(file)
        for name, value in settings.items():
            merged[name] = {**merged.get(name, {}), **value} if isinstance(value, dict) else value
        self.write("spanmill.yaml", yaml.safe_dump(merged))
        self.write("more.yaml", yaml.safe_dump_all(more))
        maps = [{"name": name, "behavior": "merge", "files": [f"{file}.yaml"]} for name, file in
                (("spanmill", "spanmill"), ("spanmill-topics", "spanmill"), ("spanmill-phases", "phases"))]
        maps[1]["options"] = {"disableNameSuffixHash": True}
        self.write("kustomization.yaml", yaml.safe_dump({
            "namespace": space, "resources": [f"../{base}", "more.yaml"], "configMapGenerator": maps,
            "patches": [*patches, *map(requests, ("Deployment", "StatefulSet"))], **fields}))

    def write(self, name, text):
        with open(f"{self.place}/{name}", "w") as file:
            file.write(text)

    def apply(self, phases):
        self.write("phases.yaml", phases)
        rendered = subprocess.run(["tools/kustomize.sh", self.place], check=True, stdout=subprocess.PIPE,
                                  text=True).stdout
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=rendered)

    def kubectl(self, *arguments):
        return kubectl("-n", self.space, *arguments)

    def ready(self, *names):
        for name in names:
            self.kubectl("rollout", "status", name, "--timeout=180s")

    def topics_made(self):
        self.kubectl("wait", "--for=condition=complete", "job/spanmill-topics", "--timeout=180s")

    def pods(self, role, what="{.metadata.uid}"):
        return self.kubectl("get", "pods", "-l", f"app.kubernetes.io/name=spanmill-{role}", "-o",
                            f"jsonpath={{range .items[*]}}{what} {{end}}").split()


def wait_for_node():
    pool.wait_until(lambda: "True" in kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.conditions[?(@.type=="
                                              '"Ready")].status}'), LIMIT, "the node to be ready")


class Sessions:
    """Copies of the sample recording, which are published one after the other, each as a session of its own."""

    def __init__(self, folder):
        self.folder, self.copies = folder, []
        self.end = present.end_of(pool.program("spanmill"), pool.THUMBNAILS)

    def new(self):
        """The folder of one more."""
        at = time.time() - 2000 + 100 * len(self.copies)
        self.copies.append(present.copy(pool.THUMBNAILS, f"{self.folder}/recording-{len(self.copies)}",
                                        int(at * 1e9) - self.end, at))
        return self.copies[-1]

    def are_joined(self, results):
        return sum('"type":"summary","' in line and '"chunks":4,' in line for line in results) == len(self.copies)


def check(results, folder):
    """All of its session, but what a second definitions file added. How often that counted."""
    expected = pool.report(folder)
    session = f'"session":"{json.loads(expected[0])["session"]}"'
    lines = [line for line in results if session in line]
    counted = [line for line in lines if '"name":"requests"' in line]
    assert sorted(set(lines) - set(counted)) == expected, f"{session}: other results than a report's"
    return len(counted)
