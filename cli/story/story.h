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

/* Waits for one other, of all of a kind. */
struct story_sum {
    const char *who;
    uint64_t ns;
};

struct story_sums {
    struct story_sum *at; /* in the order in which they came first */
    size_t count, room;
};

struct story {
    struct story_tree tree; /* the root ends at ask.end_ns */
    size_t chunks;          /* that were read */
    size_t failed;
    uint64_t events; /* of the thread */
    uint64_t lost;   /* events of its CPUs, meanwhile */
    struct story_sums
        woken; /* time blocked, by who ended it; what nobody was seen to end is not there */
    struct story_sums ran; /* time runnable, by who had the CPU */
};

/* `count` stories of one session and process, at once: chunks and so on are those of the first. story_clear() of each. */
void stories_tell(const struct story_ask *asks, struct story *out, size_t count);
void story_clear(struct story *story);
/* Adds `ns` of who is called so; a copy of the text is in `arena`. */
void story_sums_add(struct story_sums *sums, struct arena *arena, struct text who, uint64_t ns);

#endif
