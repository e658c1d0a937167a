#!/usr/bin/env python3
"""Time per phase, live, from the results topic: with the published .proto and stock clients alone.

    protoc --python_out=. --proto_path=proto proto/result.proto   # makes result_pb2.py
    pip install confluent-kafka protobuf                          # or Debian's python3-...
    examples/consumer.py --brokers kafka-1:9092

The topic is a log of facts (proto/result.proto): entities are told by id, again when more is known;
cells are numbers that add up. So a reader keeps sums by id, and looks up names when it prints.
"""
import argparse
import sys
import time
from collections import defaultdict

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

try:
    import result_pb2
except ImportError:
    sys.exit("no result_pb2: protoc --python_out=. --proto_path=proto proto/result.proto")

FORMAT = 3  # that this program knows
STATES = ("user", "sys", "runnable", "blocked", "unknown")


class Sum:
    """Instances of a phase: how many, how long, and where their time went (all in ns)."""

    def __init__(self):
        self.count = self.total = 0
        self.time = dict.fromkeys(STATES, 0)

    def add(self, other):
        self.count += other.count
        self.total += other.total
        for state in STATES:
            self.time[state] += other.time[state]


class Session:
    """What has been told of one session."""

    def __init__(self):
        self.threads = {}  # id -> result_pb2.Thread, its name resolved
        self.names = {}  # id -> name
        self.programs = {}  # id -> what the trace of its process says that this is called
        self.sums = defaultdict(Sum)  # (thread id, phase) -> Sum
        # Time before the first system call of a thread's stretch: in a call, or in none? Only that
        # call's end tells, and it may come later.
        self.before = defaultdict(lambda: [0, 0])  # (thread id, stretch, phase) -> running, blocked
        self.first_calls = set()  # (thread id, stretch)
        self.intervals = 0

    def take(self, result, names):
        """One result of a record; `names` are the record's."""
        kind = result.WhichOneof("kind")  # None: one that this .proto does not know yet
        if kind == "thread":
            thread = result.thread
            self.threads[thread.id] = thread  # the newest word replaces the older one
            if thread.HasField("name"):
                self.names[thread.id] = names[thread.name].decode(errors="replace")
            if thread.HasField("program"):
                self.programs[thread.id] = names[thread.program].decode(errors="replace")
        elif kind == "phase":
            self.take_phase(result.phase, names[result.phase.phase].decode(errors="replace"))
        elif kind == "first_call":
            self.first_calls.add((result.first_call.thread, result.first_call.stretch))
        elif kind == "interval":
            self.intervals += 1

    def take_phase(self, cell, phase):
        """A cell is added to what there is: it says nothing of what came before."""
        into, spent = self.sums[cell.thread, phase], cell.time
        into.count += cell.complete.count
        into.total += cell.complete.total_ns
        into.time["user"] += spent.user_ns
        into.time["sys"] += spent.sys_ns
        into.time["runnable"] += spent.runnable_ns
        into.time["blocked"] += spent.blocked_ns + sum(each.ns for each in spent.blocked_in)
        into.time["unknown"] += spent.unknown_ns
        if spent.before_running_ns or spent.before_blocked_ns:
            before = self.before[cell.thread, cell.stretch, phase]
            before[0] += spent.before_running_ns
            before[1] += spent.before_blocked_ns

    def pid_of(self, thread):
        """The pid of the process, or None while unknown."""
        told = self.threads.get(thread)
        return told.process & 0xFFFFFFFF if told and told.process else None

    def process_name(self, pid):
        """Of the last process of the number: the name of its leader; or what its trace says; or the
        name of the thread with the lowest number that has one."""
        threads = [id for id in self.threads if self.pid_of(id) == pid]
        last = max(self.threads[id].process for id in threads)
        names = []
        for id in threads:
            told = self.threads[id]
            if told.process != last:
                continue  # of one that had the number before
            rank = (2, 0) if told.tid == pid else (0, -told.tid)
            if id in self.names:
                names.append((rank, told.kernel_named, id, self.names[id]))
            if id in self.programs:
                names.append(((1, 0), False, id, self.programs[id]))
        return max(names)[-1] if names else "?"

    def rows(self):
        """(pid, phase, Sum), of all threads of a process together."""
        by_process = defaultdict(Sum)
        for (thread, phase), added in self.sums.items():
            by_process[self.pid_of(thread), phase].add(added)
        for (thread, stretch, phase), (running, blocked) in self.before.items():
            into = by_process[self.pid_of(thread), phase]
            in_call = (thread, stretch) in self.first_calls
            into.time["sys" if in_call else "user"] += running
            into.time["blocked"] += blocked
        return sorted(((pid, phase, each) for (pid, phase), each in by_process.items()),
                      key=lambda row: -row[2].total)


