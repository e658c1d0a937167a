"""The short form of chaos.py, and the four wrong ways that it has to notice."""
import os
import random
import sys

import chaos
import pool
from pool import PHASES, THUMBNAILS, Pool, need_crash_points, report, say

SEEDS, KILLS = 2, 12

# How each mutant is detected: where the reducer must die for it, or nowhere. With the uncommitted results of the
# last of four chunks in hand, nothing that was read before has to be read again.
MUTANTS = {
    "no-duplicate-check": None,
    "commit-first": "reducer-between:4",
    "state-outside": "reducer-between:4",
    "no-seam": None,
}


def test_chaos():
    """kill -9, SIGSTOP, a broker that is killed, and a crash at every crash point"""
    need_crash_points()
    seed = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(1 << 30)))
    total = chaos.run(range(seed, seed + SEEDS), KILLS, THUMBNAILS)
    assert total >= SEEDS * KILLS


def test_points():
    """a death at every point, before and after each durable step"""
    need_crash_points()
    chaos.tour(THUMBNAILS)


def is_right(mutant, death):
    """Whether a pool that does one thing wrong gives the right results."""
    environment = {"SPANMILL_MUTANT": mutant} if mutant else {}
    expected = report(THUMBNAILS)
    with Pool(partitions=1) as running:
        mapper = running.add("mapper", "m", environment=environment).start()
        reducer = running.add("reducer", "r", ["--flush", "0"], environment=environment)
        reducer.start({"SPANMILL_CRASH_AT": death} if death else {})

        def reap():
            if not reducer.alive():
                reducer.start()
        running.publish(THUMBNAILS, "--twice-every", "2")
        try:
            running.wait_for(expected, 15 if mutant else 60, reap,
                             patience=1 if mutant else pool.PATIENCE)
        except AssertionError:
            return False
        # Duplicates may arrive late.
        end = pool.time.monotonic() + (20 if mutant else 2)
        while running.results() == expected and pool.time.monotonic() < end:
            pool.time.sleep(0.3)
        return running.results() == expected and mapper.alive()


def test_mutants():
    """each of the wrong ways gives wrong results, the right way right ones"""
    need_crash_points()
    assert is_right(None, "reducer-between:4"), "nothing wrong, and still not right"
    for mutant, death in MUTANTS.items():
        assert not is_right(mutant, death), f"{mutant} goes unnoticed"
        say(f"  {mutant}: noticed")


if __name__ == "__main__":
    sys.exit(pool.main(test_points, test_chaos, test_mutants))
