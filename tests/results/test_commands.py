"""`spanmill results` and `spanmill parked` over a real broker."""
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../pool"))
sys.dont_write_bytecode = True
import pool  # noqa: E402
from pool import Pool, canonical, program, report, say, wait_until  # noqa: E402


def produce(running, topic, key, value, *headers):
    """One record, as another program would send it."""
    command = ["kcat", "-P", "-b", running.broker, "-t", f"{running.prefix}.{topic}", "-k", key]
    for header in headers:
        command += ["-H", header]
    subprocess.run(command, input=value, check=True, stderr=subprocess.DEVNULL)


def start(running, *arguments, **options):
    return subprocess.Popen([program("spanmill"), *arguments, "--brokers", running.broker,
                             "--prefix", running.prefix], **options)


def fill(running):
    """Makes the pool process the small recording, and ends it."""
    expected = report(pool.THUMBNAILS)
    running.publish(pool.THUMBNAILS)
    workers = [running.add("mapper", "m").start(), running.add("reducer", "r").start()]
    running.wait_for(expected, 60)
    for worker in workers:
        worker.stop()
    return expected


def check_filters(running, expected):
    objects = [json.loads(line) for line in expected]
    session = next(each["session"] for each in objects)
    pid = next(each["pid"] for each in objects if each["type"] == "fd")
    for options in (["--pid", str(pid)], ["--process", "bash"]):
        wanted = canonical(subprocess.run(
            [program("spanmill"), "report", pool.THUMBNAILS, "--phases", pool.PHASES, "--format",
             "json", *options], check=True, stdout=subprocess.PIPE, text=True).stdout)
        got = canonical(running.spanmill("results", "--format", "json", *options).stdout)
        assert 1 < len(wanted) < len(expected) and got == wanted, options
    for pattern in (session, session[:5] + "*"):
        got = running.spanmill("results", "--format", "json", "--session", pattern).stdout
        assert len(canonical(got)) == len(expected), pattern
    # A filter without matches is an error that lists the available values.
    for options, named in ((["--session", "x*"], session), (["--process", "nobody"], "thumbnailer (345)"),
                           (["--pid", "1234567"], "thumbnailer (345)")):
        done = running.spanmill("results", "--format", "json", *options, check=False)
        assert done.returncode == 1 and named in done.stderr, (options, done.stderr)
        assert "there are" in done.stderr, done.stderr
    tables = running.spanmill("results", "--top", "3").stdout
    wanted = subprocess.run([program("spanmill"), "report", pool.THUMBNAILS, "--phases",
                             pool.PHASES, "--top", "3"], check=True, stdout=subprocess.PIPE,
                            text=True).stdout
    assert tables == wanted, "the tables differ"


def check_usage(running):
    for options in (["--from", "end"], ["--follow", "--output", "x"], ["--pid", "many"]):
        done = running.spanmill("results", *options, check=False)
        assert done.returncode == 2 and done.stderr, options
    done = running.spanmill("parked", "--resend", check=False)
    assert done.returncode == 2 and "--all" in done.stderr, done.stderr


def check_terminal(running):
    """On a terminal, the tables are shown at once and stay after Ctrl-C."""
    leader, follower = pty.openpty()
    shown = start(running, "results", "--follow", "--every", "100ms", stdin=follower,
                  stdout=follower, stderr=subprocess.PIPE, env={**os.environ, "TERM": "xterm"})
    os.close(follower)
    text = b""

    def read_until(word):
        nonlocal text
        end = time.monotonic() + 20 * pool.PATIENCE
        while word not in text and time.monotonic() < end:
            if select.select([leader], [], [], 0.1)[0]:
                try:
                    text += os.read(leader, 1 << 16)
                except OSError:
                    break
        assert word in text, text[-2000:]

    read_until(b"\x1b[?1049h")
    read_until(b"Ctrl-C to quit")
    text = b""
    shown.send_signal(signal.SIGINT)
    read_until(b"\x1b[?1049l")
    read_until(b"system calls, not counted:")  # the last line of the last report
    assert shown.wait(20 * pool.PATIENCE) == 0, shown.stderr.read()
    os.close(leader)
    shown.stderr.close()


def check_damage(running, expected):
    produce(running, "results", "a/b/c/1", b"this is no record")
    done = running.spanmill("results", "--format", "json", check=False)
    assert done.returncode == 1, "a record was lost, and nobody is told"
    assert "not a record of results" in done.stderr and "partition" in done.stderr, done.stderr
    assert canonical(done.stdout) == expected, "one bad record spoils the others"
    produce(running, "results", "a/b/c/1", bytes([8, 9, 18, 1, 97, 24, 0, 32, 0]))
    done = running.spanmill("results", "--format", "json", check=False)
    assert done.returncode == 1 and "newer" in done.stderr, done.stderr


def test_results():
    """results are filtered and shown like reports, and damage is reported"""
    with Pool(partitions=3) as running:
        done = running.spanmill("results")
        assert done.stdout == "" and "no results" in done.stderr
        expected = fill(running)
        check_filters(running, expected)
        check_usage(running)
        check_terminal(running)
        check_damage(running, expected)


