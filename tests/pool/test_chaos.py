"""The short form of chaos.py, and the four wrong ways that it has to notice."""
import os
import random
import sys

import chaos
import pool
from pool import PHASES, THUMBNAILS, Pool, report, say

SEEDS, KILLS = 2, 12

# How each mutant comes to light: where a process dies for it (role and point), or nowhere.
MUTANTS = {
    "no-duplicate-check": None,
    "commit-first": ("reducer", "reducer-between"),
    "state-outside": ("reducer", "reducer-between"),
    "no-seam": None,
}


def has_crash_points():
    if os.environ.get("CRASH_POINTS") == "ON":
        return True
    say("skipped: built without crash points")
    return False


def test_chaos():
    """kill -9, SIGSTOP, a broker that dies, and a death at every point"""
    if not has_crash_points():
        return
    seed = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(1 << 30)))
    total, _ = chaos.run(range(seed, seed + SEEDS), KILLS, THUMBNAILS)
    assert total >= SEEDS * KILLS


def is_right(mutant, death):
    """Whether a pool that does one thing wrong gives the right results."""
    environment = {"SPANMILL_MUTANT": mutant} if mutant else {}
    expected = report(THUMBNAILS)
    with Pool(partitions=1) as running:
        mapper = running.add("mapper", "m", environment=environment).start()
        reducer = running.add("reducer", "r", environment=environment)
        reducer.start({"SPANMILL_CRASH_AT": death[1]} if death else {})

        def reap():
            if not reducer.alive():
                reducer.start()
        running.publish(THUMBNAILS, "--twice-every", "2")
        try:
            running.wait_for(expected, 25 if mutant else 60, reap)
        except AssertionError:
            return False
        # What came twice may come late.
        pool.time.sleep(2)
        return running.results() == expected and mapper.alive()


def test_mutants():
    """each of the wrong ways gives wrong results, the right way right ones"""
    if not has_crash_points():
        return
    assert is_right(None, ("reducer", "reducer-between")), "nothing wrong, and still not right"
    for mutant, death in MUTANTS.items():
        assert not is_right(mutant, death), f"{mutant} goes unnoticed"
        say(f"  {mutant}: noticed")


if __name__ == "__main__":
    sys.exit(pool.main(test_chaos, test_mutants))
