#include "core/common_columns.h"

#include "core/columns_each.h"
#include "core/core_row.h"

#define COMMON_TABLE(prefix, T)                                                                    \
    const struct column_table prefix##_table = {.name = #T,                                        \
                                                .size = sizeof(struct T),                          \
                                                .at = prefix##_columns,                            \
                                                .count = sizeof prefix##_columns /                 \
                                                         sizeof *prefix##_columns}

/* clang-format off */
static const struct column interrupted_columns[] = {
    COLUMN(interrupted, 1, NUMBER, irq_ns),
    COLUMN(interrupted, 2, NUMBER, softirq_ns),
    COLUMN(interrupted, 3, NUMBER, sys_ns),
    COLUMN(interrupted, 4, NUMBER, before_ns),
};
HOT_COLUMN_TABLE_AS(, interrupted, interrupted);

static const struct column named_columns[] = {
    COLUMN(call_named, 1, CALL, call),
};
COMMON_TABLE(named, call_named);

static const struct column older_begin_columns[] = {
    COLUMN(older_begin_line, 1, TIME, begin_ns),
    COLUMN(older_begin_line, 2, NUMBER, event),
    COLUMN(older_begin_line, 3, NUMBER, calls),
    COLUMN(older_begin_line, 4, VECTOR, time),
    COLUMN_INSIDE(older_begin_line, 5, time.interrupted, interrupted),
};
COMMON_TABLE(older_begin, older_begin_line);

static const struct column instance_wait_columns[] = {
    COLUMN(instance_wait, 1, NUMBER, who),
    COLUMN(instance_wait, 2, NUMBER, count),
    COLUMN(instance_wait, 3, NUMBER, total_ns),
};
COMMON_TABLE(instance_wait, instance_wait);

static const struct column segments_columns[] = {
    COLUMN(segments_line, 1, TIME, since_ns),
    COLUMN(segments_line, 2, NUMBER, busy_ns),
    COLUMN(segments_line, 3, NUMBER, span_ns),
    COLUMN(segments_line, 4, NUMBER, lost),
    COLUMN(segments_line, 5, NUMBER, lost_begin_ns),
    COLUMN(segments_line, 6, NUMBER, calls),
    COLUMN(segments_line, 7, VECTOR, time),
    COLUMN_INSIDE(segments_line, 8, time.interrupted, interrupted),
    COLUMN_ROWS_OF(segments_line, 9, waits, wait_count, instance_wait),
};
COMMON_TABLE(segments, segments_line);

static const struct column slice_columns[] = {
    COLUMN(cpu_slice, 1, TIME, begin_ns),
    COLUMN(cpu_slice, 2, NUMBER, who),
};
COMMON_TABLE(slice, cpu_slice);

static const struct column layer_wait_columns[] = {
    COLUMN(layer_wait, 1, NUMBER, order),
    COLUMN(layer_wait, 2, NUMBER, wait.who),
    COLUMN(layer_wait, 3, NUMBER, wait.count),
    COLUMN(layer_wait, 4, NUMBER, wait.total_ns),
};
COMMON_TABLE(layer_wait, layer_wait);
/* clang-format on */
