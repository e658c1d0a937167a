"""How much faster two mappers are than one, on chunks of one session.

    python3 bench/mappers.py [--chunks N] [--folder SESSION]

A broker of its own, no reducer. The chunks are published first; the clock runs from the moment when
all mappers have their partitions to the last chunk that is mapped. Both in one run, since machines
differ from hour to hour.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests/pool"))
import chaos
import pool
from pool import Pool, say, wait_until


def mapped(mappers):
    return sum(mapper.metric("spanmill_mapper_chunks_total") or 0 for mapper in mappers)


def seconds(count, folder, repeats):
    """How long `count` mappers take for `repeats` times the session; and how many chunks it was."""
    with Pool(partitions=2, chunk_partitions=64) as running:
        mappers = [running.add("mapper", f"m{i}").start() for i in range(count)]
        wait_until(lambda: all(mapper.get("/readyz")[0] == 200 for mapper in mappers), 30,
                   "mappers with partitions")
        time.sleep(2)  # a rebalance may follow
        for mapper in mappers:
            mapper.signal(pool.signal.SIGSTOP)
        for _ in range(repeats):
            running.publish(folder)
        chunks = repeats * len(os.listdir(os.path.join(folder, "archives")))
        begin = time.monotonic()
        for mapper in mappers:
            mapper.signal(pool.signal.SIGCONT)
        wait_until(lambda: mapped(mappers) >= chunks, 600, "all chunks")
        return time.monotonic() - begin, chunks


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20, help="of the session")
    parser.add_argument("--folder", default=pool.THUMBNAILS, help="of the session")
    chosen = parser.parse_args()
    # Stopped mappers must not lose their partitions.
    pool.FAST[:] = ["-X", "session.timeout.ms=60000", "-X", "fetch.wait.max.ms=50"]
    with chaos.Broker() as broker:
        os.environ["BROKER_FOLDER"] = broker.folder
        one, chunks = seconds(1, chosen.folder, chosen.repeats)
        two, _ = seconds(2, chosen.folder, chosen.repeats)
    say(f"{chunks} chunks: one mapper {one:.1f} s, two {two:.1f} s: {one / two:.2f} times as fast")
    return 0


if __name__ == "__main__":
    sys.exit(main())
