#include "analysis/older_begins.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A step is two bytes: flags, and one bit per kind of nonzero time; then, as numbers (base/row.h):
 * its events; its begin, unless that is the sum of all times; its calls, if not in the flags; the
 * times; the handler time in them, if the flags say so; the number of calls with blocked time,
 * likewise; for each of these, the index of the call and the time. At its end is its length, which
 * is read backwards: one byte, or two and SIZE_LONG. */
enum {
    FLAG_CALLS = 7,
    FLAG_BEGIN = 8,
    FLAG_BLOCKED_SHIFT = 4,
    FLAG_BLOCKED = 3,
    FLAG_INTERRUPTED = 64,
    FLAGS = 128
};
enum { CALLS_EXPLICIT = FLAG_CALLS, BLOCKED_EXPLICIT = FLAG_BLOCKED };

enum { SIZE_LONG = 255, SIZE_BYTES = 3 };

/* A block is a record of saved state, and is written completely when a step is added. */
enum { BLOCK_FIRST = 96, BLOCK_MOST = 1 << 10, BLOCK_BYTES_MOST = 1 << 20 };

enum { PARTS = 8, BITS_OTHER = 0xe0, INTERRUPTED_PARTS = 4 };

static void parts_of(const struct time_vector *time, uint64_t parts[PARTS])
{
    parts[0] = time->user_ns;
    parts[1] = time->sys_ns;
    parts[2] = time->runnable_ns;
    parts[3] = time->unknown_ns;
    parts[4] = time->blocked_ns;
    parts[5] = time->before_running_ns;
    parts[6] = time->before_blocked_ns;
    parts[7] = time->as_before_ns;
}

static void set_parts(struct time_vector *time, const uint64_t parts[PARTS])
{
    time->user_ns = parts[0];
    time->sys_ns = parts[1];
    time->runnable_ns = parts[2];
    time->unknown_ns = parts[3];
    time->blocked_ns = parts[4];
    time->before_running_ns = parts[5];
    time->before_blocked_ns = parts[6];
    time->as_before_ns = parts[7];
}

/* --- blocks --- */

static struct begin_block *block_new(size_t room)
{
    struct begin_block *block = memory_buffer(sizeof *block + room);
    *block = (struct begin_block){.room = (uint32_t)room};
    return block;
}

/* Links it in place of `old`, whose links it has; NULL: on top. */
static void link_block(struct older_begins *older_begins, struct begin_block *block)
{
    *(block->below ? &block->below->above : &older_begins->bottom) = block;
    *(block->above ? &block->above->below : &older_begins->top) = block;
}

static void free_block(struct older_begins *older_begins, struct begin_block *block)
{
    changes_forget(older_begins->changes, &block->change);
    free(block->calls);
    free(block);
}

static void remove_block(struct older_begins *older_begins, struct begin_block *block)
{
    *(block->below ? &block->below->above : &older_begins->bottom) = block->above;
    *(block->above ? &block->above->below : &older_begins->top) = block->below;
    free_block(older_begins, block);
}

/* The top block, with room for `bytes` more. */
static struct begin_block *top_with_room(struct older_begins *older_begins, size_t bytes)
{
    struct begin_block *top = older_begins->top;
    if (top && top->room - top->end >= bytes)
        return top;
    if (top && top->end < BLOCK_MOST / 2) {
        size_t room = 2 * (size_t)top->room + bytes;
        top = memory_resize(top, 1, sizeof *top + room);
        top->room = (uint32_t)room;
        link_block(older_begins, top);
        return top;
    }
    struct begin_block *block = block_new((top ? BLOCK_MOST : BLOCK_FIRST) + bytes);
    block->id = older_begins->youngest.order;
    block->below = top;
    link_block(older_begins, block);
    return block;
}

/* --- steps --- */

static uint32_t place_of_call(struct begin_block *block, uint32_t call)
{
    for (size_t i = 0; i < block->call_count; i++)
        if (block->calls[i] == call)
            return (uint32_t)i;
    block->calls =
        memory_grow(block->calls, &block->call_room, block->call_count + 1, sizeof *block->calls);
    block->calls[block->call_count] = call;
    return (uint32_t)block->call_count++;
}

static size_t most_bytes(const struct begin_step *step)
{
    return (4 + PARTS + INTERRUPTED_PARTS + 1 + 2 * (size_t)step->time.blocked_count) * ROW_NUMBER +
           SIZE_BYTES + ROW_SLACK;
}

