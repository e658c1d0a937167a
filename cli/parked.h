/* cli/parked.h -- what the parked topic tells of chunks that could not be used.
 *
 * A mapper parks an announcement as it was, under its key, with headers: kind, reason, and topic,
 * partition and offset that it was read from. Who sends one again leaves a mark in the same topic:
 * a record without a value, of kind `sent-again`, that names the place of the parked one. */
#ifndef CLI_PARKED_H
#define CLI_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "cli/topic_reader.h"

struct parked {
    int32_t partition; /* of the parked topic */
    int64_t offset;
    int64_t time_ms; /* when it was parked; -1 if not told */
    const char *key;
    struct text session; /* a view of the key; all of it, if it is not SESSION/NUMBER */
    bool has_chunk;
    uint64_t chunk;
    const char *kind, *reason, *from; /* "" if not told; from: "TOPIC[PARTITION] at OFFSET" */
    bool sent_again;
};

struct parked_list {
    struct arena arena; /* strings */
    struct parked *at;  /* by time, then by place */
    size_t count, room;
};

/* What an announcement's key is: SESSION/NUMBER. False: it is not; `session` is all of it. */
bool parked_split_key(struct text key, struct text *session, uint64_t *chunk);

/* Reads the topic from its begin to where it ends now. `stop` is asked whether to give up.
 * OK; END: it was to stop; else as topic_reader_open(). */
MUST_CHECK enum status parked_list_read(struct parked_list *list,
                                        const struct bus_settings *settings,
                                        bool (*stop)(void *context), struct failure *why);
void parked_list_clear(struct parked_list *list);

/* Calls `take` with those records for which `wants` is true, in the order of the topic, until one
 * of them is not OK; that is returned. */
struct parked_visitor {
    bool (*wants)(void *context, int32_t partition, int64_t offset);
    enum status (*take)(void *context, const struct bus_message *message, struct failure *why);
    void *context;
};
MUST_CHECK enum status parked_visit(const struct bus_settings *settings,
                                    const struct parked_visitor *visitor,
                                    bool (*stop)(void *context), struct failure *why);

/* The word in the header `kind` of a mark. */
#define PARKED_MARK "sent-again"

#endif
