"""Chunks of a session as LTTng writes them (CTF 1.8), made of events that a test invents."""
import os
import struct
import uuid

CLOCK_OFFSET = 1795388914 * 10**9  # of the raw clock to Unix time, in ns

# Each domain's streams, and events by number: name and payload fields; a number is its size in bits (signed
# ones negative), text is a null-terminated string.
DOMAINS = {
    "kernel": ("lttng-modules", "kernel/chan_{cpu}", [],
               [("sched_switch", [("prev_comm", "text"), ("prev_tid", -32), ("prev_prio", -32),
                                  ("prev_state", -64), ("next_comm", "text"), ("next_tid", -32),
                                  ("next_prio", -32)])]),
    "ust": ("lttng-ust", "ust/uid/0/64-bit/chan_{cpu}", [("vpid", -32), ("vtid", -32)],
            [("app:begin", [("id", 64)]), ("app:end", [("id", 64)])]),
}
FORMATS = {-32: "<i", -64: "<q", 32: "<I", 64: "<Q"}
HEAD = struct.Struct("<I16sIQ")      # packet.header
CONTEXT = struct.Struct("<6QI")      # packet.context
EVENT = struct.Struct("<IQ")         # event.header


def _type(kind):
    if kind == "text":
        return "string"
    return f"integer {{ size = {abs(kind)}; align = 8; signed = {str(kind < 0).lower()}; }}"


def _fields(fields):
    return " ".join(f"{_type(kind)} _{name};" for name, kind in fields)


def _metadata(domain, identity, name):
    tracer, _, contexts, events = DOMAINS[domain]
    u32, u64 = _type(32), _type(64)
    byte = "integer { size = 8; align = 8; signed = false; }"
    stamp = "integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; }"
    context = f"event.context := struct {{ {_fields(contexts)} }};" if contexts else ""
    parts = [f"""/* CTF 1.8 */
trace {{ major = 1; minor = 8; uuid = "{identity}"; byte_order = le;
  packet.header := struct {{ {u32} magic; {byte} uuid[16]; {u32} stream_id; {u64} stream_instance_id; }}; }};
env {{ domain = "{domain}"; tracer_name = "{tracer}"; tracer_major = 2; tracer_minor = 13;
  trace_name = "{name}"; trace_creation_datetime = "20261122T230916+0000"; hostname = "made";
  sysname = "Linux"; architecture_bit_width = 64; }};
clock {{ name = "monotonic"; freq = 1000000000; offset = {CLOCK_OFFSET}; }};
stream {{ id = 0;
  packet.context := struct {{ {stamp} timestamp_begin; {stamp} timestamp_end; {u64} content_size;
    {u64} packet_size; {u64} packet_seq_num; {u64} events_discarded; {u32} cpu_id; }};
  event.header := struct {{ {u32} id; {stamp} timestamp; }};
  {context} }};
"""]
    for number, (event, fields) in enumerate(events):
        parts.append(f'event {{ name = "{event}"; id = {number}; stream_id = 0; '
                     f"fields := struct {{ {_fields(fields)} }}; }};\n")
    return "".join(parts)


def _pack(fields, values):
    out = []
    for name, kind in fields:
        value = values[name]
        out.append(value.encode() + b"\0" if kind == "text" else struct.pack(FORMATS[kind], value))
    return b"".join(out)


def switch(time, cpu, before, after):
    """An event, as Trace takes it: the thread `after` gets the CPU, `before` is blocked."""
    return (time, "kernel", cpu, "sched_switch",
            {"prev_comm": f"t{before}", "prev_tid": before, "prev_prio": 20, "prev_state": 1,
             "next_comm": f"t{after}", "next_tid": after, "next_prio": 20})


class Trace:
    """A session's recording; chunks are added in their order, with all streams in each."""

    def __init__(self, folder, cpus, name="made"):
        self.folder, self.cpus, self.name = folder, cpus, name
        self.identities = {domain: uuid.uuid5(uuid.NAMESPACE_OID, name + domain) for domain in DOMAINS}
        self.numbers, self.chunks = {}, 0

    def _packet(self, key, begin, end, content):
        domain, cpu = key
        number = self.numbers.get(key, 0)
        self.numbers[key] = number + 1
        bits = 8 * (HEAD.size + CONTEXT.size + len(content))
        return (HEAD.pack(0xC1FC1FC1, self.identities[domain].bytes, 0, cpu) +
                CONTEXT.pack(begin, end, bits, bits, number, 0, cpu) + content)

    def chunk(self, begin, end, events):
        """Events are (time, domain, cpu, name, contexts and payload), in the order of their times, in ns of the
        raw clock. Each stream opens with a packet without events, and one more has what there is."""
        contents = {(domain, cpu): [] for domain in DOMAINS for cpu in range(self.cpus)}
        for time, domain, cpu, name, values in events:
            _, _, contexts, known = DOMAINS[domain]
            number = next(i for i, (event, _) in enumerate(known) if event == name)
            contents[domain, cpu].append(EVENT.pack(number, time) + _pack(contexts, values) +
                                         _pack(known[number][1], values))
        folder = os.path.join(self.folder, "archives", "20261122T2309%02d+0000-20261122T2310%02d+0000-%d" %
                              (self.chunks, self.chunks, self.chunks))
        for (domain, cpu), found in contents.items():
            path = os.path.join(folder, DOMAINS[domain][1].format(cpu=cpu))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(os.path.join(os.path.dirname(path), "metadata"), "w") as file:
                file.write(_metadata(domain, self.identities[domain], self.name))
            with open(path, "wb") as file:
                file.write(self._packet((domain, cpu), begin, begin, b""))
                if found:
                    file.write(self._packet((domain, cpu), begin, end, b"".join(found)))
        self.chunks += 1
        return folder
