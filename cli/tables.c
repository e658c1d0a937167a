#include "cli/tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/quantity.h"
#include "cli/utf8.h"

enum { TOP_DEFAULT = 10, CAUSES_SHOWN = 3, CPUS_SHOWN = 16 };

/* What every section needs. */
struct sheet {
    FILE *out;
    const struct session_report *session;
    struct table_style style;
    size_t top;
};

static const char bold[] = "\033[1m";
static const char red[] = "\033[31m";
static const char plain[] = "\033[0m";

static void put_styled(const struct sheet *sheet, const char *style, const char *text)
{
    if (sheet->style.color)
        fprintf(sheet->out, "%s%s%s", style, text, plain);
    else
        fputs(text, sheet->out);
}

/* A count with its noun: `1 span`, `1,204 spans`. */
static void put_counted(FILE *out, uint64_t count, const char *one, const char *more)
{
    fprintf(out, "%s %s", quantity_count(count).text, count == 1 ? one : more);
}

/* The same, red if there is any. */
static void put_loss(const struct sheet *sheet, uint64_t count, const char *one, const char *more)
{
    if (sheet->style.color && count)
        fputs(red, sheet->out);
    put_counted(sheet->out, count, one, more);
    if (sheet->style.color && count)
        fputs(plain, sheet->out);
}

static void put_printable(FILE *out, const char *text)
{
    char *printable = utf8_printable(text_of(text));
    fputs(printable, out);
    free(printable);
}

/* `process shopd (pid 4242)` */
static void put_process(FILE *out, const char *process, int64_t pid)
{
    if (pid == REPORT_NONE) {
        fputs("threads of unknown process", out);
        return;
    }
    fputs("process ", out);
    put_printable(out, process ? process : "?");
    fprintf(out, " (pid %" PRId64 ")", pid);
}

static void put_heading(const struct sheet *sheet, const char *heading)
{
    fputc('\n', sheet->out);
    put_styled(sheet, bold, heading);
}

