#include "trace/schema.h"

#include <assert.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"

/* A kernel event with a fixed name, and its slots up to the first without a field. */
enum { NAMED_SLOTS_MAX = 8 };

struct named_event {
    const char *name;
    enum event_kind kind;
    struct slot slots[NAMED_SLOTS_MAX];
};

static const struct named_event named_events[] = {
    {"sched_switch",
     EVENT_SWITCH,
     {{"prev_tid", SLOT_VALUE, 0},
      {"prev_state", SLOT_VALUE, 1},
      {"next_tid", SLOT_VALUE, 2},
      {"prev_comm", SLOT_TEXT, 0},
      {"next_comm", SLOT_TEXT, 1}}},
    {"sched_waking", EVENT_WAKEUP, {{"tid", SLOT_VALUE, 0}, {"comm", SLOT_TEXT, 0}}},
    {"sched_wakeup", EVENT_WAKEUP, {{"tid", SLOT_VALUE, 0}, {"comm", SLOT_TEXT, 0}}},
    {"sched_wakeup_new", EVENT_WAKEUP, {{"tid", SLOT_VALUE, 0}, {"comm", SLOT_TEXT, 0}}},
    {"sched_process_fork",
     EVENT_FORK,
     {{"parent_tid", SLOT_VALUE, 0},
      {"parent_pid", SLOT_VALUE, 1},
      {"child_tid", SLOT_VALUE, 2},
      {"child_pid", SLOT_VALUE, 3},
      {"parent_comm", SLOT_TEXT, 0},
      {"child_comm", SLOT_TEXT, 1},
      {"vtids", SLOT_INTS, 0}}},
    {"sched_process_exec",
     EVENT_EXEC,
     {{"tid", SLOT_VALUE, 0}, {"old_tid", SLOT_VALUE, 1}, {"filename", SLOT_TEXT, 0}}},
    {"sched_process_exit", EVENT_EXIT, {{"tid", SLOT_VALUE, 0}, {"comm", SLOT_TEXT, 0}}},
    {"lttng_statedump_process_state",
     EVENT_DUMP_PROCESS,
     {{"tid", SLOT_VALUE, 0},
      {"pid", SLOT_VALUE, 1},
      {"ppid", SLOT_VALUE, 2},
      {"status", SLOT_VALUE, 3},
      {"file_table_address", SLOT_VALUE, 4},
      {"name", SLOT_TEXT, 0}}},
    {"lttng_statedump_process_pid_ns",
     EVENT_DUMP_PID_NS,
     {{"tid", SLOT_VALUE, 0}, {"vtid", SLOT_VALUE, 1}, {"ns_level", SLOT_VALUE, 2}}},
    {"lttng_statedump_file_descriptor",
     EVENT_DUMP_FD,
     {{"file_table_address", SLOT_VALUE, 0},
      {"pid", SLOT_VALUE, 1},
      {"fd", SLOT_VALUE, 2},
      {"flags", SLOT_VALUE, 3},
      {"filename", SLOT_TEXT, 0}}},
};

/* Maps names to objects; open addressing, never shrinks. */
/* The classes under one set of phase definitions. */
struct classes {
    struct map by_domain[2]; /* struct event_class, by name */
};

struct schema {
    const struct phase_definitions *phases;
    event_rows *rows; /* or NULL */
    bool is_of_names;
    const struct phase_set *own;
    pthread_mutex_t lock; /* for everything below; objects in the arenas do not change */
    struct arena arena;   /* classes, calls, and what they point to */
    struct phase_sets sets;
    struct classes *by_set; /* by the index of the set */
    size_t set_room;
    struct map by_call;           /* struct syscall, by name */
    struct event_class **classes; /* by id */
    size_t class_count, class_room;
    struct syscall **calls; /* by id */
    size_t call_room;
    struct event_class *loss[2];
};

/* Locking does not change the schema for its callers. */
static void lock(const struct schema *schema)
{
    pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&schema->lock);
}

static void unlock(const struct schema *schema)
{
    pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&schema->lock);
}

/* Classes and calls both begin with their name. */
static bool is_named(const void *made, struct text name)
{
    const char *const *first = made;
    return text_equal(text_of(*first), name);
}

