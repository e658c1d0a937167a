/* trace/conditions.h -- the grammar of conditions on one event, as in lttng-analyses:
 *
 *     conditions = all {"||" all}
 *     all        = condition {"&&" condition}
 *     condition  = "!" condition | "(" conditions ")" | comparison
 *     comparison = field compare (STRING | INTEGER)
 *     field      = "$evt." (["$payload."] IDENTIFIER | "$ctx." CONTEXT)
 *     compare    = "==" "!=" "<" "<=" ">" ">=" "=*"
 *
 * Additionally in a period, but not below `||` and `!`:
 *
 *     comparison = "$evt.$name" "==" STRING
 *                | field "==" "$begin." field      in END; either side may be the begin event's
 *
 * Source: README of lttng-analyses, "Period options". */
#ifndef TRACE_CONDITIONS_H
#define TRACE_CONDITIONS_H

#include "trace/phases.h"

/* The text being parsed; `at` is its next character. */
struct condition_text {
    struct text text;
    size_t at;
    struct arena *arena; /* for everything that is parsed */
    bool of_period;      /* the conditions may name the event */
    bool in_end;         /* of a period: `$begin.` is allowed */
    unsigned nesting;
    /* What is wrong, and where. */
    size_t wrong_at;
    char wrong[256];
};

enum { CONDITIONS_MAX = PHASE_MATCH_MAX };

/* The conditions on one event. */
struct conditions {
    const char *event; /* of a period; NULL: not named */
    const struct phase_filter *filter;
    size_t filter_count;
    struct phase_match match[CONDITIONS_MAX];
    size_t match_count;
};

/* Parses up to the first character that cannot continue a condition, or to the end. REJECT: `wrong`
 * of `text` has the reason. */
MUST_CHECK enum status conditions_read(struct condition_text *text, struct conditions *out);

/* Parses a field, such as `$evt.id`; *out is NULL for the event's name. REJECT likewise. */
MUST_CHECK enum status conditions_read_field(struct condition_text *text, const char **out);

/* For parsers of the text around conditions. */
char condition_text_peek(const struct condition_text *text); /* '\0' at the end */
bool condition_text_take(struct condition_text *text, const char *word);
void condition_text_skip_blanks(struct condition_text *text);
const char *condition_text_identifier(struct condition_text *text); /* NULL: none */
PRINTF_LIKE(3, 4)
enum status condition_text_refuse(struct condition_text *text, size_t at, const char *format, ...);

#endif
