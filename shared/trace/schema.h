/* trace/schema.h -- what spanmill needs of each event class, by class name.
 *
 * A schema interns event classes and calls: a reader looks them up once per class and metadata, and
 * then compares pointers or dense ids. The begins and ends of phases depend on the definitions, so
 * each set of definitions has its own classes. Several threads may use one schema. */
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

/* What an analysis needs of the kernel events of a name. */
enum { EVENT_ROW_SLOTS = 6 };
struct event_row {
    const char *name;
    struct slot slots[EVENT_ROW_SLOTS]; /* up to the first without a field */
    uint8_t needs; /* as struct event's `present`: events without these are ignored */
};

/* The available rows, from 0; NULL after the last. */
typedef const struct event_row *event_rows(size_t index);
/* The available built-in counts, by number; NULL after the last. */
typedef const struct count_definition *built_in_counts(size_t number);

struct event_class {
    const char *name;
    uint8_t domain;    /* enum domain */
    uint8_t kind;      /* enum event_kind */
    uint8_t handler;   /* enum handler_level, of EVENT_HANDLER_* */
    bool compat;       /* compat_syscall_* */
    bool unknown_call; /* syscall_{entry,exit}_unknown: use event_set_unknown_call() */
    /* A kernel event about calls, switches, wakeups, handlers, or nothing, that begins or ends no
     * phase, and is in no count or span: most events. */
    bool is_plain;
    bool has_rows;              /* of analyses */
    uint32_t id;                /* dense, from 0, in this schema */
    const struct syscall *call; /* EVENT_CALL_*; NULL if each event has its own */
    const struct slot *slots;
    size_t slot_count;
    const char *const *fields; /* payload fields for phases and counts, each once */
    size_t field_count;
    size_t fields_before_captured;  /* those before the fields that are only captured from an end */
    const struct phase_set *phases; /* the set that the class belongs to; EVENT_LOSS: NULL */
    const uint32_t *begins; /* the definitions in `phases` that this class begins, ascending */
    size_t begin_count;
    const uint32_t *ends;
    size_t end_count;
    const uint32_t *counts; /* counts of this class, and spans that it begins */
    size_t count_count;
    bool asks_handler;         /* a count depends on whether it occurs in an interrupt handler */
    const uint32_t *span_ends; /* spans that it ends */
    size_t span_end_count;
    const struct event_row *const *rows; /* of analyses */
    size_t row_count;
};

/* Whether an event of the class is useless without its thread; other kernel events name the threads
 * they are about. */
static inline bool event_class_needs_thread(const struct event_class *class)
{
    return class->domain == DOMAIN_UST || class->kind == EVENT_CALL_ENTRY ||
           class->kind == EVENT_CALL_EXIT || class->begin_count > 0 || class->end_count > 0;
}

/* Compares the characters of the name. */
const struct field_value *event_payload_field_slowly(const struct event *event, const char *name);
/* Implements field_lookup for the fields of the event's class. Compares pointers first: `name`
 * usually comes from the definitions that the class has its names from. */
static inline const struct field_value *event_payload_field(const struct event *event,
                                                            const char *name)
{
    const char *const *names = event->class->fields;
    for (size_t i = 0; i < event->field_count; i++)
        if (names[i] == name)
            return &event->fields[i];
    return event_payload_field_slowly(event, name);
}

/* Whether events of the class are in user-defined counts, or in spans. */
static inline bool event_class_is_counted(const struct event_class *class)
{
    return class->count_count + class->span_end_count > 0;
}

struct schema;

/* `phases` (NULL: none), the schema's own definitions, is borrowed until schema_free(). */
struct schema *schema_new(const struct phase_definitions *phases);
/* Also includes what `rows` need (for readers of traces), and the built-in counts; NULL: none. */
struct schema *schema_new_with(const struct phase_definitions *phases, event_rows *rows,
                               built_in_counts *counts);
/* Only includes what the names of threads, processes, and descriptors need: interrupt
 * handlers have no meaning. */
struct schema *schema_new_of_names(const struct phase_definitions *phases);
bool schema_is_of_names(const struct schema *schema);
/* NULL: none. */
event_rows *schema_rows(const struct schema *schema);
void schema_free(struct schema *schema); /* NULL is fine */

const struct phase_definitions *schema_phases(const struct schema *schema); /* NULL: none */
/* The same as a set. */
const struct phase_set *schema_own_set(const struct schema *schema);
/* The set of other definitions (NULL: none), which are copied, and of the first built-in counts. */
const struct phase_set *schema_set(struct schema *schema, const struct phase_definitions *phases,
                                   size_t built_in_count);
size_t schema_built_in_count(const struct schema *schema);

/* The class with that name and domain, under the schema's own definitions; the same pointer for the
 * same name. Classes and calls live as long as the schema. */
const struct event_class *schema_class(struct schema *schema, enum domain domain, struct text name);
/* The class under the definitions of `set`, a set of this schema. */
const struct event_class *schema_class_under(struct schema *schema, const struct phase_set *set,
                                             enum domain domain, struct text name);
const struct event_class *schema_class_by_id(const struct schema *schema, uint32_t id);
size_t schema_class_count(const struct schema *schema);

/* The class of EVENT_LOSS, which is not in traces. */
const struct event_class *schema_loss_class(struct schema *schema, enum domain domain);

const struct syscall *schema_call(struct schema *schema, struct text name);
const struct syscall *schema_call_by_id(const struct schema *schema, uint32_t id);

/* The architecture defines the numbers of `unknown` calls. */
enum architecture { ARCHITECTURE_UNKNOWN, ARCHITECTURE_X86_64, ARCHITECTURE_OTHER };

/* A reader collects the class names and the environment of a kernel trace, then determines the
 * architecture once per trace. */
struct declared_names {
    bool entry_open;          /* syscall_entry_open */
    bool entry_newfstat;      /* syscall_entry_newfstat */
    bool entry_fstat64;       /* syscall_entry_fstat64 */
    bool x86_alone;           /* a class that only x86 kernels have */
    uint8_t newer;            /* bits: which of dup3, openat, and ppoll */
    bool older;               /* dup2 or poll, which newer architectures lack */
    uint8_t env_architecture; /* enum architecture, from the environment */
    bool sched_switch, syscalls;
    bool old_syscalls; /* sys_* or exit_syscall: traces before LTTng 2.6 */
};

void declared_names_add(struct declared_names *declared, struct text class_name);
/* `machine` or a similar key names the architecture, `kernel_release` may contain it. */
void declared_names_env(struct declared_names *declared, const char *key, const char *value);
/* The environment has priority over the declared classes: a trace that was rewritten may lack
 * classes. */
enum architecture declared_names_architecture(const struct declared_names *declared);

/* Sets event->call for a class with `unknown_call`, and for an entry its values from the raw args.
 * `number` is the field `id`. On other kernels than x86-64 the name remains "unknown". */
void event_set_unknown_call(struct schema *schema, struct event *event, uint64_t number,
                            bool x86_64, const int64_t *args, size_t arg_count);

#endif
