#include "wire/partial_rows.h"

#include "analysis/engine.h"
#include "wire/format.h"
#include "wire/log2_durations.h"
#include "wire/partial_bits.h"
#include "base/row.h"

struct decoder {
    unsigned format; /* of the record */
    struct row_reader row;
    struct schema *schema;
    const struct phase_set *phases; /* whose classes events are of */
    bool drops_fields;              /* it is not told which: fields for phases are of no use */
    struct arena *arena;
    const struct text *names;
    size_t name_count;
    const struct syscall **calls;          /* by name, looked up when first met */
    const struct event_class **classes[2]; /* by domain and name, likewise */
    uint64_t last_ns;
    int32_t last_tid;
    bool has_labels;    /* as of format 4 */
    bool bad;           /* something contradicted itself; what was decoded since is of no use */
    enum status status; /* what an analysis says of its record, in `why` if it is not OK */
    struct failure *why;
};

/* --- numbers --- */

static inline uint64_t number(struct decoder *decoder)
{
    return row_take(&decoder->row);
}

static inline int64_t signed_number(struct decoder *decoder)
{
    return row_take_signed(&decoder->row);
}

static inline uint64_t number_if(struct decoder *decoder, bool is_there)
{
    return is_there ? number(decoder) : 0;
}

/* What is there: none but the bits of `known`. */
static unsigned bits(struct decoder *decoder, unsigned known)
{
    uint64_t has = number(decoder);
    decoder->bad |= (has & ~(uint64_t)known) != 0;
    return (unsigned)(has & known);
}

static uint64_t time_at(struct decoder *decoder)
{
    decoder->last_ns += (uint64_t)signed_number(decoder);
    return decoder->last_ns;
}

/* A number that an int32_t holds. */
static int32_t small(struct decoder *decoder, int64_t from)
{
    if (from >= INT32_MIN && from <= INT32_MAX)
        return (int32_t)from;
    decoder->bad = true;
    return 0;
}

static int32_t signed_small(struct decoder *decoder)
{
    return small(decoder, signed_number(decoder));
}

/* 0 to `most`. */
static int32_t at_most(struct decoder *decoder, int32_t most)
{
    uint64_t from = number(decoder);
    if (from <= (uint64_t)most)
        return (int32_t)from;
    decoder->bad = true;
    return 0;
}

/* One that a uint32_t holds. */
static uint32_t small_number(struct decoder *decoder)
{
    uint64_t from = number(decoder);
    decoder->bad |= from > UINT32_MAX;
    return (uint32_t)from;
}

/* The label of a call; before format 4 none was told. */
static uint32_t label_if(struct decoder *decoder, bool is_there)
{
    if (is_there)
        return small_number(decoder);
    return decoder->has_labels ? LABEL_NONE : LABEL_HERE;
}

static int32_t tid(struct decoder *decoder)
{
    uint64_t difference = (uint64_t)signed_number(decoder);
    decoder->last_tid = small(decoder, (int64_t)((uint64_t)decoder->last_tid + difference));
    return decoder->last_tid;
}

/* Of the begin of an instance, by its event's number and its definition: see instance_order(). */
static uint64_t instance_order_in_interval(struct decoder *decoder)
{
    uint64_t order = number(decoder);
    decoder->bad |= order >> 63 != 0;
    return order;
}

/* --- names --- */

static struct text name_of(struct decoder *decoder, uint64_t id)
{
    if (id < decoder->name_count)
        return decoder->names[id];
    decoder->bad = true;
    return text_of("");
}

static struct text name(struct decoder *decoder)
{
    return name_of(decoder, number(decoder));
}

static const struct syscall *call(struct decoder *decoder)
{
    uint64_t id = number(decoder);
    struct text text = name_of(decoder, id);
    if (decoder->bad)
        return schema_call(decoder->schema, text_of("unknown"));
    if (!decoder->calls[id])
        decoder->calls[id] = schema_call(decoder->schema, text);
    return decoder->calls[id];
}

static const struct event_class *class(struct decoder *decoder, enum domain domain)
{
    uint64_t id = number(decoder);
    struct text text = name_of(decoder, id);
    if (decoder->bad)
        return schema_loss_class(decoder->schema, domain);
    const struct event_class **at = &decoder->classes[domain][id];
    if (!*at)
        *at = schema_class_under(decoder->schema, decoder->phases, domain, text);
    return *at;
}

/* --- parts of items --- */

