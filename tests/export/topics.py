"""Topics that are not spanmill's: made by Kafka's protocol, and read by kcat."""
import socket
import struct
import subprocess


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def create(broker, *names):
    """CreateTopics, version 2: one partition each."""
    body = struct.pack(">i", len(names))
    for name in names:
        body += text(name) + struct.pack(">ihii", 1, 1, 0, 0)
    body += struct.pack(">i?", 30000, False)
    request = struct.pack(">hhi", 19, 2, 1) + text("test") + body
    host, port = broker.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        stream = link.makefile("rb")
        size, = struct.unpack(">i", stream.read(4))
        answer = stream.read(size)
    at = 4 + 4 + 4  # correlation, throttle time, how many
    for name in names:
        assert answer[at:at + 2 + len(name)] == text(name), answer
        at += 2 + len(name)
        error, length = struct.unpack(">hh", answer[at:at + 4])
        assert error == 0, (name, error, answer)
        at += 4 + max(length, 0)


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
