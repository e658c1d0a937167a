/* cli/story/story.h -- what a thread did between two instants, told from the events: phases, calls, waits
 * and who ended them, what took the CPU from it. */
#ifndef CLI_STORY_STORY_H
#define CLI_STORY_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/chunk.h"
#include "cli/story/story_names.h"
#include "cli/story/story_tree.h"
#include "mapper/decode/reader.h"
#include "trace/phases.h"

struct story_ask {
    const struct chunk_ref *chunks; /* of the session, in their order */
    size_t count;
    const struct phase_definitions *phases;
    struct story_names *names;
    struct reader_warnings warnings;
    int32_t tid;
    int64_t begin_ns, end_ns; /* since the Unix epoch, both belong to it */
    int64_t pid;              /* or REPORT_NONE */
    bool knows_states;        /* some of its time is of a known state */
    struct text title;        /* of the root */
    uint32_t definition;      /* of the instance that it is; UINT32_MAX: of none */
};

struct story {
    struct story_tree tree; /* the root ends at ask.end_ns */
    size_t chunks;          /* that were read */
    size_t failed;
    uint64_t events; /* of the thread */
    uint64_t lost;   /* events of its CPUs, meanwhile */
};

/* arena_clear(&out->tree.arena). */
void story_tell(const struct story_ask *ask, struct story *out);

#endif