/* Of a format before this one. */
static void old_durations(struct decoder *decoder, struct durations *to)
{
    struct log2_durations old = {.count = number(decoder)};
    old.total_ns = old.min_ns = old.max_ns = number(decoder);
    if (old.count > 1) {
        old.min_ns = number(decoder);
        old.max_ns = old.min_ns + number(decoder);
    }
    unsigned last = log2_power(old.max_ns);
    uint64_t rest = old.count;
    for (unsigned i = log2_power(old.min_ns); old.count > DURATIONS_TOLD && i < last; i++) {
        old.powers[i] = number(decoder);
        decoder->bad |= old.powers[i] >= rest; /* the longest is not among them */
        if (decoder->bad)
            return;
        rest -= old.powers[i];
    }
    old.powers[last] = rest;
    decoder->bad |= !log2_durations_read(&old, decoder->arena, to);
}

static void durations(struct decoder *decoder, struct durations *to)
{
    if (decoder->format > RECORD_FORMAT_LOG2)
        durations_take(&decoder->row, decoder->arena, to);
    else
        old_durations(decoder, to);
}

/* Puts the values whose bits are set where they belong. */
static void values(struct decoder *decoder, unsigned present, int64_t *to, unsigned room)
{
    for (unsigned i = 0; i < room; i++)
        if (present >> i & 1)
            to[i] = signed_number(decoder);
}

static uint8_t arguments(struct decoder *decoder, int64_t *value, struct text *text)
{
    unsigned present = bits(decoder, PRESENT_CALL);
    values(decoder, present, value, CALL_VALUES);
    if (present & PRESENT_TEXT)
        *text = name(decoder);
    return (uint8_t)present;
}

static void decode_errors(struct decoder *decoder, struct call_cell *to)
{
    size_t count = row_take_count(&decoder->row, 2);
    decoder->bad |= count > UINT32_MAX;
    struct error_count *errors = arena_take(decoder->arena, count * sizeof *errors);
    for (size_t i = 0; i < count; i++) {
        errors[i].number = (uint32_t)number(decoder);
        errors[i].count = number(decoder);
        decoder->bad |= errors[i].number < 1 || errors[i].number > 4095;
    }
    to->errors = errors;
    to->error_count = (uint32_t)count;
}

static void decode_cell(struct decoder *decoder, struct piece_call *to, bool labels)
{
    to->label = label_if(decoder, labels);
    to->call = call(decoder);
    unsigned has = bits(decoder, CALL_BITS);
    if (has & CALL_BIT_COMPLETE)
        durations(decoder, &to->cell.complete);
    to->cell.bytes = number_if(decoder, has & CALL_BIT_BYTES);
    if (has & CALL_BIT_ERRORS)
        decode_errors(decoder, &to->cell);
    if (has & CALL_BIT_SLOWEST)
        to->cell.slowest_entry_ns = time_at(decoder);
    to->cell.begin_unknown = number_if(decoder, has & CALL_BIT_BEGIN_UNKNOWN);
    to->cell.end_unknown = number_if(decoder, has & CALL_BIT_END_UNKNOWN);
    to->cell.refused = number_if(decoder, has & CALL_BIT_REFUSED);
}

static void decode_blocked_in(struct decoder *decoder, struct time_vector *to)
{
    size_t count = row_take_count(&decoder->row, 2);
    to->blocked_in = arena_take(decoder->arena, count * sizeof *to->blocked_in);
    for (size_t i = 0; i < count; i++) {
        to->blocked_in[i].call = call(decoder)->id;
        to->blocked_in[i].ns = number(decoder);
    }
    to->blocked_count = (uint32_t)count;
}

/* --- events --- */

static void decode_slots(struct decoder *decoder, struct event *event)
{
    event->present = (uint8_t)bits(decoder, UINT8_MAX);
    values(decoder, event->present, event->value, EVENT_VALUES);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            event->text[i] = name(decoder);
}

static void decode_ints(struct decoder *decoder, struct event *event)
{
    size_t count = row_take_count(&decoder->row, 1);
    if (count > UINT16_MAX) {
        decoder->bad = true;
        return;
    }
    int64_t *ints = arena_take(decoder->arena, count * sizeof *ints);
    for (size_t i = 0; i < count; i++)
        ints[i] = signed_number(decoder);
    event->ints = ints;
    event->int_count = (uint16_t)count;
}

