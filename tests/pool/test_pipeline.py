"""The whole way over a real broker: published chunks become what one process reports."""
import sys

import pool
from pool import Pool, recording, report, say


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


def test_thumbnails():
    """the small recording, shuffled, some of it twice, over two mappers and two reducers"""
    run_recording(pool.THUMBNAILS, pool.PHASES, 60)


def test_a1():
    """A1, shuffled, some of it twice, over two mappers and two reducers"""
    found = recording("A1")
    if not found:
        raise pool.Skip("SPANMILL_RECORDINGS names no folder with A1")
    run_recording(*found, 120)


if __name__ == "__main__":
    sys.exit(pool.main(test_thumbnails, test_a1))
