/* The period grammar of lttng-analyses, as far as a definition can express it:
 *
 *     period     = [NAME ["(" PARENT ")"]] ":" begin [":" end]
 *     begin, end = conditions (trace/conditions.h)
 *
 * Source: README of lttng-analyses, "Period options". */
#include <ctype.h>
#include <string.h>

#include "trace/conditions.h"

struct period {
    struct condition_text read;
    struct phase_definitions *phases;
};

#define refuse(period, ...) condition_text_refuse(&(period)->read, __VA_ARGS__)

static char peek(const struct period *period)
{
    return condition_text_peek(&period->read);
}

static bool take(struct period *period, const char *word)
{
    return condition_text_take(&period->read, word);
}

/* BEGIN or END, up to the ':' or the end of the text. */
static enum status read_side(struct period *period, struct conditions *side)
{
    size_t begin = period->read.at;
    enum status status = conditions_read(&period->read, side);
    if (status != STATUS_OK)
        return status;
    if (period->read.at < period->read.text.count && peek(period) != ':')
        return refuse(period, period->read.at, "expected &&, ||, ':', or the end");
    if (!side->event)
        return refuse(period, begin, "one condition must name the event: $evt.$name == \"NAME\"");
    return STATUS_OK;
}

/* `text` without surrounding blanks, as written; if it is a field, as `$FIELD`. */
static enum status read_written(struct period *period, size_t begin, size_t end, const char **out)
{
    const char *text = period->read.text.at;
    while (begin < end && isspace((unsigned char)text[begin]))
        begin++;
    while (end > begin && isspace((unsigned char)text[end - 1]))
        end--;
    *out = NULL;
    if (begin == end)
        return STATUS_OK;
    if (text[begin] != '$') {
        *out = arena_string(&period->phases->arena, (struct text){text + begin, end - begin});
        return STATUS_OK;
    }

    struct period inside = *period;
    inside.read.text.count = end;
    inside.read.at = begin;
    const char *field = NULL;
    if (take(&inside, "$evt.")) {
        inside.read.at = begin;
        if (conditions_read_field(&inside.read, &field) != STATUS_OK)
            return refuse(period, inside.read.wrong_at, "%s", inside.read.wrong);
    } else if (take(&inside, "$")) {
        field = condition_text_identifier(&inside.read);
    }
    if (!field || field[0] == '$' || inside.read.at != end)
        return refuse(period, begin,
                      "a name must be text or one field, such as $phase or $evt.phase");
    char *written = arena_take(&period->phases->arena, strlen(field) + 2);
    written[0] = '$';
    memcpy(written + 1, field, strlen(field));
    *out = written;
    return STATUS_OK;
}

/* NAME and PARENT, including the ':'. */
static enum status read_head(struct period *period, struct phase_definition *out)
{
    const char *text = period->read.text.at;
    size_t end = 0;
    while (end < period->read.text.count && text[end] != ':' && text[end] != '(')
        end++;
    enum status status = read_written(period, 0, end, &out->name);
    if (status != STATUS_OK)
        return status;
    period->read.at = end;
    if (take(period, "(")) {
        while (period->read.at < period->read.text.count && peek(period) != ')')
            period->read.at++;
        if (period->read.at == period->read.text.count)
            return refuse(period, end, "missing closing parenthesis");
        status = read_written(period, end + 1, period->read.at, &out->parent);
        if (status != STATUS_OK)
            return status;
        if (!out->name)
            return refuse(period, 0, "a period with a parent needs a name");
        if (!out->parent)
            return refuse(period, end, "the parent has no name");
        if (!phases_have_named(period->phases, out->parent))
            return refuse(period, end + 1, "no earlier period is named `%s`", out->parent);
        period->read.at++;
    }
    condition_text_skip_blanks(&period->read);
    if (!take(period, ":"))
        return refuse(period, period->read.at, "expected ':' and the begin expression");
    return STATUS_OK;
}

static void fill(struct period *period, const struct conditions *begin,
                 const struct conditions *end, struct phase_definition *out)
{
    out->begin_event = begin->event;
    out->end_event = end->event;
    out->begin_filter_count = begin->filter_count;
    out->begin_filter = begin->filter;
    out->end_filter_count = end->filter_count;
    out->end_filter = end->filter;
    out->match_count = end->match_count;
    if (end->match_count > 0)
        out->match =
            arena_copy(&period->phases->arena, end->match, end->match_count * sizeof *end->match);
    /* A path needs a name; lttng-analyses allows none. */
    if (!out->name) {
        out->name = out->begin_event;
    } else if (out->name[0] == '$') {
        out->name_is_field = true;
        out->name++;
    }
}

static enum status read_period(struct period *period, struct phase_definition *out)
{
    struct conditions begin = {0};
    struct conditions end = {0};
    enum status status = read_head(period, out);
    if (status == STATUS_OK)
        status = read_side(period, &begin);
    if (status != STATUS_OK)
        return status;

    /* Without END, the begin expression is also the end expression. */
    const struct conditions *end_side = &begin;
    if (take(period, ":")) {
        period->read.in_end = true;
        status = read_side(period, &end);
        if (status == STATUS_OK && period->read.at < period->read.text.count)
            status = refuse(period, period->read.at, "unexpected text after the end expression");
        if (status != STATUS_OK)
            return status;
        end_side = &end;
    }
    fill(period, &begin, end_side, out);
    return STATUS_OK;
}

enum status phases_add_period(struct phase_definitions *phases, struct text text,
                              struct failure *why)
{
    struct period period = {.read = {.text = text, .arena = &phases->arena, .of_period = true},
                            .phases = phases};
    struct phase_definition definition = {.keep = {.count = SLOWEST_COUNT}};
    if (text.count && memchr(text.at, '\0', text.count))
        return fail(why, STATUS_REJECT, "period: contains a NUL byte");
    if (read_period(&period, &definition) != STATUS_OK)
        return fail(why, STATUS_REJECT, "period `%.*s`, column %zu: %s",
                    (int)(text.count < 400 ? text.count : 400), text.at, period.read.wrong_at + 1,
                    period.read.wrong);
    phases_add(phases, definition);
    enum status status = phases_check(phases, "period", why);
    if (status != STATUS_OK)
        phases->count--;
    return status;
}
