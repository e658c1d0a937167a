#include "core/row_bytes.h"

#include "analysis/analyses.h"
#include "analysis/engine.h"
#include "base/memory.h"
#include "core/columns_each.h"
#include "core/common_columns.h"
#include "core/row_valid.h"

/* --- tables --- */

static const struct column let_columns[] = {COLUMN(let, 1, U32, name), COLUMN(let, 2, CPU, cpu),
                                            COLUMN(let, 3, INT, tid), COLUMN(let, 4, TIME, time_ns),
                                            COLUMN(let, 5, BYTE, books)};
HOT_COLUMN_TABLE(let, let);

static const struct column label_columns[] = {
    COLUMN(label_let, 1, BYTE, kind),
    COLUMN(label_let, 2, U32, life),
    COLUMN(label_let, 3, TIME, time_ns),
    COLUMN(label_let, 4, U32, definition),
    COLUMN(label_let, 5, U32, under),
    COLUMN(label_let, 6, TEXT, name),
    COLUMN_MANY(label_let, 7, VALUES, values, value_count)};
HOT_COLUMN_TABLE(label, label_let);

static const struct column steps_columns[] = {
    COLUMN(steps_line, 1, NUMBER, count), COLUMN(steps_line, 2, NUMBER, events),
    COLUMN(steps_line, 3, BYTE, has_other), COLUMN_LIST_OF(steps_line, 4, calls, call_count, named),
    COLUMN(steps_line, 5, TEXT, bytes)};
COLUMN_TABLE(steps, steps_line);

static const struct column instance_columns[] = {
    COLUMN(instance_line, 1, U32, life),
    COLUMN(instance_line, 2, U32, definition),
    COLUMN(instance_line, 3, U32, label),
    COLUMN(instance_line, 4, BYTE, by_user),
    COLUMN(instance_line, 5, BYTE, in_call),
    COLUMN(instance_line, 6, TIME, begin_ns),
    COLUMN(instance_line, 7, NUMBER, event),
    COLUMN(instance_line, 8, NUMBER, calls),
    COLUMN(instance_line, 9, VECTOR, time),
    COLUMN_MANY(instance_line, 10, VALUES, values, value_count),
    COLUMN(instance_line, 11, NUMBER, older_begins),
    COLUMN_INSIDE(instance_line, 12, oldest, older_begin),
    COLUMN_INSIDE(instance_line, 13, youngest, older_begin),
    COLUMN_LIST_OF(instance_line, 14, steps, steps_count, steps),
    COLUMN(instance_line, 15, U32, name),
    COLUMN_INSIDE(instance_line, 16, segments, segments),
    COLUMN(instance_line, 17, U32, request),
    COLUMN_INSIDE(instance_line, 18, time.interrupted, interrupted)};
COLUMN_TABLE(instance, instance_line);

static const struct column error_columns[] = {COLUMN(error_count, 1, U32, number),
                                              COLUMN(error_count, 2, NUMBER, count)};
HOT_COLUMN_TABLE(error, error_count);

/* The columns of a cell, from the tag `first` on; `in` is the path to it in T, with its dot.
 * Records end with them, so that a new field gets the next tag. */
#define CALL_CELL_COLUMNS(T, first, in)                                                            \
    COLUMN(T, first, DURATIONS, in complete), COLUMN(T, (first) + 1, NUMBER, in bytes),            \
        COLUMN(T, (first) + 2, NUMBER, in begin_unknown),                                          \
        COLUMN(T, (first) + 3, NUMBER, in end_unknown),                                            \
        COLUMN(T, (first) + 4, NUMBER, in refused),                                                \
        COLUMN(T, (first) + 5, NUMBER, in slowest_entry_ns),                                       \
        COLUMN_LIST_OF(T, (first) + 6, in errors, in error_count, error)