/* Appends the size of the step to the block, which has room for it. */
static void put_size(struct begin_block *block, uint8_t *at)
{
    size_t size = (size_t)(at - (block->at + block->end));
    assert(size <= UINT16_MAX && at - block->at <= (ptrdiff_t)block->room);
    if (size >= SIZE_LONG) {
        *at++ = (uint8_t)size;
        *at++ = (uint8_t)(size >> 8);
        size = SIZE_LONG;
    }
    *at++ = (uint8_t)size;
    block->end = (uint32_t)(at - block->at);
    block->count++;
    block->changed = true;
}

static void put_step(struct begin_block *block, const struct begin_step *step)
{
    uint8_t *begin = block->at + block->end, *at = begin + 2;
    uint32_t blocked = step->time.blocked_count;
    bool has_own_begin = step->begin_ns != time_vector_whole(&step->time);
    unsigned calls = step->calls < CALLS_EXPLICIT ? (unsigned)step->calls : CALLS_EXPLICIT;
    unsigned some = blocked < BLOCKED_EXPLICIT ? blocked : BLOCKED_EXPLICIT;
    const struct interrupted *interrupted = &step->time.interrupted;
    bool is_interrupted = interrupted_any(interrupted);
    begin[0] = (uint8_t)(calls | (has_own_begin ? FLAG_BEGIN : 0) | some << FLAG_BLOCKED_SHIFT |
                         (is_interrupted ? FLAG_INTERRUPTED : 0));
    begin[1] = 0;
    at = row_put(at, step->events);
    if (has_own_begin)
        at = row_put(at, step->begin_ns);
    if (calls == CALLS_EXPLICIT)
        at = row_put(at, step->calls);
    uint64_t parts[PARTS];
    parts_of(&step->time, parts);
    for (unsigned i = 0; i < PARTS; i++) {
        if (parts[i] == 0)
            continue;
        begin[1] |= (uint8_t)(1 << i);
        at = row_put(at, parts[i]);
    }
    if (is_interrupted) {
        at = row_put(at, interrupted->irq_ns);
        at = row_put(at, interrupted->softirq_ns);
        at = row_put(at, interrupted->sys_ns);
        at = row_put(at, interrupted->before_ns);
    }
    if (some == BLOCKED_EXPLICIT)
        at = row_put(at, blocked);
    for (uint32_t i = 0; i < blocked; i++) {
        at = row_put(at, place_of_call(block, step->time.blocked_in[i].call));
        at = row_put(at, step->time.blocked_in[i].ns);
    }
    put_size(block, at);
    block->has_other |= (begin[1] & BITS_OTHER) || interrupted->before_ns > 0;
}

/* The decoded part of a step before its times blocked in calls. */
struct raw_step {
    const uint8_t *begin;
    unsigned bits;
    bool has_own_begin;
    uint64_t events, begin_ns, calls; /* begin_ns: if has_own_begin */
    uint64_t parts[PARTS];            /* those whose bit is set */
    uint64_t whole_ns;                /* the sum of parts */
    struct interrupted interrupted;
    size_t blocked;
};

static inline bool read_head(struct begin_reader *reader, struct raw_step *raw)
{
    struct row_reader *row = &reader->row;
    raw->begin = row->at;
    if (row_left(row) < 2) {
        row_refuse_if(row, row_left(row) > 0);
        return false;
    }
    unsigned flags = row->at[0];
    raw->bits = row->at[1];
    row->at += 2;
    raw->events = row_take(row);
    raw->has_own_begin = flags & FLAG_BEGIN;
    raw->begin_ns = raw->has_own_begin ? row_take(row) : 0;
    raw->calls = flags & FLAG_CALLS;
    if (raw->calls == CALLS_EXPLICIT)
        raw->calls = row_take(row);
    raw->whole_ns = 0;
    for (unsigned left = raw->bits; left; left &= left - 1)
        raw->whole_ns += raw->parts[__builtin_ctz(left)] = row_take(row);
    raw->interrupted = (struct interrupted){.irq_ns = 0};
    if (flags & FLAG_INTERRUPTED) {
        raw->interrupted.irq_ns = row_take(row);
        raw->interrupted.softirq_ns = row_take(row);
        raw->interrupted.sys_ns = row_take(row);
        raw->interrupted.before_ns = row_take(row);
    }
    raw->blocked = flags >> FLAG_BLOCKED_SHIFT & FLAG_BLOCKED;
    if (raw->blocked == BLOCKED_EXPLICIT)
        raw->blocked = row_take(row);
    row_refuse_if(row, flags >= FLAGS || raw->blocked > reader->call_count ||
                           raw->blocked > OLDER_BEGIN_CALLS_MAX);
    return !row->bad;
}

