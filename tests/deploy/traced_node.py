"""For keda.py: the node has a session daemon and is to be traced: the DaemonSet runs an agent there, which requests
rotations and publishes the chunks of traced pods as its own user. As docs/IMAGE.md tells, "A node to trace"."""
import grp
import json
import os
import subprocess
import sys

import yaml

import manifests
import pool
from manifests import kubectl, replace

sys.path.insert(0, os.path.join(manifests.ROOT, "tests/agent"))
import test_session_daemon  # noqa: E402

TRACED = "examples/traced"
STATE, TRACES = "/var/lib/spanmill", "/var/lib/spanmill/traces"  # as in deploy/kubernetes/base/agent.yaml
USER, NOBODY, ROTATIONS = 64000, 65534, 3
PODS = "shop-1", "shop-2"  # both are process 1 of their namespace
SETTINGS = {"agent": {"rotate-every": "2s"}}


def tracing():
    """The number of the group whose members may control the session daemon."""
    return grp.getgrnam("tracing").gr_gid


def patch():
    return {"target": {"kind": "DaemonSet"},
            "patch": json.dumps([replace("/spec/template/spec/securityContext/supplementalGroups", [tracing()])])}


def lttng(*arguments):
    done = subprocess.run(["runuser", "-u", "spanmill", "--", "lttng", "--no-sessiond", *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "LTTNG_HOME": STATE})
    assert done.returncode == 0, f"lttng {' '.join(arguments)}: {done.stdout}"


def traced_pod(name, folder):
    """That of the example; its log is read here."""
    with open(f"{TRACED}/pod.yaml") as file:
        pod = yaml.safe_load(file)
    pod["metadata"]["name"] = name
    pod["spec"]["containers"][0].update(image="localhost/spanmill:0.1.0", imagePullPolicy="Never")
    pod["spec"]["volumes"][1] = {"name": "log", "hostPath": {"path": folder, "type": "Directory"}}
    return pod


def logged(folders):
    """By phase path: how often, and the minimum and maximum time, of all pods."""
    spans = {}
    for folder in folders:
        for name, (least_ns, most_ns) in test_session_daemon.logged(f"{folder}/shop.log").items():
            count, least, most = spans.get(name, (0, 0, 0))
            spans[name] = count + 1, least + least_ns, most + most_ns
    return spans


def differences(logs, found):
    for name in sorted({*logs, *found}):
        said, got = logs.get(name), found.get(name)
        if not said or not got or got[0] != said[0] or not said[1] <= got[1] <= said[2] or got[2] or got[3]:
            yield f"{name}: {got}, the programs say {said}"


def run(running, folder, results):
    """`results`: all lines of the results topic."""
    before = {json.loads(line)["session"] for line in results()}

    def lines():
        return [line for line in results() if json.loads(line)["session"] not in before]
    for path in STATE, TRACES:
        os.mkdir(path)
        os.chown(path, USER, USER)
    logs = {name: f"{folder}/{name}" for name in PODS}
    for log in logs.values():
        os.mkdir(log)
        os.chown(log, NOBODY, NOBODY)
    with open(f"{TRACED}/requests.yaml") as file:
        running.apply(file.read())
    kubectl("label", "node", "node", "spanmill.dev/trace=true")
    pool.wait_until(lambda: running.pods("agent"), manifests.LIMIT, "a pod of the agent")
    running.ready("daemonset/spanmill-agent")

    lttng("create", "shop", f"--output={TRACES}/shop")
    lttng("enable-event", "--userspace", "shop:*")
    lttng("add-context", "--userspace", "--type=vpid", "--type=vtid", "--type=pid_ns")
    lttng("start")
    kubectl("-n", running.space, "apply", "-f", "-",
            text=yaml.safe_dump_all([traced_pod(name, log) for name, log in logs.items()]))
    pool.wait_until(lambda: all(os.path.exists(f"{log}/shop.log") for log in logs.values()), manifests.LIMIT,
                    "the traced pods to run")
    running.kubectl("delete", "pods", "-l", "app.kubernetes.io/name=spanmill-agent")  # another goes on
    for name in PODS:
        running.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{name}", "--timeout=120s")
    lttng("destroy", "shop")

    expected = logged(logs.values())

    def differing():
        return list(differences(expected, test_session_daemon.found(lines())))
    try:
        pool.wait_until(lambda: not differing(), 120, "the requests in the results")
    finally:
        for line in differing()[:5]:
            pool.say(line)
    summary, = [row for row in map(json.loads, lines()) if row["type"] == "summary"]
    assert summary["chunks"] >= ROTATIONS and summary["lost_intervals"] == summary["discarded"] == 0, summary
    assert summary["hosts"] == [os.uname().nodename], summary
    pool.say(f"ok: the agent of the DaemonSet published {summary['chunks']} chunks of {len(PODS)} traced pods; "
             f"{len(expected)} requests and phases are those of their logs")
