"""A strict reader of logfmt: pairs of key=value, one space between; keys without signs; values plain,
or strings as JSON has them."""
import json
import re

KEY = re.compile(r'[^\s="\x00-\x1f\x7f]+')
PLAIN = re.compile(r'[^\s="\\\x00-\x1f\x7f]*')
QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-f]{4}))*"')


def read_line(line):
    """The pairs of a line without its end; raises ValueError at the place where it is none."""
    pairs, at = {}, 0
    while True:
        key = KEY.match(line, at)
        if not key or line[key.end():key.end() + 1] != "=":
            raise ValueError(f"no key at {at}: {line}")
        at = key.end() + 1
        quoted = QUOTED.match(line, at)
        value = quoted or PLAIN.match(line, at)
        pairs[key.group()] = json.loads(value.group()) if quoted else value.group()
        at = value.end()
        if at == len(line):
            return pairs
        if line[at] != " ":
            raise ValueError(f"no end of a value at {at}: {line}")
        at += 1


def read(path):
    """All lines of a log; each has to be one."""
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", errors="strict")
    return [read_line(line) for line in text.split("\n")[:-1]]