#define USE_CELL_COLUMNS(T, first, in)                                                             \
    COLUMN(T, first, DURATIONS, in calls), COLUMN(T, (first) + 1, NUMBER, in read_bytes),          \
        COLUMN(T, (first) + 2, NUMBER, in write_bytes)

static const struct column call_cell_columns[] = {CALL_CELL_COLUMNS(call_cell, 1, )};
HOT_COLUMN_TABLE(call_cell, call_cell);

static const struct column call_sum_columns[] = {
    COLUMN(call_sum, 1, U32, label), COLUMN(call_sum, 2, CALL, call),
    COLUMN_INSIDE_OLD(call_sum, 3, cell, call_cell), CALL_CELL_COLUMNS(call_sum, 4, cell.)};
HOT_COLUMN_TABLE(call_sum, call_sum);

static const struct column phase_cell_columns[] = {
    COLUMN(phase_cell, 1, DURATIONS, complete),
    COLUMN(phase_cell, 2, NUMBER, hopped),
    COLUMN(phase_cell, 3, NUMBER, over),
    COLUMN(phase_cell, 4, NUMBER, begin_unknown),
    COLUMN(phase_cell, 5, NUMBER, end_unknown),
    COLUMN(phase_cell, 6, NUMBER, syscalls),
    COLUMN(phase_cell, 7, VECTOR, time),
    COLUMN(phase_cell, 8, NUMBER, queued_ns),
    COLUMN(phase_cell, 9, NUMBER, parallel_ns),
    COLUMN_INSIDE(phase_cell, 10, time.interrupted, interrupted)};
COLUMN_TABLE(phase_cell, phase_cell);

static const struct column phase_sum_columns[] = {COLUMN(phase_sum, 1, U32, label),
                                                  COLUMN_INSIDE(phase_sum, 2, cell, phase_cell)};
COLUMN_TABLE(phase_sum, phase_sum);

static const struct column rank_columns[] = {COLUMN(instance_rank, 1, NUMBER, ns),
                                             COLUMN(instance_rank, 2, TIME, begin_ns),
                                             COLUMN(instance_rank, 3, NUMBER, order)};
COLUMN_TABLE(rank, instance_rank);

static const struct column ended_instance_columns[] = {
    COLUMN_INSIDE(ended_instance, 1, rank, rank),
    COLUMN(ended_instance, 2, INT, pid),
    COLUMN(ended_instance, 3, INT, end_tid),
    COLUMN(ended_instance, 4, NUMBER, calls),
    COLUMN(ended_instance, 5, VECTOR, time),
    COLUMN_MANY(ended_instance, 6, VALUES, values, value_count),
    COLUMN(ended_instance, 7, NUMBER, queued_ns),
    COLUMN(ended_instance, 8, NUMBER, parallel_ns),
    COLUMN_INSIDE(ended_instance, 9, time.interrupted, interrupted),
    COLUMN_ROWS_OF(ended_instance, 10, waits, wait_count, instance_wait)};
COLUMN_TABLE(ended_instance, ended_instance);

static const struct column ended_columns[] = {COLUMN(ended_line, 1, U32, label),
                                              COLUMN(ended_line, 2, U32, definition),
                                              COLUMN_INSIDE(ended_line, 3, ended, ended_instance)};
COLUMN_TABLE(ended, ended_line);

static const struct column credit_columns[] = {COLUMN(call_credit, 1, U32, label),
                                               COLUMN(call_credit, 2, NUMBER, count)};
COLUMN_TABLE(credit, call_credit);

static const struct column open_columns[] = {
    COLUMN(open_call, 1, CALL, call), COLUMN(open_call, 2, TIME, entry_ns),
    COLUMN(open_call, 3, BYTE, present), COLUMN_ARRAY(open_call, 4, SIGNEDS, value),
    COLUMN(open_call, 5, NAMED, text)};
HOT_COLUMN_TABLE(open, open_call);

