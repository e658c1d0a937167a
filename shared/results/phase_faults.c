#include "results/phase_faults.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Half-seen instances of one name, in one process. */
struct half_seen {
    const char *name;
    size_t session;
    int64_t pid;
    uint64_t complete, begins, ends;
};

/* A name that contains a slash is handled like one without. */
static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int compare(const void *a, const void *b)
{
    const struct half_seen *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    if (order == 0)
        order = (left->session > right->session) - (left->session < right->session);
    return order ? order : (left->pid > right->pid) - (left->pid < right->pid);
}

static struct half_seen *all_half_seen(const struct session_report *sessions, size_t count,
                                       size_t *row_count)
{
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        room += sessions[i].phase_count;
    struct half_seen *rows = memory_new((room + 1) * sizeof *rows);
    *row_count = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sessions[i].phase_count; k++) {
            const struct phase_row *row = &sessions[i].phases[k];
            rows[(*row_count)++] = (struct half_seen){.name = last_name(row->phase),
                                                      .session = i,
                                                      .pid = row->pid,
                                                      .complete = row->complete.count,
                                                      .begins = row->end_unknown,
                                                      .ends = row->begin_unknown};
        }
    if (*row_count > 0)
        qsort(rows, *row_count, sizeof *rows, compare);
    return rows;
}

/* Checks the `count` rows of one name, those of a process together. NULL: no fault. */
static char *never_pairs(const struct half_seen *rows, size_t count)
{
    uint64_t begins = 0, ends = 0;
    for (size_t i = 0; i < count;) {
        uint64_t here[2] = {0};
        size_t first = i;
        for (;
             i < count && rows[i].session == rows[first].session && rows[i].pid == rows[first].pid;
             i++) {
            if (rows[i].complete > 0)
                return NULL;
            here[0] += rows[i].begins;
            here[1] += rows[i].ends;
        }
        if (here[0] > 0 && here[1] > 0)
            return NULL;
        begins += here[0];
        ends += here[1];
    }
    if (begins == 0 || ends == 0)
        return NULL;
    return memory_format("%s: %llu begins and %llu ends, but never in the same process: a phase "
                         "must end in the process in which it began",
                         rows->name, (unsigned long long)begins, (unsigned long long)ends);
}

/* Of all sessions: a definition that matches in one of them is right. */
static struct phase_uses all_uses(const struct session_report *sessions, size_t count,
                                  enum fault_scope scope, struct arena *arena)
{
    struct phase_uses uses = {NULL, 0};
    for (size_t i = 0; i < count; i++)
        phase_uses_add(&uses, arena, sessions[i].uses);
    struct phase_use *at = arena_take(arena, (uses.count + 1) * sizeof *at);
    size_t kept = 0;
    for (size_t i = 0; i < uses.count; i++)
        if (scope == FAULTS_OF_ALL ||
            (uses.at[i].part == PHASE_COUNT) == (scope == FAULTS_OF_COUNTS))
            at[kept++] = uses.at[i];
    return (struct phase_uses){at, kept};
}

const char *const *phase_faults(const struct session_report *sessions, size_t count,
                                enum fault_scope scope, struct arena *arena, size_t *fault_count)
{
    size_t row_count, use_count;
    struct half_seen *rows = all_half_seen(sessions, count, &row_count);
    if (scope == FAULTS_OF_COUNTS)
        row_count = 0;
    char **of_uses = phase_uses_faults(all_uses(sessions, count, scope, arena), arena, &use_count);
    const char **faults = arena_take(arena, (use_count + row_count + 1) * sizeof *faults);
    *fault_count = 0;
    for (size_t i = 0; i < use_count; i++)
        faults[(*fault_count)++] = of_uses[i];
    for (size_t i = 0; i < row_count;) {
        size_t first = i;
        while (i < row_count && strcmp(rows[i].name, rows[first].name) == 0)
            i++;
        char *fault = never_pairs(&rows[first], i - first);
        if (fault)
            faults[(*fault_count)++] = arena_string(arena, text_of(fault));
        free(fault);
    }
    free(rows);
    return faults;
}
