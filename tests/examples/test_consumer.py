"""examples/consumer.py, with stock clients, finds the same time per phase as `spanmill report`."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../pool"))
sys.dont_write_bytecode = True
import pool  # noqa: E402
from pool import ROOT, Pool, report  # noqa: E402


def interpreter():
    """A Python with the client modules: Debian's packages are only for its own Python."""
    for each in (sys.executable, "/usr/bin/python3"):
        found = subprocess.run([each, "-c", "import confluent_kafka, google.protobuf"],
                               stderr=subprocess.DEVNULL, check=False)
        if found.returncode == 0:
            return each
    raise AssertionError("no Python with confluent_kafka and protobuf (tools/install-deps.sh)")


def phases_of(lines):
    """Rows in the format of consumer.py --raw."""
    rows = []
    for line in lines:
        row = json.loads(line)
        if row["type"] == "phase":
            rows.append([row["session"], str(row["pid"] if row["pid"] is not None else ""),
                         row["phase"], *(str(row[name]) for name in (
                             "count", "total_ns", "user_cpu_ns", "sys_cpu_ns", "runnable_ns",
                             "blocked_ns", "unknown_ns")), row["process"] or ""])
    return sorted(rows)


NAMES = """
import consumer, result_pb2
session = consumer.Session()
def add(names, **fields):
    result = result_pb2.Result()
    result.thread.begin_ns = result.thread.end_ns = 0
    for field, value in fields.items():
        setattr(result.thread, field, value)
    session.take(result, names)
def named(pid, name):
    assert session.process_name(pid) == name, (pid, session.process_name(pid))
add([b"worker"], id=1, process=1 << 32 | 7, tid=9, name=0)
add([], id=2, process=1 << 32 | 7, tid=7)
named(7, "worker")  # no better name is known
add([b"shopd"], id=3, process=1 << 32 | 7, tid=8, program=0)
named(7, "shopd")  # from the `env` of its trace
add([b"main"], id=2, process=1 << 32 | 7, tid=7, name=0)
named(7, "main")
add([], id=4, process=2 << 32 | 7, tid=7)
named(7, "?")  # another process without a name
add([b"zoo"], id=5, process=2 << 32 | 7, tid=0, program=0)
named(7, "zoo")
"""


def test_names():
    """a process is called as the report calls it"""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--python_out={folder}", "--proto_path=proto",
                        "proto/result.proto"], check=True, cwd=ROOT)
        path = os.pathsep.join((folder, os.path.join(ROOT, "examples")))
        subprocess.run([interpreter(), "-c", NAMES], check=True,
                       env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"})


def test_consumer():
    """the example consumer prints the phases of the report"""
    expected = report(pool.THUMBNAILS)
    with Pool(partitions=3) as running:
        subprocess.run(["protoc", f"--python_out={running.folder}", "--proto_path=proto",
                        "proto/result.proto"], check=True, cwd=ROOT)
        running.publish(pool.THUMBNAILS)
        workers = [running.add("mapper", "m").start(), running.add("reducer", "r").start()]
        running.wait_for(expected, 60)
        for worker in workers:
            worker.stop()
        command = [interpreter(), os.path.join(ROOT, "examples/consumer.py"), "--brokers",
                   running.broker, "--prefix", running.prefix, "--once"]
        variables = {**os.environ, "PYTHONPATH": running.folder}
        raw = subprocess.run([*command, "--raw"], check=True, stdout=subprocess.PIPE, text=True,
                             env=variables).stdout
        found = sorted(line.split("\t") for line in raw.splitlines())
        wanted = phases_of(expected)
        assert len(wanted) > 1 and found == wanted, (wanted[:3], found[:3])
        table = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                               env=variables).stdout
        assert wanted[0][2] in table and "4 intervals" in table, table


if __name__ == "__main__":
    sys.exit(pool.main(test_names, test_consumer))