static_assert(offsetof(struct life_line, has_program) - offsetof(struct life_line, counts_time) ==
                  8,
              "bits of a column keep their places");

/* clang-format off */
static const struct column life_columns[] = {
    COLUMN(life_line, 1, U32, life),
    COLUMN(life_line, 2, INT, tid),
    COLUMN_FLAGS(life_line, 3, counts_time, has_program),
    COLUMN(life_line, 4, BYTE, state),
    COLUMN(life_line, 5, TIME, since_ns),
    COLUMN(life_line, 6, TIME, wake_ns),
    COLUMN(life_line, 7, TIME, clock_ns),
    COLUMN_ARRAY(life_line, 8, NUMBERS, time),
    COLUMN(life_line, 9, TIME, last_ns),
    COLUMN(life_line, 10, TIME, named_ns),
    COLUMN(life_line, 11, NUMBER, cpu_ns),
    COLUMN(life_line, 12, NUMBER, switches),
    COLUMN(life_line, 13, DURATIONS, latency),
    COLUMN_INSIDE(life_line, 14, open, open),
    COLUMN(life_line, 15, U32, open_label),
    COLUMN(life_line, 16, U32, used[0]),
    COLUMN(life_line, 17, U32, used[1]),
    COLUMN_LIST_OF(life_line, 18, calls, call_count, call_sum),
    COLUMN(life_line, 19, VECTOR, spent),
    COLUMN(life_line, 20, VECTOR, spent_before),
    COLUMN_LIST_OF(life_line, 21, phases, phase_count, phase_sum),
    COLUMN_LIST_OF(life_line, 22, ended, ended_count, ended),
    COLUMN_LIST_OF(life_line, 23, credits, credit_count, credit),
    COLUMN(life_line, 24, NUMBER, unknown_events),
    COLUMN(life_line, 25, NAMED, kernel_name),
    COLUMN(life_line, 26, NAMED, user_name),
    COLUMN(life_line, 27, NAMED, program),
    COLUMN(life_line, 28, BYTE, over_emitted),
    COLUMN(life_line, 29, SIGNED, calls_ahead),
    COLUMN_INSIDE(life_line, 30, interrupted, interrupted),
    COLUMN_INSIDE(life_line, 31, spent.interrupted, interrupted),
};
HOT_COLUMN_TABLE(life, life_line);

static const struct column cpu_columns[] = {
    COLUMN(cpu_line, 1, CPU, cpu),
    COLUMN_FLAGS(cpu_line, 2, known, run_whole),
    COLUMN(cpu_line, 3, U32, current),
    COLUMN(cpu_line, 4, TIME, run_begin_ns),
    COLUMN(cpu_line, 5, TIME, last_ns),
    COLUMN(cpu_line, 6, NUMBER, busy_ns),
    COLUMN(cpu_line, 7, BYTE, handlers),
    COLUMN(cpu_line, 8, TIME, irq_ns),
    COLUMN(cpu_line, 9, TIME, softirq_ns),
    COLUMN(cpu_line, 10, NUMBER, nested_ns),
    COLUMN_ARRAY(cpu_line, 11, NUMBERS, within),
    COLUMN(cpu_line, 12, NUMBER, idle_ns),
    COLUMN_ROWS_OF(cpu_line, 13, slices, slice_count, slice),
};
HOT_COLUMN_TABLE(cpu, cpu_line);

