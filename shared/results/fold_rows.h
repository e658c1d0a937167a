/* results/fold_rows.h -- from a fold to the rows of a report; for fold_report.c and fold_rows.c. */
#ifndef RESULTS_FOLD_ROWS_H
#define RESULTS_FOLD_ROWS_H

#include "results/fold_state.h"
#include "results/report.h"

struct fold_rows {
    const struct fold *fold;
    struct arena *arena;
    struct map process_names; /* pid + 1 -> struct old_name: of the last process */
};

const char *fold_rows_text(const struct fold_rows *rows, uint32_t name); /* NULL for NO_NAME */
const char *fold_rows_process(const struct fold_rows *rows, int64_t pid);
int64_t fold_rows_wall(const struct fold *fold, uint64_t time_ns); /* since the Unix epoch */
int64_t fold_rows_pid(uint64_t process);

static inline int fold_rows_compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* The values of a map of entities, by id; `*count` of them, in the arena. */
void **fold_rows_by_id(const struct fold_rows *rows, const struct id_map *map, size_t *count);

/* Blocked time by call, sorted by name as in rows; in the arena. */
struct named_numbers fold_rows_blocked(const struct fold_rows *rows, const struct time_vector *time,
                                       uint64_t *blocked_ns);

/* The time of interrupts in it; `name`: of the thread or process. */
struct interrupted fold_rows_interrupted(const struct time_vector *time, struct text name);

void fold_rows_syscalls(struct fold_rows *rows, struct session_report *out);
void fold_rows_phases(struct fold_rows *rows, struct session_report *out);
void fold_rows_instances(struct fold_rows *rows, struct session_report *out);
void fold_rows_fds(struct fold_rows *rows, struct session_report *out);
/* Call it after processes, whose names its rows have. */
void fold_rows_counts(struct fold_rows *rows, struct session_report *out);
void fold_rows_files(struct fold_rows *rows, struct session_report *out);
void fold_rows_waits(struct fold_rows *rows, struct session_report *out);
/* The waits of an instance, the largest first. */
void fold_rows_instance_waits(const struct fold_rows *rows, const struct slow_instance *instance,
                              struct instance_row *row);

#endif
