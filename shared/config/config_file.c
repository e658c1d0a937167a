#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "config/config_state.h"

/* The mappings of programs, which other programs ignore. */
static const char *const blocks[] = {"agent",   "mapper", "reducer", "export", "publish",
                                     "results", "status", "parked",  "topics", "explain"};

struct reading {
    struct config *config;
    const char *path;
    yaml_document_t *document;
    enum config_rank rank;
    struct failure *why;
};

static struct text scalar(const yaml_node_t *node)
{
    return (struct text){(const char *)node->data.scalar.value, node->data.scalar.length};
}

/* Prefixes `why` with the position of `node`. */
static enum status at(const struct reading *reading, const yaml_node_t *node)
{
    failure_prefix(reading->why, "%s:%zu:%zu", reading->path, node->start_mark.line + 1,
                   node->start_mark.column + 1);
    return STATUS_REJECT;
}

#define REJECT_AT(reading, node, ...)                                                              \
    (fail((reading)->why, STATUS_REJECT, __VA_ARGS__), at(reading, node))

static yaml_node_t *node_of(const struct reading *reading, int index)
{
    return yaml_document_get_node(reading->document, index);
}

/* "FILE:LINE", for --print-config; the caller frees it. */
static char *source_of(const struct reading *reading, const yaml_node_t *node)
{
    return memory_format("%s:%zu", reading->path, node->start_mark.line + 1);
}

/* A value: text, without NUL bytes, and not empty. */
static enum status check_value(const struct reading *reading, const char *name,
                               const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE)
        return REJECT_AT(reading, node, "%s: expected a single value", name);
    struct text value = scalar(node);
    bool quoted = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (memchr(value.at, '\0', value.count))
        return REJECT_AT(reading, node, "%s: contains a NUL byte", name);
    if (!quoted && (value.count == 0 || text_equal(value, text_of("~"))))
        return REJECT_AT(reading, node, "%s: has no value", name);
    return STATUS_OK;
}

static enum status take_value(const struct reading *reading, struct setting *setting,
                              const yaml_node_t *node)
{
    enum status status = check_value(reading, setting->row->name, node);
    if (status != STATUS_OK)
        return status;
    char *source = source_of(reading, node);
    status = config_take(reading->config, setting, reading->rank, source,
                         (const char *)node->data.scalar.value, reading->why);
    free(source);
    if (status == STATUS_OK)
        return STATUS_OK;
    failure_prefix(reading->why, "%s", setting->row->name);
    return at(reading, node);
}

static enum status take_sequence(const struct reading *reading, struct setting *setting,
                                 const yaml_node_t *node)
{
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        enum status status = take_value(reading, setting, node_of(reading, *item));
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum { DEPTH_MAX = 8 }; /* of nested mappings: aliases can make them endless */

/* `a: {b: c}` is the pair a.b=c, as `a.b: c` is. `prefix` is "" or ends with a dot. */
static enum status take_mapping(const struct reading *reading, struct setting *setting,
                                const yaml_node_t *node, const char *prefix, unsigned depth)
{
    const char *name = setting->row->name;
    if (node->type != YAML_MAPPING_NODE || depth == DEPTH_MAX)
        return REJECT_AT(reading, node, "%s: expected keys and values", name);
    enum status status = STATUS_OK;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         status == STATUS_OK && pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_of(reading, pair->key);
        const yaml_node_t *value = node_of(reading, pair->value);
        if (key->type != YAML_SCALAR_NODE || key->data.scalar.length == 0)
            return REJECT_AT(reading, key, "%s: expected a plain word as key", name);
        bool deeper = value->type == YAML_MAPPING_NODE;
        char *path = memory_format("%s%s%s", prefix, (const char *)key->data.scalar.value,
                                   deeper ? "." : "");
        char *source = source_of(reading, value);
        if (deeper)
            status = take_mapping(reading, setting, value, path, depth + 1);
        else
            status = check_value(reading, path, value);
        if (status == STATUS_OK && !deeper)
            config_take_pair(reading->config, setting, reading->rank, source, path,
                             (const char *)value->data.scalar.value);
        free(source);
        free(path);
    }
    return status;
}