static const struct column event_columns[] = {
    COLUMN(event, 1, CLASS, class),
    COLUMN(event, 2, CALL, call),
    COLUMN(event, 3, TIME, time_ns),
    COLUMN(event, 4, CPU, cpu),
    COLUMN(event, 5, U32, stream),
    COLUMN(event, 6, U32, trace),
    COLUMN(event, 7, BYTE, has),
    COLUMN(event, 8, BYTE, present),
    COLUMN_ARRAY(event, 9, SIGNEDS, value),
    COLUMN(event, 10, NAMED, text[0]),
    COLUMN(event, 11, NAMED, text[1]),
    COLUMN(event, 12, INT, tid),
    COLUMN(event, 13, INT, pid),
    COLUMN(event, 14, INT, vtid),
    COLUMN(event, 15, INT, vpid),
    COLUMN(event, 16, U32, pid_ns),
    COLUMN(event, 17, NAMED, procname),
    COLUMN(event, 18, NAMED, program),
    COLUMN_MANY(event, 19, INTS, ints, int_count),
    COLUMN_MANY(event, 20, VALUES, fields, field_count),
};
HOT_COLUMN_TABLE(event, event);

static const struct column step_columns[] = {
    COLUMN(step, 1, BYTE, parts),
    COLUMN_INSIDE(step, 2, event, event),
    COLUMN(step, 3, NUMBER, number),
    COLUMN(step, 4, U32, summed),
    COLUMN(step, 5, U32, actor),
    COLUMN(step, 6, U32, prev),
    COLUMN(step, 7, U32, next),
    COLUMN(step, 8, BYTE, elsewhere),
};
HOT_COLUMN_TABLE(step, step);

static const struct column place_let_columns[] = {
    COLUMN(place_let, 1, U32, place),
    COLUMN(place_let, 2, U32, life),
    COLUMN(place_let, 3, INT, fd),
};
HOT_COLUMN_TABLE(place_let, place_let);

static const struct column use_cell_columns[] = {USE_CELL_COLUMNS(use_cell, 1, )};
HOT_COLUMN_TABLE(use_cell, use_cell);

static const struct column place_columns[] = {
    COLUMN(place_line, 1, U32, place),
    COLUMN(place_line, 2, U32, life),
    COLUMN(place_line, 3, INT, fd),
    COLUMN(place_line, 4, BYTE, kind),
    COLUMN_FLAGS(place_line, 5, onto, end_hard),
    COLUMN(place_line, 6, TIME, begin_ns),
    COLUMN(place_line, 7, TIME, end_ns),
    COLUMN(place_line, 8, TIME, closing_ns),
    COLUMN(place_line, 9, NAMED, name),
    COLUMN(place_line, 10, U32, label),
    COLUMN_INSIDE_OLD(place_line, 11, cell, use_cell),
    USE_CELL_COLUMNS(place_line, 12, cell.),
};
HOT_COLUMN_TABLE(place, place_line);

static const struct column passed_columns[] = {
    COLUMN(passed_line, 1, U32, life),
    COLUMN(passed_line, 2, U32, label),
    COLUMN(passed_line, 3, NUMBER, count),
    COLUMN(passed_line, 4, TEXT, bytes),
};
HOT_COLUMN_TABLE(passed, passed_line);

static const struct column uses_columns[] = {
    COLUMN(uses_line, 1, U32, place),
    COLUMN(uses_line, 2, U32, label),
    COLUMN(uses_line, 3, TIME, proven_ns),
    COLUMN_INSIDE_OLD(uses_line, 4, cell, use_cell),
    COLUMN_FLAGS(uses_line, 5, closed, close_hard),
    COLUMN(uses_line, 6, TIME, close_ns),
    USE_CELL_COLUMNS(uses_line, 7, cell.),
};
HOT_COLUMN_TABLE(uses, uses_line);

static const struct column use_columns[] = {
    COLUMN(use_step, 1, U32, place),
    COLUMN(use_step, 2, U32, label),
    COLUMN(use_step, 3, BYTE, bad),
    COLUMN(use_step, 4, TIME, entry_ns),
    COLUMN(use_step, 5, NUMBER, ns),
    COLUMN(use_step, 6, NUMBER, read_bytes),
    COLUMN(use_step, 7, NUMBER, write_bytes),
};
HOT_COLUMN_TABLE(use, use_step);

