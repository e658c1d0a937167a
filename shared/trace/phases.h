/* trace/phases.h -- what a user defines: phases, that is which events begin and end them, counts of
 * events, and spans, that is pairs of events without the time of a thread.
 *
 * Definitions come from a YAML file (cli --definitions) or from the period grammar of
 * lttng-analyses (cli --phase); here they are plain. */
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

/* Where a definition says no timeout. */
#define PHASE_TIMEOUT_NS UINT64_C(3600000000000)

/* Match fields of a definition. */
enum { PHASE_MATCH_MAX = 32 };
/* Captured fields of a definition, and bytes of a text among the values of an instance that is told:
 * a longer one is cut, and ends in `...`. */
enum {
    PHASE_CAPTURE_MAX = 32,
    PHASE_VALUES_MAX = PHASE_MATCH_MAX + PHASE_CAPTURE_MAX,
    PHASE_TEXT_MAX = 256
};

/* A field of the begin event that must equal one of the end event. */
struct phase_match {
    const char *begin_field;
    const char *end_field;
};

/* A condition on one event alone, compared with a constant (`$evt.id >= 5`), or made of others; also on
 * the wire. */
enum phase_compare {
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE,
    COMPARE_GLOB,
    COMPARE_ALL, /* of `inner`, from here on */
    COMPARE_ANY,
    COMPARE_NONE
};

/* Filters inside of each other: as deep as parentheses are. */
enum { FILTER_DEPTH_MAX = 64 };

struct phase_filter {
    const char *field; /* as event_field() has it; "" of those that are made of others */
    enum phase_compare compare;
    struct field_value constant;
    const struct phase_filter *inner;
    size_t inner_count;
};

/* What a count is broken down by. */
enum count_word {
    COUNT_BY_FIELD, /* the value of a field */
    COUNT_BY_HOST,
    COUNT_BY_CPU,
    COUNT_BY_PROCESS,
    COUNT_BY_THREAD,
    COUNT_BY_PHASE, /* in which the thread is */
    COUNT_BY_CALL,  /* in which the thread is */
    COUNT_BY_EVENT, /* its name: of a pattern, which one it was */
    COUNT_BY_LAST = COUNT_BY_EVENT
};

/* Whether what is counted together has a value of it, as read from the event itself. */
static inline bool count_word_has_value(enum count_word word)
{
    return word == COUNT_BY_FIELD || word == COUNT_BY_EVENT;
}

/* What a built-in count reads of an event that has all that it needs. */
typedef struct field_value event_reader(const struct event *event);
/* What a number stands for, constant or written into `room`. */
enum { COUNT_NAME_ROOM = 32 };
typedef const char *count_name(uint64_t number, char room[COUNT_NAME_ROOM]);

struct count_by {
    enum count_word word;
    const char *field; /* COUNT_BY_FIELD; else the word */
    /* Of a built-in count's COUNT_BY_FIELD: */
    event_reader *read; /* in place of the field */
    count_name *name;   /* in place of the number that was read, where it is told; or NULL */
};

enum { COUNT_BY_MAX = 8 };

/* Within what begins and ends of a span are sought that go together; also on the wire. */
enum span_subject { SPAN_ON_SYSTEM, SPAN_ON_CPU, SPAN_ON_PROCESS, SPAN_ON_THREAD };

/* What ends a span, and which begin it ends. */
struct span_pair {
    const char *end; /* a pattern of events */
    const struct phase_filter *where;
    size_t where_count;
    const char *const *match; /* fields of both events whose values are equal */
    size_t match_count;       /* up to PHASE_MATCH_MAX */
    enum span_subject on;
    uint64_t timeout_ns; /* an end that comes later is not of that begin */
};

/* Names of built-in counts begin so, and no other names do. */
#define BUILT_IN_PREFIX "spanmill:"

/* What a count has that no user defines: an analysis does (docs/EVENTS.md). */
struct built_in_count {
    uint32_t number;    /* among them, from 0: its name on the wire, never given again */
    uint8_t needs;      /* as struct event's `present`: an event without these is not counted */
    event_reader *read; /* in place of `value`; NULL: it has none */
    bool (*takes)(const struct event *event); /* in place of `where`; NULL: all */
    bool in_handler;   /* its events are of no thread, whether or not a handler is seen to run */
    const char *title; /* of its table */
    const char *value_title; /* of the sums in it; NULL: it has no value */
    bool of_bytes;           /* the value: shown as KiB, MiB */
};

/* How often an event comes; or a span, which it begins. */
struct count_definition {
    const char *name;
    const char *event; /* a pattern */
    const struct phase_filter *where;
    size_t where_count;
    const struct count_by *by;
    size_t by_count;
    const char *value;                     /* a field whose values are added up; NULL: none */
    const struct span_pair *span;          /* NULL: events are counted, each by itself */
    const struct built_in_count *built_in; /* NULL: a user defines it */
};

