"""Hundreds of chunks at once to one mapper: its memory stays flat, and everything is right."""
import sys

import pool
from pool import THUMBNAILS, Pool, report, say, wait_until

REPEATS = 100  # of the four chunks


def test_hundred_chunks():
    """four hundred chunks at once"""
    expected = report(THUMBNAILS)
    with Pool(partitions=4) as running:
        for _ in range(REPEATS):
            running.publish(THUMBNAILS)
        mapper = running.add("mapper", "m").start()
        running.add("reducer", "r").start()

        def mapped():
            return mapper.metric("spanmill_mapper_chunks_total") or 0
        wait_until(lambda: mapped() >= REPEATS, 60, "a quarter of the chunks")
        early = mapper.count("process_resident_memory_bytes")
        wait_until(lambda: mapped() >= 4 * REPEATS, 120, "all chunks")
        late = mapper.count("process_resident_memory_bytes")
        say(f"  resident after {REPEATS} chunks {early / 1e6:.1f} MB, after {4 * REPEATS} "
            f"{late / 1e6:.1f} MB")
        assert late < 1.25 * early, "memory grows with the backlog"
        running.wait_for(expected, 60)


if __name__ == "__main__":
    sys.exit(pool.main(test_hundred_chunks))
