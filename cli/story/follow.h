/* cli/story/follow.h -- the events of chunks of one session in order, each with its thread. The
 * current thread of a CPU is taken from its switches; before the first switch, or after a loss of
 * the CPU's events, from the next one, if that is in the same chunk. */
#ifndef CLI_STORY_FOLLOW_H
#define CLI_STORY_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/chunk.h"
#include "mapper/decode/reader.h"
#include "trace/phases.h"

/* The thread is unknown; 0 is the idle thread. */
enum { FOLLOW_UNKNOWN = -1 };

struct followed {
    /* For switches, `tid` is the thread that leaves the CPU; for a loss, the thread that ran
     * before, and `behind` the one that runs after it. */
    const struct event *event;
    int64_t wall_ns; /* since the Unix epoch */
    int32_t tid, behind;
    const struct reader_info *info; /* of its chunk */
};

struct follow {
    const struct chunk_ref *chunks; /* of one session, in order */
    size_t count;
    const struct phase_definitions *phases; /* NULL: none */
    shown_events *shows;                    /* as in struct reader_choice */
    struct plan_cache *cache;               /* of the metadata of these chunks; or NULL */
    int64_t begin_ns, end_ns; /* since the Unix epoch: chunks outside are not opened */
    /* Only calls, user-space events, and what changes threads or descriptors are taken: no handlers,
     * wakeups, and other kernel events. */
    bool only_calls;
    struct reader_warnings warnings;
    /* Takes the events of the opened chunks. False: stop. */
    bool (*take)(void *context, const struct followed *followed);
    /* The time between two chunks is unknown; `at_ns`: of the last event before it. Or NULL. */
    void (*gap)(void *context, int64_t at_ns);
    void *context;
    /* Out: */
    size_t read, failed; /* chunks */
};

/* Reports read errors through `warnings`. */
void follow(struct follow *follow);

/* Whether a thread that is switched out in this state was preempted and is still runnable. */
bool follow_is_runnable(int64_t prev_state);

#endif
