/* The period grammar of lttng-analyses, as far as a definition can hold it:
 *
 *     period   = [NAME ["(" PARENT ")"]] ":" begin [":" end]
 *     begin, end = condition {"&&" condition}, with parentheses
 *     condition = "$evt.$name" "==" STRING
 *               | field compare (STRING | INTEGER)
 *               | field "==" field, in END: one of the event, the other `$begin.`'s
 *     field    = ["$begin."] "$evt." ["$payload."] IDENTIFIER
 *     compare  = "==" "!=" "<" "<=" ">" ">=" "=*"
 *
 * Source: README of lttng-analyses, "Period options". */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace/phases.h"

enum { CONDITIONS_MAX = PHASE_MATCH_MAX, NESTING_MAX = 32, NUMBER_MAX = 32 };

/* The conditions of BEGIN or of END. */
struct side {
    const char *event;
    struct phase_filter filter[CONDITIONS_MAX];
    size_t filter_count;
    struct phase_match match[CONDITIONS_MAX];
    size_t match_count;
};

struct period {
    struct text text;
    size_t at; /* next character of `text` */
    bool in_end;
    unsigned nesting;
    struct phase_definitions *phases;
    struct failure *why;
};

enum operand_kind { OPERAND_NAME, OPERAND_FIELD, OPERAND_BEGIN_FIELD, OPERAND_CONSTANT };

struct operand {
    enum operand_kind kind;
    size_t at; /* where it began */
    const char *field;
    struct field_value constant;
};

static PRINTF_LIKE(3, 4) enum status
    refuse(const struct period *period, size_t at, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return fail(period->why, STATUS_REJECT, "period `%.*s`, column %zu: %s",
                (int)(period->text.count < 400 ? period->text.count : 400), period->text.at, at + 1,
                what);
}

/* The next character, '\0' at the end. */
static char peek(const struct period *period)
{
    return period->at < period->text.count ? period->text.at[period->at] : '\0';
}

static void skip_blanks(struct period *period)
{
    while (period->at < period->text.count && isspace((unsigned char)peek(period)))
        period->at++;
}

static bool take(struct period *period, const char *word)
{
    size_t count = strlen(word);
    if (period->text.count - period->at < count ||
        memcmp(period->text.at + period->at, word, count) != 0)
        return false;
    period->at += count;
    return true;
}

