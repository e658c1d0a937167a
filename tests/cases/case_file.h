/* tests/cases/case_file.h -- a small trace written as text, with the expected report.
 *
 * README.md in this folder describes the format. A case uses the same schema as the events of a
 * CTF reader: classes are found by name, and a field fills the slot defined by the class. So a case
 * can express everything that a trace can, and adding one needs no C. */
#ifndef TESTS_CASES_CASE_FILE_H
#define TESTS_CASES_CASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "trace/event.h"
#include "trace/phases.h"
#include "trace/schema.h"

/* One object that must be in the report, or must not. */
struct expectation {
    size_t line; /* of the case file, from 1 */
    bool absent; /* `none`: no object may have all these fields */
    const char *json;
};

/* `all TYPE`: every object of that type must be expected. */
struct complete_type {
    size_t line;
    const char *type;
};

/* Points into itself: do not move it. */
struct case_file {
    struct arena arena;                   /* owns what the members below point to */
    const char *name;                     /* of the file, for messages */
    const char *host, *session, *created; /* of the traces; may be empty */
    int64_t offset_ns;                    /* of the clock, from the Unix epoch */
    bool x86_64;
    struct phase_definitions phases;
    struct schema *schema;
    struct event *events; /* in the order of event_compare() */
    size_t event_count, event_room;
    int32_t *cpus; /* of the kernel's events, ascending, each once */
    size_t cpu_count, cpu_room;
    struct expectation *expected;
    size_t expected_count, expected_room;
    struct complete_type *complete;
    size_t complete_count, complete_room;
};

/* Reads `text` (copied). `name` is for messages. REJECT, with the line in `why`: invalid. Call
 * case_file_clear() in any case. */
MUST_CHECK enum status case_file_init(struct case_file *file, const char *name, struct text text,
                                      struct failure *why);
void case_file_clear(struct case_file *file);

#endif
