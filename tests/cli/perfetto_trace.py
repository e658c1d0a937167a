"""Decodes a Perfetto trace with plain Python: the fields that spanmill writes, by their numbers."""
import collections


def varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return number, at


def fields(data):
    """Field numbers and values in order: bytes of strings and messages, numbers of varints."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            count, at = varint(data, at)
            value, at = data[at:at + count], at + count
            assert len(value) == count, "a field is longer than its message"
        else:
            raise ValueError(f"type {tag & 7} of field {tag >> 3}")
        yield tag >> 3, value


def signed(number):
    return number - (1 << 64) if number >> 63 else number


def one(data, known):
    """A message with the field names of `known`; other field numbers are an error."""
    return {known[number]: value for number, value in fields(data)}


Slice = collections.namedtuple("Slice", "track begin end category name notes ended")
Switch = collections.namedtuple("Switch", "at cpu prev state next")
Waking = collections.namedtuple("Waking", "at cpu waker flags tid")
NOTE = {3: "unsigned", 4: "number", 6: "text", 10: "name"}
FTRACE = {4: "switch", 20: "waking", 24: "softirq_entry", 25: "softirq_exit", 36: "irq_entry", 37: "irq_exit"}


class Trace:
    def __init__(self, data):
        self.tracks, self.slices, self.instants, self.switches, self.wakings = {}, [], [], [], []
        self.counters, self.interrupts = collections.defaultdict(list), []
        self.packets = 0
        self.open = collections.defaultdict(list)
        events = []
        for number, packet in fields(data):
            assert number == 1, "not a packet"
            self.packets += 1
            events += self.packet(packet)
        # Like the trace processor: by time, equal times in file order.
        for _, take, arguments in sorted(events, key=lambda event: event[0]):
            take(*arguments)
        self.unfinished = {track: slices for track, slices in self.open.items() if slices}

    def packet(self, data):
        packet = one(data, {1: "ftrace", 6: "clock", 8: "at", 10: "sequence", 11: "event", 60: "track"})
        assert packet["sequence"] == 1
        if "track" in packet:
            self.track(packet["track"])
        if "event" in packet:
            yield packet["at"], self.event, (packet["at"], packet["event"])
        if "ftrace" in packet:
            bundle = one(packet["ftrace"], {1: "cpu", 2: "event"})
            event = one(bundle["event"], {1: "at", 2: "pid", 5: "flags", **FTRACE})
            yield event["at"], self.ftrace, (bundle["cpu"], event)

    def track(self, data):
        track = one(data, {1: "uuid", 2: "name", 3: "process", 4: "thread", 5: "parent", 8: "counter"})
        assert track["uuid"] not in self.tracks, "a track is described twice"
        if "process" in track:
            track["process"] = one(track["process"], {1: "pid", 6: "name"})
        if "thread" in track:
            track["thread"] = one(track["thread"], {1: "pid", 2: "tid", 5: "name"})
        assert "parent" not in track or track["parent"] in self.tracks, "the parent comes later"
        self.tracks[track["uuid"]] = track

    def thread_of(self, uuid):
        """That of the track, or of its parent."""
        while "thread" not in self.tracks[uuid] and "parent" in self.tracks[uuid]:
            uuid = self.tracks[uuid]["parent"]
        return self.tracks[uuid].get("thread")

    def event(self, at, data):
        notes, event = {}, {}
        for number, value in fields(data):
            if number == 4:
                note = one(value, NOTE)
                notes[note["name"].decode()] = (note["text"].decode() if "text" in note
                                                else signed(note["number"]) if "number" in note else note["unsigned"])
            else:
                event[{9: "type", 11: "track", 22: "category", 23: "name", 30: "value"}[number]] = value
        track = event["track"]
        assert track in self.tracks, "an event of a track that is not described"
        if event["type"] == 1:
            self.open[track].append((at, event["category"].decode(), event["name"].decode(), notes))
        elif event["type"] == 2:
            begin, category, name, first = self.open[track].pop()
            self.slices.append(Slice(track, begin, at, category, name, first, notes))
        elif event["type"] == 3:
            self.instants.append(Slice(track, at, at, event["category"].decode(), event["name"].decode(), notes, {}))
        else:
            self.counters[self.tracks[track]["name"].decode()].append((at, signed(event["value"])))

    def ftrace(self, cpu, event):
        if "switch" in event:
            switch = one(event["switch"], {1: "prev_comm", 2: "prev", 4: "state", 5: "next_comm", 6: "next"})
            self.switches.append(Switch(event["at"], cpu, switch["prev"], switch["state"], switch["next"]))
        elif "waking" in event:
            waking = one(event["waking"], {1: "comm", 2: "tid", 4: "success"})
            self.wakings.append(Waking(event["at"], cpu, event["pid"], event.get("flags", 0), waking["tid"]))
        else:
            self.interrupts.append((event["at"], cpu, event))
