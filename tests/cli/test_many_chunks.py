"""`log` and `explain` of many small chunks with hundreds of processes, each with files of its own: few chunks are open
at a time, so the number of mapped files is bounded."""
import os
import re
import struct
import subprocess
import sys
import tempfile
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

CHUNKS, PROCESSES, TICKS = 16, 100, 16
CHUNK_NS = 10**9
START_S = 1_790_000_000
OPEN_MAX = 2  # chunks that `log` has open
METADATA = """/* CTF 1.8 */
typealias integer {{ size = 8; align = 8; signed = false; }} := uint8_t;
typealias integer {{ size = 16; align = 8; signed = false; }} := uint16_t;
typealias integer {{ size = 32; align = 8; signed = false; }} := uint32_t;
typealias integer {{ size = 64; align = 8; signed = false; }} := uint64_t;
trace {{ major = 1; minor = 8; uuid = "{uuid}"; byte_order = le;
  packet.header := struct {{ uint32_t magic; uint8_t uuid[16]; uint32_t stream_id; uint64_t stream_instance_id; }};
}};
env {{ hostname = "web1"; domain = "ust"; tracer_name = "lttng-ust"; tracer_major = 2; tracer_minor = 13;
  trace_name = "many"; trace_creation_datetime = "20260921T142640+0000"; vpid = {pid}; procname = "worker"; }};
clock {{ name = "monotonic"; uuid = "10111213-1415-1617-1819-1a1b1c1d1e1f"; description = "Monotonic"; freq = 1000000000;
  offset = {offset}; }};
typealias integer {{ size = 64; align = 8; signed = false; map = clock.monotonic.value; }} := clock_t;
stream {{ id = 0;
  packet.context := struct {{ clock_t timestamp_begin; clock_t timestamp_end; uint64_t content_size;
    uint64_t packet_size; uint64_t packet_seq_num; uint64_t events_discarded; uint32_t cpu_id; }};
  event.header := struct {{ uint16_t id; clock_t timestamp; }};
  event.context := struct {{ integer {{ size = 32; align = 8; signed = 1; }} _vtid; }};
}};
event {{ name = "job:begin"; id = 0; stream_id = 0; fields := struct {{ uint32_t _id; }}; }};
event {{ name = "job:tick"; id = 1; stream_id = 0; fields := struct {{ uint32_t _id; }}; }};
event {{ name = "job:end"; id = 2; stream_id = 0; fields := struct {{ uint32_t _id; }}; }};
"""
PHASES = "phases: [{name: job, begin: 'job:begin', end: 'job:end', match: [id]}]\n"


def packet(ids, number, begin_ns, end_ns, events):
    """A packet of CPU 0 with (time, class, thread, id) in `events`."""
    body = b"".join(struct.pack("<HQiI", kind, at, tid, job) for at, kind, tid, job in events)
    bits = (32 + 52 + len(body)) * 8
    return struct.pack("<I16sIQ", 0xC1FC1FC1, ids, 0, 0) + \
        struct.pack("<QQQQQQI", begin_ns, end_ns, bits, bits, number, 0, 0) + body


def write_chunk(folder, number):
    begin_ns = (number + 1) * CHUNK_NS
    end_ns = begin_ns + CHUNK_NS - 1
    names = [f"202609{21 + (t // 86400):02}T{t // 3600 % 24:02}{t // 60 % 60:02}{t % 60:02}+0000"
             for t in (52000 + number, 52001 + number)]
    archive = os.path.join(folder, "archives", f"{names[0]}-{names[1]}-{number}", "ust", "pid")
    for process in range(PROCESSES):
        pid = 1000 + process
        ids = uuid.UUID(int=pid)
        path = os.path.join(archive, f"worker-{pid}-20260921-142640")
        os.makedirs(path)
        with open(os.path.join(path, "metadata"), "w", encoding="ascii") as file:
            file.write(METADATA.format(uuid=ids, pid=pid, offset=START_S * 10**9))
        # Each second process has a job in each chunk; those of process 7 take the longest.
        took = CHUNK_NS // 2 if process == 7 else CHUNK_NS // 4
        first = begin_ns + CHUNK_NS // 8 + process * 1000
        kinds = [0] + [1] * TICKS + [2]
        events = [(first + took * i // (TICKS + 1), kind, pid, number) for i, kind in enumerate(kinds)]
        with open(os.path.join(path, "stream_0"), "wb") as file:
            file.write(packet(ids.bytes, number, begin_ns, end_ns, events))


def mapped(pid, folder):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        return sum(folder in line for line in file)


with tempfile.TemporaryDirectory() as temporary:
    folder = os.path.join(temporary, "many")
    for number in range(CHUNKS):
        write_chunk(folder, number)
    phases = os.path.join(temporary, "phases.yaml")
    with open(phases, "w", encoding="ascii") as file:
        file.write(PHASES)

    # Every line, in order; its reader is slower than the decoder, which then waits.
    lines = []
    peak = 0
    with subprocess.Popen([os.environ["SPANMILL"], "log", folder], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "TZ": "UTC"}) as log:
        for line in log.stdout:
            if len(lines) % 500 == 0:
                peak = max(peak, mapped(log.pid, folder))
            lines.append(line)
    if log.returncode != 0:
        wrong(f"log: exit {log.returncode}")
    if len(lines) != CHUNKS * PROCESSES * (TICKS + 2) or lines != sorted(lines, key=lambda line: line[:18]):
        wrong(f"log: {len(lines)} lines, or not in order")
    # A chunk has the files of its traces, and those of the chunk before, for its seam.
    most = OPEN_MAX * 2 * (2 * PROCESSES)
    if not 0 < peak <= most:
        wrong(f"log: {peak} files are mapped at a time; {OPEN_MAX} chunks have {most}")

    out, messages = spanmill("explain", "--definitions", phases, folder)
    if messages or "worker (pid 1007)  thread ? (tid 1007)" not in out or not re.search(fr"in 1 of {CHUNKS} chunks$", out) or \
            out.count("job:tick") == 0:
        wrong(f"explain: {messages}{out[:400]}")
finish()
