"""`spanmill topics` on a real broker."""
import os
import random
import subprocess
import sys

SMALL = ["--partitions", "2", "--chunk-partitions", "3", "--replication", "1", "--min-insync", "1"]
NAMES = ["chunks", "archives", "partials", "state", "results", "parked", "export"]


def topics(*arguments, broker=None):
    address = broker
    if not address:
        with open(os.path.join(os.environ["BROKER_FOLDER"], "bootstrap")) as file:
            address = file.read().strip()
    done = subprocess.run([os.environ["SPANMILL"], "topics", *arguments, "--brokers", address],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


def expect(found, wanted):
    assert found == wanted, f"found:\n{found}\nwanted:\n{wanted}"


prefix = f"topics{os.getpid()}-{random.SystemRandom().randrange(1 << 32):08x}"
of_prefix = ["--prefix", prefix]


def lines(text, **others):
    return "".join(f"{prefix}.{name}: {others.get(name, text)}\n" for name in NAMES)


# No topic exists.
expect(topics("check", *SMALL, *of_prefix), (1, lines("does not exist"), ""))

# They are created once and found by the next call.
expect(topics("create", *SMALL, *of_prefix),
       (0, lines("made, 2 partitions", chunks="made, 3 partitions"), ""))
good = lines("as expected, 2 partitions", chunks="as expected, 3 partitions")
expect(topics("create", *SMALL, *of_prefix), (0, good, ""))
expect(topics("check", *SMALL, *of_prefix), (0, good, ""))

# Differences are reported, and not changed.
code, out, err = topics("create", *SMALL, *of_prefix, "--chunk-partitions", "4",
                        "--parked-retention", "1d", "--state-dirty", "50")
expect((code, err), (1, ""))
for line in ("chunks: partitions is 3, should be 4",
             "parked: retention.ms is 864000000, should be 86400000",
             "state: min.cleanable.dirty.ratio is 0.1, should be 0.5",
             "export: min.cleanable.dirty.ratio is 0.1, should be 0.5"):
    assert f"{prefix}.{line}\n" in out, f"{line} is not in:\n{out}"
expect(out.count("as expected"), 3)
expect(topics("check", *SMALL, *of_prefix), (0, good, ""))

# A refusing broker, and no broker.
code, out, err = topics("create", "--prefix", prefix + "x")
expect((code, out), (1, ""))
assert err.startswith(f"spanmill topics: {prefix}x.chunks: ") and "eplication" in err, err
code, out, err = topics("check", *of_prefix, broker="127.0.0.1:1")
expect((code, out), (1, ""))
assert f"spanmill topics: {prefix}.chunks: " in err, err

# Wrong usage.
for arguments, words in ((["make"], "`make`"), ([], "create"), (["create", "check"], "create"),
                         (["create", "--min-insync", "4"], "is greater than replication"),
                         (["check", "--prefix", "a b"], "`a b`"),
                         (["check", "-X", "security.protokol=SSL"], "security.protokol")):
    code, out, err = topics(*arguments)
    expect((code, out), (2, ""))
    assert words in err, f"{words} is not in:\n{err}"

print("all well")
sys.exit(0)
