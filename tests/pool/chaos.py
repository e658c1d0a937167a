"""Kills everything, again and again, at every point, and looks whether anything was lost or came
twice.

    python3 tests/pool/chaos.py [--seeds N] [--seed FIRST] [--kills N] [--folder SESSION]

Each seed is a pool of its own. Workers are started to die at a crash point drawn from the seed
(SPANMILL_CRASH_AT), are killed and stopped for longer than their session lasts (SIGSTOP: they come
back as zombies), and the broker is killed and restarted. Chunks come one by one, in any order, many
of them twice. In the end the results have to be what one process reports, byte for byte.
"""
import argparse
import collections
import glob
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pool
from pool import ROOT, Pool, program, report, say

SHARED = ["transaction-begun", "transaction-sent", "transaction-offsets", "transaction-committed"]
POINTS = {
    "mapper": SHARED + ["mapper-begun", "mapper-fetched", "mapper-mapped", "mapper-sending",
                        "mapper-sent"],
    "reducer": SHARED + ["reducer-restoring", "reducer-restored", "reducer-saved",
                         "reducer-sent"],
    "publish": ["chunk-stored", "chunk-announced"],
}
# Where only some chunks, or some sessions, come to. What is between joining and sending is only
# passed with uncommitted results.
PARKING, BETWEEN = "mapper-parking", "reducer-between"
AGENT_POINTS = ["agent-state-written", "agent-state-saved", "agent-packed", "chunk-stored",
                "chunk-announced", "agent-published"]


