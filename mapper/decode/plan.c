#include "mapper/decode/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ctf/bits.h"

/* Larger runs are walked instead. */
static const uint64_t RUN_BITS_MAX = UINT64_C(1) << 30;

/* A program being made. */
struct maker {
    const struct event_class *class;
    struct plan plan;
    struct plan_op *ops;
    size_t count, room;
    size_t run; /* index of its PLAN_RUN, if there is a run */
    bool has_run;
    uint64_t run_bits;          /* so far */
    uint64_t known;             /* the begin of the run is a multiple of this many bits */
    bool ragged;                /* the last walked field may have ended within a byte */
    struct field_shape *shapes; /* NULL: only the fields of the class are needed */
    bool impossible;            /* to decode by bytes */
};

static struct plan_op *add(struct maker *maker, enum plan_code code)
{
    maker->ops = memory_grow(maker->ops, &maker->room, maker->count + 1, sizeof *maker->ops);
    struct plan_op *op = &maker->ops[maker->count++];
    *op = (struct plan_op){.code = (uint8_t)code};
    return op;
}

/* --- needed fields --- */

enum scope { SCOPE_COMMON, SCOPE_SPECIFIC, SCOPE_PAYLOAD };

enum how { HOW_NONE, HOW_NUMBER, HOW_TEXT, HOW_NUMBERS, HOW_FLOAT };

static bool is_number(const struct layout_field *field)
{
    return field->type == LAYOUT_INTEGER || field->type == LAYOUT_VARINT;
}

static enum how how_of(const struct layout_field *field)
{
    switch ((enum layout_type)field->type) {
    case LAYOUT_INTEGER:
    case LAYOUT_VARINT: return HOW_NUMBER;
    case LAYOUT_STRING:
    case LAYOUT_STRING_FIXED:
    case LAYOUT_STRING_SIZED:
    case LAYOUT_WIDE: return HOW_TEXT;
    case LAYOUT_BLOB_FIXED:
    case LAYOUT_BLOB_SIZED: return field->unit > 0 ? HOW_TEXT : HOW_NONE;
    case LAYOUT_ARRAY:
    case LAYOUT_SEQUENCE: return is_number(&field->fields[0]) ? HOW_NUMBERS : HOW_NONE;
    case LAYOUT_FLOAT: return field->size == 32 || field->size == 64 ? HOW_FLOAT : HOW_NONE;
    case LAYOUT_STRUCT:
    case LAYOUT_VARIANT:
    case LAYOUT_OPTIONAL: break;
    }
    return HOW_NONE;
}

char plan_field_letter(const struct layout_field *field)
{
    enum how how = how_of(field);
    return how == HOW_NUMBER ? 'n' : how == HOW_TEXT ? 't' : 0;
}

static const struct {
    const char *name;
    uint8_t how;  /* enum how */
    uint8_t has;  /* EVENT_HAS_* */
    uint8_t code; /* enum plan_code */
} CONTEXTS[] = {
    {"tid", HOW_NUMBER, EVENT_HAS_TID, PLAN_TO_TID},
    {"pid", HOW_NUMBER, EVENT_HAS_PID, PLAN_TO_PID},
    {"vtid", HOW_NUMBER, EVENT_HAS_VTID, PLAN_TO_VTID},
    {"vpid", HOW_NUMBER, EVENT_HAS_VPID, PLAN_TO_VPID},
    {"pid_ns", HOW_NUMBER, EVENT_HAS_PID_NS, PLAN_TO_PID_NS},
    {"procname", HOW_TEXT, EVENT_HAS_PROCNAME, PLAN_TO_PROCNAME},
};

static void want_context(struct maker *maker, const struct layout_field *member, enum how how)
{
    for (size_t i = 0; i < sizeof CONTEXTS / sizeof *CONTEXTS; i++) {
        if (CONTEXTS[i].how != how || strcmp(CONTEXTS[i].name, member->name) != 0)
            continue;
        add(maker, CONTEXTS[i].code);
        maker->plan.has |= CONTEXTS[i].has;
    }
}

