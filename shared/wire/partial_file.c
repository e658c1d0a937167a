#include "wire/partial_file.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "wire/format.h"

/* What writing an item needs. */
struct hand {
    struct partial_file *file;
    struct writer *out; /* file->items */
    struct shared_names *names;
    const struct schema *schema;
};

/* --- names --- */

static struct local_name *place_of(const struct local_names *names, uint32_t shared)
{
    size_t at = (size_t)map_hash(shared) & names->mask;
    while (names->places[at].shared && names->places[at].shared != shared + 1)
        at = (at + 1) & names->mask;
    return &names->places[at];
}

static void grow(struct local_names *names)
{
    size_t places = names->places ? 2 * (names->mask + 1) : 16;
    free(names->places);
    names->places = memory_new(places * sizeof *names->places);
    names->mask = places - 1;
    for (size_t i = 0; i < names->count; i++)
        *place_of(names, names->at[i]) = (struct local_name){names->at[i] + 1, (uint32_t)i};
}

static uint32_t local(struct hand *hand, uint32_t shared)
{
    struct local_names *names = &hand->file->names;
    if (!names->places || 2 * (names->count + 1) > names->mask)
        grow(names);
    struct local_name *place = place_of(names, shared);
    if (!place->shared) {
        *place = (struct local_name){shared + 1, (uint32_t)names->count};
        names->at = memory_grow(names->at, &names->room, names->count + 1, sizeof *names->at);
        names->at[names->count++] = shared;
        names->bytes += names_text(&hand->names->names, shared).count + 4;
    }
    return place->local;
}

static uint32_t name(struct hand *hand, struct text text)
{
    return local(hand, names_id(&hand->names->names, text));
}

/* The name of what has a dense id, which is looked up once. */
static uint32_t known_name(struct hand *hand, uint32_t **known, size_t *count, uint32_t id,
                           const char *text)
{
    if (id >= *count) {
        size_t room = *count;
        *known = memory_grow(*known, &room, (size_t)id + 1, sizeof **known);
        memset(*known + *count, 0, (room - *count) * sizeof **known);
        *count = room;
    }
    if (!(*known)[id])
        (*known)[id] = 1 + names_id(&hand->names->names, text_of(text));
    return local(hand, (*known)[id] - 1);
}

static uint32_t class_name(struct hand *hand, const struct event_class *class)
{
    return known_name(hand, &hand->names->of_class, &hand->names->class_count, class->id,
                      class->name);
}

static uint32_t call_name(struct hand *hand, const struct syscall *call)
{
    return known_name(hand, &hand->names->of_call, &hand->names->call_count, call->id, call->name);
}

void shared_names_clear(struct shared_names *names)
{
    names_clear(&names->names);
    free(names->of_class);
    free(names->of_call);
    *names = (struct shared_names){.of_class = NULL};
}

/* --- parts of items --- */

static int64_t delta(struct hand *hand, uint64_t time_ns)
{
    struct partial_file *file = hand->file;
    if (!file->has_base) {
        file->has_base = true;
        file->base_ns = file->last_ns = time_ns;
    }
    int64_t difference = (int64_t)(time_ns - file->last_ns);
    file->last_ns = time_ns;
    return difference;
}

static void write_durations(struct writer *out, unsigned field, const struct duration_cell *cell)
{
    if (cell->count == 0)
        return;
    size_t begin = writer_open(out, field);
    write_unsigned(out, TAG_DURATIONS_COUNT, cell->count);
    write_nonzero(out, TAG_DURATIONS_TOTAL, cell->total_ns);
    if (cell->count > 1) {
        write_nonzero(out, TAG_DURATIONS_MIN, cell->min_ns);
        write_nonzero(out, TAG_DURATIONS_ABOVE_MIN, cell->max_ns - cell->min_ns);
    }
    if (cell->count > DURATIONS_TOLD) {
        size_t spread = writer_open(out, TAG_DURATIONS_SPREAD);
        unsigned last = histogram_bucket(cell->max_ns);
        for (unsigned i = histogram_bucket(cell->min_ns); i <= last; i++) {
            if (cell->spread.count[i] == 0)
                continue;
            write_varint(out, i);
            write_varint(out, cell->spread.count[i]);
        }
        writer_close(out, spread);
    }
    writer_close(out, begin);
}

