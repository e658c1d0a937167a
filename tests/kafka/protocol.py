"""Requests to a broker in Kafka's protocol, for features that the client library of the tests lacks."""
import socket
import struct


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def text_at(answer, at):
    """A text, None if it is null, and the offset after it."""
    length, = struct.unpack_from(">h", answer, at)
    at += 2
    return (None, at) if length < 0 else (answer[at:at + length].decode(), at + length)


def ask(broker, key, version, body):
    """The answer's body, of a request whose header is of version 1."""
    request = struct.pack(">hhi", key, version, 1) + text("test") + body
    host, port = broker.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        stream = link.makefile("rb")
        size, = struct.unpack(">i", stream.read(4))
        answer = stream.read(size)
    assert len(answer) == size and struct.unpack_from(">i", answer) == (1,), answer
    return answer[4:]
