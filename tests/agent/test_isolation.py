"""tests/isolate.py keeps the session daemon of a test and that of the machine apart, and lets nothing
live longer than the test. The machine is played by a test, too: it has namespaces of its own."""
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pool"))
import pool
from pool import ROOT, report, say, wait_until
from session_daemon import SessionDaemon
from test_session_daemon import REQUESTS, SHOP, compare, found, logged

ISOLATE = os.path.join(ROOT, "tests/isolate.py")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Shop:
    """A session of a daemon, and a program that it traces."""

    def __init__(self, daemon, name, seconds):
        self.daemon, self.name = daemon, name
        self.folder = os.path.join(daemon.home, name)
        self.log = os.path.join(daemon.home, f"{name}.log")
        daemon.create(name, self.folder)
        self.process = subprocess.Popen([SHOP, str(seconds), "2", self.log],
                                        env=daemon.environment)

    def check(self):
        """The trace has the events of the program, and no others."""
        assert self.process.wait() == 0
        self.daemon.lttng("destroy", self.name)
        said = logged(self.log)
        assert len(said) > 10, said
        compare(said, found(report(self.folder, REQUESTS)))


def inner():
    """A test as any other, on a machine with a session daemon."""
    with SessionDaemon() as daemon:
        Shop(daemon, "shop", 2).check()
        assert daemon.sessions() == []


def can_run_as_nobody():
    if os.geteuid() != 0:
        return False
    needed = f"python3 '{ISOLATE}' -h >/dev/null && test -x '{SHOP}' && " \
             f"test -x '{pool.program('spanmill')}'"
    return subprocess.run([*NOBODY, "sh", "-c", needed], check=False).returncode == 0


def test_session_daemons():
    """a session daemon of the machine keeps running, with its session and program"""
    with SessionDaemon() as machine:
        shop = Shop(machine, "machine", 8 if os.geteuid() == 0 else 5)
        command = ["python3", ISOLATE, "--must", "python3", os.path.abspath(__file__), "inner"]
        subprocess.run(command, check=True)
        if can_run_as_nobody():
            # Not all programs in PATH are executable by all users: a shell finds the right one.
            done = subprocess.run([*NOBODY, "sh", "-c", '"$@"', "sh", *command], check=False)
            assert done.returncode in (0, pool.isolate.SKIPPED), done.returncode
            say("  as another user: " + ("passed" if done.returncode == 0 else "skipped"))
        assert machine.process.poll() is None
        assert machine.sessions() == ["machine"], machine.sessions()
        shop.check()


def marked(mark):
    """Processes that have it in their environment."""
    pids = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if f"MARK={mark}\0".encode() in file.read():
                    pids.append(int(name))
        except OSError:
            pass
    return pids


def kill_runner(options):
    """A runner that is killed while its test has a child and another one in a separate session."""
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    test = "sleep 600 & setsid sleep 600 & echo started; wait"
    runner = subprocess.Popen(
        ["sh", "-c", '"$@"; true', "sh", sys.executable, ISOLATE, *options, "sh", "-c", test],
        stdout=subprocess.PIPE, env={**os.environ, "MARK": mark})
    assert runner.stdout.readline() == b"started\n"
    wait_until(lambda: len(marked(mark)) >= 5, 10, "runner, isolate.py, test and two children")
    runner.kill()
    runner.wait()
    wait_until(lambda: not marked(mark), 10, f"the end of {marked(mark)}")


def test_killed_runner():
    """all processes of a killed runner end"""
    for options in (["--must"], ["--never"]):
        kill_runner(options)


def test_killed_owner():
    """a command with an owner outlives the process that started it, and ends with the owner"""
    for options in (["--must"], ["--never"]):
        mark = f"{os.getpid()}-{time.monotonic_ns()}"
        owner = subprocess.Popen(["sleep", "600"])
        command = [sys.executable, ISOLATE, "--owner", str(owner.pid), *options, "cat"]
        with tempfile.TemporaryDirectory() as folder:
            ask, answer = (os.path.join(folder, name) for name in ("ask", "answer"))
            os.mkfifo(ask)
            os.mkfifo(answer)
            subprocess.run(["sh", "-c", '"$@" <"$ASK" >"$ANSWER" & true', "sh", *command],
                           check=True,
                           env={**os.environ, "MARK": mark, "ASK": ask, "ANSWER": answer})
            # The shell has ended, and the processes that it ends got their signal before: a process that responds is still running.
            with open(ask, "w") as asking, open(answer) as answering:
                asking.write("there?\n")
                asking.flush()
                assert answering.readline() == "there?\n", "ended with the shell that started it"
                assert len(marked(mark)) >= 2, "isolate.py, and the command"
                owner.kill()
                owner.wait()
                wait_until(lambda: not marked(mark), 10, f"the end of {marked(mark)}")


def test_end():
    """exit codes and signals are those of the command, and its remaining processes are ended"""
    for options in ([], ["--never"]):
        for command, code in (("exit 3", 3), ("kill -ABRT $$", -signal.SIGABRT),
                              ("sleep 600 & exit 0", 0)):
            mark = f"{os.getpid()}-{time.monotonic_ns()}"
            done = subprocess.run([sys.executable, ISOLATE, *options, "sh", "-c", command],
                                  check=False, env={**os.environ, "MARK": mark})
            assert done.returncode == code, (command, done.returncode)
            wait_until(lambda: not marked(mark), 10, f"the end of {marked(mark)}")


def test_no_namespaces():
    """without namespaces, a test that needs them is skipped"""
    forbid = "for each in user mnt pid; do echo 0 >/proc/sys/user/max_${each}_namespaces; done"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-ec", forbid + '; exec "$@"', "sh",
         sys.executable, ISOLATE, "--must", "true"], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode == 0:
        raise pool.Skip("the number of namespaces cannot be limited here")
    assert done.returncode == pool.isolate.SKIPPED and "skipped: " in done.stdout, done
    say("  " + done.stdout.strip())


if __name__ == "__main__":
    if sys.argv[1:] == ["inner"]:
        sys.exit(pool.main(inner))
    sys.exit(pool.main(test_session_daemons, test_killed_runner, test_killed_owner, test_end,
                       test_no_namespaces))
