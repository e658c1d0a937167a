"""A CPU whose current thread is known, but which says nothing any more, beside one that serves a thousand
requests a second: the state does not grow, and a restart goes on."""
import os
import subprocess
import sys

import pool
from made_trace import Trace, switch
from pool import Pool, report, say, wait_until

SECOND = 10**9
CHUNKS, SECONDS, RATE = 8, 10, 1050
# Bytes of all records of state that were ever written. One that kept what ended while the CPU was silent would
# have some 100 KB a chunk.
STATE = 64 * 1024
PHASES = """
phases:
  - {name: request, begin: 'app:begin', end: 'app:end', match: [id]}
"""


def request_events(chunk):
    """Of one chunk: a request lives for some 50 ms, begins on thread 12 (CPU 0) and ends on thread 13 (CPU 2)
    of its process. CPU 1 says once that it runs thread 11, in the first chunk."""
    begin = chunk * SECONDS * SECOND
    if chunk == 0:
        yield switch(begin + 1, 1, 0, 11)
    step = SECONDS * SECOND // (SECONDS * RATE)
    for number in range(SECONDS * RATE):
        time, request = begin + 10 + number * step, chunk * SECONDS * RATE + number
        if number % 100 == 0:
            yield switch(time - 2, 0, 0, 12)
            yield switch(time - 1, 2, 0, 13)
        yield (time, "ust", 0, "app:begin", {"vpid": 10, "vtid": 12, "id": request})
        if request >= 50:
            yield (time + 5, "ust", 2, "app:end", {"vpid": 10, "vtid": 13, "id": request - 50})
        if number % 100 == 99:
            yield switch(time + 8, 0, 12, 0)
            yield switch(time + 9, 2, 13, 0)


def state_sizes(running):
    """Bytes of all state records ever written, in the order of the partition."""
    text = subprocess.run(
        ["kcat", "-C", "-q", "-e", "-b", running.broker, "-t", f"{running.prefix}.state", "-f", "%S\n",
         "-X", "isolation.level=read_committed"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [max(int(size), 0) for size in text.split()]


def test_silent_cpu():
    """1,050 requests a second, a CPU that says nothing, eight chunks of ten seconds, and a restart"""
    with Pool(partitions=1) as running:
        running.phases = os.path.join(running.folder, "phases.yaml")
        with open(running.phases, "w") as file:
            file.write(PHASES)
        trace = Trace(os.path.join(running.folder, "made"), cpus=3)
        folders = [trace.chunk(chunk * SECONDS * SECOND, (chunk + 1) * SECONDS * SECOND - 1,
                               list(request_events(chunk))) for chunk in range(CHUNKS)]
        expected = report(trace.folder, running.phases)
        assert sum(f'"count":{CHUNKS * SECONDS * RATE - 50},' in line for line in expected
                   if '"type":"phase"' in line) == 1, "the requests are not all counted"
        running.add("mapper", "m").start()
        reducer = running.add("reducer", "r").start()
        for number, folder in enumerate(folders):
            running.publish(folder)
            wait_until(lambda: (reducer.metric("spanmill_reducer_chunks_total") or 0) > number % (CHUNKS // 2),
                       60, f"chunk {number} to be joined")
            if number == CHUNKS // 2 - 1:
                reducer.kill()
                reducer.start()
        running.wait_for(expected, 60)
        sizes = state_sizes(running)
        say(f"  {len(sizes)} records of state, {sum(sizes)} bytes, the largest of {max(sizes)}")
        assert sum(sizes) < STATE, "the state grows"
        assert reducer.starts == 2 and reducer.alive(), "the reducer died"


if __name__ == "__main__":
    sys.exit(pool.main(test_silent_cpu))
