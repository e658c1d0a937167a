/* trace/yaml_file.h -- parses definitions in YAML: mappings by tables of keys, and errors with line
 * and column. Private to the parsers of definitions. */
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

/* Every error has file, line, and column as editors count them, from 1. */
#define REFUSE(file, mark, format, ...)                                                            \
    fail((file)->why, STATUS_REJECT, "%s:%zu:%zu: " format, (file)->name, (mark).line + 1,         \
         (mark).column + 1, __VA_ARGS__)

/* A key of a mapping, and the function that reads its value into the object of the mapping. */
struct yaml_key {
    const char *name;
    enum status (*read)(struct yaml_file *file, const yaml_node_t *node, void *into);
    bool needed;
};

enum { YAML_KEYS_MAX = 16 };

/* For messages: `what` the mapping is (`phase`), and its keys (`name, begin, end`). */
MUST_CHECK enum status yaml_read_mapping(struct yaml_file *file, const yaml_node_t *node,
                                         const char *what, const char *with,
                                         const struct yaml_key *keys, size_t count, void *into);
/* Calls `read` for each item. `of`: the name of the list. */
MUST_CHECK enum status
yaml_read_list(struct yaml_file *file, const yaml_node_t *node, const char *of,
               enum status (*read)(struct yaml_file *file, const yaml_node_t *node));

/* A text that is not empty and has no zeros, copied into the arena. */
MUST_CHECK enum status yaml_read_word(struct yaml_file *file, const yaml_node_t *node,
                                      const char *of, const char **out);
/* The number of items of a list. */
MUST_CHECK enum status yaml_count_fields(struct yaml_file *file, const yaml_node_t *node,
                                         const char *of, size_t *count);
const yaml_node_t *yaml_item(struct yaml_file *file, const yaml_node_t *node, size_t at);
/* A list of words. */
MUST_CHECK enum status yaml_read_words(struct yaml_file *file, const yaml_node_t *node,
                                       const char *of, const char *const **out, size_t *out_count);
const char *yaml_node_kind(const yaml_node_t *node); /* `a list` */
struct text yaml_scalar_text(const yaml_node_t *node);

/* More than 0, in the format of options. */
MUST_CHECK enum status yaml_read_duration(struct yaml_file *file, const yaml_node_t *node,
                                          const char *of, uint64_t *ns);

/* For counts and spans, into struct count_definition: trace/counts_yaml.c. */
MUST_CHECK enum status yaml_read_count_name(struct yaml_file *file, const yaml_node_t *node,
                                            void *into);
MUST_CHECK enum status yaml_read_count_event(struct yaml_file *file, const yaml_node_t *node,
                                             void *into);
MUST_CHECK enum status yaml_read_count_by(struct yaml_file *file, const yaml_node_t *node,
                                          void *into);
/* Conditions on an event. */
MUST_CHECK enum status yaml_read_where(struct yaml_file *file, const yaml_node_t *node,
                                       const char *of, const struct phase_filter **where,
                                       size_t *count);
/* `id`, `$evt.id`, `$ctx.vtid`, as in events. */
MUST_CHECK enum status yaml_read_field(struct yaml_file *file, const yaml_node_t *node,
                                       const char *of, const char **out);
/* The same, or of a field of the begin and one of the end: `tid=next_tid`. */
MUST_CHECK enum status yaml_read_match(struct yaml_file *file, const yaml_node_t *node,
                                       struct phase_match *out);

/* Readers of the top-level keys of a file: trace/phases_yaml.c and so on. */
enum status yaml_read_phases(struct yaml_file *file, const yaml_node_t *node, void *into);
enum status yaml_read_counts(struct yaml_file *file, const yaml_node_t *node, void *into);
enum status yaml_read_spans(struct yaml_file *file, const yaml_node_t *node, void *into);

#endif
