/* The YAML of phase definitions: a mapping with the one key `phases`, a list of mappings with
 * the keys below. */
#include <ctype.h>
#include <inttypes.h>
#include <yaml.h>

#include "base/duration_text.h"
#include "base/nearest.h"
#include "trace/phases.h"

struct yaml_file {
    const char *name; /* of the file, for messages */
    yaml_document_t document;
    struct phase_definitions *phases;
    struct failure *why;
};

/* Every refusal names file, line and column as editors count them, from 1. */
#define REFUSE(file, mark, format, ...)                                                            \
    fail((file)->why, STATUS_REJECT, "%s:%zu:%zu: " format, (file)->name, (mark).line + 1,         \
         (mark).column + 1, __VA_ARGS__)

static const char *node_kind(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SCALAR_NODE: return "a text";
    case YAML_SEQUENCE_NODE: return "a list";
    case YAML_MAPPING_NODE: return "a mapping";
    case YAML_NO_NODE: break;
    }
    return "nothing";
}

static struct text scalar_text(const yaml_node_t *node)
{
    return (struct text){(const char *)node->data.scalar.value, node->data.scalar.length};
}

/* A text that is neither empty nor has zeros in it, kept in the arena. */
static enum status read_word(struct yaml_file *file, const yaml_node_t *node, const char *of,
                             const char **out)
{
    if (node->type != YAML_SCALAR_NODE)
        return REFUSE(file, node->start_mark, "%s: a text is wanted here, not %s", of,
                      node_kind(node));
    struct text text = scalar_text(node);
    if (text.count == 0)
        return REFUSE(file, node->start_mark, "%s: is empty", of);
    if (memchr(text.at, '\0', text.count))
        return REFUSE(file, node->start_mark, "%s: has a zero in it", of);
    *out = arena_string(&file->phases->arena, text);
    return STATUS_OK;
}

static enum status read_words(struct yaml_file *file, const yaml_node_t *node, const char *of,
                              const char *const **out, size_t *out_count)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return REFUSE(file, node->start_mark,
                      "%s: a list of fields is wanted here, as [id], not %s", of, node_kind(node));
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    const char **words = arena_take(&file->phases->arena, count * sizeof *words);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item =
            yaml_document_get_node(&file->document, node->data.sequence.items.start[i]);
        enum status status = read_word(file, item, of, &words[i]);
        if (status != STATUS_OK)
            return status;
    }
    *out = words;
    *out_count = count;
    return STATUS_OK;
}

static enum status read_name(struct yaml_file *file, const yaml_node_t *node,
                             struct phase_definition *out)
{
    enum status status = read_word(file, node, "name", &out->name);
    if (status != STATUS_OK || out->name[0] != '$')
        return status;
    out->name++;
    out->name_is_field = true;
    if (out->name[0] == '\0')
        return REFUSE(file, node->start_mark, "name: %s", "`$` wants a field after it");
    return STATUS_OK;
}

static enum status read_parent(struct yaml_file *file, const yaml_node_t *node,
                               struct phase_definition *out)
{
    return read_word(file, node, "parent", &out->parent);
}

static enum status read_begin(struct yaml_file *file, const yaml_node_t *node,
                              struct phase_definition *out)
{
    return read_word(file, node, "begin", &out->begin_event);
}

static enum status read_end(struct yaml_file *file, const yaml_node_t *node,
                            struct phase_definition *out)
{
    return read_word(file, node, "end", &out->end_event);
}

static enum status read_match(struct yaml_file *file, const yaml_node_t *node,
                              struct phase_definition *out)
{
    const char *const *fields = NULL;
    enum status status = read_words(file, node, "match", &fields, &out->match_count);
    if (status != STATUS_OK)
        return status;
    if (out->match_count > PHASE_MATCH_MAX)
        return REFUSE(file, node->start_mark, "match: %zu fields, over the limit of %d",
                      out->match_count, PHASE_MATCH_MAX);
    struct phase_match *match = arena_take(&file->phases->arena, out->match_count * sizeof *match);
    for (size_t i = 0; i < out->match_count; i++)
        match[i] = (struct phase_match){fields[i], fields[i]};
    out->match = match;
    return STATUS_OK;
}

static enum status read_capture(struct yaml_file *file, const yaml_node_t *node,
                                struct phase_definition *out)
{
    enum status status = read_words(file, node, "capture", &out->capture, &out->capture_count);
    if (status == STATUS_OK && out->capture_count > PHASE_CAPTURE_MAX)
        return REFUSE(file, node->start_mark, "capture: %zu fields, over the limit of %d",
                      out->capture_count, PHASE_CAPTURE_MAX);
    return status;
}

