#include "cli/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static enum status open_temporary(struct report_file *file, const char *path, struct failure *why)
{
    /* A symbolic link is kept. */
    char *real = realpath(path, NULL);
    file->path = real ? real : memory_string(text_of(path));
    file->temporary = memory_format("%s.XXXXXX", file->path);
    int fd = mkstemp(file->temporary);
    if (fd < 0) {
        enum status status = fail(why, STATUS_REJECT, "%s: %s", path, strerror(errno));
        free(file->temporary);
        file->temporary = NULL;
        return status;
    }
    struct stat before;
    mode_t mask = umask(0);
    umask(mask);
    mode_t mode = stat(file->path, &before) == 0 ? before.st_mode & 0777 : 0666 & ~mask;
    int ignored = fchmod(fd, mode);
    (void)ignored; /* some file systems have no modes */
    file->out = fdopen(fd, "w");
    return STATUS_OK;
}

enum status report_file_open(struct report_file *file, const char *path, struct failure *why)
{
    *file = (struct report_file){.out = stdout};
    if (!path)
        return STATUS_OK;
    struct stat there;
    enum status status = STATUS_OK;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) {
        file->out = fopen(path, "we");
        file->path = memory_string(text_of(path));
        if (!file->out)
            status = fail(why, STATUS_REJECT, "%s: %s", path, strerror(errno));
    } else {
        file->out = NULL;
        status = open_temporary(file, path, why);
    }
    if (status == STATUS_OK)
        return STATUS_OK;
    report_file_drop(file);
    return status;
}

enum status report_file_close(struct report_file *file, struct failure *why)
{
    if (!file->path) {
        if (fflush(stdout) == 0 && !ferror(stdout))
            return STATUS_OK;
        return fail(why, STATUS_REJECT, "stdout: %s", strerror(errno));
    }
    bool bad = ferror(file->out) != 0;
    errno = bad ? EIO : 0;
    bad |= fflush(file->out) != 0;
    bad |= fclose(file->out) != 0;
    file->out = NULL;
    if (!bad && file->temporary)
        bad = rename(file->temporary, file->path) != 0;
    enum status status = STATUS_OK;
    if (bad) {
        status = fail(why, STATUS_REJECT, "%s: %s", file->path, strerror(errno));
        report_file_drop(file);
    }
    free(file->temporary);
    free(file->path);
    *file = (struct report_file){.out = NULL};
    return status;
}

void report_file_drop(struct report_file *file)
{
    if (file->path && file->out)
        fclose(file->out);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (struct report_file){.out = NULL};
}