static_assert(offsetof(struct event_class, name) == 0, "is_named() reads it");
static_assert(offsetof(struct syscall, name) == 0, "is_named() reads it");

/* Finds an object by the hash of its name; names with equal hashes are in successive slots. */
static void *interned_find(const struct map *interned, struct text name)
{
    void *made;
    uint64_t key = hash_text(name);
    while ((made = map_get(interned, key)) != NULL && !is_named(made, name))
        key++;
    return made;
}

static void interned_add(struct map *interned, struct text name, void *made)
{
    uint64_t key = hash_text(name);
    while (map_get(interned, key) != NULL)
        key++;
    map_put(interned, key, made);
}

static struct event_class *new_class(struct schema *schema, enum domain domain, struct text name)
{
    struct event_class *class = arena_take(&schema->arena, sizeof *class);
    class->name = arena_string(&schema->arena, name);
    class->domain = (uint8_t)domain;
    class->kind = EVENT_OTHER;
    class->id = (uint32_t)schema->class_count;
    schema->classes = memory_grow(schema->classes, &schema->class_room, schema->class_count + 1,
                                  sizeof *schema->classes);
    schema->classes[schema->class_count++] = class;
    return class;
}

static const struct phase_set *add_set(struct schema *schema,
                                       const struct phase_definitions *phases,
                                       size_t built_in_count, bool borrow)
{
    size_t before = schema->sets.count;
    const struct phase_set *set = phase_sets_add(&schema->sets, phases, built_in_count, borrow);
    if (schema->sets.count == before)
        return set;
    schema->by_set =
        memory_grow(schema->by_set, &schema->set_room, before + 1, sizeof *schema->by_set);
    schema->by_set[before] = (struct classes){.by_domain = {{.count = 0}}};
    return set;
}

struct schema *schema_new(const struct phase_definitions *phases)
{
    return schema_new_with(phases, NULL, NULL);
}

/* Moves `count` elements from the heap to the arena; NULL if none. */
static void *keep(struct schema *schema, void *at, size_t count, size_t size)
{
    void *kept = NULL;
    if (count) {
        kept = arena_take(&schema->arena, count * size);
        memcpy(kept, at, count * size);
    }
    free(at);
    return kept;
}

static void add_built_in(struct schema *schema, built_in_counts *counts)
{
    const struct count_definition **at = NULL;
    size_t count = 0, room = 0;
    for (const struct count_definition *each; counts && (each = counts(count)) != NULL;) {
        assert(each->built_in && each->built_in->number == count);
        at = memory_grow(at, &room, count + 1, sizeof *at);
        at[count++] = each;
    }
    schema->sets.built_in = keep(schema, at, count, sizeof *at);
    schema->sets.built_in_count = count;
}

struct schema *schema_new_with(const struct phase_definitions *phases, event_rows *rows,
                               built_in_counts *counts)
{
    struct schema *schema = memory_new(sizeof *schema);
    schema->phases = phases;
    schema->rows = rows;
    pthread_mutex_init(&schema->lock, NULL);
    add_built_in(schema, counts);
    schema->own = add_set(schema, phases, schema->sets.built_in_count, true);
    for (enum domain domain = DOMAIN_KERNEL; domain <= DOMAIN_UST; domain++) {
        schema->loss[domain] = new_class(schema, domain, text_of("(loss)"));
        schema->loss[domain]->kind = EVENT_LOSS;
    }
    return schema;
}

struct schema *schema_new_of_names(const struct phase_definitions *phases)
{
    struct schema *schema = schema_new(phases);
    schema->is_of_names = true;
    return schema;
}

bool schema_is_of_names(const struct schema *schema)
{
    return schema->is_of_names;
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    for (size_t i = 0; i < schema->sets.count; i++)
        for (enum domain domain = DOMAIN_KERNEL; domain <= DOMAIN_UST; domain++)
            map_clear(&schema->by_set[i].by_domain[domain]);
    free(schema->by_set);
    phase_sets_clear(&schema->sets);
    map_clear(&schema->by_call);
    free(schema->calls);
    free(schema->classes);
    arena_clear(&schema->arena);
    pthread_mutex_destroy(&schema->lock);
    free(schema);
}

