/* member/kept_records.h -- reads the saved state of a partition from its compacted topic. */
#ifndef MEMBER_KEPT_RECORDS_H
#define MEMBER_KEPT_RECORDS_H

#include "base/names.h"
#include "member/member.h"

/* The newest record of each key. */
struct kept_records {
    struct key_value *at; /* result of kept_records_read(); owned, as are the values */
    size_t count, room;
    size_t read; /* records, including replaced ones */
    struct names keys;
};

/* Reads the committed offset of a partition (BUS_OFFSET_NONE: its begin) and its saved state;
 * repeats while the broker does not respond. Clear `out` in any case. RETRY: the service is
 * stopping. REJECT, STOP: it cannot be read. */
MUST_CHECK enum status kept_records_read(const struct member *member, int32_t partition,
                                         struct kept_records *out, int64_t *offset,
                                         struct failure *why);
void kept_records_clear(struct kept_records *kept);

#endif
