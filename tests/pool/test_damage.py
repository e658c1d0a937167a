"""Damage is a result: folders, archives and a pool say the same of it, and lose the same by it."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pool
from pool import PHASES, THUMBNAILS, Pool, canonical, program, say


class Recording:
    """A copy of the small recording under another host name, whose chunks can be damaged."""

    def __init__(self, parent, host):
        self.folder = os.path.join(parent, host)
        shutil.copytree(THUMBNAILS, self.folder)
        for path in self.files("*", "metadata"):
            with open(path, "rb") as file:
                text = file.read()
            assert b'"labvm"' in text and len(host) == len("labvm")
            with open(path, "wb") as file:
                file.write(text.replace(b'"labvm"', f'"{host}"'.encode()))

    def chunk(self, number):
        path, = glob.glob(os.path.join(self.folder, f"archives/*-{number}"))
        return path

    def files(self, number, pattern):
        return [path for path in glob.glob(
            os.path.join(self.folder, f"archives/*-{number}/**", pattern), recursive=True)
            if os.path.isfile(path)]

    def stream(self, number):
        """The file of the first kernel stream that has several packets."""
        return next(path for path in sorted(self.files(number, "kchan_?"))
                    if os.path.getsize(path) > 16384)

    # What may befall a chunk.

    def insert_empty(self, number):
        """Before the chunk of this number: streams of 0 bytes."""
        for later in range(3, number - 1, -1):
            path = self.chunk(later)
            os.rename(path, f"{path.rsplit('-', 1)[0]}-{later + 1}")
        time = "20261122T230900+0000"
        new = os.path.join(self.folder, f"archives/{time}-{time}-{number}")
        shutil.copytree(self.chunk(1 if number == 0 else 0), new)
        for path in self.files(number, "*"):
            if path.endswith(".idx"):
                os.unlink(path)
            elif not path.endswith("metadata"):
                os.truncate(path, 0)

    def remove(self, number):
        shutil.rmtree(self.chunk(number))

    def spoil(self, number):
        for path in self.files(number, "metadata"):
            with open(path, "w") as file:
                file.write("nonsense\n")

    def cut(self, number):
        path = self.stream(number)
        os.truncate(path, os.path.getsize(path) * 6 // 10)

    def overwrite(self, number):
        with open(self.stream(number), "r+b") as file:
            file.write(b"x" * 16)

    def spoil_all(self, _):
        for number in range(4):
            self.spoil(number)

    def name_oddly(self, _):
        """A session's name with a line in it."""
        for path in self.files("*", "metadata"):
            with open(path, "rb") as file:
                text = file.read()
            with open(path, "wb") as file:
                file.write(text.replace(b'"thumb"', b'"t\\nmb"'))

    def halve_metadata(self, number):
        path = os.path.join(self.chunk(number), "kernel/metadata")
        os.truncate(path, os.path.getsize(path) // 2)


# The damage to the chunks of each session, and the chunks that must be reported as lost.
SESSIONS = (
    ([(Recording.spoil_all, 0)], 4),
    ([(Recording.insert_empty, 0)], 0),
    ([(Recording.insert_empty, 2)], 0),
    ([(Recording.insert_empty, 4)], 0),
    ([(Recording.spoil, 0), (Recording.cut, 2)], 1),
    ([(Recording.remove, 1), (Recording.spoil, 2), (Recording.overwrite, 3)], 2),
    ([(Recording.spoil, 0), (Recording.remove, 1), (Recording.halve_metadata, 2)], 2),
    ([(Recording.cut, 0), (Recording.remove, 2), (Recording.spoil, 3)], 2),
    ([(Recording.remove, 0), (Recording.remove, 1)], 2),
    ([(Recording.remove, 0), (Recording.spoil, 1)], 2),
    ([(Recording.name_oddly, 0)], 0),
)


def report(paths):
    """What one process makes of them, and how it ends."""
    done = subprocess.run(
        [program("spanmill"), "report", "--strict", *paths, "--phases", PHASES, "--format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return canonical(done.stdout), done.returncode


def packed(recordings):
    for recording in recordings:
        to = recording.folder + ".packed"
        subprocess.run([program("spanmill"), "pack", "-o", to, recording.folder],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        yield to


def check_losses(lines):
    summaries = [json.loads(line) for line in lines if '"type":"summary"' in line]
    lost = [summary["lost_intervals"] for summary in
            sorted(summaries, key=lambda summary: summary["session"])]
    assert lost == [count for _, count in SESSIONS], lost


def test_three_ways():
    """empty, truncated, missing, and unusable chunks at any place: the same from folders, archives, and a
    pool"""
    with tempfile.TemporaryDirectory() as parent, Pool(partitions=2) as running:
        recordings = []
        for index, (hurts, _) in enumerate(SESSIONS):
            recordings.append(Recording(parent, f"lab{index:02d}"))
            for hurt, number in hurts:
                hurt(recordings[-1], number)
        folders = [recording.folder for recording in recordings]
        expected, code = report(folders)
        assert code == 4, f"damage is not told by the exit code: {code}"
        assert parent not in "".join(expected), "results tell where the chunks lie"
        check_losses(expected)
        for folder in folders:
            running.publish(folder)
        workers = [running.add(role, role[0]).start() for role in ("mapper", "reducer")]
        archives, code = report(list(packed(recordings)))
        pool.Pool.explain(expected, archives)
        assert archives == expected and code == 4, f"archives say other things: {code}"
        say(f"{len(expected)} objects after {running.wait_for(expected, 60):.1f} s")
        code = running.spanmill("results", "--strict", check=False).returncode
        assert code == 4, f"damage is not told by results: {code}"
        assert [worker.stop() for worker in workers] == [0, 0]


def test_copies():
    """copies of one chunk are separate sessions, by their folders; two with the same number are one"""
    with tempfile.TemporaryDirectory() as parent, Pool(partitions=2) as running:
        recording = Recording(parent, "lab99")
        copies = [os.path.join(parent, "copies", name) for name in ("good", "cut", "other")]
        for copy in copies:
            shutil.copytree(recording.chunk(1), copy)
        cut = next(path for path in sorted(glob.glob(copies[1] + "/kernel/kchan_?"))
                   if os.path.getsize(path) > 16384)
        os.truncate(cut, os.path.getsize(cut) * 6 // 10)
        expected, _ = report(copies)
        names = {json.loads(line)["session"] for line in expected if '"type":"summary"' in line}
        assert len(names) == 3 and all("/copies/" in name for name in names), names
        running.publish(*copies)
        workers = [running.add(role, role[0]).start() for role in ("mapper", "reducer")]
        running.wait_for(expected, 60)
        assert [worker.stop() for worker in workers] == [0, 0]
        twin = recording.chunk(1).replace("T231003+", "T231004+")
        shutil.copytree(recording.chunk(1), twin)
        done = running.spanmill("publish", "-q", recording.folder, check=False)
        assert done.returncode == 1, "one of two chunks of a number is left out in silence"


def test_archive():
    """an archive that cannot be unpacked is a lost chunk for the same reason, wherever it is"""
    with tempfile.TemporaryDirectory() as parent, Pool(partitions=1) as running:
        subprocess.run([program("spanmill"), "pack", "-o", parent, THUMBNAILS], check=True,
                       stdout=subprocess.DEVNULL)
        path, = glob.glob(os.path.join(parent, "*-1.tar.zst"))
        with open(path, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(size // 2)
            file.write(bytes(4096))
        expected, code = report([parent])
        assert code == 4 and parent not in "".join(expected), (code, expected[-1])
        running.publish(parent)
        workers = [running.add(role, role[0]).start() for role in ("mapper", "reducer")]
        running.wait_for(expected, 60)
        assert [worker.stop() for worker in workers] == [0, 0]


if __name__ == "__main__":
    sys.exit(pool.main(test_three_ways, test_archive))
