/* trace/conditions.h -- the grammar of conditions on one event, that of lttng-analyses:
 *
 *     conditions = all {"||" all}
 *     all        = condition {"&&" condition}
 *     condition  = "!" condition | "(" conditions ")" | comparison
 *     comparison = field compare (STRING | INTEGER)
 *     field      = "$evt." (["$payload."] IDENTIFIER | "$ctx." CONTEXT)
 *     compare    = "==" "!=" "<" "<=" ">" ">=" "=*"
 *
 * Of a period besides, but not below `||` and `!`:
 *
 *     comparison = "$evt.$name" "==" STRING
 *                | field "==" "$begin." field      of an END; either side may be the begin event's
 *
 * Source: README of lttng-analyses, "Period options". */
#ifndef TRACE_CONDITIONS_H
#define TRACE_CONDITIONS_H

#include "trace/phases.h"

/* The text that is read; `at` is the next character of it. */
struct condition_text {
    struct text text;
    size_t at;
    struct arena *arena; /* of all that is read */
    bool of_period;      /* the event may be named */
    bool in_end;         /* of a period: `$begin.` may be asked */
    unsigned nesting;
    /* What was wrong, and where. */
    size_t wrong_at;
    char wrong[256];
};

enum { CONDITIONS_MAX = PHASE_MATCH_MAX };

/* What the conditions of one event say. */
struct conditions {
    const char *event; /* of a period; NULL: it is not named */
    const struct phase_filter *filter;
    size_t filter_count;
    struct phase_match match[CONDITIONS_MAX];
    size_t match_count;
};

/* Reads up to what belongs to no condition any more, or to the end. REJECT: `wrong` of `text` says why. */
MUST_CHECK enum status conditions_read(struct condition_text *text, struct conditions *out);

/* A field, as `$evt.id`; *out NULL for the event's name. REJECT likewise. */
MUST_CHECK enum status conditions_read_field(struct condition_text *text, const char **out);

/* Pieces of texts, for readers of what stands around conditions. */
char condition_text_peek(const struct condition_text *text); /* '\0' at the end */
bool condition_text_take(struct condition_text *text, const char *word);
void condition_text_skip_blanks(struct condition_text *text);
const char *condition_text_identifier(struct condition_text *text); /* NULL: none */
PRINTF_LIKE(3, 4)
enum status condition_text_refuse(struct condition_text *text, size_t at, const char *format, ...);

#endif
