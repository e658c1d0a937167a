#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/memory.h"

/* Left free for others beside what is asked for. */
static const size_t SPARE_BYTES = (size_t)64 << 20;

struct stage {
    char *root;
    char **paths; /* what is in it, in the order of making */
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

enum status stage_open(size_t bytes, struct stage **out, struct failure *why)
{
    *out = NULL;
    const char *parent = choose(bytes);
    if (!has_room(parent, bytes))
        return fail(why, STATUS_REJECT, "%s: no room for %zu bytes (set TMPDIR to choose another)",
                    parent, bytes);
    char *root = memory_format("%s/spanmill-XXXXXX", parent);
    if (mkdtemp(root) == NULL) {
        enum status status = fail(why, STATUS_REJECT, "%s: %s", root, strerror(errno));
        free(root);
        return status;
    }
    *out = memory_new(sizeof **out);
    (*out)->root = root;
    return STATUS_OK;
}

static const char *remember(struct stage *stage, char *take_path)
{
    stage->paths =
        memory_grow(stage->paths, &stage->room, stage->count + 1, sizeof *stage->paths);
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
    for (size_t i = stage->count; i-- > 0;) { /* what was made last lies deepest */
        remove(stage->paths[i]);
        free(stage->paths[i]);
    }
    free(stage->paths);
    remove(stage->root);
    free(stage->root);
    free(stage);
}
