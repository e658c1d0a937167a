/* chunk/threads.h -- the thread directory of an interval: which thread is of which process, by
 * what was told before its begin. The file `threads` of an archive. */
#ifndef CHUNK_THREADS_H
#define CHUNK_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"

/* A line of it. */
struct thread_entry {
    int32_t tid, pid, ppid; /* ppid -1: not told */
    char name[16];
};

/* By tid, each once. All zero is an empty directory. */
struct thread_directory {
    struct thread_entry *at;
    size_t count, room;
    /* Read from /proc at the interval's begin: counts as state dump records then. Else told by
     * the trace before: spares doubts, changes no result. */
    bool from_proc;
};

void thread_directory_clear(struct thread_directory *threads);
/* The entry of `tid`, made if there is none (then with ppid -1); valid until the next change. */
struct thread_entry *thread_directory_add(struct thread_directory *threads, int32_t tid);
void thread_directory_remove(struct thread_directory *threads, int32_t tid);
/* Removes all threads of `pid` but `tid`. */
void thread_directory_keep_one(struct thread_directory *threads, int32_t pid, int32_t tid);

/* 15 bytes of `name` at most; nothing if it is empty. */
void thread_entry_name(struct thread_entry *entry, struct text name);

/* The file's text, owned by the caller. */
char *threads_text(const struct thread_directory *threads);
/* REJECT: another version, or not a line of four. */
MUST_CHECK enum status threads_read(struct bytes file, struct thread_directory *out,
                                    struct failure *why);

#endif