static bool suits(enum how how, enum slot_type type)
{
    switch (type) {
    case SLOT_VALUE: return how == HOW_NUMBER;
    case SLOT_TEXT: return how == HOW_TEXT;
    case SLOT_INTS: return how == HOW_NUMBERS;
    }
    return false;
}

static void want_slot(struct maker *maker, const struct slot *slot)
{
    static const uint8_t CODES[] = {
        [SLOT_VALUE] = PLAN_TO_VALUE, [SLOT_TEXT] = PLAN_TO_TEXT, [SLOT_INTS] = PLAN_TO_INTS};
    add(maker, CODES[slot->type])->to = slot->index;
    if (slot->type == SLOT_VALUE)
        maker->plan.present |= (uint8_t)(1u << slot->index);
    if (slot->type == SLOT_TEXT)
        maker->plan.present |= (uint8_t)(1u << (EVENT_VALUES + slot->index));
}

static void want_payload(struct maker *maker, const struct layout_field *member, enum how how)
{
    const struct event_class *class = maker->class;
    for (size_t i = 0; i < class->slot_count; i++)
        if (strcmp(class->slots[i].field, member->name) == 0 && suits(how, class->slots[i].type))
            want_slot(maker, &class->slots[i]);
    size_t field_count = maker->shapes ? maker->plan.field_count : class->field_count;
    for (size_t i = 0; i < field_count; i++) {
        const char *name = maker->shapes ? maker->shapes[i].name : class->fields[i];
        /* Definitions compare no floats. */
        if (strcmp(name, member->name) != 0 || how == HOW_NUMBERS ||
            (how == HOW_FLOAT && i < class->field_count))
            continue;
        add(maker, how == HOW_TEXT     ? PLAN_TO_FIELD_TEXT
                   : member->is_signed ? PLAN_TO_INT
                                       : PLAN_TO_UINT)
            ->from = (uint32_t)i;
    }
    if (!class->unknown_call)
        return;
    if (how == HOW_NUMBER && strcmp(member->name, "id") == 0)
        add(maker, PLAN_TO_CALL_NUMBER);
    if (how == HOW_NUMBERS && strcmp(member->name, "args") == 0)
        add(maker, PLAN_TO_CALL_ARGS);
}

/* Adds the ops that store `member` of the structure `of` from the hand. */
static void want(struct maker *maker, enum scope scope, const struct layout_field *of,
                 const struct layout_field *member)
{
    enum how how = how_of(member);
    if (how == HOW_NUMBER && member->save != LAYOUT_NONE)
        add(maker, PLAN_TO_SLOT)->from = member->save;
    if (how == HOW_NONE || !of || layout_member(of, member->name) != member)
        return;
    if (scope == SCOPE_PAYLOAD)
        want_payload(maker, member, how);
    else
        want_context(maker, member, how);
}

/* --- positions --- */

static void end_run(struct maker *maker)
{
    if (maker->has_run)
        maker->ops[maker->run].count = (uint32_t)((maker->run_bits + 7) / 8);
    maker->has_run = false;
    maker->run_bits = 0;
}

/* Moves to the next multiple of `align` bits, in a run. */
static void run_to(struct maker *maker, uint64_t align)
{
    if (maker->ragged && align < 8)
        maker->impossible = true;
    maker->ragged = false;
    if (align > maker->known) {
        end_run(maker);
        add(maker, PLAN_ALIGN)->count = (uint32_t)(align / 8);
        maker->known = align;
    }
    if (!maker->has_run) {
        maker->run = maker->count;
        add(maker, PLAN_RUN);
        maker->has_run = true;
    }
    maker->run_bits = bits_aligned(maker->run_bits, align);
}

/* Moves there and ends the run; what follows has no fixed size. */
static void leave_run(struct maker *maker, uint64_t align)
{
    run_to(maker, align);
    if (maker->run_bits % 8 != 0)
        maker->impossible = true;
    end_run(maker);
    maker->known = 8;
}

