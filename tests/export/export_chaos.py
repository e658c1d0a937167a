#!/usr/bin/env python3
"""Kills exporter and receiver again and again while sessions are coming in, and compares the totals.

    make export-chaos (EXPORTER_KILLS=20 RECEIVER_KILLS=5 SESSIONS=20 SEED=n)
"""
import os
import random
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for folder in "tests/pool", "tools/try":
    sys.path.insert(0, os.path.join(ROOT, folder))
import pool  # noqa: E402
import present  # noqa: E402
import test_prometheus  # noqa: E402
import totals  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402
from prometheus import Prometheus  # noqa: E402


def setting(name, default):
    return int(os.environ.get(name) or default)


class Source(threading.Thread):
    """Publishes the sample as sessions that differ only in their creation time."""

    def __init__(self, running, count):
        super().__init__()
        self.running, self.count, self.failure = running, count, None

    def run(self):
        try:
            for number in range(self.count):
                folder = os.path.join(self.running.folder, f"session-{number}")
                self.running.publish(present.copy(pool.THUMBNAILS, folder, 0, 1_700_000_000 + number))
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure


def kill_all(exporter, prometheus, exporters, receivers, chance, busy):
    """At random times: the receiver while the exporter runs, or both."""
    plan = [exporter] * exporters + [prometheus] * receivers
    chance.shuffle(plan)
    at_work = 0
    for victim in plan:
        time.sleep(chance.uniform(0.1, 1))
        at_work += busy()
        victim.kill()
        time.sleep(chance.uniform(0, 0.5))
        victim.start()
    return at_work


def main():
    exporters, receivers, count, seed = (setting(*row) for row in (
        ("EXPORTER_KILLS", 20), ("RECEIVER_KILLS", 5), ("SESSIONS", 20),
        ("SEED", random.SystemRandom().randrange(1 << 31))))
    say(f"SEED={seed}")
    lines = report(pool.THUMBNAILS)
    expected = {key: number * count for key, number in totals.of_report(lines).items()}
    at = test_prometheus.summary(lines)["end_ns"] / 1e9 + 1
    with Pool(partitions=2) as running, \
            Prometheus(os.path.join(running.folder, "prometheus")) as prometheus:
        exporter = test_prometheus.add_exporter(running, "export-0", prometheus, "--flush", "0ms")
        exporter.start()
        for role in "mapper", "reducer":
            running.add(role, f"{role}-0").start()
        source = Source(running, count)
        source.start()

        def is_behind():
            return bool(totals.differences(expected, totals.of_series(prometheus.all(at))))
        at_work = kill_all(exporter, prometheus, exporters, receivers, random.Random(seed), is_behind)
        source.join()
        if source.failure:
            raise source.failure
        test_prometheus.wait_for(expected, prometheus, at)
        # Nothing arrives afterwards, and nothing is counted twice.
        wait_until(lambda: exporter.metric("spanmill_export_lag_records") == 0, 60, "all to be read")
        wrong = totals.differences(expected, totals.of_series(prometheus.all(at)))
        assert not wrong, wrong
        assert exporter.stop() == 0
        prometheus.kill()
        say(f"{exporters} kills of the exporter, {receivers} of the receiver, {at_work} of them with "
            f"samples still to come; {count} sessions, {len(expected)} totals: as the report has them")


if __name__ == "__main__":
    main()
