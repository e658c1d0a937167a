"""Measures the time from publishing a chunk to its results.

    python3 bench/latency.py [--folder SESSION] [--rounds N]

Runs a separate broker, a mapper, a reducer, and `spanmill results --follow` on this machine. Each
round publishes the session's first chunk, packed before, under a new prefix, and measures from the
start of `spanmill publish` to the report with the chunk. Also prints the mapping time of the chunk.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests/pool"))
import chaos
import pool
from pool import Pool, say, wait_until


def has_chunk(path):
    with open(path) as file:
        return any(json.loads(line)["chunks"] > 0 for line in file
                   if line.startswith('{"type":"summary"') and line.endswith("\n"))


def seconds(archive):
    """The time from publishing to the results, and the time of mapping."""
    with Pool(partitions=2) as running:
        mapper = running.add("mapper", "m").start()
        reducer = running.add("reducer", "r").start()
        for worker in (mapper, reducer):
            wait_until(lambda: worker.get("/readyz")[0] == 200, 30, f"{worker.role} to be ready")
        told = os.path.join(running.folder, "told")
        with open(told, "w") as out:
            following = subprocess.Popen(
                [pool.program("spanmill"), "results", "--brokers", running.broker, "--prefix",
                 running.prefix, "--follow", "--format", "json", "--every", "100ms"], stdout=out)
        try:
            time.sleep(1)
            begin = time.monotonic()
            running.publish(archive)
            while not has_chunk(told) and time.monotonic() - begin < 60:
                time.sleep(0.01)
            took = time.monotonic() - begin
        finally:
            following.terminate()
            following.wait()
        return took, mapper.metric("spanmill_mapper_map_seconds_sum")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default=pool.THUMBNAILS, help="of the session")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    pool.isolate.go_apart()
    with chaos.Broker() as broker, tempfile.TemporaryDirectory() as folder:
        os.environ["BROKER_FOLDER"] = broker.folder
        archive = chaos.pack(chosen.folder, folder)[0]
        for _ in range(chosen.rounds):
            took, mapping = seconds(archive)
            say(f"results after {took:.2f} s, of which mapping {mapping:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
