/* trace/yaml_file.h -- how definitions are read from YAML: mappings by tables of keys, and refusals that
 * name line and column. Private to the files of definitions. */
#ifndef TRACE_YAML_FILE_H
#define TRACE_YAML_FILE_H

#include <yaml.h>

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

/* What may stand in a mapping, and how it is read into what the mapping is of. */
struct yaml_key {
    const char *name;
    enum status (*read)(struct yaml_file *file, const yaml_node_t *node, void *into);
    bool needed;
};

enum { YAML_KEYS_MAX = 16 };

/* For messages: `what` it is of (`phase`), and what it is made of (`name, begin, end`). */
MUST_CHECK enum status yaml_read_mapping(struct yaml_file *file, const yaml_node_t *node,
                                         const char *what, const char *with,
                                         const struct yaml_key *keys, size_t count, void *into);
/* Calls `read` with each item. `of`: what the list is called. */
MUST_CHECK enum status
yaml_read_list(struct yaml_file *file, const yaml_node_t *node, const char *of,
               enum status (*read)(struct yaml_file *file, const yaml_node_t *node));

/* A text that is neither empty nor has zeros in it, kept in the arena. */
MUST_CHECK enum status yaml_read_word(struct yaml_file *file, const yaml_node_t *node,
                                      const char *of, const char **out);
/* A list of what `read` takes: yaml_read_word() or yaml_read_field(). */
MUST_CHECK enum status
yaml_read_words(struct yaml_file *file, const yaml_node_t *node, const char *of,
                enum status (*read)(struct yaml_file *file, const yaml_node_t *node, const char *of,
                                    const char **out),
                const char *const **out, size_t *out_count);
const char *yaml_node_kind(const yaml_node_t *node); /* `a list` */
struct text yaml_scalar_text(const yaml_node_t *node);

/* Above 0, as options have it. */
MUST_CHECK enum status yaml_read_duration(struct yaml_file *file, const yaml_node_t *node,
                                          const char *of, uint64_t *ns);

/* Of counts and of spans, into their struct count_definition: trace/counts_yaml.c. */
MUST_CHECK enum status yaml_read_count_name(struct yaml_file *file, const yaml_node_t *node,
                                            void *into);
MUST_CHECK enum status yaml_read_count_event(struct yaml_file *file, const yaml_node_t *node,
                                             void *into);
MUST_CHECK enum status yaml_read_count_by(struct yaml_file *file, const yaml_node_t *node,
                                          void *into);
/* Conditions of an event. */
MUST_CHECK enum status yaml_read_where(struct yaml_file *file, const yaml_node_t *node,
                                       const char *of, const struct phase_filter **where,
                                       size_t *count);
/* `id`, `$evt.id`, `$ctx.vtid`: as events have it. */
MUST_CHECK enum status yaml_read_field(struct yaml_file *file, const yaml_node_t *node,
                                       const char *of, const char **out);

/* What may stand at the top of a file: trace/phases_yaml.c and so on. */
enum status yaml_read_phases(struct yaml_file *file, const yaml_node_t *node, void *into);
enum status yaml_read_counts(struct yaml_file *file, const yaml_node_t *node, void *into);
enum status yaml_read_spans(struct yaml_file *file, const yaml_node_t *node, void *into);

#endif