static const struct column change_columns[] = {
    COLUMN(change_step, 1, BYTE, change),
    COLUMN(change_step, 2, BYTE, flag),
    COLUMN(change_step, 3, BYTE, onto),
    COLUMN(change_step, 4, U32, place),
    COLUMN(change_step, 5, U32, life),
    COLUMN(change_step, 6, INT, fd),
    COLUMN(change_step, 7, INT, from),
    COLUMN(change_step, 8, TIME, time_ns),
};
HOT_COLUMN_TABLE(change, change_step);

static const struct column count_cell_columns[] = {
    COLUMN(count_cell, 1, NUMBER, count),
    COLUMN(count_cell, 2, NUMBER, negative),
    COLUMN(count_cell, 3, DURATIONS, value),
    COLUMN(count_cell, 4, NUMBER, unmatched), /* a mapper has no other counts of these */
};
HOT_COLUMN_TABLE(count_cell, count_cell);

static const struct column count_columns[] = {
    COLUMN(count_line, 1, U32, definition),
    COLUMN(count_line, 2, BYTE, whose),
    COLUMN(count_line, 3, U32, life),
    COLUMN(count_line, 4, CPU, cpu),
    COLUMN(count_line, 5, U32, label),
    COLUMN(count_line, 6, CALL, call),
    COLUMN(count_line, 7, U32, call_label),
    COLUMN_MANY(count_line, 8, VALUES, values, value_count),
    COLUMN_INSIDE(count_line, 9, cell, count_cell),
    COLUMN(count_line, 10, BYTE, built_in),
};
HOT_COLUMN_TABLE(count, count_line);

static const struct column span_columns[] = {
    COLUMN(span_line, 1, BYTE, kind),
    COLUMN(span_line, 2, TIME, time_ns),
    COLUMN(span_line, 3, BYTE, whose),
    COLUMN(span_line, 4, U32, life),
    COLUMN(span_line, 5, CPU, cpu),
    COLUMN_MANY(span_line, 6, VALUES, match, match_count),
    COLUMN_INSIDE(span_line, 7, by, count),
};
COLUMN_TABLE(span, span_line);

static const struct column wait_columns[] = {
    COLUMN(wait_sum, 1, NUMBER, who),
    COLUMN(wait_sum, 2, U32, label),
    COLUMN(wait_sum, 3, NUMBER, more),
    COLUMN(wait_sum, 4, NUMBER, total_ns),
    COLUMN(wait_sum, 5, NUMBER, max_ns),
};
ROW_COLUMN_TABLE(wait, wait_sum);

static const struct column waits_columns[] = {
    COLUMN(waits_line, 1, U32, life),
    COLUMN_LIST_OLD(waits_line, 2, sums, sum_count, wait),
    COLUMN_ROWS_OF(waits_line, 3, sums, sum_count, wait),
};
HOT_COLUMN_TABLE(waits, waits_line);

static const struct column layers_columns[] = {
    COLUMN(layers_line, 1, U32, life),
    COLUMN_ROWS_OF(layers_line, 2, waits, wait_count, layer_wait),
};
COLUMN_TABLE(layers, layers_line);
/* clang-format on */

struct time_record {
    uint64_t time_ns;
};
static const struct column time_columns[] = {COLUMN(time_record, 1, TIME, time_ns)};
COLUMN_TABLE(time, time_record);

struct analysis_record {
    struct text bytes;
};
static_assert(sizeof(struct text) == sizeof(struct bytes), "bytes are encoded as a text");
static const struct column analysis_columns[] = {COLUMN(analysis_record, 1, TEXT, bytes)};
COLUMN_TABLE(analysis, analysis_record);

