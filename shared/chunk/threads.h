/* chunk/threads.h -- the thread directory of an interval: the process of each thread, as known
 * before its begin. The file `threads` of an archive. */
#ifndef CHUNK_THREADS_H
#define CHUNK_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"

/* A line of the file. */
struct thread_entry {
    int32_t tid, pid, ppid; /* ppid -1: unknown */
    char name[16];
};

/* By tid, each once. All zero is empty. */
struct thread_directory {
    struct thread_entry *at;
    size_t count, room;
    /* Read from /proc at the interval's begin: counts as state dump records. Otherwise from the
     * earlier trace: it reduces the work of the mapper and changes no result. */
    bool from_proc;
};

void thread_directory_clear(struct thread_directory *threads);
/* The entry of `tid`, created if there is none (with ppid -1); valid until the next change. */
struct thread_entry *thread_directory_add(struct thread_directory *threads, int32_t tid);
void thread_directory_remove(struct thread_directory *threads, int32_t tid);
/* Removes all threads of `pid` but `tid`. */
void thread_directory_keep_one(struct thread_directory *threads, int32_t pid, int32_t tid);

/* Sets up to 15 bytes of `name`; does nothing if it is empty. */
void thread_entry_name(struct thread_entry *entry, struct text name);

/* The text of the file; the caller frees it. */
char *threads_text(const struct thread_directory *threads);
/* REJECT: another version, or an invalid line. */
MUST_CHECK enum status threads_read(struct bytes file, struct thread_directory *out,
                                    struct failure *why);

#endif
