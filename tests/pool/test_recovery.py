"""Single faults and their results."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pool
from pool import PHASES, THUMBNAILS, Pool, canonical, program, report, say, wait_until


class Archives:
    """The packed chunks of the small recording, in a separate folder."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="spanmill-archives-")
        subprocess.run([program("spanmill"), "pack", "-o", self.folder, THUMBNAILS], check=True,
                       stdout=subprocess.DEVNULL)
        self.paths = sorted(glob.glob(os.path.join(self.folder, "*.tar.zst")),
                            key=lambda path: int(path.split("-")[-1].split(".")[0]))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def damage(self, index):
        """Zeros in the second half: the description in the archive is still readable."""
        with open(self.paths[index], "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(size // 2)
            file.write(bytes(min(4096, size // 4)))

    def poison(self, index):
        """A misspelled word in the metadata of each trace, which packing does not check."""
        raw = subprocess.run(["zstd", "-dc", self.paths[index]], check=True,
                             stdout=subprocess.PIPE).stdout
        raw = raw.replace(b"fields := struct {", b"fields := strukt {")
        with open(self.paths[index] + ".raw", "wb") as file:
            file.write(raw)
        subprocess.run(["zstd", "-q", "-f", "--rm", self.paths[index] + ".raw", "-o",
                        self.paths[index]], check=True)

    def report(self, *indices):
        """The report of one process for some of them."""
        paths = [self.paths[index] for index in indices] or self.paths
        return canonical(subprocess.run(
            [program("spanmill"), "report", *paths, "--phases", PHASES, "--format", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout)


def joined(reducer):
    return reducer.metric("spanmill_reducer_chunks_total") or 0


def mapped(mapper):
    return mapper.metric("spanmill_mapper_chunks_total") or 0


def has_chunks(running, count):
    """In the committed results, which stay whichever process dies."""
    return f'"chunks":{count}' in "".join(running.results())


def test_new_reducer():
    """a reducer that has only the topics continues where another was killed"""
    with Archives() as archives, Pool(partitions=2) as running:
        running.add("mapper", "m").start()
        first = running.add("reducer", "first").start()
        for path in archives.paths[:2]:
            running.publish(path)
        wait_until(lambda: has_chunks(running, 2), 30, "two chunks in the results")
        first.kill()
        second = running.add("reducer", "second").start()
        for path in archives.paths[2:]:
            running.publish(path)
        running.wait_for(report(THUMBNAILS), 60)
        # The counters are updated a moment later.
        wait_until(lambda: joined(second) >= 2, 10, "two chunks joined by the second")
        assert joined(second) == 2, f"{joined(second)} chunks joined by the second"
        for line in second.log().splitlines():
            if "partition restored" in line:
                say("  " + line.split('restored" ')[1])


def replay(running):
    """Another pool's reducer over the same partials, from an empty state."""
    expected = running.results()
    with Pool(partitions=running.partitions) as again:
        subprocess.run([os.path.join(os.environ["TEST_BIN"], "copy_partials"), running.broker,
                        running.prefix, again.prefix], check=True, stdout=subprocess.DEVNULL)
        again.add("reducer", "again").start()
        again.wait_for(expected, 60)


def test_gap_by_time():
    """a chunk that never arrives becomes a gap, also in a replay"""
    with Archives() as archives, Pool(partitions=2) as running:
        running.add("mapper", "m").start()
        for index in (0, 3, 2):
            running.publish(archives.paths[index])
        # Not before: between two publications, more than the two seconds may pass.
        reducer = running.add("reducer", "r", ["--gap-after", "2s"]).start()
        expected = archives.report(0, 2, 3)
        running.wait_for(expected, 60)
        assert '"lost_intervals":1' in "".join(expected), "the report tells of no gap"
        running.publish(archives.paths[1])
        wait_until(lambda: (reducer.metric("spanmill_reducer_repeated_records_total") or 0) > 0,
                   30, "the late chunk to be dropped")
        assert running.results() == expected, "a gap is final"
        replay(running)


def test_no_gap_while_mappers_are_behind():
    """a mapper waits for a chunk that it cannot fetch yet, longer than --gap-after"""
    # Chunk 1 blocks one of two mappers: the other one must map the remaining chunks.
    session = "labvm/thumb/20261122T230916+0000"
    count = next(count for count in range(2, 1000, 2)
                 if [pool.partition(f"{session}/{chunk}", count) < count // 2
                     for chunk in range(4)] == [True, False, True, True])
    with Archives() as archives, Pool(partitions=2, chunk_partitions=count) as running:
        store = os.path.join(running.folder, "store")
        os.mkdir(store)
        # Before a mapper runs: it would fetch the archive before it is deleted.
        running.publish_by_reference(archives.paths[1], store)
        name, = os.listdir(store)
        os.rename(os.path.join(store, name), os.path.join(running.folder, name))
        mappers = [running.add("mapper", f"m{i}", ["--store-root", store]).start()
                   for i in range(2)]
        reducer = running.add("reducer", "r", ["--gap-after", "1s"]).start()
        wait_until(lambda: all(mapper.get("/readyz")[0] == 200 for mapper in mappers), 30,
                   "mappers with partitions")
        for index in (0, 2, 3):
            running.publish(archives.paths[index])
        wait_until(lambda: joined(reducer) >= 1 and
                   reducer.count("spanmill_reducer_waiting_chunks") >= 1, 40,
                   "later chunks to wait")
        pool.time.sleep(4)
        assert reducer.count("spanmill_reducer_gaps_total") == 0, "it was given up"
        os.rename(os.path.join(running.folder, name), os.path.join(store, name))
        running.wait_for(report(THUMBNAILS), 60)


def test_silence():
    """a silent session is closed; when data arrives again, it continues after a gap"""
    with Archives() as archives, Pool(partitions=2) as running:
        mapper = running.add("mapper", "m").start()
        for path in archives.paths[:2]:
            running.publish(path)
        # The silence must begin when both have arrived.
        wait_until(lambda: mapped(mapper) == 2, 30, "two chunks mapped")
        reducer = running.add("reducer", "r", ["--expire-after", "2s"]).start()
        wait_until(lambda: reducer.metric("spanmill_reducer_sessions_ended_total") == 1, 30,
                   "the session to be closed")
        reducer.kill()
        reducer = running.add("reducer", "again").start()
        for path in archives.paths[2:]:
            running.publish(path)
        wait_until(lambda: joined(reducer) == 2, 30, "two more chunks")
        wait_until(lambda: '"chunks":4' in "".join(running.results()), 30, "all in the results")
        summary, = [line for line in running.results() if '"type":"summary"' in line]
        assert '"lost_intervals":1' in summary, summary


def test_poisoned_chunk():
    """a damaged archive is parked, its interval is a gap, and the mapper continues"""
    with Archives() as archives, Pool(partitions=2) as running:
        archives.damage(1)
        expected = archives.report()
        mapper = running.add("mapper", "m").start()
        running.add("reducer", "r").start()
        for path in archives.paths:
            running.publish(path)
        running.wait_for(expected, 60)
        assert mapper.alive() and mapper.starts == 1
        parked = running.spanmill("parked").stdout
        assert "damaged" in parked, parked
        say("  " + parked.strip().splitlines()[-1][:200])


def test_poisoned_metadata():
    """metadata that spanmill's decoder refuses is not given to another decoder in a mapper: the chunk is
    parked with the position of the fault"""
    with Archives() as archives, Pool(partitions=2) as running:
        archives.poison(1)
        mapper = running.add("mapper", "m").start()
        running.add("reducer", "r").start()
        for path in archives.paths:
            running.publish(path)
        running.wait_for(archives.report(), 60)
        assert mapper.alive() and mapper.starts == 1
        assert "libbabeltrace2" not in mapper.log(), mapper.log()
        parked = running.spanmill("parked").stdout
        assert re.search(r"damaged .*metadata:\d+:\d+: .*strukt", parked), parked
        say("  " + parked.strip().splitlines()[-1][:200])


def test_killer_chunk():
    """a chunk that crashes its mapper each time is parked after its tries, and resent by hand"""
    pool.need_crash_points()
    with Archives() as archives, Pool(partitions=1) as running:
        mapper = running.add("mapper", "m", ["--tries", "2"])
        running.add("reducer", "r", ["--gap-after", "10m"]).start()
        running.publish(archives.paths[0])
        for _ in range(2):
            mapper.start({"SPANMILL_CRASH_AT": "mapper-mapped"})
            wait_until(lambda: not mapper.alive(), 30, "the mapper to die of it")
        mapper.start({"SPANMILL_CRASH_AT": "mapper-mapped"})
        wait_until(lambda: "tries" in running.spanmill("parked").stdout, 30, "it to be parked")
        assert mapper.alive(), "the mapper died of it once more"
        mapper.stop()
        mapper.start()
        for path in archives.paths[1:]:
            running.publish(path)
        running.spanmill("parked", "--resend", "--all")
        running.wait_for(report(THUMBNAILS), 60)


def test_drain():
    """SIGTERM while chunks are mapped: all processes exit with 0, nothing is lost"""
    with Archives() as archives, Pool(partitions=2) as running:
        workers = [running.add(role, f"{role}{i}").start()
                   for role in ("mapper", "reducer") for i in range(2)]
        for path in archives.paths:
            running.publish(path)
            for worker in workers:
                assert worker.stop() == 0, f"{worker.name} ended badly"
            for worker in workers:
                worker.start()
        running.wait_for(report(THUMBNAILS), 90)


if __name__ == "__main__":
    sys.exit(pool.main(test_new_reducer, test_gap_by_time, test_no_gap_while_mappers_are_behind,
                       test_silence, test_poisoned_chunk, test_poisoned_metadata,
                       test_killer_chunk, test_drain))
