"""Log and health of the pool: in normal operation, and while brokers are unavailable."""
import os
import re
import shutil
import subprocess
import sys
import time

import logfmt
import pool
from chaos import Broker
from pool import Pool, report, say, wait_until

SESSION = "labvm/thumb/20261122T230916+0000"


def lines_of(worker, event):
    return [line for line in logfmt.read(worker.log_path) if line["event"] == event]


def chunks_in(lines, session=SESSION):
    return sorted(int(line["chunk"]) for line in lines if line["session"] == session)


def add_agent(running, *extra):
    """An agent that watches a folder to which the recording was moved."""
    root = os.path.join(running.folder, "relay")
    os.makedirs(root, exist_ok=True)
    agent = running.add("agent", "a", ["--watch", root, "--end-after", "1s", "--state-dir",
                                       os.path.join(running.folder, "state"), *extra])
    return agent, os.path.join(root, "host", "thumb")


def move_in(session):
    shutil.copytree(os.path.join(pool.THUMBNAILS, "archives"), session + ".beside/archives")
    os.rename(session + ".beside", session)


def test_healthy_log():
    """a healthy pool logs each chunk and session in lines that a strict parser accepts"""
    expected = report(pool.THUMBNAILS)
    with Pool(partitions=2) as running:
        agent, session = add_agent(running)
        os.makedirs(os.path.dirname(session))
        mapper = running.add("mapper", "m").start(extra=["-j", "2"])
        reducer = running.add("reducer", "r").start()
        move_in(session)
        agent.start()
        running.wait_for(expected, 60)
        for worker in (agent, mapper, reducer):
            assert worker.stop() == 0
        # A further chunk may have the last packets of the fourth one.
        published = chunks_in(lines_of(agent, "chunk published"))
        assert published in ([0, 1, 2, 3], [0, 1, 2, 3, 4]), published
        mapped = lines_of(mapper, "chunk mapped")
        assert chunks_in(mapped) == published, mapped
        for line in mapped:
            assert line["level"] == "info" and int(line["events"]) > 0, line
            assert float(line["seconds"]) >= 0 and int(line["try"]) == 1, line
        joined = lines_of(reducer, "interval joined")
        assert chunks_in(joined) == published, joined
        events = sum(int(line["events"]) for line in mapped)
        assert events == sum(int(line["events"]) for line in joined) > 1000, events
        for worker in (agent, reducer):
            assert len(lines_of(worker, "session begun")) == 1, worker.log()
            assert len(lines_of(worker, "session ended")) == 1, worker.log()
        for worker in (agent, mapper, reducer):
            loud = [line for line in logfmt.read(worker.log_path)
                    if line["level"] in ("warning", "error") and line["event"] != "librdkafka"]
            assert not loud, loud
            assert lines_of(worker, "health")[0]["listen"] == f"127.0.0.1:{worker.port}"


def series(worker, name):
    """Values of a metric by the value of their label."""
    _, text = worker.get("/metrics")
    return {word: float(value) for word, value in
            re.findall(rf'^{name}(?:\{{[^=]*="([^"]*)"\}})? ([0-9.e+-]+)$', text, re.M)}