/* Fuses a load (the op at `load`) with the op that stores its result as a value or text. */
static void shorten(struct maker *maker, size_t load)
{
    struct plan_op *op = &maker->ops[load];
    if (maker->count == load + 1)
        maker->count = load; /* it is not needed */
    if (maker->count != load + 2)
        return;
    bool value = op->code == PLAN_LOAD && op[1].code == PLAN_TO_VALUE;
    bool text = op->code == PLAN_CHARS && op[1].code == PLAN_TO_TEXT;
    if (!value && !text)
        return;
    op->code = value ? PLAN_VALUE : PLAN_TEXT;
    op->to = op[1].to;
    maker->count--;
}

static bool run_number(struct maker *maker, enum scope scope, const struct layout_field *of,
                       const struct layout_field *field)
{
    size_t load = maker->count;
    unsigned bit = (unsigned)(maker->run_bits % 8);
    struct plan_op *op = add(maker, PLAN_LOAD);
    op->at = (uint32_t)(maker->run_bits / 8);
    op->right = (uint8_t)(64 - field->size);
    op->left = (uint8_t)(field->big_endian ? bit : 64 - bit - field->size);
    op->sign = field->is_signed ? UINT64_C(1) << (field->size - 1) : 0;
    op->big_endian = field->big_endian;
    want(maker, scope, of, field);
    shorten(maker, load);
    maker->run_bits += field->size;
    return maker->count == load || (bit + field->size <= 64 && !field->is_reversed);
}

static void run_text(struct maker *maker, enum scope scope, const struct layout_field *of,
                     const struct layout_field *field)
{
    size_t load = maker->count;
    struct plan_op *op = add(maker, PLAN_CHARS);
    op->at = (uint32_t)(maker->run_bits / 8);
    op->count = field->count;
    want(maker, scope, of, field);
    shorten(maker, load);
    maker->run_bits += UINT64_C(8) * field->count;
}

static void run_array(struct maker *maker, enum scope scope, const struct layout_field *of,
                      const struct layout_field *field, uint64_t bits)
{
    size_t load = maker->count;
    struct plan_op *op = add(maker, PLAN_NUMBERS);
    op->at = (uint32_t)(maker->run_bits / 8);
    op->bit = (uint8_t)(maker->run_bits % 8);
    op->field = field;
    want(maker, scope, of, field);
    shorten(maker, load);
    maker->run_bits += bits;
}

/* --- fields --- */

static void walk_field(struct maker *maker, enum scope scope, const struct layout_field *of,
                       const struct layout_field *field)
{
    static const uint8_t CODES[] = {[HOW_NONE] = PLAN_WALK,
                                    [HOW_NUMBER] = PLAN_WALK_NUMBER,
                                    [HOW_TEXT] = PLAN_WALK_TEXT,
                                    [HOW_NUMBERS] = PLAN_WALK_NUMBERS,
                                    [HOW_FLOAT] = PLAN_WALK_NUMBER};
    size_t walk = maker->count;
    add(maker, CODES[how_of(field)])->field = field;
    want(maker, scope, of, field);
    if (maker->count == walk + 1)
        maker->ops[walk].code = PLAN_WALK;
}

static void variable_field(struct maker *maker, enum scope scope, const struct layout_field *of,
                           const struct layout_field *field)
{
    leave_run(maker, field->align);
    if (field->type == LAYOUT_STRING) {
        add(maker, PLAN_STRING);
        want(maker, scope, of, field);
        return;
    }
    size_t before = maker->count;
    walk_field(maker, scope, of, field);
    bool unwanted = maker->count == before + 1;
    const struct layout_field *element = field->fields;
    bool steps = field->type == LAYOUT_SEQUENCE && element->is_fixed && element->bits % 8 == 0 &&
                 element->bits % element->align == 0 && element->bits > 0;
    if (unwanted &&
        (steps || field->type == LAYOUT_STRING_SIZED || field->type == LAYOUT_BLOB_SIZED)) {
        struct plan_op *op = &maker->ops[before];
        op->code = PLAN_SEQUENCE;
        op->from = field->from;
        op->count = steps ? (uint32_t)(element->bits / 8) : 1;
    }
    maker->ragged = plan_ends(field, PLAN_ON_BYTE) != PLAN_ON_BYTE;
}

