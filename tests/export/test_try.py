"""`make try`: a dashboard query has an answer soon, and Ctrl-C leaves nothing behind."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool  # noqa: E402
from prometheus import Prometheus  # noqa: E402

PHASES = 'sum by (phase) (rate(spanmill_syscall_seconds_total{phase!=""}[5m]))'


def ask(url):
    """For a Prometheus that another process has started."""
    there = types.SimpleNamespace(url=url, opener=pool.urllib.request.build_opener(
        pool.urllib.request.ProxyHandler({})))
    there.ask = lambda path, **question: Prometheus.ask(there, path, **question)
    return Prometheus.query(there, PHASES, time.time())


def test_try():
    """data within five minutes; after Ctrl-C, no process and no file is left"""
    if not shutil.which("prometheus"):
        raise pool.Skip("there is no prometheus here")
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/said", "w+") as said:
        os.mkdir(f"{folder}/tmp")
        running = subprocess.Popen([sys.executable, f"{pool.ROOT}/tools/try/run.py"], stdout=said,
                                   stderr=subprocess.STDOUT, env={
                                       **pool.clean_environment(), "TMPDIR": f"{folder}/tmp"})

        def told():
            with open(said.name) as file:
                return file.read()

        def url():
            assert running.poll() is None, told()
            return re.search(r"Prometheus +(http://\S+)", told())
        try:
            pool.wait_until(url, 60, "an address to be said")
            pool.wait_until(lambda: ask(url()[1]), 60, "phases to be drawn")
            pool.say(f"{len(ask(url()[1]))} phases")
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(300) == 0, told()
        assert not os.listdir(f"{folder}/tmp"), os.listdir(f"{folder}/tmp")
    left = [command for command in map(command_of, filter(str.isdigit, os.listdir("/proc")))
            if f"{folder}/" in command]
    assert not left, left


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read().replace("\0", " ")
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(pool.main(test_try))
