/* cli/progress.h -- a progress line on a terminal's stderr, and messages that do not interfere with
 * it. For one thread. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_SAID = 256 };

struct progress {
    const char *command; /* prefix of messages: "spanmill" */
    bool wanted;
    bool shown; /* the line is on the screen */
    bool over;  /* an error occurred: no more lines */
    double begin_s;
    /* Hashes of the last messages, for progress_say_once(). */
    uint64_t said[PROGRESS_SAID];
    size_t said_count;
};

void progress_init(struct progress *progress, const char *command, bool wanted);

/* `done` of `count` chunks are joined, with `events` events. */
void progress_show(struct progress *progress, size_t done, size_t count, uint64_t events);
void progress_clear(struct progress *progress);

/* Prints a message on a separate line. `context` is the struct progress. */
void progress_say(void *context, const char *sentence);
/* The same, unless it is one of the last PROGRESS_SAID messages: chunks that are read again give
 * the same messages. */
void progress_say_once(void *context, const char *sentence);

/* Seconds of the monotonic clock. */
double progress_now_s(void);

#endif
