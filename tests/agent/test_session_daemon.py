"""A real session daemon, a traced program, an agent that rotates, the broker, and the workers: the results
equal the program's own log."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool
from pool import Pool, say, wait_until
from session_daemon import SessionDaemon

ROOT = pool.ROOT
SHOP = os.path.join(os.environ.get("TEST_BIN", ""), "shop")
REQUESTS = os.path.join(ROOT, "examples/traced/requests.yaml")
SECONDS, THREADS, ROTATIONS = 13, 3, 10


def logged(path):
    """The minimum and maximum duration by phase path, as the program logged them."""
    spans = {}
    with open(path) as log:
        for line in log:
            words = line.split()
            name = words[1] if words[0] == "request" else f"{words[1]}/{words[2]}"
            assert name not in spans, name
            spans[name] = int(words[-2]), int(words[-1])
    return spans


def found(lines):
    """Count and time by phase path, from the results."""
    spans = {}
    for line in lines:
        row = json.loads(line)
        if row["type"] == "phase":
            spans[row["phase"]] = (row["count"], row["total_ns"], row["begin_unknown"],
                                   row["end_unknown"])
    return spans


def summaries(lines):
    """The number of chunks by session."""
    return [json.loads(line)["chunks"] for line in lines if '"type":"summary"' in line]


def compare(said, got):
    missing = sorted(set(said) - set(got))
    added = sorted(set(got) - set(said))
    assert not missing, f"{len(missing)} of {len(said)} missing: {missing[:10]}"
    assert not added, f"{len(added)} nobody logged: {added[:10]}"
    for name, (count, total_ns, begin_unknown, end_unknown) in got.items():
        assert (count, begin_unknown, end_unknown) == (1, 0, 0), f"{name}: {got[name]}"
        least_ns, most_ns = said[name]
        assert least_ns <= total_ns <= most_ns, \
            f"{name}: {total_ns} ns, the program says {said[name]}"


def run(running, daemon):
    folder = daemon.folder
    daemon.create("shop", f"{folder}/shop")
    workers = [running.add(role, f"{role}-{i}").start()
               for role in ("mapper", "reducer") for i in range(2)]
    agent = running.add("agent", "agent", ["--session", "shop", "--rotate-every", "1s",
                                           "--state-dir", f"{folder}/state"],
                        daemon.environment).start()
    log = os.path.join(folder, "shop.log")
    shop = subprocess.Popen([SHOP, str(SECONDS), str(THREADS), log], env=daemon.environment)
    archives = os.path.join(folder, "shop", "archives")

    def has_rotated(times):
        return os.path.isdir(archives) and len(os.listdir(archives)) >= times
    wait_until(lambda: has_rotated(ROTATIONS / 2), 20, "half of the rotations")
    agent.kill()
    said_bytes = os.path.getsize(log)
    wait_until(lambda: os.path.getsize(log) > said_bytes, 10, "the program to go on without an agent")
    agent.start()
    assert agent.stop() == 0  # and the session daemon goes on: it rotates for another
    agent.start()
    assert shop.wait() == 0
    wait_until(lambda: has_rotated(ROTATIONS), 20, "as many rotations")
    daemon.lttng("destroy", "shop")
    said = logged(log)

    def is_complete():
        return len(found(running.results())) >= len(said)
    try:
        wait_until(is_complete, 60, "all requests in the results")
    except AssertionError:
        compare(said, found(running.results()))
        raise
    wait_until(lambda: "the last" in agent.log(), 30, "the end of the session")
    wait_until(lambda: max(summaries(running.results())) >= ROTATIONS, 20, "all the chunks")
    lines = running.results()
    compare(said, found(lines))
    chunks, = summaries(lines)
    say(f"{len(said)} requests and phases over {chunks} chunks")
    assert agent.stop() == 0
    for worker in workers:
        assert worker.stop() == 0


def test_requests():
    """every request and phase that the program logged, once, with its duration"""
    with SessionDaemon() as daemon, Pool(partitions=2, phases=REQUESTS) as running:
        run(running, daemon)


if __name__ == "__main__":
    sys.exit(pool.main(test_requests))
