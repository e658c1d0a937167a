#include "bt2_plan.h"

#include <stdlib.h>

#include "base/memory.h"

enum how { HOW_ABSENT, HOW_SIGNED, HOW_UNSIGNED, HOW_TEXT, HOW_ARRAY };

/* A member of a structure field, and its destination. */
struct fetch {
    uint32_t member;
    uint8_t how;     /* enum how */
    uint8_t element; /* of HOW_ARRAY: enum how of each element */
    uint8_t slot;    /* index in event.value or event.text */
    uint8_t type;    /* enum slot_type */
};

enum context {
    CONTEXT_TID,
    CONTEXT_PID,
    CONTEXT_VTID,
    CONTEXT_VPID,
    CONTEXT_PID_NS,
    CONTEXT_PROCNAME,
    CONTEXTS
};

static const struct {
    const char *name;
    uint8_t has;
} CONTEXT_NAMES[CONTEXTS] = {
    {"tid", EVENT_HAS_TID},   {"pid", EVENT_HAS_PID},       {"vtid", EVENT_HAS_VTID},
    {"vpid", EVENT_HAS_VPID}, {"pid_ns", EVENT_HAS_PID_NS}, {"procname", EVENT_HAS_PROCNAME},
};

/* Contexts in one structure: of all events of the stream class, or of one event class. */
struct contexts {
    struct fetch at[CONTEXTS];
    size_t count;
};

struct plan {
    const bt_event_class *from;
    const struct event_class *class;
    struct fetch *slots;
    size_t slot_count;
    struct fetch *fields;      /* in the order of class->fields */
    struct fetch number, args; /* of a call without a table entry */
    struct contexts common, specific;
};

struct bt2_plans {
    struct schema *schema;
    enum domain domain;
    bool x86_64;
    struct event_origin origin;
    struct plan **table; /* open addressing by `from`; a power of two */
    size_t room, count;
};

/* --- making a plan --- */

static enum how how_of(const bt_field_class *class)
{
    bt_field_class_type type = bt_field_class_get_type(class);
    if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER))
        return HOW_SIGNED;
    if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER))
        return HOW_UNSIGNED;
    if (type == BT_FIELD_CLASS_TYPE_STRING)
        return HOW_TEXT;
    if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_ARRAY))
        return HOW_ARRAY;
    return HOW_ABSENT;
}

/* How to fetch the member `name` of `class` (NULL if there is no such structure). libbabeltrace2
 * has already removed the leading underscore. */
static struct fetch resolve(const bt_field_class *class, const char *name)
{
    struct fetch fetch = {.how = HOW_ABSENT};
    if (class == NULL)
        return fetch;
    uint64_t count = bt_field_class_structure_get_member_count(class);
    for (uint64_t i = 0; i < count; i++) {
        const bt_field_class_structure_member *member =
            bt_field_class_structure_borrow_member_by_index_const(class, i);
        if (strcmp(bt_field_class_structure_member_get_name(member), name) != 0)
            continue;
        const bt_field_class *type =
            bt_field_class_structure_member_borrow_field_class_const(member);
        fetch.member = (uint32_t)i;
        fetch.how = (uint8_t)how_of(type);
        if (fetch.how == HOW_ARRAY) {
            enum how element = how_of(bt_field_class_array_borrow_element_field_class_const(type));
            fetch.element = (uint8_t)element;
            if (element != HOW_SIGNED && element != HOW_UNSIGNED)
                fetch.how = HOW_ABSENT;
        }
        return fetch;
    }
    return fetch;
}

static bool is_number(const struct fetch *fetch)
{
    return fetch->how == HOW_SIGNED || fetch->how == HOW_UNSIGNED;
}

static bool suits(const struct fetch *fetch, enum slot_type type)
{
    switch (type) {
    case SLOT_VALUE: return is_number(fetch);
    case SLOT_TEXT: return fetch->how == HOW_TEXT;
    case SLOT_INTS: return fetch->how == HOW_ARRAY;
    }
    return false;
}

static struct contexts resolve_contexts(const bt_field_class *class)
{
    struct contexts contexts = {.count = 0};
    for (unsigned i = 0; i < CONTEXTS; i++) {
        struct fetch fetch = resolve(class, CONTEXT_NAMES[i].name);
        fetch.slot = (uint8_t)i;
        if (i == CONTEXT_PROCNAME ? fetch.how == HOW_TEXT : is_number(&fetch))
            contexts.at[contexts.count++] = fetch;
    }
    return contexts;
}

