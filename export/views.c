#include "export/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/view.h"
#include "base/memory.h"
#include "results/report.h"
#include "trace/syscalls.h"

/* In the order of docs/EXPORT.md. See struct family; the labels come last. */
#define FAMILY_ROWS(F)                                                                             \
    F(PHASE_SECONDS, "spanmill_phase_seconds_total", COUNTER, NS, 3, 2,                            \
      "Thread time in complete phase instances, by state.", "process", "phase", "state")           \
    F(PHASE_DURATION, "spanmill_phase_duration_seconds", DURATIONS, NS, 2, 2,                      \
      "Durations of complete phase instances.", "process", "phase")                                \
    F(PHASE_HALF_SEEN, "spanmill_phase_half_seen_total", COUNTER, ONE, 3, 2,                       \
      "Phase instances without a begin or an end in the trace.", "process", "phase", "unseen")     \
    F(SYSCALL_SECONDS, "spanmill_syscall_seconds_total", COUNTER, NS, 3, 3,                        \
      "Time in complete system calls.", "process", "phase", "syscall")                             \
    F(SYSCALL_CALLS, "spanmill_syscall_calls_total", COUNTER, ONE, 4, 4,                           \
      "Complete system calls, by error.", "process", "phase", "syscall", "error")                  \
    F(THREAD_SECONDS, "spanmill_thread_seconds_total", COUNTER, NS, 2, 1,                          \
      "Thread time, by state.", "process", "state")                                                \
    F(WAKEUP_LATENCY, "spanmill_wakeup_latency_seconds", DURATIONS, NS, 1, 1,                      \
      "Time from wakeup to running.", "process")                                                   \
    F(WAKER_SECONDS, "spanmill_waker_seconds_total", COUNTER, NS, 4, 3,                            \
      "Time that threads were blocked, by who ended it.", "process", "phase", "by", "kind")        \
    F(RAN_INSTEAD_SECONDS, "spanmill_ran_instead_seconds_total", COUNTER, NS, 3, 2,                \
      "Time that threads were runnable, by who had the CPU.", "phase", "by", "kind")               \
    F(CPU_BUSY, "spanmill_cpu_busy_seconds_total", COUNTER, NS, 1, 0,                              \
      "Time that CPUs ran threads other than idle.", "cpu")                                        \
    F(COUNTED_EVENTS, "spanmill_counted_events_total", COUNTER, ONE, 3, 2,                         \
      "Events counted by user-defined counts.", "process", "by", "count")                          \
    F(COUNTED_VALUES, "spanmill_counted_values_total", COUNTER, ONE, 3, 2,                         \
      "Sums of the values of user-defined counts, in the unit of the value.", "process", "by",     \
      "count")                                                                                     \
    F(SPAN_DURATION, "spanmill_span_duration_seconds", DURATIONS, NS, 3, 2,                        \
      "Durations of user-defined spans.", "process", "by", "span")                                 \
    F(SPAN_HALF_SEEN, "spanmill_span_half_seen_total", COUNTER, ONE, 4, 2,                         \
      "Begin and end events of user-defined spans without a counterpart.", "process", "by",        \
      "span", "unseen")                                                                            \
    F(EVENTS, "spanmill_events_total", COUNTER, ONE, 0, 0, "Events of joined intervals.", NULL)    \
    F(LOST, "spanmill_lost_total", COUNTER, ONE, 1, 0, "Lost, skipped, or unknown data, by kind.", \
      "what")                                                                                      \
    F(INTERVALS, "spanmill_intervals_total", COUNTER, ONE, 0, 0,                                   \
      "Intervals joined, including gaps.", NULL)                                                   \
    F(NEWEST, "spanmill_newest_interval_seconds", GAUGE, MS, 0, 0,                                 \
      "End of the newest interval, in seconds since the Unix epoch.", NULL)

#define ID(id, ...) id,
enum family_id { FAMILY_ROWS(ID) FAMILIES };

