"""spanmill-export to the topics that the kafkareceiver of an OpenTelemetry Collector reads: what is
committed there are the instances and totals of a report, each once."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import otlp  # noqa: E402
import pool  # noqa: E402
import topics  # noqa: E402
import totals  # noqa: E402
from parts import die_at, start_pool  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402

LIMIT = 40


def read(running, name):
    """(spans, labels -> {time: value}) of all records."""
    found = [span for body in topics.read(running.broker, f"{name}_spans")
             for span in otlp.spans(body)]
    series = {}
    for body in topics.read(running.broker, f"{name}_metrics"):
        for labels, _, time_ms, value in otlp.points(body):
            kept = series.setdefault(labels, {})
            assert time_ms not in kept, f"{labels} at {time_ms}: twice"
            kept[time_ms] = value
    return found, series


def test_topics():
    """each span and each point exists once, whenever the exporter is killed"""
    lines = report(pool.THUMBNAILS)
    expected, numbers = otlp.of_report(lines), totals.of_report(lines)
    with Pool(partitions=2) as running:
        name = f"{running.prefix}-otlp"
        topics.create(running.broker, f"{name}_spans", f"{name}_metrics")
        exporter = running.add("export", "export-0", ["--otlp-kafka", name, "--flush", "0ms"])
        start_pool(running)
        points = ["export-sent", "transaction-sent", "export-committed", "transaction-offsets",
                  "export-sent:2", "transaction-committed", "export-sent"]
        die_at(exporter, points, LIMIT)
        exporter.start()

        def told():
            found, series = read(running, name)
            newest = {labels: kept[max(kept)] for labels, kept in series.items()}
            return not otlp.compare(expected, found) and \
                not totals.differences(numbers, totals.of_series(newest))
        wait_until(told, LIMIT, "all to be on the topics")
        assert exporter.stop() == 0
        found, series = read(running, name)
        keys = [(span["trace"], span["span"]) for span in found]
        assert len(set(keys)) == len(keys), "a span is there twice"
        wrong = otlp.check_parents(found)
        assert not wrong, wrong[:3]
        say(f"{len(found)} spans, {len(series)} series, {exporter.starts} starts")


def test_settings():
    """an invalid topic name is refused"""
    with Pool(partitions=1) as running:
        exporter = running.add("export", "export-0", ["--otlp-kafka", "a b"]).start()
        assert exporter.process.wait(60) == 2
        assert "not a valid topic name" in exporter.log(), exporter.log()


if __name__ == "__main__":
    sys.exit(pool.main(test_settings, test_topics))
