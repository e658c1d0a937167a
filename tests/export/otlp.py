"""Requests of the OpenTelemetry protocol, decoded by the numbers that the protocol publishes
(opentelemetry-proto 1.x): nothing here comes from the program that is tested. And a receiver that keeps
what it is sent, and fails as it is told."""
import gzip
import json
import struct

import receiver
from receiver import fields, signed


def fixed64(data):
    return struct.unpack("<Q", data)[0]


def fixed32(data):
    return struct.unpack("<I", data)[0]


# receiver.fields() does not support 32 bits, which remote write does not use.
def all_fields(data):
    at = 0
    while at < len(data):
        key, end = receiver.varint(data, at)
        if key & 7 == 5:
            yield key >> 3, data[end:end + 4]
            at = end + 4
            continue
        if key & 7 == 0:
            _, end = receiver.varint(data, end)
        elif key & 7 == 1:
            end += 8
        else:
            length, end = receiver.varint(data, end)
            end += length
        yield from fields(data[at:end])
        at = end


def value_of(data):
    (number, value), = fields(data)
    if number == 1:
        return value.decode()
    if number == 4:
        return receiver.double(value)
    assert number == 3, f"a value of kind {number}"
    return signed(value)


def attributes_of(pairs):
    out = {}
    for pair in pairs:
        told = dict(fields(pair))
        key = told[1].decode()
        assert key not in out, f"{key} twice"
        out[key] = value_of(told[2])
    return out


def grouped(data):
    """number -> values"""
    out = {}
    for number, value in all_fields(data):
        out.setdefault(number, []).append(value)
    return out


def resources(body):
    """(attributes of the resource, content of its only scope), ..."""
    for number, value in fields(body):
        assert number == 1, f"field {number} of a request"
        told = grouped(value)
        assert told[3][0].startswith(b"https://opentelemetry.io/schemas/"), told[3]
        scope = grouped(told[2][0])
        assert dict(fields(scope[1][0]))[1] == b"spanmill"
        yield attributes_of(grouped(told[1][0])[1]), scope[2]


KINDS = {1: "INTERNAL", 2: "SERVER"}


def spans(body):
    """Each span with the attributes of its resource."""
    for resource, found in resources(body):
        assert resource["service.name"] and resource["host.name"]
        for data in found:
            told = grouped(data)
            assert not set(told) - {1, 2, 4, 5, 6, 7, 8, 9, 16}, sorted(told)
            span = {"trace": told[1][0].hex(), "span": told[2][0].hex(),
                    "parent": told.get(4, [b""])[0].hex(), "name": told[5][0].decode(),
                    "kind": KINDS[told[6][0]], "begin_ns": fixed64(told[7][0]),
                    "end_ns": fixed64(told[8][0]), "flags": fixed32(told[16][0]),
                    "attributes": attributes_of(told.get(9, [])), "resource": resource}
            assert len(span["trace"]) == 32 and int(span["trace"], 16)
            assert len(span["span"]) == 16 and int(span["span"], 16)
            assert span["begin_ns"] <= span["end_ns"]
            yield span


# --- metrics ---

def packed_varints(data):
    at, out = 0, []
    while at < len(data):
        value, at = receiver.varint(data, at)
        out.append(value)
    return out


def number_point(told):
    assert not set(told) - {2, 3, 4, 6, 7}, sorted(told)
    if 6 in told:
        return signed(fixed64(told[6][0]))
    return receiver.double(told[4][0])


