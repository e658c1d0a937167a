#include "cli/story/story_names.h"

#include <stdlib.h>

#include "base/memory.h"

/* A cache of the last results, by some bits of the query. */
enum { KEPT = 4096 };

struct answer {
    int64_t pid, fd;
    int64_t from_ns, until_ns; /* valid for these times; empty if equal */
    const struct fd_row *row;
};

struct story_names {
    const struct session_report *session;
    struct session_report nothing;
    struct answer kept[KEPT];
};

struct story_names *story_names_new(const struct session_report *session)
{
    struct story_names *names = memory_new(sizeof *names);
    names->session = session ? session : &names->nothing;
    return names;
}

void story_names_free(struct story_names *names)
{
    free(names);
}

/* The last of the rows with this tid that began at or before `at_ns`, or NULL. */
static const struct thread_row *find_thread(const struct thread_row *rows, size_t count,
                                            int32_t tid, int64_t at_ns, int64_t *until_ns)
{
    size_t low = 0, high = count;
    while (low < high) { /* the first with a greater tid, or a later begin */
        size_t middle = low + (high - low) / 2;
        if (rows[middle].tid > tid || (rows[middle].tid == tid && rows[middle].begin_ns > at_ns))
            high = middle;
        else
            low = middle + 1;
    }
    bool another = low < count && rows[low].tid == tid;
    *until_ns = another ? rows[low].begin_ns : INT64_MAX;
    return low > 0 && rows[low - 1].tid == tid ? &rows[low - 1] : NULL;
}

const struct thread_row *story_names_thread(const struct story_names *names, int32_t tid,
                                            int64_t at_ns, int64_t *until_ns)
{
    const struct session_report *session = names->session;
    const struct thread_row *row =
        find_thread(session->threads, session->thread_count, tid, at_ns, until_ns);
    if (row)
        return row;
    int64_t next_ns;
    row =
        find_thread(session->earlier_threads, session->earlier_thread_count, tid, at_ns, &next_ns);
    *until_ns = next_ns < *until_ns ? next_ns : *until_ns;
    return row;
}

const char *story_names_process(const struct story_names *names, int64_t pid)
{
    const struct process_row *rows = names->session->processes;
    for (size_t low = 0, high = names->session->process_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].pid == pid)
            return rows[middle].process;
        if (rows[middle].pid > pid)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The first row with a greater process or number, or a later begin. */
static size_t later_descriptor(const struct session_report *session, int64_t pid, int64_t fd,
                               int64_t at_ns)
{
    const struct fd_row *rows = session->fds;
    size_t low = 0, high = session->fd_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fd_row *row = &rows[middle];
        bool is_later = row->pid != pid ? row->pid > pid
                        : row->fd != fd ? row->fd > fd
                                        : row->begin_ns > at_ns;
        if (is_later)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static struct answer find(const struct story_names *names, int64_t pid, int64_t fd, int64_t at_ns)
{
    const struct fd_row *rows = names->session->fds;
    size_t next = later_descriptor(names->session, pid, fd, at_ns);
    struct answer answer = {.pid = pid, .fd = fd, .from_ns = INT64_MIN, .until_ns = INT64_MAX};
    if (next < names->session->fd_count && rows[next].pid == pid && rows[next].fd == fd)
        answer.until_ns = rows[next].begin_ns;
    if (next == 0 || rows[next - 1].pid != pid || rows[next - 1].fd != fd)
        return answer;
    const struct fd_row *row = &rows[next - 1];
    if (row->end_ns != REPORT_NONE && row->end_ns < at_ns) {
        answer.from_ns = row->end_ns + 1;
        return answer;
    }
    answer.row = row;
    answer.from_ns = row->begin_ns;
    if (row->end_ns != REPORT_NONE && row->end_ns + 1 < answer.until_ns)
        answer.until_ns = row->end_ns + 1;
    return answer;
}

const struct fd_row *story_names_descriptor(struct story_names *names, int64_t pid, int64_t fd,
                                            int64_t at_ns)
{
    size_t place = (size_t)((uint64_t)pid * 61 + (uint64_t)fd) % KEPT;
    struct answer *kept = &names->kept[place];
    if (kept->pid != pid || kept->fd != fd || at_ns < kept->from_ns || at_ns >= kept->until_ns)
        *kept = find(names, pid, fd, at_ns);
    return kept->row;
}
