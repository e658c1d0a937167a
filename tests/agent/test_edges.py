"""The agent in special cases: sessions created again in a folder of earlier ones, and files without read
permission."""
import glob
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool
from pool import Pool, Skip, clean_environment, program, wait_until
from test_watch import Watched, check_bounds

CREATED, NAME = b"20261122T230916+0000", b'"thumb"'
NOBODY = 65534


def add_as(watched, number, day, name=NAME):
    """A chunk of a session that was created on another day, under the same number; `name` with quotes, as in
    metadata."""
    source = watched.sources[number]
    beside = os.path.join(watched.session, ".beside")
    shutil.copytree(source, beside)
    for path in glob.glob(os.path.join(beside, "**/metadata"), recursive=True):
        with open(path, "rb") as file:
            text = file.read()
        assert CREATED in text and NAME in text and len(name) == len(NAME), path
        with open(path, "wb") as file:
            file.write(text.replace(CREATED, day + CREATED[8:]).replace(NAME, name))
    os.rename(beside, os.path.join(watched.session, "archives",
                                   os.path.basename(source).replace("20261122", day.decode())))


def published(watched, session):
    return [row["chunk"] for row in watched.announced() if row["session"] == session]


def test_made_anew():
    """sessions created again in the same folder, also while the agent does not run, are separate sessions;
    one of them has quotes and backslashes in its name"""
    names = ["labvm/thumb/20261122T230916+0000", "labvm/thumb/20261123T230916+0000",
             'labvm/a"\\/20261124T230916+0000']
    with Pool(partitions=2) as running:
        for role in ("mapper", "reducer"):
            running.add(role, role).start()
        watched = Watched(running)
        watched.agent.start()
        watched.add(0)
        watched.add(1)
        wait_until(lambda: published(watched, names[0]) == [0, 1], 20, "the first session's chunks")
        for number in range(2):
            add_as(watched, number, b"20261123")
        wait_until(lambda: sorted(published(watched, names[1])) == [0, 1], 20,
                   "the second session's chunks")
        assert sorted(published(watched, names[0])) == [0, 1, 2], "the end of the first"
        assert watched.agent.stop() == 0
        for number in range(3):
            add_as(watched, number, b"20261124", rb'"a\"\\"')
        watched.agent.start(extra=["--end-after", "2s"])
        wait_until(lambda: sorted(published(watched, names[2])) == [0, 1, 2, 3], 30,
                   "the third session to its end")
        rows = watched.announced()
        for name in names:
            bounds = check_bounds([row for row in rows if row["session"] == name])
            assert [chunk for chunk, said in bounds.items() if said[3]], f"{name} has no end"
        numbers = sorted((row["session"], row["chunk"]) for row in rows)
        assert numbers == sorted(set(numbers)), f"some twice: {numbers}"
        running.wait_for(watched.fetched(), 40)
        sessions = {json.loads(line)["session"] for line in running.results()}
        assert sessions == set(names), sessions
        assert r'session="labvm/a\"\\/20261124T230916+0000"' in watched.agent.log(), \
            watched.agent.log()
        assert watched.agent.stop() == 0


def test_unreadable():
    """unreadable paths are logged once, counted in the metrics, and make the agent not ready; when they are
    readable, it continues"""
    if os.geteuid() != 0:
        raise Skip("not root: there is nobody else to be")
    with Pool(partitions=2) as running:
        watched = Watched(running)
        watched.add(0)
        state = os.path.join(running.folder, "state")
        os.mkdir(state)
        os.chmod(running.folder, 0o755)
        stream = sorted(path for path in glob.glob(watched.session + "/archives/*/kernel/*")
                        if os.path.isfile(path) and not path.endswith("metadata"))[0]
        chunk = glob.glob(watched.session + "/archives/*")[0]
        os.chmod(stream, 0o600)
        os.chmod(chunk, 0o700)
        agent = watched.agent
        try:
            os.chown(state, NOBODY, NOBODY)
            with open(agent.log_path, "ab") as log:
                agent.process = subprocess.Popen(
                    [program("spanmill-agent"), "--brokers", running.broker, "--prefix",
                     running.prefix, "--health-listen", f"127.0.0.1:{agent.port}", *agent.extra],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment(),
                    user=NOBODY, group=NOBODY, extra_groups=[])
        except OSError as why:
            raise Skip(f"nobody else can be had here: {why}") from why

        def named(path):
            return agent.log().count(f'event="cannot be read" path={path} ')
        wait_until(lambda: named(chunk) == 1, 20, "the folder to be named")
        wait_until(lambda: agent.get("/readyz")[0] == 503, 10, "the agent not to be ready")
        assert "cannot be read" in agent.get("/readyz")[1]
        assert agent.count("spanmill_agent_unreadable_paths") == 1
        os.chmod(chunk, 0o755)
        wait_until(lambda: named(stream) == 1, 40, "the stream to be named")
        assert named(chunk) == 1 and "Permission denied" in agent.log(), agent.log()
        os.chmod(stream, 0o644)
        watched.wait_for_chunks([0], limit=40)
        wait_until(lambda: agent.get("/readyz")[0] == 200, 10, "the agent to be ready")
        assert agent.stop() == 0


def test_copied():
    """a chunk that was copied under the next number is announced as lost, and the one that it
    copies keeps its events"""
    with Pool(partitions=2) as running:
        for role in ("mapper", "reducer"):
            running.add(role, role).start()
        watched = Watched(running)
        os.makedirs(os.path.join(watched.session, "archives"), exist_ok=True)
        watched.add(0)
        watched.add(1)
        copy = os.path.basename(watched.sources[1])[:-1] + "2"
        shutil.copytree(watched.sources[1], os.path.join(watched.session, "archives", copy))
        watched.agent.start(extra=["--end-after", "2s"])
        wait_until(lambda: len(published(watched, "labvm/thumb/20261122T230916+0000")) == 4, 30, "all chunks")
        assert "not later than those of chunk 1" in watched.agent.log(), watched.agent.log()
        running.wait_for(watched.fetched(), 40)
        events = sum(json.loads(line).get("events", 0) for line in running.results()
                     if '"type":"summary"' in line)
        assert events > 160000, events
        assert watched.agent.stop() == 0


if __name__ == "__main__":
    sys.exit(pool.main(test_made_anew, test_unreadable, test_copied))
