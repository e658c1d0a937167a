#include "core/kept.h"

#include "core/common_columns.h"

/* clang-format off */
static const struct column cpu_columns[] = {
    COLUMN(kept_cpu, 1, CPU, cpu),
    COLUMN(kept_cpu, 2, BYTE, knows),
    COLUMN(kept_cpu, 3, BYTE, run_whole),
    COLUMN(kept_cpu, 4, BYTE, seen),
    COLUMN(kept_cpu, 5, NUMBER, run_begin_ns),
    COLUMN(kept_cpu, 6, TIME, last_ns),
    COLUMN(kept_cpu, 7, TIME, border_ns),
    COLUMN(kept_cpu, 8, U32, current),
    COLUMN(kept_cpu, 9, BYTE, handlers),
    COLUMN(kept_cpu, 10, TIME, irq_ns),
    COLUMN(kept_cpu, 11, TIME, softirq_ns),
    COLUMN(kept_cpu, 12, NUMBER, nested_ns),
    COLUMN_ARRAY(kept_cpu, 13, NUMBERS, within),
    COLUMN_ROWS_OF(kept_cpu, 14, slices, slice_count, slice),
};
COLUMN_TABLE(cpu, kept_cpu);

static const struct column cpus_columns[] = {
    COLUMN_LIST_OF(kept_cpus, 1, cpus, cpu_count, cpu),
};
COLUMN_TABLE(cpus, kept_cpus);

static const struct column core_columns[] = {
    COLUMN(kept_core, 1, NUMBER, order),
    COLUMN(kept_core, 2, NUMBER, last_process),
    COLUMN(kept_core, 3, NUMBER, last_descriptor),
    COLUMN(kept_core, 4, NUMBER, last_serial),
    COLUMN(kept_core, 5, NUMBER, past_events),
    COLUMN(kept_core, 6, NUMBER, border_epoch),
    COLUMN(kept_core, 7, NUMBER, time_ns),
    COLUMN(kept_core, 8, NUMBER, phases_now_ns),
    COLUMN(kept_core, 9, U32, last_life),
    COLUMN(kept_core, 10, BYTE, has_kernel),
    COLUMN(kept_core, 11, BYTE, counts_switches),
    COLUMN_LIST_OF(kept_core, 12, all.cpus, all.cpu_count, cpu),
    COLUMN(kept_core, 13, BYTE, no_calls),
    COLUMN(kept_core, 14, NUMBER, spans_last_ns),
};
COLUMN_TABLE(core, kept_core);

static const struct column number_columns[] = {COLUMN(kept_number, 1, INT, number)};
COLUMN_TABLE(number, kept_number);

static const struct column credit_columns[] = {
    COLUMN(kept_credit, 1, TEXT, path),
    COLUMN(kept_credit, 2, NUMBER, count),
    COLUMN(kept_credit, 3, U32, thread),
    COLUMN(kept_credit, 4, U32, stretch),
};
COLUMN_TABLE(credit, kept_credit);