static enum status unknown_key(const struct reading *reading, const yaml_node_t *key)
{
    struct text name = scalar(key);
    const char *nearest = config_nearest(reading->config, name);
    if (nearest)
        return REJECT_AT(reading, key, "unknown key `%.*s`; `%s` is the nearest", (int)name.count,
                         name.at, nearest);
    return REJECT_AT(reading, key,
                     "unknown key `%.*s`; put keys of other programs into their blocks (`mapper:`)",
                     (int)name.count, name.at);
}

static bool is_block(struct text name)
{
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (text_equal(name, text_of(blocks[i])))
            return true;
    return false;
}

/* Whether there is an earlier key with the same name. YAML would silently use the last. */
static bool is_repeated(const struct reading *reading, const yaml_node_t *mapping,
                        const yaml_node_pair_t *pair)
{
    for (const yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++)
        if (text_equal(scalar(node_of(reading, other->key)), scalar(node_of(reading, pair->key))))
            return true;
    return false;
}

static enum status take_keys(const struct reading *reading, const yaml_node_t *mapping);

static enum status take_key(const struct reading *reading, const yaml_node_t *key,
                            const yaml_node_t *value)
{
    struct text name = scalar(key);
    bool top = reading->rank == RANK_FILE;
    if (top && is_block(name)) {
        const char *own = reading->config->program->block;
        if (!own || !text_equal(name, text_of(own)))
            return STATUS_OK;
        struct reading inner = *reading;
        inner.rank = RANK_BLOCK;
        return take_keys(&inner, value);
    }
    struct setting *setting = config_find(reading->config, name);
    if (!setting || config_row_is_common(setting->row))
        return unknown_key(reading, key);
    if (setting->row->type == CONFIG_PAIRS)
        return take_mapping(reading, setting, value, "", 0);
    if (setting_is_list(setting) && value->type == YAML_SEQUENCE_NODE)
        return take_sequence(reading, setting, value);
    return take_value(reading, setting, value);
}

static enum status take_keys(const struct reading *reading, const yaml_node_t *mapping)
{
    if (mapping->type != YAML_MAPPING_NODE)
        return REJECT_AT(reading, mapping, "expected keys and values");
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_of(reading, pair->key);
        if (key->type != YAML_SCALAR_NODE)
            return REJECT_AT(reading, key, "expected a plain word as key");
        if (is_repeated(reading, mapping, pair))
            return REJECT_AT(reading, key, "duplicate key `%s`",
                             (const char *)key->data.scalar.value);
        enum status status = take_key(reading, key, node_of(reading, pair->value));
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status take_document(struct config *config, const char *path, yaml_parser_t *parser,
                                 struct failure *why)
{
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document))
        return fail(why, STATUS_REJECT, "%s:%zu:%zu: %s", path, parser->problem_mark.line + 1,
                    parser->problem_mark.column + 1,
                    parser->problem ? parser->problem : "not readable");
    struct reading reading = {config, path, &document, RANK_FILE, why};
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    enum status status = root ? take_keys(&reading, root) : STATUS_OK; /* empty is fine */
    yaml_document_delete(&document);
    return status;
}

enum status config_read_file(struct config *config, const char *path, struct failure *why)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(why, STATUS_REJECT, "%s: %s", path, strerror(errno));
    yaml_parser_t parser;
    enum status status = STATUS_OK;
    if (!yaml_parser_initialize(&parser)) {
        status = fail(why, STATUS_REJECT, "%s: out of memory", path);
    } else {
        yaml_parser_set_input_file(&parser, file);
        status = take_document(config, path, &parser, why);
        yaml_parser_delete(&parser);
    }
    fclose(file);
    return status;
}
