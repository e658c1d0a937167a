#include "bus/limit.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

struct limit {
    const struct bus_settings *settings;
    pthread_mutex_t lock; /* of the fields below */
    pthread_cond_t changed;
    const char *call; /* current one; NULL: none */
    uint64_t ms;
    struct timespec deadline; /* CLOCK_MONOTONIC */
    bool over;
    bool is_watched; /* the thread exists: it is created at the first call */
    pthread_t thread;
};

enum { LOG_CRITICAL_OF_SYSLOG = 2 };

/* Flushes and frees nothing: another thread is in a hanging call and holds locks. */
static void leave(const struct limit *limit)
{
    char *line = memory_format("%s did not return within %llu s; exiting with code %d", limit->call,
                               (unsigned long long)(limit->ms / 1000), BUS_EXIT_HUNG);
    if (limit->settings->log)
        limit->settings->log(limit->settings->context, LOG_CRITICAL_OF_SYSLOG, line);
    else
        fprintf(stderr, "librdkafka: %s\n", line);
    _exit(BUS_EXIT_HUNG);
}

static bool is_past(const struct timespec *deadline)
{
    uint64_t deadline_ns = (uint64_t)deadline->tv_sec * 1000000000 + (uint64_t)deadline->tv_nsec;
    return clock_ns(CLOCK_MONOTONIC) >= deadline_ns;
}

static void *watch(void *context)
{
    struct limit *limit = context;
    pthread_mutex_lock(&limit->lock);
    while (!limit->over) {
        if (!limit->call)
            pthread_cond_wait(&limit->changed, &limit->lock);
        else if (is_past(&limit->deadline))
            leave(limit);
        else
            pthread_cond_timedwait(&limit->changed, &limit->lock, &limit->deadline);
    }
    pthread_mutex_unlock(&limit->lock);
    return NULL;
}

struct limit *limit_new(const struct bus_settings *settings)
{
    struct limit *limit = memory_new(sizeof *limit);
    pthread_condattr_t attributes;
    limit->settings = settings;
    pthread_mutex_init(&limit->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&limit->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return limit;
}

void limit_free(struct limit *limit)
{
    if (!limit)
        return;
    pthread_mutex_lock(&limit->lock);
    limit->over = true;
    pthread_cond_signal(&limit->changed);
    pthread_mutex_unlock(&limit->lock);
    if (limit->is_watched)
        pthread_join(limit->thread, NULL);
    pthread_cond_destroy(&limit->changed);
    pthread_mutex_destroy(&limit->lock);
    free(limit);
}

/* The thread blocks signals, which are for the program. If it cannot be created, calls have no
 * limit. */
static void start(struct limit *limit)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    limit->is_watched = pthread_create(&limit->thread, NULL, watch, limit) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void limit_begin(struct limit *limit, const char *call, uint64_t ms)
{
    pthread_mutex_lock(&limit->lock);
    assert(!limit->call);
    limit->call = call;
    limit->ms = ms;
    limit->deadline = clock_deadline(ms);
    if (!limit->is_watched)
        start(limit);
    pthread_cond_signal(&limit->changed);
    pthread_mutex_unlock(&limit->lock);
}

void limit_end(struct limit *limit)
{
    pthread_mutex_lock(&limit->lock);
    limit->call = NULL;
    pthread_mutex_unlock(&limit->lock);
}
