#include "cli/stop_signals.h"

#include <signal.h>
#include <stddef.h>

static const int stop_signals[] = {SIGINT, SIGTERM};

void stop_signals_block(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++) {
        struct sigaction action;
        /* If blocked, an ignored signal would become pending. */
        if (sigaction(stop_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&set, stop_signals[i]);
    }
    pthread_sigmask(how, &set, NULL);
}

bool stop_signals_pending(void *context)
{
    (void)context;
    sigset_t pending, blocked;
    sigemptyset(&blocked);
    if (sigpending(&pending) != 0 || pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0)
        return false;
    for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++)
        if (sigismember(&pending, stop_signals[i]) && sigismember(&blocked, stop_signals[i]))
            return true;
    return false;
}