static struct field_value field(struct decoder *decoder)
{
    struct field_value value = {.type = FIELD_ABSENT};
    switch (number(decoder)) {
    case FIELD_ABSENT: break;
    case FIELD_INT:
        value.type = FIELD_INT;
        value.i = signed_number(decoder);
        break;
    case FIELD_UINT:
        value.type = FIELD_UINT;
        value.u = number(decoder);
        break;
    case FIELD_TEXT:
        value.type = FIELD_TEXT;
        value.text = name(decoder);
        break;
    default: decoder->bad = true;
    }
    return value;
}

/* *count of them, and room for `least`. */
static struct field_value *field_values(struct decoder *decoder, size_t least, size_t *count)
{
    *count = row_take_count(&decoder->row, 1);
    size_t room = *count > least ? *count : least;
    struct field_value *values = arena_take(decoder->arena, room * sizeof *values);
    for (size_t i = 0; i < *count; i++)
        values[i] = field(decoder);
    return values;
}

static void decode_fields(struct decoder *decoder, struct event *event)
{
    const struct event_class *class = event->class;
    size_t count, declared = class->field_count;
    struct field_value *fields = field_values(decoder, declared, &count);
    if (decoder->drops_fields)
        return;
    /* Once, ends were without what is captured of them alone. */
    if (count == class->fields_before_captured)
        for (; count < declared; count++)
            fields[count] = (struct field_value){.type = FIELD_ABSENT};
    decoder->bad |= count != declared; /* its end tells other definitions */
    event->fields = fields;
    event->field_count = (uint16_t)count;
}

static void decode_contexts(struct decoder *decoder, struct event *event, unsigned has)
{
    if (has & EVENT_BIT_TID) {
        event->has |= EVENT_HAS_TID;
        event->tid = signed_small(decoder);
    }
    if (has & EVENT_BIT_PID) {
        event->has |= EVENT_HAS_PID;
        event->pid = signed_small(decoder);
    }
    if (has & EVENT_BIT_VTID) {
        event->has |= EVENT_HAS_VTID;
        event->vtid = signed_small(decoder);
    }
    if (has & EVENT_BIT_VPID) {
        event->has |= EVENT_HAS_VPID;
        event->vpid = signed_small(decoder);
    }
    if (has & EVENT_BIT_PROCNAME) {
        event->has |= EVENT_HAS_PROCNAME;
        event->procname = name(decoder);
    }
    if (has & EVENT_BIT_PID_NS) {
        event->has |= EVENT_HAS_PID_NS;
        event->pid_ns = (uint32_t)number(decoder);
    }
    if (has & EVENT_BIT_PROGRAM) {
        event->has |= EVENT_HAS_PROGRAM;
        event->program = name(decoder);
    }
}

/* The class and, of a call, which. */
static void decode_class(struct decoder *decoder, struct event *event, unsigned has)
{
    enum domain domain = has & EVENT_BIT_USER ? DOMAIN_UST : DOMAIN_KERNEL;
    event->domain = (uint8_t)domain;
    event->class = class(decoder, domain);
    if (has & EVENT_BIT_LOSS)
        event->class = schema_loss_class(decoder->schema, domain);
    event->kind = has & EVENT_BIT_LOSS ? EVENT_LOSS : event->class->kind;
    event->call = event->class->call;
}

static void decode_event(struct decoder *decoder, struct item *to)
{
    struct event *event = &to->event.event;
    unsigned has = bits(decoder, EVENT_BITS);
    decode_class(decoder, event, has);
    event->time_ns = time_at(decoder);
    event->cpu = has & EVENT_BIT_CPU ? at_most(decoder, CPU_MAX) : -1;
    to->event.tid = TID_BY_CPU;
    if (has & EVENT_BIT_THREAD) {
        to->event.tid = tid(decoder);
        if (to->event.tid == 0)
            to->event.tid = TID_NOBODY;
    }
    to->event.elsewhere = (has & EVENT_BIT_ELSEWHERE) != 0;
    if (has & EVENT_BIT_CALL)
        event->call = call(decoder);
    bool is_call = event->kind == EVENT_CALL_ENTRY || event->kind == EVENT_CALL_EXIT;
    decoder->bad |= is_call && !event->call;
    if (has & EVENT_BIT_SLOTS)
        decode_slots(decoder, event);
    if (has & EVENT_BIT_INTS)
        decode_ints(decoder, event);
    if (has & EVENT_BIT_FIELDS)
        decode_fields(decoder, event);
    to->event.number = number_if(decoder, has & EVENT_BIT_NUMBER);
    if (has & EVENT_BIT_SUMMED)
        to->event.summed = small_number(decoder);
    to->event.label = has & EVENT_BIT_LABEL ? small_number(decoder) : LABEL_HERE;
    decode_contexts(decoder, event, has);
}