def histogram_point(told):
    assert not set(told) - {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13}, sorted(told)
    out = {"count": fixed64(told[4][0]), "sum": receiver.double(told[5][0]), "buckets": {},
           "scale": receiver.zigzag(told[6][0])}
    assert out["scale"] == 3 and told[7] == [b"\0" * 8]
    for data in told.get(11, []):
        exemplar = grouped(data)
        out["exemplar"] = (exemplar[5][0].hex(), exemplar[4][0].hex(), fixed64(exemplar[2][0]),
                           receiver.double(exemplar[3][0]))
    if 8 in told:
        buckets = dict(fields(told[8][0]))
        offset = receiver.zigzag(buckets[1])
        out["buckets"] = {offset + i: count for i, count in enumerate(packed_varints(buckets[2]))
                          if count}
        out["min"], out["max"] = (receiver.double(told[i][0]) for i in (12, 13))
        ends = [2 ** ((index + 1) / 8) for index in sorted(out["buckets"])]
        # Borders are powers of two of a nanosecond: up to 1.6 % lower.
        assert ends[-1] / 1.12 <= out["max"] <= ends[-1], out
        assert ends[0] / 1.12 <= out["min"] <= ends[0], out
    assert sum(out["buckets"].values()) == out["count"], out
    return out


def points(body):
    """(labels with __name__, start in ns, time in ms, number or histogram), ..."""
    for resource, found in resources(body):
        assert resource["service.name"] == "spanmill"
        assert resource["service.instance.id"] == resource["spanmill.session"]
        for data in found:
            metric = grouped(data)
            name = metric[1][0].decode()
            (kind, (inner,)), = [(k, v) for k, v in metric.items() if k in (5, 7, 10)]
            told = grouped(inner)
            assert name.endswith("_total") == (kind == 7), name
            if kind == 7:
                assert told[3] == [1], "not monotonic"
            if kind != 5:
                assert told[2] == [2], "not cumulative"
            if "seconds" in name:
                assert metric[3] == [b"s"], name
            for data in told[1]:
                point = grouped(data)
                pairs = attributes_of(point.get(1 if kind == 10 else 7, []))
                assert pairs["host"] == resource["host.name"]
                assert pairs["session"] == resource["spanmill.session"]
                labels = tuple(sorted({**pairs, "__name__": name}.items()))
                time_ns = fixed64(point[3][0])
                assert time_ns % 10**6 == 0
                start_ns = fixed64(point[2][0]) if 2 in point else None
                assert (start_ns is None) == (kind == 5)
                assert start_ns is None or start_ns <= time_ns
                value = histogram_point(point) if kind == 10 else number_point(point)
                yield labels, start_ns, time_ns // 10**6, value


# --- a receiver ---

class Receiver(receiver.Receiver):
    """All spans that it took are in `spans`: (trace, span) -> span; all points in `series`.
    `answer(receiver, path, found)` returns (code, body, headers), or None to take what was sent."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.spans, self.again, self.headers, self.starts = {}, 0, [], {}

    def take(self, path, headers, body):
        with self.lock:
            self.requests += 1
            self.headers.append(dict(headers))
            try:
                assert headers["Content-Type"] == "application/x-protobuf"
                if headers["Content-Encoding"]:
                    assert headers["Content-Encoding"] == "gzip"
                    body = gzip.decompress(body)
                of_traces = path.endswith("/v1/traces")
                assert of_traces or path.endswith("/v1/metrics"), path
                found = list((spans if of_traces else points)(body))
                assert found, "a request without anything"
            except Exception as fault:  # of any kind: the test has to hear of it
                self.faults.append(repr(fault))
                return 400, repr(fault), {}
            told = self.answer(self, path, found) if self.answer else None
            if told:
                return told
            (self.keep if of_traces else self.keep_points)(found)
            return 200, b"", {}

    def keep_points(self, found):
        for labels, start_ns, time_ms, value in found:
            kept = self.series.setdefault(labels, {})
            if kept.get(time_ms, value) != value:
                self.faults.append(f"{labels} at {time_ms}: {kept[time_ms]}, now {value}")
            if self.starts.setdefault(labels, start_ns) != start_ns:
                self.faults.append(f"{labels}: begins at {self.starts[labels]}, now {start_ns}")
            kept[time_ms] = value

    def keep(self, found):
        for span in found:
            key = span["trace"], span["span"]
            if key in self.spans:
                self.again += 1
                if self.spans[key] != span:
                    self.faults.append(f"{self.spans[key]}, now {span}")
            self.spans[key] = span


def partial_success(rejected, message):
    """An answer's body."""
    inner = bytes([8, rejected, 0x12, len(message)]) + message.encode()
    return bytes([10, len(inner)]) + inner


