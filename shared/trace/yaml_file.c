/* Definitions in YAML: a mapping with the keys `phases`, `counts`, and `spans`, each a list of
 * mappings. */
#include "trace/yaml_file.h"

#include <assert.h>
#include <inttypes.h>

#include "base/duration_text.h"
#include "base/nearest.h"

const char *yaml_node_kind(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SCALAR_NODE: return "a text";
    case YAML_SEQUENCE_NODE: return "a list";
    case YAML_MAPPING_NODE: return "a mapping";
    case YAML_NO_NODE: break;
    }
    return "nothing";
}

struct text yaml_scalar_text(const yaml_node_t *node)
{
    return (struct text){(const char *)node->data.scalar.value, node->data.scalar.length};
}

enum status yaml_read_word(struct yaml_file *file, const yaml_node_t *node, const char *of,
                           const char **out)
{
    if (node->type != YAML_SCALAR_NODE)
        return REFUSE(file, node->start_mark, "%s: expected a text, not %s", of,
                      yaml_node_kind(node));
    struct text text = yaml_scalar_text(node);
    if (text.count == 0)
        return REFUSE(file, node->start_mark, "%s: is empty", of);
    if (memchr(text.at, '\0', text.count))
        return REFUSE(file, node->start_mark, "%s: contains a NUL byte", of);
    *out = arena_string(&file->phases->arena, text);
    return STATUS_OK;
}

enum status yaml_count_fields(struct yaml_file *file, const yaml_node_t *node, const char *of,
                              size_t *count)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return REFUSE(file, node->start_mark, "%s: expected a list of fields such as [id], not %s",
                      of, yaml_node_kind(node));
    *count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    return STATUS_OK;
}

const yaml_node_t *yaml_item(struct yaml_file *file, const yaml_node_t *node, size_t at)
{
    return yaml_document_get_node(&file->document, node->data.sequence.items.start[at]);
}

enum status yaml_read_words(struct yaml_file *file, const yaml_node_t *node, const char *of,
                            const char *const **out, size_t *out_count)
{
    size_t count = 0;
    enum status status = yaml_count_fields(file, node, of, &count);
    if (status != STATUS_OK)
        return status;
    const char **words = arena_take(&file->phases->arena, count * sizeof *words);
    for (size_t i = 0; i < count; i++) {
        status = yaml_read_word(file, yaml_item(file, node, i), of, &words[i]);
        if (status != STATUS_OK)
            return status;
    }
    *out = words;
    *out_count = count;
    return STATUS_OK;
}

enum status yaml_read_duration(struct yaml_file *file, const yaml_node_t *node, const char *of,
                               uint64_t *ns)
{
    if (node->type == YAML_SCALAR_NODE && duration_read(yaml_scalar_text(node), 1, ns) && *ns > 0)
        return STATUS_OK;
    return REFUSE(file, node->start_mark,
                  "%s: expected a positive number with a unit, such as 500ms, 90s, or 1h30m", of);
}

static enum status unknown_key(struct yaml_file *file, const yaml_node_t *key,
                               const char *const *words, size_t count)
{
    if (key->type != YAML_SCALAR_NODE)
        return REFUSE(file, key->start_mark, "a key is a text, not %s", yaml_node_kind(key));
    struct text text = yaml_scalar_text(key);
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
    while (index < count && (key->type != YAML_SCALAR_NODE ||
                             !text_equal(yaml_scalar_text(key), text_of(words[index]))))
        index++;
    return index;
}

enum status yaml_read_mapping(struct yaml_file *file, const yaml_node_t *node, const char *what,
                              const char *with, const struct yaml_key *keys, size_t count,
                              void *into)
{
    assert(count <= YAML_KEYS_MAX);
    if (node->type != YAML_MAPPING_NODE)
        return REFUSE(file, node->start_mark, "a %s is a mapping with %s; not %s", what, with,
                      yaml_node_kind(node));
    bool seen[YAML_KEYS_MAX] = {false};
    const char *names[YAML_KEYS_MAX];
    for (size_t i = 0; i < count; i++)
        names[i] = keys[i].name;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
        size_t index = key_index(key, names, count);
        if (index == count)
            return unknown_key(file, key, names, count);
        if (seen[index])
            return REFUSE(file, key->start_mark, "duplicate key `%s`", names[index]);
        seen[index] = true;
        enum status status =
            keys[index].read(file, yaml_document_get_node(&file->document, pair->value), into);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t index = 0; index < count; index++)
        if (keys[index].needed && !seen[index])
            return REFUSE(file, node->start_mark, "this %s lacks the key `%s`", what, names[index]);
    return STATUS_OK;
}

enum status yaml_read_list(struct yaml_file *file, const yaml_node_t *node, const char *of,
                           enum status (*read)(struct yaml_file *file, const yaml_node_t *node))
{
    if (node->type != YAML_SEQUENCE_NODE)
        return REFUSE(file, node->start_mark, "%s: expected a list, not %s", of,
                      yaml_node_kind(node));
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        enum status status = read(file, yaml_document_get_node(&file->document, *item));
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* --- a file --- */

static const struct yaml_key ROOT[] = {{"phases", yaml_read_phases, false},
                                       {"counts", yaml_read_counts, false},
                                       {"spans", yaml_read_spans, false}};
enum { ROOT_COUNT = sizeof ROOT / sizeof *ROOT };

static enum status read_root(struct yaml_file *file)
{
    const yaml_node_t *root = yaml_document_get_root_node(&file->document);
    if (!root)
        return fail(file->why, STATUS_REJECT,
                    "%s: is empty; expected `phases:`, `counts:`, or `spans:`", file->name);
    enum status status =
        yaml_read_mapping(file, root, "file of definitions",
                          "the keys `phases`, `counts` and `spans`", ROOT, ROOT_COUNT, NULL);
    if (status == STATUS_OK && root->data.mapping.pairs.start == root->data.mapping.pairs.top)
        return REFUSE(file, root->start_mark, "%s",
                      "one of the keys `phases`, `counts` and `spans` is missing");
    return status;
}

static enum status not_yaml(struct yaml_file *file, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "not YAML";
    /* An encoding error only has the byte offset. */
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
    size_t before = phases->count, counts_before = phases->count_count;
    yaml_parser_set_input_string(&parser, yaml.at, yaml.count);
    enum status status = read_file(&file, &parser);
    yaml_parser_delete(&parser);
    if (status == STATUS_OK)
        status = phases_check(phases, name, why);
    if (status != STATUS_OK) {
        phases->count = before;
        phases->count_count = counts_before;
    }
    return status;
}