/* Above 0, as options have them. */
static bool read_duration(const yaml_node_t *node, uint64_t *ns)
{
    return node->type == YAML_SCALAR_NODE && duration_read(scalar_text(node), 1, ns) && *ns > 0;
}

static enum status read_timeout(struct yaml_file *file, const yaml_node_t *node,
                                struct phase_definition *out)
{
    if (read_duration(node, &out->timeout_ns))
        return STATUS_OK;
    return REFUSE(file, node->start_mark, "%s",
                  "timeout: a number above 0 and its unit are wanted, as in 500ms, 90s, 1h30m");
}

static enum status read_keep(struct yaml_file *file, const yaml_node_t *node,
                             struct phase_definition *out)
{
    struct text text = {NULL, 0};
    if (node->type == YAML_SCALAR_NODE)
        text = scalar_text(node);
    uint32_t number = 0;
    size_t at = 0;
    for (; at < text.count && isdigit((unsigned char)text.at[at]) && number <= SLOWEST_COUNT_MAX;
         at++)
        number = number * 10 + (uint32_t)(text.at[at] - '0');
    if (text.count == 0 || at < text.count || number > SLOWEST_COUNT_MAX)
        return REFUSE(file, node->start_mark,
                      "keep: how many of the slowest are kept is wanted, 0 to %d",
                      SLOWEST_COUNT_MAX);
    out->keep.count = number;
    return STATUS_OK;
}

static enum status read_keep_over(struct yaml_file *file, const yaml_node_t *node,
                                  struct phase_definition *out)
{
    if (read_duration(node, &out->keep.over_ns))
        return STATUS_OK;
    return REFUSE(file, node->start_mark, "%s",
                  "keep_over: a number above 0 and its unit are wanted, as in 500ms, 90s, 1h30m");
}

/* What may stand in a definition. */
static const struct {
    const char *name;
    enum status (*read)(struct yaml_file *file, const yaml_node_t *node,
                        struct phase_definition *out);
    bool needed;
} keys[] = {{"name", read_name, true},           {"parent", read_parent, false},
            {"begin", read_begin, true},         {"end", read_end, true},
            {"match", read_match, false},        {"capture", read_capture, false},
            {"timeout", read_timeout, false},    {"keep", read_keep, false},
            {"keep_over", read_keep_over, false}};

enum { KEY_COUNT = sizeof keys / sizeof *keys };

static enum status unknown_key(struct yaml_file *file, const yaml_node_t *key,
                               const char *const *words, size_t count)
{
    if (key->type != YAML_SCALAR_NODE)
        return REFUSE(file, key->start_mark, "a key is a text, not %s", node_kind(key));
    struct text text = scalar_text(key);
    const char *nearest = nearest_word(text, words, count);
    if (nearest)
        return REFUSE(file, key->start_mark, "unknown key `%.*s`; `%s` is the nearest",
                      (int)(text.count < 80 ? text.count : 80), text.at, nearest);
    char all[128] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", words[i]);
    return REFUSE(file, key->start_mark, "unknown key `%.*s`; known: %s",
                  (int)(text.count < 80 ? text.count : 80), text.at, all);
}

/* Index of the key among `words`, `count` if it is none of them. */
static size_t key_index(const yaml_node_t *key, const char *const *words, size_t count)
{
    size_t index = 0;
    while (index < count &&
           (key->type != YAML_SCALAR_NODE || !text_equal(scalar_text(key), text_of(words[index]))))
        index++;
    return index;
}

static enum status read_definition(struct yaml_file *file, const yaml_node_t *node)
{
    if (node->type != YAML_MAPPING_NODE)
        return REFUSE(file, node->start_mark, "a phase is a mapping with name, begin, end; not %s",
                      node_kind(node));
    struct phase_definition definition = {.keep = {.count = SLOWEST_COUNT}};
    bool seen[KEY_COUNT] = {false};
    const char *names[KEY_COUNT];
    for (size_t i = 0; i < KEY_COUNT; i++)
        names[i] = keys[i].name;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
        size_t index = key_index(key, names, KEY_COUNT);
        if (index == KEY_COUNT)
            return unknown_key(file, key, names, KEY_COUNT);
        if (seen[index])
            return REFUSE(file, key->start_mark, "key `%s` stands twice", names[index]);
        seen[index] = true;
        enum status status = keys[index].read(
            file, yaml_document_get_node(&file->document, pair->value), &definition);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t index = 0; index < KEY_COUNT; index++)
        if (keys[index].needed && !seen[index])
            return REFUSE(file, node->start_mark, "this phase lacks the key `%s`", names[index]);
    phases_add(file->phases, definition);
    return STATUS_OK;
}