const struct phase_definitions *schema_phases(const struct schema *schema)
{
    return schema->phases;
}

event_rows *schema_rows(const struct schema *schema)
{
    return schema->rows;
}

const struct phase_set *schema_own_set(const struct schema *schema)
{
    return schema->own;
}

const struct phase_set *schema_set(struct schema *schema, const struct phase_definitions *phases,
                                   size_t built_in_count)
{
    lock(schema);
    const struct phase_set *set = add_set(schema, phases, built_in_count, false);
    unlock(schema);
    return set;
}

size_t schema_built_in_count(const struct schema *schema)
{
    return schema->sets.built_in_count;
}

/* Removes `prefix` from `name`. */
static bool take_prefix(struct text *name, const char *prefix)
{
    size_t count = strlen(prefix);
    if (name->count < count || memcmp(name->at, prefix, count) != 0)
        return false;
    name->at += count;
    name->count -= count;
    return true;
}

/* The slots of a class while they are collected. */
struct slot_list {
    struct slot at[NAMED_SLOTS_MAX];
    size_t count;
};

static void add_slot(struct slot_list *list, const char *field, enum slot_type type, uint8_t index)
{
    assert(list->count < NAMED_SLOTS_MAX);
    list->at[list->count++] = (struct slot){field, type, index};
}

static void add_entry_slots(struct slot_list *list, const struct call_role *role)
{
    for (unsigned i = 0; i < sizeof role->value_field / sizeof *role->value_field; i++)
        if (role->value_field[i])
            add_slot(list, role->value_field[i], SLOT_VALUE, (uint8_t)i);
    if (role->text_field)
        add_slot(list, role->text_field, SLOT_TEXT, 0);
}

static void add_exit_slots(struct slot_list *list, const struct syscall *call)
{
    add_slot(list, "ret", SLOT_VALUE, 0);
    if (call && call->role->op == CALL_CREATE_PAIR)
        add_slot(list, strcmp(call->name, "socketpair") == 0 ? "socket" : "fildes", SLOT_INTS, 0);
}

static const struct syscall *call_of(struct schema *schema, struct text name)
{
    const struct syscall *known = interned_find(&schema->by_call, name);
    if (known)
        return known;
    struct syscall *call = arena_take(&schema->arena, sizeof *call);
    call->name = arena_string(&schema->arena, name);
    call->role = call_role_of(name);
    call->uses = call_uses(call->role);
    call->id = (uint32_t)schema->by_call.count;
    schema->calls = memory_grow(schema->calls, &schema->call_room, schema->by_call.count + 1,
                                sizeof(struct syscall *));
    schema->calls[call->id] = call;
    interned_add(&schema->by_call, name, call);
    return call;
}

/* If `name` is of a call event, makes the class one of that call. */
static bool become_call(struct schema *schema, struct event_class *class, struct text name,
                        struct slot_list *slots)
{
    bool compat = take_prefix(&name, "compat_");
    bool entry = take_prefix(&name, "syscall_entry_");
    if ((!entry && !take_prefix(&name, "syscall_exit_")) || name.count == 0)
        return false;
    class->kind = entry ? EVENT_CALL_ENTRY : EVENT_CALL_EXIT;
    class->compat = compat;
    class->unknown_call = text_equal(name, text_of("unknown"));
    if (!class->unknown_call)
        class->call = call_of(schema, name);
    if (!entry)
        add_exit_slots(slots, class->call);
    else if (class->call)
        add_entry_slots(slots, class->call->role);
    return true;
}

static bool take_suffix(struct text *name, const char *suffix)
{
    size_t count = strlen(suffix);
    if (name->count < count || memcmp(name->at + name->count - count, suffix, count) != 0)
        return false;
    name->count -= count;
    return true;
}

