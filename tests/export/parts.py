"""Shared by tests of the exporter: the pool that it reads from, fault injection, and servers on loopback
that it sends to."""
import os
import random
import subprocess
import time

import pool
from pool import wait_until

NO_PROXY = {"no_proxy": "*", "NO_PROXY": "*"}


def start_pool(running):
    running.publish(pool.THUMBNAILS)
    for role in "mapper", "reducer":
        running.add(role, f"{role}-0").start()


def die_at(exporter, points, limit):
    """Starts the exporter once for each point, at which it dies, and returns how often it died: 0 where
    the build has no such points."""
    if os.environ.get("CRASH_POINTS") != "ON":
        return 0
    for point in points:
        exporter.start({"SPANMILL_CRASH_AT": point})
        wait_until(lambda: not exporter.alive(), limit, f"it to die at {point}")
    return len(points)


def hurt(exporter, receiver, seed, rounds, share):
    """Kills the exporter, and in `share` of the rounds the receiver, at random times."""
    chance = random.Random(seed)
    for _ in range(rounds):
        time.sleep(chance.uniform(0, 0.8))
        exporter.kill()
        if chance.random() < share:
            receiver.kill()
            exporter.start()
            time.sleep(chance.uniform(0, 0.5))
            receiver.start()
        else:
            exporter.start()


class Server:
    """Its files are below `folder`, and stay there when it is killed. A server has a `command`, and
    answers() without an OSError when it is ready."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        os.makedirs(folder, exist_ok=True)

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        wait_until(self.is_ready, 60, f"{self.command[0]} to be ready")
        return self

    def is_ready(self):
        assert self.process.poll() is None, open(os.path.join(self.folder, "log")).read()[-2000:]
        try:
            self.answers()
            return True
        except OSError:
            return False

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
