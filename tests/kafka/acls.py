"""Grants what users may do at a broker."""
import struct

from protocol import ask, text, text_at

# Of the protocol, https://kafka.apache.org/protocol
CREATE_ACLS, VERSION = 30, 1
TYPES = {"topic": 2, "group": 3, "cluster": 4, "transactionalId": 5}
PATTERNS = {"literal": 3, "prefix": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8,
              "DescribeConfigs": 10, "AlterConfigs": 11}
ALLOW = 3


def binding(user, kind, name, pattern, operation):
    return (struct.pack(">b", TYPES[kind]) + text(name) + struct.pack(">b", PATTERNS[pattern]) +
            text(f"User:{user}") + text("*") + struct.pack(">bb", OPERATIONS[operation], ALLOW))


def grant(broker, rights):
    """Rights: (user, type, name, pattern, operation), in the terms of Strimzi's KafkaUser."""
    rights = list(rights)
    answer = ask(broker, CREATE_ACLS, VERSION,
                 struct.pack(">i", len(rights)) + b"".join(binding(*right) for right in rights))
    _, count = struct.unpack_from(">ii", answer)
    assert count == len(rights), answer
    at = 8
    for right in rights:
        error, = struct.unpack_from(">h", answer, at)
        why, at = text_at(answer, at + 2)
        assert error == 0, f"{right}: error {error}: {why}"