/* The rows of a table that were not printed. */
static void put_rest(const struct sheet *sheet, size_t shown, size_t whole)
{
    if (whole > shown)
        fprintf(sheet->out, "  ... and %s more\n", quantity_count(whole - shown).text);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_signed(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* NULL first. */
static int compare_strings(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

/* ---- headline ---- */

static void write_headline(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    FILE *out = sheet->out;
    char *name = utf8_printable(text_of(session->session));
    put_styled(sheet, bold, name);
    free(name);
    if (session->host_count) {
        fputs(session->host_count == 1 ? "  host " : "  hosts ", out);
        for (size_t i = 0; i < session->host_count; i++) {
            if (i)
                fputs(", ", out);
            put_printable(out, session->hosts[i]);
        }
    }
    fputs("  ", out);
    put_counted(out, session->domain_count, "domain", "domains");
    fputs("  ", out);
    put_counted(out, session->cpu_count, "CPU", "CPUs");
    fputs("  ", out);
    put_counted(out, session->chunks, "chunk", "chunks");
    if (session->begin_ns != REPORT_NONE)
        fprintf(out, "  %s",
                quantity_lone_duration((uint64_t)(session->end_ns - session->begin_ns)).text);
    fputs("  ", out);
    put_counted(out, session->events, "event", "events");
    fputs("  ", out);
    put_loss(sheet, session->discarded, "lost", "lost");
    fputc('\n', out);
}

/* ---- time per phase ---- */

/* A tree's order: a parent stands before what is below it, and that before its next sibling. */
static int compare_paths(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    int left = *a == '/' ? 1 : (uint8_t)*a ? (uint8_t)*a + 1 : 0;
    int right = *b == '/' ? 1 : (uint8_t)*b ? (uint8_t)*b + 1 : 0;
    return left - right;
}

static int compare_phase_places(const void *left, const void *right)
{
    const struct phase_row *a = *(const struct phase_row *const *)left;
    const struct phase_row *b = *(const struct phase_row *const *)right;
    int order = compare_signed(a->pid, b->pid);
    return order ? order : compare_paths(a->phase, b->phase);
}

/* The phases of one process, in the order of their tree. */
struct process_phases {
    const struct phase_row **at;
    size_t count;
    uint64_t top_ns, top_count; /* of the phases without a parent */
};

static int compare_process_phases(const void *left, const void *right)
{
    const struct process_phases *a = left;
    const struct process_phases *b = right;
    int order = compare_numbers(b->top_ns, a->top_ns);
    return order ? order : compare_signed(a->at[0]->pid, b->at[0]->pid);
}

/* Groups sorted rows by process, the longest first; the array is the caller's. */
static struct process_phases *group_phases(const struct phase_row **rows, size_t count,
                                           size_t *group_count)
{
    struct process_phases *groups = memory_new(count * sizeof *groups);
    *group_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || rows[i]->pid != rows[i - 1]->pid)
            groups[(*group_count)++].at = rows + i;
        struct process_phases *group = &groups[*group_count - 1];
        group->count++;
        if (!strchr(rows[i]->phase, '/')) {
            group->top_ns += rows[i]->complete.total_ns;
            group->top_count += rows[i]->complete.count;
        }
    }
    qsort(groups, *group_count, sizeof *groups, compare_process_phases);
    return groups;
}

static bool is_below(const char *path, const char *parent)
{
    size_t count = strlen(parent);
    return strncmp(path, parent, count) == 0 && path[count] == '/';
}

/* The last word of a path, indented below the rows before it that are above it. */
static char *indented_phase(const struct process_phases *group, size_t index)
{
    const char *path = group->at[index]->phase;
    const char *parent = "";
    unsigned depth = 0;
    for (size_t i = 0; i < index; i++) {
        const char *before = group->at[i]->phase;
        if (is_below(path, before)) {
            depth++;
            parent = before;
        }
    }
    return memory_format("%*s%s", (int)(2 * depth), "", path + (*parent ? strlen(parent) + 1 : 0));
}

static int compare_causes(const void *left, const void *right)
{
    const struct named_number *a = left;
    const struct named_number *b = right;
    int order = compare_numbers(b->number, a->number);
    return order ? order : strcmp(a->name, b->name);
}

/* The greatest of `numbers`, greatest first; the array is the caller's. */
static struct named_number *sorted_numbers(struct named_numbers numbers)
{
    struct named_number *sorted = memory_new(numbers.count * sizeof *sorted);
    if (numbers.count)
        memcpy(sorted, numbers.at, numbers.count * sizeof *sorted);
    qsort(sorted, numbers.count, sizeof *sorted, compare_causes);
    return sorted;
}

/* `futex 5.12 s, pread64 1.12 s`, as far as it matters. */
static char *text_of_causes(struct named_numbers blocked_by)
{
    struct named_number *sorted = sorted_numbers(blocked_by);
    char *text = memory_string(text_of(""));
    for (size_t i = 0; i < blocked_by.count && i < CAUSES_SHOWN; i++) {
        /* A hundredth of the first is no cause. */
        if (sorted[i].number < sorted[0].number / 100 || sorted[i].number == 0)
            break;
        char *longer = memory_format("%s%s%s %s", text, i ? ", " : "",
                                     *sorted[i].name ? sorted[i].name : "(no call)",
                                     quantity_lone_duration(sorted[i].number).text);
        free(text);
        text = longer;
    }
    free(sorted);
    return text;
}

static void table_duration_or_none(struct table *table, uint64_t ns)
{
    if (ns)
        table_number(table, ns);
    else
        table_none(table);
}

/* A pid, tid or fd, if there is one. */
static void table_identity(struct table *table, int64_t identity)
{
    if (identity == REPORT_NONE)
        table_none(table);
    else
        table_signed(table, identity);
}

static void take_text(struct table *table, char *text)
{
    table_text(table, *text ? text : "-");
    free(text);
}

static void write_phase_group(const struct sheet *sheet, const struct process_phases *group)
{
    static const struct column columns[] = {
        {"Phase", COLUMN_TEXT, CUT_NOT},     {"Count", COLUMN_COUNT, CUT_NOT},
        {"Wall", COLUMN_SPENT, CUT_NOT},     {"User CPU", COLUMN_SPENT, CUT_NOT},
        {"Sys CPU", COLUMN_SPENT, CUT_NOT},  {"Runnable", COLUMN_SPENT, CUT_NOT},
        {"Blocked", COLUMN_SPENT, CUT_NOT},  {"Unknown", COLUMN_SPENT, CUT_NOT},
        {"Syscalls", COLUMN_COUNT, CUT_NOT}, {"blocked by", COLUMN_TEXT, CUT_RIGHT},
    };
    put_heading(sheet, "Time per phase");
    fputs("  ", sheet->out);
    put_process(sheet->out, group->at[0]->process, group->at[0]->pid);
    fputs(", ", sheet->out);
    put_counted(sheet->out, group->top_count, "complete instance", "complete instances");
    fputc('\n', sheet->out);

    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < group->count; i++) {
        const struct phase_row *row = group->at[i];
        take_text(table, indented_phase(group, i));
        table_number(table, row->complete.count);
        table_duration_or_none(table, row->complete.total_ns);
        table_duration_or_none(table, row->user_cpu_ns);
        table_duration_or_none(table, row->sys_cpu_ns);
        table_duration_or_none(table, row->runnable_ns);
        table_duration_or_none(table, row->blocked_ns);
        table_duration_or_none(table, row->unknown_ns);
        table_number(table, row->syscalls);
        take_text(table, text_of_causes(row->blocked_by));
    }
    table_print(table, sheet->out, &sheet->style);
    table_free(table);
}