/* --- other items --- */

static void decode_times(struct decoder *decoder, unsigned has, struct thread_piece *to)
{
    to->wake_ns = to->last_ns = to->named_ns = TIME_NONE;
    to->state_known = (has & THREAD_BIT_STATE) != 0;
    uint64_t until_ns = 0;
    if (to->state_known) {
        to->state = (uint8_t)at_most(decoder, STATE_BLOCKED);
        to->until_ns = until_ns = time_at(decoder);
        to->from_ns = until_ns - number(decoder);
        to->state_since_ns = until_ns - (uint64_t)signed_number(decoder);
        if (has & THREAD_BIT_WAKE)
            to->wake_ns = until_ns - (uint64_t)signed_number(decoder);
    }
    if (has & THREAD_BIT_LAST)
        to->last_ns =
            to->state_known ? until_ns - (uint64_t)signed_number(decoder) : time_at(decoder);
    if (has & THREAD_BIT_NAMED)
        to->named_ns =
            to->state_known ? until_ns - (uint64_t)signed_number(decoder) : time_at(decoder);
}

static void decode_open(struct decoder *decoder, struct open_call *to, uint32_t *label, bool labels)
{
    to->call = call(decoder);
    *label = label_if(decoder, labels);
    to->entry_ns = time_at(decoder);
    to->present = arguments(decoder, to->value, &to->text);
}

static void decode_calls(struct decoder *decoder, struct thread_piece *to, bool labels)
{
    to->call_count = row_take_count(&decoder->row, 2);
    to->calls = arena_take(decoder->arena, to->call_count * sizeof *to->calls);
    for (size_t i = 0; i < to->call_count && !decoder->bad; i++)
        decode_cell(decoder, &to->calls[i], labels);
}

static void decode_spent(struct decoder *decoder, struct time_vector *to)
{
    unsigned has = bits(decoder, TIME_BITS);
    to->user_ns = number_if(decoder, has & TIME_BIT_USER_NS);
    to->sys_ns = number_if(decoder, has & TIME_BIT_SYS_NS);
    to->runnable_ns = number_if(decoder, has & TIME_BIT_RUNNABLE_NS);
    to->unknown_ns = number_if(decoder, has & TIME_BIT_UNKNOWN_NS);
    to->blocked_ns = number_if(decoder, has & TIME_BIT_BLOCKED_NS);
    to->before_running_ns = number_if(decoder, has & TIME_BIT_BEFORE_RUNNING_NS);
    to->before_blocked_ns = number_if(decoder, has & TIME_BIT_BEFORE_BLOCKED_NS);
    to->as_before_ns = number_if(decoder, has & TIME_BIT_AS_BEFORE_NS);
    if (has & TIME_BIT_BLOCKED_IN)
        decode_blocked_in(decoder, to);
}

static void decode_phase(struct decoder *decoder, struct piece_phase *to)
{
    to->label = small_number(decoder);
    unsigned has = bits(decoder, PHASE_BITS);
    struct phase_cell *cell = &to->cell;
    if (has & PHASE_BIT_COMPLETE)
        durations(decoder, &cell->complete);
    cell->hopped = number_if(decoder, has & PHASE_BIT_HOPPED);
    cell->begin_unknown = number_if(decoder, has & PHASE_BIT_BEGIN_UNKNOWN);
    cell->end_unknown = number_if(decoder, has & PHASE_BIT_END_UNKNOWN);
    cell->syscalls = number_if(decoder, has & PHASE_BIT_SYSCALLS);
    if (has & PHASE_BIT_TIME)
        decode_spent(decoder, &cell->time);
    cell->over = number_if(decoder, has & PHASE_BIT_OVER);
    decoder->bad |= cell->hopped > cell->complete.count || cell->over > cell->complete.count;
}

