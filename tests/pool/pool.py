"""Starting, hurting and watching a pool of spanmill's programs against a real broker.

Everything is started with its own process id and ended by it. A pool is a context manager: nothing
that it started outlives it.
"""
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import isolate  # noqa: E402

BIN = os.environ.get("PROGRAMS", os.path.dirname(os.environ.get("SPANMILL", "")))
THUMBNAILS = os.path.join(ROOT, "tests/data/thumbnails")
PHASES = os.path.join(THUMBNAILS, "phases.yaml")
RECORDINGS = os.environ.get("SPANMILL_RECORDINGS", "")

# Time-outs short enough that hundreds of deaths do not take hours; the broker allows them.
FAST = ["-X", "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=500",
        "-X", "fetch.wait.max.ms=50", "-X", "reconnect.backoff.max.ms=500"]


# Limits are those of a machine that has nothing else to do. They are there to end what hangs, and a
# slow or busy machine gets this much more time.
PATIENCE = 6


def program(name):
    return os.path.join(BIN, name)


def recording(name):
    """The folder and the phases of a large recording, or None where there is none."""
    folder = os.path.join(RECORDINGS, name, "trace")
    phases = os.path.join(RECORDINGS, "thumbnailer-phases.yaml")
    if not RECORDINGS or not os.path.isdir(folder):
        return None
    return folder, phases if os.path.exists(phases) else PHASES


def broker_address(folder=None):
    with open(os.path.join(folder or os.environ["BROKER_FOLDER"], "bootstrap")) as file:
        return file.read().strip()


def clean_environment():
    """Without settings of spanmill: those of tests are not for the programs."""
    return {key: value for key, value in os.environ.items()
            if not key.startswith(("SPANMILL", "OTEL_"))}


def say(*words):
    print(*words, flush=True)


def canonical(text):
    """A report's JSON lines in the order in which they are compared."""
    return sorted(line for line in text.splitlines() if line.strip())


def report(folder, phases=PHASES):
    """What one process makes of it; `phases` may be a list."""
    options = [option for file in ([phases] if isinstance(phases, str) else phases)
               for option in ("--phases", file)]
    return canonical(subprocess.run(
        [program("spanmill"), "report", folder, *options, "--format", "json"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def partition(key, count):
    """Of Kafka's default partitioner (murmur2)."""
    m, mask = 0x5bd1e995, 0xffffffff
    data = key.encode()
    value = 0x9747b28c ^ len(data)
    for at in range(0, len(data) - 3, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        value = (value * m & mask) ^ k
    rest = data[len(data) & ~3:]
    if rest:
        value = (value ^ int.from_bytes(rest, "little")) * m & mask
    value = (value ^ value >> 13) * m & mask
    return ((value ^ value >> 15) & 0x7fffffff) % count


class Worker:
    """One process of the pool."""

    def __init__(self, pool, role, name, extra=(), environment=None):
        self.pool, self.role, self.name = pool, role, name
        self.extra, self.environment = list(extra), dict(environment or {})
        self.process, self.starts = None, 0
        self.log_path = os.path.join(pool.folder, f"{role}-{name}.log")
        self.port = free_port()

    def start(self, environment=None, extra=()):
        command = [program(f"spanmill-{self.role}"), "--brokers", self.pool.broker,
                   "--prefix", self.pool.prefix, "--instance", self.name,
                   "--health-listen", f"127.0.0.1:{self.port}",
                   *self.pool.settings, *self.extra, *extra]
        variables = {**clean_environment(), **self.environment, **(environment or {})}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=variables, cwd=self.pool.folder)
        self.starts += 1
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        if self.alive():
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, limit=40):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGCONT)
        # One that is not up yet is ended by the signal itself.
        wait_until(lambda: not self.alive() or self.get("/livez")[0] != 0, 20,
                   f"{self.role} {self.name} to be up")
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(limit * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.role} {self.name} did not stop within "
                                 f"{limit * PATIENCE} s")

    def get(self, path):
        """Status and text of its health server; status 0 if there is no answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def count(self, name):
        """A metric, of one that is up: busy, it may answer late."""
        told = [None]

        def ask():
            told[0] = self.metric(name)
            return told[0] is not None
        wait_until(ask, 10, f"{self.name} to tell {name}")
        return told[0]

    def metric(self, name):
        """The sum of a metric's series; None where it does not answer."""
        status, text = self.get("/metrics")
        if status != 200:
            return None
        values = re.findall(rf"^{name}(?:\{{[^}}]*\}})? ([0-9.e+-]+)$", text, re.M)
        return sum(float(value) for value in values)

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def check_sanitizers(self):
        """Not all that a sanitizer finds ends a program, or changes its exit code."""
        found = re.search(r"^.*(Sanitizer|runtime error).*(\n.*){0,40}", self.log(), re.M)
        assert not found, f"{self.role} {self.name}:\n{found.group()}"