/* ---- system calls ---- */

/* Calls of one name, over the rows that were put together. */
struct call_sum {
    const char *syscall;
    struct durations complete; /* its histogram is `histogram` */
    struct histogram histogram;
    bool has_histogram;
    const struct syscall_row *slowest;
    const char *error; /* the most frequent of one row */
    uint64_t error_count, errors;
};

static void add_durations(struct durations *sum, const struct durations *row)
{
    if (row->count == 0)
        return;
    if (sum->count == 0 || row->min_ns < sum->min_ns)
        sum->min_ns = row->min_ns;
    if (sum->count == 0 || row->max_ns > sum->max_ns)
        sum->max_ns = row->max_ns;
    sum->count += row->count;
    sum->total_ns += row->total_ns;
}

/* Whether there was one to add. */
static bool add_histogram(struct histogram *sum, const struct histogram *histogram)
{
    if (!histogram)
        return false;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum->count[i] += histogram->count[i];
    return true;
}

static void add_call(struct call_sum *sum, const struct syscall_row *row)
{
    if (row->complete.count &&
        (!sum->slowest || row->complete.max_ns > sum->slowest->complete.max_ns))
        sum->slowest = row;
    add_durations(&sum->complete, &row->complete);
    sum->has_histogram |= add_histogram(&sum->histogram, row->complete.histogram);
    for (size_t i = 0; i < row->errors.count; i++) {
        const struct named_number *error = &row->errors.at[i];
        sum->errors += error->number;
        if (sum->error && strcmp(sum->error, error->name) == 0) {
            sum->error_count += error->number;
        } else if (error->number > sum->error_count) {
            sum->error = error->name;
            sum->error_count = error->number;
        }
    }
}

static int compare_by_syscall(const void *left, const void *right)
{
    const struct syscall_row *a = *(const struct syscall_row *const *)left;
    const struct syscall_row *b = *(const struct syscall_row *const *)right;
    int order = strcmp(a->syscall, b->syscall);
    return order ? order : (a > b) - (a < b);
}

static int compare_call_sums(const void *left, const void *right)
{
    const struct call_sum *a = left;
    const struct call_sum *b = right;
    int order = compare_numbers(b->complete.total_ns, a->complete.total_ns);
    return order ? order : strcmp(a->syscall, b->syscall);
}

/* Sums `rows` by name, the longest in total first; names without a complete call are left out.
 * The array is the caller's. */
static struct call_sum *sum_calls(const struct syscall_row **rows, size_t count,
                                  size_t *sum_count)
{
    qsort(rows, count, sizeof *rows, compare_by_syscall);
    struct call_sum *sums = memory_new(count * sizeof *sums);
    *sum_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i]->complete.count == 0)
            continue;
        if (*sum_count == 0 || strcmp(sums[*sum_count - 1].syscall, rows[i]->syscall) != 0)
            sums[(*sum_count)++].syscall = rows[i]->syscall;
        add_call(&sums[*sum_count - 1], rows[i]);
    }
    qsort(sums, *sum_count, sizeof *sums, compare_call_sums);
    return sums;
}

static void table_quantile(struct table *table, double share, const struct durations *durations,
                           const struct histogram *histogram)
{
    if (histogram)
        table_number(table, histogram_quantile(histogram, share, durations->min_ns,
                                               durations->max_ns));
    else
        table_none(table);
}

