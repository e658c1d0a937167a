"""A pool, its exporter and a real OpenTelemetry Collector: what it receives, by HTTP and from Kafka, are
the instances and the totals of a report. Needs what tools/otel/install.sh builds."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import otlp  # noqa: E402
import pool  # noqa: E402
import topics  # noqa: E402
import totals  # noqa: E402
from collector import Collector  # noqa: E402
from parts import NO_PROXY  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402

LIMIT = 60
KILLS = 10


def receives(by_kafka):
    lines = report(pool.THUMBNAILS)
    expected, numbers = otlp.of_report(lines), totals.of_report(lines)
    chance = random.Random(11)
    with Pool(partitions=2) as running:
        name = f"{running.prefix}-otlp"
        topics.create(running.broker, f"{name}_spans", f"{name}_metrics")
        with Collector(os.path.join(running.folder, "collector"), running.broker, name) as collector:
            to = ["--otlp-kafka", name] if by_kafka else ["--otlp", collector.url]
            exporter = running.add("export", "export-0", [*to, "--flush", "0ms"], NO_PROXY).start()
            running.publish(pool.THUMBNAILS)
            for role in "mapper", "reducer":
                running.add(role, f"{role}-0").start()
            for _ in range(KILLS):
                time.sleep(chance.random() * 0.5)
                exporter.kill()
                exporter.start()

            def faults():
                return otlp.compare(expected, collector.spans()) + \
                    totals.differences(numbers, totals.of_series(collector.newest()))
            try:
                wait_until(lambda: not faults(), LIMIT, "the collector to have all")
            except AssertionError:
                say("\n".join(faults()[:8]))
                raise
            assert exporter.stop() == 0
            found = collector.spans()
            wrong = otlp.check_parents(found)
            assert not wrong, wrong[:3]
            say(f"{len(expected)} instances, {len(found)} spans, {len(numbers)} totals, "
                f"{exporter.starts} starts")


def test_http():
    """by HTTP, it receives the totals of a report, whenever the exporter is killed"""
    receives(False)


def test_kafka():
    """its kafkareceiver reads the same from the topics"""
    receives(True)


if __name__ == "__main__":
    sys.exit(pool.main(test_http, test_kafka))
