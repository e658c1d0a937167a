#include "base/workers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

struct helper {
    pthread_t id;
    void (*work)(void *context, unsigned helper);
    void *context;
    unsigned number;
};

static void *run(void *context)
{
    const struct helper *helper = context;
    helper->work(helper->context, helper->number);
    return NULL;
}

void workers_run(unsigned helpers, void (*work)(void *context, unsigned helper),
                 void (*lead)(void *context, unsigned started), void *context)
{
    struct helper *at = memory_new(helpers * sizeof *at);
    unsigned started = 0;
    for (; started < helpers; started++) {
        at[started] = (struct helper){.work = work, .context = context, .number = started + 1};
        if (pthread_create(&at[started].id, NULL, run, &at[started]) != 0)
            break;
    }
    lead(context, started);
    for (unsigned i = 0; i < started; i++)
        pthread_join(at[i].id, NULL);
    free(at);
}
