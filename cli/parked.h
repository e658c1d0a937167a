/* cli/parked.h -- reads the topic of parked chunks.
 *
 * A mapper parks an announcement unchanged, with its key and the headers kind, reason, and topic,
 * partition and offset where it was read. Sending one again adds a mark to the same topic: a record
 * without a value, of kind `sent-again`, with the position of the parked one. */
#ifndef CLI_PARKED_H
#define CLI_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "cli/topic_reader.h"

struct parked {
    int32_t partition; /* of the parked topic */
    int64_t offset;
    int64_t time_ms; /* when it was parked; -1 if unknown */
    const char *key;
    struct text session; /* a part of the key; all of it, if it is not SESSION/NUMBER */
    bool has_chunk;
    uint64_t chunk;
    const char *kind, *reason, *from; /* "" if absent; from: "TOPIC[PARTITION] at OFFSET" */
    bool sent_again;
};

struct parked_list {
    struct arena arena; /* strings */
    struct parked *at;  /* by time, then by position */
    size_t count, room;
};

/* Splits an announcement's key, SESSION/NUMBER. False: it has another form; `session` is all of
 * it. */
bool parked_split_key(struct text key, struct text *session, uint64_t *chunk);

/* Reads the topic from its begin to its current end. `stop` returns true to give up.
 * OK; END: stopped; else as topic_reader_open(). */
MUST_CHECK enum status parked_list_read(struct parked_list *list,
                                        const struct bus_settings *settings,
                                        bool (*stop)(void *context), struct failure *why);
void parked_list_clear(struct parked_list *list);

/* Calls `take` for the records that `wants` selects, in topic order, until it returns another
 * status than OK, which is returned. */
struct parked_visitor {
    bool (*wants)(void *context, int32_t partition, int64_t offset);
    enum status (*take)(void *context, const struct bus_message *message, struct failure *why);
    void *context;
};
MUST_CHECK enum status parked_visit(const struct bus_settings *settings,
                                    const struct parked_visitor *visitor,
                                    bool (*stop)(void *context), struct failure *why);

/* The header `kind` of a mark. */
#define PARKED_MARK "sent-again"

#endif
