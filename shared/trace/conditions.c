#include "trace/conditions.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NESTING_MAX = 32, NUMBER_MAX = 32 };

enum operand_kind { OPERAND_NAME, OPERAND_FIELD, OPERAND_BEGIN_FIELD, OPERAND_CONSTANT };

struct operand {
    enum operand_kind kind;
    size_t at; /* where it begins */
    const char *field;
    struct field_value constant;
};

/* The kind of a condition: a comparison, or what a period states by one, or a combination. */
enum node_kind { NODE_FILTER, NODE_EVENT, NODE_MATCH, NODE_ALL, NODE_ANY, NODE_NOT };

struct node {
    enum node_kind kind;
    size_t at;
    struct phase_filter filter;
    const char *event;
    struct phase_match match;
    struct node *first, *next; /* first child; next sibling */
};

/* --- pieces --- */

enum status condition_text_refuse(struct condition_text *text, size_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text->wrong, sizeof text->wrong, format, arguments);
    va_end(arguments);
    text->wrong_at = at;
    return STATUS_REJECT;
}

#define refuse condition_text_refuse

char condition_text_peek(const struct condition_text *text)
{
    return text->at < text->text.count ? text->text.at[text->at] : '\0';
}

void condition_text_skip_blanks(struct condition_text *text)
{
    while (text->at < text->text.count && isspace((unsigned char)condition_text_peek(text)))
        text->at++;
}

bool condition_text_take(struct condition_text *text, const char *word)
{
    size_t count = strlen(word);
    if (text->text.count - text->at < count || memcmp(text->text.at + text->at, word, count) != 0)
        return false;
    text->at += count;
    return true;
}

