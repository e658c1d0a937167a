/* analysis/analyses.h -- the list of analyses, and the parts of one.
 *
 * An analysis is one file of this folder: the columns of its atoms (analysis/atom.h), its rows of
 * the event schema, its rules (analysis/rule.h), and its views (analysis/view.h). It is listed
 * below; the data of its views has a message in proto/result.proto and a description in
 * docs/RESULTS.md. docs/EVENTS.md describes one step by step. */
#ifndef ANALYSIS_ANALYSES_H
#define ANALYSIS_ANALYSES_H

#include <assert.h>

#include "analysis/atom.h"
#include "trace/schema.h"

struct engine;

/* What an analysis does with one kind of event. The row comes first: an event's class points to
 * it. */
struct rule {
    struct event_row row;
    uint8_t tag; /* unique among all rules; identifies it in the encoding */
    /* Both defined by ANALYSIS_RULE(). */
    void (*map)(struct engine *engine, const struct rule *rule, const struct event *event);
    void (*join)(struct engine *engine, const struct rule *rule, const struct event *event);
};

static_assert(offsetof(struct rule, row) == 0, "rules are found by their rows");

struct analysis {
    const char *name;
    const struct atom_kind *const *kinds;
    size_t kind_count;
    const struct rule *rules;
    size_t rule_count;
    /* Counts of its events by process, phase, or call, up to a NULL. NULL: none. */
    const struct count_definition *const *counts;
};

struct analyses {
    const struct analysis *const *at;
    size_t count;
};

/* Each has a struct analysis NAME_analysis in NAME.c.
 *
 * Tags are never reused: those of kinds start at 32 (result.proto uses the lower ones), those of
 * rules at 1. */
#define ANALYSES(ROW)                                                                              \
    ROW(softirq)  /* kind 32; rules 1 to 3 */                                                      \
    ROW(irq)      /* kinds 33, 34; rules 4, 5 */                                                   \
    ROW(block)    /* kinds 35, 36; rules 6 to 11 */                                                \
    ROW(net)      /* kinds 37, 38; rules 12 to 15 */                                               \
    ROW(callback) /* kinds 39 to 41; rules 16 to 21 */                                             \
    ROW(signal)   /* kind 42; rules 22, 23 */                                                      \
    ROW(vector)   /* kind 43; rules 24 to 45 */                                                    \
    ROW(pages)    /* kind 44; rules 46 to 49 */

#define ANALYSIS_DECLARE(name) extern const struct analysis name##_analysis;
ANALYSES(ANALYSIS_DECLARE)

const struct analyses *analyses_all(void);

/* By tag; NULL: there is none. */
const struct atom_kind *analyses_kind(const struct analyses *analyses, uint64_t tag);
const struct rule *analyses_rule(const struct analyses *analyses, uint64_t tag);

/* The rows of the event schema of all analyses, for schema_new_with(). */
const struct event_row *analyses_event_row(size_t index);
/* The counts of all analyses by number, for schema_new_with(); NULL: there is none. */
const struct count_definition *analyses_count(size_t number);
/* By name; NULL: there is none. */
const struct count_definition *analyses_count_named(struct text name);

#endif
