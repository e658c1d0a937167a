"""A pool, its exporter, and a real Prometheus: the results of queries equal a report."""
import collections
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool  # noqa: E402
import totals  # noqa: E402
from parts import NO_PROXY, hurt, start_pool  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402
from prometheus import Prometheus, version_3  # noqa: E402

LIMIT = 60


def summary(lines):
    return next(json.loads(line) for line in lines if '"type":"summary"' in line.replace(" ", ""))


def add_exporter(running, name, prometheus, *options):
    return running.add("export", name,
                       ["--remote-write", f"{prometheus.url}/api/v1/write", *options], NO_PROXY)


def wait_for(expected, prometheus, at):
    def told():
        return not totals.differences(expected, totals.of_series(prometheus.all(at)))
    try:
        wait_until(told, LIMIT, "prometheus to have all")
    except AssertionError:
        say("\n".join(totals.differences(expected, totals.of_series(prometheus.all(at)))))
        raise


def check_queries(prometheus, lines, at):
    """Expressions like those of dashboards."""
    rows = [json.loads(line) for line in lines]
    phases = {row["phase"]: row for row in rows if row["type"] == "phase"}
    for phase, row in phases.items():
        if row["count"] < 20:
            continue
        (_, told), = prometheus.query(
            f'histogram_quantile(0.5, sum(spanmill_phase_duration_seconds{{phase="{phase}"}}))', at)
        assert abs(told * 1e9 / row["p50_ns"] - 1) < 0.15, (phase, told, row["p50_ns"])
    (_, grown), = prometheus.query('sum(increase(spanmill_events_total[5m]))', at)
    (_, events), = prometheus.query('sum(spanmill_events_total)', at)
    assert 0.9 < grown / events < 1.1, (grown, events)
    (_, newest), = prometheus.query("spanmill_newest_interval_seconds", at)
    assert abs(newest * 1e9 - summary(lines)["end_ns"]) < 2e6, newest
    assert prometheus.query('topk(3, sum by (syscall) (spanmill_syscall_seconds_total'
                            '{phase!="",process="thumbnailer"}))', at)


def check_steps(prometheus, lines, expected, at):
    """increase() over each single interval shows its additions, also for series without samples in others:
    the sum equals the report."""
    begin = min(row["begin_ns"] for row in map(json.loads, lines) if "begin_ns" in row) / 1e9
    past = f"[{int(at - begin) + 5}s]"
    points = {tuple(sorted(series["metric"].items())): [float(time) for time, _ in series["values"]]
              for series in prometheus.ask(
                  "query", query='{__name__=~"spanmill_.*_total"}' + past, time=at)["result"]}
    assert all(times == sorted(times) for times in points.values())
    borders = [times for labels, times in points.items()
               if dict(labels)["__name__"] == "spanmill_intervals_total"][0]
    silent = sum(any(borders.index(after) > borders.index(before) + 1
                     for before, after in zip(times, times[1:])) for times in points.values())
    assert silent > 0, "no series is silent between two of its changes"
    found = collections.Counter()
    for family in sorted({dict(labels)["__name__"] for labels in points}):
        for before, after in zip(borders, borders[1:]):
            # Ranges of Prometheus 3 exclude their begin.
            length = round((after - before) * 1000) + 1
            for labels, grown in prometheus.query(f"increase({family}[{length}ms])", after):
                found[family, totals.common_labels(dict(labels))] += grown
    wrong = []
    for (family, labels), number in expected.items():
        if not family.endswith("_total"):
            continue
        told = found[family, labels] * (1e9 if totals.in_nanoseconds(family) else 1)
        if abs(told - number) > max(1000, number / 200):
            wrong.append((family, labels, number, told))
    assert not wrong, wrong[:5]
    say(f"{len(borders) - 1} intervals, {silent} of {len(points)} counters were silent in between")


def check_exemplars(prometheus, lines):
    """The slowest instance of a report is the greatest exemplar of its phase."""
    instances = [row for row in map(json.loads, lines) if row["type"] == "instance"]
    by_id = {row["id"]: row for row in instances}
    begin = min(row["begin_ns"] for row in instances) / 1e9 - 1
    found = prometheus.ask("query_exemplars", query="spanmill_phase_duration_seconds", start=begin,
                           end=summary(lines)["end_ns"] / 1e9 + 1)
    greatest = {}
    for series in found:
        for told in series["exemplars"]:
            labels, value = told["labels"], float(told["value"])
            assert len(labels["trace_id"]) == 32 and len(labels["span_id"]) == 16, labels
            row = by_id.get(labels["spanmill_id"])
            if row:
                assert row["phase"] == series["seriesLabels"]["phase"], (row, series)
                assert abs(value * 1e9 - (row["end_ns"] - row["begin_ns"])) < 2, (row, told)
            key = series["seriesLabels"].get("process"), series["seriesLabels"]["phase"]
            greatest[key] = max(greatest.get(key, 0), value)
    assert greatest, "no exemplars"
    say(f"{len(found)} series with exemplars, {len(greatest)} of process and phase")
    slowest = max(instances, key=lambda row: row["end_ns"] - row["begin_ns"])
    assert abs(max(greatest.values()) * 1e9 - (slowest["end_ns"] - slowest["begin_ns"])) < 2, slowest