static bool is_identifier(char c, bool first)
{
    return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

const char *condition_text_identifier(struct condition_text *text)
{
    size_t begin = text->at;
    while (is_identifier(condition_text_peek(text), text->at == begin))
        text->at++;
    if (text->at == begin)
        return NULL;
    return arena_string(text->arena, (struct text){text->text.at + begin, text->at - begin});
}

/* --- operands --- */

/* `$ctx.tid`, the name of its field. */
static enum status read_context(struct condition_text *text, size_t begin, struct operand *out)
{
    size_t at = text->at;
    if (!condition_text_identifier(text))
        return refuse(text, at, "expected the name of a context");
    out->field = arena_string(text->arena, (struct text){text->text.at + begin, text->at - begin});
    if (event_has_context_named(out->field))
        return STATUS_OK;
    return refuse(text, at, "supported contexts: %s", event_context_names);
}

static enum status read_field(struct condition_text *text, struct operand *out)
{
    size_t begin = text->at;
    bool of_begin = condition_text_take(text, "$begin.");
    if (of_begin && !text->in_end)
        return refuse(text, begin, "`$begin.` is only allowed in the end of a phase");
    if (!condition_text_take(text, "$evt."))
        return refuse(text, begin, "expected a field such as $evt.id");
    out->kind = of_begin ? OPERAND_BEGIN_FIELD : OPERAND_FIELD;
    if (text->of_period && condition_text_take(text, "$name")) {
        if (of_begin)
            return refuse(text, begin, "the name of the begin event cannot be compared again");
        out->kind = OPERAND_NAME;
        return STATUS_OK;
    }
    size_t scope = text->at;
    if (condition_text_take(text, EVENT_CONTEXT))
        return read_context(text, scope, out);
    if (!condition_text_take(text, "$payload.") && condition_text_peek(text) == '$')
        return refuse(
            text, scope,
            "only payload fields ($evt.$payload.X) and contexts ($evt.$ctx.X) are supported");
    out->field = condition_text_identifier(text);
    if (!out->field)
        return refuse(text, text->at, "expected the name of a field");
    if (condition_text_peek(text) == '.' || condition_text_peek(text) == '[')
        return refuse(text, text->at, "nested fields are not supported");
    return STATUS_OK;
}

enum status conditions_read_field(struct condition_text *text, const char **out)
{
    struct operand operand = {.at = text->at};
    enum status status = read_field(text, &operand);
    *out = operand.field;
    return status;
}

static enum status read_string(struct condition_text *text, struct operand *out)
{
    size_t begin = text->at++;
    char *string = arena_take(text->arena, text->text.count - begin + 1);
    size_t count = 0;
    while (text->at < text->text.count && condition_text_peek(text) != '"') {
        if (condition_text_peek(text) == '\\' && text->at + 1 < text->text.count)
            text->at++;
        string[count++] = text->text.at[text->at++];
    }
    if (!condition_text_take(text, "\""))
        return refuse(text, begin, "missing closing quote");
    out->kind = OPERAND_CONSTANT;
    out->constant = (struct field_value){.type = FIELD_TEXT, .text = {string, count}};
    return STATUS_OK;
}

static enum status read_number(struct condition_text *text, struct operand *out)
{
    size_t begin = text->at;
    char number[NUMBER_MAX];
    size_t count = 0;
    while (count < sizeof number - 1 &&
           (isalnum((unsigned char)condition_text_peek(text)) || condition_text_peek(text) == '.' ||
            (condition_text_peek(text) == '-' && count == 0)))
        number[count++] = text->text.at[text->at++];
    number[count] = '\0';

    char *end = NULL;
    errno = 0;
    out->kind = OPERAND_CONSTANT;
    if (number[0] == '-')
        out->constant = (struct field_value){.type = FIELD_INT, .i = strtoll(number, &end, 0)};
    else
        out->constant = (struct field_value){.type = FIELD_UINT, .u = strtoull(number, &end, 0)};
    if (*end == '.' || ((*end == 'e' || *end == 'E') && end > number))
        return refuse(text, begin, "fractional numbers are not supported");
    if (end == number || *end != '\0')
        return refuse(text, begin, "`%s` is not an integer", number);
    if (errno == ERANGE)
        return refuse(text, begin, "`%s` does not fit into 64 bits", number);
    return STATUS_OK;
}

static enum status read_operand(struct condition_text *text, struct operand *out)
{
    condition_text_skip_blanks(text);
    *out = (struct operand){.at = text->at};
    char c = condition_text_peek(text);
    if (c == '$')
        return read_field(text, out);
    if (c == '"')
        return read_string(text, out);
    if (c == '-' || isdigit((unsigned char)c))
        return read_number(text, out);
    return refuse(text, text->at, "expected a field ($evt.id), a \"text\", or an integer");
}

/* A sign that begins with another sign comes before it. */
static const struct {
    const char *sign;
    enum phase_compare compare;
} compares[] = {
    {"==", COMPARE_EQ}, {"!=", COMPARE_NE},   {"<=", COMPARE_LE}, {">=", COMPARE_GE},
    {"<", COMPARE_LT},  {"=*", COMPARE_GLOB}, {">", COMPARE_GT},
};

static enum status read_compare(struct condition_text *text, enum phase_compare *out)
{
    condition_text_skip_blanks(text);
    for (size_t i = 0; i < sizeof compares / sizeof *compares; i++) {
        if (condition_text_take(text, compares[i].sign)) {
            *out = compares[i].compare;
            return STATUS_OK;
        }
    }
    return refuse(text, text->at, "expected one of == != < <= > >= =*");
}

/* --- comparisons --- */

static enum status set_event(struct condition_text *text, struct node *node,
                             const struct operand *left, enum phase_compare compare,
                             const struct operand *right)
{
    if (compare != COMPARE_EQ)
        return refuse(text, left->at, "the event's name can only be compared with ==");
    if (right->kind != OPERAND_CONSTANT || right->constant.type != FIELD_TEXT)
        return refuse(text, right->at, "expected the event's name in quotes");
    if (right->constant.text.count == 0)
        return refuse(text, right->at, "the event's name is empty");
    node->kind = NODE_EVENT;
    node->event = right->constant.text.at; /* terminated: the arena's memory is zeroed */
    return STATUS_OK;
}

static enum status set_match(struct condition_text *text, struct node *node,
                             const struct operand *left, enum phase_compare compare,
                             const struct operand *right)
{
    bool swapped = left->kind == OPERAND_BEGIN_FIELD;
    const struct operand *begin = swapped ? left : right;
    const struct operand *end = swapped ? right : left;
    if (!text->of_period)
        return refuse(text, right->at, "a field must be compared with a \"text\" or an integer");
    if (begin->kind != OPERAND_BEGIN_FIELD || end->kind != OPERAND_FIELD)
        return refuse(text, right->at,
                      "of two compared fields, one must be of the begin event ($begin.$evt.X) and "
                      "one of the end event");
    if (compare != COMPARE_EQ)
        return refuse(text, left->at, "fields of begin and end can only be compared with ==");
    if (begin->field[0] == '$' || end->field[0] == '$')
        return refuse(text, left->at, "contexts of begin and end cannot be compared");
    node->kind = NODE_MATCH;
    node->match = (struct phase_match){begin->field, end->field};
    return STATUS_OK;
}

static enum status set_filter(struct condition_text *text, struct node *node,
                              const struct operand *left, enum phase_compare compare,
                              const struct operand *right)
{
    if (left->kind == OPERAND_BEGIN_FIELD)
        return refuse(text, left->at,
                      "compare the begin event with constants in the begin expression");
    if (compare == COMPARE_GLOB && right->constant.type != FIELD_TEXT)
        return refuse(text, right->at, "=* needs a pattern in quotes");
    node->kind = NODE_FILTER;
    node->filter = (struct phase_filter){
        .field = left->field, .compare = compare, .constant = right->constant};
    return STATUS_OK;
}

static enum status read_comparison(struct condition_text *text, struct node *node)
{
    struct operand left, right;
    enum phase_compare compare = COMPARE_EQ;
    enum status status = read_operand(text, &left);
    if (status == STATUS_OK && left.kind == OPERAND_CONSTANT)
        return refuse(text, left.at,
                      "the left side of a comparison must be a field such as $evt.id");
    if (status == STATUS_OK)
        status = read_compare(text, &compare);
    if (status == STATUS_OK)
        status = read_operand(text, &right);
    if (status != STATUS_OK)
        return status;
    node->at = left.at;
    if (left.kind == OPERAND_NAME)
        return set_event(text, node, &left, compare, &right);
    if (right.kind == OPERAND_NAME)
        return refuse(text, right.at, "the event's name must be on the left side");
    if (right.kind == OPERAND_CONSTANT)
        return set_filter(text, node, &left, compare, &right);
    return set_match(text, node, &left, compare, &right);
}

/* --- conditions --- */

static enum status read_any(struct condition_text *text, struct node **out);

static enum status read_condition(struct condition_text *text, struct node **out)
{
    condition_text_skip_blanks(text);
    size_t begin = text->at;
    bool is_not = condition_text_take(text, "!"),
         is_group = !is_not && condition_text_take(text, "(");
    struct node *node = arena_take(text->arena, sizeof *node);
    if (!is_not && !is_group) {
        *out = node;
        return read_comparison(text, node);
    }
    if (++text->nesting > NESTING_MAX)
        return refuse(text, begin, "more than %d nested parentheses or !", NESTING_MAX);
    enum status status = is_not ? read_condition(text, &node->first) : read_any(text, out);
    if (status != STATUS_OK)
        return status;
    text->nesting--;
    if (is_not) {
        node->kind = NODE_NOT;
        node->at = begin;
        *out = node;
    } else if (!condition_text_take(text, ")")) {
        return refuse(text, begin, "missing closing parenthesis");
    }
    return STATUS_OK;
}

/* Conditions with `sign` between them: a single one, or a node of that kind. */
static enum status read_row(struct condition_text *text, const char *sign, enum node_kind kind,
                            enum status (*read)(struct condition_text *, struct node **),
                            struct node **out)
{
    struct node *all = arena_take(text->arena, sizeof *all);
    *all = (struct node){.kind = kind, .at = text->at};
    struct node **next = &all->first;
    do {
        enum status status = read(text, next);
        if (status != STATUS_OK)
            return status;
        next = &(*next)->next;
        condition_text_skip_blanks(text);
    } while (condition_text_take(text, sign));
    *out = next == &all->first->next ? all->first : all;
    return STATUS_OK;
}

static enum status read_all(struct condition_text *text, struct node **out)
{
    return read_row(text, "&&", NODE_ALL, read_condition, out);
}

static enum status read_any(struct condition_text *text, struct node **out)
{
    return read_row(text, "||", NODE_ANY, read_all, out);
}

/* --- conversion to filters --- */

static size_t count_leaves(const struct node *node)
{
    size_t count = node->first == NULL;
    for (const struct node *each = node->first; each; each = each->next)
        count += count_leaves(each);
    return count;
}

/* Converts a node and everything inside to a filter. */
static enum status filter_of(struct condition_text *text, const struct node *node,
                             struct phase_filter *out)
{
    if (node->kind == NODE_FILTER) {
        *out = node->filter;
        return STATUS_OK;
    }
    if (node->kind == NODE_EVENT)
        return refuse(text, node->at, "the event must be named outside of || and !");
    if (node->kind == NODE_MATCH)
        return refuse(text, node->at,
                      "fields of begin and end must be compared outside of || and !");
    *out = (struct phase_filter){.field = "",
                                 .compare = node->kind == NODE_ALL   ? COMPARE_ALL
                                            : node->kind == NODE_ANY ? COMPARE_ANY
                                                                     : COMPARE_NONE};
    for (const struct node *each = node->first; each; each = each->next)
        out->inner_count++;
    struct phase_filter *inner = arena_take(text->arena, out->inner_count * sizeof *inner);
    out->inner = inner;
    for (const struct node *each = node->first; each; each = each->next) {
        enum status status = filter_of(text, each, inner++);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Adds a node to the conditions that must all hold. */
static enum status add(struct condition_text *text, const struct node *node,
                       struct phase_filter *filters, struct conditions *out)
{
    enum status status = STATUS_OK;
    if (node->kind == NODE_ALL) {
        for (const struct node *each = node->first; each && status == STATUS_OK; each = each->next)
            status = add(text, each, filters, out);
        return status;
    }
    if (node->kind == NODE_MATCH) {
        out->match[out->match_count++] = node->match;
        return STATUS_OK;
    }
    if (node->kind != NODE_EVENT)
        return filter_of(text, node, &filters[out->filter_count++]);
    if (out->event)
        return refuse(text, node->at, "the event is named twice");
    out->event = node->event;
    return STATUS_OK;
}

enum status conditions_read(struct condition_text *text, struct conditions *out)
{
    *out = (struct conditions){.event = NULL};
    struct node *node = NULL;
    size_t begin = text->at;
    enum status status = read_any(text, &node);
    if (status != STATUS_OK)
        return status;
    size_t leaves = count_leaves(node);
    if (leaves > CONDITIONS_MAX)
        return refuse(text, begin, "more than %d conditions", CONDITIONS_MAX);
    struct phase_filter *filters = arena_take(text->arena, leaves * sizeof *filters);
    out->filter = filters;
    return add(text, node, filters, out);
}