def test_no_topic():
    """without topics or a broker, it reports that soon"""
    with Pool() as running:
        running.prefix += "-none"
        begin = time.monotonic()
        for command in ("results", "parked"):
            done = running.spanmill(command, check=False)
            assert done.returncode == 1 and running.prefix in done.stderr, done.stderr
        assert time.monotonic() - begin < 20 * pool.PATIENCE
        running.broker = "127.0.0.1:1"
        begin = time.monotonic()
        done = running.spanmill("results", check=False)
        assert done.returncode == 1 and done.stderr, done
        assert time.monotonic() - begin < 20 * pool.PATIENCE


def reports_in(path):
    """The successive reports; the last one may be incomplete."""
    with open(path) as file:
        return ['{"type":"summary"' + each
                for each in file.read().split('{"type":"summary"')[1:]]


def grow(running, session, reports):
    """Makes the pool process a part of the small recording, and after these results were reported, the rest."""
    os.mkdir(session)
    subprocess.run([program("spanmill"), "pack", "-o", session, pool.THUMBNAILS], check=True,
                   stdout=subprocess.DEVNULL)
    paths = sorted(os.path.join(session, name) for name in os.listdir(session))
    expected = report(pool.THUMBNAILS)
    workers = [running.add("mapper", "m").start(), running.add("reducer", "r").start()]
    for path in paths[:2]:
        running.publish(path)
    wait_until(reports, 60, "a report of the first chunks")
    for path in paths[2:]:
        running.publish(path)
    wait_until(lambda: canonical(reports()[-1]) == expected, 60, "a report of all")
    for worker in workers:
        assert worker.stop() == 0
    return expected


def test_follow():
    """with --follow into a file, a report is written after each change"""
    with Pool(partitions=2) as running:
        paths = [os.path.join(running.folder, name) for name in ("following", "idle")]
        with open(paths[0], "w") as out, open(paths[1], "w") as none:
            following = start(running, "results", "--follow", "--format", "json", "--every",
                              "100ms", stdout=out)
            idle = start(running, "results", "--follow", "--from", "end", "--session", "nobody",
                         stdout=none)
        session = os.path.join(running.folder, "session")
        expected = grow(running, session, lambda: reports_in(paths[0]))
        for each in (following, idle):
            each.send_signal(signal.SIGINT)
            assert each.wait(20 * pool.PATIENCE) == 0
        reports = reports_in(paths[0])
        assert canonical(reports[-1]) == expected, "the last is not of all"
        chunks = [json.loads(each.splitlines()[0])["chunks"] for each in reports]
        assert chunks == sorted(chunks) and len(reports) > 1, chunks
        say(f"reports after so many chunks: {chunks}")
        assert os.path.getsize(paths[1]) == 0, "it was asked for nobody's results"


def listed(running, *options):
    out = running.spanmill("parked", "--format", "json", *options).stdout
    return [json.loads(line) for line in out.splitlines()]


def test_parked():
    """parked chunks are listed with their reason, and when resent, fill intervals that are not gaps yet"""
    expected = report(pool.THUMBNAILS)
    with Pool(partitions=2) as running:
        assert listed(running) == []
        produce(running, "chunks", "web1/shop/x/17", b"this is no announcement")
        mapper = running.add("mapper", "m")
        mapper.start(extra=["--memory-limit", "1M"])
        running.publish(pool.THUMBNAILS)
        reducer = running.add("reducer", "r").start()
        wait_until(lambda: len(listed(running)) == 5, 60, "five chunks are parked")
        mapper.stop()
        done = running.spanmill("results", "--strict", check=False)
        assert done.returncode == 4 and done.stdout == "", done
        assert "5 chunks are parked" in done.stderr and "`spanmill parked`" in done.stderr, done
        assert ": limit: unpacks to more than" in done.stderr, done.stderr
        done = running.spanmill("results", "--session", "web1/*")
        assert "1 chunk is parked" in done.stderr and "web1/shop/x/17: damaged" in done.stderr, done
        done = running.spanmill("parked", "--session", "nobody/*", check=False)
        assert done.returncode == 1 and "web1/shop/x/17 (damaged)" in done.stderr, done
        damaged = listed(running, "--kind", "damaged")
        assert len(damaged) == 1 and damaged[0]["session"] == "web1/shop/x", damaged
        assert damaged[0]["chunk"] == 17 and damaged[0]["reason"], damaged
        assert damaged[0]["announced_in"].startswith(f"{running.prefix}.chunks["), damaged
        over = listed(running, "--kind", "limit")
        assert sorted(each["chunk"] for each in over) == [0, 1, 2, 3], over
        assert not any(each["sent_again"] for each in over)
        assert len(listed(running, "--session", "labvm/*", "--chunk", "2")) == 1
        table = running.spanmill("parked").stdout
        assert running.spanmill("rejected").stdout == table, "by its former name"
        assert "web1/shop/x" in table and "limit" in table and "reason" in table, table

        mapper.start()
        done = running.spanmill("parked", "--resend", "--chunk", "3")
        assert done.stdout.count("\n") == 1, done.stdout
        done = running.spanmill("parked", "--resend", "--all")
        assert done.stdout.count("\n") == 3, "one was sent again, one is damaged:\n" + done.stdout
        running.wait_for(expected, 60)
        assert all(each["sent_again"] for each in listed(running, "--kind", "limit"))
        assert not listed(running, "--kind", "damaged")[0]["sent_again"]
        assert running.spanmill("parked", "--resend", "--all").stdout == ""
        assert mapper.stop() == 0 and reducer.stop() == 0


if __name__ == "__main__":
    sys.exit(pool.main(test_results, test_no_topic, test_follow, test_parked))
