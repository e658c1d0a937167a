"""For keda.sh: pods of the overlay `production` run on a node, and KEDA scales mappers by the lag of their group: from
none up while chunks wait, and down to none, also when chunks that nobody mapped have expired. Results are those of one
process, to the byte, and so are the exporters' totals. Last, the node is traced: traced_node.py.

    keda.py FOLDER      FOLDER/broker is a broker's with the users of the roles; FOLDER/ca.crt its authority;
                        KUBECONFIG is that of the cluster; NODE: the address of the node"""
import json
import os
import struct
import subprocess
import sys
import time

import yaml

import manifests
import pool
import traced_node
from manifests import Overlay, Sessions, check, kubectl, replace

for folder in "tests/export", "tests/kafka":
    sys.path.insert(0, os.path.join(manifests.ROOT, folder))
import acls  # noqa: E402
import totals  # noqa: E402
from protocol import ask, text, text_at  # noqa: E402
from receiver import Receiver  # noqa: E402

SPACE, TOPIC, PARTITIONS = "spanmill", "spanmill.chunks", 64
PAUSE = "autoscaling.keda.sh/paused-replicas"
DELETE_RECORDS, VERSION, ALL = 21, 1, -1  # of Kafka's protocol
USERS = "deploy/kubernetes/components/strimzi/users.yaml"
SESSIONS, COOLDOWN_S = 24, 20
# With a fifth of a core, a mapper maps a chunk of the recording in seconds.
SLOW = [{"op": "replace", "path": "/spec/template/spec/containers/0/resources/limits/cpu", "value": "200m"}]


def address(folder, name):
    with open(f"{folder}/broker/{name}") as file:
        return file.read().strip()


def rights():
    """In the format of acls.grant(). The job that creates the topics is not Strimzi's."""
    with open(USERS) as file:
        users = list(yaml.safe_load_all(file))
    for user in users:
        for acl in user["spec"]["authorization"]["acls"]:
            resource, name = acl["resource"], user["metadata"]["name"]
            for operation in acl["operations"]:
                right = resource["type"], resource["name"], resource["patternType"], operation
                yield (name, *right)
                if name == "spanmill-operator" and resource["patternType"] == "prefix":
                    yield ("spanmill-topics", *right)


def secrets(certificate):
    """Those that the overlay asks for: the password of a user is its name."""
    values = {f"spanmill-{role}": {"password": f"spanmill-{role}"}
              for role in ("agent", "mapper", "reducer", "export", "topics")}
    for name, value in {**values, "spanmill-kafka-ca": {"ca.crt": certificate}}.items():
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": value}


def overlay(folder, clients, receiver):
    """Addresses, one broker, and a node that is small; KEDA waits less before it scales to none."""
    with open(f"{folder}/ca.crt") as file:
        more = list(secrets(file.read()))
    scaled = [replace("/spec/triggers/0/metadata/bootstrapServers", clients),
              replace("/spec/cooldownPeriod", COOLDOWN_S)]
    return Overlay(
        f"{folder}/manifests", "overlays/production", SPACE,
        {"brokers": clients, "topics": {"replication": 1, "min-insync": 1}, "export": {"remote-write": receiver},
         **traced_node.SETTINGS},
        [{"target": {"kind": "ScaledObject"}, "patch": json.dumps(scaled)},
         {"target": {"kind": "Deployment", "name": "spanmill-mapper"}, "patch": json.dumps(SLOW)},
         traced_node.patch()],
        more, images=[{"name": "images.example.com/spanmill/spanmill", "newName": "localhost/spanmill",
                       "newTag": "0.1.0"}])


def expire(broker):
    """Deletes all chunks, as retention does."""
    answer = ask(broker, DELETE_RECORDS, VERSION,
                 struct.pack(">i", 1) + text(TOPIC) + struct.pack(">i", PARTITIONS) +
                 b"".join(struct.pack(">iq", each, ALL) for each in range(PARTITIONS)) + struct.pack(">i", 30000))
    name, at = text_at(answer, 8)
    done = [struct.unpack_from(">iqh", answer, at + 4 + 14 * i) for i in range(PARTITIONS)]
    assert name == TOPIC and not any(error for _, _, error in done), done


