#include "service/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

struct member {
    pthread_t id;
    enum status (*work)(void *context, unsigned thread, struct failure *why);
    void *context;
    unsigned thread;
    enum status status;
    struct failure why;
};

static void *run(void *context)
{
    struct member *member = context;
    member->status = member->work(member->context, member->thread, &member->why);
    if (member->status != STATUS_OK)
        kill(getpid(), SIGTERM);
    return NULL;
}

enum status crew_run(unsigned count,
                     enum status (*work)(void *context, unsigned thread, struct failure *why),
                     void *context, struct failure *why)
{
    struct member *members = memory_new(count * sizeof *members);
    unsigned started = 1;
    for (unsigned i = 0; i < count; i++)
        members[i] = (struct member){.work = work, .context = context, .thread = i};
    for (; started < count; started++)
        if (pthread_create(&members[started].id, NULL, run, &members[started]) != 0)
            break;
    enum status status = STATUS_OK;
    if (started < count) {
        status = fail(why, STATUS_STOP, "%u threads of %u could be started", started, count);
        kill(getpid(), SIGTERM);
    }
    run(&members[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(members[i].id, NULL);
    for (unsigned i = 0; i < started && status == STATUS_OK; i++) {
        status = members[i].status;
        if (status != STATUS_OK)
            *why = members[i].why;
    }
    free(members);
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