struct phase_definition {
    const char *name;   /* text, or the field of the begin event that tells it */
    bool name_is_field; /* written `$field` */
    const char *parent; /* name of the parent as written (`$field`), NULL if none */
    /* Name, as written, of those whose instances do its work; NULL: its own thread does it. */
    const char *segments;
    const char *begin_event;
    const char *end_event;
    const struct phase_match *match;
    size_t match_count;
    uint64_t timeout_ns;        /* an instance that is open for longer is over */
    const char *const *capture; /* fields of the begin event, told of the slowest instances */
    size_t capture_count;
    struct slowest_rule keep; /* which instances are told of one by one */
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
    struct count_definition *counts; /* and spans */
    size_t count_count, count_room;
    size_t built_in_count; /* of what was read: by so many built-in counts, too */
};

void phases_init(struct phase_definitions *phases);
void phases_clear(struct phase_definitions *phases);

/* Adds one whose strings and arrays live in phases->arena, or are constant. */
void phases_add(struct phase_definitions *phases, struct phase_definition definition);
void phases_add_count(struct phase_definitions *phases, struct count_definition definition);
/* Whether nothing is defined. */
bool phases_are_none(const struct phase_definitions *phases);

/* Whether `written` (`request`, `$phase`: a parent, segments) names `definition`. */
bool phase_is_named(const struct phase_definition *definition, const char *written);
bool phases_have_named(const struct phase_definitions *phases, const char *written);

/* The place of `match` among the match fields of `definition`, by the field of the begin event; its count if it
 * has none of that name. */
size_t phase_match_at(const struct phase_definition *definition, const char *begin_field);
/* Whether instances of `segment` do the work of those of `request`, which agree in all of its match fields. */
bool phase_is_segment(const struct phase_definition *segment,
                      const struct phase_definition *request);

/* What an instance has values of: its match fields and, behind them, what is captured. */
static inline size_t phase_value_count(const struct phase_definition *definition)
{
    return definition->match_count + definition->capture_count;
}
/* The name of such a field. */
const char *phase_value_name(const struct phase_definition *definition, size_t at);
/* A copy whose text is its own: to be freed, cut to PHASE_TEXT_MAX. */
struct field_value phase_value_copy(const struct field_value *value);
/* Bytes of a text that are no more than that, and whole characters. */
size_t phase_text_fit(struct text text);
void phase_value_free(struct field_value *value);

/* Whether two fields are the same number, or the same text. Absent ones never are. */
bool field_value_equal(const struct field_value *a, const struct field_value *b);
/* What an event has of a payload field; NULL: it has none of that name. */
typedef const struct field_value *field_lookup(const struct event *event, const char *name);
/* Whether an event passes all of them. Numbers and texts never compare, nor does what is absent. */
bool phase_filters_pass(const struct phase_filter *filters, size_t count, const struct event *event,
                        field_lookup *lookup);
/* How many of what a count is broken down by are fields. */
size_t count_field_count(const struct count_definition *definition);
/* What an event has of a field or a context that a count names. */
struct field_value event_value_of(const struct event *event, const char *name);

/* A file of definitions is written by hand: more is a mistake. */
#define PHASES_YAML_BYTES_MAX ((size_t)1 << 20)

/* Adds the definitions of a YAML file's text. `name` is the file's name, for messages with line
 * and column. REJECT: not YAML, unknown key, missing key, no such parent, no such segments; too much of it all. */
MUST_CHECK enum status phases_add_yaml(struct phase_definitions *phases, const char *name,
                                       struct bytes yaml, struct failure *why);

/* The same from the file itself. REJECT also: it cannot be read. */
MUST_CHECK enum status phases_add_file(struct phase_definitions *phases, const char *path,
                                       struct failure *why);

/* Adds one definition in lttng-analyses' period grammar, `[NAME[(PARENT)]] : BEGIN [: END]`.
 * Conditions may be joined by && only; one of them names the event, others compare a field with
 * a constant or, in END, with `$begin.$evt.FIELD`. REJECT with the place in `text` otherwise. */
MUST_CHECK enum status phases_add_period(struct phase_definitions *phases, struct text text,
                                         struct failure *why);

/* They travel with each chunk, in one record, and in the state of each session. */
#define PHASES_BYTES_MAX ((size_t)128 << 10)
/* REJECT: what was added up to now is more, or has a phase twice; told by `name`. For those who add. */
MUST_CHECK enum status phases_check(const struct phase_definitions *phases, const char *name,
                                    struct failure *why);

/* 64-bit digest of all definitions, or of one, the same on every machine. */
uint64_t phases_digest(const struct phase_definitions *phases);
uint64_t phase_digest(const struct phase_definition *definition);
uint64_t count_digest(const struct count_definition *definition);

#endif
