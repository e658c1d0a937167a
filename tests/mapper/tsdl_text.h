/* Pieces of CTF 1.8 metadata for tests. */
#ifndef TESTS_MAPPER_TSDL_TEXT_H
#define TESTS_MAPPER_TSDL_TEXT_H

#include "tests/mapper/layout_text.h"

#define TRACE "trace { major = 1; minor = 8; byte_order = le; };\n"
#define TYPES                                                                                      \
    "typealias integer { size = 8; } := u8; typealias integer { size = 16; align = 16; } := u16;"  \
    "typealias integer { size = 32; align = 32; signed = true; } := int;\n"
/* One event with these payload members, which begin at line 3. */
#define EVENT(members) TRACE TYPES "event { name = \"e\"; fields := struct {\n" members "\n}; };\n"

/* Of that event. */
static inline const struct layout_field *payload(const struct layout *layout)
{
    return layout->events[0].payload;
}

#endif