/* `EAGAIN 312`, `EAGAIN 312, 5 other` */
static char *text_of_errors(const struct call_sum *sum)
{
    if (sum->errors == 0)
        return memory_string(text_of(""));
    struct quantity most = quantity_count(sum->error_count);
    if (sum->errors == sum->error_count)
        return memory_format("%s %s", sum->error, most.text);
    return memory_format("%s %s, %s other", sum->error, most.text,
                         quantity_count(sum->errors - sum->error_count).text);
}

static void write_call_table(const struct sheet *sheet, const struct syscall_row **rows,
                             size_t count)
{
    static const struct column columns[] = {
        {"Syscall", COLUMN_TEXT, CUT_NOT},  {"Calls", COLUMN_COUNT, CUT_NOT},
        {"Total", COLUMN_DURATION, CUT_NOT}, {"Min", COLUMN_DURATION, CUT_NOT},
        {"p50", COLUMN_DURATION, CUT_NOT},  {"p99", COLUMN_DURATION, CUT_NOT},
        {"Max", COLUMN_DURATION, CUT_NOT},  {"Errors", COLUMN_TEXT, CUT_NOT},
        {"slowest", COLUMN_TEXT, CUT_RIGHT},
    };
    size_t sum_count = 0;
    struct call_sum *sums = sum_calls(rows, count, &sum_count);
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < sum_count && i < sheet->top; i++) {
        const struct call_sum *sum = &sums[i];
        table_text(table, sum->syscall);
        table_number(table, sum->complete.count);
        table_number(table, sum->complete.total_ns);
        table_number(table, sum->complete.min_ns);
        table_quantile(table, 0.5, &sum->complete, sum->has_histogram ? &sum->histogram : NULL);
        table_quantile(table, 0.99, &sum->complete, sum->has_histogram ? &sum->histogram : NULL);
        table_number(table, sum->complete.max_ns);
        take_text(table, text_of_errors(sum));
        take_text(table, memory_format("tid %" PRId64 " at %s", sum->slowest->slowest_tid,
                                       quantity_time(sum->slowest->slowest_begin_ns).text));
    }
    table_print(table, sheet->out, &sheet->style);
    put_rest(sheet, table_rows(table), sum_count);
    table_free(table);
    free(sums);
}

/* Which rows a table is about: all, or those of one phase. */
struct selection {
    const struct phase_row *phase; /* NULL: all */
};

static bool selects(struct selection selection, int64_t pid, const char *phase)
{
    return !selection.phase || (selection.phase->pid == pid &&
                                strcmp(selection.phase->phase, phase) == 0);
}

static void put_selection(const struct sheet *sheet, const char *what, struct selection selection)
{
    put_heading(sheet, what);
    if (selection.phase) {
        put_styled(sheet, bold, " in phase ");
        char *phase = utf8_printable(text_of(selection.phase->phase));
        put_styled(sheet, bold, phase);
        free(phase);
        fputs("  ", sheet->out);
        put_process(sheet->out, selection.phase->process, selection.phase->pid);
    } else {
        fputs("  all processes", sheet->out);
    }
    fputc('\n', sheet->out);
}

static void write_calls(const struct sheet *sheet, struct selection selection)
{
    const struct session_report *session = sheet->session;
    const struct syscall_row **rows = memory_new(session->syscall_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->syscall_count; i++) {
        const struct syscall_row *row = &session->syscalls[i];
        if (row->complete.count && selects(selection, row->pid, row->phase))
            rows[count++] = row;
    }
    if (count) {
        put_selection(sheet, "Syscalls", selection);
        write_call_table(sheet, rows, count);
    }
    free(rows);
}

/* ---- files ---- */

/* A file as one process used it, over the phases that were put together. */
struct file_sum {
    const struct file_row *first; /* names it */
    int64_t fd;                   /* REPORT_NONE if it was not always the same */
    struct durations calls;
    struct histogram histogram;
    bool has_histogram;
    uint64_t read_bytes, write_bytes;
};

/* Rows of one file of one process stand together. */
static int compare_files(const struct file_row *a, const struct file_row *b)
{
    int order = compare_signed(a->pid, b->pid);
    if (order == 0)
        order = compare_strings(a->name, b->name);
    return order ? order : compare_strings(a->kind, b->kind);
}

static int compare_file_rows(const void *left, const void *right)
{
    const struct file_row *a = *(const struct file_row *const *)left;
    const struct file_row *b = *(const struct file_row *const *)right;
    int order = compare_files(a, b);
    return order ? order : (a > b) - (a < b);
}

