#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file_map.h"

enum { PAGES = 8, PAGE = 4096 };

static char *file_of_pages(char *path)
{
    static char bytes[PAGES * PAGE];
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    memset(bytes, 'x', sizeof bytes);
    cr_assert(eq(long, (long)write(fd, bytes, sizeof bytes), (long)sizeof bytes));
    close(fd);
    return path;
}

static struct bytes mapped(const char *path, struct file_map **map)
{
    struct failure why = {""};
    cr_assert(eq(int, file_map_open(path, map, &why), STATUS_OK), "%s", why.text);
    return file_map_bytes(*map);
}

Test(file_map, of_a_file_that_shrinks_reads_zeros_and_tells)
{
    static const size_t LEFT[] = {0, 1, PAGE, 3 * PAGE + 100};
    for (size_t i = 0; i < 4; i++) {
        char path[] = "/tmp/spanmill-file-map-XXXXXX", expected[128];
        struct file_map *map, *other;
        struct failure why = {""};
        struct bytes bytes = mapped(file_of_pages(path), &map);
        cr_expect(eq(int, file_map_check(map, &why), STATUS_OK));
        cr_assert(eq(int, truncate(path, (off_t)LEFT[i]), 0));
        size_t count = 0;
        for (size_t j = 0; j < bytes.count; j++)
            count += bytes.at[j] == 'x';
        cr_expect(eq(sz, count, LEFT[i]));
        cr_expect(eq(int, file_map_check(map, &why), STATUS_REJECT));
        snprintf(expected, sizeof expected, "%s: truncated while it was being read", path);
        cr_expect(eq(str, why.text, expected));
        cr_expect(eq(sz, mapped(path, &other).count, LEFT[i])); /* a new file has the same
                                                                 * content */
        cr_expect(eq(int, file_map_check(other, &why), STATUS_OK));
        file_map_close(other);
        file_map_close(map);
        unlink(path);
    }
}

Test(file_map, tells_also_where_nothing_was_touched)
{
    char path[] = "/tmp/spanmill-file-map-XXXXXX";
    struct file_map *map;
    struct failure why = {""};
    mapped(file_of_pages(path), &map);
    cr_assert(eq(int, truncate(path, PAGES * PAGE - 1), 0));
    cr_expect(eq(int, file_map_check(map, &why), STATUS_REJECT));
    file_map_close(map);
    unlink(path);
}

Test(file_map, that_is_removed_or_grows_is_whole)
{
    char path[] = "/tmp/spanmill-file-map-XXXXXX";
    struct file_map *map;
    struct failure why = {""};
    struct bytes bytes = mapped(file_of_pages(path), &map);
    cr_assert(eq(int, truncate(path, 2 * PAGES * PAGE), 0));
    cr_expect(eq(int, file_map_check(map, &why), STATUS_OK));
    unlink(path);
    cr_expect(eq(u8, bytes.at[bytes.count - 1], 'x'));
    cr_expect(eq(int, file_map_check(map, &why), STATUS_OK));
    file_map_close(map);
    cr_expect(eq(int, file_map_open(path, &map, &why), STATUS_REJECT));
    cr_expect(eq(int, strncmp(why.text, path, strlen(path)), 0), "%s", why.text);
}

/* A sanitizer has its own handler, which reports the signal. */
#ifndef __SANITIZE_ADDRESS__
static void touch_nothing(void)
{
    char path[] = "/tmp/spanmill-file-map-XXXXXX";
    struct file_map *map;
    mapped(file_of_pages(path), &map); /* the handler is there */
    unlink(path);
    raise(SIGBUS);
}

/* A fault outside of a mapped file still kills the process. */
Test(file_map, leaves_other_bus_errors_alone)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        touch_nothing();
        _exit(0);
    }
    cr_assert(eq(long, (long)waitpid(child, &status, 0), (long)child));
    bool killed = WIFSIGNALED(status);
    cr_expect(killed && WTERMSIG(status) == SIGBUS, "status %d", status);
}
#endif
