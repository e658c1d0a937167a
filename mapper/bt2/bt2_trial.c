#include "bt2_trial.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A thousand times as long as the largest chunks of a busy host take. */
enum { TRIAL_CPU_S = 600 };
/* A child without CPU time for this long is killed, and the trial is repeated. */
enum { STILL_MS = 5000, TRIALS = 5 };

/* Global, like the locks of glib: a child that is forked while another thread holds one of those
 * would wait for it forever. */
static pthread_rwlock_t uses = PTHREAD_RWLOCK_INITIALIZER;

void bt2_use_begin(void)
{
    pthread_rwlock_rdlock(&uses);
}

void bt2_use_end(void)
{
    pthread_rwlock_unlock(&uses);
}

/* The child: exits silently, and together with its parent. */
static _Noreturn void try_in_child(void (*use)(void *context), void *context, int said)
{
    static const int SIGNALS[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        signal(SIGNALS[i], SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_CPU, &(struct rlimit){TRIAL_CPU_S, TRIAL_CPU_S}); /* it may never return */
    dup2(said, STDERR_FILENO);
    use(context);
    _exit(0);
}

/* Whether the child has used no CPU time since the last check. */
static bool stands_still(pid_t child, struct timespec *taken)
{
    clockid_t clock;
    struct timespec now = *taken;
    siginfo_t ended = {.si_pid = 0};
    if (waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0)
        return false; /* other processes also have the pipe */
    if (clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &now) != 0)
        return false;
    bool still = now.tv_sec == taken->tv_sec && now.tv_nsec == taken->tv_nsec;
    *taken = now;
    return still;
}

/* Reads the child's output up to its end, as one line. False: the child is blocked forever, for
 * example on a lock that another thread held at the fork (malloc under sanitizers has one); it is
 * killed. */
static bool listen_to(int from, pid_t child, char *text, size_t room)
{
    char part[512];
    size_t used = 0;
    bool moves = true;
    struct timespec taken = {-1, 0};
    for (;;) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        if (moves && poll(&ready, 1, STILL_MS) == 0) {
            moves = !stands_still(child, &taken);
            if (!moves)
                kill(child, SIGKILL);
            continue;
        }
        ssize_t count = read(from, part, sizeof part);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        for (ssize_t i = 0; i < count && used < room - 1; i++)
            text[used++] = (unsigned char)part[i] < ' ' ? ' ' : part[i];
    }
    text[used] = '\0';
    return moves;
}

static enum status outcome(pid_t child, const char *said, struct failure *why)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return fail(why, STATUS_REJECT, "a test run of libbabeltrace2 could not be started: %s",
                        strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return STATUS_OK;
    bool killed = WIFSIGNALED(status);
    return fail(why, STATUS_REJECT, "libbabeltrace2 fails on this trace with %s %d%s%s",
                killed ? "signal" : "exit", killed ? WTERMSIG(status) : WEXITSTATUS(status),
                *said != '\0' ? ": " : "", said);
}

/* *moved: false if the child was blocked. */
static enum status try_once(void (*use)(void *context), void *context, bool *moved,
                            struct failure *why)
{
    int ends[2];
    char said[256];
    *moved = true;
    if (pipe(ends) != 0)
        return fail(why, STATUS_REJECT, "a test run of libbabeltrace2 could not be started: %s",
                    strerror(errno));
    pthread_rwlock_wrlock(&uses);
    pid_t child = fork();
    if (child == 0)
        try_in_child(use, context, ends[1]);
    pthread_rwlock_unlock(&uses);
    close(ends[1]);
    enum status status = STATUS_OK;
    if (child < 0) {
        status = fail(why, STATUS_REJECT, "a test run of libbabeltrace2 could not be started: %s",
                      strerror(errno));
    } else {
        *moved = listen_to(ends[0], child, said, sizeof said);
        status = outcome(child, said, why);
    }
    close(ends[0]);
    return status;
}

enum status bt2_trial(void (*use)(void *context), void *context, struct failure *why)
{
    bool moved = false;
    enum status status = STATUS_OK;
    for (int i = 0; i < TRIALS && !moved; i++)
        status = try_once(use, context, &moved, why);
    return moved ? status : fail(why, STATUS_REJECT, "libbabeltrace2 hangs on this trace");
}