static void write_numbers(struct writer *out, unsigned field, const int64_t *numbers, size_t count)
{
    if (count == 0)
        return;
    size_t begin = writer_open(out, field);
    for (size_t i = 0; i < count; i++)
        write_varint(out, zigzag(numbers[i]));
    writer_close(out, begin);
}

/* Those of `room` values that are present. */
static void write_values(struct writer *out, unsigned field, unsigned present, const int64_t *value,
                         unsigned room)
{
    if ((present & ((1u << room) - 1)) == 0)
        return;
    size_t begin = writer_open(out, field);
    for (unsigned i = 0; i < room; i++)
        if (present >> i & 1)
            write_varint(out, zigzag(value[i]));
    writer_close(out, begin);
}

static void write_fields(struct hand *hand, const struct event *event)
{
    struct writer *out = hand->out;
    for (size_t i = 0; i < event->field_count; i++) {
        const struct field_value *value = &event->fields[i];
        size_t begin = writer_open(out, TAG_EVENT_FIELDS);
        switch (value->type) {
        case FIELD_ABSENT: break;
        case FIELD_INT: write_signed(out, TAG_FIELD_I, value->i); break;
        case FIELD_UINT: write_unsigned(out, TAG_FIELD_U, value->u); break;
        case FIELD_TEXT: write_unsigned(out, TAG_FIELD_TEXT, name(hand, value->text)); break;
        }
        writer_close(out, begin);
    }
}

static void write_texts(struct hand *hand, const struct event *event)
{
    if (event->present >> EVENT_VALUES == 0)
        return;
    size_t begin = writer_open(hand->out, TAG_EVENT_TEXTS);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            write_varint(hand->out, name(hand, event->text[i]));
    writer_close(hand->out, begin);
}

static void write_contexts(struct hand *hand, const struct event *event)
{
    struct writer *out = hand->out;
    if (event->has & EVENT_HAS_TID)
        write_signed(out, TAG_EVENT_TID, event->tid);
    if (event->has & EVENT_HAS_PID)
        write_signed(out, TAG_EVENT_PID, event->pid);
    if (event->has & EVENT_HAS_VTID)
        write_signed(out, TAG_EVENT_VTID, event->vtid);
    if (event->has & EVENT_HAS_VPID)
        write_signed(out, TAG_EVENT_VPID, event->vpid);
    if (event->has & EVENT_HAS_PROCNAME)
        write_unsigned(out, TAG_EVENT_PROCNAME, name(hand, event->procname));
}

static void write_open(struct hand *hand, const struct open_call *open)
{
    struct writer *out = hand->out;
    size_t begin = writer_open(out, TAG_THREAD_OPEN);
    write_unsigned(out, TAG_OPEN_CALL, call_name(hand, open->call));
    write_signed(out, TAG_OPEN_ENTRY, delta(hand, open->entry_ns));
    write_nonzero(out, TAG_OPEN_PRESENT, open->present);
    write_values(out, TAG_OPEN_VALUES, open->present, open->value, CALL_VALUES);
    if (open->present & PRESENT_TEXT)
        write_unsigned(out, TAG_OPEN_TEXT, name(hand, open->text));
    writer_close(out, begin);
}