def test_kills():
    """exporter and receiver are killed repeatedly: the totals equal the report"""
    lines = report(pool.THUMBNAILS)
    expected, at = totals.of_report(lines), summary(lines)["end_ns"] / 1e9 + 1
    with Pool(partitions=2) as running, \
            Prometheus(os.path.join(running.folder, "prometheus")) as prometheus:
        exporter = add_exporter(running, "export-0", prometheus, "--flush", "0ms").start()
        start_pool(running)
        hurt(exporter, prometheus, 11, rounds=8, share=0.4)
        for point in ("export-sent", "export-committed") if os.environ.get("CRASH_POINTS") == "ON" \
                else ():
            again = add_exporter(running, f"again-{point}", prometheus, "--group", point)
            again.start({"SPANMILL_CRASH_AT": f"{point}:2"})
            wait_until(lambda: not again.alive(), LIMIT, f"it to die at {point}")
            prometheus.kill()
            prometheus.start()
            again.start()
            wait_until(lambda: again.metric("spanmill_export_lag_records") == 0, LIMIT,
                       "it to read all")
            assert again.stop() == 0
        wait_for(expected, prometheus, at)
        check_queries(prometheus, lines, at)
        check_steps(prometheus, lines, expected, at)
        assert exporter.stop() == 0
        say(f"{len(expected)} totals, {len(prometheus.all(at))} series, {exporter.starts} starts")


def test_too_old():
    """without an out-of-order window, repeated samples are dropped and counted"""
    lines = report(pool.THUMBNAILS)
    expected, at = totals.of_report(lines), summary(lines)["end_ns"] / 1e9 + 1
    with Pool(partitions=1) as running, \
            Prometheus(os.path.join(running.folder, "prometheus"), "0s") as prometheus:
        exporter = add_exporter(running, "export-0", prometheus).start()
        start_pool(running)
        wait_for(expected, prometheus, at)
        check_exemplars(prometheus, lines)
        assert exporter.stop() == 0
        again = add_exporter(running, "again-0", prometheus, "--group", "again").start()
        wait_until(lambda: again.count("spanmill_export_intervals_total") >= 4, LIMIT,
                   "all to be sent again")
        assert again.count("spanmill_export_refused_samples_total") > 0
        assert "samples refused" in again.log()
        assert again.stop() == 0
        assert not totals.differences(expected, totals.of_series(prometheus.all(at)))


ACCEPTED = "--web.remote-write-receiver.accepted-protobuf-messages="


def test_version_3():
    """a Prometheus that accepts remote write 1.0, 2.0, or both has the totals of the report"""
    program, lines = version_3(), report(pool.THUMBNAILS)
    expected, at = totals.of_report(lines), summary(lines)["end_ns"] / 1e9 + 1
    with Pool(partitions=1) as running:
        start_pool(running)
        for name, accepted, falls_back in (("both", (), False),
                                           ("first", [ACCEPTED + "prometheus.WriteRequest"], True),
                                           ("second", [ACCEPTED + "io.prometheus.write.v2.Request"],
                                            False)):
            with Prometheus(os.path.join(running.folder, name), program=program,
                            options=accepted) as prometheus:
                exporter = add_exporter(running, f"export-{name}", prometheus, "--group", name)
                exporter.start()
                wait_for(expected, prometheus, at)
                assert ("does not support remote write 2.0" in exporter.log()) == falls_back
                wait_until(lambda: exporter.metric("spanmill_export_lag_records") == 0, LIMIT,
                           "it to read all")
                for refused in "samples", "exemplars":
                    assert exporter.count(f"spanmill_export_refused_{refused}_total") == 0, refused
                check_queries(prometheus, lines, at)
                check_steps(prometheus, lines, expected, at)
                check_exemplars(prometheus, lines)
                assert exporter.stop() == 0
                say(f"{name}: {len(prometheus.all(at))} series")


if __name__ == "__main__":
    sys.exit(pool.main(test_kills, test_too_old, test_version_3))
