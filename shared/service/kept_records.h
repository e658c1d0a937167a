/* service/kept_records.h -- what a service kept of a partition in a compacted topic, read again when it gets it. */
#ifndef SERVICE_KEPT_RECORDS_H
#define SERVICE_KEPT_RECORDS_H

#include "base/bytes.h"
#include "base/names.h"
#include "bus/bus_reader.h"
#include "bus/consumer.h"
#include "service/service.h"

/* The newest record of each key that has one. */
struct kept_records {
    struct key_value *at; /* what kept_records_read() has found; owned, as are the values */
    size_t count, room;
    size_t read; /* records, those that newer ones replaced included */
    struct names keys;
};

struct kept_source {
    struct service *service;
    struct bus_consumer *consumer; /* whose group's offset it is */
    struct bus_reader *reader;
    enum bus_topic topic;
};

/* Reads where a partition is to go on (BUS_OFFSET_NONE: from its begin), and what is kept of it; asks again while the
 * broker does not answer. `out` is to be cleared, whatever comes of it. RETRY: asked to stop. REJECT, STOP: it cannot
 * be read. */
MUST_CHECK enum status kept_records_read(const struct kept_source *source, int32_t partition,
                                         struct kept_records *out, int64_t *offset,
                                         struct failure *why);
void kept_records_clear(struct kept_records *kept);

#endif
