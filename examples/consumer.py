#!/usr/bin/env python3
"""Time per phase, live, from the results topic, with only the published .proto and stock clients.

    protoc --python_out=. --proto_path=proto proto/result.proto   # makes result_pb2.py
    pip install confluent-kafka protobuf                          # or Debian's python3-...
    examples/consumer.py --brokers kafka-1:9092

The topic is a log (proto/result.proto): entities are published by id, and again when more is known;
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

FORMAT = 3  # the newest that this program supports
STATES = ("user", "sys", "runnable", "blocked", "unknown")


class Sum:
    """Instances of a phase: their number, total time, and time by state (all in ns)."""

    def __init__(self):
        self.count = self.total = 0
        self.time = dict.fromkeys(STATES, 0)

    def add(self, other):
        self.count += other.count
        self.total += other.total
        for state in STATES:
            self.time[state] += other.time[state]


class Session:
    """The results of one session so far."""

    def __init__(self):
        self.threads = {}  # id -> result_pb2.Thread, its name resolved
        self.names = {}  # id -> name
        self.programs = {}  # id -> program name in the user-space trace of its process
        self.sums = defaultdict(Sum)  # (thread id, phase) -> Sum
        # Time before the first system call event of a thread's stretch: in a call if that event is
        # its exit, which may be published later; else outside of calls.
        self.before = defaultdict(lambda: [0, 0])  # (thread id, stretch, phase) -> running, blocked
        self.first_calls = set()  # (thread id, stretch)
        self.intervals = 0

    def take(self, result, names):
        """Adds one result of a record with these `names`."""
        kind = result.WhichOneof("kind")  # None: a kind newer than this .proto
        if kind == "thread":
            thread = result.thread
            self.threads[thread.id] = thread  # the newest result replaces older ones
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
        """Adds a cell to the sums: it has only the difference since the previous one."""
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
        fact = self.threads.get(thread)
        return fact.process & 0xFFFFFFFF if fact and fact.process else None

    def process_name(self, pid):
        """For the last process with this pid: the name of its leader, else the program name in its
        trace, else the name of the named thread with the lowest tid."""
        threads = [id for id in self.threads if self.pid_of(id) == pid]
        last = max(self.threads[id].process for id in threads)
        names = []
        for id in threads:
            fact = self.threads[id]
            if fact.process != last:
                continue  # of an earlier process with this pid
            rank = (2, 0) if fact.tid == pid else (0, -fact.tid)
            if id in self.names:
                names.append((rank, fact.kernel_named, id, self.names[id]))
            if id in self.programs:
                names.append(((1, 0), False, id, self.programs[id]))
        return max(names)[-1] if names else "?"

    def rows(self):
        """(pid, phase, Sum) over all threads of a process."""
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
        """Adds the value of one Kafka record. False: it cannot be decoded."""
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
        """The phases with the most time, by session."""
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
    """A consumer of all partitions, from their begin, without a group."""
    settings = {"bootstrap.servers": options.brokers, "group.id": "consumer.py",
                "enable.auto.commit": False, "enable.partition.eof": True,
                # Otherwise, records of aborted transactions are returned, too.
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
    """Reads and prints: with --once at the end of the topic, else every second."""
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
