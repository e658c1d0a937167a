"""`spanmill status` over a real broker: each of its numbers while chunks are processed."""
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../pool"))
sys.dont_write_bytecode = True
import pool  # noqa: E402
from pool import Pool, program, report, wait_until  # noqa: E402

SESSION = "labvm/thumb/20261122T230916+0000"


def look(running, *options):
    """The pool, and its sessions by name."""
    lines = running.spanmill("status", "--format", "json", *options).stdout.splitlines()
    objects = [json.loads(line) for line in lines]
    assert objects[0]["type"] == "pool" and objects[0]["prefix"] == running.prefix, objects
    assert all(each["type"] == "session" for each in objects[1:]), objects
    return objects[0], {each["session"]: each for each in objects[1:]}


def wait_for(running, **expected):
    """Waits until the session is as expected."""
    def is_so():
        session = look(running)[1].get(SESSION, {})
        return all(session.get(name) == value for name, value in expected.items())
    wait_until(is_so, 60, f"{expected}")
    return look(running)


def packed(running):
    folder = os.path.join(running.folder, "packed")
    os.mkdir(folder)
    running_pack = [program("spanmill"), "pack", "-o", folder, pool.THUMBNAILS]
    subprocess.run(running_pack, check=True, stdout=subprocess.DEVNULL)
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))


def test_way_of_chunks():
    """chunks are counted where they wait, and a missing one is named"""
    summary = json.loads(next(line for line in report(pool.THUMBNAILS) if '"summary"' in line))
    with Pool(partitions=2) as running:
        done = running.spanmill("status")
        assert "no session is known" in done.stderr and "0 sessions" in done.stdout, done
        paths = packed(running)
        for number in (0, 1, 3):
            running.publish(paths[number])
        state, sessions = look(running)
        assert state["unmapped"] == 3 and state["unjoined"] == 0, state
        assert state["mappers"] == 0 and state["reducers"] == 0, state
        session = sessions[SESSION]
        assert session["unmapped"] == 3 and session["chunk"] is None, session
        assert session["end_ns"] is None and session["age_ns"] is None, session
        assert (session["missing"], session["first_missing"]) == (1, 2), session
        assert "no mapper is running" in running.spanmill("status").stdout

        mapper = running.add("mapper", "m").start(extra=["-j", "2"])
        state, sessions = wait_for(running, unmapped=0, unjoined=3)
        assert state["unmapped"] == 0, state
        wait_until(lambda: look(running)[0]["mappers"] == 2, 60, "both threads to be members")
        assert state["unjoined"] == 3 and sessions[SESSION]["missing"] == 1, (state, sessions)
        assert "no reducer is running" in running.spanmill("status").stdout

        reducer = running.add("reducer", "r").start()
        state, sessions = wait_for(running, unjoined=1, chunk=1, missing=1, first_missing=2)
        assert state["reducers"] == 1 and state["state_records"] > 0, state
        session = sessions[SESSION]
        assert session["intervals"] == 2 and session["host"] == "labvm", session
        assert summary["begin_ns"] < session["end_ns"] < summary["end_ns"], session
        assert session["age_ns"] > 0 and session["joined_ms"] > 0, session
        done = running.spanmill("status", "--strict", check=False)
        assert done.returncode == 4 and f"chunk 2 of {SESSION} is missing" in done.stdout, done

        running.publish(paths[2])
        state, sessions = wait_for(running, unjoined=0, chunk=3, missing=0)
        session = sessions[SESSION]
        assert session["events"] == summary["events"] and session["intervals"] == 4, session
        assert session["end_ns"] == summary["end_ns"] and session["gaps"] == 0, session
        assert session["discarded"] == summary["discarded"], session
        running.spanmill("status", "--strict")
        assert mapper.stop() == 0 and reducer.stop() == 0


def test_parked():
    """parked chunks and gaps are counted, by session, and --strict fails"""
    with Pool(partitions=2) as running:
        paths = packed(running)
        for path in paths:
            running.publish(path)
        mapper = running.add("mapper", "m").start(extra=["--memory-limit", "1M"])
        reducer = running.add("reducer", "r").start(extra=["--gap-after", "1s"])
        state, sessions = wait_for(running, parked=4)
        assert state["parked"] == 4 and sessions[SESSION]["missing"] == 0, (state, sessions)
        done = running.spanmill("status", "--strict", check=False)
        assert done.returncode == 4 and "`spanmill parked` lists" in done.stdout, done
        mapper.stop()
        mapper.start()
        # The first one is missing: a later chunk makes it a gap.
        running.spanmill("parked", "--resend", "--chunk", "1")
        running.spanmill("parked", "--resend", "--chunk", "3")
        state, sessions = wait_for(running, parked=2, chunk=3)
        assert state["gaps"] == sessions[SESSION]["gaps"] > 0, (state, sessions)
        done = running.spanmill("status", "--session", "nobody/*", check=False)
        assert done.returncode == 1 and f"there are: {SESSION}" in done.stderr, done
        assert look(running, "--session", "labvm/*")[1].keys() == {SESSION}
        assert mapper.stop() == 0 and reducer.stop() == 0


def test_every():
    """with --every, it repeats until it is ended"""
    with Pool() as running:
        path = os.path.join(running.folder, "states")
        with open(path, "w", encoding="utf-8") as out:
            looking = subprocess.Popen(
                [program("spanmill"), "status", "--brokers", running.broker, "--prefix",
                 running.prefix, "--every", "100ms", "--format", "json"], stdout=out,
                stderr=subprocess.DEVNULL)

        def states():
            with open(path, encoding="utf-8") as file:
                return [json.loads(line) for line in file.read().split("\n")[:-1]]
        wait_until(lambda: len(states()) >= 2, 60, "two states")
        running.publish(pool.THUMBNAILS)
        wait_until(lambda: states()[-1].get("unmapped") == 4, 60, "what is announced")
        looking.send_signal(signal.SIGINT)
        assert looking.wait(20 * pool.PATIENCE) == 0
        times = [each["time_ns"] for each in states() if each["type"] == "pool"]
        assert times == sorted(times) and len(times) > 2, times


def test_no_pool():
    """without topics or a broker, it soon reports which is missing"""
    with Pool() as running:
        running.prefix += "-none"
        done = running.spanmill("status", check=False)
        wanted = f"topic {running.prefix}.results does not exist (see spanmill topics create)"
        assert done.returncode == 1 and wanted in done.stderr, done
        running.broker = "127.0.0.1:1"
        begin = time.monotonic()
        done = running.spanmill("status", check=False)
        assert done.returncode == 1 and done.stdout == "", done
        assert "no answer from brokers at 127.0.0.1:1" in done.stderr, done
        assert time.monotonic() - begin < 20 * pool.PATIENCE
        done = running.spanmill("status", "--every", "1", check=False)
        assert done.returncode == 2, done


if __name__ == "__main__":
    sys.exit(pool.main(test_way_of_chunks, test_parked, test_every, test_no_pool))