static const struct column life_columns[] = {
    COLUMN(kept_life, 1, U32, life.name),
    COLUMN(kept_life, 2, INT, life.tid),
    COLUMN(kept_life, 3, U32, life.pid_ns),
    COLUMN(kept_life, 4, TIME, life.begin_ns),
    COLUMN(kept_life, 5, TIME, life.last_ns),
    COLUMN(kept_life, 6, TIME, life.exit_ns),
    COLUMN(kept_life, 7, TIME, life.clock_ns),
    COLUMN(kept_life, 8, TIME, life.since_ns),
    COLUMN(kept_life, 9, TIME, life.wake_ns),
    COLUMN(kept_life, 10, TIME, life.named_ns),
    COLUMN(kept_life, 11, CPU, life.cpu),
    COLUMN(kept_life, 12, BYTE, life.state),
    COLUMN(kept_life, 13, BYTE, life.in),
    COLUMN_ARRAY(kept_life, 14, NUMBERS, life.time),
    COLUMN(kept_life, 15, CALL, life.open_call),
    COLUMN(kept_life, 16, TIME, life.entry_ns),
    COLUMN(kept_life, 17, TEXT, path),
    COLUMN(kept_life, 18, BYTE, life.open_present),
    COLUMN_ARRAY(kept_life, 19, SIGNEDS, life.open_value),
    COLUMN(kept_life, 20, TEXT, life.open_text),
    COLUMN(kept_life, 21, NUMBER, life.call_epoch),
    COLUMN(kept_life, 22, NAME, life.kernel_name),
    COLUMN(kept_life, 23, NAME, life.user_name),
    COLUMN(kept_life, 24, NAME, life.program),
    COLUMN(kept_life, 25, BYTE, life.kernel_named),
    COLUMN(kept_life, 26, BYTE, life.user_named),
    COLUMN(kept_life, 27, BYTE, life.has_program),
    COLUMN(kept_life, 28, NUMBER, life.begin_order),
    COLUMN(kept_life, 29, BYTE, life.begin_hard),
    COLUMN(kept_life, 30, BYTE, life.exited),
    COLUMN(kept_life, 31, BYTE, life.fork_seen),
    COLUMN(kept_life, 32, BYTE, life.over),
    COLUMN(kept_life, 33, U32, life.stretch),
    COLUMN(kept_life, 34, BYTE, life.before_emitted),
    COLUMN_LIST_OF(kept_life, 35, inner, inner_count, number),
    COLUMN_LIST_OF(kept_life, 36, credits, credit_count, credit),
    COLUMN(kept_life, 37, NUMBER, process),
    COLUMN(kept_life, 38, NUMBER, own_table),
    COLUMN_ARRAY(kept_life, 39, NUMBERS, used),
    COLUMN(kept_life, 40, NUMBER, thread_group.id),
    COLUMN(kept_life, 41, NUMBER, thread_group.key),
    COLUMN(kept_life, 42, BYTE, thread_group.current),
    COLUMN(kept_life, 43, BYTE, thread_group.leader_exited),
    COLUMN(kept_life, 44, BYTE, phases_exited),
    COLUMN(kept_life, 45, BYTE, counted),
    COLUMN_INSIDE(kept_life, 46, life.interrupted, interrupted),
    COLUMN_ROWS_OF(kept_life, 47, layers, layer_count, layer_wait),
};
static const struct column_table kept_life_table = {.name = "life",
                                                   .size = sizeof(struct kept_life),
                                                   .at = life_columns,
                                                   .count =
                                                       sizeof life_columns / sizeof *life_columns};

static const struct column address_columns[] = {COLUMN(kept_address, 1, NUMBER, address)};
COLUMN_TABLE(address, kept_address);

static const struct column process_columns[] = {
    COLUMN(kept_process, 1, NUMBER, process.serial),
    COLUMN(kept_process, 2, U32, process.pid_ns),
    COLUMN(kept_process, 3, INT, process.pid),
    COLUMN(kept_process, 4, NUMBER, process.id),
    COLUMN(kept_process, 5, NUMBER, process.before_id),
    COLUMN(kept_process, 6, NUMBER, process.fork_order),
    COLUMN(kept_process, 7, U32, process.alive),
    COLUMN(kept_process, 8, U32, process.present),
    COLUMN(kept_process, 9, U32, process.parted),
    COLUMN(kept_process, 10, BYTE, process.leader_exited),
    COLUMN(kept_process, 11, BYTE, process.leader_parted),
    COLUMN(kept_process, 12, BYTE, process.leader_gone),
    COLUMN(kept_process, 13, TIME, process.over_ns),
    COLUMN(kept_process, 14, NUMBER, table),
    COLUMN(kept_process, 15, BYTE, is_newest),
    COLUMN_LIST_OF(kept_process, 16, addresses, address_count, address),
    COLUMN(kept_process, 17, INT, process.ppid),
    COLUMN(kept_process, 18, NUMBER, process.fork_ns),
    COLUMN(kept_process, 19, BYTE, process.fork_seen),
};
COLUMN_TABLE(process, kept_process);

static const struct column table_columns[] = {
    COLUMN(kept_table, 1, NUMBER, table.serial),
    COLUMN(kept_table, 4, NUMBER, table.process),
};
COLUMN_TABLE(table, kept_table);

static const struct column doubtful_columns[] = {
    COLUMN(kept_doubtful, 1, TIME, entry_ns),
    COLUMN(kept_doubtful, 2, NUMBER, ns),
    COLUMN(kept_doubtful, 3, U32, thread),
    COLUMN(kept_doubtful, 4, TEXT, path),
};
COLUMN_TABLE(doubtful, kept_doubtful);