class Log:
    """All sessions."""

    def __init__(self, wanted):
        self.sessions = defaultdict(Session)
        self.wanted = wanted

    def take(self, value):
        """The value of one Kafka record. False: it cannot be read."""
        record = result_pb2.ResultRecord()
        try:
            record.ParseFromString(value)
        except Exception:  # pylint: disable=broad-except  # its kind differs between versions
            return False
        if record.format > FORMAT:
            sys.exit(f"results of format {record.format}: newer than this program")
        session = record.session.decode(errors="replace")
        if self.wanted in session:
            for result in record.results:
                self.sessions[session].take(result, record.names)
        return True

    def print_raw(self):
        """One line per row, tab-separated, all times in ns."""
        for name, session in sorted(self.sessions.items()):
            for pid, phase, row in session.rows():
                fields = [name, "" if pid is None else pid, phase, row.count, row.total,
                          *(row.time[state] for state in STATES),
                          "" if pid is None else session.process_name(pid)]
                print(*fields, sep="\t")

    def print_table(self, top):
        """The phases that took longest, of each session."""
        for name, session in sorted(self.sessions.items()):
            print(f"{name}: {session.intervals} intervals")
            print(f"  {'process':24} {'phase':28} {'count':>8} {'total ms':>12}"
                  + "".join(f" {state:>10}" for state in STATES))
            for pid, phase, row in session.rows()[:top]:
                process = "(unknown)" if pid is None else f"{session.process_name(pid)} ({pid})"
                shares = "".join(f" {100 * row.time[state] / row.total if row.total else 0:9.1f}%"
                                 for state in STATES)
                print(f"  {process[:24]:24} {phase[:28]:28} {row.count:8} {row.total / 1e6:12.3f}"
                      + shares)


def open_topic(options):
    """A consumer of all partitions, from their begin, that is a member of no group."""
    settings = {"bootstrap.servers": options.brokers, "group.id": "consumer.py",
                "enable.auto.commit": False, "enable.partition.eof": True,
                # Without this, records of transactions that were aborted are seen, too.
                "isolation.level": "read_committed"}
    settings.update(pair.split("=", 1) for pair in options.setting)
    consumer = Consumer(settings)
    topic = f"{options.prefix}.results"
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    if not partitions:
        sys.exit(f"there is no topic {topic}")
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    return consumer, set(partitions)


def follow(options):
    """Reads, and prints: once all that is there is read, or every second."""
    consumer, unread = open_topic(options)
    log, printed, damaged = Log(options.session), 0.0, 0
    while True:
        message = consumer.poll(0.2)
        if message is not None and message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                sys.exit(str(message.error()))
            unread.discard(message.partition())
        elif message is not None and not log.take(message.value()):
            damaged += 1
        if options.once and not unread:
            break
        if not options.once and not unread and time.monotonic() - printed >= 1:
            print("\033[H\033[2J" if sys.stdout.isatty() else "", end="")
            log.print_table(options.top)
            sys.stdout.flush()
            printed = time.monotonic()
    consumer.close()
    if options.raw:
        log.print_raw()
    else:
        log.print_table(options.top)
    if damaged:
        sys.exit(f"{damaged} records could not be read")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="Time per phase, from the results topic.")
    parser.add_argument("--brokers", default="localhost:9092", metavar="HOST:PORT,...")
    parser.add_argument("--prefix", default="spanmill", help="of the topics")
    parser.add_argument("--session", default="", help="only sessions with this in their name")
    parser.add_argument("--top", type=int, default=20, help="phases per session")
    parser.add_argument("--once", action="store_true", help="print what is there now, and end")
    parser.add_argument("--raw", action="store_true", help="with --once: tab-separated, in ns")
    parser.add_argument("-X", dest="setting", action="append", default=[], metavar="KEY=VALUE",
                        help="a setting of librdkafka")
    try:
        follow(parser.parse_args())
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
