"""`spanmill results` of a time window, and in rows: equal to `report` of the same window."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../pool"))
sys.dont_write_bytecode = True
import pool  # noqa: E402
from pool import Pool, program, report, wait_until  # noqa: E402


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def results(running, *options, **how):
    return objects(running.spanmill("results", "--format", "json", *options, **how).stdout)


def as_time(ns):
    return f"{ns // 10**9}.{ns % 10**9:09}"


def fill(running, paths):
    """Makes the pool join chunk by chunk, each in its own transaction."""
    workers = [running.add("mapper", "m").start(), running.add("reducer", "r").start()]
    for count, path in enumerate(paths, 1):
        running.publish(path)
        wait_until(lambda: any(each["type"] == "session" and each["intervals"] == count for each in
                               objects(running.spanmill("status", "--format", "json").stdout)),
                   60, f"{count} intervals")
    return workers


def pack(running):
    folder = os.path.join(running.folder, "packed")
    os.mkdir(folder)
    subprocess.run([program("spanmill"), "pack", "-o", folder, pool.THUMBNAILS], check=True,
                   stdout=subprocess.DEVNULL)
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))


def check_rows(rows, whole):
    """The rows add up to the report."""
    summary = whole[0]
    assert sum(row["events"] for row in rows) == summary["events"], rows
    assert rows[0]["begin_ns"] == summary["begin_ns"], rows[0]
    assert rows[-1]["end_ns"] == summary["end_ns"], rows[-1]
    for row, after in zip(rows, rows[1:]):
        assert row["end_ns"] < after["begin_ns"], (row, after)
    calls = sum(each["count"] for each in whole if each["type"] == "syscall")
    assert sum(row["syscalls"] for row in rows) == calls
    for phase in (each for each in whole if each["type"] == "phase" and "/" not in each["phase"]):
        for name in ("count", "total_ns", "blocked_ns", "user_cpu_ns"):
            told = sum(each[name] for row in rows for each in row["phases"]
                       if each["phase"] == phase["phase"])
            assert told == phase[name], (phase, name, told)


def check_part(running, since_ns):
    """Equal to the report of that window: all rows except that of processes by earlier threads."""
    got = results(running, "--since", as_time(since_ns))
    wanted = objects(subprocess.run(
        [program("spanmill"), "report", pool.THUMBNAILS, "--phases", pool.PHASES, "--format",
         "json", "--since", as_time(since_ns)], check=True, stdout=subprocess.PIPE, text=True).stdout)
    for each in (*got, *wanted):
        for name in ("threads", "chunks"):
            each.pop(name, None)
    assert len(got) > 1000 and got == wanted, [pair for pair in zip(got, wanted)
                                               if pair[0] != pair[1]][:3]


def test_parts():
    """results of a window equal its report, and rows add up to the whole"""
    whole = [json.loads(line) for line in report(pool.THUMBNAILS)]
    whole.sort(key=lambda each: each["type"] != "summary")
    with Pool(partitions=2) as running:
        path = os.path.join(running.folder, "rows")
        with open(path, "w", encoding="utf-8") as out:
            live = subprocess.Popen(
                [program("spanmill"), "results", "--brokers", running.broker, "--prefix",
                 running.prefix, "--every", "100ms", "--from", "begin", "--format", "json"],
                stdout=out)

        def live_rows():
            with open(path, encoding="utf-8") as file:
                return objects(file.read().rpartition("\n")[0])
        workers = fill(running, pack(running))
        running.wait_for(report(pool.THUMBNAILS))  # its end is there, too
        wait_until(lambda: len(live_rows()) == 4, 60, "a row for each chunk")
        live.send_signal(signal.SIGINT)
        assert live.wait(20 * pool.PATIENCE) == 0
        check_rows(live_rows(), whole)

        since = ["--since", "2026-11-22", "--until", "2026-11-24"]
        rows = results(running, *since, "--every", "1s")
        assert rows == live_rows(), rows
        check_rows(rows, whole)
        for row in results(running, *since, "--every", "20s"):
            assert row["chunks"] >= 1, row
        check_rows(results(running, *since, "--every", "20s"), whole)
        check_rows(results(running, *since, "--every", "1d"), whole)
        table = running.spanmill("results", *since, "--every", "1s").stdout.splitlines()
        assert len(table) == 5 and "request" in table[1] and "Last event" in table[0], table

        check_part(running, rows[2]["begin_ns"])
        until = results(running, "--until", as_time(rows[2]["begin_ns"]))
        assert until[0]["events"] == rows[0]["events"] + rows[1]["events"], until[0]
        middle = results(running, "--since", as_time(rows[1]["begin_ns"]), "--until",
                         as_time(rows[1]["end_ns"]))
        assert middle[0]["events"] == rows[1]["events"], middle[0]

        done = running.spanmill("results", "--since", "1s", check=False)
        assert done.returncode == 1 and done.stdout == "", done
        assert "the newest event in the results is at 2026-11-2" in done.stderr, done.stderr
        for options in (["--since", "+1s"], ["--since", "5m", "--until", "6m"],
                        ["--every", "1s", "--pid", "1"], ["--since", "soon"]):
            assert running.spanmill("results", *options, check=False).returncode == 2, options
        for worker in workers:
            assert worker.stop() == 0


if __name__ == "__main__":
    sys.exit(pool.main(test_parts))
