"""Measures the speedup of two mappers over one, on chunks of one session.

    python3 bench/mappers.py [--repeats N] [--pieces N] [--folder SESSION] [--reader NAME]

Runs a separate broker, no reducer. The chunks are published first; the time is from when all mappers
have their partitions to the last mapped chunk. Measures both in one run, because the speed of machines
varies over time.
"""
import argparse
import glob
import os
import shutil
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests/pool"))
import chaos
import pool
from pool import Pool, say, wait_until


def mapped(mappers):
    return sum(mapper.metric("spanmill_mapper_chunks_total") or 0 for mapper in mappers)


def used(pid):
    """The CPU seconds of a process."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def packets(path):
    """The packets of a stream of LTTng: (when each begins, its bytes). Their headers are magic number,
    UUID, class and instance of the stream; then come begin, end, bits of content, bits in all."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        begin, _, _, bits = struct.unpack_from("<4Q", data, at + 32)
        yield begin, data[at:at + bits // 8]
        at += bits // 8


def cut(folder, pieces, into):
    """The same session, in `pieces` chunks for each, nearly as if LTTng had rotated more often:
    every piece has the packets that begin in its part of the chunk's time. The names tell the times
    of the whole chunks still, so some events around the cuts count for no piece."""
    archives = os.path.join(folder, "archives")
    names = sorted(os.listdir(archives), key=lambda name: int(name.rpartition("-")[2]))
    for number, name in enumerate(names):
        files = glob.glob(os.path.join(archives, name, "**"), recursive=True)
        files = [path for path in files if os.path.isfile(path) and "/index/" not in path]
        streams = {path: list(packets(path)) for path in files
                   if os.path.basename(path) != "metadata"}
        begins = [begin for stream in streams.values() for begin, _ in stream]
        first, span = min(begins), max(begins) - min(begins) + 1
        for piece in range(pieces):
            chunk = os.path.join(into, "archives",
                                 f"{name.rpartition('-')[0]}-{number * pieces + piece}")
            for path in files:
                copy = os.path.join(chunk, os.path.relpath(path, os.path.join(archives, name)))
                os.makedirs(os.path.dirname(copy), exist_ok=True)
                if path not in streams:
                    shutil.copyfile(path, copy)
                    continue
                with open(copy, "wb") as file:
                    for begin, packet in streams[path]:
                        if (begin - first) * pieces // span == piece:
                            file.write(packet)
    return pieces * len(names)


def race(broker, count, folder, repeats, chunks):
    """The time that `count` mappers take, and their CPU time."""
    with Pool(partitions=2, chunk_partitions=64) as running:
        mappers = [running.add("mapper", f"m{i}").start() for i in range(count)]
        wait_until(lambda: all(mapper.get("/readyz")[0] == 200 for mapper in mappers), 30,
                   "mappers with partitions")
        time.sleep(2)  # a rebalance may follow
        for mapper in mappers:
            mapper.signal(pool.signal.SIGSTOP)
        for _ in range(repeats):
            running.publish(folder)
        pids = [mapper.process.pid for mapper in mappers] + [int(open(os.path.join(broker.folder, "pid")).read())]
        before = [used(pid) for pid in pids]
        begin = time.monotonic()
        for mapper in mappers:
            mapper.signal(pool.signal.SIGCONT)
        wait_until(lambda: mapped(mappers) >= chunks, 20, "all chunks")
        took = time.monotonic() - begin
        cpu = [used(pid) - was for pid, was in zip(pids, before)]
        events = sum(mapper.metric("spanmill_mapper_events_total") for mapper in mappers)
        say(f"{count} mapper{'s' * (count > 1)}: {chunks} chunks of {events:.0f} events in "
            f"{took:.1f} s; processor time: mappers {' + '.join(f'{each:.1f}' for each in cpu[:-1])}"
            f" s, broker {cpu[-1]:.1f} s")
        return took


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20,
                        help="how often the session is published")
    parser.add_argument("--pieces", type=int, default=8,
                        help="each chunk is cut into, so that the partitions are full evenly")
    parser.add_argument("--folder", default=pool.THUMBNAILS, help="of the session")
    parser.add_argument("--reader", default="spanmill", help="of the mappers")
    chosen = parser.parse_args()
    pool.isolate.go_apart()
    # Stopped mappers must not lose their partitions.
    pool.FAST[:] = ["--reader", chosen.reader, "-X", "session.timeout.ms=60000",
                    "-X", "fetch.wait.max.ms=50"]
    with chaos.Broker() as broker, tempfile.TemporaryDirectory() as folder:
        os.environ["BROKER_FOLDER"] = broker.folder
        chunks = chosen.repeats * cut(chosen.folder, chosen.pieces, folder)
        one = race(broker, 1, folder, chosen.repeats, chunks)
        two = race(broker, 2, folder, chosen.repeats, chunks)
    say(f"two mappers are {one / two:.2f} times as fast as one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
