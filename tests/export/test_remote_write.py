"""spanmill-export against a receiver that stores requests, accepts them late, or refuses some."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool  # noqa: E402
import totals  # noqa: E402
from parts import NO_PROXY, die_at, start_pool  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402
from receiver import Receiver, count, written  # noqa: E402

LIMIT = 40


def add_exporter(running, name, url, *options):
    return running.add("export", name, ["--remote-write", url, *options], NO_PROXY)


def named(series):
    return dict(series.labels)["__name__"]


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
    """exported totals equal a report, also if the exporter is killed at any step"""
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
        assert receiver.by_version[1] == 0 and receiver.starts, "it was not 2.0"
        say(f"{len(expected)} totals, {len(receiver.newest())} series, {receiver.requests} requests, "
            f"{exporter.starts} starts")


def test_failures():
    """a receiver that is unavailable, busy, denies access, and refuses some: all others arrive, in order"""
    expected = totals.of_report(report(pool.THUMBNAILS))
    refused_name = "spanmill_cpu_busy_seconds_total"
    trouble = [(500, "try later", {}), (503, "", {"Retry-After": "1"}), (429, "slow down", {}),
               (401, "who are you", {})]
    times = []

    def answer(receiver, series):
        if trouble:
            times.append(time.monotonic())
            return trouble.pop(0)
        if any(named(one) == refused_name for one in series):
            return 400, "out of order sample", {}
        return None

    with Pool(partitions=1) as running, Receiver(answer) as receiver:
        exporter = add_exporter(running, "export-0", receiver.url, "--remote-write-samples", "64",
                                "--remote-write-timeout", "20s", "--remote-write-version", "1",
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
        assert "receiver does not accept samples" in exporter.log()
        assert exporter.stop() == 0
        check(receiver)
        for labels, value in receiver.newest().items():
            pairs = dict(labels)
            if pairs["__name__"] == "spanmill_phase_duration_seconds_bucket" and \
                    pairs["le"] == "+Inf":
                count = tuple(sorted({**{k: v for k, v in pairs.items() if k != "le"},
                                      "__name__": "spanmill_phase_duration_seconds_count"}.items()))
                assert receiver.newest()[count] == value, labels


def test_counted():
    """a receiver of 2.0 that writes a part of a request and reports how much"""
    expected = totals.of_report(report(pool.THUMBNAILS))
    refused_name = "spanmill_syscall_seconds_total"
    refused, exemplars = set(), set()

    def answer(receiver, series):
        good = [one for one in series if named(one) != refused_name]
        receiver.keep(good)
        counts = count(good)
        exemplars.update(str(one.labels) + str(one.exemplars) for one in good if one.exemplars)
        if len(good) == len(series):
            return 200, "", written([*counts[:2], 0]) if good else {}
        refused.update((tuple(one.labels), time_ms) for one in series if named(one) == refused_name
                       for time_ms, _ in one.samples)
        return 400, "out of order sample", written([*counts[:2], 0])

    with Pool(partitions=1) as running, Receiver(answer, versions=(2,)) as receiver:
        exporter = add_exporter(running, "export-0", receiver.url).start()
        start_pool(running)
        wait_for({key: value for key, value in expected.items() if key[0] != refused_name}, receiver)
        wait_until(lambda: exporter.metric("spanmill_export_lag_records") == 0, LIMIT, "the end")
        assert exporter.count("spanmill_export_refused_samples_total") == len(refused) > 100
        assert exporter.count("spanmill_export_refused_exemplars_total") == len(exemplars) > 0
        assert "samples refused" in exporter.log() and "out of order" in exporter.log()
        assert receiver.requests < 20, "it was not found out by halves"
        assert exporter.stop() == 0
        check(receiver)
        assert receiver.by_version[1] == 0 and receiver.starts


def test_versions():
    """a receiver of 1.0 gets 1.0, whether it rejects 2.0 or silently ignores it"""
    expected = totals.of_report(report(pool.THUMBNAILS))
    with Pool(partitions=1) as running:
        start_pool(running)
        for number, unknown in enumerate(((415, "unknown type", {}), (204, "", {}),
                                          (400, "unmarshal error", {}))):
            with Receiver(versions=(1,), unknown=unknown) as receiver:
                exporter = add_exporter(running, f"export-{number}", receiver.url,
                                        "--group", f"group-{number}").start()
                wait_for(expected, receiver)
                assert "does not support remote write 2.0" in exporter.log()
                assert exporter.count("spanmill_export_refused_samples_total") == 0
                assert exporter.stop() == 0
                check(receiver)
                assert receiver.by_version[2] == 1, receiver.by_version
        for wanted, other in ((1, 2), (2, 1)):
            # Its configured responses are kept until they are used.
            with Receiver(versions=(other,), unknown=(204, "", {}) if wanted == 2 else
                          (415, "unknown type", {})) as receiver:
                exporter = add_exporter(running, f"only-{wanted}", receiver.url,
                                        "--group", f"only-{wanted}",
                                        "--remote-write-version", str(wanted)).start()
                wait_until(lambda: exporter.count("spanmill_export_denied_total") >= 2, LIMIT,
                           "it to be denied")
                assert f"it does not support remote write {wanted}.0" in exporter.log()
                receiver.versions = (wanted,)
                wait_for(expected, receiver)
                assert exporter.stop() == 0
                check(receiver)
                assert receiver.by_version[other] == 0
        with Receiver(versions=()) as receiver:
            exporter = add_exporter(running, "neither", receiver.url, "--group", "neither").start()
            wait_until(lambda: exporter.count("spanmill_export_denied_total") >= 2, LIMIT,
                       "it to be denied")
            receiver.versions = (2,)
            wait_for(expected, receiver)
            assert exporter.stop() == 0
            check(receiver)


def test_limit():
    """beyond --series-limit, series with labels from the trace are merged, and no total changes"""
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
    """without a receiver, or with an invalid one, it exits with 2 and a message"""
    with Pool(partitions=1) as running:
        for options, said in (([], "no receiver given"),
                              (["--remote-write", "ftp://a/b"], "is not an http or https URL"),
                              (["--remote-write", "http://a/b", "--remote-write-header", "x"],
                               "is not a header"),
                              (["--remote-write", "http://a/b", "--group", "a/b"], "group")):
            exporter = running.add("export", f"export-{len(running.workers)}", options).start()
            assert exporter.process.wait(60) == 2, options
            assert said in exporter.log(), exporter.log()


if __name__ == "__main__":
    sys.exit(pool.main(test_settings, test_totals, test_failures, test_counted, test_versions,
                       test_limit))
