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
    out = {"count": 0, "sum": 0.0, "schema": None, "buckets": {}, "time_ms": None, "start_ms": None}
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
        elif number == 17:
            out["start_ms"] = signed(value)
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


def pairs(data):
    """Decodes labels that are messages of a name and a value."""
    pair = dict(fields(data))
    return [(pair[1].decode(), pair[2].decode())]


def referred(symbols):
    """Decodes labels that are a packed list of indices, alternating names and values."""
    def labels(data):
        at, out = 0, []
        while at < len(data):
            index, at = varint(data, at)
            out.append(symbols[index])
        assert len(out) % 2 == 0
        return list(zip(out[::2], out[1::2]))
    return labels


def exemplar(data, labels_of):
    """(labels, value, time_ms); the specification allows 128 characters of labels."""
    labels, value, time_ms = [], None, None
    for number, inner in fields(data):
        if number == 1:
            labels += labels_of(inner)
        elif number == 2:
            value = double(inner)
        else:
            assert number == 3, f"field {number} of an exemplar"
            time_ms = signed(inner)
    assert labels == sorted(labels), f"labels are not sorted: {labels}"
    assert sum(len(name) + len(text) for name, text in labels) <= 128, labels
    return labels, value, time_ms


class Series:
    """Of a request; samples are (time_ms, value or histogram)."""

    def __init__(self):
        self.labels, self.samples, self.exemplars, self.starts, self.metadata = [], [], [], set(), None

    def put_sample(self, data):
        sample = dict(fields(data))
        self.samples.append((signed(sample[2]), double(sample[1])))
        if 3 in sample:
            self.starts.add((signed(sample[3]), self.samples[-1][0]))

    def put_histogram(self, data):
        told = histogram(data)
        start = told.pop("start_ms")
        self.samples.append((told["time_ms"], told))
        if start is not None:
            self.starts.add((start, told["time_ms"]))

    def check(self):
        labels = self.labels
        assert labels == sorted(labels), f"labels are not sorted: {labels}"
        assert len({name for name, _ in labels}) == len(labels), f"a label twice: {labels}"
        assert all(text for _, text in labels), f"an empty label: {labels}"
        times = [time_ms for time_ms, _ in self.samples]
        assert times and times == sorted(set(times)), times
        name = dict(labels)["__name__"]
        assert not self.exemplars or (len(self.exemplars) == 1 and
                                      name.startswith("spanmill_phase_duration_seconds")), name
        assert all(start < time_ms for start, time_ms in self.starts), self.starts
        return self

    def counts(self):
        histograms = sum(isinstance(value, dict) for _, value in self.samples)
        return len(self.samples) - histograms, histograms, len(self.exemplars)


def write_request(data):
    """Of 1.0: [Series, ...]"""
    out = []
    for number, value in fields(data):
        assert number == 1, f"field {number} of a request"
        series = Series()
        for part, inner in fields(value):
            if part == 1:
                series.labels += pairs(inner)
            elif part == 2:
                series.put_sample(inner)
            elif part == 3:
                series.exemplars.append(exemplar(inner, pairs))
            else:
                assert part == 4, f"field {part} of a series"
                series.put_histogram(inner)
        assert not series.starts, "a field of 2.0"
        out.append(series.check())
    return out


TYPES = {1: "counter", 2: "gauge", 3: "histogram"}


def write_request_2(data):
    """Of 2.0: [Series, ...]"""
    parts = list(fields(data))
    symbols = [value.decode() for number, value in parts if number == 4]
    assert symbols[0] == "" and len(set(symbols)) == len(symbols), symbols[:5]
    labels_of, out = referred(symbols), []
    for number, value in parts:
        assert number in (4, 5), f"field {number} of a request"
        if number == 4:
            continue
        series = Series()
        for part, inner in fields(value):
            if part == 1:
                series.labels += labels_of(inner)
            elif part == 2:
                series.put_sample(inner)
            elif part == 3:
                series.put_histogram(inner)
            elif part == 4:
                series.exemplars.append(exemplar(inner, labels_of))
            else:
                assert part == 5, f"field {part} of a series"
                told = dict(fields(inner))
                series.metadata = TYPES[told[1]], symbols[told[3]], symbols[told[4]]
        kind, about, unit = series.check().metadata
        name = dict(series.labels)["__name__"]
        assert (kind == "counter") == name.endswith("_total"), (name, kind)
        assert about and unit == ("seconds" if "_seconds" in name else ""), (name, about, unit)
        assert kind != "gauge" or not series.starts, name
        out.append(series)
    return out


# --- the receiver ---

# version -> (content type, value of the version header, decoder)
VERSIONS = {1: ("application/x-protobuf", "0.1.0", write_request),
            2: ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0", write_request_2)}
WRITTEN = "X-Prometheus-Remote-Write-{}-Written"


def written(counts):
    """The additional response headers of a 2.0 receiver."""
    return {WRITTEN.format(name): str(count)
            for name, count in zip(("Samples", "Histograms", "Exemplars"), counts)}


def count(series):
    return [sum(counts) for counts in zip(*(one.counts() for one in series))]


class Receiver:
    """Listens at `host`. `answer(receiver, series)`, of [Series, ...], returns (code, text, headers), or
    None to take what was sent. Requests of other than `versions` are answered with `unknown`. All that was
    taken is in `series`: labels -> {time_ms: value}; requests by version are in `by_version`."""

    def __init__(self, answer=None, versions=(1, 2), unknown=(415, "unknown type", {}), host="127.0.0.1"):
        self.answer, self.series, self.requests, self.faults = answer, {}, 0, []
        self.versions, self.unknown, self.by_version = versions, unknown, {1: 0, 2: 0}
        self.starts = set()
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

        self.server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://{host}:{self.server.server_address[1]}"
        self.url = f"{self.base}/api/v1/write"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def keep(self, series):
        for one in series:
            kept = self.series.setdefault(tuple(one.labels), {})
            self.starts |= {start for start, _ in one.starts}
            for time_ms, value in one.samples:
                if kept.get(time_ms, value) != value:
                    self.faults.append(f"{one.labels} at {time_ms}: {kept[time_ms]}, now {value}")
                kept[time_ms] = value

    def take(self, _, headers, body):
        with self.lock:
            self.requests += 1
            try:
                assert headers["Content-Encoding"] == "snappy"
                version, = (version for version, told in VERSIONS.items()
                            if told[0] == headers["Content-Type"])
                assert headers["X-Prometheus-Remote-Write-Version"] == VERSIONS[version][1]
                series = VERSIONS[version][2](unsnappy(body))
            except Exception as fault:  # of any kind: the test has to hear of it
                self.faults.append(repr(fault))
                return 400, repr(fault), {}
            self.by_version[version] += 1
            if version not in self.versions:
                return self.unknown
            told = self.answer(self, series) if self.answer else None
            if told:
                return told
            self.keep(series)
            return 204, "", written(count(series)) if version == 2 else {}

    def newest(self):
        """labels -> the newest value of each series."""
        with self.lock:
            return {labels: samples[max(samples)] for labels, samples in self.series.items()}

    def falls(self):
        """Series that are not counters although their names end with _total."""
        with self.lock:
            wrong = []
            for labels, samples in self.series.items():
                values = [samples[at] for at in sorted(samples)]
                if dict(labels)["__name__"].endswith("_total") and values != sorted(values):
                    wrong.append(labels)
            return wrong
