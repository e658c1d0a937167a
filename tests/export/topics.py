"""Topics other than spanmill's: created by Kafka's protocol, and read by kcat."""
import os
import struct
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kafka"))
from protocol import ask, text, text_at  # noqa: E402

CREATE_TOPICS, VERSION = 19, 2


def create(broker, *names):
    """One partition each."""
    body = struct.pack(">i", len(names))
    for name in names:
        body += text(name) + struct.pack(">ihii", 1, 1, 0, 0)
    answer = ask(broker, CREATE_TOPICS, VERSION, body + struct.pack(">i?", 30000, False))
    at = 4 + 4  # throttle time, how many
    for name in names:
        told, at = text_at(answer, at)
        error, = struct.unpack_from(">h", answer, at)
        assert (told, error) == (name, 0), answer
        _, at = text_at(answer, at + 2)


def read(broker, name):
    """The values of all committed records."""
    told = subprocess.run(["kcat", "-C", "-b", broker, "-t", name, "-o", "beginning", "-e", "-q",
                           "-X", "isolation.level=read_committed", "-f", "%R%s"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    at, out = 0, []
    while at < len(told):
        size, = struct.unpack(">i", told[at:at + 4])
        out.append(told[at + 4:at + 4 + size])
        at += 4 + size
    return out