static struct plan *plan_new(struct bt2_plans *plans, const bt_event_class *from)
{
    struct plan *plan = memory_new(sizeof *plan);
    const char *name = bt_event_class_get_name(from);
    const struct event_class *class =
        schema_class(plans->schema, plans->domain, text_of(name != NULL ? name : ""));
    const bt_field_class *payload = bt_event_class_borrow_payload_field_class_const(from);
    plan->from = from;
    plan->class = class;
    plan->slots = memory_new(class->slot_count * sizeof *plan->slots);
    for (size_t i = 0; i < class->slot_count; i++) {
        struct fetch fetch = resolve(payload, class->slots[i].field);
        fetch.slot = class->slots[i].index;
        fetch.type = (uint8_t) class->slots[i].type;
        if (suits(&fetch, class->slots[i].type))
            plan->slots[plan->slot_count++] = fetch;
    }
    plan->fields = memory_new(class->field_count * sizeof *plan->fields);
    for (size_t i = 0; i < class->field_count; i++)
        plan->fields[i] = resolve(payload, class->fields[i]);
    if (class->unknown_call) {
        plan->number = resolve(payload, "id");
        plan->args = resolve(payload, "args");
    }
    plan->common = resolve_contexts(bt_stream_class_borrow_event_common_context_field_class_const(
        bt_event_class_borrow_stream_class_const(from)));
    plan->specific =
        resolve_contexts(bt_event_class_borrow_specific_context_field_class_const(from));
    return plan;
}

/* --- lookup --- */

static size_t place_of(const struct bt2_plans *plans, const bt_event_class *from)
{
    uint64_t hash = (uint64_t)(uintptr_t)from * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(hash >> 32) & (plans->room - 1);
    while (plans->table[at] != NULL && plans->table[at]->from != from)
        at = (at + 1) & (plans->room - 1);
    return at;
}

static void grow(struct bt2_plans *plans)
{
    struct plan **old = plans->table;
    size_t old_room = plans->room;
    plans->room = old_room * 2;
    plans->table = memory_new(plans->room * sizeof *plans->table);
    for (size_t i = 0; i < old_room; i++)
        if (old[i] != NULL)
            plans->table[place_of(plans, old[i]->from)] = old[i];
    free(old);
}

static const struct plan *plan_of(struct bt2_plans *plans, const bt_event_class *from)
{
    size_t at = place_of(plans, from);
    if (plans->table[at] == NULL) {
        if (++plans->count > plans->room / 2) {
            grow(plans);
            at = place_of(plans, from);
        }
        plans->table[at] = plan_new(plans, from);
    }
    return plans->table[at];
}

struct bt2_plans *bt2_plans_new(struct schema *schema, enum domain domain, bool x86_64,
                                const struct event_origin *origin)
{
    struct bt2_plans *plans = memory_new(sizeof *plans);
    *plans = (struct bt2_plans){
        .schema = schema,
        .domain = domain,
        .x86_64 = x86_64,
        .origin = *origin,
        .room = 256,
    };
    plans->table = memory_new(plans->room * sizeof *plans->table);
    return plans;
}

void bt2_plans_free(struct bt2_plans *plans)
{
    if (plans == NULL)
        return;
    for (size_t i = 0; i < plans->room; i++) {
        if (plans->table[i] == NULL)
            continue;
        free(plans->table[i]->slots);
        free(plans->table[i]->fields);
        free(plans->table[i]);
    }
    free(plans->table);
    free(plans);
}

/* --- execution --- */

static const bt_field *member_of(const bt_field *structure, const struct fetch *fetch)
{
    return bt_field_structure_borrow_member_field_by_index_const(structure, fetch->member);
}

static int64_t number_of(const bt_field *field, enum how how)
{
    return how == HOW_SIGNED ? bt_field_integer_signed_get_value(field)
                             : (int64_t)bt_field_integer_unsigned_get_value(field);
}

static struct text text_in(const bt_field *field, struct scratch *scratch)
{
    return scratch_text(scratch, (struct text){bt_field_string_get_value(field),
                                               (size_t)bt_field_string_get_length(field)});
}

static const int64_t *ints_in(const bt_field *array, enum how element, struct scratch *scratch,
                              size_t *count)
{
    uint64_t length = bt_field_array_get_length(array);
    *count = length < UINT16_MAX ? (size_t)length : UINT16_MAX;
    int64_t *ints = scratch_take(scratch, *count * sizeof *ints);
    for (size_t i = 0; i < *count; i++)
        ints[i] = number_of(bt_field_array_borrow_element_field_by_index_const(array, i), element);
    return ints;
}

