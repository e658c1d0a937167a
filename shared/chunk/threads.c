#include "chunk/threads.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "base/memory.h"

/* First line of the file; followed by the origin of the directory. */
#define THREADS_VERSION "spanmill-threads 1 "

/* The limit of a host: PID_MAX_LIMIT of 64-bit Linux. */
enum { THREADS_MAX = 4 << 20 };

void thread_directory_clear(struct thread_directory *threads)
{
    free(threads->at);
    *threads = (struct thread_directory){.at = NULL};
}

/* Whether the entries are sorted, each thread once. */
static bool is_sound(const struct thread_directory *threads)
{
    for (size_t i = 1; i < threads->count; i++)
        if (threads->at[i - 1].tid >= threads->at[i].tid)
            return false;
    return threads->count <= threads->room;
}

/* The index of `tid`, or where it would be. */
static size_t place_of(const struct thread_directory *threads, int32_t tid)
{
    size_t low = 0, high = threads->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (threads->at[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct thread_entry *thread_directory_add(struct thread_directory *threads, int32_t tid)
{
    size_t at = place_of(threads, tid);
    if (at < threads->count && threads->at[at].tid == tid)
        return &threads->at[at];
    threads->at = memory_grow(threads->at, &threads->room, threads->count + 1, sizeof *threads->at);
    memmove(threads->at + at + 1, threads->at + at, (threads->count - at) * sizeof *threads->at);
    threads->count++;
    threads->at[at] = (struct thread_entry){.tid = tid, .ppid = -1};
    invariant((at == 0 || threads->at[at - 1].tid < tid) &&
              (at + 1 == threads->count || threads->at[at + 1].tid > tid));
    return &threads->at[at];
}

void thread_directory_remove(struct thread_directory *threads, int32_t tid)
{
    size_t at = place_of(threads, tid);
    if (at == threads->count || threads->at[at].tid != tid)
        return;
    threads->count--;
    memmove(threads->at + at, threads->at + at + 1, (threads->count - at) * sizeof *threads->at);
}

void thread_directory_keep_one(struct thread_directory *threads, int32_t pid, int32_t tid)
{
    size_t kept = 0;
    for (size_t i = 0; i < threads->count; i++)
        if (threads->at[i].pid != pid || threads->at[i].tid == tid)
            threads->at[kept++] = threads->at[i];
    threads->count = kept;
}

void thread_entry_name(struct thread_entry *entry, struct text name)
{
    size_t count = name.count < sizeof entry->name - 1 ? name.count : sizeof entry->name - 1;
    if (count == 0)
        return;
    memset(entry->name, 0, sizeof entry->name);
    memcpy(entry->name, name.at, count);
}

/* Names may contain any byte but zero: those that would break a line are written as \xHH. */
static size_t put_name(char *into, const char *name)
{
    size_t used = 0;
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < ' ' || c == '\\' || c == 127)
            used += (size_t)sprintf(into + used, "\\x%02x", c);
        else
            into[used++] = (char)c;
    }
    return used;
}

char *threads_text(const struct thread_directory *threads)
{
    enum { LINE_MAX_BYTES = 3 * 12 + 15 * 4 + 2 };
    invariant(is_sound(threads));
    size_t room = 64 + threads->count * LINE_MAX_BYTES;
    char *text = memory_new(room);
    size_t used =
        (size_t)sprintf(text, THREADS_VERSION "%s\n", threads->from_proc ? "proc" : "trace");
    for (size_t i = 0; i < threads->count; i++) {
        const struct thread_entry *entry = &threads->at[i];
        used += (size_t)sprintf(text + used, "%d %d %d ", entry->tid, entry->pid, entry->ppid);
        used += put_name(text + used, entry->name);
        text[used++] = '\n';
    }
    assert(used < room);
    return text;
}

static struct text next_line(struct bytes *left)
{
    const uint8_t *end = memchr(left->at, '\n', left->count);
    size_t count = end != NULL ? (size_t)(end - left->at) : left->count;
    struct text line = {(const char *)left->at, count};
    size_t step = end != NULL ? count + 1 : count;
    left->at += step;
    left->count -= step;
    return line;
}

static bool read_number(struct text *line, int32_t *out)
{
    size_t i = line->count > 0 && line->at[0] == '-' ? 1 : 0;
    int64_t value = 0;
    size_t first = i;
    for (; i < line->count && line->at[i] >= '0' && line->at[i] <= '9' && value <= INT32_MAX; i++)
        value = value * 10 + (line->at[i] - '0');
    if (i == first || value > INT32_MAX || i == line->count || line->at[i] != ' ')
        return false;
    *out = (int32_t)(first == 1 ? -value : value);
    line->at += i + 1;
    line->count -= i + 1;
    return true;
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_name(struct text line, char name[16])
{
    size_t used = 0;
    for (size_t i = 0; i < line.count; i++) {
        char c = line.at[i];
        if (c == '\\') {
            int high = line.count - i > 3 && line.at[i + 1] == 'x' ? hex_of(line.at[i + 2]) : -1;
            int low = high >= 0 ? hex_of(line.at[i + 3]) : -1;
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 3;
        }
        if (c == '\0' || used == 15)
            return false;
        name[used++] = c;
    }
    name[used] = '\0';
    return true;
}

enum status threads_read(struct bytes file, struct thread_directory *out, struct failure *why)
{
    *out = (struct thread_directory){.at = NULL};
    struct text version = next_line(&file);
    if (text_equal(version, text_of(THREADS_VERSION "proc")))
        out->from_proc = true;
    else if (!text_equal(version, text_of(THREADS_VERSION "trace")))
        return fail(why, STATUS_REJECT, "threads: not of version 1");
    for (size_t line_number = 2; file.count > 0; line_number++) {
        struct text line = next_line(&file);
        struct thread_entry entry = {.name = ""};
        bool read = read_number(&line, &entry.tid) && read_number(&line, &entry.pid) &&
                    read_number(&line, &entry.ppid) && read_name(line, entry.name) &&
                    (out->count == 0 || out->at[out->count - 1].tid < entry.tid) &&
                    out->count < THREADS_MAX;
        if (!read) {
            thread_directory_clear(out);
            return fail(why, STATUS_REJECT, "threads: line %zu: not `tid pid ppid name` in order",
                        line_number);
        }
        out->at = memory_grow(out->at, &out->room, out->count + 1, sizeof *out->at);
        out->at[out->count++] = entry;
    }
    return STATUS_OK;
}
