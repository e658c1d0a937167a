#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/clock.h"

/* Reads `stat` of a thread, see proc(5): name, parent, begin (in ticks since boot). */
static bool read_stat(const char *path, char name[16], int32_t *ppid, uint64_t *ticks)
{
    char line[1024];
    FILE *file = fopen(path, "re");
    size_t count = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file)
        fclose(file);
    line[count] = '\0';
    /* The name is in parentheses and may contain any character, including parentheses. */
    const char *open = strchr(line, '('), *close = strrchr(line, ')');
    if (!open || !close || close < open)
        return false;
    size_t length = (size_t)(close - open - 1);
    snprintf(name, 16, "%.*s", (int)(length < 15 ? length : 15), open + 1);
    unsigned long long begin;
    if (sscanf(close + 1,
               " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
               "%*d %*d %llu",
               ppid, &begin) != 2)
        return false;
    *ticks = begin;
    return true;
}

static void add_threads(struct thread_directory *out, int32_t pid, uint64_t latest_ticks)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10), ppid;
        char name[16], stat[128];
        uint64_t ticks;
        if (tid <= 0)
            continue;
        snprintf(stat, sizeof stat, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
        /* Skips threads that have ended meanwhile, or began later. */
        if (!read_stat(stat, name, &ppid, &ticks) || ticks >= latest_ticks)
            continue;
        struct thread_entry *thread = thread_directory_add(out, tid);
        thread->pid = pid;
        thread->ppid = ppid;
        thread_entry_name(thread, text_of(name));
    }
    if (folder)
        closedir(folder);
}

void proc_threads(struct thread_directory *out, uint64_t before_ns)
{
    thread_directory_clear(out);
    out->from_proc = true;
    /* Begin times are on the clock that continues in suspend. */
    uint64_t suspended_ns = clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
    uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t latest_ticks = (before_ns + suspended_ns) / tick_ns;
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (isdigit((unsigned char)entry->d_name[0]))
            add_threads(out, (int32_t)strtol(entry->d_name, NULL, 10), latest_ticks);
    if (folder)
        closedir(folder);
}
