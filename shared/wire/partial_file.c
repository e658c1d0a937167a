#include "wire/partial_file.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "wire/format.h"
#include "wire/partial_bits.h"
#include "base/row.h"

/* What writing an item needs. Where it is written is handed from function to function: each takes
 * where to write, and returns what is behind. */
struct hand {
    struct partial_file *file;
    struct shared_names *names;
    const struct schema *schema;
};

/* --- names --- */

static struct local_name *place_of(const struct local_names *names, uint32_t shared)
{
    size_t at = (size_t)hash_number(shared) & names->mask;
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

/* --- room --- */

/* What is written of an item apart from what it has many of: fewer numbers than these. The same of
 * a call's cell. */
enum { PART_NUMBERS = 48, PART_ROOM = PART_NUMBERS * ROW_NUMBER };

/* Makes room for `numbers` and another part. */
static uint8_t *need(struct hand *hand, uint8_t *at, size_t numbers)
{
    struct writer *rows = &hand->file->rows;
    rows->count = (size_t)(at - rows->at);
    writer_need(rows, numbers * ROW_NUMBER + PART_ROOM + ROW_SLACK);
    return rows->at + rows->count;
}

/* --- parts of items --- */

/* The bit if the number says anything. */
static inline unsigned bit_if(unsigned bit, uint64_t number)
{
    return number ? bit : 0;
}

static inline uint8_t *put_if(uint8_t *at, bool is_there, uint64_t number)
{
    return is_there ? row_put(at, number) : at;
}

static uint8_t *put_time(struct hand *hand, uint8_t *at, uint64_t time_ns)
{
    struct partial_file *file = hand->file;
    if (!file->has_base) {
        file->has_base = true;
        file->base_ns = file->last_ns = time_ns;
    }
    int64_t difference = (int64_t)(time_ns - file->last_ns);
    file->last_ns = time_ns;
    return row_put_signed(at, difference);
}

static uint8_t *put_tid(struct hand *hand, uint8_t *at, int32_t tid)
{
    int64_t difference = (int64_t)tid - hand->file->last_tid;
    hand->file->last_tid = tid;
    return row_put_signed(at, difference);
}

static uint8_t *put_durations(struct hand *hand, uint8_t *at, const struct durations *durations)
{
    return durations_put(need(hand, at, durations_numbers(durations)), durations);
}

/* Those of `room` values that are present. */
static uint8_t *put_values(uint8_t *at, unsigned present, const int64_t *value, unsigned room)
{
    for (unsigned i = 0; i < room; i++)
        if (present >> i & 1)
            at = row_put_signed(at, value[i]);
    return at;
}

/* The values and the text that a call was entered with. */
static uint8_t *put_arguments(struct hand *hand, uint8_t *at, unsigned present,
                              const int64_t *value, struct text text)
{
    at = row_put(at, present);
    at = put_values(at, present, value, CALL_VALUES);
    return present & PRESENT_TEXT ? row_put(at, name(hand, text)) : at;
}

static uint8_t *put_cell(struct hand *hand, uint8_t *at, const struct piece_call *call, bool labels)
{
    const struct call_cell *cell = &call->cell;
    unsigned has =
        bit_if(CALL_BIT_COMPLETE, cell->complete.count) | bit_if(CALL_BIT_BYTES, cell->bytes) |
        bit_if(CALL_BIT_ERRORS, cell->error_count) |
        bit_if(CALL_BIT_SLOWEST, cell->slowest_entry_ns) |
        bit_if(CALL_BIT_BEGIN_UNKNOWN, cell->begin_unknown) |
        bit_if(CALL_BIT_END_UNKNOWN, cell->end_unknown) | bit_if(CALL_BIT_REFUSED, cell->refused);
    at = need(hand, at, 2 * (size_t)cell->error_count);
    if (labels)
        at = row_put(at, call->label);
    at = row_put(at, call_name(hand, call->call));
    at = row_put(at, has);
    if (has & CALL_BIT_COMPLETE)
        at = put_durations(hand, at, &cell->complete);
    at = put_if(at, has & CALL_BIT_BYTES, cell->bytes);
    if (has & CALL_BIT_ERRORS) {
        at = row_put(at, cell->error_count);
        for (uint32_t i = 0; i < cell->error_count; i++) {
            at = row_put(at, cell->errors[i].number);
            at = row_put(at, cell->errors[i].count);
        }
    }
    if (has & CALL_BIT_SLOWEST)
        at = put_time(hand, at, cell->slowest_entry_ns);
    at = put_if(at, has & CALL_BIT_BEGIN_UNKNOWN, cell->begin_unknown);
    at = put_if(at, has & CALL_BIT_END_UNKNOWN, cell->end_unknown);
    return put_if(at, has & CALL_BIT_REFUSED, cell->refused);
}

static uint8_t *put_blocked_in(struct hand *hand, uint8_t *at, const struct time_vector *time)
{
    at = need(hand, at, 2 * (size_t)time->blocked_count);
    at = row_put(at, time->blocked_count);
    for (uint32_t i = 0; i < time->blocked_count; i++) {
        const struct syscall *call = schema_call_by_id(hand->schema, time->blocked_in[i].call);
        at = row_put(at, call_name(hand, call));
        at = row_put(at, time->blocked_in[i].ns);
    }
    return at;
}

/* --- events --- */

static uint8_t *put_slots(struct hand *hand, uint8_t *at, const struct event *event)
{
    at = row_put(at, event->present);
    at = put_values(at, event->present, event->value, EVENT_VALUES);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            at = row_put(at, name(hand, event->text[i]));
    return at;
}

static uint8_t *put_ints(struct hand *hand, uint8_t *at, const struct event *event)
{
    at = need(hand, at, event->int_count);
    at = row_put(at, event->int_count);
    for (size_t i = 0; i < event->int_count; i++)
        at = row_put_signed(at, event->ints[i]);
    return at;
}

static uint8_t *put_field_values(struct hand *hand, uint8_t *at, const struct field_value *values,
                                 size_t count)
{
    at = need(hand, at, 2 * count);
    at = row_put(at, count);
    for (size_t i = 0; i < count; i++) {
        const struct field_value *value = &values[i];
        at = row_put(at, (uint64_t)value->type);
        switch (value->type) {
        case FIELD_ABSENT: break;
        case FIELD_INT: at = row_put_signed(at, value->i); break;
        case FIELD_UINT: at = row_put(at, value->u); break;
        case FIELD_TEXT: at = row_put(at, name(hand, value->text)); break;
        }
    }
    return at;
}

static uint8_t *put_contexts(struct hand *hand, uint8_t *at, const struct event *event)
{
    if (event->has & EVENT_HAS_TID)
        at = row_put_signed(at, event->tid);
    if (event->has & EVENT_HAS_PID)
        at = row_put_signed(at, event->pid);
    if (event->has & EVENT_HAS_VTID)
        at = row_put_signed(at, event->vtid);
    if (event->has & EVENT_HAS_VPID)
        at = row_put_signed(at, event->vpid);
    if (event->has & EVENT_HAS_PROCNAME)
        at = row_put(at, name(hand, event->procname));
    if (event->has & EVENT_HAS_PID_NS)
        at = row_put(at, event->pid_ns);
    return event->has & EVENT_HAS_PROGRAM ? row_put(at, name(hand, event->program)) : at;
}

static unsigned bits_of(const struct event *event, const struct item *item)
{
    return bit_if(EVENT_BIT_CPU, event->cpu >= 0) |
           bit_if(EVENT_BIT_THREAD, item->event.tid != TID_BY_CPU) |
           bit_if(EVENT_BIT_SLOTS, event->present) |
           bit_if(EVENT_BIT_USER, event->domain == DOMAIN_UST) |
           bit_if(EVENT_BIT_CALL, event->call && event->call != event->class->call) |
           bit_if(EVENT_BIT_INTS, event->int_count) | bit_if(EVENT_BIT_FIELDS, event->field_count) |
           bit_if(EVENT_BIT_ELSEWHERE, item->event.elsewhere) |
           bit_if(EVENT_BIT_LOSS, event->kind == EVENT_LOSS) |
           bit_if(EVENT_BIT_TID, event->has & EVENT_HAS_TID) |
           bit_if(EVENT_BIT_PID, event->has & EVENT_HAS_PID) |
           bit_if(EVENT_BIT_VTID, event->has & EVENT_HAS_VTID) |
           bit_if(EVENT_BIT_VPID, event->has & EVENT_HAS_VPID) |
           bit_if(EVENT_BIT_PROCNAME, event->has & EVENT_HAS_PROCNAME) |
           bit_if(EVENT_BIT_PID_NS, event->has & EVENT_HAS_PID_NS) |
           bit_if(EVENT_BIT_PROGRAM, event->has & EVENT_HAS_PROGRAM) |
           bit_if(EVENT_BIT_NUMBER, item->event.number) |
           bit_if(EVENT_BIT_SUMMED, item->event.summed) |
           bit_if(EVENT_BIT_LABEL, item->event.label != LABEL_HERE);
}

static uint8_t *put_event(struct hand *hand, uint8_t *at, const struct item *item)
{
    const struct event *event = &item->event.event;
    unsigned has = bits_of(event, item);
    at = row_put(at, has);
    at = row_put(at, class_name(hand, event->class));
    at = put_time(hand, at, event->time_ns);
    at = put_if(at, has & EVENT_BIT_CPU, (uint64_t)event->cpu);
    if (has & EVENT_BIT_THREAD)
        at = put_tid(hand, at, item->event.tid == TID_NOBODY ? 0 : item->event.tid);
    if (has & EVENT_BIT_CALL)
        at = row_put(at, call_name(hand, event->call));
    if (has & EVENT_BIT_SLOTS)
        at = put_slots(hand, at, event);
    if (has & EVENT_BIT_INTS)
        at = put_ints(hand, at, event);
    if (has & EVENT_BIT_FIELDS)
        at = put_field_values(hand, at, event->fields, event->field_count);
    at = put_if(at, has & EVENT_BIT_NUMBER, item->event.number);
    at = put_if(at, has & EVENT_BIT_SUMMED, item->event.summed);
    at = put_if(at, has & EVENT_BIT_LABEL, item->event.label);
    return event->has ? put_contexts(hand, at, event) : at;
}

/* --- other items --- */

/* Most of a piece's times are its end, and are counted back from there. */
static uint8_t *put_times(struct hand *hand, uint8_t *at, const struct thread_piece *piece,
                          unsigned has)
{
    uint64_t until_ns = piece->until_ns;
    bool known = piece->state_known;
    if (known) {
        at = row_put(at, piece->state);
        at = put_time(hand, at, until_ns);
        at = row_put(at, until_ns - piece->from_ns);
        at = row_put_signed(at, (int64_t)(until_ns - piece->state_since_ns));
        if (has & THREAD_BIT_WAKE)
            at = row_put_signed(at, (int64_t)(until_ns - piece->wake_ns));
    }
    if (has & THREAD_BIT_LAST)
        at = known ? row_put_signed(at, (int64_t)(until_ns - piece->last_ns))
                   : put_time(hand, at, piece->last_ns);
    if (has & THREAD_BIT_NAMED)
        at = known ? row_put_signed(at, (int64_t)(until_ns - piece->named_ns))
                   : put_time(hand, at, piece->named_ns);
    return at;
}

/* Whether a call of the piece is of a phase. */
static bool has_labels(const struct thread_piece *piece)
{
    bool any = piece->call_register == CALL_OPEN && piece->open_label != LABEL_NONE;
    for (size_t i = 0; i < piece->call_count && !any; i++)
        any = piece->calls[i].label != LABEL_NONE;
    return any;
}

static uint8_t *put_spent(struct hand *hand, uint8_t *at, const struct time_vector *time)
{
    unsigned has = bit_if(TIME_BIT_USER_NS, time->user_ns) | bit_if(TIME_BIT_SYS_NS, time->sys_ns) |
                   bit_if(TIME_BIT_RUNNABLE_NS, time->runnable_ns) |
                   bit_if(TIME_BIT_UNKNOWN_NS, time->unknown_ns) |
                   bit_if(TIME_BIT_BLOCKED_NS, time->blocked_ns) |
                   bit_if(TIME_BIT_BEFORE_RUNNING_NS, time->before_running_ns) |
                   bit_if(TIME_BIT_BEFORE_BLOCKED_NS, time->before_blocked_ns) |
                   bit_if(TIME_BIT_AS_BEFORE_NS, time->as_before_ns) |
                   bit_if(TIME_BIT_BLOCKED_IN, time->blocked_count);
    at = row_put(at, has);
    at = put_if(at, has & TIME_BIT_USER_NS, time->user_ns);
    at = put_if(at, has & TIME_BIT_SYS_NS, time->sys_ns);
    at = put_if(at, has & TIME_BIT_RUNNABLE_NS, time->runnable_ns);
    at = put_if(at, has & TIME_BIT_UNKNOWN_NS, time->unknown_ns);
    at = put_if(at, has & TIME_BIT_BLOCKED_NS, time->blocked_ns);
    at = put_if(at, has & TIME_BIT_BEFORE_RUNNING_NS, time->before_running_ns);
    at = put_if(at, has & TIME_BIT_BEFORE_BLOCKED_NS, time->before_blocked_ns);
    at = put_if(at, has & TIME_BIT_AS_BEFORE_NS, time->as_before_ns);
    return has & TIME_BIT_BLOCKED_IN ? put_blocked_in(hand, at, time) : at;
}

static uint8_t *put_ended(struct hand *hand, uint8_t *at, const struct piece_ended *piece)
{
    const struct ended_instance *ended = &piece->ended;
    unsigned has =
        bit_if(ENDED_BIT_PID, ended->pid != 0) | bit_if(ENDED_BIT_END_TID, ended->end_tid != 0) |
        bit_if(ENDED_BIT_CALLS, ended->calls) | bit_if(ENDED_BIT_VALUES, ended->value_count);
    at = need(hand, at, 0);
    at = row_put(at, has);
    at = row_put(at, piece->label);
    at = row_put(at, piece->definition);
    at = row_put(at, ended->rank.order);
    at = put_time(hand, at, ended->rank.begin_ns);
    at = row_put(at, ended->rank.ns);
    if (has & ENDED_BIT_PID)
        at = row_put_signed(at, ended->pid);
    if (has & ENDED_BIT_END_TID)
        at = row_put_signed(at, ended->end_tid);
    at = put_if(at, has & ENDED_BIT_CALLS, ended->calls);
    at = put_spent(hand, at, &ended->time);
    return has & ENDED_BIT_VALUES ? put_field_values(hand, at, ended->values, ended->value_count)
                                  : at;
}

static uint8_t *put_phase(struct hand *hand, uint8_t *at, const struct piece_phase *phase)
{
    const struct phase_cell *cell = &phase->cell;
    unsigned has = bit_if(PHASE_BIT_COMPLETE, cell->complete.count) |
                   bit_if(PHASE_BIT_HOPPED, cell->hopped) |
                   bit_if(PHASE_BIT_BEGIN_UNKNOWN, cell->begin_unknown) |
                   bit_if(PHASE_BIT_END_UNKNOWN, cell->end_unknown) |
                   bit_if(PHASE_BIT_SYSCALLS, cell->syscalls) |
                   bit_if(PHASE_BIT_TIME, !time_vector_is_empty(&cell->time)) |
                   bit_if(PHASE_BIT_OVER, cell->over);
    at = need(hand, at, 0);
    at = row_put(at, phase->label);
    at = row_put(at, has);
    if (has & PHASE_BIT_COMPLETE)
        at = put_durations(hand, at, &cell->complete);
    at = put_if(at, has & PHASE_BIT_HOPPED, cell->hopped);
    at = put_if(at, has & PHASE_BIT_BEGIN_UNKNOWN, cell->begin_unknown);
    at = put_if(at, has & PHASE_BIT_END_UNKNOWN, cell->end_unknown);
    at = put_if(at, has & PHASE_BIT_SYSCALLS, cell->syscalls);
    if (has & PHASE_BIT_TIME)
        at = put_spent(hand, at, &cell->time);
    return put_if(at, has & PHASE_BIT_OVER, cell->over);
}

enum {
    PHASE_PARTS = THREAD_BIT_PHASES | THREAD_BIT_CLOSINGS | THREAD_BIT_CREDITS | THREAD_BIT_ENDED
};

static uint8_t *put_phases(struct hand *hand, uint8_t *at, const struct thread_piece *piece,
                           unsigned has)
{
    at = need(hand, at, 5 * piece->closing_count + 2 * piece->credit_count);
    if (has & THREAD_BIT_CLOSINGS) {
        at = row_put(at, piece->closing_count);
        for (size_t i = 0; i < piece->closing_count; i++) {
            const struct piece_closing *closing = &piece->closings[i];
            at = row_put(at, closing->label);
            at = put_time(hand, at, closing->end_ns);
            at = row_put(at, closing->end_ns - closing->begin_ns);
            if (has & THREAD_BIT_CLOSING_ORDERS) {
                at = row_put(at, closing->order);
                at = row_put_signed(at, closing->pid);
            }
        }
    }
    if (has & THREAD_BIT_CREDITS) {
        at = row_put(at, piece->credit_count);
        for (size_t i = 0; i < piece->credit_count; i++) {
            at = row_put(at, piece->credits[i].label);
            at = row_put(at, piece->credits[i].count);
        }
    }
    if (has & THREAD_BIT_PHASES) {
        at = row_put(at, piece->phase_count);
        for (size_t i = 0; i < piece->phase_count; i++)
            at = put_phase(hand, at, &piece->phases[i]);
    }
    if (has & THREAD_BIT_ENDED) {
        at = row_put(at, piece->ended_count);
        for (size_t i = 0; i < piece->ended_count; i++)
            at = put_ended(hand, at, &piece->ended[i]);
    }
    return at;
}

static unsigned bits_of_thread(const struct thread_piece *piece)
{
    const struct time_vector *time = &piece->time;
    return bit_if(THREAD_BIT_STATE, piece->state_known) |
           bit_if(THREAD_BIT_LAST, piece->last_ns != TIME_NONE) |
           bit_if(THREAD_BIT_NAMED, piece->named_ns != TIME_NONE) |
           bit_if(THREAD_BIT_CPU_NS, piece->cpu_ns) | bit_if(THREAD_BIT_SYS_NS, time->sys_ns) |
           bit_if(THREAD_BIT_USER_NS, time->user_ns) | bit_if(THREAD_BIT_CALLS, piece->call_count) |
           bit_if(THREAD_BIT_NO_CALL, piece->call_register == CALL_NONE) |
           bit_if(THREAD_BIT_OPEN, piece->call_register == CALL_OPEN) |
           bit_if(THREAD_BIT_SWITCHES, piece->switches) |
           bit_if(THREAD_BIT_LATENCY, piece->latency.count) |
           bit_if(THREAD_BIT_RUNNABLE_NS, time->runnable_ns) |
           bit_if(THREAD_BIT_BLOCKED_IN, time->blocked_count) |
           bit_if(THREAD_BIT_BLOCKED_NS, time->blocked_ns) |
           bit_if(THREAD_BIT_UNKNOWN_NS, time->unknown_ns) |
           bit_if(THREAD_BIT_BEFORE_RUNNING_NS, time->before_running_ns) |
           bit_if(THREAD_BIT_BEFORE_BLOCKED_NS, time->before_blocked_ns) |
           bit_if(THREAD_BIT_WAKE, piece->state_known && piece->wake_ns != TIME_NONE) |
           bit_if(THREAD_BIT_KERNEL_NAME, piece->kernel_named) |
           bit_if(THREAD_BIT_USER_NAME, piece->user_named) |
           bit_if(THREAD_BIT_PHASES, piece->phase_count) |
           bit_if(THREAD_BIT_CLOSINGS, piece->closing_count) |
           bit_if(THREAD_BIT_CREDITS, piece->credit_count) |
           bit_if(THREAD_BIT_LABELS, has_labels(piece)) |
           bit_if(THREAD_BIT_ENDED, piece->ended_count) |
           bit_if(THREAD_BIT_CLOSING_ORDERS, piece->closing_count);
}

static uint8_t *put_thread(struct hand *hand, uint8_t *at, const struct thread_piece *piece)
{
    const struct time_vector *time = &piece->time;
    const struct open_call *open = &piece->open;
    unsigned has = bits_of_thread(piece);
    at = row_put(at, has);
    at = put_tid(hand, at, piece->tid);
    at = put_times(hand, at, piece, has);
    if (has & THREAD_BIT_OPEN) {
        at = row_put(at, call_name(hand, open->call));
        if (has & THREAD_BIT_LABELS)
            at = row_put(at, piece->open_label);
        at = put_time(hand, at, open->entry_ns);
        at = put_arguments(hand, at, open->present, open->value, open->text);
    }
    at = put_if(at, has & THREAD_BIT_CPU_NS, piece->cpu_ns);
    at = put_if(at, has & THREAD_BIT_SWITCHES, piece->switches);
    if (has & THREAD_BIT_LATENCY)
        at = put_durations(hand, at, &piece->latency);
    at = put_if(at, has & THREAD_BIT_USER_NS, time->user_ns);
    at = put_if(at, has & THREAD_BIT_SYS_NS, time->sys_ns);
    at = put_if(at, has & THREAD_BIT_RUNNABLE_NS, time->runnable_ns);
    at = put_if(at, has & THREAD_BIT_UNKNOWN_NS, time->unknown_ns);
    at = put_if(at, has & THREAD_BIT_BLOCKED_NS, time->blocked_ns);
    at = put_if(at, has & THREAD_BIT_BEFORE_RUNNING_NS, time->before_running_ns);
    at = put_if(at, has & THREAD_BIT_BEFORE_BLOCKED_NS, time->before_blocked_ns);
    if (has & THREAD_BIT_KERNEL_NAME)
        at = row_put(at, name(hand, piece->kernel_name));
    if (has & THREAD_BIT_USER_NAME)
        at = row_put(at, name(hand, piece->user_name));
    if (has & THREAD_BIT_BLOCKED_IN)
        at = put_blocked_in(hand, at, time);
    if (has & THREAD_BIT_CALLS) {
        at = row_put(at, piece->call_count);
        for (size_t i = 0; i < piece->call_count; i++)
            at = put_cell(hand, at, &piece->calls[i], has & THREAD_BIT_LABELS);
    }
    return has & PHASE_PARTS ? put_phases(hand, at, piece, has) : at;
}

static uint8_t *put_cpu(struct hand *hand, uint8_t *at, const struct cpu_piece *piece)
{
    unsigned has = bit_if(CPU_BIT_CURRENT, piece->current != TID_NOBODY) |
                   bit_if(CPU_BIT_RUN_WHOLE, piece->run_whole);
    at = row_put(at, has);
    at = row_put(at, (uint64_t)piece->cpu);
    if (has & CPU_BIT_CURRENT)
        at = row_put_signed(at, piece->current);
    at = put_time(hand, at, piece->run_begin_ns);
    at = put_time(hand, at, piece->last_ns);
    return row_put(at, piece->busy_ns);
}

static uint8_t *put_uses(struct hand *hand, uint8_t *at, const struct uses_piece *piece)
{
    const struct use_cell *cell = &piece->cell;
    unsigned has = bit_if(USES_BIT_PROVEN, piece->proven_ns != TIME_NONE) |
                   bit_if(USES_BIT_CALLS, cell->calls.count) |
                   bit_if(USES_BIT_READ, cell->read_bytes) |
                   bit_if(USES_BIT_WRITE, cell->write_bytes) | bit_if(USES_BIT_LABEL, piece->label);
    at = row_put(at, has);
    at = put_tid(hand, at, piece->tid);
    at = row_put(at, (uint64_t)piece->fd);
    if (has & USES_BIT_PROVEN)
        at = put_time(hand, at, piece->proven_ns);
    if (has & USES_BIT_CALLS)
        at = put_durations(hand, at, &cell->calls);
    at = put_if(at, has & USES_BIT_READ, cell->read_bytes);
    at = put_if(at, has & USES_BIT_WRITE, cell->write_bytes);
    return put_if(at, has & USES_BIT_LABEL, piece->label);
}

static uint8_t *put_descriptor_call(struct hand *hand, uint8_t *at,
                                    const struct descriptor_call *call)
{
    unsigned has = bit_if(DESCRIPTOR_CALL_BIT_RET, call->ret != 0) |
                   bit_if(DESCRIPTOR_CALL_BIT_PAIR, call->has_pair) |
                   bit_if(DESCRIPTOR_CALL_BIT_LABEL, call->label);
    at = row_put(at, has);
    at = put_tid(hand, at, call->tid);
    at = row_put(at, call_name(hand, call->call));
    at = put_time(hand, at, call->entry_ns);
    at = row_put(at, call->exit_ns - call->entry_ns);
    if (has & DESCRIPTOR_CALL_BIT_RET)
        at = row_put_signed(at, call->ret);
    at = put_arguments(hand, at, call->present, call->value, call->text);
    if (has & DESCRIPTOR_CALL_BIT_PAIR)
        at = put_values(at, 3, call->pair, 2);
    return put_if(at, has & DESCRIPTOR_CALL_BIT_LABEL, call->label);
}

static uint8_t *put_life(struct hand *hand, uint8_t *at, const struct life_piece *piece)
{
    const struct use_cell *cell = &piece->cell;
    unsigned has = bit_if(LIFE_BIT_NAME, piece->named) | bit_if(LIFE_BIT_KIND, piece->kind) |
                   bit_if(LIFE_BIT_CLOEXEC, piece->cloexec) | bit_if(LIFE_BIT_ENDED, piece->ended) |
                   bit_if(LIFE_BIT_CALLS, cell->calls.count) |
                   bit_if(LIFE_BIT_READ, cell->read_bytes) |
                   bit_if(LIFE_BIT_WRITE, cell->write_bytes) | bit_if(LIFE_BIT_LABEL, piece->label);
    at = row_put(at, has);
    at = put_tid(hand, at, piece->tid);
    at = row_put(at, (uint64_t)piece->fd);
    at = put_time(hand, at, piece->begin_ns);
    if (has & LIFE_BIT_NAME)
        at = row_put(at, name(hand, piece->name));
    at = put_if(at, has & LIFE_BIT_KIND, piece->kind);
    at = put_if(at, has & LIFE_BIT_ENDED, piece->end_ns - piece->begin_ns);
    if (has & LIFE_BIT_CALLS)
        at = put_durations(hand, at, &cell->calls);
    at = put_if(at, has & LIFE_BIT_READ, cell->read_bytes);
    at = put_if(at, has & LIFE_BIT_WRITE, cell->write_bytes);
    return put_if(at, has & LIFE_BIT_LABEL, piece->label);
}

static uint8_t *put_label(struct hand *hand, uint8_t *at, const struct label_piece *piece)
{
    at = row_put(at, UINT64_C(1) << piece->kind);
    if (piece->kind == LABEL_CHILD) {
        at = row_put(at, piece->under);
        return row_put(at, name(hand, piece->name));
    }
    at = put_tid(hand, at, piece->tid);
    at = put_time(hand, at, piece->time_ns);
    if (piece->kind == LABEL_TOP)
        return at;
    at = row_put(at, piece->definition);
    return row_put(at, piece->under);
}

static uint8_t *put_instance(struct hand *hand, uint8_t *at, const struct instance_piece *piece)
{
    unsigned has = bit_if(INSTANCE_BIT_USER, piece->by_user) |
                   bit_if(INSTANCE_BIT_IN_CALL, piece->in_call) |
                   bit_if(INSTANCE_BIT_CALLS, piece->calls);
    at = row_put(at, has);
    at = put_tid(hand, at, piece->tid);
    at = row_put(at, piece->definition);
    at = row_put(at, piece->label);
    at = put_time(hand, at, piece->until_ns);
    at = row_put_signed(at, (int64_t)(piece->until_ns - piece->begin_ns));
    at = row_put(at, piece->event);
    at = put_if(at, has & INSTANCE_BIT_CALLS, piece->calls);
    at = put_spent(hand, at, &piece->time);
    at = put_field_values(hand, at, piece->values, piece->value_count);
    return at;
}

static uint8_t *put_analysis(struct hand *hand, uint8_t *at, struct bytes record)
{
    at = row_put(at, ANALYSIS_BITS);
    at = row_put(at, record.count);
    at = need(hand, at, record.count / ROW_NUMBER + 1);
    memcpy(at, record.at, record.count);
    return at + record.count;
}

static uint8_t *put_item(struct hand *hand, uint8_t *at, const struct item *item)
{
    switch ((enum item_kind)item->kind) {
    case ITEM_EVENT: return put_event(hand, at, item);
    case ITEM_THREAD: return put_thread(hand, at, &item->thread);
    case ITEM_CPU: return put_cpu(hand, at, &item->cpu);
    case ITEM_USES: return put_uses(hand, at, &item->uses);
    case ITEM_DESCRIPTOR_CALL: return put_descriptor_call(hand, at, &item->descriptor_call);
    case ITEM_LIFE: return put_life(hand, at, &item->life);
    case ITEM_LABEL: return put_label(hand, at, &item->label);
    case ITEM_INSTANCE: return put_instance(hand, at, &item->instance);
    case ITEM_ANALYSIS: return put_analysis(hand, at, item->analysis);
    }
    return at;
}

void partial_file_add(struct partial_file *file, struct shared_names *names,
                      const struct schema *schema, const struct item *item, uint64_t position)
{
    struct hand hand = {.file = file, .names = names, .schema = schema};
    uint8_t *at = need(&hand, file->rows.at + file->rows.count, 0);
    unsigned kind = item->kind < ITEM_KIND_LAST ? item->kind : ITEM_KIND_LAST;
    at = row_put(at, (position - file->next_position) << ITEM_KIND_BITS | kind);
    at = put_item(&hand, at, item);
    file->rows.count = (size_t)(at - file->rows.at);
    file->next_position = position + 1;
    file->items++;
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
    write_nonzero(out, TAG_PARTIAL_ITEMS, file->items);
    write_bytes(out, TAG_PARTIAL_ROWS, file->rows.at, file->rows.count);
    partial_file_clear(file);
}

void partial_file_clear(struct partial_file *file)
{
    free(file->rows.at);
    free(file->names.places);
    free(file->names.at);
    *file = (struct partial_file){.has_base = false};
}
