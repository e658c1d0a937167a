/* cli/story/segment_list.h -- finds the segments of a request in the events: their threads and
 * times. */
#ifndef CLI_STORY_SEGMENT_LIST_H
#define CLI_STORY_SEGMENT_LIST_H

#include "cli/story/phase_stack.h"
#include "cli/story/story_names.h"

/* A request in a report. */
struct segments_query {
    const struct chunk_ref *chunks; /* of the session, in order */
    size_t count;
    const struct phase_definitions *phases;
    const struct story_names *names;
    struct reader_warnings warnings;
    uint32_t definition; /* of the request */
    const struct instance_row *row;
};

struct found_segment {
    struct open_instance instance;
    uint32_t definition;
    int32_t tid;    /* that began it; or FOLLOW_UNKNOWN */
    int64_t end_ns; /* at most the end of the request */
    bool has_end;
};

/* In begin order. Empty if all zero; segment_list_clear(). */
struct segment_list {
    struct found_segment *at;
    size_t count, room;
    size_t failed; /* chunks that could not be read */
};

void segment_list_find(struct segment_list *list, const struct segments_query *query);
void segment_list_clear(struct segment_list *list);

#endif
