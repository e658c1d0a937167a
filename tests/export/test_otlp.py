"""spanmill-export against a receiver of the OpenTelemetry protocol that keeps what it gets, takes it
late, or refuses some of it: its spans are the instances of a report, its metrics the report's totals."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import otlp  # noqa: E402
import pool  # noqa: E402
import totals  # noqa: E402
from otlp import Receiver  # noqa: E402
from parts import NO_PROXY, die_at, start_pool  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402

LIMIT = 40


def wait_for(expected, receiver):
    def told():
        with receiver.lock:
            return not otlp.compare(expected, receiver.spans.values())
    try:
        wait_until(told, LIMIT, "the receiver to have all")
    except AssertionError:
        say("\n".join(otlp.compare(expected, receiver.spans.values())[:8]))
        say(receiver.faults[:5])
        raise


def check(receiver):
    assert not receiver.faults, receiver.faults[:5]
    assert not receiver.falls(), receiver.falls()[:5]
    wrong = otlp.check_parents(list(receiver.spans.values()))
    assert not wrong, wrong[:3]


def check_exemplars(receiver):
    """Each is a sent span, with its end and duration."""
    spans = {(span["trace"], span["span"]): span for span in receiver.spans.values()}
    found = [value["exemplar"] for samples in receiver.series.values()
             for value in samples.values() if isinstance(value, dict) and "exemplar" in value]
    assert found, "no exemplars"
    for trace, span_id, time_ns, value in found:
        span = spans[trace, span_id]
        assert span["end_ns"] == time_ns, (span, time_ns)
        assert abs(value * 1e9 - (time_ns - span["begin_ns"])) < 2, (span, value)


def test_signals():
    """spans equal the instances of a report, metrics its totals, also if the exporter is killed at any step"""
    lines = report(pool.THUMBNAILS)
    expected, numbers = otlp.of_report(lines), totals.of_report(lines)
    assert len(expected) > 50 and len(numbers) > 100, (len(expected), len(numbers))
    with Pool(partitions=2) as running, Receiver() as receiver:
        exporter = running.add("export", "export-0", ["--otlp", receiver.base, "--flush", "0ms"],
                               NO_PROXY)
        start_pool(running)
        points = ["export-restoring", "export-sent", "export-committed", "export-sent",
                  "export-sent:2", "export-committed", "export-sent"]
        deaths = die_at(exporter, points, LIMIT)
        exporter.start()
        wait_for(expected, receiver)
        wait_until(lambda: not totals.differences(numbers, totals.of_series(receiver.newest())),
                   LIMIT, "the receiver to have all metrics")
        assert exporter.stop() == 0
        check(receiver)
        check_exemplars(receiver)
        nested = sum(bool(span["parent"]) for span in receiver.spans.values())
        assert nested > 20, nested
        assert deaths == 0 or receiver.again > 0, "nothing was sent again"
        say(f"{len(expected)} instances, {len(receiver.spans)} spans, {nested} of them with a parent, "
            f"{len(receiver.series)} series, {receiver.again} sent again, {exporter.starts} starts")


def test_failures():
    """a receiver that is busy, denies access, accepts little at once, and refuses some: all others arrive"""
    expected = otlp.of_report(report(pool.THUMBNAILS))
    trouble = [(502, "try later", {}), (503, "", {"Retry-After": "1"}), (429, "slow down", {}),
               (401, "who are you", {})]
    times, lost, partial = [], [], []

    def answer(receiver, _, found):
        if trouble:
            times.append(time.monotonic())
            return trouble.pop(0)
        if len(found) > 8:
            return 413, "too large", {}
        if any(span["name"] == "seek" for span in found):
            lost.extend(found)
            return 400, otlp.error_status("no seek, please"), {}
        if not partial:
            partial.extend(found[:2])
            lost.extend(partial)
            receiver.keep(found[2:])
            return 200, otlp.partial_success(len(partial), "full house"), {}
        return None

    with Pool(partitions=1) as running, Receiver(answer) as receiver:
        exporter = running.add("export", "export-0",
                               ["--otlp", receiver.base + "/", "--otlp-signals", "traces",
                                "--otlp-timeout", "20s", "--otlp-compression", "gzip",
                                "--otlp-header", "X-Scope-OrgID: shop"],
                               NO_PROXY).start()
        start_pool(running)

        def told():
            with receiver.lock:
                gone = {(span["resource"]["spanmill.session"], span["attributes"]["spanmill.id"])
                        for span in lost}
                left = {key: row for key, row in expected.items() if key not in gone}
                return len(lost) > 2 and not otlp.compare(left, receiver.spans.values())
        wait_until(told, LIMIT, "all that was not refused")
        wait_until(lambda: exporter.count("spanmill_export_refused_samples_total") == len(lost),
                   LIMIT, "what was refused to be counted")
        assert exporter.count("spanmill_export_samples_total") == len(receiver.spans)
        assert exporter.count("spanmill_export_retries_total") == 4
        assert exporter.count("spanmill_export_denied_total") == 1
        assert times[2] - times[1] >= 0.95, "Retry-After was not kept to"
        for said in "samples refused", "400 no seek, please", "receiver does not accept samples":
            assert said in exporter.log(), exporter.log()
        assert exporter.stop() == 0
        assert not receiver.faults, receiver.faults[:5]
        assert all(headers.get("Content-Encoding") == "gzip" and
                   headers.get("X-Scope-OrgID") == "shop" for headers in receiver.headers)


def test_variables():
    """the variables of the OpenTelemetry specification name receiver, headers and compression"""
    expected = otlp.of_report(report(pool.THUMBNAILS))
    with Pool(partitions=1) as running, Receiver() as receiver:
        exporter = running.add("export", "export-0", [], {
            **NO_PROXY, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.base}/shop/v1/traces",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b%3D, x-team = shop",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TIMEOUT": "5000",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}).start()
        start_pool(running)
        wait_for(expected, receiver)
        assert exporter.stop() == 0
        check(receiver)
        for headers in receiver.headers:
            assert headers["api-key"] == "a b=" and headers["x-team"] == "shop", headers
            assert headers["Content-Encoding"] == "gzip"


def test_settings():
    """invalid settings are refused with exit code 2 and a message"""
    with Pool(partitions=1) as running:
        for options, variables, said in (
                (["--otlp", "collector:4318"], {}, "is not an http or https URL"),
                (["--otlp", "http://a", "--otlp-header", "x"], {}, "is not a header"),
                ([], {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, "no receiver given"),
                ([], {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a",
                      "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
                 "no receiver given"),
                ([], {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a",
                      "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "not supported"),
                ([], {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a",
                      "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "10s"}, "is not a number of milliseconds"),
                ([], {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a",
                      "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "zip"}, "not supported"),
                ([], {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a",
                      "OTEL_METRICS_EXPORTER": "none",
            "OTEL_EXPORTER_OTLP_HEADERS": "a"}, "expected a list")):
            exporter = running.add("export", f"export-{len(running.workers)}", options,
                                   {**NO_PROXY, **variables}).start()
            assert exporter.process.wait(60) == 2, (options, variables)
            assert said in exporter.log(), exporter.log()


if __name__ == "__main__":
    sys.exit(pool.main(test_settings, test_signals, test_failures, test_variables))
