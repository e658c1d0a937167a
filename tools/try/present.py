"""A copy of a recording whose times are those of now: its clocks' offsets and the creation time of its
session are other ones. Everything else is the same, to the byte."""
import glob
import json
import os
import re
import shutil
import subprocess
import time

SECOND = 1_000_000_000


def end_of(spanmill, folder):
    """The time of its last event, in nanoseconds since the Unix epoch."""
    told = subprocess.run([spanmill, "report", folder, "--format", "json"], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return max(row["end_ns"] for row in map(json.loads, told.splitlines())
               if row["type"] == "summary")


def shift(metadata, by_ns, created):
    """For TSDL in packets, whose sizes stay the same."""
    def moved(found):
        number = str(int(found[2]) + by_ns).encode()
        assert len(number) == len(found[2]), "an offset of another length"
        return found[1] + number
    metadata, count = re.subn(rb"(\n\toffset = )(\d{19})(?=;)", moved, metadata)
    assert count > 0, "no clock's offset is in the metadata"
    return re.sub(rb'(_creation_datetime = ")\d{8}T\d{6}[+-]\d{4}(?=")',
                  rb"\g<1>" + created.encode(), metadata)


def copy(folder, to, by_ns, created_s):
    """`created_s`: the session's new creation time, which is part of its name."""
    shutil.copytree(folder, to)
    created = time.strftime("%Y%m%dT%H%M%S+0000", time.gmtime(created_s))
    for path in glob.glob(os.path.join(glob.escape(to), "**", "metadata"), recursive=True):
        os.chmod(path, 0o644)
        with open(path, "rb") as file:
            before = file.read()
        with open(path, "wb") as file:
            file.write(shift(before, by_ns, created))
    return to
