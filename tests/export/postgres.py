"""A separate, real PostgreSQL: a new cluster in a folder, on loopback and a socket there."""
import glob
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import pool

PASSWORD = "a b:c\\d"  # what has to be escaped in a password file is in it
SETTINGS = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=20",
            "log_min_messages=warning")


def program(name):
    # The commands of Debian in PATH are scripts that use clusters of the machine.
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)
    found += filter(None, [shutil.which(name)])
    if not found:
        raise pool.Skip(f"there is no {name} here")
    return found[0]


class Postgres:
    """Its data survives kill() and start()."""

    def __init__(self):
        # The server refuses to run as root.
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        self.name = (self.user or pwd.getpwuid(os.getuid())).pw_name
        self.initdb, self.server, self.psql = (program(name) for name in (
            "initdb", "postgres", "psql"))
        self.folder = tempfile.mkdtemp(prefix="pg-")
        self.data, self.port, self.process = f"{self.folder}/data", pool.free_port(), None
        self.pass_file = os.path.join(tempfile.mkdtemp(prefix="pass-"), "pgpass")

    def as_user(self):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        out = {"cwd": self.folder, "env": {**environment, "LC_ALL": "C.UTF-8"}}
        if self.user:
            out.update(user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[])
        return out

    def make(self):
        os.chmod(self.folder, 0o755)
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w") as file:
            file.write(PASSWORD)
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
            os.chown(secret, self.user.pw_uid, self.user.pw_gid)
        done = subprocess.run(
            [self.initdb, "-D", self.data, "-U", "admin", "--encoding=UTF8", "--locale=C.UTF-8",
             "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}", "--no-sync"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self.as_user())
        assert done.returncode == 0, done.stdout
        escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
        with open(self.pass_file, "w") as file:
            file.write(f"127.0.0.1:{self.port}:*:*:{escaped}\n")
        os.chmod(self.pass_file, 0o600)

    def start(self):
        # While it was down, another process of the machine may have used its port for a moment.
        tries = iter(range(30))

        def is_up():
            if self.process.poll() is not None:
                with open(os.path.join(self.folder, "log"), errors="replace") as log:
                    assert next(tries, None) is not None, log.read()[-2000:]
                time.sleep(1)
                self.launch()
            return self.run("SELECT 1", "postgres").returncode == 0
        self.launch()
        pool.wait_until(is_up, 60, "postgres to be ready")
        return self

    def launch(self):
        settings = [f"--{setting}" for setting in SETTINGS]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.server, "-D", self.data, "-p", str(self.port), "-k", self.folder,
                 "-h", "127.0.0.1", *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.as_user())

    def kill(self):
        """Immediate: uncommitted data is lost, and the next start recovers."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()

    def __enter__(self):
        self.make()
        self.start()
        self.execute("CREATE ROLE spanmill LOGIN PASSWORD '" + PASSWORD.replace("'", "''") + "'",
                     "postgres")
        self.execute("CREATE DATABASE spanmill OWNER spanmill", "postgres")
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(os.path.dirname(self.pass_file), ignore_errors=True)

    @property
    def url(self):
        return f"postgresql://spanmill@127.0.0.1:{self.port}/spanmill"

    def run(self, sql, database="spanmill"):
        return subprocess.run(
            [self.psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
             "-p", str(self.port), "-U", "admin", "-d", database, "-f", "-"],
            input=sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **self.as_user())

    def execute(self, sql, database="spanmill"):
        done = self.run(sql, database)
        assert done.returncode == 0, f"{sql}\n{done.stderr}"
        return done.stdout

    def query(self, sql):
        """A list of rows, as dictionaries."""
        told = self.execute(f"SELECT coalesce(json_agg(q), '[]') FROM (\n{sql}\n) AS q")
        return json.loads(told)