/* Nested members are not needed: `of` is NULL for them. */
static void add_field(struct maker *maker, enum scope scope, const struct layout_field *of,
                      const struct layout_field *field)
{
    bool fixed = field->is_fixed;
    uint64_t bits = field->bits;
    if (field->type == LAYOUT_STRUCT && !fixed) {
        run_to(maker, field->align);
        for (uint32_t i = 0; i < field->count; i++)
            add_field(maker, scope, NULL, &field->fields[i]);
        return;
    }
    if (field->type == LAYOUT_INTEGER || how_of(field) == HOW_FLOAT) {
        run_to(maker, field->align);
        if (!run_number(maker, scope, of, field))
            maker->impossible = true; /* 64 bits in nine bytes, or a change of byte order */
    } else if (fixed && bits <= RUN_BITS_MAX && maker->run_bits <= RUN_BITS_MAX) {
        run_to(maker, field->align);
        if (field->type == LAYOUT_STRING_FIXED)
            run_text(maker, scope, of, field);
        else if (field->type == LAYOUT_ARRAY)
            run_array(maker, scope, of, field, bits);
        else
            maker->run_bits += bits;
    } else {
        variable_field(maker, scope, of, field);
    }
}

static void add_scope(struct maker *maker, enum scope scope, const struct layout_field *fields)
{
    if (!fields)
        return;
    run_to(maker, fields->align);
    for (uint32_t i = 0; i < fields->count; i++)
        add_field(maker, scope, fields, &fields->fields[i]);
}

static void walk_scope(struct maker *maker, enum scope scope, const struct layout_field *fields)
{
    if (!fields)
        return;
    add(maker, PLAN_WALK_ALIGN)->count = fields->align;
    for (uint32_t i = 0; i < fields->count; i++)
        walk_field(maker, scope, fields, &fields->fields[i]);
}

/* --- the whole plan --- */

static void add_scopes(struct maker *maker, const struct layout_stream *stream,
                       const struct layout_event *event,
                       void (*adds)(struct maker *, enum scope, const struct layout_field *))
{
    adds(maker, SCOPE_COMMON, stream->event_context);
    adds(maker, SCOPE_SPECIFIC, event->context);
    adds(maker, SCOPE_PAYLOAD, event->payload);
}

/* Removes empty runs. */
static void drop_empty_runs(struct maker *maker)
{
    size_t kept = 0;
    for (size_t i = 0; i < maker->count; i++)
        if (maker->ops[i].code != PLAN_RUN || maker->ops[i].count > 0)
            maker->ops[kept++] = maker->ops[i];
    maker->count = kept;
}

static bool moves(enum plan_code code)
{
    return code == PLAN_RUN || code == PLAN_ALIGN || code == PLAN_STRING || code == PLAN_SEQUENCE ||
           (code >= PLAN_WALK && code <= PLAN_WALK_ALIGN);
}

/* If the event is a single run, moves it into the plan. */
static void take_only_run(struct maker *maker)
{
    for (size_t i = 1; i < maker->count; i++)
        if (moves(maker->ops[i].code))
            return;
    if (moves(maker->ops[0].code) && maker->ops[0].code != PLAN_RUN)
        return;
    maker->plan.is_run = true;
    if (maker->ops[0].code != PLAN_RUN)
        return;
    maker->plan.run_bytes = maker->ops[0].count;
    memmove(maker->ops, maker->ops + 1, (maker->count - 1) * sizeof *maker->ops);
    maker->count--;
}

static bool is_quick(const struct plan_op *op)
{
    return op->code == PLAN_TEXT || (op->code == PLAN_VALUE && !op->big_endian);
}

