"""spanmill-export against a receiver that keeps what it gets, takes it late, or refuses some of it."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool  # noqa: E402
import totals  # noqa: E402
from parts import NO_PROXY, die_at, start_pool  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402
from receiver import Receiver  # noqa: E402

LIMIT = 40


def add_exporter(running, name, url, *options):
    return running.add("export", name, ["--remote-write", url, *options], NO_PROXY)


def wait_for(expected, receiver, while_waiting=None):
    def told():
        if while_waiting:
            while_waiting()
        return not totals.differences(expected, totals.of_series(receiver.newest()))
    try:
        wait_until(told, LIMIT, "the receiver to have all")
    except AssertionError:
        say("\n".join(totals.differences(expected, totals.of_series(receiver.newest()))))
        raise


def check(receiver):
    assert not receiver.faults, receiver.faults[:5]
    assert not receiver.falls(), receiver.falls()[:5]


def test_totals():
    """what is exported is what a report counts; killed at each step, it is still so"""
    expected = totals.of_report(report(pool.THUMBNAILS))
    assert len(expected) > 100, len(expected)
    with Pool(partitions=2) as running, Receiver() as receiver:
        exporter = add_exporter(running, "export-0", receiver.url, "--flush", "0ms")
        start_pool(running)
        points = ["export-restoring", "export-sent", "export-committed", "export-sent",
                  "export-sent:2", "export-committed", "export-sent"]
        die_at(exporter, points, LIMIT)
        exporter.start()
        wait_for(expected, receiver)
        assert exporter.stop() == 0
        check(receiver)
        say(f"{len(expected)} totals, {len(receiver.newest())} series, {receiver.requests} requests, "
            f"{exporter.starts} starts")


def test_failures():
    """a receiver that is not there, is busy, denies, and refuses some: all but those come, in order"""
    expected = totals.of_report(report(pool.THUMBNAILS))
    refused_name = "spanmill_cpu_busy_seconds_total"
    trouble = [(500, "try later", {}), (503, "", {"Retry-After": "1"}), (429, "slow down", {}),
               (401, "who are you", {})]
    times = []

    def answer(receiver, series):
        if trouble:
            times.append(time.monotonic())
            return trouble.pop(0)
        if any(dict(labels)["__name__"] == refused_name for labels, _ in series):
            return 400, "out of order sample", {}
        return None

    with Pool(partitions=1) as running, Receiver(answer) as receiver:
        exporter = add_exporter(running, "export-0", receiver.url, "--remote-write-samples", "64",
                                "--remote-write-timeout", "20s",
                                "--remote-write-histograms", "classic").start()
        start_pool(running)
        expected = {key: value for key, value in expected.items() if key[0] != refused_name}

        def told():
            found = {key: value for key, value in totals.of_series(receiver.newest()).items()
                     if "_bucket" not in key[0]}
            return not totals.differences(expected, found)
        wait_until(told, LIMIT, "all that was not refused")
        assert exporter.count("spanmill_export_retries_total") >= 4
        assert exporter.count("spanmill_export_denied_total") >= 1
        assert exporter.count("spanmill_export_refused_samples_total") >= 4
        assert times[2] - times[1] >= 0.95, "Retry-After was not kept to"
        assert "samples refused" in exporter.log() and "out of order" in exporter.log()
        assert "receiver does not take samples" in exporter.log()
        assert exporter.stop() == 0
        check(receiver)
        for labels, value in receiver.newest().items():
            named = dict(labels)
            if named["__name__"] == "spanmill_phase_duration_seconds_bucket" and \
                    named["le"] == "+Inf":
                count = tuple(sorted({**{k: v for k, v in named.items() if k != "le"},
                                      "__name__": "spanmill_phase_duration_seconds_count"}.items()))
                assert receiver.newest()[count] == value, labels


def test_limit():
    """beyond --series-limit, what comes from the trace is put together, and no total changes"""
    with Pool(partitions=1) as running, Receiver() as receiver:
        exporter = add_exporter(running, "export-0", receiver.url, "--series-limit", "100").start()
        start_pool(running)
        expected = totals.of_report(report(pool.THUMBNAILS))

        def by_family(found):
            out = {}
            for (family, _), value in found.items():
                out[family] = out.get(family, 0) + value
            return {(family, ()): value for family, value in out.items()
                    if family != "spanmill_lost_total"}
        wait_until(lambda: not totals.differences(
            by_family(expected), by_family(totals.of_series(receiver.newest()))), LIMIT,
            "the totals of families")
        others = [labels for labels in receiver.newest() if ("process", "other") in labels]
        assert others and len(receiver.newest()) < 400, len(receiver.newest())
        assert exporter.count("spanmill_export_over_limit_total") > 0
        assert "too many series" in exporter.log()
        assert exporter.stop() == 0
        check(receiver)


def test_settings():
    """without a receiver, or with one that is none, it ends with 2 and says why"""
    with Pool(partitions=1) as running:
        for options, said in (([], "no receiver is named"),
                              (["--remote-write", "ftp://a/b"], "no URL"),
                              (["--remote-write", "http://a/b", "--remote-write-header", "x"],
                               "no header"),
                              (["--remote-write", "http://a/b", "--group", "a/b"], "group")):
            exporter = running.add("export", f"export-{len(running.workers)}", options).start()
            assert exporter.process.wait(60) == 2, options
            assert said in exporter.log(), exporter.log()


if __name__ == "__main__":
    sys.exit(pool.main(test_settings, test_totals, test_failures, test_limit))