/* If `name` is of an interrupt handler, makes the class one of that handler. */
static bool become_handler(struct event_class *class, struct text name, struct slot_list *slots)
{
    static const struct {
        const char *prefix;
        const char *number; /* field; NULL: it has none */
        enum handler_level level;
    } handlers[] = {{"timer_hrtimer_expire", NULL, HANDLER_TIMER},
                    {"hrtimer_expire", NULL, HANDLER_TIMER},
                    {"irq_handler", "irq", HANDLER_IRQ},
                    {"x86_irq_vectors_", "vector", HANDLER_VECTOR},
                    {"irq_softirq", "vec", HANDLER_SOFTIRQ}};
    bool entry = take_suffix(&name, "_entry");
    if (!entry && !take_suffix(&name, "_exit"))
        return false;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        bool is_family = handlers[i].level == HANDLER_VECTOR; /* one event per vector */
        struct text rest = name;
        if (!take_prefix(&rest, handlers[i].prefix) || (rest.count > 0) != is_family)
            continue;
        class->kind = entry ? EVENT_HANDLER_ENTRY : EVENT_HANDLER_EXIT;
        class->handler = (uint8_t)handlers[i].level;
        if (handlers[i].number)
            add_slot(slots, handlers[i].number, SLOT_VALUE, 0);
        return true;
    }
    return false;
}

static void become_named(struct event_class *class, struct slot_list *slots)
{
    for (size_t i = 0; i < sizeof named_events / sizeof *named_events; i++) {
        const struct named_event *named = &named_events[i];
        if (strcmp(named->name, class->name) != 0)
            continue;
        class->kind = (uint8_t)named->kind;
        for (size_t slot = 0; slot < NAMED_SLOTS_MAX && named->slots[slot].field; slot++)
            slots->at[slots->count++] = named->slots[slot];
        return;
    }
}

/* Each field has one slot, even if several users need it. */
static void want_slot(struct slot_list *list, const struct slot *slot)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct slot *have = &list->at[i];
        if (have->type != slot->type || have->index != slot->index)
            continue;
        assert(strcmp(have->field, slot->field) == 0);
        return;
    }
    add_slot(list, slot->field, slot->type, slot->index);
}

/* Adds the rows of analyses to a class. */
static void attach_rows(struct schema *schema, struct event_class *class, struct slot_list *slots)
{
    const struct event_row *row;
    for (size_t i = 0; schema->rows && (row = schema->rows(i)) != NULL; i++) {
        if (strcmp(row->name, class->name) != 0)
            continue;
        const struct event_row **rows =
            arena_take(&schema->arena, (class->row_count + 1) * sizeof *rows);
        for (size_t k = 0; k < class->row_count; k++)
            rows[k] = class->rows[k];
        rows[class->row_count++] = row;
        class->rows = rows;
        for (size_t k = 0; k < EVENT_ROW_SLOTS && row->slots[k].field; k++)
            want_slot(slots, &row->slots[k]);
    }
}

/* The fields and the definitions of a class, before their number is known. */
struct phase_uses {
    const char **fields;
    size_t field_count, field_room;
    uint32_t *begins, *ends, *counts, *spans;
    size_t begin_count, begin_room, end_count, end_room, count_count, count_room;
    size_t span_count, span_room;
};

static void use_field(struct phase_uses *uses, const char *field)
{
    if (field[0] == '$') /* a context: every event can have it */
        return;
    for (size_t i = 0; i < uses->field_count; i++)
        if (strcmp(uses->fields[i], field) == 0)
            return;
    uses->fields =
        memory_grow(uses->fields, &uses->field_room, uses->field_count + 1, sizeof *uses->fields);
    uses->fields[uses->field_count++] = field;
}

static void use_filters(struct phase_uses *uses, const struct phase_filter *filters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (filters[i].compare >= COMPARE_ALL)
            use_filters(uses, filters[i].inner, filters[i].inner_count);
        else
            use_field(uses, filters[i].field);
    }
}

static void use_as_begin(struct phase_uses *uses, const struct phase_definition *phase,
                         uint32_t index)
{
    for (size_t i = 0; i < phase->match_count; i++)
        use_field(uses, phase->match[i].begin_field);
    if (phase->name_is_field)
        use_field(uses, phase->name);
    for (size_t i = 0; i < phase->capture_count; i++)
        use_field(uses, phase->capture[i]);
    use_filters(uses, phase->begin_filter, phase->begin_filter_count);
    uses->begins =
        memory_grow(uses->begins, &uses->begin_room, uses->begin_count + 1, sizeof *uses->begins);
    uses->begins[uses->begin_count++] = index;
}

