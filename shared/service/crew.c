#include "service/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/workers.h"

struct member {
    enum status status;
    struct failure why;
};

struct crew {
    enum status (*work)(void *context, unsigned thread, struct failure *why);
    void *context;
    unsigned count;
    struct member *members; /* by thread */
};

static void ask_to_stop(void)
{
    kill(getpid(), SIGTERM);
}

static void run(void *context, unsigned thread)
{
    struct crew *crew = context;
    struct member *member = &crew->members[thread];
    member->status = crew->work(crew->context, thread, &member->why);
    if (member->status != STATUS_OK)
        ask_to_stop();
}

static void lead(void *context, unsigned started)
{
    struct crew *crew = context;
    bool all = started + 1 == crew->count;
    if (!all)
        ask_to_stop();
    run(crew, 0);
    struct member *first = &crew->members[0];
    if (!all)
        first->status = fail(&first->why, STATUS_STOP, "%u threads of %u could be started",
                             started + 1, crew->count);
}

enum status crew_run(unsigned count,
                     enum status (*work)(void *context, unsigned thread, struct failure *why),
                     void *context, struct failure *why)
{
    struct crew crew = {work, context, count, memory_new(count * sizeof *crew.members)};
    workers_run(count - 1, run, lead, &crew);
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        status = crew.members[i].status;
        if (status != STATUS_OK)
            *why = crew.members[i].why;
    }
    free(crew.members);
    return status;
}

struct crew_lock {
    pthread_mutex_t mutex;
};

struct crew_lock *crew_lock_new(void)
{
    struct crew_lock *lock = memory_new(sizeof *lock);
    pthread_mutex_init(&lock->mutex, NULL);
    return lock;
}

void crew_lock_free(struct crew_lock *lock)
{
    if (lock)
        pthread_mutex_destroy(&lock->mutex);
    free(lock);
}

void crew_lock_take(void *lock)
{
    pthread_mutex_lock(&((struct crew_lock *)lock)->mutex);
}

void crew_lock_give(void *lock)
{
    pthread_mutex_unlock(&((struct crew_lock *)lock)->mutex);
}