static const struct column descriptor_columns[] = {
    COLUMN(kept_descriptor, 1, NUMBER, descriptor.serial),
    COLUMN(kept_descriptor, 2, NUMBER, descriptor.id),
    COLUMN(kept_descriptor, 3, INT, descriptor.fd),
    COLUMN(kept_descriptor, 5, BYTE, descriptor.proven),
    COLUMN(kept_descriptor, 6, BYTE, descriptor.begin_hard),
    COLUMN(kept_descriptor, 7, BYTE, descriptor.ended),
    COLUMN(kept_descriptor, 8, BYTE, descriptor.end_hard),
    COLUMN(kept_descriptor, 9, BYTE, descriptor.cloexec),
    COLUMN(kept_descriptor, 10, BYTE, descriptor.kind),
    COLUMN(kept_descriptor, 11, NUMBER, descriptor.begin_ns),
    COLUMN(kept_descriptor, 12, NUMBER, descriptor.end_ns),
    COLUMN(kept_descriptor, 13, TIME, descriptor.closing_ns),
    COLUMN(kept_descriptor, 14, NUMBER, table),
    COLUMN(kept_descriptor, 15, BYTE, in_place),
    COLUMN(kept_descriptor, 16, TEXT, name),
    COLUMN_LIST_OF(kept_descriptor, 17, doubtful, doubtful_count, doubtful),
};
COLUMN_TABLE(descriptor, kept_descriptor);

static const struct column instance_columns[] = {
    COLUMN(kept_instance, 1, U32, life),
    COLUMN(kept_instance, 2, U32, definition),
    COLUMN(kept_instance, 3, TEXT, path),
    COLUMN(kept_instance, 4, BYTE, by_user),
    COLUMN(kept_instance, 5, BYTE, in_call),
    COLUMN(kept_instance, 6, BYTE, after_exit),
    COLUMN(kept_instance, 7, TIME, begin_ns),
    COLUMN(kept_instance, 8, NUMBER, order),
    COLUMN(kept_instance, 9, NUMBER, calls),
    COLUMN(kept_instance, 10, VECTOR, time),
    COLUMN_MANY(kept_instance, 11, VALUES, values, value_count),
    COLUMN(kept_instance, 12, NUMBER, id),
    COLUMN(kept_instance, 13, NUMBER, older_begins),
    COLUMN_INSIDE(kept_instance, 14, oldest, older_begin),
    COLUMN_INSIDE(kept_instance, 15, youngest, older_begin),
    COLUMN_INSIDE(kept_instance, 16, segments, segments),
    COLUMN(kept_instance, 17, NUMBER, request),
    COLUMN_INSIDE(kept_instance, 18, time.interrupted, interrupted),
};
COLUMN_TABLE(instance, kept_instance);

static const struct column older_begins_columns[] = {
    COLUMN(kept_older_begins, 1, NUMBER, instance),
    COLUMN(kept_older_begins, 2, NUMBER, block),
    COLUMN(kept_older_begins, 3, NUMBER, steps.count),
    COLUMN(kept_older_begins, 4, NUMBER, steps.events),
    COLUMN_LIST_OF(kept_older_begins, 5, steps.calls, steps.call_count, named),
    COLUMN(kept_older_begins, 6, TEXT, steps.bytes),
};
COLUMN_TABLE(older_begins, kept_older_begins);

static const struct column span_columns[] = {
    COLUMN(kept_span, 1, NUMBER, serial),
    COLUMN(kept_span, 2, NUMBER, definition),
    COLUMN(kept_span, 3, BYTE, whose),
    COLUMN(kept_span, 4, NUMBER, subject),
    COLUMN(kept_span, 5, CPU, cpu),
    COLUMN(kept_span, 6, TIME, begin_ns),
    COLUMN_MANY(kept_span, 7, VALUES, match, match_count),
    COLUMN(kept_span, 8, BYTE, by_whose),
    COLUMN(kept_span, 9, CPU, by_cpu),
    COLUMN(kept_span, 10, NUMBER, thread),
    COLUMN(kept_span, 11, INT, tid),
    COLUMN(kept_span, 12, INT, pid),
    COLUMN(kept_span, 13, TEXT, phase),
    COLUMN(kept_span, 14, TEXT, call),
    COLUMN_MANY(kept_span, 15, VALUES, values, value_count),
};
COLUMN_TABLE(span, kept_span);
/* clang-format on */

const struct column_table *kept_table_of(uint64_t kind)
{
    static const struct column_table *const tables[KEPT_KINDS] = {
        [KEPT_CORE] = &core_table,
        [KEPT_LIFE] = &kept_life_table,
        [KEPT_PROCESS] = &process_table,
        [KEPT_TABLE] = &table_table,
        [KEPT_DESCRIPTOR] = &descriptor_table,
        [KEPT_INSTANCE] = &instance_table,
        [KEPT_OLDER_BEGINS] = &older_begins_table,
        [KEPT_SPAN] = &span_table,
        [KEPT_CPUS] = &cpus_table};
    return kind < KEPT_KINDS ? tables[kind] : NULL;
}
