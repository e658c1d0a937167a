/* cli/progress.h -- one line on a terminal's stderr that tells how far a report is, and messages
 * that do not get mixed up with it. Of one thread. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_SAID = 256 };

struct progress {
    const char *command; /* in front of messages: "spanmill" */
    bool wanted;
    bool shown; /* the line is on the screen */
    bool over;  /* something went wrong: no line any more */
    double begin_s;
    /* Of what was said, the last: hashes, for progress_say_once(). */
    uint64_t said[PROGRESS_SAID];
    size_t said_count;
};

void progress_init(struct progress *progress, const char *command, bool wanted);

/* `done` of `count` chunks are joined, which had so many events. */
void progress_show(struct progress *progress, size_t done, size_t count, uint64_t events);
void progress_clear(struct progress *progress);

/* A message, on a line of its own. `context` is the struct progress. */
void progress_say(void *context, const char *sentence);
/* The same, unless it is one of the last PROGRESS_SAID messages: chunks that are read again have the same
 * to say. */
void progress_say_once(void *context, const char *sentence);

/* Seconds of the monotonic clock. */
double progress_now_s(void);

#endif
