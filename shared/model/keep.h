/* model/keep.h -- one walk over the fields of the model's nouns, for saving and for restoring: what
 * is written is read in the same order by the same line. For the files of this folder. */
#ifndef MODEL_KEEP_H
#define MODEL_KEEP_H

#include "base/map.h"
#include "model/save.h"
#include "model/state.h"

/* An older one is without what follows keep_since() of a newer. */
enum { KEEP_FORMAT = 4 };

/* First byte of a record, behind its format. */
enum keep_kind {
    KEEP_HOST = 'h',
    KEEP_PROCESS = 'p',
    KEEP_THREAD = 't',
    KEEP_TABLE = 'f',
    KEEP_DESCRIPTOR = 'd',
    KEEP_INSTANCE = 'i',
    KEEP_CLOSINGS = 'c'
};

struct keep {
    bool saving;
    uint32_t format;    /* restoring: of the record */
    bool phases_untold; /* restoring: what open instances are of is not known */
    bool bad;           /* restoring: a record ends early, or tells of what is not there */
    struct model *model;
    /* saving */
    uint8_t *out;
    size_t count, room;
    /* restoring */
    const uint8_t *at, *end;
    struct map threads, processes, tables, descriptors, instances; /* by serial */
    struct map kins;                                               /* by id */
    struct map closings;                                           /* by serial */
};

/* Each writes what it points to, or reads it. Numbers are varints: 7 bits a byte, the lowest
 * first. */
void keep_u64(struct keep *keep, uint64_t *number);
void keep_i64(struct keep *keep, int64_t *number);
void keep_u32(struct keep *keep, uint32_t *number);
void keep_i32(struct keep *keep, int32_t *number);
void keep_unsigned(struct keep *keep, unsigned *number);
void keep_u8(struct keep *keep, uint8_t *number);
void keep_bool(struct keep *keep, bool *flag);
void keep_bytes(struct keep *keep, void *at, size_t count); /* a fixed number of them */
/* NULL is kept as NULL; else restored as a string of its own, to be freed. */
void keep_string(struct keep *keep, char **string);
/* A text that the caller owns; its terminated copy when restored. */
void keep_text(struct keep *keep, struct text *text);
/* Whether the record has what came with `format`. */
static inline bool keep_since(const struct keep *keep, uint32_t format)
{
    return keep->saving || keep->format >= format;
}
/* The count of an array. Restoring, one that the rest of the record cannot hold is bad, and 0. */
size_t keep_count(struct keep *keep, size_t count);
void keep_path(struct keep *keep, uint32_t *path);
void keep_call(struct keep *keep, const struct syscall **call);
void keep_time_vector(struct keep *keep, struct time_vector *time);

/* References, as serials. */
void keep_thread(struct keep *keep, struct thread **thread);
void keep_process(struct keep *keep, struct process **process);
void keep_table(struct keep *keep, struct table **table);
void keep_descriptor(struct keep *keep, struct descriptor **descriptor);

/* The fields of each. */
void keep_host_fields(struct keep *keep);
void keep_process_fields(struct keep *keep, struct process *process);
void keep_thread_fields(struct keep *keep, struct thread *thread);
void keep_table_fields(struct keep *keep, struct table *table);
void keep_descriptor_fields(struct keep *keep, struct descriptor *descriptor);
/* Some of the model's closings: a record has so many that it stays small. */
enum { KEPT_CLOSINGS_MAX = 1024 };
struct kept_closings {
    size_t first, count; /* saving: in model.closings; restoring: of `at` */
    struct closing at[KEPT_CLOSINGS_MAX];
};
void keep_closings_fields(struct keep *keep, struct kept_closings *closings);

/* An open instance, as its record has it. */
struct kept_instance {
    uint64_t order;
    uint32_t definition, path;
    bool by_user, in_call, after_exit;
    bool open; /* older formats keep others too */
    uint64_t begin_ns;
    struct thread *thread;
    uint64_t calls;          /* since its begin */
    struct time_vector time; /* likewise; owned */
    size_t value_count;
    struct field_value *values; /* owned, with its texts */
};
void keep_instance_fields(struct keep *keep, struct kept_instance *instance);
void kept_instance_free(struct kept_instance *instance);

#endif
