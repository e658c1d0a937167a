#include "cli/render/report_filter.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "base/utf8.h"

/* Number of existing names in a message. */
enum { KNOWN_SHOWN = 8 };

static bool is_asked_pid(const struct report_filter *filter, int64_t pid)
{
    for (size_t i = 0; i < filter->pid_count; i++)
        if (filter->pids[i] == pid)
            return true;
    return filter->pid_count == 0;
}

static bool is_asked_name(const struct report_filter *filter, const char *name)
{
    for (size_t i = 0; i < filter->process_count; i++)
        if (name && (strcmp(filter->processes[i], name) == 0 ||
                     fnmatch(filter->processes[i], name, 0) == 0))
            return true;
    return filter->process_count == 0;
}

/* A pid has the names of all processes with that pid. */
bool report_filter_wants(const struct report_filter *filter, const struct session_report *session,
                         int64_t pid)
{
    if (filter->pid_count + filter->process_count == 0)
        return true;
    if (pid == REPORT_NONE || !is_asked_pid(filter, pid))
        return false;
    for (size_t i = 0; i < session->process_count; i++)
        if (session->processes[i].pid == pid &&
            is_asked_name(filter, session->processes[i].process))
            return true;
    return filter->process_count == 0;
}

/* Keeps the rows of wanted processes, in order. */
#define KEEP(session, filter, rows, count)                                                         \
    do {                                                                                           \
        size_t kept = 0;                                                                           \
        for (size_t i = 0; i < (session)->count; i++)                                              \
            if (report_filter_wants(filter, session, (session)->rows[i].pid))                      \
                (session)->rows[kept++] = (session)->rows[i];                                      \
        (session)->count = kept;                                                                   \
    } while (0)

/* Counts that are not by process are of all processes, with a note. */
static bool wants_count(const struct report_filter *filter, const struct session_report *session,
                        const struct count_row *row)
{
    for (size_t i = 0; i < row->value_count; i++)
        if (row->values[i].is_process)
            return report_filter_wants(filter, session, row->pid);
    return true;
}

static void keep_counts(struct count_row *rows, size_t *count, const struct report_filter *filter,
                        const struct session_report *session)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (wants_count(filter, session, &rows[i]))
            rows[kept++] = rows[i];
    *count = kept;
}

size_t report_filter(struct report *report, const struct report_filter *filter)
{
    size_t left = 0;
    for (size_t s = 0; s < report->session_count; s++) {
        struct session_report *session = &report->sessions[s];
        if (filter->pid_count > 0 || filter->process_count > 0) {
            KEEP(session, filter, threads, thread_count);
            KEEP(session, filter, syscalls, syscall_count);
            KEEP(session, filter, phases, phase_count);
            KEEP(session, filter, instances, instance_count);
            KEEP(session, filter, fds, fd_count);
            KEEP(session, filter, files, file_count);
            KEEP(session, filter, scheds, sched_count);
            KEEP(session, filter, wakers, waker_count);
            KEEP(session, filter, ran_instead, ran_instead_count);
            keep_counts(session->counts, &session->count_count, filter, session);
            keep_counts(session->spans, &session->span_count, filter, session);
            session->some_processes = true;
            KEEP(session, filter, processes, process_count); /* last: has the names */
        }
        left += session->process_count;
    }
    return left;
}

static int by_cpu(const void *a, const void *b)
{
    const struct process_row *left = *(const struct process_row *const *)a;
    const struct process_row *right = *(const struct process_row *const *)b;
    if (left->cpu_ns != right->cpu_ns)
        return left->cpu_ns > right->cpu_ns ? -1 : 1;
    return left->pid < right->pid ? -1 : left->pid > right->pid;
}

static void put_process(FILE *out, const struct process_row *row)
{
    char *name = utf8_printable(text_of(row->process ? row->process : "?"));
    fprintf(out, "%s (%" PRId64 ")", name, row->pid);
    free(name);
}

/* The process whose name is nearest to the first requested name that has such a process. */
static void put_nearest(FILE *out, const struct report_filter *filter,
                        const struct process_row *const *rows, size_t count)
{
    const char **names = memory_new((count + 1) * sizeof *names);
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++)
        names[i] = rows[i]->process ? rows[i]->process : "";
    for (size_t i = 0; i < filter->process_count && !nearest; i++)
        nearest = nearest_word(text_of(filter->processes[i]), names, count);
    for (size_t i = 0; i < count && nearest; i++) {
        if (names[i] != nearest)
            continue;
        fputs("the nearest is ", out);
        put_process(out, rows[i]);
        fputs("; ", out);
        break;
    }
    free(names);
}

