/* cli/story/follow.h -- the events of chunks of one session in their order, each with the thread that
 * it is of. Who runs on a CPU is followed by its switches; who ran there before the first of them, or
 * behind a loss of the CPU's events, is what the next one tells, if it is in the same chunk. */
#ifndef CLI_STORY_FOLLOW_H
#define CLI_STORY_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/chunk.h"
#include "mapper/decode/reader.h"
#include "trace/phases.h"

/* Nobody knows which thread; 0 is the idle one. */
enum { FOLLOW_UNKNOWN = -1 };

struct followed {
    /* Switches: `tid` is the thread that leaves the CPU; a loss: who ran there before, and `behind` who runs there
     * from then on. */
    const struct event *event;
    int64_t wall_ns; /* since the Unix epoch */
    int32_t tid, behind;
    const struct reader_info *info; /* of the chunk that it is in */
};

struct follow {
    const struct chunk_ref *chunks; /* of one session, in their order */
    size_t count;
    const struct phase_definitions *phases; /* NULL: none */
    shown_events *shows;                    /* as in struct reader_choice */
    int64_t begin_ns, end_ns; /* since the Unix epoch: chunks outside are not opened */
    struct reader_warnings warnings;
    /* Takes the events of the chunks that are not outside. False: no more. */
    bool (*take)(void *context, const struct followed *followed);
    /* Nothing is known of what was between the chunks; `at_ns`: of the last event before. NULL: nobody asks. */
    void (*gap)(void *context, int64_t at_ns);
    void *context;
    /* Out: */
    size_t read, failed; /* chunks */
};

/* What could not be read is said through `warnings`. */
void follow(struct follow *follow);

/* Whether a thread that is switched out in that state was preempted: it could run on. */
bool follow_is_runnable(int64_t prev_state);

#endif
