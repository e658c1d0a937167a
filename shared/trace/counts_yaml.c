/* Counts in YAML: mappings with the keys below. */
#include <string.h>

#include "trace/conditions.h"
#include "trace/yaml_file.h"

enum status yaml_read_count_name(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct count_definition *out = into;
    enum status status = yaml_read_word(file, node, "name", &out->name);
    if (status == STATUS_OK && strncmp(out->name, BUILT_IN_PREFIX, strlen(BUILT_IN_PREFIX)) == 0)
        return REFUSE(file, node->start_mark, "name: the prefix %s is reserved for built-in counts",
                      BUILT_IN_PREFIX);
    for (size_t i = 0; status == STATUS_OK && i < file->phases->count_count; i++)
        if (strcmp(file->phases->counts[i].name, out->name) == 0)
            return REFUSE(file, node->start_mark, "name: duplicate %s `%s`",
                          file->phases->counts[i].span ? "span" : "count", out->name);
    return status;
}

enum status yaml_read_count_event(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct count_definition *out = into;
    return yaml_read_word(file, node, "event", &out->event);
}

/* The place of a character in a plain scalar on one line; else the begin of the scalar. */
static yaml_mark_t mark_at(const yaml_node_t *node, size_t at)
{
    yaml_mark_t mark = node->start_mark;
    size_t quotes = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 1;
    if (node->end_mark.line == mark.line &&
        node->end_mark.column - mark.column == node->data.scalar.length + 2 * quotes)
        mark.column += quotes + at;
    return mark;
}

static enum status refuse_at(struct yaml_file *file, const yaml_node_t *node, const char *of,
                             const struct condition_text *text)
{
    return REFUSE(file, mark_at(node, text->wrong_at), "%s: %s", of, text->wrong);
}

enum status yaml_read_where(struct yaml_file *file, const yaml_node_t *node, const char *of,
                            const struct phase_filter **where, size_t *count)
{
    const char *written = NULL;
    enum status status = yaml_read_word(file, node, of, &written);
    if (status != STATUS_OK)
        return status;
    struct condition_text text = {.text = text_of(written), .arena = &file->phases->arena};
    struct conditions conditions;
    status = conditions_read(&text, &conditions);
    if (status == STATUS_OK && text.at < text.text.count)
        status = condition_text_refuse(&text, text.at, "expected &&, ||, or the end");
    if (status != STATUS_OK)
        return refuse_at(file, node, of, &text);
    *where = conditions.filter;
    *count = conditions.filter_count;
    return STATUS_OK;
}

static enum status read_where(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct count_definition *out = into;
    return yaml_read_where(file, node, "where", &out->where, &out->where_count);
}

/* The field at text->at, up to the end or to `=`. */
static enum status take_field(struct condition_text *text, const char **out)
{
    size_t begin = text->at;
    const char *written = text->text.at + begin;
    size_t count = strcspn(written, "=");
    enum status status = STATUS_OK;
    if (strncmp(written, EVENT_CONTEXT, strlen(EVENT_CONTEXT)) == 0) {
        *out = arena_string(text->arena, (struct text){written, count});
        text->at += count;
        if (!event_has_context_named(*out))
            return condition_text_refuse(text, begin + strlen(EVENT_CONTEXT),
                                         "supported contexts: %s", event_context_names);
    } else if (written[0] == '$') {
        status = conditions_read_field(text, out);
    } else {
        *out = condition_text_identifier(text);
    }
    if (status == STATUS_OK && (!*out || text->at < begin + count))
        return condition_text_refuse(text, *out ? text->at : begin,
                                     "expected a field such as id or $ctx.vtid");
    return status;
}

