"""The agent and a real session daemon: rotations by either, ends in any order, and outages in between."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool
from pool import Pool, report, wait_until
from session_daemon import SessionDaemon
from test_session_daemon import REQUESTS, SHOP, compare, found, logged
from test_watch import Watched, check_bounds


class Traced(Watched):
    """A session of a session daemon, the agent that follows it, and the program that it traces."""

    def __init__(self, running, daemon, name, *extra):
        self.pool, self.daemon, self.name = running, daemon, name
        self.session = os.path.join(daemon.home, name)
        self.store = running.folder
        self.log = os.path.join(daemon.home, f"{name}.log")
        self.agent = running.add("agent", f"agent-{name}", [
            "--session", name, "--state-dir", os.path.join(running.folder, f"state-{name}"),
            *extra], daemon.environment)
        daemon.create(name, self.session)

    def shop(self, seconds):
        wait_until(lambda: self.agent.metric("spanmill_agent_sessions") == 1, 20, "the session")
        return subprocess.Popen([SHOP, str(seconds), "2", self.log],
                                env=self.daemon.environment)

    def wait_for_requests(self, count):
        """Waits until the program has logged this many more."""
        def logged_lines():
            with open(self.log) as log:
                return sum(1 for _ in log)
        wait_until(lambda: os.path.exists(self.log), 10, "the log of the program")
        before = logged_lines()
        wait_until(lambda: logged_lines() >= before + count, 10, "requests")

    def archived(self):
        folder = os.path.join(self.session, "archives")
        return len(os.listdir(folder)) if os.path.isdir(folder) else 0

    def check(self, least):
        """All logged events are in the archives, and the archives equal the folder; returns the bounds."""
        self.wait_for_end()
        bounds = check_bounds(self.announced())
        assert len(bounds) >= least, bounds
        lines = report(os.path.join(self.pool.folder, "fetched"), REQUESTS)
        compare(logged(self.log), found(lines))
        there = report(self.session, REQUESTS)
        assert found(there) == found(lines)
        return bounds


def with_daemon(test):
    def run():
        with SessionDaemon() as daemon, Pool(partitions=2) as running:
            test(running, daemon)
    run.__doc__, run.__name__ = test.__doc__, test.__name__
    return run


@with_daemon
def test_rotated_by_others(running, daemon):
    """rotations of others are noticed, and bounds come from packets"""
    traced = Traced(running, daemon, "others")
    daemon.lttng("rotate", "others")  # before any program runs: a chunk without traces
    traced.agent.start()
    shop = traced.shop(5)
    for number in range(1, 5):
        traced.wait_for_requests(10)
        daemon.lttng("rotate", "others")
        begin = time.monotonic()
        traced.wait_for_chunks([number], limit=10)
        assert time.monotonic() - begin < 5 * pool.PATIENCE
    assert shop.wait() == 0
    daemon.lttng("destroy", "others")
    bounds = traced.check(least=5)
    assert min(bounds) == 0 and bounds[0][1] == 0, "the chunk without traces answers for no time"
    assert traced.agent.count("spanmill_agent_notifications_total") >= 4
    assert traced.agent.count("spanmill_agent_rotations_total") == 0
    assert traced.agent.stop() == 0


@with_daemon
def test_ended_meanwhile(running, daemon):
    """a session that ends while the agent is down gets its last chunks and its end"""
    traced = Traced(running, daemon, "meanwhile", "--rotate-every", "500ms")
    traced.agent.start()
    shop = traced.shop(4)
    traced.wait_for_chunks([2], limit=15)
    traced.agent.kill()
    # A rotation that the agent requested may still be in progress.
    wait_until(lambda: daemon.lttng("rotate", "meanwhile", check=False).returncode == 0, 10,
               "a rotation")
    assert shop.wait() == 0
    daemon.lttng("destroy", "meanwhile")
    traced.agent.start()
    traced.check(least=4)
    assert traced.agent.stop() == 0


@with_daemon
def test_never_rotated(running, daemon):
    """a session that ends before its first rotation is one chunk"""
    traced = Traced(running, daemon, "short", "--rotate-every", "1h")
    traced.agent.start()
    assert traced.shop(2).wait() == 0
    daemon.lttng("destroy", "short")
    bounds = traced.check(least=1)
    assert sorted(bounds) == [0], bounds
    assert traced.agent.stop() == 0


@with_daemon
def test_broker_away(running, daemon):
    """rotations continue while the broker is unavailable, and none of their chunks is lost"""
    broker, running.broker = running.broker, "127.0.0.1:9"
    traced = Traced(running, daemon, "away", "--rotate-every", "500ms", "--statedump-every", "2")
    traced.agent.start()
    shop = traced.shop(12)
    wait_until(lambda: traced.archived() >= 8, 20, "eight rotations without a broker")
    assert traced.agent.get("/livez")[0] == 200
    traced.agent.kill()
    running.broker = broker
    traced.agent.start()
    assert shop.wait() == 0
    daemon.lttng("destroy", "away")
    traced.check(least=8)
    assert traced.agent.stop() == 0


@with_daemon
def test_by_size(running, daemon):
    """a chunk that reaches --rotate-size is rotated"""
    traced = Traced(running, daemon, "size", "--rotate-size", "4K")
    traced.agent.start()
    shop = traced.shop(15)  # also after the first rotation, if that is late
    wait_until(lambda: traced.archived() >= 2, 10, "two rotations")
    assert shop.wait() == 0
    daemon.lttng("destroy", "size")
    traced.check(least=3)
    assert traced.agent.count("spanmill_agent_rotations_total") >= 2
    assert traced.agent.stop() == 0


if __name__ == "__main__":
    tests = [test_rotated_by_others, test_ended_meanwhile, test_never_rotated, test_broker_away,
             test_by_size]
    chosen = [test for test in tests if test.__name__ in sys.argv[1:]] or tests
    sys.exit(pool.main(*chosen))
