"""A session daemon of a test's own, for user space: one that runs on the machine is never touched.

It runs only where tests/isolate.py keeps the machine's out of reach, and no session is ended but by
its name.
"""
import os
import signal
import subprocess
import tempfile

import pool
from pool import say, wait_until


class SessionDaemon:
    """lttng-sessiond, its home and its clients. A context manager."""

    def __init__(self):
        if not pool.isolate.is_apart():
            raise pool.Skip("no namespaces here: a session daemon would be that of the machine")
        self.folder = tempfile.mkdtemp(prefix="spanmill-lttng-")
        self.home = os.path.join(self.folder, "home")
        os.mkdir(self.home)
        self.environment = {**os.environ, "LTTNG_HOME": self.home, "HOME": self.home,
                            "LTTNG_UST_REGISTER_TIMEOUT": "60000"}
        self.log_path = os.path.join(self.folder, "sessiond.log")
        with open(self.log_path, "wb") as log:
            # Programs of the machine may connect to its default port for agents.
            self.process = subprocess.Popen(
                ["lttng-sessiond", "--no-kernel", "--agent-tcp-port", str(pool.free_port())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)

    def __enter__(self):
        wait_until(self.answers, 20, "a session daemon")
        assert self.sessions() == [], f"the session daemon is not new: {self.sessions()}"
        return self

    def __exit__(self, kind, value, trace):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20 * pool.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if kind is not None:
            with open(self.log_path, errors="replace") as log:
                say(log.read()[-2000:])

    def lttng(self, *arguments, check=True):
        return subprocess.run(["lttng", "--no-sessiond", *arguments], check=check,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=self.environment)

    def answers(self):
        return self.lttng("list", check=False).returncode == 0

    def sessions(self):
        """Their names."""
        listed = subprocess.run(["lttng", "--no-sessiond", "--mi", "xml", "list"], check=True,
                                stdout=subprocess.PIPE, text=True, env=self.environment).stdout
        return [each.split("</name>")[0] for each in listed.split("<session><name>")[1:]]

    def create(self, name, folder):
        """A started session with the events of the shop of examples/traced."""
        self.lttng("create", name, f"--output={folder}")
        self.lttng("enable-event", "--userspace", "shop:*", "--session", name)
        self.lttng("add-context", "--userspace", "--type=vpid", "--type=vtid", "--session", name)
        self.lttng("start", name)
