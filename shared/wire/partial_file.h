/* wire/partial_file.h -- the items filed under one key, written as they come. For the files of
 * partial_codec.h.
 *
 * A file's names, times and tids go on from item to item, until what is written is taken as a partial;
 * then all begin anew. */
#ifndef WIRE_PARTIAL_FILE_H
#define WIRE_PARTIAL_FILE_H

#include "base/names.h"
#include "trace/partial.h"
#include "trace/schema.h"
#include "wire/writer.h"

/* Names of all files, each text kept once. */
struct shared_names {
    struct names names;
    uint32_t *of_class, *of_call; /* by id in the schema: 1 + id in `names`; 0: not met yet */
    size_t class_count, call_count;
};

/* Those that a partial uses, by shared id; numbered in the order of first use. */
struct local_names {
    struct local_name {
        uint32_t shared; /* 1 + id; 0: the place is free */
        uint32_t local;
    } * places;
    size_t mask;
    uint32_t *at; /* shared ids */
    size_t count, room;
    size_t bytes; /* about what they take in the partial */
};

struct partial_file {
    struct writer rows;
    uint64_t items; /* in them */
    struct local_names names;
    bool has_base;
    uint64_t base_ns, last_ns;
    int32_t last_tid;
    uint64_t next_position; /* in the row */
};

void shared_names_clear(struct shared_names *names);

/* Writes the item behind those before it. */
void partial_file_add(struct partial_file *file, struct shared_names *names,
                      const struct schema *schema, const struct item *item, uint64_t position);

/* About how many bytes the partial has that partial_file_take() would write. */
static inline size_t partial_file_bytes(const struct partial_file *file)
{
    return file->rows.count + file->names.bytes;
}

/* Writes all as one message Partial over what `out` holds; the file is empty then. */
void partial_file_take(struct partial_file *file, const struct shared_names *names,
                       struct writer *out);

void partial_file_clear(struct partial_file *file);

#endif