static int compare_file_sums(const void *left, const void *right)
{
    const struct file_sum *a = left;
    const struct file_sum *b = right;
    int order = compare_numbers(b->calls.total_ns, a->calls.total_ns);
    return order ? order : compare_files(a->first, b->first);
}

static void add_file(struct file_sum *sum, const struct file_row *row)
{
    if (!sum->first) {
        sum->first = row;
        sum->fd = row->fd;
    }
    if (sum->fd != row->fd)
        sum->fd = REPORT_NONE;
    add_durations(&sum->calls, &row->calls);
    sum->has_histogram |= add_histogram(&sum->histogram, row->calls.histogram);
    sum->read_bytes += row->read_bytes;
    sum->write_bytes += row->write_bytes;
}

/* Sums `rows` by file, the longest in total first; the array is the caller's. */
static struct file_sum *sum_files(const struct file_row **rows, size_t count, size_t *sum_count)
{
    qsort(rows, count, sizeof *rows, compare_file_rows);
    struct file_sum *sums = memory_new(count * sizeof *sums);
    *sum_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_files(rows[i - 1], rows[i]) != 0)
            (*sum_count)++;
        add_file(&sums[*sum_count - 1], rows[i]);
    }
    qsort(sums, *sum_count, sizeof *sums, compare_file_sums);
    return sums;
}

static char *text_of_file(const struct file_row *row)
{
    if (row->name)
        return memory_string(text_of(row->name));
    return memory_format("(name not seen%s%s)", row->kind ? ": " : "", row->kind ? row->kind : "");
}

static void write_file_table(const struct sheet *sheet, const struct file_row **rows, size_t count)
{
    static const struct column columns[] = {
        {"File", COLUMN_TEXT, CUT_LEFT},    {"fd", COLUMN_NUMBER, CUT_NOT},
        {"PID", COLUMN_NUMBER, CUT_NOT},    {"Calls", COLUMN_COUNT, CUT_NOT},
        {"Read", COLUMN_BYTES, CUT_NOT},    {"Written", COLUMN_BYTES, CUT_NOT},
        {"Time", COLUMN_DURATION, CUT_NOT}, {"p99", COLUMN_DURATION, CUT_NOT},
    };
    size_t sum_count = 0;
    struct file_sum *sums = sum_files(rows, count, &sum_count);
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < sum_count && i < sheet->top; i++) {
        const struct file_sum *sum = &sums[i];
        take_text(table, text_of_file(sum->first));
        table_identity(table, sum->fd);
        table_identity(table, sum->first->pid);
        table_number(table, sum->calls.count);
        table_number(table, sum->read_bytes);
        table_number(table, sum->write_bytes);
        table_number(table, sum->calls.total_ns);
        table_quantile(table, 0.99, &sum->calls, sum->has_histogram ? &sum->histogram : NULL);
    }
    table_print(table, sheet->out, &sheet->style);
    put_rest(sheet, table_rows(table), sum_count);
    table_free(table);
    free(sums);
}

static void write_files(const struct sheet *sheet, struct selection selection)
{
    const struct session_report *session = sheet->session;
    const struct file_row **rows = memory_new(session->file_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->file_count; i++) {
        const struct file_row *row = &session->files[i];
        if (row->calls.count && selects(selection, row->pid, row->phase))
            rows[count++] = row;
    }
    if (count) {
        put_selection(sheet, "Files", selection);
        write_file_table(sheet, rows, count);
    }
    free(rows);
}

/* ---- phases, with their calls and files ---- */

static int compare_phase_times(const void *left, const void *right)
{
    const struct phase_row *a = *(const struct phase_row *const *)left;
    const struct phase_row *b = *(const struct phase_row *const *)right;
    int order = compare_numbers(b->complete.total_ns, a->complete.total_ns);
    return order ? order : compare_phase_places(left, right);
}

static void write_phases(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    const struct phase_row **rows = memory_new(session->phase_count * sizeof *rows);
    for (size_t i = 0; i < session->phase_count; i++)
        rows[i] = &session->phases[i];
    qsort(rows, session->phase_count, sizeof *rows, compare_phase_places);
    size_t group_count = 0;
    struct process_phases *groups = group_phases(rows, session->phase_count, &group_count);
    for (size_t i = 0; i < group_count && i < sheet->top; i++)
        write_phase_group(sheet, &groups[i]);
    if (group_count > sheet->top)
        fprintf(sheet->out, "\n... and %s more processes with phases\n",
                quantity_count(group_count - sheet->top).text);
    free(groups);

    qsort(rows, session->phase_count, sizeof *rows, compare_phase_times);
    for (size_t i = 0; i < session->phase_count && i < sheet->top; i++) {
        write_calls(sheet, (struct selection){rows[i]});
        write_files(sheet, (struct selection){rows[i]});
    }
    free(rows);
}

