"""A broker that checks rights: each role does all that it has to with what its user may do (the KafkaUsers
of deploy/kubernetes), and says what is missing where a right is."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "export"), os.path.join(HERE, "..", "kafka")]
import acls  # noqa: E402
import pool  # noqa: E402
import totals  # noqa: E402
import yaml  # noqa: E402
from parts import NO_PROXY  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402
from receiver import Receiver  # noqa: E402

USERS = os.path.join(pool.ROOT, "deploy/kubernetes/components/strimzi/users.yaml")
BROKER = os.path.join(HERE, "..", "kafka", "broker.sh")
LIMIT = 60


def role_of(user):
    return user["metadata"]["name"].removeprefix("spanmill-")


def rights(users, prefix):
    """In the format of acls.grant(), with the prefix of the pool instead of "spanmill"."""
    for user in users:
        for acl in user["spec"]["authorization"]["acls"]:
            resource = acl["resource"]
            name = re.sub("^spanmill", prefix, resource["name"])
            for operation in acl["operations"]:
                yield (role_of(user), resource["type"], name, resource["patternType"], operation)


class Broker:
    """A separate broker with a user per role."""

    def __init__(self, roles):
        self.folder = os.path.join(tempfile.mkdtemp(prefix="spanmill-rights-"), "broker")
        self.environment = {**os.environ, "BROKER_USERS": " ".join(roles),
                            "BROKER_OWNER": str(os.getpid())}

    def run(self, action):
        subprocess.run(["sh", BROKER, action, self.folder], check=True, env=self.environment,
                       stdout=subprocess.DEVNULL)

    def __enter__(self):
        self.run("start")
        return self

    def __exit__(self, *_):
        self.run("stop")
        os.rmdir(os.path.dirname(self.folder))

    def address(self, name):
        with open(os.path.join(self.folder, name)) as file:
            return file.read().strip()


def login(broker, role):
    """Options and environment of a program that connects as this user."""
    return (["--brokers", broker.address("clients"), "-X", "security.protocol=SASL_PLAINTEXT",
             "-X", "sasl.mechanisms=PLAIN", "-X", f"sasl.username={role}"],
            {"SPANMILL_KAFKA_SASL_PASSWORD": role})


def add(running, broker, role, extra=(), environment=None):
    options, password = login(broker, role)
    return running.add(role, f"{role}-0", [*extra, *options], {**password, **(environment or {})})


def command(running, broker, role, *arguments):
    """A command of spanmill as this user."""
    options, password = login(broker, role)
    return subprocess.run([pool.program("spanmill"), *arguments, "--prefix", running.prefix, *options],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env={**pool.clean_environment(), **password})


def expect(done, code, words=""):
    assert done.returncode == code and words in done.stdout + done.stderr, \
        f"{done.args}: {done.returncode}, not {code} with {words}\n{done.stdout}\n{done.stderr}"
    return done


def try_all(running, broker, users):
    expected = report(pool.THUMBNAILS)
    # No user has any right yet: a worker exits with the reason.
    mapper = add(running, broker, "mapper").start()
    wait_until(lambda: not mapper.alive(), LIMIT, "the mapper to end without rights")
    assert mapper.process.returncode == 1, mapper.process.returncode
    assert "uthoriz" in mapper.log(), mapper.log()[-2000:]

    acls.grant(broker.address("bootstrap"), rights(users, running.prefix))
    expect(command(running, broker, "operator", "topics", "create", "--partitions", "2",
                   "--replication", "1", "--min-insync", "1", "--state-segment", "1s"), 0)
    expect(command(running, broker, "agent", "publish", pool.THUMBNAILS, "--inline-max", "1"), 0)
    with Receiver() as receiver:
        mapper.start()
        reducer = add(running, broker, "reducer").start()
        exporter = add(running, broker, "export", ["--remote-write", receiver.url], NO_PROXY).start()
        took = wait_until(lambda: pool.canonical(command(
            running, broker, "operator", "results", "--format", "json").stdout) == expected, LIMIT,
            "the results to be those of a report")
        numbers = totals.of_report(expected)
        wait_until(lambda: not totals.differences(numbers, totals.of_series(receiver.newest())), LIMIT,
                   "the exporter to have sent all")
        say(f"{len(expected)} objects after {took:.1f} s")
        status = expect(command(running, broker, "operator", "status"), 0)
        assert "uthoriz" not in status.stdout + status.stderr, status
        expect(command(running, broker, "operator", "parked"), 0)
        expect(command(running, broker, "operator", "explain", "--phases", pool.PHASES), 0, "instance ")
        for worker in mapper, reducer, exporter:
            assert worker.stop() == 0, worker.log()[-2000:]
            assert "uthoriz" not in worker.log()[worker.log().rfind("starts"):], worker.log()[-3000:]

    # The rights of roles differ.
    expect(command(running, broker, "agent", "results"), 1, "uthoriz")
    expect(command(running, broker, "export", "publish", pool.THUMBNAILS), 1, "uthoriz")


def test_roles():
    """each role has all the rights that it needs, and reports missing ones"""
    with open(USERS) as file:
        users = list(yaml.safe_load_all(file))
    with Broker([role_of(user) for user in users]) as broker, \
            Pool(broker.address("bootstrap"), topics=False) as running:
        try_all(running, broker, users)


if __name__ == "__main__":
    sys.exit(pool.main(test_roles))
