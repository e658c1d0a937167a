/* Paths that the agent may not read: logged at the begin and the end of the trouble, and not ready
 * meanwhile. Otherwise it would go unnoticed: an empty folder looks the same. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/memory.h"

/* CHUNK/ust/pid/NAME/index/FILE. */
enum { CHUNK_DEPTH = 7 };

struct trouble {
    char *path;
    int code;
};

struct access {
    struct trouble *at;
    size_t count, room;
};

struct access *access_new(void)
{
    return memory_new(sizeof(struct access));
}

void access_free(struct access *access)
{
    for (size_t i = 0; access && i < access->count; i++)
        free(access->at[i].path);
    free(access ? access->at : NULL);
    free(access);
}

/* 0, or the error code. A missing path is no trouble: it may have been deleted meanwhile. */
static int check(const char *path, bool is_folder)
{
    int mode = is_folder ? R_OK | X_OK : R_OK;
    if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 || errno == ENOENT || errno == ENOTDIR)
        return 0;
    return errno;
}

void access_trouble(struct agent *agent, const char *path, int code)
{
    struct access *access = agent->access;
    for (size_t i = 0; i < access->count; i++)
        if (access->at[i].code == code && strcmp(access->at[i].path, path) == 0)
            return;
    access->at = memory_grow(access->at, &access->room, access->count + 1, sizeof *access->at);
    access->at[access->count++] = (struct trouble){memory_string(text_of(path)), code};
    log_say(service_log(agent->service), LOG_WARNING, "cannot be read", log_text("path", path),
            log_text("why", strerror(code)), log_integer("errno", code));
}

/* Whether the trouble persists: the path may become readable, or be deleted. A path that was
 * missing is a watched folder. */
static bool is_still_there(const struct trouble *trouble)
{
    struct stat stat_of;
    if (trouble->code == ENOENT)
        return stat(trouble->path, &stat_of) != 0;
    bool is_folder = stat(trouble->path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
    return check(trouble->path, is_folder) == trouble->code;
}

void access_round(struct agent *agent)
{
    struct access *access = agent->access;
    size_t kept = 0;
    bool refused = false;
    for (size_t i = 0; i < access->count; i++) {
        struct trouble *trouble = &access->at[i];
        if (is_still_there(trouble)) {
            refused |= trouble->code != ENOENT;
            access->at[kept++] = *trouble;
            continue;
        }
        log_say(service_log(agent->service), LOG_INFO, "readable again",
                log_text("path", trouble->path));
        free(trouble->path);
    }
    access->count = kept;
    metrics_set(service_metrics(agent->service), METRIC_UNREADABLE, 0, (int64_t)kept);
    health_ready(service_health(agent->service), !refused,
                 "a folder or file of a session cannot be read; see the log");
}

/* The first unreadable path below, which the caller frees; NULL if all are readable. */
static char *find_unreadable(const char *path, unsigned depth, int *code)
{
    struct stat stat_of;
    bool is_folder = stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
    *code = check(path, is_folder);
    if (*code != 0)
        return memory_string(text_of(path));
    DIR *folder = is_folder && depth > 0 ? opendir(path) : NULL;
    struct dirent *entry;
    char *found = NULL;
    while (folder && !found && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        char *below = memory_format("%s/%s", path, entry->d_name);
        found = find_unreadable(below, depth - 1, code);
        free(below);
    }
    if (folder)
        closedir(folder);
    return found;
}

bool access_folder(struct agent *agent, const char *path)
{
    int code = check(path, true);
    if (code != 0)
        access_trouble(agent, path, code);
    return code == 0;
}

enum status access_below(struct agent *agent, const char *path, struct failure *why)
{
    int code;
    char *found = find_unreadable(path, CHUNK_DEPTH, &code);
    if (!found)
        return STATUS_OK;
    access_trouble(agent, found, code);
    fail(why, STATUS_RETRY, "%s: %s", found, strerror(code));
    free(found);
    return STATUS_RETRY;
}
