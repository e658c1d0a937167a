/* mapper/decode/reader_kind.h -- the interface of a CTF decoder for mapper/decode/reader.c. */
#ifndef MAPPER_DECODE_READER_KIND_H
#define MAPPER_DECODE_READER_KIND_H

#include "mapper/decode/reader.h"

/* Each member implements the function of its name in reader.h; open() implements reader_open_as()
 * for a `choice` of this kind. */
struct reader_kind {
    const char *name;
    enum status (*open)(const struct reader_choice *choice, const struct trace_set *set,
                        struct schema *schema, const struct reader_warnings *warnings,
                        struct reader **out, struct failure *why);
    const struct reader_info *(*info)(const struct reader *reader);
    enum status (*next)(struct reader *reader, const struct event **events, size_t *count,
                        struct failure *why);
    size_t (*cuts)(const struct reader *reader, size_t parts_max, size_t bytes_min,
                   uint64_t *cuts); /* NULL: it reads whole chunks only */
    void (*close)(struct reader *reader);
};

/* First member of the struct of each decoder. */
struct reader {
    const struct reader_kind *kind;
};

extern const struct reader_kind reader_spanmill; /* our own: docs/READER.md */

#endif