class Broker:
    """A broker of one's own, to be killed."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="spanmill-broker-")
        self.run("start")

    def run(self, action):
        subprocess.run([os.path.join(ROOT, "tests/kafka/broker.sh"), action, self.folder],
                       check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "BROKER_OWNER": str(os.getpid())})

    def address(self):
        return pool.broker_address(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run("stop")
        shutil.rmtree(self.folder, ignore_errors=True)


def pack(folder, into):
    """The archives of the session, each with its own path."""
    subprocess.run([program("spanmill"), "pack", "-o", into, folder], check=True,
                   stdout=subprocess.DEVNULL)
    return sorted(glob.glob(os.path.join(into, "*.tar.zst")))


class Chaos:
    """One seed."""

    def __init__(self, running, seed, archives, broker, hits):
        self.pool, self.random, self.archives = running, random.Random(seed), archives
        self.broker, self.hits = broker, hits
        self.unpublished = list(archives)
        self.random.shuffle(self.unpublished)
        self.kills = 0
        self.stopped = []  # (worker, when it goes on)
        self.armed = {}    # worker -> the point at which it dies
        self.workers = [running.add(role, f"{role}-{i}")
                        for role in ("mapper", "reducer") for i in range(2)]

    def start(self, worker, arm=True):
        environment = {}
        self.armed.pop(worker, None)
        if arm and self.random.random() < 0.8:
            points = POINTS[worker.role]
            least = min(self.hits[point, worker.role] for point in points)
            # Those that were hit least come first, so that each is hit soon.
            point = self.random.choice([each for each in points
                                        if self.hits[each, worker.role] <= least])
            environment["SPANMILL_CRASH_AT"] = f"{point}:{self.random.choice([1, 1, 2])}"
            self.armed[worker] = point
        worker.start(environment)

    def reap(self, arm=True):
        """Starts again who died; at its crash point counts as a kill."""
        for worker in self.workers:
            if worker.process is not None and worker.alive():
                continue
            if worker.process is not None and worker.process.returncode == -signal.SIGKILL:
                point = self.armed.get(worker)
                if point:
                    self.hits[point, worker.role] += 1
                    self.kills += 1
            self.start(worker, arm)
        for worker, when in list(self.stopped):
            if time.monotonic() > when:
                worker.signal(signal.SIGCONT)
                self.stopped.remove((worker, when))

    def publish(self):
        """One chunk, or one again; the one who publishes may die as well."""
        again = not self.unpublished or self.random.random() < 0.3
        path = self.random.choice(self.archives) if again else self.unpublished[-1]
        environment = {}
        arm = self.random.random() < 0.3
        if arm:
            point = self.random.choice(POINTS["publish"])
            environment["SPANMILL_CRASH_AT"] = point
        done = self.pool.spanmill("publish", "--quiet", path, check=False,
                                  environment=environment)
        if done.returncode == 0 and not again:
            self.unpublished.pop()
        elif arm and done.returncode == -signal.SIGKILL:
            self.hits[point, "publish"] += 1
            self.kills += 1
        elif done.returncode != 0 and not arm:
            raise AssertionError(f"publish: {done.stderr}")

    def hurt(self):
        chance = self.random.random()
        worker = self.random.choice(self.workers)
        if chance < 0.55:
            self.armed.pop(worker, None)
            if worker.alive():
                worker.kill()
                self.kills += 1
                self.hits["kill -9", worker.role] += 1
        elif chance < 0.85:
            if worker.alive() and not self.stopped:
                worker.signal(signal.SIGSTOP)
                self.stopped.append((worker, time.monotonic() + 4.5))
                self.hits["SIGSTOP", worker.role] += 1
        elif self.broker:
            self.broker.run("kill")
            time.sleep(self.random.random())
            self.broker.run("restart")
            self.kills += 1
            self.hits["kill -9", "broker"] += 1

    def run(self, kills, limit=600):
        begin = time.monotonic()
        while self.kills < kills or self.unpublished:
            if time.monotonic() - begin > limit:
                raise AssertionError(f"{self.kills} kills of {kills} within {limit} s")
            self.reap()
            self.publish()
            time.sleep(self.random.random() * 0.8)
            if self.random.random() < 0.4:
                self.hurt()
        for worker, _ in self.stopped:
            worker.signal(signal.SIGCONT)
        self.stopped = []
        for worker in self.workers:
            if worker in self.armed:  # nobody is to die any more
                worker.kill()
            self.armed.pop(worker, None)


def run_seed(seed, kills, archives, expected, broker, hits, limit=120):
    with Pool(broker=broker.address() if broker else None, partitions=2) as running:
        chaos = Chaos(running, seed, archives, broker, hits)
        chaos.run(kills)
        took = running.wait_for(expected, limit, lambda: chaos.reap(arm=False))
        time.sleep(0.5)
        assert running.results() == expected, "results came twice"
        starts = sum(worker.starts for worker in chaos.workers)
        say(f"seed {seed}: {chaos.kills} kills, {starts} starts, right after {took:.1f} s more")
        return chaos.kills


def damaged(path, into):
    """A copy of an archive of which only the begin can be read."""
    copy = os.path.join(into, "damaged.tar.zst")
    shutil.copy(path, copy)
    with open(copy, "r+b") as file:
        file.seek(os.path.getsize(copy) // 2)
        file.write(bytes(4096))
    return copy


def tour_of_workers(archives, expected, folder):
    """A death of a worker at each of its points, one after the other."""
    with Pool(partitions=2) as running:
        workers = {role: running.add(role, role) for role in ("mapper", "reducer")}
        workers["mapper"].start()
        workers["reducer"].start({"SPANMILL_CRASH_AT": BETWEEN})
        running.publish(archives[0])
        pool.wait_until(lambda: not workers["reducer"].alive(), 30, f"a death at {BETWEEN}")
        for role, points in (("mapper", POINTS["mapper"] + [PARKING]),
                             ("reducer", POINTS["reducer"])):
            for number, point in enumerate(points):
                for worker in workers.values():
                    if not worker.alive():
                        worker.start()
                dying = workers[role]
                dying.kill()
                dying.start({"SPANMILL_CRASH_AT": point})
                path = archives[number % len(archives)]
                running.publish(damaged(path, folder) if point == PARKING else path)
                pool.wait_until(lambda: not dying.alive(), 30, f"{role} to die at {point}")
                assert dying.process.returncode == -signal.SIGKILL, \
                    f"{role} ended with {dying.process.returncode} before {point}"
        for worker in workers.values():
            worker.kill()
            worker.start()
        for path in archives:
            running.publish(path)
        running.wait_for(expected, 60)
        return len(POINTS["mapper"]) + len(POINTS["reducer"]) + 2


def tour_of_agent(session, expected):
    """A death of the agent at each of its points, while it follows a folder."""
    with Pool(partitions=2) as running:
        watched = os.path.join(running.folder, "watched")
        shutil.copytree(session, os.path.join(watched, "s"))
        settings = ["--watch", watched, "--state-dir", os.path.join(running.folder, "state"),
                    "--end-after", "3s"]
        agent = running.add("agent", "agent", settings)
        for point in AGENT_POINTS:
            agent.start({"SPANMILL_CRASH_AT": point})
            pool.wait_until(lambda: not agent.alive(), 30, f"the agent to die at {point}")
            assert agent.process.returncode == -signal.SIGKILL, \
                f"agent ended with {agent.process.returncode} before {point}"
        agent.start()
        for role in ("mapper", "reducer"):
            running.add(role, role).start()
        # The end comes by itself there: one chunk more, of what the last one left.
        running.wait_for(expected, 60)
        return len(AGENT_POINTS)


def tour(folder):
    """Every point, once; returns how many there are."""
    expected = report(folder)
    packed = tempfile.mkdtemp(prefix="spanmill-packed-")
    try:
        count = tour_of_workers(pack(folder, packed), expected, packed)
    finally:
        shutil.rmtree(packed, ignore_errors=True)
    count += tour_of_agent(folder, expected)
    say(f"{count} points, a death at each, and the results are right")
    return count


def run(seeds, kills, folder, with_broker=True):
    hits = collections.Counter()
    expected = report(folder)
    packed = tempfile.mkdtemp(prefix="spanmill-packed-")
    total = 0
    try:
        archives = pack(folder, packed)
        if with_broker:
            with Broker() as broker:
                for seed in seeds:
                    total += run_seed(seed, kills, archives, expected, broker, hits)
        else:
            for seed in seeds:
                total += run_seed(seed, kills, archives, expected, None, hits)
    finally:
        shutil.rmtree(packed, ignore_errors=True)
    for (what, who), count in sorted(hits.items()):
        say(f"  {who:8} {what:24} {count}")
    say(f"{total} kills over {len(seeds)} seeds")
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="the first; drawn if not given")
    parser.add_argument("--kills", type=int, default=11, help="at least, of each seed")
    parser.add_argument("--folder", default=pool.THUMBNAILS, help="of the session")
    chosen = parser.parse_args()
    pool.isolate.go_apart()
    first = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(1 << 30)
    with Broker() as broker:
        os.environ["BROKER_FOLDER"] = broker.folder
        tour(chosen.folder)
    total = run(range(first, first + chosen.seeds), chosen.kills, chosen.folder)
    return 1 if total < chosen.seeds * chosen.kills else 0


if __name__ == "__main__":
    sys.exit(main())