static void use_as_end(struct phase_uses *uses, const struct phase_definition *phase,
                       uint32_t index)
{
    for (size_t i = 0; i < phase->match_count; i++)
        use_field(uses, phase->match[i].end_field);
    /* An end without a begin is counted under the name in its own field. */
    if (phase->name_is_field)
        use_field(uses, phase->name);
    use_filters(uses, phase->end_filter, phase->end_filter_count);
    uses->ends = memory_grow(uses->ends, &uses->end_room, uses->end_count + 1, sizeof *uses->ends);
    uses->ends[uses->end_count++] = index;
}

static void use_in_count(struct phase_uses *uses, const struct count_definition *count,
                         uint32_t index)
{
    use_filters(uses, count->where, count->where_count);
    for (size_t i = 0; i < count->by_count; i++)
        if (count->by[i].word == COUNT_BY_FIELD && !count->by[i].read)
            use_field(uses, count->by[i].field);
    if (count->value && !count->built_in)
        use_field(uses, count->value);
    for (size_t i = 0; count->span && i < count->span->match_count; i++)
        use_field(uses, count->span->match[i].begin_field);
    uses->counts =
        memory_grow(uses->counts, &uses->count_room, uses->count_count + 1, sizeof *uses->counts);
    uses->counts[uses->count_count++] = index;
}

static void use_as_span_end(struct phase_uses *uses, const struct count_definition *count,
                            uint32_t index)
{
    const struct span_pair *span = count->span;
    use_filters(uses, span->where, span->where_count);
    for (size_t i = 0; i < span->match_count; i++)
        use_field(uses, span->match[i].end_field);
    uses->spans =
        memory_grow(uses->spans, &uses->span_room, uses->span_count + 1, sizeof *uses->spans);
    uses->spans[uses->span_count++] = index;
}

static void attach_phases(struct schema *schema, struct event_class *class)
{
    struct phase_uses uses = {0};
    for (size_t i = 0; i < class->phases->count; i++) {
        const struct phase_definition *phase = class->phases->at[i];
        if (strcmp(phase->begin_event, class->name) == 0)
            use_as_begin(&uses, phase, (uint32_t)i);
        if (strcmp(phase->end_event, class->name) == 0)
            use_as_end(&uses, phase, (uint32_t)i);
    }
    /* Last, because older event records do not have them. */
    class->fields_before_captured = uses.field_count;
    for (size_t i = 0; i < uses.end_count; i++) {
        const struct phase_definition *phase = class->phases->at[uses.ends[i]];
        for (size_t k = 0; k < phase->capture_count; k++)
            use_field(&uses, phase->capture[k]);
    }
    for (size_t i = 0; i < class->phases->count_count; i++) {
        const struct count_definition *count = class->phases->counts[i];
        if ((count->built_in && class->domain != DOMAIN_KERNEL) ||
            fnmatch(count->event, class->name, 0) != 0)
            continue;
        use_in_count(&uses, count, (uint32_t)i);
        class->asks_handler |= count->built_in && !count->built_in->in_handler;
    }
    for (size_t i = 0; i < class->phases->count_count; i++)
        if (class->phases->counts[i]->span &&
            fnmatch(class->phases->counts[i]->span->end, class->name, 0) == 0)
            use_as_span_end(&uses, class->phases->counts[i], (uint32_t)i);
    class->field_count = uses.field_count;
    class->begin_count = uses.begin_count;
    class->end_count = uses.end_count;
    class->count_count = uses.count_count;
    class->span_end_count = uses.span_count;
    class->fields = keep(schema, uses.fields, uses.field_count, sizeof *uses.fields);
    class->begins = keep(schema, uses.begins, uses.begin_count, sizeof *uses.begins);
    class->ends = keep(schema, uses.ends, uses.end_count, sizeof *uses.ends);
    class->counts = keep(schema, uses.counts, uses.count_count, sizeof *uses.counts);
    class->span_ends = keep(schema, uses.spans, uses.span_count, sizeof *uses.spans);
}

