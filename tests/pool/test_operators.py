"""Actions of operators and retention on a running pool: they are reported, nothing is lost silently, and no
process hangs."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pool
from pool import THUMBNAILS, Pool, report, wait_until
from test_recovery import Archives

ADMIN = os.path.join(os.environ.get("TEST_BIN", ""), "topic_admin")
# So that librdkafka sees soon what has become of topics.
SOON = ["-X", "topic.metadata.refresh.interval.ms=1000"]


def admin(running, action, topic, *words):
    return subprocess.run([ADMIN, running.broker, action, f"{running.prefix}.{topic}",
                           *map(str, words)], check=True, stdout=subprocess.PIPE, text=True).stdout


def test_partition_of_partials_alone():
    """one more partition only for partials: reported with the fix; nothing is lost; then fixed"""
    with Archives() as archives, Pool(partitions=2, settings=SOON) as running:
        mapper = running.add("mapper", "m").start()
        reducer = running.add("reducer", "r").start()
        for path in archives.paths[:2]:
            running.publish(path)
        wait_until(lambda: (reducer.metric("spanmill_reducer_chunks_total") or 0) == 2, 40,
                   "two chunks joined")
        admin(running, "partitions", "partials", 3)
        wait_until(lambda: "topics do not match" in reducer.log(), 40, "the reducer to say so")
        wait_until(lambda: reducer.get("/readyz")[0] == 503 and
                   "do not match" in reducer.get("/readyz")[1], 10, "the reducer not to be ready")
        cure = f"--alter --topic {running.prefix}.state --partitions 3"
        assert cure in reducer.log(), reducer.log()
        told = running.spanmill("topics", "check", "--partitions", "2", "--chunk-partitions", "2",
                                "--replication", "1", "--min-insync", "1", "--state-segment", "1s",
                                check=False)
        assert told.returncode == 1 and cure in told.stdout, told
        for path in archives.paths[2:]:
            running.publish(path)
        running.wait_for(report(THUMBNAILS), 40)
        admin(running, "partitions", "state", 3)
        wait_until(lambda: reducer.get("/readyz")[0] == 200, 60, "the reducer to be ready again")
        assert [reducer.stop(), mapper.stop()] == [0, 0]


def test_topics_deleted():
    """topics that are deleted under workers and readers: they leave, and say why"""
    with Pool(partitions=2, settings=SOON) as running:
        workers = [running.add(role, role[0]).start() for role in ("mapper", "reducer")]
        running.publish(THUMBNAILS)
        expected = report(THUMBNAILS)
        running.wait_for(expected, 40)
        reading = subprocess.Popen(
            [pool.program("spanmill"), "results", "--follow", "--format", "json", "--brokers",
             running.broker, "--prefix", running.prefix, *SOON],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        pool.time.sleep(1)
        for topic in ("chunks", "partials", "results"):
            admin(running, "delete", topic)
        for worker in workers:
            wait_until(lambda: not worker.alive(), 40, f"the {worker.role} to leave")
            assert worker.process.returncode in (1, 3), worker.process.returncode
            assert "does not exist" in worker.log(), worker.log()
        assert reading.wait(40 * pool.PATIENCE) in (1, 3), reading.returncode
        assert reading.stderr.read(), "it left without a reason"


def test_nobody_answers():
    """workers that get SIGTERM while no broker answers exit at once"""
    with Pool(partitions=1) as running:
        running.broker = f"127.0.0.1:{pool.free_port()}"
        workers = [running.add(role, role[0], ["--drain", "60s"]).start()
                   for role in ("mapper", "reducer")]
        for worker in workers:
            wait_until(lambda: "no broker answers" in worker.log(), 20, "the broker to be missed")
        begin = pool.time.monotonic()
        for worker in workers:
            assert worker.stop() == 0
        took = pool.time.monotonic() - begin
        assert took < 50, f"they left after {took:.1f} s, as if they had work to drain"


def test_archives_gone():
    """chunks whose archives were deleted by retention are parked at once and become gaps; later ones are
    processed"""
    with Archives() as archives, Pool(partitions=1) as running:
        for path in archives.paths[1:3]:
            running.publish(path, "--inline-max", "1")
        admin(running, "records", "archives", 0, -1)
        running.publish(archives.paths[0])
        running.publish(archives.paths[3])
        mapper = running.add("mapper", "m").start()
        running.add("reducer", "r").start()
        begin = pool.time.monotonic()
        wait_until(lambda: mapper.log().count("deleted by retention") == 2, 40, "two chunks to be parked")
        took = pool.time.monotonic() - begin
        assert took < 120, f"they were waited for: {took:.1f} s"  # of 600
        assert mapper.log().count("kind=fetch") == 2, mapper.log()
        wait_until(lambda: '"chunks":2' in "".join(running.results()), 40, "the others' results")
        summary, = [line for line in running.results() if '"type":"summary"' in line]
        assert '"lost_intervals":0' not in summary, summary


def test_nothing_left_to_read():
    """a partition whose records have expired, also those after the committed offset: its end is committed, so
    that nobody who scales mappers by lag counts them"""
    def committed():
        return int(admin(running, "committed", "chunks", 0, f"{running.prefix}-mapper"))

    def expire():
        running.publish(THUMBNAILS, "--open")
        admin(running, "records", "chunks", 0, -1)

    with Pool(partitions=1) as running:
        expire()
        assert committed() < 0
        mapper = running.add("mapper", "m").start()
        wait_until(lambda: committed() > 0, 40, "the end of the partition to be committed")
        expired = committed()
        running.publish(THUMBNAILS)
        wait_until(lambda: (mapper.metric("spanmill_mapper_chunks_total") or 0) == 4, 40,
                   "what comes later to be mapped")
        assert mapper.stop() == 0
        before = committed()
        expire()
        mapper.start()
        wait_until(lambda: committed() == before + expired, 40, "the end of the partition to be committed again")
        assert mapper.stop() == 0


def test_twins():
    """two hosts of one name whose sessions began in the same second: one is joined, the other is
    refused, and reported as a clock that differs"""
    with tempfile.TemporaryDirectory() as folder, Pool(partitions=1) as running:
        twin = os.path.join(folder, "twin")
        shutil.copytree(os.path.join(THUMBNAILS, "archives"), os.path.join(twin, "archives"))
        for path in glob.glob(twin + "/**/metadata", recursive=True):
            with open(path, "rb") as file:
                text = file.read()
            with open(path, "wb") as file:
                file.write(re.sub(rb"fd6856c8-[-0-9a-f]{27}",
                                  b"fd6856c8-14f2-4562-b4b2-4c33e039f1ec", text))
        reducer = running.add("reducer", "r").start()
        mapper = running.add("mapper", "m").start()
        running.publish(THUMBNAILS, "--open")
        wait_until(lambda: (reducer.metric("spanmill_reducer_chunks_total") or 0) >= 1, 40,
                   "the first chunk to be joined")
        running.publish(twin)
        running.publish(THUMBNAILS)
        running.wait_for(report(THUMBNAILS), 40)
        wait_until(lambda: reducer.log().count("its clock differs") == 4, 30,
                   "the twin's chunks to be refused")
        assert [reducer.stop(), mapper.stop()] == [0, 0]


def test_published_one_by_one():
    """chunks published one by one while the session continues have the same boundaries as the whole session"""
    with tempfile.TemporaryDirectory() as folder, Pool(partitions=2) as running:
        reducer = running.add("reducer", "r").start()
        mapper = running.add("mapper", "m").start()
        archives = os.path.join(folder, "archives")
        os.mkdir(archives)
        chunks = sorted(glob.glob(os.path.join(THUMBNAILS, "archives/*")))
        for index, chunk in enumerate(chunks):
            here = os.path.join(archives, os.path.basename(chunk))
            shutil.copytree(chunk, here)
            last = index + 1 == len(chunks)
            said = running.publish(here, *([] if last else ["--open"]))
            assert ("not published: its end" in said.stderr) == (not last), said
        running.wait_for(report(THUMBNAILS), 40)
        assert [reducer.stop(), mapper.stop()] == [0, 0]


if __name__ == "__main__":
    sys.exit(pool.main(test_partition_of_partials_alone, test_topics_deleted, test_nobody_answers,
                       test_archives_gone, test_nothing_left_to_read, test_twins, test_published_one_by_one))
