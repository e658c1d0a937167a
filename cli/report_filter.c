#include "cli/report_filter.h"

#include <stdbool.h>
#include <string.h>

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
        if (name && strcmp(filter->processes[i], name) == 0)
            return true;
    return filter->process_count == 0;
}

/* A pid has the names of all processes that had the number. */
static bool is_wanted(const struct session_report *session, const struct report_filter *filter,
                      int64_t pid)
{
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
            if (is_wanted(session, filter, (session)->rows[i].pid))                                \
                (session)->rows[kept++] = (session)->rows[i];                                      \
        (session)->count = kept;                                                                   \
    } while (0)

size_t report_filter(struct report *report, const struct report_filter *filter)
{
    size_t left = 0;
    for (size_t s = 0; s < report->session_count; s++) {
        struct session_report *session = &report->sessions[s];
        if (filter->pid_count > 0 || filter->process_count > 0) {
            KEEP(session, filter, threads, thread_count);
            KEEP(session, filter, syscalls, syscall_count);
            KEEP(session, filter, phases, phase_count);
            KEEP(session, filter, fds, fd_count);
            KEEP(session, filter, files, file_count);
            KEEP(session, filter, scheds, sched_count);
            KEEP(session, filter, processes, process_count); /* last: it tells the names */
        }
        left += session->process_count;
    }
    return left;
}
