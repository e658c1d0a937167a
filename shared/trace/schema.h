/* trace/schema.h -- what spanmill wants of each event class, by the class's name.
 *
 * A schema interns classes and calls: looked up once per class and metadata, compared by
 * pointer or dense id after. What begins and ends phases depends on the definitions: each set of
 * them has classes of its own. Several threads may ask one schema. */
#ifndef TRACE_SCHEMA_H
#define TRACE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "trace/event.h"
#include "trace/phase_set.h"
#include "trace/syscalls.h"

enum slot_type {
    SLOT_VALUE, /* an integer (or enumeration) into value[index] */
    SLOT_TEXT,  /* a string, or a text array, into text[index]; without trailing zeros */
    SLOT_INTS   /* an array or sequence of integers into ints */
};

struct slot {
    const char *field; /* of the payload, without the underscore that CTF 1.8 metadata adds */
    enum slot_type type;
    uint8_t index;
};

/* What an analysis wants of a kernel event of that name. */
enum { EVENT_ROW_SLOTS = 6 };
struct event_row {
    const char *name;
    struct slot slots[EVENT_ROW_SLOTS]; /* up to the first without a field */
    uint8_t needs; /* as struct event's `present`: an event without these is not taken */
};

/* The rows that there are, from 0; NULL behind the last. */
typedef const struct event_row *event_rows(size_t index);
/* The built-in counts that there are, by number; NULL behind the last. */
typedef const struct count_definition *built_in_counts(size_t number);

struct event_class {
    const char *name;
    uint8_t domain;    /* enum domain */
    uint8_t kind;      /* enum event_kind */
    uint8_t handler;   /* enum handler_level, of EVENT_HANDLER_* */
    bool compat;       /* compat_syscall_* */
    bool unknown_call; /* syscall_{entry,exit}_unknown: call event_set_unknown_call() */
    bool is_plain;     /* of the kernel, about calls, switches, wakeups, handlers or nothing; begins
                      or ends no phase, and is in no count and no span: most events */
    uint32_t id;       /* dense, from 0, in this schema */
    const struct syscall *call; /* EVENT_CALL_*; NULL if each event tells it */
    const struct slot *slots;
    size_t slot_count;
    const char *const *fields; /* payload fields for phases and counts, each once */
    size_t field_count;
    size_t fields_before_captured;  /* those in front of what is captured of an end alone */
    const struct phase_set *phases; /* whose class it is; of EVENT_LOSS: NULL */
    const uint32_t *begins;         /* indices in it: what this class begins, ascending */
    size_t begin_count;
    const uint32_t *ends;
    size_t end_count;
    const uint32_t *counts; /* by which counts it is counted, and which spans it begins */
    size_t count_count;
    bool asks_handler;         /* a count asks whether it comes in a handler of interrupts */
    const uint32_t *span_ends; /* which of these it ends */
    size_t span_end_count;
    const struct event_row *const *rows; /* of analyses */
    size_t row_count;
};

/* Whether an event of the class says nothing if its thread is not known: what else the kernel tells
 * is of those that it names. */
static inline bool event_class_needs_thread(const struct event_class *class)
{
    return class->domain == DOMAIN_UST || class->kind == EVENT_CALL_ENTRY ||
           class->kind == EVENT_CALL_EXIT || class->begin_count > 0 || class->end_count > 0;
}

/* By the name's letters. */
const struct field_value *event_payload_field_slowly(const struct event *event, const char *name);
/* Of the fields that the event's class has (field_lookup). Most often `name` is of the definitions that the
 * class has its names from. */
static inline const struct field_value *event_payload_field(const struct event *event,
                                                            const char *name)
{
    const char *const *names = event->class->fields;
    for (size_t i = 0; i < event->field_count; i++)
        if (names[i] == name)
            return &event->fields[i];
    return event_payload_field_slowly(event, name);
}

/* Whether events of the class are in what a user counts, or of spans. */
static inline bool event_class_is_counted(const struct event_class *class)
{
    return class->count_count + class->span_end_count > 0;
}

struct schema;

/* `phases` (NULL for none), the schema's own definitions, is borrowed until schema_free(). */
struct schema *schema_new(const struct phase_definitions *phases);
/* The same, whose classes are also what `rows` want (whoever reads a trace has them), and are counted by built-in
 * counts; NULL: none. */
struct schema *schema_new_with(const struct phase_definitions *phases, event_rows *rows,
                               built_in_counts *counts);
/* NULL: none are wanted. */
event_rows *schema_rows(const struct schema *schema);
void schema_free(struct schema *schema); /* NULL is fine */

const struct phase_definitions *schema_phases(const struct schema *schema); /* NULL: none */
/* The same as a set. */
const struct phase_set *schema_own_set(const struct schema *schema);
/* The set of other definitions (NULL: none), which are copied, and of the first built-in counts. */
const struct phase_set *schema_set(struct schema *schema, const struct phase_definitions *phases,
                                   size_t built_in_count);
size_t schema_built_in_count(const struct schema *schema);

/* The class of that name in that domain, under the schema's own definitions; the same pointer for
 * the same name. Classes and calls live as long as the schema. */
const struct event_class *schema_class(struct schema *schema, enum domain domain, struct text name);
/* The same under those of `set`, which is of the schema. */
const struct event_class *schema_class_under(struct schema *schema, const struct phase_set *set,
                                             enum domain domain, struct text name);
const struct event_class *schema_class_by_id(const struct schema *schema, uint32_t id);
size_t schema_class_count(const struct schema *schema);

/* The class of EVENT_LOSS, which no trace declares. */
const struct event_class *schema_loss_class(struct schema *schema, enum domain domain);

const struct syscall *schema_call(struct schema *schema, struct text name);
const struct syscall *schema_call_by_id(const struct schema *schema, uint32_t id);

/* Which kernel's numbers `unknown` calls carry. */
enum architecture { ARCHITECTURE_UNKNOWN, ARCHITECTURE_X86_64, ARCHITECTURE_OTHER };

/* A reader collects the names of a kernel trace's declared classes and what its environment tells,
 * then asks once per trace. */
struct declared_names {
    bool entry_open;     /* syscall_entry_open */
    bool entry_newfstat; /* syscall_entry_newfstat */
    bool entry_fstat64;  /* syscall_entry_fstat64 */
    bool x86_alone;      /* a class that kernels of x86 alone have */
    uint8_t newer;       /* which of dup3, openat and ppoll; a bit each */
    bool older;          /* dup2 or poll, which newer architectures do without */
    uint8_t told;        /* enum architecture, by the environment */
    bool sched_switch, syscalls;
    bool old_syscalls; /* sys_* or exit_syscall: traces before LTTng 2.6 */
};

void declared_names_add(struct declared_names *declared, struct text class_name);
/* `machine` and the like name it, `kernel_release` may have it in it. */
void declared_names_env(struct declared_names *declared, const char *key, const char *value);
/* What the environment tells comes first, then what is declared: a trace that was written again
 * may have lost classes. */
enum architecture declared_names_architecture(const struct declared_names *declared);

/* Sets event->call of a class with `unknown_call`, and for an entry its values from the raw
 * args. `number` is the field `id`; on another kernel than x86-64 the name stays "unknown". */
void event_set_unknown_call(struct schema *schema, struct event *event, uint64_t number,
                            bool x86_64, const int64_t *args, size_t arg_count);

#endif