static const struct column_table *table_of(uint64_t kind)
{
    static const struct column_table *const tables[] = {
        [RECORD_LET_CPU] = &let_table,         [RECORD_LET_LIFE] = &let_table,
        [RECORD_AGAIN] = &let_table,           [RECORD_LABEL] = &label_table,
        [RECORD_LIFE] = &life_table,           [RECORD_INSTANCE] = &instance_table,
        [RECORD_LET_PLACE] = &place_let_table, [RECORD_PLACE] = &place_table,
        [RECORD_USES] = &uses_table,           [RECORD_USE] = &use_table,
        [RECORD_CHANGE] = &change_table,       [RECORD_CPU] = &cpu_table,
        [RECORD_EVENT] = &step_table,          [RECORD_TIME] = &time_table,
        [RECORD_ANALYSIS] = &analysis_table,   [RECORD_COUNT] = &count_table,
        [RECORD_SPAN] = &span_table,           [RECORD_WAITS] = &waits_table,
        [RECORD_LAYERS] = &layers_table,

        [RECORD_PASSED] = &passed_table};
    return kind < sizeof tables / sizeof *tables ? tables[kind] : NULL;
}

/* --- rows --- */

static void write_records(const struct row *row, const struct schema *schema,
                          struct columns_out *out)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct record *record = row->at[i];
        columns_put_number(out, (uint64_t)record->kind + 1);
        columns_put(out, schema, table_of(record->kind), &record->let);
    }
}

void row_write(const struct row *row, const struct schema *schema, struct columns_out *out)
{
    write_records(row, schema, out);
    columns_put_number(out, 0);
}

void row_write_some(struct row *row, const struct schema *schema, struct columns_out *out)
{
    write_records(row, schema, out);
    row_pass(row);
}

void row_write_rest(struct row *row, const struct schema *schema, struct columns_out *out)
{
    row_write_some(row, schema, out);
    columns_put_number(out, 0);
}

/* Sets what a class defines for all its events. */
static void complete(struct event *event)
{
    event->kind = event->class->kind;
    event->domain = event->class->domain;
}

/* Checks what joining relies on in a record. */
static enum status check_record(const struct row *row, struct record *record,
                                const struct phase_set *phases, struct failure *why)
{
    if (record->kind == RECORD_EVENT && !record->step.event.class)
        return fail(why, STATUS_REJECT, "an event without an event class");
    if (record->kind == RECORD_EVENT)
        complete(&record->step.event);
    if (record->kind == RECORD_ANALYSIS)
        return engine_check(analyses_all(), record->analysis, why);
    if (!record_is_valid(record, row->count - 1, phases))
        return fail(why, STATUS_REJECT, "record %zu of a row is inconsistent", row->count - 1);
    return STATUS_OK;
}

enum status row_read(struct bytes bytes, struct schema *schema, const struct phase_set *phases,
                     struct row *row, struct failure *why)
{
    struct columns_in in = {.row = {bytes.at, bytes.at + bytes.count, false},
                            .schema = schema,
                            .phases = phases,
                            .arena = &row->arena,
                            .why = why};
    /* An empty record of each kind, to decode into. */
    const struct record *nothing[RECORD_PASSED + 1] = {NULL};
    row->is_read = true;
    uint64_t kind;
    while (in.status == STATUS_OK && (kind = row_take(&in.row)) > 0) {
        const struct column_table *table = table_of(kind - 1);
        if (!table) {
            in.status = fail(why, STATUS_STOP, "a record type is newer than this program supports");
            break;
        }
        struct record *record = row_add_like(row, (enum record_kind)(kind - 1), nothing[kind - 1]);
        if (!nothing[kind - 1]) {
            columns_set_nothing(table, &record->let);
            nothing[kind - 1] = row_copy_of(row, record);
        }
        columns_take(&in, table, &record->let);
        if (in.status == STATUS_OK && !in.row.bad)
            in.status = check_record(row, record, phases, why);
    }
    if (in.status == STATUS_OK && in.row.bad)
        in.status = fail(why, STATUS_REJECT, "the row is inconsistent");
    columns_in_clear(&in);
    if (in.status != STATUS_OK)
        row_clear(row);
    return in.status;
}