static void write_cell(struct hand *hand, const struct piece_call *call)
{
    const struct call_cell *cell = &call->cell;
    struct writer *out = hand->out;
    size_t begin = writer_open(out, TAG_THREAD_CALLS);
    write_unsigned(out, TAG_CELL_CALL, call_name(hand, call->call));
    write_durations(out, TAG_CELL_COMPLETE, &cell->complete);
    write_nonzero(out, TAG_CELL_BYTES, cell->bytes);
    write_nonzero(out, TAG_CELL_BEGIN_UNKNOWN, cell->begin_unknown);
    write_nonzero(out, TAG_CELL_END_UNKNOWN, cell->end_unknown);
    if (cell->slowest_entry_ns)
        write_signed(out, TAG_CELL_SLOWEST_ENTRY, delta(hand, cell->slowest_entry_ns));
    if (cell->error_count) {
        size_t errors = writer_open(out, TAG_CELL_ERRORS);
        for (uint32_t i = 0; i < cell->error_count; i++) {
            write_varint(out, cell->errors[i].number);
            write_varint(out, cell->errors[i].count);
        }
        writer_close(out, errors);
    }
    writer_close(out, begin);
}

static void write_time(struct hand *hand, const struct time_vector *time)
{
    struct writer *out = hand->out;
    write_nonzero(out, TAG_THREAD_USER_NS, time->user_ns);
    write_nonzero(out, TAG_THREAD_SYS_NS, time->sys_ns);
    write_nonzero(out, TAG_THREAD_RUNNABLE_NS, time->runnable_ns);
    write_nonzero(out, TAG_THREAD_UNKNOWN_NS, time->unknown_ns);
    write_nonzero(out, TAG_THREAD_BLOCKED_NS, time->blocked_ns);
    write_nonzero(out, TAG_THREAD_BEFORE_RUNNING_NS, time->before_running_ns);
    write_nonzero(out, TAG_THREAD_BEFORE_BLOCKED_NS, time->before_blocked_ns);
    if (time->blocked_count == 0)
        return;
    size_t begin = writer_open(out, TAG_THREAD_BLOCKED_IN);
    for (uint32_t i = 0; i < time->blocked_count; i++) {
        const struct syscall *call = schema_call_by_id(hand->schema, time->blocked_in[i].call);
        write_varint(out, call_name(hand, call));
        write_varint(out, time->blocked_in[i].ns);
    }
    writer_close(out, begin);
}

/* --- items --- */

static void write_event(struct hand *hand, const struct item *item)
{
    const struct event *event = &item->event.event;
    struct writer *out = hand->out;
    write_unsigned(out, TAG_EVENT_NAME, class_name(hand, event->class));
    write_nonzero(out, TAG_EVENT_USER, event->domain == DOMAIN_UST);
    write_signed(out, TAG_EVENT_TIME, delta(hand, event->time_ns));
    if (event->cpu >= 0)
        write_signed(out, TAG_EVENT_CPU, event->cpu);
    if (item->event.tid != TID_BY_CPU)
        write_signed(out, TAG_EVENT_THREAD, item->event.tid == TID_NOBODY ? 0 : item->event.tid);
    if (event->call && event->call != event->class->call)
        write_unsigned(out, TAG_EVENT_CALL, call_name(hand, event->call));
    write_nonzero(out, TAG_EVENT_PRESENT, event->present);
    write_values(out, TAG_EVENT_VALUES, event->present, event->value, EVENT_VALUES);
    write_texts(hand, event);
    write_numbers(out, TAG_EVENT_INTS, event->ints, event->int_count);
    write_fields(hand, event);
    write_contexts(hand, event);
    write_nonzero(out, TAG_EVENT_ELSEWHERE, item->event.elsewhere);
    write_nonzero(out, TAG_EVENT_IS_LOSS, event->kind == EVENT_LOSS);
}

