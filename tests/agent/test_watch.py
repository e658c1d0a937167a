"""The agent on a folder of rotated sessions: each chunk is announced, with the same bounds each
time, whatever happens to the agent, to its broker and to its disk; and the archives together are
what the folder is."""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool
from pool import PHASES, ROOT, THUMBNAILS, Pool, program, report, say, wait_until

TOOL = os.path.join(os.environ.get("TEST_BIN", ""), "announcements")
OPEN = 2**64 - 1


def crash_points():
    """The crash points that an agent passes when it watches folders."""
    names = set()
    for folder in ("agent", "shared/publish"):
        for path in glob.glob(os.path.join(ROOT, folder, "*.c")):
            with open(path) as source:
                names.update(re.findall(r'crash_point\("([^"]*)"\)', source.read()))
    return sorted(names - {"agent-rotated"})


class Watched:
    """A session that arrives chunk by chunk, and the agent that watches its folder."""

    def __init__(self, running, *extra, host="web1"):
        self.pool = running
        self.root = os.path.join(running.folder, "relay")
        self.session = os.path.join(self.root, host, "thumbnails-20261122-230935")
        self.store = os.path.join(running.folder, "store")
        os.makedirs(self.store, exist_ok=True)
        os.makedirs(os.path.join(self.session, "archives"))
        self.sources = sorted(glob.glob(os.path.join(THUMBNAILS, "archives/*")),
                              key=lambda path: int(path.rsplit("-", 1)[1]))
        self.agent = running.add("agent", f"agent-{host}", [
            "--watch", self.root, "--state-dir", os.path.join(running.folder, "state"), *extra])

    def add(self, number, session=None):
        """Copies a chunk; it appears at once, as one that LTTng has moved."""
        source, session = self.sources[number], session or self.session
        beside = os.path.join(session, ".beside")
        shutil.copytree(source, beside)
        os.rename(beside, os.path.join(session, "archives", os.path.basename(source)))

    def add_session(self, host):
        """Copies the first chunk to a session's folder below another host's."""
        session = os.path.join(self.root, host, os.path.basename(self.session))
        os.makedirs(os.path.join(session, "archives"))
        self.add(0, session)

    def add_all(self):
        for number in range(len(self.sources)):
            self.add(number)

    def announced(self):
        """The announcements of the topic; archives are fetched into a new folder."""
        folder = os.path.join(self.pool.folder, "fetched")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        done = subprocess.run([TOOL, self.pool.broker, self.pool.prefix, folder, self.store],
                              check=True, stdout=subprocess.PIPE, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def said(self, event="chunk published"):
        """Numbers of the chunks with this log event of the agent."""
        return [int(number) for number in
                re.findall(rf'event="{event}" .* chunk=(\d+) ', self.agent.log())]

    def wait_for_chunks(self, chunks, limit=30):
        wait_until(lambda: set(self.said() + self.said("chunk lost")) >= set(chunks), limit,
                   f"chunks {chunks} announced")

    def wait_for_end(self, limit=30):
        wait_until(lambda: 'what="the last"' in self.agent.log(), limit, "the end of the session")

    def fetched(self):
        return report(os.path.join(self.pool.folder, "fetched"))


def check_bounds(rows):
    """All announcements of a chunk are equal, and the intervals of neighbors meet."""
    bounds = {}
    for row in rows:
        assert row["key"] == f"{row['session']}/{row['chunk']}", row
        assert not row["lost"], row
        said = (row["begin"], row["end"], row["first"], row["final"])
        assert bounds.setdefault(row["chunk"], said) == said, (bounds[row["chunk"]], row)
    for chunk, (begin, _, first, _) in bounds.items():
        if chunk == first:
            assert begin == 0, bounds
        else:
            assert begin == bounds[chunk - 1][1], bounds
    finals = [chunk for chunk, said in bounds.items() if said[3]]
    assert finals in ([], [max(bounds)]), bounds
    assert (bounds[max(bounds)][1] == OPEN) == bool(finals), bounds
    return bounds


def test_chunk_by_chunk():
    """chunks are announced as they arrive, the last one as final after a silence"""
    with Pool(partitions=2) as running:
        watched = Watched(running)
        watched.agent.start()
        for number in range(len(watched.sources)):
            watched.add(number)
            watched.wait_for_chunks(range(number + 1), limit=20)
        assert watched.agent.stop() == 0
        watched.agent.start(extra=["--end-after", "1s"])
        watched.wait_for_end()
        rows = watched.announced()
        bounds = check_bounds(rows)
        numbers = sorted(row["chunk"] for row in rows)
        assert numbers == sorted(set(numbers)), f"some twice: {numbers}"
        assert max(bounds) == len(watched.sources), bounds
        assert {row["place"] for row in rows} == {"inline", "segments"}, rows
        assert watched.fetched() == report(THUMBNAILS), "the archives are not what the folder is"
        assert watched.agent.stop() == 0
        watched.agent.start()
        wait_until(lambda: watched.agent.get("/readyz")[0] == 200, 10, "an agent that is ready")
        # When the second of two further folders is announced, the agent has scanned the first one again.
        more = ("web2", "web3")
        for host in more:
            before = len(watched.said())
            watched.add_session(host)
            wait_until(lambda: len(watched.said()) > before, 20, f"the chunk of {host}")
        assert len(watched.announced()) == len(rows) + len(more), "announced again after a restart"
        assert watched.agent.stop() == 0


def test_crash_points():
    """an agent that is killed at any step announces the same after a restart"""
    pool.need_crash_points()
    expected, points = report(THUMBNAILS), crash_points()
    assert len(points) >= 6, points
    for index, point in enumerate(points):
        die_at(f"{point}:{1 + index % 2}", expected)


def die_at(point, expected):
    with Pool(partitions=2) as running:
        watched = Watched(running, "--end-after", "2s")
        watched.agent.start({"SPANMILL_CRASH_AT": point})
        watched.add_all()
        wait_until(lambda: not watched.agent.alive(), 30, f"death at {point}")
        assert watched.agent.process.returncode == -signal.SIGKILL, watched.agent.log()
        watched.agent.start()
        watched.wait_for_end()
        assert watched.agent.stop() == 0
        rows = watched.announced()
        check_bounds(rows)
        assert watched.fetched() == expected, point
        again = len(rows) - len({row["chunk"] for row in rows})
        assert again <= 1, f"{point}: {again} announced again"
    say(f"  {point}")


def test_places():
    """by reference and in segments, an archive is the same"""
    expected = report(THUMBNAILS)
    with Pool(partitions=2) as running:
        watched = Watched(running, "--end-after", "1s", "--by-reference", "--store-root",
                          os.path.join(running.folder, "store"))
        watched.add_all()
        watched.agent.start()
        watched.wait_for_end()
        assert {row["place"] for row in watched.announced()} == {"file"}
        assert watched.fetched() == expected
        assert watched.agent.stop() == 0
    with Pool(partitions=2) as running:
        running.publish(THUMBNAILS, "--inline-max", "1K")
        watched = Watched(running)
        assert {row["place"] for row in watched.announced()} == {"segments"}
        check_bounds(watched.announced())
        assert watched.fetched() == expected


def test_kept():
    """published chunks are deleted except the last one, whose packets the next one needs"""
    with Pool(partitions=2) as running:
        watched = Watched(running, "--keep", "0")
        watched.agent.start()
        there = os.path.join(watched.session, "archives")
        for number in range(len(watched.sources)):
            watched.add(number)
            watched.wait_for_chunks(range(number + 1), limit=20)
            wait_until(lambda: len(os.listdir(there)) == 1, 10, f"one left of {number + 1}")
            assert os.listdir(there)[0].endswith(f"-{number}")
        assert watched.agent.stop() == 0
        watched.agent.start(extra=["--end-after", "1s"])
        watched.wait_for_end()
        check_bounds(watched.announced())
        assert watched.fetched() == report(THUMBNAILS)
        wait_until(lambda: os.listdir(there) == [], 10, "nothing left of a session that is over")
        assert watched.agent.stop() == 0


def test_spool():
    """chunks above the spool limit during an outage are lost and announced as lost"""
    with Pool(partitions=2) as running:
        watched = Watched(running, "--spool-limit", "1")
        running.broker, broker = "127.0.0.1:9", running.broker
        watched.agent.start(extra=["-X", "socket.connection.setup.timeout.ms=1000"])
        watched.add_all()
        there = os.path.join(watched.session, "archives")
        wait_until(lambda: len(os.listdir(there)) == 1, 60, "all dropped but the newest")
        assert watched.agent.get("/livez")[0] == 200
        watched.agent.kill()
        running.broker = broker
        watched.agent.start()
        last = len(watched.sources) - 1
        watched.wait_for_chunks(range(last + 1))
        rows = sorted(watched.announced(), key=lambda row: row["chunk"])
        assert [row["lost"] for row in rows] == [True] * last + [False], rows
        assert all("deleted" in row["reason"] for row in rows[:-1]), rows
        assert rows[-1]["begin"] > 0 and rows[-1]["first"] == 0, rows[-1]
        assert watched.agent.count("spanmill_agent_lost_chunks_total") == last
        assert watched.agent.stop() == 0


def test_hosts():
    """sessions of many hosts, one of which is damaged and one without traces yet"""
    with Pool(partitions=2) as running:
        good = Watched(running, "--end-after", "2s")
        damaged = os.path.join(good.root, "web2", "broken-1", "archives")
        os.makedirs(os.path.join(damaged, "20261122T230935+0000-20261122T230951+0000-0/kernel"))
        with open(os.path.join(damaged, "20261122T230935+0000-20261122T230951+0000-0/kernel",
                               "metadata"), "w") as file:
            file.write("not of this world")
        empty = os.path.join(good.root, "web3", "empty-1", "archives")
        os.makedirs(os.path.join(empty, "20261122T230935+0000-20261122T230951+0000-0/ust"))
        # A chunk from before the first program ran, before those with traces.
        late = os.path.join(good.root, "web4", "late-1", "archives")
        shutil.copytree(os.path.join(THUMBNAILS, "archives"), late)
        first = next(path for path in glob.glob(late + "/*") if path.endswith("-0"))
        shutil.rmtree(first)
        os.makedirs(os.path.join(first, "ust"))
        for path in glob.glob(late + "/**/metadata", recursive=True):
            with open(path, "r+b") as file:
                told = file.read().replace(b"labvm", b"labv4")
                file.seek(0)
                file.write(told)
        good.agent.start()
        good.wait_for_end()
        good.add_all()
        wait_until(lambda: good.said().count(2) == 2 and good.said().count(0) == 2, 30,
                   "all chunks of both")
        announced = good.announced()
        assert not any(row["lost"] for row in announced)
        for host in "labvm", "labv4":
            rows = [row for row in announced if row["session"].startswith(host)]
            bounds = check_bounds(rows)
            assert min(bounds) == 0 and all(row["first"] == 0 for row in rows), rows
        assert bounds[0][1] == 0, "a chunk without traces answers for some time"
        assert "session skipped" in good.agent.log()
        assert good.agent.stop() == 0


def test_one_agent():
    """a second agent with the same state folder does not start"""
    with Pool(partitions=2) as running:
        watched = Watched(running)
        watched.agent.start()
        wait_until(lambda: watched.agent.get("/readyz")[0] == 200, 10, "an agent that is ready")
        second = running.add("agent", "second", watched.agent.extra).start()
        assert second.process.wait(10 * pool.PATIENCE) == 1
        assert "another agent is using it" in second.log()
        assert watched.agent.stop() == 0


if __name__ == "__main__":
    tests = [test_chunk_by_chunk, test_crash_points, test_places, test_kept, test_spool,
             test_hosts, test_one_agent]
    chosen = [test for test in tests if test.__name__ in sys.argv[1:]] or tests
    sys.exit(pool.main(*chosen))