/* ---- processes, CPUs, waiting for a CPU ---- */

static int compare_processes(const void *left, const void *right)
{
    const struct process_row *a = *(const struct process_row *const *)left;
    const struct process_row *b = *(const struct process_row *const *)right;
    int order = compare_numbers(b->cpu_ns, a->cpu_ns);
    if (order == 0)
        order = compare_signed(a->pid, b->pid);
    return order ? order : compare_signed(a->begin_ns, b->begin_ns);
}

static uint64_t session_ns(const struct session_report *session)
{
    return session->begin_ns == REPORT_NONE ? 0 : (uint64_t)(session->end_ns - session->begin_ns);
}

static void write_process_table(const struct sheet *sheet, const struct process_row **rows,
                                size_t count)
{
    static const struct column columns[] = {
        {"Process", COLUMN_TEXT, CUT_RIGHT}, {"PID", COLUMN_NUMBER, CUT_NOT},
        {"CPU time", COLUMN_DURATION, CUT_NOT}, {"of one CPU", COLUMN_SHARE, CUT_NOT},
        {"Threads", COLUMN_COUNT, CUT_NOT}, {"Lived", COLUMN_DURATION, CUT_NOT},
        {"begin", COLUMN_TEXT, CUT_NOT}, {"end", COLUMN_TEXT, CUT_NOT},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    uint64_t whole = session_ns(sheet->session);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct process_row *row = rows[i];
        table_text(table, row->process ? row->process : "?");
        table_signed(table, row->pid);
        table_number(table, row->cpu_ns);
        table_text(table, whole ? quantity_percent((double)row->cpu_ns / (double)whole).text : "-");
        table_number(table, row->threads);
        table_number(table, (uint64_t)(row->end_ns - row->begin_ns));
        table_text(table, row->begin_hard ? "seen" : "-");
        table_text(table, row->end_hard ? "seen" : "-");
    }
    table_print(table, sheet->out, &sheet->style);
    put_rest(sheet, table_rows(table), count);
    table_free(table);
}

static void write_processes(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    const struct process_row **rows = memory_new(session->process_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->process_count; i++)
        if (session->processes[i].cpu_ns)
            rows[count++] = &session->processes[i];
    if (count) {
        qsort(rows, count, sizeof *rows, compare_processes);
        put_heading(sheet, "Processes by CPU time");
        fputc('\n', sheet->out);
        write_process_table(sheet, rows, count);
    }
    free(rows);
}

static void write_cpus(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    uint64_t whole = session_ns(session);
    uint64_t busy = 0;
    for (size_t i = 0; i < session->cpu_count; i++)
        busy += session->cpus[i].busy_ns;
    if (whole == 0 || busy == 0)
        return;
    put_heading(sheet, "CPUs busy");
    double all = (double)whole * (double)session->cpu_count;
    fprintf(sheet->out, "  %s of all", quantity_percent((double)busy / all).text);
    for (size_t i = 0; i < session->cpu_count && i < CPUS_SHOWN; i++)
        fprintf(sheet->out, "%s %" PRId64 ": %s", i ? "," : ";", session->cpus[i].cpu,
                quantity_percent((double)session->cpus[i].busy_ns / (double)whole).text);
    if (session->cpu_count > CPUS_SHOWN)
        fputs(", ...", sheet->out);
    fputc('\n', sheet->out);
}

static int compare_scheds(const void *left, const void *right)
{
    const struct sched_row *a = *(const struct sched_row *const *)left;
    const struct sched_row *b = *(const struct sched_row *const *)right;
    int order = compare_numbers(b->latency.total_ns, a->latency.total_ns);
    if (order == 0)
        order = compare_signed(a->tid, b->tid);
    return order ? order : compare_signed(a->begin_ns, b->begin_ns);
}

