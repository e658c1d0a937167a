#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

/* Space to leave free, besides the requested bytes. */
static const size_t SPARE_BYTES = (size_t)64 << 20;

#define NAME_BEGIN "spanmill-"

/* Newer folders may not be locked yet. */
enum { STALE_S = 60 };

struct stage {
    char *root;
    int lock;     /* held on the root while it is in use */
    char **paths; /* its contents, in the order of creation */
    size_t count, room;
};

static bool has_room(const char *folder, size_t bytes)
{
    struct statvfs stat_of;
    return statvfs(folder, &stat_of) == 0 &&
           (uint64_t)stat_of.f_bavail * stat_of.f_frsize >= (uint64_t)bytes + SPARE_BYTES;
}

static const char *choose(size_t bytes)
{
    const char *chosen = getenv("TMPDIR");
    if (chosen != NULL && *chosen != '\0')
        return chosen;
    return access("/dev/shm", W_OK) == 0 && has_room("/dev/shm", bytes) ? "/dev/shm" : "/tmp";
}

static int locked(const char *root)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Removes the contents of a folder, with subfolders to a depth of `depth`. */
static void empty(const char *folder, int depth)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *path = memory_format("%s/%s", folder, entry->d_name);
        struct stat stat_of;
        if (depth > 0 && lstat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode))
            empty(path, depth - 1);
        remove(path);
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
}

/* Removes the folders of killed processes: a folder whose lock is free has no owner any more. */
static void sweep(const char *parent)
{
    DIR *dir = opendir(parent);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, NAME_BEGIN, sizeof NAME_BEGIN - 1) != 0)
            continue;
        char *root = memory_format("%s/%s", parent, entry->d_name);
        struct stat stat_of;
        if (lstat(root, &stat_of) == 0 && S_ISDIR(stat_of.st_mode) && stat_of.st_uid == geteuid() &&
            stat_of.st_mtime + STALE_S < time(NULL)) {
            int lock = locked(root);
            if (lock >= 0) {
                empty(root, 1);
                remove(root);
                close(lock);
            }
        }
        free(root);
    }
    if (dir != NULL)
        closedir(dir);
}

enum status stage_open(size_t bytes, struct stage **out, struct failure *why)
{
    *out = NULL;
    const char *parent = choose(bytes);
    sweep(parent);
    if (!has_room(parent, bytes))
        return fail(why, STATUS_REJECT,
                    "%s: no space for %zu bytes (set TMPDIR to use another folder)", parent, bytes);
    char *root = memory_format("%s/" NAME_BEGIN "XXXXXX", parent);
    if (mkdtemp(root) == NULL) {
        enum status status = fail(why, STATUS_REJECT, "%s: %s", root, strerror(errno));
        free(root);
        return status;
    }
    *out = memory_new(sizeof **out);
    (*out)->root = root;
    (*out)->lock = locked(root);
    return STATUS_OK;
}

static const char *remember(struct stage *stage, char *take_path)
{
    stage->paths = memory_grow(stage->paths, &stage->room, stage->count + 1, sizeof *stage->paths);
    stage->paths[stage->count++] = take_path;
    return take_path;
}

enum status stage_folder(struct stage *stage, const char **path, struct failure *why)
{
    *path = remember(stage, memory_format("%s/%zu", stage->root, stage->count));
    if (mkdir(*path, 0700) != 0)
        return fail(why, STATUS_REJECT, "%s: %s", *path, strerror(errno));
    return STATUS_OK;
}

static bool write_all(int fd, struct bytes bytes)
{
    while (bytes.count > 0) {
        ssize_t done = write(fd, bytes.at, bytes.count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        bytes.at += done;
        bytes.count -= (size_t)done;
    }
    return true;
}

enum status stage_write(struct stage *stage, const char *folder, const char *name,
                        const struct bytes *parts, size_t part_count, struct failure *why)
{
    const char *path = remember(stage, memory_format("%s/%s", folder, name));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0;
    for (size_t i = 0; i < part_count && written; i++)
        written = write_all(fd, parts[i]);
    enum status status =
        written ? STATUS_OK : fail(why, STATUS_REJECT, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

enum status stage_link(struct stage *stage, const char *folder, const char *name,
                       const char *target, struct failure *why)
{
    const char *path = remember(stage, memory_format("%s/%s", folder, name));
    char *real = realpath(target, NULL);
    enum status status = STATUS_OK;
    if (real == NULL || symlink(real, path) != 0)
        status = fail(why, STATUS_REJECT, "%s: %s", real == NULL ? target : path, strerror(errno));
    free(real);
    return status;
}

void stage_close(struct stage *stage)
{
    if (stage == NULL)
        return;
    for (size_t i = stage->count; i-- > 0;) { /* what was created last is deepest */
        remove(stage->paths[i]);
        free(stage->paths[i]);
    }
    free(stage->paths);
    remove(stage->root);
    if (stage->lock >= 0)
        close(stage->lock);
    free(stage->root);
    free(stage);
}