/* The decoded length must equal the stored one. */
static inline bool read_size(struct begin_reader *reader, const struct raw_step *raw)
{
    struct row_reader *row = &reader->row;
    const uint8_t *at = row->at;
    size_t size = (size_t)(at - raw->begin);
    size_t bytes = size < SIZE_LONG ? 1 : SIZE_BYTES;
    bool is_wrong = row->bad || row_left(row) < bytes ||
                    at[bytes - 1] != (bytes == 1 ? size : SIZE_LONG) ||
                    (bytes > 1 && (size_t)(at[0] | at[1] << 8) != size);
    row_refuse_if(row, is_wrong);
    if (!is_wrong)
        row->at += bytes;
    return !is_wrong;
}

/* The index of the next call; 0 and `bad` if invalid. */
static inline size_t read_place(struct begin_reader *reader)
{
    uint64_t place = row_take(&reader->row);
    row_refuse_if(&reader->row, place >= reader->call_count);
    return reader->row.bad ? 0 : (size_t)place;
}

bool older_begins_read(struct begin_reader *reader, struct begin_step *step)
{
    struct raw_step raw = {.parts = {0}};
    time_vector_clear(&step->time);
    if (!read_head(reader, &raw))
        return false;
    set_parts(&step->time, raw.parts);
    step->time.interrupted = raw.interrupted;
    for (size_t i = 0; i < raw.blocked && !reader->row.bad; i++) {
        size_t place = read_place(reader);
        uint64_t ns = row_take(&reader->row);
        if (!reader->row.bad)
            time_vector_add_blocked_in(&step->time, reader->calls[place], ns);
    }
    step->events = raw.events;
    step->calls = raw.calls;
    step->begin_ns = raw.has_own_begin ? raw.begin_ns : time_vector_whole(&step->time);
    return read_size(reader, &raw);
}

struct begin_reader older_begins_reader(const struct begin_steps *steps)
{
    const uint8_t *at = steps->bytes.at;
    return (struct begin_reader){{at, steps->bytes.count > 0 ? at + steps->bytes.count : at, false},
                                 steps->calls,
                                 steps->call_count};
}

bool older_begins_valid(struct begin_steps *steps)
{
    struct begin_reader reader = older_begins_reader(steps);
    struct raw_step raw;
    uint64_t found = 0, events = 0;
    bool has_other = false;
    bool ascend = steps->bytes.count <= BLOCK_BYTES_MOST;
    for (; read_head(&reader, &raw); found++) {
        for (size_t i = 0; i < raw.blocked && !reader.row.bad; i++) {
            (void)read_place(&reader);
            (void)row_take(&reader.row);
        }
        if (!read_size(&reader, &raw))
            break;
        ascend &= raw.events > 0 && raw.events <= SESSION_EVENTS_MAX - events;
        events += raw.events;
        has_other |= (raw.bits & BITS_OTHER) || raw.interrupted.before_ns > 0;
    }
    steps->has_other = has_other;
    return !reader.row.bad && ascend && found > 0 && found == steps->count &&
           events == steps->events;
}

/* The offset of the last step of the block. */
static uint32_t last_of(const struct begin_block *block)
{
    uint32_t size = block->at[block->end - 1];
    if (size != SIZE_LONG)
        return block->end - 1 - size;
    const uint8_t *at = block->at + block->end - SIZE_BYTES;
    return block->end - SIZE_BYTES - (uint32_t)(at[0] | at[1] << 8);
}

static struct begin_reader reader_at(const struct begin_block *block, uint32_t at)
{
    return (struct begin_reader){
        {block->at + at, block->at + block->end, false}, block->calls, block->call_count};
}

/* --- older begins --- */

