"""A pool, its exporter, and a real Jaeger: its spans are the instances of a report, even if the exporter is
killed repeatedly. Needs the output of tools/otel/install.sh."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import otlp  # noqa: E402
import pool  # noqa: E402
from jaeger import Jaeger  # noqa: E402
from parts import NO_PROXY  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402

LIMIT = 60
KILLS = 20


def in_microseconds(row, span):
    """Jaeger's API has begins and durations in truncated microseconds."""
    assert span["begin_us"] == row["begin_ns"] // 1000, (row, span)
    assert abs(span["duration_us"] - row["total_ns"] / 1000) <= 1, (row, span)
    return {**span, "begin_ns": row["begin_ns"], "end_ns": row["end_ns"]}


def differences(expected, found):
    by_id = {(span["resource"].get("spanmill.session"), span["attributes"]["spanmill.id"]): span
             for span in found}
    known = [in_microseconds(row, by_id[key]) for key, row in expected.items() if key in by_id]
    return otlp.compare(expected, known)


def test_spans():
    """spans queried back are the instances of a report, each once, after kills of the exporter"""
    expected = otlp.of_report(report(pool.THUMBNAILS))
    begin_ns = min(row["begin_ns"] for row in expected.values()) - 3600 * 10**9
    end_ns = max(row["end_ns"] for row in expected.values()) + 3600 * 10**9
    chance = random.Random(7)
    with Pool(partitions=2) as running, Jaeger(os.path.join(running.folder, "jaeger")) as jaeger:
        exporter = running.add("export", "export-0", ["--otlp", jaeger.url, "--otlp-signals",
                                                      "traces", "--flush", "0ms"], NO_PROXY).start()
        running.publish(pool.THUMBNAILS)
        for role in "mapper", "reducer":
            running.add(role, f"{role}-0").start()
        for _ in range(KILLS):
            time.sleep(chance.random() * 0.5)
            exporter.kill()
            exporter.start()
        try:
            wait_until(lambda: not differences(expected, jaeger.spans(begin_ns, end_ns)), LIMIT,
                       "jaeger to have all")
        except AssertionError:
            say("\n".join(differences(expected, jaeger.spans(begin_ns, end_ns))[:8]))
            raise
        assert exporter.stop() == 0
        found = jaeger.spans(begin_ns, end_ns)
        by_key = {(span["trace"], span["span"]): span for span in found}
        nested = [span for span in found if span["parent"]]
        assert len(nested) > 20, len(nested)
        for span in nested:
            parent = by_key[span["trace"], span["parent"]]
            assert span["attributes"]["spanmill.phase"] == \
                f"{parent['attributes']['spanmill.phase']}/{span['name']}", (span, parent)
        assert jaeger.count(begin_ns, end_ns) == len(found), "a span is there twice"
        say(f"{len(expected)} instances, {len(found)} spans, {len(nested)} of them with a parent, "
            f"{exporter.starts} starts")


if __name__ == "__main__":
    sys.exit(pool.main(test_spans))
