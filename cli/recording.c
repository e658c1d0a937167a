#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

extern char **environ;

enum { WAIT_MS = 2000, LISTED_MAX_BYTES = 1 << 20 };

/* Sockets as lttng looks for them: root's, then the user's. */
static bool daemon_is_there(void)
{
    if (access("/var/run/lttng/client-lttng-sessiond", F_OK) == 0)
        return true;
    const char *home = getenv("LTTNG_HOME");
    if (home == NULL)
        home = getenv("HOME");
    if (home == NULL)
        return false;
    char *path = memory_format("%s/.lttng/client-lttng-sessiond", home);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* Starts `lttng list`, with its output in *out. -1: failed. */
static pid_t start_list(int *out)
{
    static char lttng[] = "lttng", alone[] = "--no-sessiond", mi[] = "--mi", xml[] = "xml",
                list[] = "list";
    char *const arguments[] = {lttng, alone, mi, xml, list, NULL};
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t pid;
    if (posix_spawnp(&pid, lttng, &actions, &attributes, arguments, environ) != 0)
        pid = -1;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *out = ends[0];
    if (pid < 0)
        close(ends[0]);
    return pid;
}

/* The sessions of the daemon as XML, which the caller frees; NULL: no answer. */
static char *listed(void)
{
    int from;
    pid_t pid = start_list(&from);
    if (pid < 0)
        return NULL;
    size_t count = 0;
    char *text = memory_new(LISTED_MAX_BYTES + 1);
    ssize_t got = 1;
    while (got > 0 && count < LISTED_MAX_BYTES) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        if (poll(&ready, 1, WAIT_MS) <= 0)
            break;
        got = read(from, text + count, LISTED_MAX_BYTES - count);
        count += got > 0 ? (size_t)got : 0;
    }
    if (got != 0)
        kill(pid, SIGKILL);
    close(from);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    text[count] = '\0';
    return text;
}

/* The text of an element, with references replaced; NULL: not in [at, end). The caller frees it. */
static char *element(const char *at, const char *end, const char *name)
{
    static const struct {
        const char *reference, *is;
    } REFERENCES[] = {
        {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}};
    const char *begin = strstr(at, name);
    if (begin == NULL || begin >= end)
        return NULL;
    begin += strlen(name);
    char *text = memory_new((size_t)(end - begin) + 1), *to = text;
    while (begin < end && *begin != '<') {
        size_t step = 1;
        char is = *begin;
        for (size_t i = 0; i < sizeof REFERENCES / sizeof *REFERENCES; i++) {
            size_t length = strlen(REFERENCES[i].reference);
            if (strncmp(begin, REFERENCES[i].reference, length) == 0) {
                is = *REFERENCES[i].is;
                step = length;
            }
        }
        *to++ = is;
        begin += step;
    }
    *to = '\0';
    return text;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return length > 1 && strncmp(path, folder, length) == 0 &&
           (path[length] == '\0' || path[length] == '/');
}

/* Marks chunks in the folder of an active session. */
static void mark(struct chunk_list *list, const char *session, const char *end)
{
    char *enabled = element(session, end, "<enabled>");
    char *path = element(session, end, "<path>");
    char *folder = path != NULL ? realpath(path, NULL) : NULL;
    for (size_t i = 0; i < list->count && folder != NULL && enabled != NULL; i++) {
        struct chunk_ref *ref = &list->at[i];
        char *real = ref->growing && !ref->packed ? realpath(ref->path, NULL) : NULL;
        if (real != NULL && strcmp(enabled, "true") == 0)
            ref->recorded |= is_below(real, folder);
        free(real);
    }
    free(folder);
    free(path);
    free(enabled);
}

void recording_mark(struct chunk_list *list)
{
    bool any = false;
    for (size_t i = 0; i < list->count; i++)
        any |= list->at[i].growing && !list->at[i].packed;
    char *xml = any && daemon_is_there() ? listed() : NULL;
    for (const char *at = xml; at != NULL && (at = strstr(at, "<session>")) != NULL;) {
        const char *end = strstr(at, "</session>");
        if (end == NULL)
            break;
        mark(list, at, end);
        at = end;
    }
    free(xml);
}
