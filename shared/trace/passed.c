#include "trace/passed.h"

#include "base/memory.h"
#include "trace/syscalls.h"

/* The bits below the kind. */
enum { NAMED = 1, END_HARD = 2, USED = 4, FLAG_BITS = 3 };

/* Numbers per descriptor, without its name and durations. */
enum { NUMBERS = 7 };

void passed_put(struct passed_out *out, const struct passed *passed)
{
    bool is_used = passed->uses.calls.count > 0;
    size_t most = (NUMBERS + durations_numbers(&passed->uses.calls)) * ROW_NUMBER +
                  passed->name.count + ROW_SLACK;
    if (out->room - out->count < most)
        out->at = memory_grow(out->at, &out->room, out->count + most, 1);
    uint8_t *at = out->at + out->count;
    at = row_put(at, (uint32_t)passed->fd);
    at = row_put(at, (uint64_t)passed->kind << FLAG_BITS | (passed->named ? NAMED : 0) |
                         (passed->end_hard ? END_HARD : 0) | (is_used ? USED : 0));
    at = row_put_signed(at, (int64_t)(passed->begin_ns - out->end_ns));
    at = row_put_signed(at, (int64_t)(passed->end_ns - passed->begin_ns));
    if (passed->named) {
        at = row_put(at, passed->name.count);
        if (passed->name.count > 0)
            memcpy(at, passed->name.at, passed->name.count);
        at += passed->name.count;
    }
    if (is_used) {
        at = durations_put(at, &passed->uses.calls);
        at = row_put(at, passed->uses.read_bytes);
        at = row_put(at, passed->uses.write_bytes);
    }
    out->count = (size_t)(at - out->at);
    out->end_ns = passed->end_ns;
    out->passed++;
}

/* The part of a descriptor up to its uses; returns whether it has any. */
static inline bool take_description(struct row_reader *row, uint64_t *end_ns, struct passed *out)
{
    uint64_t fd = row_take(row), kind = row_take(row);
    row_refuse_if(row, fd > INT32_MAX || kind >> FLAG_BITS >= DESCRIPTOR_KINDS);
    out->fd = (int32_t)fd;
    out->kind = (uint8_t)(kind >> FLAG_BITS);
    out->named = kind & NAMED;
    out->end_hard = kind & END_HARD;
    out->begin_ns = *end_ns + (uint64_t)row_take_signed(row);
    out->end_ns = *end_ns = out->begin_ns + (uint64_t)row_take_signed(row);
    if (out->named) {
        size_t count = row_take_count(row, 1);
        out->name = (struct text){count > 0 ? (const char *)row->at : "", count};
        row->at += count;
    }
    return kind & USED;
}

bool passed_take(struct passed_in *in, struct arena *arena, struct passed *out)
{
    struct row_reader *row = &in->row;
    if (row_left(row) == 0)
        return false;
    *out = (struct passed){.fd = 0};
    if (take_description(row, &in->end_ns, out)) {
        durations_take(row, arena, &out->uses.calls);
        out->uses.read_bytes = row_take(row);
        out->uses.write_bytes = row_take(row);
    }
    return !row->bad;
}

bool passed_are(struct bytes bytes, uint64_t count)
{
    /* Not in `struct passed_in`: a reader whose address no function gets is in registers. */
    struct row_reader row = passed_in(bytes).row;
    uint64_t end_ns = 0, passed = 0;
    for (; row_left(&row) > 0; passed++) {
        struct passed each;
        if (!take_description(&row, &end_ns, &each))
            continue;
        row = durations_skip(row);
        (void)row_take(&row);
        (void)row_take(&row);
    }
    return !row.bad && passed == count;
}