static void mark_move(struct instance_mark *mark, const struct begin_step *step, bool back)
{
    uint64_t sign = back ? UINT64_MAX : 1; /* -1, modulo 2^64 */
    uint64_t parts[PARTS], by[PARTS];
    mark->begin_ns += step->begin_ns * sign;
    mark->order += (step->events << EVENT_SHIFT) * sign;
    mark->calls_at += step->calls * sign;
    parts_of(&mark->total_at, parts);
    parts_of(&step->time, by);
    for (unsigned i = 0; i < PARTS; i++)
        parts[i] += by[i] * sign;
    set_parts(&mark->total_at, parts);
    (back ? interrupted_subtract : interrupted_add)(&mark->total_at.interrupted,
                                                    &step->time.interrupted);
    for (uint32_t i = 0; i < step->time.blocked_count; i++)
        time_vector_add_blocked_in(&mark->total_at, step->time.blocked_in[i].call,
                                   step->time.blocked_in[i].ns * sign);
}

void older_begins_push_step(struct older_begins *older_begins, const struct begin_step *step)
{
    put_step(top_with_room(older_begins, most_bytes(step)), step);
    mark_move(&older_begins->youngest, step, false);
    older_begins->count++;
}

static uint64_t blocked_at(const struct time_vector *time, uint32_t hint, uint32_t call)
{
    if (hint < time->blocked_count && time->blocked_in[hint].call == call)
        return time->blocked_in[hint].ns;
    for (uint32_t i = 0; i < time->blocked_count; i++)
        if (time->blocked_in[i].call == call)
            return time->blocked_in[i].ns;
    return 0;
}

/* The difference of `to` and `from`. Calls have mostly the same index in both. */
static void take_step(struct begin_step *step, const struct instance_mark *from,
                      const struct instance_mark *to)
{
    const struct time_vector *a = &from->total_at, *b = &to->total_at;
    uint64_t parts[PARTS], by[PARTS];
    step->begin_ns = to->begin_ns - from->begin_ns;
    assert(to->order > from->order && (to->order - from->order) % (1 << EVENT_SHIFT) == 0);
    step->events = (to->order - from->order) >> EVENT_SHIFT;
    step->calls = to->calls_at - from->calls_at;
    parts_of(b, parts);
    parts_of(a, by);
    for (unsigned i = 0; i < PARTS; i++)
        parts[i] -= by[i];
    time_vector_clear(&step->time);
    set_parts(&step->time, parts);
    step->time.interrupted = b->interrupted;
    interrupted_subtract(&step->time.interrupted, &a->interrupted);
    for (uint32_t i = 0; i < b->blocked_count; i++)
        time_vector_add_blocked_in(&step->time, b->blocked_in[i].call,
                                   b->blocked_in[i].ns - blocked_at(a, i, b->blocked_in[i].call));
    for (uint32_t i = 0; i < a->blocked_count; i++) {
        uint32_t call = a->blocked_in[i].call;
        if ((i >= b->blocked_count || b->blocked_in[i].call != call) && blocked_at(b, i, call) == 0)
            time_vector_add_blocked_in(&step->time, call, 0 - a->blocked_in[i].ns);
    }
}

struct older_begins *older_begins_new(struct changes *changes)
{
    struct older_begins *older_begins = memory_new(sizeof *older_begins);
    older_begins->changes = changes;
    return older_begins;
}

void older_begins_free(struct older_begins *older_begins)
{
    if (!older_begins)
        return;
    while (older_begins->top)
        remove_block(older_begins, older_begins->top);
    time_vector_free(&older_begins->oldest.total_at);
    time_vector_free(&older_begins->youngest.total_at);
    free(older_begins);
}

/* Copies `from` to `to`, with a time of its own. */
static void mark_copy(struct instance_mark *to, const struct instance_mark *from)
{
    struct time_vector time = to->total_at;
    *to = *from;
    to->total_at = time;
    time_vector_copy(&to->total_at, &from->total_at);
}

/* A step with at most this many calls needs no allocation. */
enum { BLOCKED_ROOM = 64 };

void older_begins_push(struct older_begins *older_begins, struct instance_mark *mark)
{
    if (older_begins->count++ == 0) {
        mark_copy(&older_begins->oldest, mark);
    } else {
        struct blocked_in room[BLOCKED_ROOM];
        struct begin_step step = {.time = {.blocked_in = room, .blocked_room = BLOCKED_ROOM}};
        bool fits = older_begins->youngest.total_at.blocked_count + mark->total_at.blocked_count <=
                    BLOCKED_ROOM;
        if (!fits)
            step.time = (struct time_vector){0};
        take_step(&step, &older_begins->youngest, mark);
        put_step(top_with_room(older_begins, most_bytes(&step)), &step);
        if (!fits)
            time_vector_free(&step.time);
    }
    struct time_vector spare = older_begins->youngest.total_at;
    older_begins->youngest = *mark;
    mark->total_at = spare;
    time_vector_clear(&mark->total_at);
}