static enum status unknown_parent(struct yaml_file *file, const yaml_node_t *node,
                                  const char *parent)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        if (text_equal(scalar_text(yaml_document_get_node(&file->document, pair->key)),
                       text_of("parent")))
            node = yaml_document_get_node(&file->document, pair->value);
    return REFUSE(file, node->start_mark, "no phase is named `%s`, as this parent", parent);
}

/* A parent may stand after its children: looked up when all are read. */
static enum status check_parents(struct yaml_file *file, const yaml_node_t *list, size_t first)
{
    for (size_t i = first; i < file->phases->count; i++) {
        const char *parent = file->phases->at[i].parent;
        if (parent && !phases_have_named(file->phases, parent))
            return unknown_parent(
                file,
                yaml_document_get_node(&file->document, list->data.sequence.items.start[i - first]),
                parent);
    }
    return STATUS_OK;
}

static enum status read_list(struct yaml_file *file, const yaml_node_t *list)
{
    if (list->type != YAML_SEQUENCE_NODE)
        return REFUSE(file, list->start_mark, "phases: a list is wanted here, not %s",
                      node_kind(list));
    size_t first = file->phases->count;
    for (const yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        enum status status = read_definition(file, yaml_document_get_node(&file->document, *item));
        if (status != STATUS_OK)
            return status;
    }
    return check_parents(file, list, first);
}

static enum status read_root(struct yaml_file *file)
{
    static const char *const only[] = {"phases"};
    const yaml_node_t *root = yaml_document_get_root_node(&file->document);
    if (!root)
        return fail(file->why, STATUS_REJECT, "%s: is empty; `phases:` is wanted", file->name);
    if (root->type != YAML_MAPPING_NODE)
        return REFUSE(file, root->start_mark, "a mapping with the key `phases` is wanted, not %s",
                      node_kind(root));
    const yaml_node_t *list = NULL;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
        if (key_index(key, only, 1) != 0)
            return unknown_key(file, key, only, 1);
        if (list)
            return REFUSE(file, key->start_mark, "key `%s` stands twice", only[0]);
        list = yaml_document_get_node(&file->document, pair->value);
    }
    if (!list)
        return REFUSE(file, root->start_mark, "the key `%s` is missing", only[0]);
    return read_list(file, list);
}

static enum status not_yaml(struct yaml_file *file, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "not YAML";
    /* An encoding error comes with the byte alone. */
    if (parser->error == YAML_READER_ERROR)
        return fail(file->why, STATUS_REJECT, "%s: byte %zu: %s", file->name,
                    parser->problem_offset, problem);
    return REFUSE(file, parser->problem_mark, "%s", problem);
}

static enum status read_file(struct yaml_file *file, yaml_parser_t *parser)
{
    if (!yaml_parser_load(parser, &file->document))
        return not_yaml(file, parser);
    enum status status = read_root(file);
    yaml_document_delete(&file->document);
    if (status != STATUS_OK)
        return status;

    if (!yaml_parser_load(parser, &file->document))
        return not_yaml(file, parser);
    const yaml_node_t *second = yaml_document_get_root_node(&file->document);
    if (second)
        status = REFUSE(file, second->start_mark, "%s", "a second document is not read");
    yaml_document_delete(&file->document);
    return status;
}

enum status phases_add_yaml(struct phase_definitions *phases, const char *name, struct bytes yaml,
                            struct failure *why)
{
    if (yaml.count > PHASES_YAML_BYTES_MAX)
        return fail(why, STATUS_REJECT, "%s: %zu bytes, over the limit of %zu", name, yaml.count,
                    PHASES_YAML_BYTES_MAX);
    struct yaml_file file = {.name = name, .phases = phases, .why = why};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return fail(why, STATUS_STOP, "%s: libyaml: out of memory", name);
    size_t before = phases->count;
    yaml_parser_set_input_string(&parser, yaml.at, yaml.count);
    enum status status = read_file(&file, &parser);
    yaml_parser_delete(&parser);
    if (status == STATUS_OK)
        status = phases_check_size(phases, name, why);
    if (status != STATUS_OK)
        phases->count = before;
    return status;
}