/* Most of a piece's times are its end, and are counted back from there. */
static void write_times(struct hand *hand, const struct thread_piece *piece)
{
    struct writer *out = hand->out;
    uint64_t until_ns = piece->until_ns;
    bool known = piece->state_known;
    if (known) {
        write_unsigned(out, TAG_THREAD_STATE, piece->state);
        write_signed(out, TAG_THREAD_UNTIL, delta(hand, until_ns));
        write_nonzero(out, TAG_THREAD_WHOLE, until_ns - piece->from_ns);
        write_nonzero_signed(out, TAG_THREAD_STATE_SINCE,
                             (int64_t)(until_ns - piece->state_since_ns));
        if (piece->wake_ns != TIME_NONE)
            write_signed(out, TAG_THREAD_WAKE, (int64_t)(until_ns - piece->wake_ns));
    }
    if (piece->last_ns != TIME_NONE)
        write_signed(out, TAG_THREAD_LAST,
                     known ? (int64_t)(until_ns - piece->last_ns) : delta(hand, piece->last_ns));
    if (piece->named_ns != TIME_NONE)
        write_signed(out, TAG_THREAD_NAMED,
                     known ? (int64_t)(until_ns - piece->named_ns) : delta(hand, piece->named_ns));
}

static void write_thread(struct hand *hand, const struct thread_piece *piece)
{
    struct writer *out = hand->out;
    write_signed(out, TAG_THREAD_TID, piece->tid);
    write_times(hand, piece);
    write_nonzero(out, TAG_THREAD_CALL_REGISTER, piece->call_register);
    if (piece->call_register == CALL_OPEN)
        write_open(hand, &piece->open);
    write_nonzero(out, TAG_THREAD_CPU_NS, piece->cpu_ns);
    write_nonzero(out, TAG_THREAD_SWITCHES, piece->switches);
    write_durations(out, TAG_THREAD_LATENCY, &piece->latency);
    write_time(hand, &piece->time);
    for (size_t i = 0; i < piece->call_count; i++)
        write_cell(hand, &piece->calls[i]);
    if (piece->kernel_named)
        write_unsigned(out, TAG_THREAD_KERNEL_NAME, name(hand, piece->kernel_name));
    if (piece->user_named)
        write_unsigned(out, TAG_THREAD_USER_NAME, name(hand, piece->user_name));
}

static void write_cpu(struct hand *hand, const struct cpu_piece *piece)
{
    struct writer *out = hand->out;
    write_unsigned(out, TAG_CPU_CPU, (uint32_t)piece->cpu);
    if (piece->current != TID_NOBODY)
        write_signed(out, TAG_CPU_CURRENT, piece->current);
    write_signed(out, TAG_CPU_RUN_BEGIN, delta(hand, piece->run_begin_ns));
    write_nonzero(out, TAG_CPU_RUN_WHOLE, piece->run_whole);
    write_signed(out, TAG_CPU_LAST, delta(hand, piece->last_ns));
    write_nonzero(out, TAG_CPU_BUSY, piece->busy_ns);
}

static void write_uses(struct hand *hand, const struct uses_piece *piece)
{
    struct writer *out = hand->out;
    write_signed(out, TAG_USES_TID, piece->tid);
    write_signed(out, TAG_USES_FD, piece->fd);
    if (piece->proven_ns != TIME_NONE)
        write_signed(out, TAG_USES_PROVEN, delta(hand, piece->proven_ns));
    write_durations(out, TAG_USES_CALLS, &piece->cell.calls);
    write_nonzero(out, TAG_USES_READ_BYTES, piece->cell.read_bytes);
    write_nonzero(out, TAG_USES_WRITE_BYTES, piece->cell.write_bytes);
}

static void write_descriptor_call(struct hand *hand, const struct descriptor_call *call)
{
    struct writer *out = hand->out;
    write_signed(out, TAG_DESCRIPTOR_CALL_TID, call->tid);
    write_unsigned(out, TAG_DESCRIPTOR_CALL_CALL, call_name(hand, call->call));
    write_signed(out, TAG_DESCRIPTOR_CALL_ENTRY, delta(hand, call->entry_ns));
    write_unsigned(out, TAG_DESCRIPTOR_CALL_WHOLE, call->exit_ns - call->entry_ns);
    write_nonzero_signed(out, TAG_DESCRIPTOR_CALL_RET, call->ret);
    write_nonzero(out, TAG_DESCRIPTOR_CALL_PRESENT, call->present);
    write_values(out, TAG_DESCRIPTOR_CALL_VALUES, call->present, call->value, CALL_VALUES);
    if (call->present & PRESENT_TEXT)
        write_unsigned(out, TAG_DESCRIPTOR_CALL_TEXT, name(hand, call->text));
    if (call->has_pair)
        write_numbers(out, TAG_DESCRIPTOR_CALL_PAIR, call->pair, 2);
}

