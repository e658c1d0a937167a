/* Spans in YAML: mappings with the keys below. */
#include <string.h>

#include "base/nearest.h"
#include "trace/yaml_file.h"

/* The count is first: the keys that spans share with counts are read into it. */
struct reading {
    struct count_definition count;
    struct span_pair pair;
};

static enum status read_begin(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct reading *out = into;
    return yaml_read_word(file, node, "begin", &out->count.event);
}

static enum status read_begin_where(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct reading *out = into;
    return yaml_read_where(file, node, "begin_where", &out->count.where, &out->count.where_count);
}

static enum status read_end(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct reading *out = into;
    return yaml_read_word(file, node, "end", &out->pair.end);
}

static enum status read_end_where(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct reading *out = into;
    return yaml_read_where(file, node, "end_where", &out->pair.where, &out->pair.where_count);
}

static enum status read_match(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct reading *out = into;
    size_t count = 0;
    enum status status = yaml_count_fields(file, node, "match", &count);
    if (status == STATUS_OK && count > PHASE_MATCH_MAX)
        return REFUSE(file, node->start_mark, "match: %zu fields exceed the limit of %d", count,
                      PHASE_MATCH_MAX);
    struct phase_match *match = arena_take(&file->phases->arena, count * sizeof *match);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = yaml_read_match(file, yaml_item(file, node, i), &match[i]);
    out->pair.match = match;
    out->pair.match_count = count;
    return status;
}

static enum status read_on(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    static const char *const words[] = {[SPAN_ON_SYSTEM] = "system",
                                        [SPAN_ON_CPU] = "cpu",
                                        [SPAN_ON_PROCESS] = "process",
                                        [SPAN_ON_THREAD] = "thread"};
    enum { WORDS = sizeof words / sizeof *words };
    struct reading *out = into;
    const char *written = NULL;
    enum status status = yaml_read_word(file, node, "on", &written);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < WORDS; i++)
        if (strcmp(words[i], written) == 0) {
            out->pair.on = (enum span_subject)i;
            return STATUS_OK;
        }
    const char *nearest = nearest_word(text_of(written), words, WORDS);
    return REFUSE(file, node->start_mark,
                  "on: expected system, cpu, process, or thread, not `%.80s`%s%s%s", written,
                  nearest ? "; `" : "", nearest ? nearest : "", nearest ? "` is the nearest" : "");
}

static enum status read_timeout(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    struct reading *out = into;
    return yaml_read_duration(file, node, "timeout", &out->pair.timeout_ns);
}

static const struct yaml_key keys[] = {{"name", yaml_read_count_name, true},
                                       {"begin", read_begin, true},
                                       {"end", read_end, true},
                                       {"begin_where", read_begin_where, false},
                                       {"end_where", read_end_where, false},
                                       {"match", read_match, false},
                                       {"on", read_on, false},
                                       {"by", yaml_read_count_by, false},
                                       {"timeout", read_timeout, false}};

static enum status read_span(struct yaml_file *file, const yaml_node_t *node)
{
    struct reading reading = {.pair = {.timeout_ns = PHASE_TIMEOUT_NS}};
    enum status status = yaml_read_mapping(file, node, "span", "name, begin, end", keys,
                                           sizeof keys / sizeof *keys, &reading);
    if (status != STATUS_OK)
        return status;
    reading.count.span = arena_copy(&file->phases->arena, &reading.pair, sizeof reading.pair);
    phases_add_count(file->phases, reading.count);
    return STATUS_OK;
}

enum status yaml_read_spans(struct yaml_file *file, const yaml_node_t *node, void *into)
{
    (void)into;
    return yaml_read_list(file, node, "spans", read_span);
}
