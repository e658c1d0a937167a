/* Phases in YAML: mappings with the keys below. */
#include <ctype.h>
#include <inttypes.h>

#include "trace/yaml_file.h"

static enum status read_name(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    enum status status = yaml_read_word(file, node, "name", &out->name);
    if (status != STATUS_OK || out->name[0] != '$')
        return status;
    out->name++;
    out->name_is_field = true;
    if (out->name[0] == '\0')
        return REFUSE(file, node->start_mark, "name: %s", "expected a field after `$`");
    return STATUS_OK;
}

static enum status read_parent(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    return yaml_read_word(file, node, "parent", &out->parent);
}

static enum status read_segments(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    return yaml_read_word(file, node, "segments", &out->segments);
}

static enum status read_begin(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    return yaml_read_word(file, node, "begin", &out->begin_event);
}

static enum status read_end(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    return yaml_read_word(file, node, "end", &out->end_event);
}

static enum status read_match(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    const char *const *fields = NULL;
    enum status status = yaml_read_words(file, node, "match", &fields, &out->match_count);
    if (status != STATUS_OK)
        return status;
    if (out->match_count > PHASE_MATCH_MAX)
        return REFUSE(file, node->start_mark, "match: %zu fields exceed the limit of %d",
                      out->match_count, PHASE_MATCH_MAX);
    struct phase_match *match = arena_take(&file->phases->arena, out->match_count * sizeof *match);
    for (size_t i = 0; status == STATUS_OK && i < out->match_count; i++) {
        match[i] = (struct phase_match){fields[i], fields[i]};
        if (strchr(fields[i], '=')) /* `id=number`: fields of the begin and of the end */
            status = yaml_read_match(file, yaml_item(file, node, i), &match[i]);
    }
    out->match = match;
    return status;
}

static enum status read_capture(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    enum status status = yaml_read_words(file, node, "capture", &out->capture, &out->capture_count);
    if (status == STATUS_OK && out->capture_count > PHASE_CAPTURE_MAX)
        return REFUSE(file, node->start_mark, "capture: %zu fields exceed the limit of %d",
                      out->capture_count, PHASE_CAPTURE_MAX);
    return status;
}

static enum status read_timeout(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    return yaml_read_duration(file, node, "timeout", &out->timeout_ns);
}

static enum status read_keep(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    struct text text = {NULL, 0};
    if (node->type == YAML_SCALAR_NODE)
        text = yaml_scalar_text(node);
    uint32_t number = 0;
    size_t at = 0;
    for (; at < text.count && isdigit((unsigned char)text.at[at]) && number <= SLOWEST_COUNT_MAX;
         at++)
        number = number * 10 + (uint32_t)(text.at[at] - '0');
    if (text.count == 0 || at < text.count || number > SLOWEST_COUNT_MAX)
        return REFUSE(file, node->start_mark,
                      "keep: expected the number of slowest instances to keep, 0 to %d",
                      SLOWEST_COUNT_MAX);
    out->keep.count = number;
    return STATUS_OK;
}

static enum status read_keep_over(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct phase_definition *out = into;
    return yaml_read_duration(file, node, "keep_over", &out->keep.over_ns);
}

static const struct yaml_key keys[] = {{"name", read_name, true},
                                       {"parent", read_parent, false},
                                       {"begin", read_begin, true},
                                       {"end", read_end, true},
                                       {"match", read_match, false},
                                       {"capture", read_capture, false},
                                       {"timeout", read_timeout, false},
                                       {"keep", read_keep, false},
                                       {"keep_over", read_keep_over, false},
                                       {"segments", read_segments, false}};

static enum status read_definition(struct yaml_file *file, const yaml_node_t *node)
{
    struct phase_definition definition = {.keep = {.count = SLOWEST_COUNT}};
    enum status status = yaml_read_mapping(file, node, "phase", "name, begin, end", keys,
                                           sizeof keys / sizeof *keys, &definition);
    if (status == STATUS_OK)
        phases_add(file->phases, definition);
    return status;
}

/* The value of `key` in a definition; the definition itself if it has none. */
static const yaml_node_t *node_of(struct yaml_file *file, const yaml_node_t *definition,
                                  const char *key)
{
    for (const yaml_node_pair_t *pair = definition->data.mapping.pairs.start;
         pair < definition->data.mapping.pairs.top; pair++)
        if (text_equal(yaml_scalar_text(yaml_document_get_node(&file->document, pair->key)),
                       text_of(key)))
            return yaml_document_get_node(&file->document, pair->value);
    return definition;
}

static enum status check_parent(struct yaml_file *file, const yaml_node_t *node,
                                const struct phase_definition *definition)
{
    const char *parent = definition->parent;
    if (!parent || phases_have_named(file->phases, parent))
        return STATUS_OK;
    return REFUSE(file, node_of(file, node, "parent")->start_mark, "parent: no phase is named `%s`",
                  parent);
}

/* Checks why `segment`, which has the right name, cannot be a segment of `definition`. */
static enum status check_segment(struct yaml_file *file, const yaml_node_t *node,
                                 const struct phase_definition *definition,
                                 const struct phase_definition *segment)
{
    const char *name = definition->segments;
    if (segment == definition)
        return REFUSE(file, node->start_mark, "segments: `%s` is the phase itself", name);
    if (segment->segments)
        return REFUSE(file, node->start_mark,
                      "segments: `%s` has segments itself; only one level is supported", name);
    for (size_t i = 0; i < definition->match_count; i++) {
        const char *field = definition->match[i].begin_field;
        if (phase_match_at(segment, field) == segment->match_count)
            return REFUSE(file, node->start_mark,
                          "segments: `%s` does not match by `%s`, which identifies its request",
                          name, field);
    }
    return STATUS_OK;
}

static enum status check_segments(struct yaml_file *file, const yaml_node_t *node,
                                  const struct phase_definition *definition)
{
    if (!definition->segments)
        return STATUS_OK;
    node = node_of(file, node, "segments");
    if (definition->match_count == 0)
        return REFUSE(
            file, node->start_mark, "%s",
            "segments: this phase needs match fields, which identify the request of a segment");
    if (!phases_have_named(file->phases, definition->segments))
        return REFUSE(file, node->start_mark, "segments: no phase is named `%s`",
                      definition->segments);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < file->phases->count && status == STATUS_OK; i++)
        if (phase_is_named(&file->phases->at[i], definition->segments))
            status = check_segment(file, node, definition, &file->phases->at[i]);
    return status;
}

/* A definition may name a later one, so names are looked up when all are read. */
static enum status check_names(struct yaml_file *file, const yaml_node_t *list, size_t first)
{
    enum status status = STATUS_OK;
    for (size_t i = first; i < file->phases->count && status == STATUS_OK; i++) {
        const struct phase_definition *definition = &file->phases->at[i];
        const yaml_node_t *node =
            yaml_document_get_node(&file->document, list->data.sequence.items.start[i - first]);
        status = check_parent(file, node, definition);
        if (status == STATUS_OK)
            status = check_segments(file, node, definition);
    }
    return status;
}

enum status yaml_read_phases(struct yaml_file *file, const yaml_node_t *list, void *into)
{
    (void)into;
    size_t first = file->phases->count;
    enum status status = yaml_read_list(file, list, "phases", read_definition);
    return status == STATUS_OK ? check_names(file, list, first) : status;
}