static void decode_ended(struct decoder *decoder, struct piece_ended *to)
{
    struct ended_instance *ended = &to->ended;
    unsigned has = bits(decoder, ENDED_BITS);
    to->label = small_number(decoder);
    to->definition = small_number(decoder);
    ended->rank.order = instance_order_in_interval(decoder);
    ended->rank.begin_ns = time_at(decoder);
    ended->rank.ns = number(decoder);
    ended->pid = has & ENDED_BIT_PID ? signed_small(decoder) : 0;
    ended->end_tid = has & ENDED_BIT_END_TID ? signed_small(decoder) : 0;
    ended->calls = number_if(decoder, has & ENDED_BIT_CALLS);
    decode_spent(decoder, &ended->time);
    if (has & ENDED_BIT_VALUES)
        ended->values = field_values(decoder, 0, &ended->value_count);
}

static void decode_phases(struct decoder *decoder, struct thread_piece *to, unsigned has)
{
    if (has & THREAD_BIT_CLOSINGS) {
        to->closing_count = row_take_count(&decoder->row, 3);
        to->closings = arena_take(decoder->arena, to->closing_count * sizeof *to->closings);
        for (size_t i = 0; i < to->closing_count; i++) {
            to->closings[i].label = small_number(decoder);
            to->closings[i].end_ns = time_at(decoder);
            to->closings[i].begin_ns = to->closings[i].end_ns - number(decoder);
            if (has & THREAD_BIT_CLOSING_ORDERS) {
                to->closings[i].order = instance_order_in_interval(decoder);
                to->closings[i].pid = signed_small(decoder);
            }
        }
    }
    if (has & THREAD_BIT_CREDITS) {
        to->credit_count = row_take_count(&decoder->row, 2);
        to->credits = arena_take(decoder->arena, to->credit_count * sizeof *to->credits);
        for (size_t i = 0; i < to->credit_count; i++) {
            to->credits[i].label = small_number(decoder);
            to->credits[i].count = number(decoder);
        }
    }
    if (has & THREAD_BIT_PHASES) {
        to->phase_count = row_take_count(&decoder->row, 2);
        to->phases = arena_take(decoder->arena, to->phase_count * sizeof *to->phases);
        for (size_t i = 0; i < to->phase_count && !decoder->bad; i++)
            decode_phase(decoder, &to->phases[i]);
    }
    if (has & THREAD_BIT_ENDED) {
        to->ended_count = row_take_count(&decoder->row, 7);
        to->ended = arena_take(decoder->arena, to->ended_count * sizeof *to->ended);
        for (size_t i = 0; i < to->ended_count && !decoder->bad; i++)
            decode_ended(decoder, &to->ended[i]);
    }
}

static void decode_label(struct decoder *decoder, struct label_piece *to)
{
    unsigned has = bits(decoder, LABEL_BITS);
    decoder->bad |= (has & (has - 1)) != 0 || has == 0;
    to->kind = (uint8_t)(has == LABEL_BIT_TOP      ? LABEL_TOP
                         : has == LABEL_BIT_PARENT ? LABEL_PARENT
                                                   : LABEL_CHILD);
    to->name = text_of("");
    if (to->kind == LABEL_CHILD) {
        to->under = small_number(decoder);
        to->name = name(decoder);
        return;
    }
    to->tid = tid(decoder);
    to->time_ns = time_at(decoder);
    if (to->kind == LABEL_TOP)
        return;
    to->definition = small_number(decoder);
    to->under = small_number(decoder);
}

static void decode_instance(struct decoder *decoder, struct instance_piece *to)
{
    unsigned has = bits(decoder, INSTANCE_BITS);
    to->by_user = (has & INSTANCE_BIT_USER) != 0;
    to->in_call = (has & INSTANCE_BIT_IN_CALL) != 0;
    to->tid = tid(decoder);
    to->definition = small_number(decoder);
    to->label = small_number(decoder);
    to->until_ns = time_at(decoder);
    to->begin_ns = to->until_ns - (uint64_t)signed_number(decoder);
    to->event = number(decoder);
    decoder->bad |= to->event >> 47 != 0;
    to->calls = number_if(decoder, has & INSTANCE_BIT_CALLS);
    decode_spent(decoder, &to->time);
    to->values = field_values(decoder, 0, &to->value_count);
}

static void decode_analysis(struct decoder *decoder, struct bytes *to)
{
    bits(decoder, ANALYSIS_BITS);
    size_t count = row_take_count(&decoder->row, 1);
    uint8_t *at = arena_take(decoder->arena, count);
    if (count > 0)
        memcpy(at, decoder->row.at, count);
    decoder->row.at += count;
    *to = (struct bytes){at, count};
    decoder->status = engine_check(analyses_all(), *to, decoder->why);
}

