"""The complete pipeline over a real broker: published chunks give the report of one process."""
import os
import re
import subprocess
import sys

import pool
from pool import Pool, recording, report, say


def explain(folder, phases, running, *arguments):
    """The story from the pool's archives equals that of the recording."""
    expected = subprocess.run([pool.program("spanmill"), "explain", folder, "--phases", phases,
                               *arguments], stdout=subprocess.PIPE, text=True,
                              env=pool.clean_environment(), check=True).stdout
    told = running.spanmill("explain", "--phases", phases, *arguments)
    assert told.stdout == expected, f"explain {arguments}: {told.stdout}\nnot\n{expected}"
    assert told.stderr == "", told.stderr
    return expected


def explain_all(folder, phases, running):
    story = explain(folder, phases, running, "--slowest", "3")
    row, = [line for line in story.splitlines() if line.startswith("instance ")][:1]
    identity = row.split()[1]
    explain(folder, phases, running, "--instance", identity, "--unfolded")
    alone = running.spanmill("explain", "--instance", identity)
    assert "are not shown" in alone.stderr, alone.stderr
    other = running.spanmill("explain", "--session", "nobody/*", check=False)
    assert other.returncode == 1 and "no session in the results" in other.stderr, other
    turned = running.spanmill("explain", "--phase", 'other : $evt.$name == "a"', "--instance",
                              identity)
    assert "is not in these definitions" in turned.stderr, turned.stderr


def run_recording(folder, phases, limit):
    expected = report(folder, phases)
    with Pool(partitions=4, phases=phases) as running:
        running.publish(folder, "--shuffle", "7", "--twice-every", "10")
        workers = [running.add(role, f"{role}-{i}").start()
                   for role in ("mapper", "reducer") for i in range(2)]
        took = running.wait_for(expected, limit)
        say(f"{len(expected)} objects after {took:.1f} s")
        for worker in workers:
            code = worker.stop()
            assert code == 0, f"{worker.name} ended with {code}"
        assert running.results() == expected, "the results changed while the pool stopped"
        explain_all(folder, phases, running)


def test_thumbnails():
    """the small recording, shuffled, with duplicates, over two mappers and two reducers"""
    run_recording(pool.THUMBNAILS, pool.PHASES, 60)


def test_archives_gone():
    """explain after the archives were deleted: they are named, and the known part is shown"""
    topic_admin = os.path.join(os.environ["TEST_BIN"], "topic_admin")
    if not os.path.exists(topic_admin):
        raise pool.Skip("of builds for TSan, which have no tools, the programs alone are tested")
    with Pool(partitions=1) as running:
        running.publish(pool.THUMBNAILS, "--inline-max", "1")
        workers = [running.add(role, role).start() for role in ("mapper", "reducer")]
        running.wait_for(report(pool.THUMBNAILS), 60)
        assert [worker.stop() for worker in workers] == [0, 0]
        explain(pool.THUMBNAILS, pool.PHASES, running)
        subprocess.run([topic_admin, running.broker, "records", f"{running.prefix}.archives", "0", "-1"],
                       check=True)
        gone = running.spanmill("explain", "--phases", pool.PHASES, check=False)
        assert gone.returncode == 1, gone
        assert re.search(r"^spanmill: labvm/thumb/\S+/3: its archive cannot be fetched: .*deleted by retention",
                         gone.stderr, re.M), gone.stderr
        assert "instance " in gone.stdout, gone.stdout


def test_a1():
    """A1, shuffled, with duplicates, over two mappers and two reducers"""
    found = recording("A1")
    if not found:
        raise pool.Skip("SPANMILL_RECORDINGS names no folder with A1")
    run_recording(*found, 120)


if __name__ == "__main__":
    sys.exit(pool.main(test_thumbnails, test_archives_gone, test_a1))