static void write_sched_table(const struct sheet *sheet, const struct sched_row **rows,
                              size_t count)
{
    static const struct column columns[] = {
        {"Thread", COLUMN_TEXT, CUT_RIGHT},    {"TID", COLUMN_NUMBER, CUT_NOT},
        {"PID", COLUMN_NUMBER, CUT_NOT},    {"Wakeups", COLUMN_COUNT, CUT_NOT},
        {"Total", COLUMN_DURATION, CUT_NOT}, {"Min", COLUMN_DURATION, CUT_NOT},
        {"p50", COLUMN_DURATION, CUT_NOT},  {"p99", COLUMN_DURATION, CUT_NOT},
        {"Max", COLUMN_DURATION, CUT_NOT},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct sched_row *row = rows[i];
        table_text(table, row->name ? row->name : "?");
        table_signed(table, row->tid);
        table_identity(table, row->pid);
        table_number(table, row->latency.count);
        table_number(table, row->latency.total_ns);
        table_number(table, row->latency.min_ns);
        table_quantile(table, 0.5, &row->latency, row->latency.histogram);
        table_quantile(table, 0.99, &row->latency, row->latency.histogram);
        table_number(table, row->latency.max_ns);
    }
    table_print(table, sheet->out, &sheet->style);
    put_rest(sheet, table_rows(table), count);
    table_free(table);
}

static void write_scheds(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    const struct sched_row **rows = memory_new(session->sched_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->sched_count; i++)
        if (session->scheds[i].latency.count)
            rows[count++] = &session->scheds[i];
    if (count) {
        qsort(rows, count, sizeof *rows, compare_scheds);
        put_heading(sheet, "Waiting for a CPU after a wakeup");
        fputc('\n', sheet->out);
        write_sched_table(sheet, rows, count);
    }
    free(rows);
}

/* ---- what is not known ---- */

static void put_half_seen(FILE *out, const char *what, uint64_t begin_unknown,
                          uint64_t end_unknown)
{
    fprintf(out, "%s: %s without a seen begin, ", what, quantity_count(begin_unknown).text);
    fprintf(out, "%s without an end", quantity_count(end_unknown).text);
}

static void write_unknown(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    uint64_t unknown = 0, whole = 0;
    for (size_t i = 0; i < session->thread_count; i++) {
        const struct thread_row *row = &session->threads[i];
        unknown += row->unknown_ns;
        whole += row->user_cpu_ns + row->sys_cpu_ns + row->runnable_ns + row->blocked_ns +
                 row->unknown_ns;
    }
    uint64_t phases[2] = {0}, calls[2] = {0};
    for (size_t i = 0; i < session->phase_count; i++) {
        phases[0] += session->phases[i].begin_unknown;
        phases[1] += session->phases[i].end_unknown;
    }
    for (size_t i = 0; i < session->syscall_count; i++) {
        calls[0] += session->syscalls[i].begin_unknown;
        calls[1] += session->syscalls[i].end_unknown;
    }

    fputc('\n', sheet->out);
    put_loss(sheet, session->discarded, "event lost", "events lost");
    if (session->loss_borders) {
        fputs(", ", sheet->out);
        put_loss(sheet, session->loss_borders, "gap in the kernel's streams",
                 "gaps in the kernel's streams");
    }
    if (session->lost_intervals) {
        fputs(", ", sheet->out);
        put_loss(sheet, session->lost_intervals, "chunk missing or unreadable",
                 "chunks missing or unreadable");
    }
    if (whole)
        fprintf(sheet->out, "; %s of thread time in unknown state\n",
                quantity_percent((double)unknown / (double)whole).text);
    else
        fputs("; no thread was seen\n", sheet->out);
    if (session->phase_count) {
        put_half_seen(sheet->out, "phases", phases[0], phases[1]);
        fputs("; ", sheet->out);
    }
    put_half_seen(sheet->out, "syscalls", calls[0], calls[1]);
    fputc('\n', sheet->out);
}

void report_write_tables(FILE *out, const struct report *report,
                         const struct tables_options *options)
{
    for (size_t i = 0; i < report->session_count; i++) {
        struct sheet sheet = {out, &report->sessions[i], options->style,
                              options->top ? options->top : TOP_DEFAULT};
        if (i)
            fputs("\n\n", out);
        write_headline(&sheet);
        write_phases(&sheet);
        write_calls(&sheet, (struct selection){NULL});
        write_files(&sheet, (struct selection){NULL});
        write_processes(&sheet);
        write_scheds(&sheet);
        write_cpus(&sheet);
        write_unknown(&sheet);
    }
}