#define ROW(id, name, kind, unit, label_count, open_count, help, ...)                              \
    {name, help, FAMILY_##kind, FAMILY_##unit, {__VA_ARGS__}, label_count, open_count},
static const struct family families[FAMILIES] = {FAMILY_ROWS(ROW)};

const struct family *views_find_family(const struct cell_views *cells, struct text name)
{
    for (size_t i = 0; i < FAMILIES; i++)
        if (text_equal(text_of(families[i].name), name))
            return &families[i];
    return cell_views_find(cells, name);
}

static void add(const struct view_target *target, enum family_id family, const struct text *labels,
                int64_t more)
{
    series_add(target->series, &families[family], labels, more);
}

/* --- phases --- */

/* Moves `running_ns` before the first call of a stretch into that call. */
static void move_to_call(const struct view_target *target, struct text process, struct text phase,
                         int64_t running_ns)
{
    add(target, PHASE_SECONDS, (struct text[]){process, phase, text_of("user")}, -running_ns);
    add(target, PHASE_SECONDS, (struct text[]){process, phase, text_of("sys")}, running_ns);
}

static void take_first_call(const struct view_target *target, const struct result *result)
{
    struct text process = entities_process_name(target->entities, result->thread);
    struct entity_before *next,
        *before = entities_first_call(target->entities, result->thread, result->stretch,
                                      result->call, target->chunk);
    for (; before; before = next) {
        next = before->next;
        move_to_call(target, process, names_text(&target->entities->names, before->phase),
                     before->running_ns);
        free(before);
    }
}

/* Any of these may be negative: time that turns out to be unknown is subtracted. */
static int64_t blocked_ns(const struct time_vector *time)
{
    uint64_t sum = time->blocked_ns + time->before_blocked_ns;
    for (uint32_t i = 0; i < time->blocked_count; i++)
        sum += time->blocked_in[i].ns;
    return (int64_t)sum;
}

static void add_times(const struct view_target *target, enum family_id family,
                      struct text labels[FAMILY_LABELS_MAX], size_t state,
                      const struct time_vector *time)
{
    struct interrupted taken = time->interrupted;
    interrupted_by_others(&taken, labels[0]);
    uint64_t taken_user_ns = taken.irq_ns + taken.softirq_ns - taken.sys_ns;
    const struct {
        const char *state;
        int64_t ns;
    } rows[] = {{"user", (int64_t)(time->user_ns + time->before_running_ns - taken_user_ns)},
                {"sys", (int64_t)(time->sys_ns - taken.sys_ns)},
                {"irq", (int64_t)taken.irq_ns},
                {"softirq", (int64_t)taken.softirq_ns},
                {"runnable", (int64_t)time->runnable_ns},
                {"blocked", blocked_ns(time)},
                {"unknown", (int64_t)time->unknown_ns}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        labels[state] = text_of(rows[i].state);
        add(target, family, labels, rows[i].ns);
    }
}

static void take_phase(const struct view_target *target, const struct result *result)
{
    const struct phase_cell *cell = result->phase_cell;
    struct text labels[FAMILY_LABELS_MAX] = {
        entities_process_name(target->entities, result->thread), result->phase};
    series_observe(target->series, &families[PHASE_DURATION], labels, &cell->complete);
    add_times(target, PHASE_SECONDS, labels, 2, &cell->time);
    int64_t before_ns = (int64_t)(cell->time.before_running_ns - cell->time.interrupted.before_ns);
    if (before_ns != 0 && entities_before(target->entities, result->thread, result->stretch,
                                          result->phase, before_ns, target->chunk))
        move_to_call(target, labels[0], result->phase, before_ns);
    labels[2] = text_of("queued");
    if (cell->queued_ns > 0) /* only phases with segments have this series */
        add(target, PHASE_SECONDS, labels, (int64_t)cell->queued_ns);
    labels[2] = text_of("begin");
    add(target, PHASE_HALF_SEEN, labels, (int64_t)cell->begin_unknown);
    labels[2] = text_of("end");
    add(target, PHASE_HALF_SEEN, labels, (int64_t)cell->end_unknown);
}

/* --- calls --- */

static void take_calls(const struct view_target *target, const struct result *result)
{
    const struct call_cell *cell = result->calls;
    struct text labels[FAMILY_LABELS_MAX] = {
        entities_process_name(target->entities, result->thread), result->phase, result->call};
    add(target, SYSCALL_SECONDS, labels, (int64_t)cell->complete.total_ns);
    uint64_t good = cell->complete.count + cell->refused;
    for (uint32_t i = 0; i < cell->error_count; i++) {
        char room[16];
        labels[3] = text_of(errno_name(-(int64_t)cell->errors[i].number, room));
        add(target, SYSCALL_CALLS, labels, (int64_t)cell->errors[i].count);
        good -= cell->errors[i].count;
    }
    labels[3] = text_of("");
    add(target, SYSCALL_CALLS, labels, (int64_t)good);
}

/* --- threads, CPUs, intervals --- */

static void take_run(const struct view_target *target, const struct result *result)
{
    struct text labels[FAMILY_LABELS_MAX] = {
        entities_process_name(target->entities, result->thread)};
    if (result->run.time)
        add_times(target, THREAD_SECONDS, labels, 1, result->run.time);
}

static void take_latency(const struct view_target *target, const struct result *result)
{
    struct text process = entities_process_name(target->entities, result->thread);
    series_observe(target->series, &families[WAKEUP_LATENCY], &process, result->latency);
}

/* The other side: the process of another thread, or a handler. */
static struct text waited_for(const struct view_target *target, uint64_t who,
                              char room[VIEW_NAME_ROOM])
{
    enum wait_kind kind = wait_kind_of(who);
    if (wait_is_by_thread(kind))
        return entities_process_name(target->entities, wait_by(who));
    if (!wait_is_by_handler(kind))
        return text_of("");
    const char *name = wait_handler_name(kind, wait_by(who), room);
    if (!name)
        snprintf(room, VIEW_NAME_ROOM, "%" PRId32, (int32_t)wait_by(who));
    return text_of(name ? name : room);
}

/* Most pairs of processes wait for each other's CPUs: a label for both would give a series for each
 * pair. */
static void take_waits(const struct view_target *target, const struct result *result)
{
    enum wait_kind kind = wait_kind_of(result->wait_who);
    char room[VIEW_NAME_ROOM];
    struct text by = waited_for(target, result->wait_who, room),
                name = text_of(wait_kind_name(kind));
    int64_t ns = (int64_t)result->wait.total_ns;
    if (wait_is_of_blocked(kind))
        add(target, WAKER_SECONDS,
            (struct text[]){entities_process_name(target->entities, result->thread), result->phase,
                            by, name},
            ns);
    else
        add(target, RAN_INSTEAD_SECONDS, (struct text[]){result->phase, by, name}, ns);
}

static void take_cpu(const struct view_target *target, const struct result *result)
{
    char room[16];
    snprintf(room, sizeof room, "%d", (int)result->cpu);
    add(target, CPU_BUSY, (struct text[]){text_of(room)}, (int64_t)result->ran.busy_ns);
}

static void take_interval(const struct view_target *target, const struct interval_fact *mark)
{
    add(target, EVENTS, NULL, (int64_t)mark->events);
    add(target, INTERVALS, NULL, 1);
    for (size_t i = 0; i < TALLY_COUNT; i++)
        add(target, LOST, (struct text[]){text_of(tally_rows[i].json)},
            (int64_t)mark->tallies.at[i]);
}

/* --- counts --- */

/* `code=500,phase=request`: keys without their own label; threads are left out, there are many. The
 * caller frees it. */
static char *by_text(const struct count_result *content)
{
    char *all = memory_string(text_of(""));
    for (size_t i = 0; i < content->part_count; i++) {
        const struct count_part *part = &content->parts[i];
        const struct field_value *value = &part->value;
        if (part->word == COUNT_BY_HOST || part->word == COUNT_BY_PROCESS ||
            part->word == COUNT_BY_THREAD)
            continue;
        char *longer;
        const char *comma = *all ? "," : "";
        int count = (int)part->field.count;
        if (value->type == FIELD_INT)
            longer =
                memory_format("%s%s%.*s=%" PRId64, all, comma, count, part->field.at, value->i);
        else if (value->type == FIELD_UINT)
            longer =
                memory_format("%s%s%.*s=%" PRIu64, all, comma, count, part->field.at, value->u);
        else
            longer = memory_format("%s%s%.*s=%.*s", all, comma, count, part->field.at,
                                   value->type == FIELD_TEXT ? (int)value->text.count : 1,
                                   value->type == FIELD_TEXT ? value->text.at : "?");
        free(all);
        all = longer;
    }
    return all;
}

static void take_span(const struct view_target *target, struct text labels[FAMILY_LABELS_MAX],
                      const struct count_cell *cell)
{
    series_observe(target->series, &families[SPAN_DURATION], labels, &cell->value);
    labels[3] = text_of("begin");
    add(target, SPAN_HALF_SEEN, labels, (int64_t)cell->begin_unknown);
    labels[3] = text_of("end");
    add(target, SPAN_HALF_SEEN, labels, (int64_t)(cell->lost + cell->timed_out + cell->open));
    labels[3] = text_of("match");
    add(target, SPAN_HALF_SEEN, labels, (int64_t)cell->unmatched);
}

static void take_count(const struct view_target *target, const struct result *result)
{
    const struct count_result *content = result->count;
    struct text process = {"", 0};
    if (count_result_asks(content, COUNT_BY_PROCESS) && content->whose == COUNT_OF_IDLE)
        process = text_of("idle");
    else if (count_result_asks(content, COUNT_BY_PROCESS) && content->whose == COUNT_OF_HANDLER)
        process = text_of("interrupt");
    else if (count_result_asks(content, COUNT_BY_PROCESS))
        process = entities_process_name(target->entities, result->thread);
    char *by = by_text(content);
    struct text labels[FAMILY_LABELS_MAX] = {process, text_of(by), content->name};
    if (content->is_span)
        take_span(target, labels, content->cell);
    else
        add(target, COUNTED_EVENTS, labels, (int64_t)content->cell->count);
    if (content->has_value)
        add(target, COUNTED_VALUES, labels, (int64_t)content->cell->value.total_ns);
    free(by);
}

void views_take_fact(const struct view_target *target, const struct result *result)
{
    if (result->type == RESULT_THREAD)
        entities_take(target->entities, &result->thread_fact, target->chunk);
    else if (result->thread)
        entities_thread(target->entities, result->thread, target->chunk);
}

void views_take_number(const struct view_target *target, const struct result *result)
{
    switch (result->type) {
    case RESULT_PHASE: take_phase(target, result); return;
    case RESULT_CALLS: take_calls(target, result); return;
    case RESULT_FIRST_CALL: take_first_call(target, result); return;
    case RESULT_RUN: take_run(target, result); return;
    case RESULT_LATENCY: take_latency(target, result); return;
    case RESULT_WAITS: take_waits(target, result); return;
    case RESULT_CPU: take_cpu(target, result); return;
    case RESULT_CELL: cell_views_take(target->cells, target->series, result->cell); return;
    case RESULT_COUNT: take_count(target, result); return;
    case RESULT_INTERVAL: take_interval(target, result->interval); return;
    case RESULT_PROCESS:
    case RESULT_THREAD:
    case RESULT_DESCRIPTOR:
    case RESULT_INSTANCE: /* not a metric */
    case RESULT_USES: return;
    }
}

void views_put_newest(const struct view_target *target, int64_t end_ms)
{
    series_put(target->series, &families[NEWEST], NULL, end_ms);
}

const struct family *views_phase_durations(void)
{
    return &families[PHASE_DURATION];
}