class Pool:
    """Separate topics on a broker, and the processes that use them."""

    def __init__(self, broker=None, partitions=4, settings=(), phases=PHASES,
                 chunk_partitions=None, topics=True):
        self.topics = topics
        self.broker = broker or broker_address()
        self.prefix = f"t{os.getpid()}-{random.SystemRandom().randrange(1 << 32):08x}"
        self.folder = tempfile.mkdtemp(prefix="spanmill-pool-")
        self.phases = phases
        self.settings = [*FAST, *settings]
        self.partitions = partitions
        self.chunk_partitions = chunk_partitions or partitions
        self.workers = []

    def __enter__(self):
        if self.topics:
            self.create_topics()
        return self

    def __exit__(self, kind, value, trace):
        for worker in self.workers:
            worker.signal(signal.SIGCONT)
            worker.kill()
        if kind is not None:
            for worker in self.workers:
                say(f"--- {worker.role} {worker.name}, last lines")
                say("\n".join(worker.log().splitlines()[-25:]))
        else:
            for worker in self.workers:
                worker.check_sanitizers()
        shutil.rmtree(self.folder, ignore_errors=True)

    def spanmill(self, *arguments, check=True, environment=None):
        """Runs a command of spanmill against the pool's topics."""
        done = subprocess.run(
            [program("spanmill"), arguments[0], *arguments[1:], "--brokers", self.broker,
             "--prefix", self.prefix],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**clean_environment(), **(environment or {})})
        if check and done.returncode != 0:
            raise AssertionError(f"spanmill {' '.join(arguments)} ended with {done.returncode}:\n"
                                 f"{done.stderr}")
        return done

    def create_topics(self):
        self.spanmill("topics", "create", "--partitions", str(self.partitions),
                      "--chunk-partitions", str(self.chunk_partitions), "--replication", "1",
                      "--min-insync", "1", "--state-segment", "1s")

    def add(self, role, name, extra=(), environment=None):
        if role == "mapper":
            extra = ["--phases", self.phases, *extra]
        worker = Worker(self, role, name, extra, environment)
        self.workers.append(worker)
        return worker

    def publish(self, folder, *arguments):
        return self.spanmill("publish", folder, *arguments)

    def publish_by_reference(self, path, store):
        """An archive that is not in Kafka: put into the store, whatever its size."""
        return self.spanmill("publish", path, "--by-reference", "--store-root", store)

    def results(self):
        return canonical(self.spanmill("results", "--format", "json").stdout)

    def wait_for(self, expected, limit=90, while_waiting=None, patience=PATIENCE):
        """Waits until the results are as expected; returns the seconds that it took."""
        begin, got = time.monotonic(), []
        limit *= patience
        while time.monotonic() - begin < limit:
            got = self.results()
            if got == expected:
                return time.monotonic() - begin
            if while_waiting:
                while_waiting()
            time.sleep(0.3)
        self.explain(expected, got)
        raise AssertionError(f"results are not as expected after {limit} s")

    @staticmethod
    def explain(expected, got, most=6):
        missing = sorted(set(expected) - set(got))
        added = sorted(set(got) - set(expected))
        say(f"{len(expected)} lines expected, {len(got)} there; {len(missing)} missing, "
            f"{len(added)} not expected")
        for mark, lines in (("-", missing), ("+", added)):
            for line in lines[:most]:
                say(mark, line[:300])


def wait_until(condition, limit, what):
    begin = time.monotonic()
    limit *= PATIENCE
    while time.monotonic() - begin < limit:
        if condition():
            return time.monotonic() - begin
        time.sleep(0.05)
    raise AssertionError(f"not within {limit} s: {what}")


class Skip(Exception):
    """A test that cannot run here, with the reason."""


def need_crash_points():
    if os.environ.get("CRASH_POINTS") != "ON":
        raise Skip("built without crash points")


def main(*tests):
    """Runs the functions; the first that fails ends it. Returns the exit code: 77 when all skip."""
    isolate.go_apart()
    skipped = 0
    for test in tests:
        begin = time.monotonic()
        say(f"[ RUN  ] {test.__doc__.splitlines()[0]}")
        try:
            test()
            say(f"[ PASS ] {time.monotonic() - begin:.1f} s")
        except Skip as why:
            skipped += 1
            say(f"[ SKIP ] {why}")
    say(f"{len(tests) - skipped} tests passed, {skipped} skipped")
    return isolate.SKIPPED if skipped == len(tests) else 0


if __name__ == "__main__":
    sys.exit("this is a library")