void older_begins_pop(struct older_begins *older_begins, struct instance_mark *to)
{
    assert(older_begins->count > 0);
    mark_copy(to, &older_begins->youngest);
    struct begin_block *top = older_begins->top;
    if (--older_begins->count == 0)
        return;
    uint32_t last = last_of(top);
    struct begin_step step = {.events = 0};
    struct begin_reader reader = reader_at(top, last);
    (void)older_begins_read(&reader, &step);
    assert(!reader.row.bad);
    mark_move(&older_begins->youngest, &step, true);
    time_vector_free(&step.time);
    top->end = last;
    top->changed = true;
    if (--top->count == 0)
        remove_block(older_begins, top);
}

void older_begins_drop_oldest(struct older_begins *older_begins)
{
    assert(older_begins->count > 0);
    struct begin_block *bottom = older_begins->bottom;
    if (--older_begins->count == 0)
        return;
    struct begin_step step = {.events = 0};
    struct begin_reader reader = reader_at(bottom, bottom->begin);
    (void)older_begins_read(&reader, &step);
    assert(!reader.row.bad);
    mark_move(&older_begins->oldest, &step, false);
    time_vector_free(&step.time);
    bottom->begin = (uint32_t)(reader.row.at - bottom->at);
    bottom->changed = true;
    if (--bottom->count == 0)
        remove_block(older_begins, bottom);
}

/* Writes the same steps to another block, which may be larger. Calls keep their indices, so a
 * number that is written again does not get longer. */
static void resolve_block(struct older_begins *older_begins, struct begin_block *block,
                          void (*resolve)(struct time_vector *time, const void *context),
                          const void *context)
{
    /* Each step gets at most one more call, and its size and number of calls may get longer. */
    size_t room = block->end - block->begin + block->count * (size_t)(4 * ROW_NUMBER) + SIZE_BYTES +
                  ROW_SLACK;
    struct begin_block *made = block_new(room);
    made->id = block->id;
    made->change = block->change;
    block->change.kept = 0;
    made->calls = memory_grow(NULL, &made->call_room, block->call_count + 1, sizeof *made->calls);
    if (block->call_count > 0)
        memcpy(made->calls, block->calls, block->call_count * sizeof *made->calls);
    made->call_count = block->call_count;
    made->below = block->below;
    made->above = block->above;
    struct begin_reader reader = reader_at(block, block->begin);
    struct begin_step step = {.events = 0};
    while (older_begins_read(&reader, &step)) {
        resolve(&step.time, context);
        put_step(made, &step);
    }
    time_vector_free(&step.time);
    link_block(older_begins, made);
    free_block(older_begins, block);
}

void older_begins_resolve(struct older_begins *older_begins,
                          void (*resolve)(struct time_vector *time, const void *context),
                          const void *context)
{
    resolve(&older_begins->oldest.total_at, context);
    resolve(&older_begins->youngest.total_at, context);
    for (struct begin_block *below, *each = older_begins->top; each; each = below) {
        below = each->below;
        if (each->has_other)
            resolve_block(older_begins, each, resolve, context);
    }
}

uint64_t older_begins_events(const struct older_begins *older_begins,
                             const struct begin_block *block)
{
    uint64_t begin = block->below ? block->id : older_begins->oldest.order;
    uint64_t end = block->above ? block->above->id : older_begins->youngest.order;
    return (end - begin) >> EVENT_SHIFT;
}

void older_begins_add_block(struct older_begins *older_begins, uint64_t id,
                            const struct begin_steps *steps)
{
    assert(older_begins->count > 0 && steps->count > 0);
    struct begin_block *block = block_new(steps->bytes.count);
    memcpy(block->at, steps->bytes.at, steps->bytes.count);
    block->id = id;
    block->count = (uint32_t)steps->count;
    block->end = (uint32_t)steps->bytes.count;
    block->has_other = steps->has_other;
    if (steps->call_count > 0) {
        block->calls =
            memory_grow(NULL, &block->call_room, steps->call_count, sizeof *block->calls);
        memcpy(block->calls, steps->calls, steps->call_count * sizeof *block->calls);
        block->call_count = steps->call_count;
    }
    block->below = older_begins->top;
    link_block(older_begins, block);
    older_begins->youngest.order += steps->events << EVENT_SHIFT;
    older_begins->count += steps->count;
}