static void write_life(struct hand *hand, const struct life_piece *piece)
{
    struct writer *out = hand->out;
    write_signed(out, TAG_LIFE_TID, piece->tid);
    write_signed(out, TAG_LIFE_FD, piece->fd);
    write_signed(out, TAG_LIFE_BEGIN, delta(hand, piece->begin_ns));
    if (piece->named)
        write_unsigned(out, TAG_LIFE_NAME, name(hand, piece->name));
    write_nonzero(out, TAG_LIFE_KIND, piece->kind);
    write_nonzero(out, TAG_LIFE_CLOEXEC, piece->cloexec);
    if (piece->ended)
        write_unsigned(out, TAG_LIFE_WHOLE, piece->end_ns - piece->begin_ns);
    write_durations(out, TAG_LIFE_CALLS, &piece->cell.calls);
    write_nonzero(out, TAG_LIFE_READ_BYTES, piece->cell.read_bytes);
    write_nonzero(out, TAG_LIFE_WRITE_BYTES, piece->cell.write_bytes);
}

static void write_kind(struct hand *hand, const struct item *item)
{
    static const unsigned TAGS[] = {
        [ITEM_EVENT] = TAG_ITEM_EVENT, [ITEM_THREAD] = TAG_ITEM_THREAD,
        [ITEM_CPU] = TAG_ITEM_CPU,     [ITEM_USES] = TAG_ITEM_USES,
        [ITEM_LIFE] = TAG_ITEM_LIFE,   [ITEM_DESCRIPTOR_CALL] = TAG_ITEM_DESCRIPTOR_CALL};
    size_t begin = writer_open(hand->out, TAGS[item->kind]);
    switch ((enum item_kind)item->kind) {
    case ITEM_EVENT: write_event(hand, item); break;
    case ITEM_THREAD: write_thread(hand, &item->thread); break;
    case ITEM_CPU: write_cpu(hand, &item->cpu); break;
    case ITEM_USES: write_uses(hand, &item->uses); break;
    case ITEM_DESCRIPTOR_CALL: write_descriptor_call(hand, &item->descriptor_call); break;
    case ITEM_LIFE: write_life(hand, &item->life); break;
    }
    writer_close(hand->out, begin);
}

void partial_file_add(struct partial_file *file, struct shared_names *names,
                      const struct schema *schema, const struct item *item, uint64_t position)
{
    struct hand hand = {.file = file, .out = &file->items, .names = names, .schema = schema};
    size_t begin = writer_open(hand.out, TAG_PARTIAL_ITEMS);
    write_nonzero(hand.out, TAG_ITEM_SKIPPED, position - file->next_position);
    file->next_position = position + 1;
    write_kind(&hand, item);
    writer_close(hand.out, begin);
}

void partial_file_take(struct partial_file *file, const struct shared_names *names,
                       struct writer *out)
{
    out->count = 0;
    for (size_t i = 0; i < file->names.count; i++) {
        struct text text = names_text(&names->names, file->names.at[i]);
        write_bytes(out, TAG_PARTIAL_NAMES, text.at, text.count);
    }
    write_nonzero(out, TAG_PARTIAL_BASE_NS, file->base_ns);
    write_raw(out, file->items.at, file->items.count);
    partial_file_clear(file);
}

void partial_file_clear(struct partial_file *file)
{
    free(file->items.at);
    free(file->names.places);
    free(file->names.at);
    *file = (struct partial_file){.has_base = false};
}
