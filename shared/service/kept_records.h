/* service/kept_records.h -- reads a service's saved state of a partition from a compacted topic. */
#ifndef SERVICE_KEPT_RECORDS_H
#define SERVICE_KEPT_RECORDS_H

#include "base/bytes.h"
#include "base/names.h"
#include "bus/bus_reader.h"
#include "bus/consumer.h"
#include "service/service.h"

/* The newest record of each key. */
struct kept_records {
    struct key_value *at; /* result of kept_records_read(); owned, as are the values */
    size_t count, room;
    size_t read; /* records, including replaced ones */
    struct names keys;
};

struct kept_source {
    struct service *service;
    struct bus_consumer *consumer; /* its group has the offset */
    struct bus_reader *reader;
    enum bus_topic topic;
};

/* Reads the committed offset of a partition (BUS_OFFSET_NONE: its begin) and its saved state;
 * repeats while the broker does not respond. Clear `out` in any case. RETRY: the service is
 * stopping. REJECT, STOP: it cannot be read. */
MUST_CHECK enum status kept_records_read(const struct kept_source *source, int32_t partition,
                                         struct kept_records *out, int64_t *offset,
                                         struct failure *why);
void kept_records_clear(struct kept_records *kept);

#endif
