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


# receiver.fields() does not know 32 bits, which no request of remote write has.
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
    """(attributes of the resource, what its only scope has), ..."""
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


class Receiver(receiver.Receiver):
    """All spans that it took are in `spans`: (trace, span) -> span. `answer(receiver, path, body)`
    returns (code, body, headers), or None to take what was sent."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.spans, self.again, self.headers = {}, 0, []

    def take(self, path, headers, body):
        with self.lock:
            self.requests += 1
            self.headers.append(dict(headers))
            try:
                assert headers["Content-Type"] == "application/x-protobuf"
                if headers["Content-Encoding"]:
                    assert headers["Content-Encoding"] == "gzip"
                    body = gzip.decompress(body)
                assert path.endswith("/v1/traces"), path
                found = list(spans(body))
                assert found, "a request without spans"
            except Exception as fault:  # of any kind: the test has to hear of it
                self.faults.append(repr(fault))
                return 400, repr(fault), {}
            told = self.answer(self, path, found) if self.answer else None
            if told:
                return told
            self.keep(found)
            return 200, b"", {}

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
    """(session, id) -> what a span of the instance has to say."""
    out = {}
    for line in lines:
        row = json.loads(line)
        if row["type"] == "instance":
            out[row["session"], row["id"]] = row
    return out


TIMES = "user_cpu_ns", "sys_cpu_ns", "runnable_ns", "blocked_ns", "unknown_ns", "syscalls"


def differs(row, span):
    """Of a row of a report and its span: a sentence, or None."""
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
    """Sentences about spans that do not lie in the ones that they are part of."""
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
