/* trace/phases.h -- user definitions: phases (which events begin and end them), counts of events,
 * and spans (pairs of events, without the time of a thread).
 *
 * Definitions come from a YAML file (cli --definitions) or from the period grammar of
 * lttng-analyses (cli --phase). */
#ifndef TRACE_PHASES_H
#define TRACE_PHASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "trace/event.h"
#include "trace/slowest.h"

/* Default timeout of a definition. */
#define PHASE_TIMEOUT_NS UINT64_C(3600000000000)

/* Maximum number of match fields of a definition. */
enum { PHASE_MATCH_MAX = 32 };
/* Maximum number of captured fields of a definition, and of bytes of a text among the reported
 * values of an instance: a longer one is cut and ends in `...`. */
enum {
    PHASE_CAPTURE_MAX = 32,
    PHASE_VALUES_MAX = PHASE_MATCH_MAX + PHASE_CAPTURE_MAX,
    PHASE_TEXT_MAX = 256
};

/* A field of the begin event that must equal a field of the end event. */
struct phase_match {
    const char *begin_field;
    const char *end_field;
};

/* A condition on one event: a comparison with a constant (`$evt.id >= 5`), or a combination of
 * conditions; also on the wire. */
enum phase_compare {
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE,
    COMPARE_GLOB,
    COMPARE_ALL, /* this and the following combine `inner` */
    COMPARE_ANY,
    COMPARE_NONE
};

/* Maximum nesting depth of filters and parentheses. */
enum { FILTER_DEPTH_MAX = 64 };

struct phase_filter {
    const char *field; /* as for event_field(); "" for combinations */
    enum phase_compare compare;
    struct field_value constant;
    const struct phase_filter *inner;
    size_t inner_count;
};

/* A dimension of a count. */
enum count_word {
    COUNT_BY_FIELD, /* the value of a field */
    COUNT_BY_HOST,
    COUNT_BY_CPU,
    COUNT_BY_PROCESS,
    COUNT_BY_THREAD,
    COUNT_BY_PHASE, /* of the thread */
    COUNT_BY_CALL,  /* of the thread */
    COUNT_BY_EVENT, /* name of the event: for a pattern, of the actual one */
    COUNT_BY_LAST = COUNT_BY_EVENT
};

/* Their names in definitions; COUNT_BY_FIELD has none. */
enum { COUNT_BY_WORDS = COUNT_BY_LAST + 1 };
extern const char *const count_by_words[COUNT_BY_WORDS];

/* Whether the dimension has a value that is read from the event itself. */
static inline bool count_word_has_value(enum count_word word)
{
    return word == COUNT_BY_FIELD || word == COUNT_BY_EVENT;
}

/* Reads a value of a built-in count from an event that has all required fields. */
typedef struct field_value event_reader(const struct event *event);
/* The name of a number: a constant, or written into `room`. */
enum { COUNT_NAME_ROOM = 32 };
typedef const char *count_name(uint64_t number, char room[COUNT_NAME_ROOM]);

struct count_by {
    enum count_word word;
    const char *field; /* COUNT_BY_FIELD; else the name of the dimension */
    /* Of a built-in count's COUNT_BY_FIELD: */
    event_reader *read; /* instead of the field */
    count_name *name;   /* replaces the number when it is reported; or NULL */
};

enum { COUNT_BY_MAX = 8 };

/* The scope in which begins and ends of a span are paired; also on the wire. */
enum span_subject { SPAN_ON_SYSTEM, SPAN_ON_CPU, SPAN_ON_PROCESS, SPAN_ON_THREAD };

/* The end event of a span, and which begin it ends. */
struct span_pair {
    const char *end; /* a pattern of events */
    const struct phase_filter *where;
    size_t where_count;
    const struct phase_match *match; /* their values are equal */
    size_t match_count;              /* up to PHASE_MATCH_MAX */
    enum span_subject on;
    uint64_t timeout_ns; /* a later end does not match the begin */
};

/* Whether a field of the end event has another name than that of the begin event. */
bool span_has_end_fields(const struct span_pair *span);

/* Reserved prefix of the names of built-in counts. */
#define BUILT_IN_PREFIX "spanmill:"

/* The part of a built-in count that user definitions do not have (docs/EVENTS.md). */
struct built_in_count {
    uint32_t number;    /* among built-in counts, from 0; its identity on the wire, never reused */
    uint8_t needs;      /* as struct event's `present`: an event without these is not counted */
    event_reader *read; /* instead of `value`; NULL: it has none */
    bool (*takes)(const struct event *event); /* instead of `where`; NULL: all */
    bool in_handler;   /* its events belong to no thread, even if no handler is known to run */
    const char *title; /* of its table */
    const char *value_title; /* of the sums in the table; NULL: no value */
    bool of_bytes;           /* the value is shown as KiB, MiB */
};

/* A count of events, or of spans by their begin event. */
struct count_definition {
    const char *name;
    const char *event; /* a pattern */
    const struct phase_filter *where;
    size_t where_count;
    const struct count_by *by;
    size_t by_count;
    const char *value;                     /* a field whose values are summed; NULL: none */
    const struct span_pair *span;          /* NULL: single events are counted */
    const struct built_in_count *built_in; /* NULL: user-defined */
};

