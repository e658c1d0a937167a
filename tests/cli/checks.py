"""Shared by tests of commands: they run spanmill, report all failures, and fail at the end if there was any."""
import os
import subprocess
import sys

failed = 0


def wrong(text):
    global failed
    print(text)
    failed = 1


def spanmill(*arguments, code=0, zone="UTC"):
    """Its exit code must be `code`. Returns its stdout and stderr."""
    done = subprocess.run([os.environ["SPANMILL"], *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env={**os.environ, "TZ": zone}, check=False)
    if done.returncode != code:
        wrong(f"exit {done.returncode}, not {code}: {arguments}: {done.stderr[:300]}")
    return done.stdout, done.stderr


def finish():
    sys.exit(failed)