class Scaling:
    """What KEDA sees and does: a line for each change."""

    def __init__(self, running):
        self.running, self.last, self.begin = running, None, time.monotonic()
        self.most, self.most_lag = 0, 0

    def lag(self):
        """By the external metrics API, which the autoscaler asks, too; None before KEDA serves it."""
        names = self.running.kubectl("get", "scaledobject/spanmill-mapper", "-o",
                                     "jsonpath={.status.externalMetricNames[0]}")
        done = subprocess.run(
            ["kubectl", "get", "--raw", f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{SPACE}/{names}?"
             "labelSelector=scaledobject.keda.sh%2Fname%3Dspanmill-mapper"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        return int(json.loads(done.stdout)["items"][0]["value"]) if done.returncode == 0 else None

    def now(self):
        """(lag, mappers that are wanted, those that are ready)."""
        wanted, ready = json.loads(self.running.kubectl(
            "get", "deployment/spanmill-mapper", "-o",
            'jsonpath=[{.spec.replicas},"{.status.readyReplicas}"]'))
        at = self.lag(), wanted, int(ready or 0)
        if at != self.last:
            pool.say(f"{time.monotonic() - self.begin:6.1f} s: lag {at[0]}, mappers {at[1]}, ready {at[2]}")
        self.last, self.most, self.most_lag = at, max(self.most, at[2]), max(self.most_lag, at[0] or 0)
        return at

    def until(self, condition, limit, what):
        return pool.wait_until(lambda: condition(*self.now()), limit, what)

    def rests(self):
        self.until(lambda lag, wanted, ready: (lag, wanted, ready) == (0, 0, 0) and
                   not self.running.pods("mapper"), 60, "KEDA to scale mappers to none")


def main(folder):
    clients, broker, sessions = address(folder, "clients"), address(folder, "bootstrap"), Sessions(folder)
    acls.grant(broker, rights())

    def command(role, *arguments):
        """As its user, as the programs in the pods."""
        name = f"spanmill-{role}"
        return subprocess.run(
            [pool.program("spanmill"), *arguments, "--brokers", clients, "--prefix", "spanmill",
             "-X", "security.protocol=SASL_SSL", "-X", "sasl.mechanisms=SCRAM-SHA-512",
             "-X", f"ssl.ca.location={folder}/ca.crt", "-X", f"sasl.username={name}"], check=True,
            stdout=subprocess.PIPE, text=True, env={**os.environ, "SPANMILL_KAFKA_SASL_PASSWORD": name}).stdout

    def results():
        """None yet where the brokers do not answer, as when they elect a leader."""
        try:
            return command("operator", "results", "--format", "json").splitlines()
        except subprocess.CalledProcessError:
            return []

    with Receiver(host=os.environ["NODE"]) as receiver:
        running = overlay(folder, clients, receiver.url)
        with open(pool.PHASES) as file:
            phases = file.read()
        manifests.wait_for_node()
        running.apply(phases)
        running.topics_made()
        running.ready("statefulset/spanmill-reducer", "deployment/spanmill-export")
        running.kubectl("wait", "--for=condition=ready", "scaledobject/spanmill-mapper", "--timeout=180s")
        scaling = Scaling(running)
        scaling.rests()

        for _ in range(SESSIONS):
            command("agent", "publish", sessions.new())
            scaling.now()
        scaling.until(lambda lag, *_: lag == 0 and sessions.are_joined(results()), 120, "all chunks to be mapped")
        assert scaling.most > 1, f"{scaling.most} mappers for a lag of {scaling.most_lag}"
        scaling.rests()
        for each in sessions.copies:
            check(results(), each)
        pool.say(f"ok: a lag of {scaling.most_lag} got {scaling.most} mappers; {SESSIONS} results are those of reports")
        expected = totals.of_report(line for each in sessions.copies for line in pool.report(each))
        pool.wait_until(lambda: not totals.differences(expected, totals.of_series(receiver.newest())), 60,
                        "the exporters to have sent all")
        assert not receiver.faults, receiver.faults
        pool.say("ok: totals of the exporters are those of the reports")

        command("agent", "publish", sessions.new())
        scaling.until(lambda *_: sessions.are_joined(results()), 60, "a mapper to start again")
        check(results(), sessions.copies[-1])
        scaling.rests()
        pool.say("ok: from none to one, and to none again")

        # Chunks of a partition with a committed offset expire before they are mapped: KEDA counts them.
        running.kubectl("annotate", "scaledobject/spanmill-mapper", f"{PAUSE}=0")
        command("agent", "publish", sessions.copies[-1])
        expire(broker)
        running.kubectl("annotate", "scaledobject/spanmill-mapper", f"{PAUSE}-")
        scaling.until(lambda _, wanted, __: wanted > 0, 60, "KEDA to start a mapper for expired chunks")
        scaling.rests()
        pool.say("ok: a mapper for expired chunks, and none again")
        traced_node.run(running, folder, results)
    kubectl("delete", "namespace", SPACE, "--timeout=120s")
    pool.say("all well")


if __name__ == "__main__":
    main(*sys.argv[1:])
