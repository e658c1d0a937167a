"""Reports of a session that a real session daemon still records: they have a message, and once it is
stopped, nothing is missing."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool
from pool import say, wait_until
from session_daemon import SessionDaemon

SHOP = os.path.join(os.environ.get("TEST_BIN", ""), "shop")
SPANMILL = pool.program("spanmill")
STILL = "still being recorded: stop or rotate it"
LOSSY = 4


class Report:
    """The output of `spanmill report --strict` for a folder."""

    def __init__(self, daemon, folder, *arguments):
        done = subprocess.run([SPANMILL, "report", "--strict", "--format", "json", folder, *arguments],
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=daemon.environment)
        self.code, self.errors = done.returncode, done.stderr
        self.summary = json.loads(done.stdout.split("\n")[0]) if done.stdout else {}

    def causes(self):
        return [each["cause"] for each in self.summary["damage"]]

    def check_is_recording(self):
        assert self.code == LOSSY and STILL in self.errors, (self.code, self.errors)
        assert self.causes() == ["recording"], self.summary

    def check_is_whole(self):
        assert (self.code, self.errors, self.causes()) == (0, "", []), \
            (self.code, self.errors, self.summary)


def told(folder):
    """The number of events according to babeltrace2."""
    listed = subprocess.run(["babeltrace2", folder], check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout
    return listed.count("\n")


def start_shop(daemon, seconds=600):
    return subprocess.Popen([SHOP, str(seconds), "2", os.path.join(daemon.folder, "shop.log")],
                            env=daemon.environment)


def wait_for_work(daemon):
    """Waits until the program has recorded more."""
    log = os.path.join(daemon.folder, "shop.log")
    before = os.path.getsize(log) if os.path.exists(log) else 0
    wait_until(lambda: os.path.exists(log) and os.path.getsize(log) > before, 20, "more to be recorded")


def has_files(folder):
    return any(files for _, _, files in os.walk(folder))


def end(program):
    program.kill()
    program.wait()


def test_before_a_rotation():
    """a session that records into its own folder"""
    with SessionDaemon() as daemon:
        folder = f"{daemon.folder}/shop & co"  # as XML has it: &amp;
        daemon.create("shop", folder)
        shop = start_shop(daemon)
        wait_until(lambda: has_files(folder), 20, "files of the session")
        for reader in ("auto", "spanmill"):
            report = Report(daemon, folder, "--reader", reader)
            assert STILL in report.errors and report.code in (1, LOSSY), (report.code, report.errors)
        daemon.lttng("stop", "shop")
        Report(daemon, folder).check_is_whole()
        daemon.lttng("start", "shop")
        wait_for_work(daemon)
        Report(daemon, folder).check_is_recording()
        end(shop)
        daemon.lttng("destroy", "shop")
        report = Report(daemon, folder)
        report.check_is_whole()
        assert report.summary["events"] == told(folder) > 0, report.summary


def test_after_a_rotation():
    """the events since the last rotation are in the report, as the last chunk"""
    with SessionDaemon() as daemon:
        folder = f"{daemon.folder}/shop"
        daemon.create("shop", folder)
        shop = start_shop(daemon)
        wait_for_work(daemon)
        daemon.lttng("rotate", "shop")
        wait_for_work(daemon)
        Report(daemon, folder).check_is_recording()
        Report(daemon, f"{folder}/archives").check_is_whole()
        packed = subprocess.run([SPANMILL, "pack", folder, "-o", f"{daemon.folder}/packed"],
                                check=True, stderr=subprocess.PIPE, text=True)
        assert "rotate or destroy the session" in packed.stderr, packed.stderr
        end(shop)
        daemon.lttng("stop", "shop")
        stopped = Report(daemon, folder)
        stopped.check_is_whole()
        daemon.lttng("destroy", "shop")
        destroyed = Report(daemon, folder)
        destroyed.check_is_whole()
        assert stopped.summary == destroyed.summary, (stopped.summary, destroyed.summary)
        assert destroyed.summary["chunks"] == 2, destroyed.summary
        assert destroyed.summary["events"] == told(folder) > 0, destroyed.summary


def test_program_that_is_killed():
    """a program with per-process buffers dies: its events are in both chunks"""
    with SessionDaemon() as daemon:
        folder = f"{daemon.folder}/shop"
        daemon.lttng("create", "shop", f"--output={folder}")
        daemon.lttng("enable-channel", "--userspace", "--buffers-pid", "own", "--session", "shop")
        daemon.lttng("enable-event", "--userspace", "shop:*", "--channel", "own",
                     "--session", "shop")
        daemon.lttng("start", "shop")
        dies, goes_on = start_shop(daemon), start_shop(daemon)
        wait_for_work(daemon)
        daemon.lttng("rotate", "shop")
        wait_for_work(daemon)
        end(dies)
        wait_for_work(daemon)
        daemon.lttng("rotate", "shop")
        end(goes_on)
        daemon.lttng("destroy", "shop")
        report = Report(daemon, folder)
        report.check_is_whole()
        assert report.summary["events"] == told(folder) > 0, report.summary
        archives = os.path.join(folder, "archives")
        per_process = [len(os.listdir(os.path.join(archives, chunk, "ust", "pid")))
                       for chunk in sorted(os.listdir(archives))]
        say(f"{report.summary['events']} events of {per_process} traces by chunk")
        assert per_process[:2] == [2, 2], per_process


if __name__ == "__main__":
    sys.exit(pool.main(test_before_a_rotation, test_after_a_rotation, test_program_that_is_killed))