/* A run with only values and texts needs no program: values first, then texts. */
static void make_quick(struct maker *maker)
{
    struct plan *plan = &maker->plan;
    struct plan_op sorted[EVENT_VALUES + EVENT_TEXTS];
    size_t count = maker->count - 1, kept = 0; /* without PLAN_END */
    plan->reach = plan->run_bytes;
    if (count > EVENT_VALUES + EVENT_TEXTS)
        return;
    for (int code = PLAN_VALUE; code <= PLAN_TEXT; code++) {
        for (size_t i = 0; i < count; i++)
            if (maker->ops[i].code == code && is_quick(&maker->ops[i]))
                sorted[kept++] = maker->ops[i];
        if (code == PLAN_VALUE)
            plan->value_count = (uint8_t)kept;
    }
    if (kept < count)
        return;
    plan->is_quick = true;
    plan->text_count = (uint8_t)(kept - plan->value_count);
    for (size_t i = 0; i < plan->value_count; i++)
        if (sorted[i].at + 8 > plan->reach)
            plan->reach = sorted[i].at + 8;
    memcpy(maker->ops, sorted, count * sizeof *sorted);
}

static void make(struct maker *maker, const struct layout_stream *stream,
                 const struct layout_event *event, const struct plan_header *header)
{
    maker->known = 8;
    maker->ragged = header->ragged;
    if (header->by_bytes) {
        add_scopes(maker, stream, event, add_scope);
        end_run(maker);
    }
    if (!header->by_bytes || maker->impossible) {
        maker->count = 0;
        maker->plan = (struct plan){.walked = true, .field_count = maker->plan.field_count};
        add_scopes(maker, stream, event, walk_scope);
    }
    add(maker, PLAN_END);
    drop_empty_runs(maker);
    if (!maker->plan.walked)
        take_only_run(maker);
    if (maker->plan.is_run && maker->class->field_count == 0 && !maker->shapes &&
        !maker->class->unknown_call)
        make_quick(maker);
}

/* The fields of the class, then all others of the payload. */
static void add_shapes(struct maker *maker, struct arena *arena, const struct layout_field *payload)
{
    const struct event_class *class = maker->class;
    size_t count = 0;
    maker->shapes =
        arena_take(arena, (class->field_count + payload->count) * sizeof *maker->shapes);
    while (count < class->field_count) {
        const char *name = class->fields[count];
        maker->shapes[count] = field_shape_named(name, strlen(name));
        maker->shapes[count++].base = 10;
    }
    for (uint32_t i = 0; i < payload->count; i++) {
        const struct layout_field *member = &payload->fields[i];
        enum how how = how_of(member);
        if (layout_member(payload, member->name) != member)
            continue;
        size_t at = 0;
        while (at < count && strcmp(maker->shapes[at].name, member->name) != 0)
            at++;
        if (at == UINT16_MAX)
            break;
        struct field_shape *shape = &maker->shapes[at];
        *shape = field_shape_named(member->name, member->name_count);
        shape->base = member->base;
        shape->is_declared = true;
        shape->is_taken = how == HOW_NUMBER || how == HOW_TEXT;
        if (how == HOW_FLOAT && at >= class->field_count)
            shape->float_bits = member->size;
        count = at < count ? count : count + 1;
    }
    maker->plan.field_count = (uint16_t)count;
}

const struct plan *plan_new(struct arena *arena, const struct layout_stream *stream,
                            const struct layout_event *event, const struct event_class *class,
                            const struct plan_header *header, bool shown)
{
    struct maker maker = {.class = class};
    if (event->payload && shown)
        add_shapes(&maker, arena, event->payload);
    uint16_t shape_count = maker.plan.field_count;
    make(&maker, stream, event, header);
    struct plan *plan = arena_take(arena, sizeof *plan);
    struct plan_op *ops = arena_take(arena, maker.count * sizeof *ops);
    memcpy(ops, maker.ops, maker.count * sizeof *ops);
    free(maker.ops);
    *plan = maker.plan;
    plan->ops = ops;
    if (event->payload) {
        plan->field_count = maker.shapes ? shape_count : (uint16_t) class->field_count;
        plan->shapes = maker.shapes;
        plan->unknown_call = class->unknown_call;
    }
    return plan;
}
