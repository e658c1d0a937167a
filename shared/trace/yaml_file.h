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
MUST_CHECK enum status yaml_read_words(struct yaml_file *file, const yaml_node_t *node,
                                       const char *of, const char *const **out, size_t *out_count);
const char *yaml_node_kind(const yaml_node_t *node); /* `a list` */
struct text yaml_scalar_text(const yaml_node_t *node);

/* What may stand at the top of a file: trace/phases_yaml.c and trace/counts_yaml.c. */
enum status yaml_read_phases(struct yaml_file *file, const yaml_node_t *node, void *into);
enum status yaml_read_counts(struct yaml_file *file, const yaml_node_t *node, void *into);

#endif