static void put_known(FILE *out, const struct process_row *const *rows, size_t count)
{
    fputs(count ? "there are " : "there are none", out);
    for (size_t i = 0; i < count && i < KNOWN_SHOWN; i++) {
        fputs(i ? ", " : "", out);
        put_process(out, rows[i]);
    }
    if (count > KNOWN_SHOWN)
        fprintf(out, " and %zu more, with those without CPU time", count - KNOWN_SHOWN);
}

char *report_filter_known(const struct report *report, const struct report_filter *filter)
{
    size_t count = 0, size;
    for (size_t i = 0; i < report->session_count; i++)
        count += report->sessions[i].process_count;
    const struct process_row **rows = memory_new((count + 1) * sizeof *rows);
    size_t used = 0;
    for (size_t i = 0; i < report->session_count; i++)
        for (size_t j = 0; j < report->sessions[i].process_count; j++)
            if (report->sessions[i].processes[j].pid != REPORT_NONE)
                rows[used++] = &report->sessions[i].processes[j];
    qsort(rows, used, sizeof *rows, by_cpu);
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        put_nearest(out, filter, rows, used);
        put_known(out, rows, used);
        fclose(out);
    }
    free(rows);
    return text ? text : memory_string(text_of(""));
}

/* Whether a process has that name or pid; with only one of them in the filter. */
static bool any_process_is(const struct report *report, const struct report_filter *one)
{
    for (size_t i = 0; i < report->session_count; i++)
        for (size_t k = 0; k < report->sessions[i].process_count; k++)
            if (report_filter_wants(one, &report->sessions[i],
                                    report->sessions[i].processes[k].pid))
                return true;
    return false;
}

/* NULL: none is near. */
static const char *nearest_process(const struct report *report, const char *word)
{
    const char **names = NULL, *nearest;
    size_t count = 0, room = 0;
    for (size_t i = 0; i < report->session_count; i++)
        for (size_t k = 0; k < report->sessions[i].process_count; k++) {
            const char *name = report->sessions[i].processes[k].process;
            names = memory_grow(names, &room, count + 1, sizeof *names);
            names[count++] = name ? name : "";
        }
    nearest = nearest_word(text_of(word), names, count);
    free(names);
    return nearest;
}

/* `process `shopt` (the nearest is shopd)` */
static void put_missing_process(FILE *out, const struct report *report, const char *name)
{
    const char *nearest = nearest_process(report, name);
    fprintf(out, "process `%s`", name);
    if (nearest) {
        char *printable = utf8_printable(text_of(nearest));
        fprintf(out, " (the nearest is %s)", printable);
        free(printable);
    }
}

char *report_filter_missing(const struct report *report, const struct report_filter *filter)
{
    char *text = NULL;
    size_t size, missing = 0, all = filter->process_count + filter->pid_count;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < all; i++) {
        bool is_name = i < filter->process_count;
        struct report_filter one = {.processes = filter->processes + i, .process_count = 1};
        if (!is_name)
            one = (struct report_filter){.pids = filter->pids + (i - filter->process_count),
                                         .pid_count = 1};
        if (any_process_is(report, &one))
            continue;
        fputs(missing++ ? ", " : "not in the traces: ", out);
        if (is_name)
            put_missing_process(out, report, *one.processes);
        else
            fprintf(out, "pid %" PRId64, *one.pids);
    }
    if (out)
        fclose(out);
    if (missing > 0 && missing < all)
        return text;
    free(text);
    return NULL;
}

/* Keeps the rows that end at `begin_ns` or later, in order. */
#define KEEP_SINCE(session, begin_ns, rows, count)                                                 \
    do {                                                                                           \
        size_t kept = 0;                                                                           \
        for (size_t i = 0; i < (session)->count; i++)                                              \
            if ((session)->rows[i].end_ns == REPORT_NONE ||                                        \
                (session)->rows[i].end_ns >= (begin_ns))                                           \
                (session)->rows[kept++] = (session)->rows[i];                                      \
        (session)->count = kept;                                                                   \
    } while (0)

void report_filter_since(struct report *report, int64_t begin_ns)
{
    for (size_t s = 0; s < report->session_count; s++) {
        struct session_report *session = &report->sessions[s];
        KEEP_SINCE(session, begin_ns, processes, process_count);
        KEEP_SINCE(session, begin_ns, threads, thread_count);
        KEEP_SINCE(session, begin_ns, fds, fd_count);
    }
}