struct phase_definition {
    const char *name;   /* text, or the field of the begin event that contains it */
    bool name_is_field; /* written `$field` */
    const char *parent; /* name of the parent as written (`$field`); NULL: none */
    /* Name, as written, of its segments; NULL: only its own thread works on it. */
    const char *segments;
    const char *begin_event;
    const char *end_event;
    const struct phase_match *match;
    size_t match_count;
    uint64_t timeout_ns;        /* a longer open instance ends by timeout */
    const char *const *capture; /* fields of the begin event, reported for the slowest instances */
    size_t capture_count;
    struct slowest_rule keep; /* which instances are reported individually */
    const struct phase_filter *begin_filter;
    size_t begin_filter_count;
    const struct phase_filter *end_filter;
    size_t end_filter_count;
};

struct phase_definitions {
    struct arena arena; /* owns everything below */
    struct phase_definition *at;
    size_t count;
    size_t room;
    struct count_definition *counts; /* including spans */
    size_t count_count, count_room;
    size_t built_in_count; /* after reading results: also counted by this many built-in counts */
};

void phases_init(struct phase_definitions *phases);
void phases_clear(struct phase_definitions *phases);

/* Adds one whose strings and arrays are in phases->arena, or constant. */
void phases_add(struct phase_definitions *phases, struct phase_definition definition);
void phases_add_count(struct phase_definitions *phases, struct count_definition definition);
/* Whether nothing is defined. */
bool phases_are_none(const struct phase_definitions *phases);

/* Whether `written` (`request`, `$phase`: a parent or segments) is the name of `definition`. */
bool phase_is_named(const struct phase_definition *definition, const char *written);
bool phases_have_named(const struct phase_definitions *phases, const char *written);

/* Index of `match` among the match fields of `definition`, by the field of the begin event; their
 * number if there is none of that name. */
size_t phase_match_at(const struct phase_definition *definition, const char *begin_field);
/* Whether instances of `segment` are segments of those of `request` with equal match fields. */
bool phase_is_segment(const struct phase_definition *segment,
                      const struct phase_definition *request);

/* Number of values of an instance: its match fields, followed by its captured fields. */
static inline size_t phase_value_count(const struct phase_definition *definition)
{
    return definition->match_count + definition->capture_count;
}
/* The name of such a field. */
const char *phase_value_name(const struct phase_definition *definition, size_t at);
/* A copy with its own text, cut to PHASE_TEXT_MAX; the caller frees it. */
struct field_value phase_value_copy(const struct field_value *value);
/* Length in bytes of the longest prefix of whole characters up to that limit. */
size_t phase_text_fit(struct text text);
void phase_value_free(struct field_value *value);

/* Whether both are the same number, or the same text. Absent fields are never equal. */
bool field_value_equal_slowly(const struct field_value *a, const struct field_value *b);
static inline bool field_value_equal(const struct field_value *a, const struct field_value *b)
{
    if (a->type != b->type || a->type == FIELD_ABSENT)
        return field_value_equal_slowly(a, b);
    return a->type == FIELD_TEXT ? text_equal(a->text, b->text) : a->u == b->u;
}
/* Returns a payload field of an event; NULL: it has none of that name. */
typedef const struct field_value *field_lookup(const struct event *event, const char *name);
/* Whether an event passes all filters. A comparison of a number with a text, or of an absent field,
 * is false. */
bool phase_filters_pass(const struct phase_filter *filters, size_t count, const struct event *event,
                        field_lookup *lookup);
/* Number of dimensions of a count that are fields. */
size_t count_field_count(const struct count_definition *definition);
/* The value of a field or context that a count names. */
struct field_value event_value_of(const struct event *event, const char *name);

/* Definition files are written by hand; a larger one is an error. */
#define PHASES_YAML_BYTES_MAX ((size_t)1 << 20)

/* Adds the definitions of a YAML text. `name` is the file's name, for messages with line and
 * column. REJECT: not YAML, unknown key, missing key, unknown parent or segments; too large. */
MUST_CHECK enum status phases_add_yaml(struct phase_definitions *phases, const char *name,
                                       struct bytes yaml, struct failure *why);

/* Reads the YAML from a file. REJECT also if it cannot be read. */
MUST_CHECK enum status phases_add_file(struct phase_definitions *phases, const char *path,
                                       struct failure *why);

/* Adds one definition in lttng-analyses' period grammar, `[NAME[(PARENT)]] : BEGIN [: END]`.
 * Conditions may be joined by && only; one of them names the event, others compare a field with
 * a constant or, in END, with `$begin.$evt.FIELD`. REJECT with the place in `text` otherwise. */
MUST_CHECK enum status phases_add_period(struct phase_definitions *phases, struct text text,
                                         struct failure *why);

/* Definitions are sent with each chunk, in one record, and are in the state of each session. */
#define PHASES_BYTES_MAX ((size_t)128 << 10)
/* REJECT: all definitions added so far are larger, or define a phase twice; messages have `name`.
 * Call it after adding. */
MUST_CHECK enum status phases_check(const struct phase_definitions *phases, const char *name,
                                    struct failure *why);

/* 64-bit digest of all definitions, or of one; the same on every machine. */
uint64_t phases_digest(const struct phase_definitions *phases);
uint64_t phase_digest(const struct phase_definition *definition);
uint64_t count_digest(const struct count_definition *definition);

#endif