/* Handlers only determine times, not names. */
static bool is_handler(const struct event_class *class)
{
    return class->kind == EVENT_HANDLER_ENTRY || class->kind == EVENT_HANDLER_EXIT;
}

static bool is_plain(const struct event_class *class)
{
    bool plain_kind = class->kind == EVENT_CALL_ENTRY || class->kind == EVENT_CALL_EXIT ||
                      class->kind == EVENT_SWITCH || class->kind == EVENT_WAKEUP ||
                      is_handler(class) || class->kind == EVENT_OTHER;
    return class->domain == DOMAIN_KERNEL && plain_kind && class->begin_count == 0 &&
           class->end_count == 0 && !event_class_is_counted(class);
}

static const struct event_class *class_of(struct schema *schema, const struct phase_set *set,
                                          enum domain domain, struct text name)
{
    struct map *interned = &schema->by_set[set->index].by_domain[domain];
    const struct event_class *known = interned_find(interned, name);
    if (known)
        return known;
    struct event_class *class = new_class(schema, domain, name);
    class->phases = set;
    /* User-space events may have any name: only kernel events have these meanings. */
    struct slot_list slots = {0};
    if (domain == DOMAIN_KERNEL && !become_call(schema, class, name, &slots) &&
        !become_handler(class, name, &slots))
        become_named(class, &slots);
    if (schema->is_of_names && is_handler(class)) {
        class->kind = EVENT_OTHER;
        slots.count = 0;
    }
    if (domain == DOMAIN_KERNEL)
        attach_rows(schema, class, &slots);
    class->slot_count = slots.count;
    if (slots.count) {
        struct slot *kept = arena_take(&schema->arena, slots.count * sizeof *kept);
        memcpy(kept, slots.at, slots.count * sizeof *kept);
        class->slots = kept;
    }
    attach_phases(schema, class);
    class->is_plain = is_plain(class);
    class->has_rows = class->row_count > 0;
    interned_add(interned, name, class);
    return class;
}

const struct event_class *schema_class_under(struct schema *schema, const struct phase_set *set,
                                             enum domain domain, struct text name)
{
    lock(schema);
    const struct event_class *class = class_of(schema, set, domain, name);
    unlock(schema);
    return class;
}

const struct event_class *schema_class(struct schema *schema, enum domain domain, struct text name)
{
    return schema_class_under(schema, schema->own, domain, name);
}

const struct event_class *schema_class_by_id(const struct schema *schema, uint32_t id)
{
    lock(schema);
    const struct event_class *class = id < schema->class_count ? schema->classes[id] : NULL;
    unlock(schema);
    return class;
}

size_t schema_class_count(const struct schema *schema)
{
    lock(schema);
    size_t count = schema->class_count;
    unlock(schema);
    return count;
}

const struct event_class *schema_loss_class(struct schema *schema, enum domain domain)
{
    return schema->loss[domain];
}

const struct syscall *schema_call(struct schema *schema, struct text name)
{
    lock(schema);
    const struct syscall *call = call_of(schema, name);
    unlock(schema);
    return call;
}

const struct syscall *schema_call_by_id(const struct schema *schema, uint32_t id)
{
    lock(schema);
    const struct syscall *call = id < schema->by_call.count ? schema->calls[id] : NULL;
    unlock(schema);
    return call;
}

static const char *const NEWER[] = {"syscall_entry_dup3", "syscall_entry_openat",
                                    "syscall_entry_ppoll"};
enum { NEWER_ALL = (1 << sizeof NEWER / sizeof *NEWER) - 1 };

static bool is_of_x86(struct text class_name)
{
    static const char *const NAMES[] = {"syscall_entry_arch_prctl", "syscall_entry_iopl",
                                        "syscall_entry_ioperm", "syscall_entry_modify_ldt"};
    static const char PREFIX[] = "x86_";
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (text_equal(class_name, text_of(NAMES[i])))
            return true;
    return class_name.count >= sizeof PREFIX &&
           memcmp(class_name.at, PREFIX, sizeof PREFIX - 1) == 0;
}

