/* trace/phases.h -- what a user calls a phase: which events begin and end it.
 *
 * Definitions come from a YAML file (cli --phases) or from the period grammar of
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

/* A condition on one event alone, compared with a constant: `$evt.id >= 5`. */
enum phase_compare {
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE,
    COMPARE_GLOB
};

struct phase_filter {
    const char *field;
    enum phase_compare compare;
    struct field_value constant;
};

struct phase_definition {
    const char *name;   /* text, or the field of the begin event that tells it */
    bool name_is_field; /* written `$field` */
    const char *parent; /* name of the parent as written (`$field`), NULL if none */
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
};

void phases_init(struct phase_definitions *phases);
void phases_clear(struct phase_definitions *phases);

/* Adds one whose strings and arrays live in phases->arena, or are constant. */
void phases_add(struct phase_definitions *phases, struct phase_definition definition);

/* Whether `written` (`request`, `$phase`: a parent) names `definition`. */
bool phase_is_named(const struct phase_definition *definition, const char *written);
bool phases_have_named(const struct phase_definitions *phases, const char *written);

/* What an instance has values of: its match fields and, behind them, what is captured. */
static inline size_t phase_value_count(const struct phase_definition *definition)
{
    return definition->match_count + definition->capture_count;
}
/* The name of such a field. */
const char *phase_value_name(const struct phase_definition *definition, size_t at);
/* A copy whose text is its own: to be freed, cut to PHASE_TEXT_MAX. */
struct field_value phase_value_copy(const struct field_value *value);
void phase_value_free(struct field_value *value);

/* Whether two fields are the same number, or the same text. Absent ones never are. */
bool field_value_equal(const struct field_value *a, const struct field_value *b);
/* Whether an event whose `filter->field` is `value` passes. Numbers and texts never compare. */
bool phase_filter_passes(const struct phase_filter *filter, const struct field_value *value);

/* A file of definitions is written by hand: more is a mistake. */
#define PHASES_YAML_BYTES_MAX ((size_t)1 << 20)

/* Adds the definitions of a YAML file's text. `name` is the file's name, for messages with line
 * and column. REJECT: not YAML, unknown key, missing key, no such parent; too much of it all. */
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
/* REJECT: what was added up to now is more, told by `name`. For those who add. */
MUST_CHECK enum status phases_check_size(const struct phase_definitions *phases, const char *name,
                                         struct failure *why);

/* 64-bit digest of all definitions, or of one, the same on every machine. */
uint64_t phases_digest(const struct phase_definitions *phases);
uint64_t phase_digest(const struct phase_definition *definition);

#endif