static void decode_thread(struct decoder *decoder, struct thread_piece *to)
{
    unsigned has = bits(decoder, THREAD_BITS);
    struct time_vector *time = &to->time;
    decoder->bad |= (has & THREAD_BIT_OPEN) && (has & THREAD_BIT_NO_CALL);
    decoder->bad |= (has & THREAD_BIT_WAKE) && !(has & THREAD_BIT_STATE);
    to->tid = tid(decoder);
    decode_times(decoder, has, to);
    to->call_register = has & THREAD_BIT_OPEN      ? CALL_OPEN
                        : has & THREAD_BIT_NO_CALL ? CALL_NONE
                                                   : CALL_AS_BEFORE;
    if (has & THREAD_BIT_OPEN)
        decode_open(decoder, &to->open, &to->open_label, has & THREAD_BIT_LABELS);
    to->cpu_ns = number_if(decoder, has & THREAD_BIT_CPU_NS);
    to->switches = number_if(decoder, has & THREAD_BIT_SWITCHES);
    if (has & THREAD_BIT_LATENCY)
        durations(decoder, &to->latency);
    time->user_ns = number_if(decoder, has & THREAD_BIT_USER_NS);
    time->sys_ns = number_if(decoder, has & THREAD_BIT_SYS_NS);
    time->runnable_ns = number_if(decoder, has & THREAD_BIT_RUNNABLE_NS);
    time->unknown_ns = number_if(decoder, has & THREAD_BIT_UNKNOWN_NS);
    time->blocked_ns = number_if(decoder, has & THREAD_BIT_BLOCKED_NS);
    time->before_running_ns = number_if(decoder, has & THREAD_BIT_BEFORE_RUNNING_NS);
    time->before_blocked_ns = number_if(decoder, has & THREAD_BIT_BEFORE_BLOCKED_NS);
    to->kernel_named = (has & THREAD_BIT_KERNEL_NAME) != 0;
    if (to->kernel_named)
        to->kernel_name = name(decoder);
    to->user_named = (has & THREAD_BIT_USER_NAME) != 0;
    if (to->user_named)
        to->user_name = name(decoder);
    if (has & THREAD_BIT_BLOCKED_IN)
        decode_blocked_in(decoder, time);
    if (has & THREAD_BIT_CALLS)
        decode_calls(decoder, to, has & THREAD_BIT_LABELS);
    decode_phases(decoder, to, has);
}

static void decode_cpu(struct decoder *decoder, struct cpu_piece *to)
{
    unsigned has = bits(decoder, CPU_BITS);
    to->cpu = at_most(decoder, CPU_MAX);
    to->current = has & CPU_BIT_CURRENT ? signed_small(decoder) : TID_NOBODY;
    to->run_begin_ns = time_at(decoder);
    to->run_whole = (has & CPU_BIT_RUN_WHOLE) != 0;
    to->last_ns = time_at(decoder);
    to->busy_ns = number(decoder);
}

static void decode_uses(struct decoder *decoder, struct uses_piece *to)
{
    unsigned has = bits(decoder, USES_BITS);
    to->tid = tid(decoder);
    to->fd = at_most(decoder, INT32_MAX);
    to->proven_ns = has & USES_BIT_PROVEN ? time_at(decoder) : TIME_NONE;
    if (has & USES_BIT_CALLS)
        durations(decoder, &to->cell.calls);
    to->cell.read_bytes = number_if(decoder, has & USES_BIT_READ);
    to->cell.write_bytes = number_if(decoder, has & USES_BIT_WRITE);
    to->label = label_if(decoder, has & USES_BIT_LABEL);
}

static void decode_descriptor_call(struct decoder *decoder, struct descriptor_call *to)
{
    unsigned has = bits(decoder, DESCRIPTOR_CALL_BITS);
    to->tid = tid(decoder);
    to->call = call(decoder);
    to->entry_ns = time_at(decoder);
    to->exit_ns = to->entry_ns + number(decoder);
    to->ret = has & DESCRIPTOR_CALL_BIT_RET ? signed_number(decoder) : 0;
    to->present = arguments(decoder, to->value, &to->text);
    to->has_pair = (has & DESCRIPTOR_CALL_BIT_PAIR) != 0;
    if (to->has_pair)
        values(decoder, 3, to->pair, 2);
    to->label = label_if(decoder, has & DESCRIPTOR_CALL_BIT_LABEL);
}