void declared_names_env(struct declared_names *declared, const char *key, const char *value)
{
    static const char *const KEYS[] = {"machine", "architecture", "arch", "kernel_release"};
    static const struct {
        const char *word;
        enum architecture architecture;
    } WORDS[] = {
        {"x86_64", ARCHITECTURE_X86_64}, {"x86-64", ARCHITECTURE_X86_64},
        {"amd64", ARCHITECTURE_X86_64},  {"aarch64", ARCHITECTURE_OTHER},
        {"arm64", ARCHITECTURE_OTHER},   {"armv", ARCHITECTURE_OTHER},
        {"armhf", ARCHITECTURE_OTHER},   {"i386", ARCHITECTURE_OTHER},
        {"i586", ARCHITECTURE_OTHER},    {"i686", ARCHITECTURE_OTHER},
        {"ppc64", ARCHITECTURE_OTHER},   {"powerpc", ARCHITECTURE_OTHER},
        {"s390", ARCHITECTURE_OTHER},    {"riscv", ARCHITECTURE_OTHER},
        {"mips", ARCHITECTURE_OTHER},    {"loongarch", ARCHITECTURE_OTHER},
    };
    bool is_key = false;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        is_key |= strcmp(key, KEYS[i]) == 0;
    for (size_t i = 0; is_key && i < sizeof WORDS / sizeof *WORDS; i++)
        if (declared->env_architecture == ARCHITECTURE_UNKNOWN &&
            strstr(value, WORDS[i].word) != NULL)
            declared->env_architecture = (uint8_t)WORDS[i].architecture;
}

enum architecture declared_names_architecture(const struct declared_names *declared)
{
    if (declared->env_architecture != ARCHITECTURE_UNKNOWN)
        return (enum architecture)declared->env_architecture;
    if (declared->entry_fstat64)
        return ARCHITECTURE_OTHER; /* of 32 bits */
    if (declared->newer == NEWER_ALL && declared->entry_newfstat && !declared->older &&
        !declared->entry_open)
        return ARCHITECTURE_OTHER; /* has all calls, also those that newer architectures lack */
    return (declared->entry_open && declared->entry_newfstat) || declared->x86_alone
               ? ARCHITECTURE_X86_64
               : ARCHITECTURE_UNKNOWN;
}

void declared_names_add(struct declared_names *declared, struct text class_name)
{
    declared->x86_alone |= is_of_x86(class_name);
    for (unsigned i = 0; i < sizeof NEWER / sizeof *NEWER; i++)
        declared->newer |= (uint8_t)(text_equal(class_name, text_of(NEWER[i])) << i);
    declared->older |= text_equal(class_name, text_of("syscall_entry_dup2")) ||
                       text_equal(class_name, text_of("syscall_entry_poll"));
    declared->entry_open |= text_equal(class_name, text_of("syscall_entry_open"));
    declared->entry_newfstat |= text_equal(class_name, text_of("syscall_entry_newfstat"));
    declared->entry_fstat64 |= text_equal(class_name, text_of("syscall_entry_fstat64"));
    declared->sched_switch |= text_equal(class_name, text_of("sched_switch"));
    struct text name = class_name;
    (void)take_prefix(&name, "compat_");
    declared->syscalls |= take_prefix(&name, "syscall_");
    declared->old_syscalls |=
        text_equal(class_name, text_of("exit_syscall")) || take_prefix(&class_name, "sys_");
}

void event_set_unknown_call(struct schema *schema, struct event *event, uint64_t number,
                            bool x86_64, const int64_t *args, size_t arg_count)
{
    const char *name = x86_64 ? syscall_name_x86(number, event->class->compat) : NULL;
    event->call = schema_call(schema, text_of(name ? name : "unknown"));
    if (event->kind != EVENT_CALL_ENTRY)
        return;
    const struct call_role *role = event->call->role;
    for (unsigned i = 0; i < sizeof role->raw_place / sizeof *role->raw_place; i++) {
        if (role->raw_place[i] == 0 || role->raw_place[i] > arg_count)
            continue;
        event->value[i] = (int32_t)(uint32_t)(uint64_t)args[role->raw_place[i] - 1];
        event->present = (uint8_t)(event->present | 1u << i);
    }
}