/* `end` is NULL, or also a field of the end event is expected: `tid=next_tid`. */
static enum status read_fields(struct yaml_file *file, const yaml_node_t *node, const char *of,
                               const char **out, const char **end)
{
    const char *written = NULL;
    enum status status = yaml_read_word(file, node, of, &written);
    if (status != STATUS_OK)
        return status;
    struct condition_text text = {.text = text_of(written), .arena = &file->phases->arena};
    status = take_field(&text, out);
    if (status == STATUS_OK && end) {
        *end = *out;
        if (condition_text_take(&text, "="))
            status = take_field(&text, end);
    }
    if (status == STATUS_OK && text.at < text.text.count)
        status = condition_text_refuse(&text, text.at, "expected a field such as id or $ctx.vtid");
    return status == STATUS_OK ? status : refuse_at(file, node, of, &text);
}

enum status yaml_read_field(struct yaml_file *file, const yaml_node_t *node, const char *of,
                            const char **out)
{
    return read_fields(file, node, of, out, NULL);
}

enum status yaml_read_match(struct yaml_file *file, const yaml_node_t *node,
                            struct phase_match *out)
{
    return read_fields(file, node, "match", &out->begin_field, &out->end_field);
}

static enum status read_value(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct count_definition *out = into;
    return yaml_read_field(file, node, "value", &out->value);
}

const char *const count_by_words[COUNT_BY_WORDS] = {
    [COUNT_BY_FIELD] = "",          [COUNT_BY_HOST] = "host",     [COUNT_BY_CPU] = "cpu",
    [COUNT_BY_PROCESS] = "process", [COUNT_BY_THREAD] = "thread", [COUNT_BY_PHASE] = "phase",
    [COUNT_BY_CALL] = "call",       [COUNT_BY_EVENT] = "event"};

static enum status read_by_one(struct yaml_file *file, const yaml_node_t *node,
                               struct count_by *out)
{
    const char *written = NULL;
    enum status status = yaml_read_word(file, node, "by", &written);
    if (status != STATUS_OK)
        return status;
    for (size_t i = COUNT_BY_HOST; i < COUNT_BY_WORDS; i++)
        if (strcmp(count_by_words[i], written) == 0) {
            *out = (struct count_by){.word = (enum count_word)i, .field = count_by_words[i]};
            return STATUS_OK;
        }
    out->word = COUNT_BY_FIELD;
    return yaml_read_field(file, node, "by", &out->field);
}

enum status yaml_read_count_by(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct count_definition *out = into;
    if (node->type != YAML_SEQUENCE_NODE)
        return REFUSE(file, node->start_mark,
                      "by: expected a list of fields and words such as [code, process], not %s",
                      yaml_node_kind(node));
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count > COUNT_BY_MAX)
        return REFUSE(file, node->start_mark, "by: %zu entries exceed the limit of %d", count,
                      COUNT_BY_MAX);
    struct count_by *by = arena_take(&file->phases->arena, count * sizeof *by);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item =
            yaml_document_get_node(&file->document, node->data.sequence.items.start[i]);
        enum status status = read_by_one(file, item, &by[i]);
        for (size_t k = 0; status == STATUS_OK && k < i; k++)
            if (strcmp(by[k].field, by[i].field) == 0)
                status = REFUSE(file, item->start_mark, "by: duplicate `%s`", by[i].field);
        if (status != STATUS_OK)
            return status;
    }
    out->by = by;
    out->by_count = count;
    return STATUS_OK;
}

static const struct yaml_key keys[] = {{"name", yaml_read_count_name, true},
                                       {"event", yaml_read_count_event, true},
                                       {"where", read_where, false},
                                       {"by", yaml_read_count_by, false},
                                       {"value", read_value, false}};

static enum status read_count(struct yaml_file *file, const yaml_node_t *node)
{
    struct count_definition definition = {.name = NULL};
    enum status status = yaml_read_mapping(file, node, "count", "name, event", keys,
                                           sizeof keys / sizeof *keys, &definition);
    if (status == STATUS_OK)
        phases_add_count(file->phases, definition);
    return status;
}

enum status yaml_read_counts(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    (void)into;
    return yaml_read_list(file, node, "counts", read_count);
}
