"""A receiver of Prometheus remote write that keeps what it is sent, and fails as it is told.

It decodes snappy and protobuf by itself, from their published formats: nothing here comes from the
program that is tested.
"""
import http.server
import struct
import threading


# --- snappy, block format ---

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def unsnappy(data):
    size, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:  # as it is
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(data[at:at + extra], "little")
                at += extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            extra = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + extra], "little")
            at += extra
        assert 0 < offset <= len(out), "a copy from before the begin"
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size, "not the size that it tells"
    return bytes(out)


# --- protobuf ---

def fields(data):
    """(number, value): an integer, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        else:
            assert kind == 2, f"wire type {kind}"
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        yield key >> 3, value


def zigzag(value):
    return value >> 1 ^ -(value & 1)


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def double(data):
    return struct.unpack("<d", data)[0]


def packed(data):
    at, out = 0, []
    while at < len(data):
        value, at = varint(data, at)
        out.append(zigzag(value))
    return out


def histogram(data):
    out = {"count": 0, "sum": 0.0, "schema": None, "buckets": {}, "time_ms": None}
    spans, deltas = [], []
    for number, value in fields(data):
        if number == 1:
            out["count"] = value
        elif number == 3:
            out["sum"] = double(value)
        elif number == 4:
            out["schema"] = zigzag(value)
        elif number == 11:
            span = dict(fields(value))
            spans.append((zigzag(span[1]), span[2]))
        elif number == 12:
            deltas += packed(value)
        elif number == 15:
            out["time_ms"] = signed(value)
        else:
            assert number in (5, 6), f"field {number} of a histogram"
    index = count = 0
    deltas = iter(deltas)
    for offset, length in spans:
        index += offset
        for _ in range(length):
            count += next(deltas)
            out["buckets"][index] = count
            index += 1
    assert next(deltas, None) is None, "more deltas than buckets"
    return out


def exemplar(data):
    """(labels, value, time_ms); the specification allows 128 characters of labels."""
    labels, value, time_ms = [], None, None
    for number, inner in fields(data):
        if number == 1:
            pair = dict(fields(inner))
            labels.append((pair[1].decode(), pair[2].decode()))
        elif number == 2:
            value = double(inner)
        else:
            assert number == 3, f"field {number} of an exemplar"
            time_ms = signed(inner)
    assert labels == sorted(labels), f"labels are not sorted: {labels}"
    assert sum(len(name) + len(text) for name, text in labels) <= 128, labels
    return labels, value, time_ms


def write_request(data):
    """[(labels, [(time_ms, value or histogram), ...]), ...]"""
    series = []
    for number, value in fields(data):
        assert number == 1, f"field {number} of a request"
        labels, samples, exemplars = [], [], []
        for part, inner in fields(value):
            if part == 1:
                pair = dict(fields(inner))
                labels.append((pair[1].decode(), pair[2].decode()))
            elif part == 2:
                sample = dict(fields(inner))
                samples.append((signed(sample[2]), double(sample[1])))
            elif part == 3:
                exemplars.append(exemplar(inner))
            else:
                assert part == 4, f"field {part} of a series"
                told = histogram(inner)
                samples.append((told["time_ms"], told))
        assert labels == sorted(labels), f"labels are not sorted: {labels}"
        assert len({name for name, _ in labels}) == len(labels), f"a label twice: {labels}"
        assert all(text for _, text in labels), f"an empty label: {labels}"
        name = dict(labels)["__name__"]
        assert not exemplars or (len(exemplars) == 1 and
                                 name.startswith("spanmill_phase_duration_seconds")), exemplars
        series.append((tuple(labels), samples))
    return series


# --- the receiver ---

class Receiver:
    """Listens on loopback. `answer(receiver, series)` returns (code, text, headers), or None to take
    what was sent. All that was taken is in `series`: labels -> {time_ms: value}."""

    def __init__(self, answer=None):
        self.answer, self.series, self.requests, self.faults = answer, {}, 0, []
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code, text, headers = receiver.take(self.path, self.headers, body)
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text if isinstance(text, bytes) else text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = f"{self.base}/api/v1/write"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def take(self, _, headers, body):
        with self.lock:
            self.requests += 1
            try:
                assert headers["Content-Encoding"] == "snappy"
                assert headers["Content-Type"] == "application/x-protobuf"
                assert headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
                series = write_request(unsnappy(body))
            except Exception as fault:  # of any kind: the test has to hear of it
                self.faults.append(repr(fault))
                return 400, repr(fault), {}
            told = self.answer(self, series) if self.answer else None
            if told:
                return told
            for labels, samples in series:
                kept = self.series.setdefault(labels, {})
                for time_ms, value in samples:
                    if kept.get(time_ms, value) != value:
                        self.faults.append(f"{labels} at {time_ms}: {kept[time_ms]}, now {value}")
                    kept[time_ms] = value
            return 204, "", {}

    def newest(self):
        """labels -> the newest value of each series."""
        with self.lock:
            return {labels: samples[max(samples)] for labels, samples in self.series.items()}

    def falls(self):
        """Series that are not counters though they are called so."""
        with self.lock:
            wrong = []
            for labels, samples in self.series.items():
                values = [samples[at] for at in sorted(samples)]
                if dict(labels)["__name__"].endswith("_total") and values != sorted(values):
                    wrong.append(labels)
            return wrong
