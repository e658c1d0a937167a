/* cli/story/story.h -- what a thread did between two instants, from events: phases, calls, waits
 * and wakers, and what took the CPU from it. */
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

struct story_request {
    const struct chunk_ref *chunks; /* of the session, in order */
    size_t count;
    const struct phase_definitions *phases;
    struct story_names *names;
    struct reader_warnings warnings;
    int32_t tid;
    int64_t begin_ns, end_ns; /* since the Unix epoch, inclusive */
    int64_t pid;              /* or REPORT_NONE */
    bool knows_states;        /* the state is known for some of the time */
    struct text title;        /* of the root */
    uint32_t definition;      /* of its instance; UINT32_MAX: none */
};

/* All waits of a kind for one thread or handler. */
struct story_sum {
    const char *who;
    uint64_t ns;
};

struct story_sums {
    struct story_sum *at; /* in order of first occurrence */
    size_t count, room;
};

struct story {
    struct story_tree tree; /* the root ends at request.end_ns */
    size_t chunks;          /* read ones */
    size_t failed;
    uint64_t events;         /* of the thread */
    uint64_t overlapping;    /* instances of its phase that begin on the thread during it */
    uint64_t lost;           /* events of its CPUs during the time */
    struct story_sums woken; /* blocked time by waker; without waits whose waker is unknown */
    struct story_sums ran;   /* runnable time by the thread that had the CPU */
};

/* Creates `count` stories of one session and process in one pass: chunks etc. are taken from the
 * first. story_clear() each. */
void stories_build(const struct story_request *requests, struct story *out, size_t count);
void story_clear(struct story *story);
/* Adds `ns` to the sum with this name, which is copied to `arena`. */
void story_sums_add(struct story_sums *sums, struct arena *arena, struct text who, uint64_t ns);

#endif