def test_brokers_away():
    """/readyz follows the brokers, and the metrics show the growing backlog"""
    with Broker() as broker, Pool(broker=broker.address(), partitions=2,
                                  settings=["--unready-after", "2s"]) as running:
        agent, session = add_agent(running)
        os.makedirs(os.path.dirname(session))
        mapper = running.add("mapper", "m").start(extra=["-j", "2"])
        workers = [agent.start(), mapper, running.add("reducer", "r").start()]
        for worker in workers:
            wait_until(lambda: worker.get("/readyz")[0] == 200, 30, f"{worker.role} to be ready")
        broker.run("kill")
        for worker in workers:
            wait_until(lambda: worker.get("/readyz")[0] == 503, 20, f"{worker.role} not ready")
            assert "no broker has answered for" in worker.get("/readyz")[1]
            assert worker.get("/livez")[0] == 200
        move_in(session)
        blocked, waiting = "spanmill_agent_blocked_seconds", "spanmill_agent_waiting_chunks"
        wait_until(lambda: agent.metric(blocked), 30, "the agent to notice")
        before, at = agent.metric(blocked), time.monotonic()
        time.sleep(0.7)
        grown = agent.metric(blocked) - before
        assert 0.6 < grown < 0.7 + time.monotonic() - at, f"by {grown} in 0.7 s"
        assert agent.metric(waiting) == 4 and agent.metric("spanmill_agent_waiting_bytes") > 1000
        broker.run("restart")
        for worker in workers:
            wait_until(lambda: worker.get("/readyz")[0] == 200, 60, f"{worker.role} ready again")
        wait_until(lambda: agent.metric(waiting) == 0 and agent.metric(blocked) == 0, 60,
                   "the agent to be done")
        wait_until(lambda: lines_of(agent, "session ended"), 30, "the end of the session")
        wait_until(lambda: mapper.metric("spanmill_mapper_chunks_total") ==
                   agent.metric("spanmill_agent_chunks_total"), 60, "all to be mapped")
        for name in ("lag_records", "behind_seconds"):
            wait_until(lambda: series(mapper, f"spanmill_mapper_{name}") == {"0": 0, "1": 0}, 30,
                       f"{name} to be 0")
        wait_until(lambda: sum(series(mapper, "spanmill_mapper_partitions").values()) == 2, 30,
                   "the mapper to have its partitions")
        assert lines_of(mapper, "brokers answer again"), mapper.log()
        say(f"  {lines_of(mapper, 'no broker answers')[0]['why']}")
        for worker in workers:
            assert worker.stop() == 0
            logfmt.read(worker.log_path)


def ends(running, role, *options, environment=None):
    """Exit code and last message of a service that does not start."""
    done = subprocess.run([pool.program(f"spanmill-{role}"), "--brokers", running.broker,
                           "--prefix", running.prefix, "--health-listen", "off", *options],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60 * pool.PATIENCE,
                          env={**pool.clean_environment(), **(environment or {})})
    return done.returncode, done.stderr.splitlines()[-1]


def test_refusals():
    """invalid settings end a service with exit code 2 and a message that names them"""
    with Pool(partitions=1) as running:
        file = os.path.join(running.folder, "file")
        with open(file, "w", encoding="utf-8") as out:
            out.write("kafka: {enable.auto.commit: 'true'}\n")
        for role, options, environment, named in (
                ("agent", ["--state-dir", file], None, "state-dir (flag --state-dir): "),
                ("agent", ["--state-dir", "/proc/nothing"], None, "/proc/nothing: "),
                ("agent", ["--brokers", ""], None, "no broker given"),
                ("reducer", ["--spill-dir", file], None, "spill-dir (flag --spill-dir): "),
                ("mapper", ["-X", "isolation.level=read_uncommitted"], None, "isolation.level"),
                ("mapper", ["--config", file], None, "enable.auto.commit cannot be set: "),
                ("reducer", [], {"SPANMILL_KAFKA_GROUP_ID": "x"}, "group.id cannot be set: ")):
            code, words = ends(running, role, *options, environment=environment)
            assert code == 2 and named in words, (role, options, code, words)
        for command in (["results"], ["parked"], ["topics", "check"], ["publish", pool.THUMBNAILS]):
            done = running.spanmill(*command, "-X", "transactional.id=x", check=False)
            assert done.returncode == 2 and "transactional.id cannot be set: " in done.stderr, done


def test_health_ports():
    """if the health port is in use, the next free one is used, and the log has its number"""
    with Pool(partitions=2) as running:
        first, second = running.add("mapper", "m1"), running.add("mapper", "m2")
        taken = second.port = first.port
        wait_until(lambda: first.start() and True, 1, "a start")
        wait_until(lambda: first.get("/livez")[0] == 200, 20, "the first to answer")
        second.start()
        wait_until(lambda: lines_of(second, "health"), 20, "the second to say where it is")
        given = lines_of(second, "health port in use")[0]
        assert given["wanted"] == f"127.0.0.1:{taken}" and given["level"] == "warning", given
        assert given["listen"] == lines_of(second, "health")[0]["listen"] != given["wanted"]
        second.port = int(given["listen"].rsplit(":", 1)[1])
        wait_until(lambda: second.get("/livez")[0] == 200, 20, "the second to answer there")
        assert first.stop() == 0 and second.stop() == 0


if __name__ == "__main__":
    sys.exit(pool.main(test_healthy_log, test_refusals, test_health_ports, test_brokers_away))
