/* cli/story/segment_list.h -- the segments of a request, found again in the events: who did its work, and when. */
#ifndef CLI_STORY_SEGMENT_LIST_H
#define CLI_STORY_SEGMENT_LIST_H

#include "cli/story/phase_stack.h"
#include "cli/story/story_names.h"

/* A request that a report tells of. */
struct segments_ask {
    const struct chunk_ref *chunks; /* of the session, in their order */
    size_t count;
    const struct phase_definitions *phases;
    const struct story_names *names;
    struct reader_warnings warnings;
    uint32_t definition; /* which has segments */
    const struct instance_row *row;
};

struct found_segment {
    struct open_instance instance;
    uint32_t definition;
    int32_t tid;    /* that began it; FOLLOW_UNKNOWN */
    int64_t end_ns; /* that of the request if it has none before */
    bool has_end;
};

/* In the order in which they begin. All zero is none; segment_list_clear(). */
struct segment_list {
    struct found_segment *at;
    size_t count, room;
    size_t failed; /* chunks that could not be read */
};

void segment_list_find(struct segment_list *list, const struct segments_ask *ask);
void segment_list_clear(struct segment_list *list);

#endif