static void fill_contexts(const struct contexts *contexts, const bt_field *structure,
                          struct scratch *scratch, struct event *event)
{
    for (size_t i = 0; i < contexts->count; i++) {
        const struct fetch *fetch = &contexts->at[i];
        const bt_field *field = member_of(structure, fetch);
        event->has |= CONTEXT_NAMES[fetch->slot].has;
        if (fetch->slot == CONTEXT_PROCNAME) {
            event->procname = text_in(field, scratch);
            continue;
        }
        int32_t value = (int32_t)number_of(field, fetch->how);
        switch ((enum context)fetch->slot) {
        case CONTEXT_TID: event->tid = value; break;
        case CONTEXT_PID: event->pid = value; break;
        case CONTEXT_VTID: event->vtid = value; break;
        case CONTEXT_VPID: event->vpid = value; break;
        case CONTEXT_PID_NS: event->pid_ns = (uint32_t)value; break;
        case CONTEXT_PROCNAME:
        case CONTEXTS: break;
        }
    }
}

static void fill_slot(const struct fetch *fetch, const bt_field *payload, struct scratch *scratch,
                      struct event *event)
{
    const bt_field *field = member_of(payload, fetch);
    size_t count;
    switch ((enum slot_type)fetch->type) {
    case SLOT_VALUE:
        event->value[fetch->slot] = number_of(field, fetch->how);
        event->present |= (uint8_t)(1u << fetch->slot);
        break;
    case SLOT_TEXT:
        event->text[fetch->slot] = text_in(field, scratch);
        event->present |= (uint8_t)(1u << (EVENT_VALUES + fetch->slot));
        break;
    case SLOT_INTS:
        event->ints = ints_in(field, fetch->element, scratch, &count);
        event->int_count = (uint16_t)count;
        break;
    }
}

static void fill_fields(const struct plan *plan, const bt_field *payload, struct scratch *scratch,
                        struct event *event)
{
    size_t count = plan->class->field_count;
    struct field_value *values = scratch_take(scratch, count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        const struct fetch *fetch = &plan->fields[i];
        values[i] = (struct field_value){.type = FIELD_ABSENT};
        switch ((enum how)fetch->how) {
        case HOW_SIGNED:
            values[i].type = FIELD_INT;
            values[i].i = bt_field_integer_signed_get_value(member_of(payload, fetch));
            break;
        case HOW_UNSIGNED:
            values[i].type = FIELD_UINT;
            values[i].u = bt_field_integer_unsigned_get_value(member_of(payload, fetch));
            break;
        case HOW_TEXT:
            values[i].type = FIELD_TEXT;
            values[i].text = text_in(member_of(payload, fetch), scratch);
            break;
        case HOW_ABSENT:
        case HOW_ARRAY: break;
        }
    }
    event->fields = values;
    event->field_count = (uint16_t)count;
}

static void fill_unknown_call(struct bt2_plans *plans, const struct plan *plan,
                              const bt_field *payload, struct scratch *scratch, struct event *event)
{
    uint64_t number = UINT64_MAX;
    const int64_t *args = NULL;
    size_t count = 0;
    if (is_number(&plan->number))
        number = (uint64_t)number_of(member_of(payload, &plan->number), plan->number.how);
    if (plan->args.how == HOW_ARRAY)
        args = ints_in(member_of(payload, &plan->args), plan->args.element, scratch, &count);
    event_set_unknown_call(plans->schema, event, number, plans->x86_64, args, count);
}

void bt2_plans_fill(struct bt2_plans *plans, const bt_event *from, struct scratch *scratch,
                    struct event *event)
{
    const struct plan *plan = plan_of(plans, bt_event_borrow_class_const(from));
    event->class = plan->class;
    event->kind = plan->class->kind;
    event->call = plan->class->call;
    event_set_origin(event, &plans->origin);
    if (plan->common.count > 0)
        fill_contexts(&plan->common, bt_event_borrow_common_context_field_const(from), scratch,
                      event);
    if (plan->specific.count > 0)
        fill_contexts(&plan->specific, bt_event_borrow_specific_context_field_const(from), scratch,
                      event);
    if (plan->slot_count == 0 && plan->class->field_count == 0 && !plan->class->unknown_call)
        return;
    const bt_field *payload = bt_event_borrow_payload_field_const(from);
    if (payload == NULL)
        return;
    for (size_t i = 0; i < plan->slot_count; i++)
        fill_slot(&plan->slots[i], payload, scratch, event);
    if (plan->class->field_count > 0)
        fill_fields(plan, payload, scratch, event);
    if (plan->class->unknown_call)
        fill_unknown_call(plans, plan, payload, scratch, event);
}