static bool is_identifier(char c, bool first)
{
    return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

static const char *take_identifier(struct period *period)
{
    size_t begin = period->at;
    while (is_identifier(peek(period), period->at == begin))
        period->at++;
    if (period->at == begin)
        return NULL;
    return arena_string(&period->phases->arena,
                        (struct text){period->text.at + begin, period->at - begin});
}

/* `$evt.$name`, `$evt.FIELD`, `$evt.$payload.FIELD`; in END with `$begin.` before it. */
static enum status read_field(struct period *period, struct operand *out)
{
    size_t begin = period->at;
    bool of_begin = take(period, "$begin.");
    if (of_begin && !period->in_end)
        return refuse(period, begin, "`$begin.` makes sense in the end expression only");
    if (!take(period, "$evt."))
        return refuse(period, begin, "a field is wanted here, as $evt.id");
    out->kind = of_begin ? OPERAND_BEGIN_FIELD : OPERAND_FIELD;
    if (take(period, "$name")) {
        if (of_begin)
            return refuse(period, begin, "the name of the begin event is known already");
        out->kind = OPERAND_NAME;
        return STATUS_OK;
    }
    size_t scope = period->at;
    if (!take(period, "$payload.") && peek(period) == '$')
        return refuse(period, scope, "only fields of the payload can be asked ($evt.$payload.X)");
    out->field = take_identifier(period);
    if (!out->field)
        return refuse(period, period->at, "the name of a field is wanted here");
    if (peek(period) == '.' || peek(period) == '[')
        return refuse(period, period->at, "fields inside of fields cannot be asked");
    return STATUS_OK;
}

static enum status read_string(struct period *period, struct operand *out)
{
    size_t begin = period->at++;
    char *string = arena_take(&period->phases->arena, period->text.count - begin + 1);
    size_t count = 0;
    while (period->at < period->text.count && peek(period) != '"') {
        if (peek(period) == '\\' && period->at + 1 < period->text.count)
            period->at++;
        string[count++] = period->text.at[period->at++];
    }
    if (!take(period, "\""))
        return refuse(period, begin, "this text has no closing quote");
    out->kind = OPERAND_CONSTANT;
    out->constant = (struct field_value){.type = FIELD_TEXT, .text = {string, count}};
    return STATUS_OK;
}

static enum status read_number(struct period *period, struct operand *out)
{
    size_t begin = period->at;
    char number[NUMBER_MAX];
    size_t count = 0;
    while (count < sizeof number - 1 &&
           (isalnum((unsigned char)peek(period)) || peek(period) == '.' ||
            (peek(period) == '-' && count == 0)))
        number[count++] = period->text.at[period->at++];
    number[count] = '\0';

    char *end = NULL;
    errno = 0;
    out->kind = OPERAND_CONSTANT;
    if (number[0] == '-')
        out->constant = (struct field_value){.type = FIELD_INT, .i = strtoll(number, &end, 0)};
    else
        out->constant = (struct field_value){.type = FIELD_UINT, .u = strtoull(number, &end, 0)};
    if (*end == '.' || ((*end == 'e' || *end == 'E') && end > number))
        return refuse(period, begin, "numbers with a fraction cannot be compared with");
    if (end == number || *end != '\0')
        return refuse(period, begin, "`%s` is not an integer", number);
    if (errno == ERANGE)
        return refuse(period, begin, "`%s` does not fit into 64 bits", number);
    return STATUS_OK;
}

static enum status read_operand(struct period *period, struct operand *out)
{
    skip_blanks(period);
    *out = (struct operand){.at = period->at};
    char c = peek(period);
    if (c == '$')
        return read_field(period, out);
    if (c == '"')
        return read_string(period, out);
    if (c == '-' || isdigit((unsigned char)c))
        return read_number(period, out);
    return refuse(period, period->at, "a field ($evt.id), a \"text\" or an integer is wanted here");
}

/* What is written before its own prefix stands first. */
static const struct {
    const char *sign;
    enum phase_compare compare;
} compares[] = {
    {"==", COMPARE_EQ}, {"!=", COMPARE_NE},   {"<=", COMPARE_LE}, {">=", COMPARE_GE},
    {"<", COMPARE_LT},  {"=*", COMPARE_GLOB}, {">", COMPARE_GT},
};

static enum status read_compare(struct period *period, enum phase_compare *out)
{
    skip_blanks(period);
    for (size_t i = 0; i < sizeof compares / sizeof *compares; i++) {
        if (take(period, compares[i].sign)) {
            *out = compares[i].compare;
            return STATUS_OK;
        }
    }
    return refuse(period, period->at, "one of == != < <= > >= =* is wanted here");
}

static enum status add_name(struct period *period, struct side *side, const struct operand *left,
                            enum phase_compare compare, const struct operand *right)
{
    if (compare != COMPARE_EQ)
        return refuse(period, left->at, "the event's name can only be compared with ==");
    if (right->kind != OPERAND_CONSTANT || right->constant.type != FIELD_TEXT)
        return refuse(period, right->at, "the event's name is wanted here, in quotes");
    if (side->event)
        return refuse(period, left->at, "the event is named twice");
    if (right->constant.text.count == 0)
        return refuse(period, right->at, "the event's name is empty");
    side->event = right->constant.text.at; /* terminated: the arena's memory is zeroed */
    return STATUS_OK;
}

static enum status add_match(struct period *period, struct side *side, const struct operand *left,
                             enum phase_compare compare, const struct operand *right)
{
    bool swapped = left->kind == OPERAND_BEGIN_FIELD;
    const struct operand *begin = swapped ? left : right;
    const struct operand *end = swapped ? right : left;
    if (begin->kind != OPERAND_BEGIN_FIELD || end->kind != OPERAND_FIELD)
        return refuse(period, right->at,
                      "of two fields one is of the begin event ($begin.$evt.X), one of the end's");
    if (compare != COMPARE_EQ)
        return refuse(period, left->at, "fields of begin and end can only be compared with ==");
    side->match[side->match_count++] = (struct phase_match){begin->field, end->field};
    return STATUS_OK;
}

static enum status add_filter(struct period *period, struct side *side, const struct operand *left,
                              enum phase_compare compare, const struct operand *right)
{
    if (left->kind == OPERAND_BEGIN_FIELD)
        return refuse(period, left->at,
                      "a constant is compared with the begin event in the begin expression");
    if (compare == COMPARE_GLOB && right->constant.type != FIELD_TEXT)
        return refuse(period, right->at, "=* wants a pattern, in quotes");
    side->filter[side->filter_count++] =
        (struct phase_filter){left->field, compare, right->constant};
    return STATUS_OK;
}

static enum status read_comparison(struct period *period, struct side *side)
{
    struct operand left, right;
    enum phase_compare compare = COMPARE_EQ;
    enum status status = read_operand(period, &left);
    if (status == STATUS_OK && left.kind == OPERAND_CONSTANT)
        return refuse(period, left.at, "the left side of a comparison is a field, as $evt.id");
    if (status == STATUS_OK)
        status = read_compare(period, &compare);
    if (status == STATUS_OK)
        status = read_operand(period, &right);
    if (status != STATUS_OK)
        return status;
    if (side->match_count == CONDITIONS_MAX || side->filter_count == CONDITIONS_MAX)
        return refuse(period, left.at, "more than %d conditions", CONDITIONS_MAX);
    if (left.kind == OPERAND_NAME)
        return add_name(period, side, &left, compare, &right);
    if (right.kind == OPERAND_NAME)
        return refuse(period, right.at, "the event's name stands on the left side");
    if (right.kind == OPERAND_CONSTANT)
        return add_filter(period, side, &left, compare, &right);
    return add_match(period, side, &left, compare, &right);
}

static enum status read_conditions(struct period *period, struct side *side);

static enum status read_condition(struct period *period, struct side *side)
{
    skip_blanks(period);
    size_t begin = period->at;
    if (peek(period) == '!')
        return refuse(period, begin, "! cannot be expressed; turn the comparison around");
    if (!take(period, "("))
        return read_comparison(period, side);
    if (++period->nesting > NESTING_MAX)
        return refuse(period, begin, "more than %d parentheses inside each other", NESTING_MAX);
    enum status status = read_conditions(period, side);
    if (status != STATUS_OK)
        return status;
    if (!take(period, ")"))
        return refuse(period, begin, "this parenthesis is not closed");
    period->nesting--;
    return STATUS_OK;
}

static enum status read_conditions(struct period *period, struct side *side)
{
    do {
        enum status status = read_condition(period, side);
        if (status != STATUS_OK)
            return status;
        skip_blanks(period);
    } while (take(period, "&&"));
    if (take(period, "||"))
        return refuse(period, period->at - 2,
                      "|| cannot be expressed; define one period for each side");
    return STATUS_OK;
}

/* One of BEGIN and END, up to the ':' or the end of the text. */
static enum status read_side(struct period *period, struct side *side)
{
    size_t begin = period->at;
    enum status status = read_conditions(period, side);
    if (status != STATUS_OK)
        return status;
    if (period->at < period->text.count && peek(period) != ':')
        return refuse(period, period->at, "&&, ':' or the end is wanted here");
    if (!side->event)
        return refuse(period, begin, "one condition has to name the event: $evt.$name == \"NAME\"");
    return STATUS_OK;
}

/* `text` without the blanks around it, as written or, if it means a field, as `$FIELD`. */
static enum status read_written(struct period *period, size_t begin, size_t end, const char **out)
{
    const char *text = period->text.at;
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
    inside.text.count = end;
    inside.at = begin;
    const char *field = NULL;
    if (take(&inside, "$evt.")) {
        struct operand operand = {.at = begin};
        inside.at = begin;
        enum status status = read_field(&inside, &operand);
        if (status != STATUS_OK)
            return status;
        field = operand.field; /* NULL for the event's name */
    } else if (take(&inside, "$")) {
        field = take_identifier(&inside);
    }
    if (!field || inside.at != end)
        return refuse(period, begin, "a name is text or one field, as $phase or $evt.phase");
    char *written = arena_take(&period->phases->arena, strlen(field) + 2);
    written[0] = '$';
    memcpy(written + 1, field, strlen(field));
    *out = written;
    return STATUS_OK;
}

/* NAME and PARENT, up to and with the ':'. */
static enum status read_head(struct period *period, struct phase_definition *out)
{
    const char *text = period->text.at;
    size_t end = 0;
    while (end < period->text.count && text[end] != ':' && text[end] != '(')
        end++;
    enum status status = read_written(period, 0, end, &out->name);
    if (status != STATUS_OK)
        return status;
    period->at = end;
    if (take(period, "(")) {
        while (period->at < period->text.count && peek(period) != ')')
            period->at++;
        if (period->at == period->text.count)
            return refuse(period, end, "this parenthesis is not closed");
        status = read_written(period, end + 1, period->at, &out->parent);
        if (status != STATUS_OK)
            return status;
        if (!out->name)
            return refuse(period, 0, "a period with a parent wants a name");
        if (!out->parent)
            return refuse(period, end, "the parent has no name");
        if (!phases_have_named(period->phases, out->parent))
            return refuse(period, end + 1, "no period before it is named `%s`", out->parent);
        period->at++;
    }
    skip_blanks(period);
    if (!take(period, ":"))
        return refuse(period, period->at, "':' and the begin expression are wanted here");
    return STATUS_OK;
}

/* A copy of `count` elements in the arena. */
static const void *keep(struct period *period, const void *at, size_t count, size_t size)
{
    if (count == 0)
        return NULL;
    void *kept = arena_take(&period->phases->arena, count * size);
    memcpy(kept, at, count * size);
    return kept;
}

static void fill(struct period *period, const struct side *begin, const struct side *end,
                 struct phase_definition *out)
{
    out->begin_event = begin->event;
    out->end_event = end->event;
    out->begin_filter_count = begin->filter_count;
    out->begin_filter = keep(period, begin->filter, begin->filter_count, sizeof *begin->filter);
    out->end_filter_count = end->filter_count;
    out->end_filter = keep(period, end->filter, end->filter_count, sizeof *end->filter);
    out->match_count = end->match_count;
    out->match = keep(period, end->match, end->match_count, sizeof *end->match);
    /* A path wants a word where lttng-analyses allows none. */
    if (!out->name) {
        out->name = out->begin_event;
    } else if (out->name[0] == '$') {
        out->name_is_field = true;
        out->name++;
    }
}

enum status phases_add_period(struct phase_definitions *phases, struct text text,
                              struct failure *why)
{
    struct period period = {.text = text, .phases = phases, .why = why};
    struct phase_definition definition = {.keep = {.count = SLOWEST_COUNT}};
    struct side begin = {0};
    struct side end = {0};
    if (text.count && memchr(text.at, '\0', text.count))
        return fail(why, STATUS_REJECT, "period: has a zero in it");
    enum status status = read_head(&period, &definition);
    if (status == STATUS_OK)
        status = read_side(&period, &begin);
    if (status != STATUS_OK)
        return status;

    /* Without an END the begin expression is the end's too. */
    const struct side *end_side = &begin;
    if (take(&period, ":")) {
        period.in_end = true;
        status = read_side(&period, &end);
        if (status == STATUS_OK && period.at < text.count)
            status = refuse(&period, period.at, "nothing comes after the end expression");
        if (status != STATUS_OK)
            return status;
        end_side = &end;
    }
    fill(&period, &begin, end_side, &definition);
    phases_add(phases, definition);
    status = phases_check_size(phases, "period", why);
    if (status != STATUS_OK)
        phases->count--;
    return status;
}