static void decode_life(struct decoder *decoder, struct life_piece *to)
{
    unsigned has = bits(decoder, LIFE_BITS);
    to->tid = tid(decoder);
    to->fd = at_most(decoder, INT32_MAX);
    to->begin_ns = time_at(decoder);
    to->named = (has & LIFE_BIT_NAME) != 0;
    if (to->named)
        to->name = name(decoder);
    to->kind = has & LIFE_BIT_KIND ? (uint8_t)at_most(decoder, DESCRIPTOR_KINDS - 1) : 0;
    to->cloexec = (has & LIFE_BIT_CLOEXEC) != 0;
    to->ended = (has & LIFE_BIT_ENDED) != 0;
    to->end_ns = to->begin_ns + number_if(decoder, to->ended);
    if (has & LIFE_BIT_CALLS)
        durations(decoder, &to->cell.calls);
    to->cell.read_bytes = number_if(decoder, has & LIFE_BIT_READ);
    to->cell.write_bytes = number_if(decoder, has & LIFE_BIT_WRITE);
    to->label = label_if(decoder, has & LIFE_BIT_LABEL);
}

static void decode_item(struct decoder *decoder, struct item *to)
{
    switch ((enum item_kind)to->kind) {
    case ITEM_EVENT: decode_event(decoder, to); return;
    case ITEM_THREAD: decode_thread(decoder, &to->thread); return;
    case ITEM_CPU: decode_cpu(decoder, &to->cpu); return;
    case ITEM_USES: decode_uses(decoder, &to->uses); return;
    case ITEM_DESCRIPTOR_CALL: decode_descriptor_call(decoder, &to->descriptor_call); return;
    case ITEM_LIFE: decode_life(decoder, &to->life); return;
    case ITEM_LABEL: decode_label(decoder, &to->label); return;
    case ITEM_INSTANCE: decode_instance(decoder, &to->instance); return;
    case ITEM_ANALYSIS: decode_analysis(decoder, &to->analysis); return;
    }
    decoder->bad = true;
}

/* The kind of the next item, of which the row has `kind`. */
static enum item_kind kind_of(const struct decoder *decoder, unsigned kind)
{
    if (kind < ITEM_KIND_LAST)
        return (enum item_kind)kind;
    struct row_reader ahead = decoder->row;
    return row_take(&ahead) == ANALYSIS_BITS ? ITEM_ANALYSIS : ITEM_INSTANCE;
}

enum status partial_rows_decode(const struct partial_parts *parts, struct schema *schema,
                                const struct phase_set *phases, struct arena *arena,
                                struct placed_item *items, struct failure *why)
{
    struct decoder decoder = {.format = parts->format,
                              .row = {parts->rows.at, parts->rows.at + parts->rows.count, false},
                              .schema = schema,
                              .phases = phases ? phases : schema_set(schema, NULL),
                              .drops_fields = !phases,
                              .arena = arena,
                              .names = parts->names,
                              .name_count = parts->name_count,
                              .last_ns = parts->base_ns,
                              .has_labels = parts->format >= 4,
                              .why = why};
    decoder.calls = arena_take(arena, parts->name_count * sizeof *decoder.calls);
    for (unsigned i = 0; i < 2; i++)
        decoder.classes[i] = arena_take(arena, parts->name_count * sizeof *decoder.classes[i]);
    uint64_t position = 0;
    for (size_t i = 0; i < parts->items; i++) {
        uint64_t head = number(&decoder);
        position += head >> ITEM_KIND_BITS;
        items[i].position = position++;
        enum item_kind kind = kind_of(&decoder, head & ITEM_KIND_MASK);
        items[i].item = arena_take(arena, item_bytes(kind));
        items[i].item->kind = (uint8_t)kind;
        decode_item(&decoder, items[i].item);
        if (decoder.status != STATUS_OK)
            return decoder.status;
        if (decoder.bad || decoder.row.bad)
            return fail(why, STATUS_REJECT, "item %zu of %llu contradicts itself", i,
                        (unsigned long long)parts->items);
    }
    if (row_left(&decoder.row) > 0)
        return fail(why, STATUS_REJECT, "%zu bytes behind the last of %llu items",
                    row_left(&decoder.row), (unsigned long long)parts->items);
    return STATUS_OK;
}
