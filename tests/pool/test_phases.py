"""Mappers go from some phase definitions to others while they work; reducers have none."""
import glob
import os
import random
import re
import subprocess
import sys

import logfmt
import pool
from pool import THUMBNAILS, Pool, program, report, say, wait_until

HOSTS = 6

# After which publication which mapper changes to which definitions.
ROLLS = {HOSTS + 1: ("m0", "other"), HOSTS + 3: ("m1", "other"),
         3 * HOSTS + 1: ("m0", "first"), 3 * HOSTS + 3: ("m1", "first")}

# Of the recording's definitions, one unchanged, one changed only in its list of fields; and one
# whose event does not exist.
OTHER = """
phases:
  - name: nothing
    begin: thumbnailer:request_begn
    end: thumbnailer:request_end
  - name: $phase
    parent: request
    begin: thumbnailer:phase_begin
    end: thumbnailer:phase_end
    match: [id]
  - name: request
    begin: thumbnailer:request_begin
    end: thumbnailer:request_end
    match: [id]
    capture: [file]
"""
FAULT = ("nothing: no trace declares thumbnailer:request_begn; the nearest is "
         "thumbnailer:request_begin")


def pack_hosts(folder):
    """The small recording's chunks as those of many hosts: their archives, of each host a list."""
    subprocess.run([program("spanmill"), "pack", "-o", folder, THUMBNAILS], check=True,
                   stdout=subprocess.DEVNULL)
    first = sorted(glob.glob(os.path.join(folder, "*.tar.zst")))
    hosts = [first]
    for host in range(1, HOSTS):
        name = b"lab%02d" % host
        paths = []
        for path in first:
            raw = subprocess.run(["zstd", "-dc", path], check=True, stdout=subprocess.PIPE).stdout
            other = path.replace("labvm", name.decode()).replace(".tar.zst", f"-{host}.tar.zst")
            paths.append(other)
            subprocess.run(["zstd", "-q", "-f", "-o", paths[-1]], check=True,
                           input=raw.replace(b"labvm", name))
        hosts.append(paths)
    return hosts


def requests(lines):
    """The results of the phase whose definition never changes."""
    return [line for line in lines if '"type":"phase"' in line and '"phase":"request"' in line]


def replay(running):
    """Another pool's reducer over the same partials, from an empty state. Returns what it says of
    definitions: which match nothing, and that they changed."""
    expected = running.results()
    with Pool(partitions=running.partitions) as again:
        subprocess.run([os.path.join(os.environ["TEST_BIN"], "copy_partials"), running.broker,
                        running.prefix, again.prefix], check=True, stdout=subprocess.DEVNULL)
        reducer = again.add("reducer", "again").start()
        again.wait_for(expected, 60)
        assert reducer.stop() == 0
        faults = [line for line in logfmt.read(reducer.log_path)
                  if line["event"] == "phase matches no event"]
        changes = [line for line in logfmt.read(reducer.log_path)
                   if line["event"] == "phases changed"]
        return faults, changes


def numbers(lines, name):
    return [int(number) for line in lines if '"type":"summary"' in line
            for number in re.findall(rf'"{name}":(\d+)', line)]


def mapped(running):
    """How many chunks of each host are in the results: of the one with the fewest."""
    chunks = numbers(running.results(), "chunks")
    return min(chunks) if len(chunks) == HOSTS else 0


def test_rolling():
    """mappers roll to other definitions and back, reducers die meanwhile: no chunk is lost, and a
    replay comes to the same bytes"""
    rng = random.Random(11)
    with Pool(partitions=2) as running:
        other = os.path.join(running.folder, "other.yaml")
        with open(other, "w") as file:
            file.write(OTHER)
        hosts = pack_hosts(running.folder)
        mappers = [running.add("mapper", f"m{i}").start() for i in range(2)]
        reducers = [running.add("reducer", f"r{i}").start() for i in range(2)]
        # Of each host in order, so that the definitions of its chunks change as those of the pool do.
        turns = [path for chunk in range(len(hosts[0])) for path in
                 rng.sample([host[chunk] for host in hosts], len(hosts))]
        for turn, path in enumerate(turns):
            running.publish(path)
            if turn in ROLLS:
                # Mappers roll while they have work, but each host's first chunk is of the first
                # definitions and its third of the others: all chunks before this one are mapped.
                before = turn // HOSTS
                wait_until(lambda: mapped(running) >= before, 60,
                           f"{before} chunks of each host in the results")
                name, phases = ROLLS[turn]
                mapper = next(mapper for mapper in mappers if mapper.name == name)
                assert mapper.stop() == 0, f"{mapper.name} ended badly"
                mapper.extra = ["--phases", other if phases == "other" else running.phases]
                mapper.start()
            if turn % 5 == 4:
                reducer = rng.choice(reducers)
                reducer.kill()
                reducer.start()
        wait_until(lambda: mapped(running) == len(hosts[0]), 60, "all chunks in the results")
        results = running.results()
        assert sum(numbers(results, "lost_intervals")) == 0, "chunks are lost"
        assert len(set(numbers(results, "events"))) == 1, "events are lost"
        say("  open where they changed:", numbers(results, "phases_changed"))
        assert all(numbers(results, "phases_changed")), "nothing was open where they changed"
        for reducer in reducers:
            assert not reducer.metric("spanmill_reducer_refused_total"), reducer.log()
        assert len(requests(results)) == HOSTS
        expected = requests(report(THUMBNAILS))
        for host in range(HOSTS):
            named = [line.replace("labvm", f"lab{host:02d}") if host else line for line in expected]
            assert set(named) <= set(results), f"host {host}: requests are not those of one process"
        faults, changes = replay(running)
        say(f"  {len(changes)} changes: {changes[0]['what']}")
        sessions = [line["session"] for line in faults]
        assert sessions and len(sessions) == len(set(sessions)), "told more than once of a session"
        assert {line["what"] for line in faults} == {FAULT}, faults


if __name__ == "__main__":
    sys.exit(pool.main(test_rolling))