def error_status(message):
    return bytes([8, 3, 0x12, len(message)]) + message.encode()


def of_report(lines):
    """(session, id) -> the expected span of the instance."""
    out = {}
    for line in lines:
        row = json.loads(line)
        if row["type"] == "instance":
            out[row["session"], row["id"]] = row
    return out


TIMES = "user_cpu_ns", "sys_cpu_ns", "runnable_ns", "blocked_ns", "unknown_ns", "irq_ns", "softirq_ns", "syscalls"


def waits(row, attributes, name):
    """Time by the other's name, in a row and in a span. A row may have fewer entries."""
    reported = {}
    for wait in row[name]:
        by = wait["by_name"] or "(unknown thread)" if wait["by"] == "thread" else None
        if by:
            reported[by] = reported.get(by, 0) + wait["total_ns"]
    sent = {by: attributes.get(f"spanmill.{name}.{by}") for by in reported}
    return (reported, sent) if len(row[name]) < 8 else ({}, {by: 0 for by, ns in sent.items() if not ns})


def differs(row, span):
    """Compares a row of a report with its span: a message, or None."""
    attributes, resource = span["attributes"], span["resource"]
    blocked = {key[len("spanmill.blocked_by."):]: value for key, value in attributes.items()
               if key.startswith("spanmill.blocked_by.")}
    values = {kind: {key[len(f"spanmill.{kind}."):]: value for key, value in attributes.items()
                     if key.startswith(f"spanmill.{kind}.")} for kind in ("match", "captured")}
    pairs = [("process", row["process"], resource["service.name"]),
             ("pid", row["pid"], resource["process.pid"]),
             ("host", row["session"].split("/")[0], resource["host.name"]),
             ("tid", row["tid"], attributes.get("thread.id")),
             ("phase", row["phase"], attributes["spanmill.phase"]),
             ("name", row["phase"].split("/")[-1], span["name"]),
             ("kind", "INTERNAL" if "/" in row["phase"] else "SERVER", span["kind"]),
             ("begin", row["begin_ns"], span["begin_ns"]),
             ("end", row["end_ns"], span["end_ns"]),
             ("blocked_by", {key or "(no call)": value for key, value in row["blocked_by"].items()},
              blocked),
             ("match", row["match"], values["match"]),
             ("captured", {k: v for k, v in row["captured"].items() if v is not None},
              values["captured"])]
    pairs += [(name, row[name], attributes[f"spanmill.{name}"]) for name in TIMES]
    pairs += [(name, *waits(row, attributes, name)) for name in ("woken_by", "ran_instead")]
    if row["end_tid"] not in (None, row["tid"]):
        pairs.append(("end_tid", row["end_tid"], attributes.get("spanmill.end_tid")))
    wrong = [f"{name}: {a} reported, {b} sent" for name, a, b in pairs if a != b]
    return f"{row['phase']} {row['id']}: " + "; ".join(wrong) if wrong else None


def compare(expected, found):
    """Sentences. `found`: spans. More of them than a report has are fine: it keeps the slowest of all
    intervals, the exporter those of each."""
    by_id = {(span["resource"]["spanmill.session"], span["attributes"]["spanmill.id"]): span
             for span in found}
    out = [f"{key}: no span" for key in expected if key not in by_id]
    out += [differs(row, by_id[key]) for key, row in expected.items() if key in by_id]
    return [sentence for sentence in out if sentence]


def check_parents(found):
    """Messages about spans that are not within their parents."""
    by_key = {(span["trace"], span["span"]): span for span in found}
    out = []
    for span in found:
        if not span["parent"]:
            continue
        parent = by_key.get((span["trace"], span["parent"]))
        if not parent:
            if not span["flags"] & 0x200:
                out.append(f"{span}: no parent")
        elif not (parent["begin_ns"] <= span["begin_ns"] and span["end_ns"] <= parent["end_ns"] and
                  span["attributes"]["spanmill.phase"] ==
                  f"{parent['attributes']['spanmill.phase']}/{span['name']}"):
            out.append(f"{span} is not part of {parent}")
    return out
