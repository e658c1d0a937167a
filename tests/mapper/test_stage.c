#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mapper/bt2/stage.h"
#include "tests/chunk/fake_trace.h"

static char parent[64];

static void make_parent(void)
{
    snprintf(parent, sizeof parent, "/tmp/test-stage-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(parent), NULL));
    setenv("TMPDIR", parent, 1);
}

static void remove_parent(void)
{
    cr_expect(eq(int, rmdir(parent), 0), "something was left in %s", parent);
}

TestSuite(stage, .init = make_parent, .fini = remove_parent);

Test(stage, leaves_nothing_behind)
{
    struct stage *stage;
    const char *folder;
    struct bytes parts[2] = {fake_bytes("one"), fake_bytes("two")};
    cr_assert(eq(int, stage_open(100, &stage, NULL), STATUS_OK));
    cr_assert(eq(int, stage_folder(stage, &folder, NULL), STATUS_OK));
    cr_assert(eq(int, stage_write(stage, folder, "file", parts, 2, NULL), STATUS_OK));
    cr_assert(eq(int, stage_link(stage, folder, "link", "/dev/null", NULL), STATUS_OK));
    char *path = memory_format("%s/file", folder);
    struct stat stat_of;
    cr_expect(eq(int, stat(path, &stat_of), 0));
    cr_expect(eq(sz, (size_t)stat_of.st_size, 6));
    free(path);
    struct failure why;
    cr_expect(eq(int, stage_write(stage, folder, "link", parts, 2, &why), STATUS_REJECT),
              "never through a link");
    stage_close(stage);
}

Test(stage, takes_away_what_nobody_holds_any_more)
{
    static const struct timespec LONG_AGO[2] = {{1000, 0}, {1000, 0}};
    struct stage *held, *stage;
    cr_assert(eq(int, stage_open(100, &held, NULL), STATUS_OK));
    const char *folder;
    cr_assert(eq(int, stage_folder(held, &folder, NULL), STATUS_OK));
    char *held_root = memory_format("%.*s", (int)(strrchr(folder, '/') - folder), folder);
    char *left = memory_format("%s/spanmill-killed", parent);
    char *file = memory_format("%s/file", left);
    cr_assert(eq(int, mkdir(left, 0700), 0));
    close(open(file, O_WRONLY | O_CREAT, 0600));
    utimensat(AT_FDCWD, left, LONG_AGO, 0);
    utimensat(AT_FDCWD, held_root, LONG_AGO, 0);
    cr_assert(eq(int, stage_open(100, &stage, NULL), STATUS_OK));
    cr_expect(eq(int, access(left, F_OK), -1));
    cr_expect(eq(int, access(held_root, F_OK), 0));
    stage_close(stage);
    stage_close(held);
    free(held_root);
    free(left);
    free(file);
}

Test(stage, is_refused_where_there_is_no_room)
{
    struct stage *stage;
    struct failure why;
    cr_expect(eq(int, stage_open(SIZE_MAX / 4, &stage, &why), STATUS_REJECT));
    cr_expect(ne(ptr, strstr(why.text, "no space"), NULL));
}
