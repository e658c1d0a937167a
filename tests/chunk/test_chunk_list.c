#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chunk/chunk.h"
#include "chunk/pack.h"
#include "tests/chunk/fake_trace.h"

/* A folder tree created by a test and removed at its end. */
static char root[64];

static void make_root(void)
{
    snprintf(root, sizeof root, "/tmp/test-chunk-list-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(root), NULL));
}

static int remove_one(const char *path, const struct stat *stat_of, int type, struct FTW *ftw)
{
    (void)stat_of;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_root(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(chunk_list, .init = make_root, .fini = remove_root);

static void make_file(const char *name, struct bytes data)
{
    char *path = memory_format("%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    cr_assert(ne(ptr, file, NULL), "%s", path);
    if (data.count > 0)
        cr_assert(eq(sz, fwrite(data.at, 1, data.count, file), data.count));
    cr_assert(eq(int, fclose(file), 0));
    free(path);
}

/* A trace with one stream of these packets. */
static void make_trace(const char *folder, const char *created, const struct fake_packet *packets,
                       size_t count)
{
    char *text = fake_metadata("kernel", "web1", "s", created);
    char *name = memory_format("%s/metadata", folder);
    make_file(name, fake_bytes(text));
    free(name);
    free(text);
    struct fake_file file = {.at = NULL};
    for (size_t i = 0; i < count; i++)
        fake_add(&file, packets[i], NULL, 0);
    name = memory_format("%s/channel0_0", folder);
    make_file(name, fake_data(&file));
    free(name);
    fake_clear(&file);
}

static const char CREATED[] = "20260101T000000+0000";

/* Chunk `number` of a session: one packet, from `begin` to `end`. */
static void make_chunk(const char *folder, int number, uint64_t begin, uint64_t end)
{
    char *name = memory_format("%s/20260101T%06d+0000-20260101T000100+0000-%d/kernel", folder,
                               100 - number, number); /* times that mislead */
    make_trace(name, CREATED,
               &(struct fake_packet){.begin = begin, .end = end, .sequence = (uint64_t)number}, 1);
    free(name);
}

static struct chunk_list list_of(const char *name)
{
    struct chunk_list list = {.at = NULL};
    struct failure why = {.text = ""};
    char *path = memory_format("%s/%s", root, name);
    cr_assert(eq(int, chunk_list_add(&list, path, &why), STATUS_OK), "%s", why.text);
    cr_assert(eq(int, chunk_list_finish(&list, &why), STATUS_OK), "%s", why.text);
    free(path);
    return list;
}

static void expect_interval(const struct chunk_ref *ref, int64_t number, uint64_t begin_ns,
                            uint64_t end_ns)
{
    cr_expect(eq(i64, ref->number, number));
    cr_expect(eq(u64, ref->interval.begin_ns, begin_ns), "begin of %s", ref->path);
    cr_expect(eq(u64, ref->interval.end_ns, end_ns), "end of %s", ref->path);
}

Test(chunk_list, orders_chunks_by_number_and_cuts_at_the_first_packets)
{
    for (int i = 0; i < 12; i++)
        make_chunk("session/archives", i, (uint64_t)(100 * i), (uint64_t)(100 * i + 120));
    struct chunk_list list = list_of("session");
    cr_assert(eq(sz, list.count, 12));
    expect_interval(&list.at[0], 0, 0, 100);
    expect_interval(&list.at[9], 9, 900, 1000);
    expect_interval(&list.at[10], 10, 1000, 1100);
    expect_interval(&list.at[11], 11, 1100, INTERVAL_OPEN);
    cr_expect(eq(ptr, list.at[0].seam_path, NULL));
    cr_expect(eq(str, list.at[10].seam_path, list.at[9].path));
    for (size_t i = 0; i < list.count; i++)
        cr_expect(not(list.at[i].gap_before));
    chunk_list_clear(&list);
}

Test(chunk_list, finds_the_same_in_every_layout)
{
    static const char *const FOLDERS[] = {"chunks", "lttng/traces/session/archives",
                                          "relayd/host/session-20260101/archives"};
    static const char *const NAMED[] = {"chunks", "lttng", "relayd"};
    for (size_t i = 0; i < 3; i++) {
        make_chunk(FOLDERS[i], 3, 300, 420);
        make_chunk(FOLDERS[i], 4, 400, 520);
        struct chunk_list list = list_of(NAMED[i]);
        cr_assert(eq(sz, list.count, 2), "%s", NAMED[i]);
        expect_interval(&list.at[0], 3, 0, 400);
        expect_interval(&list.at[1], 4, 400, INTERVAL_OPEN);
        cr_expect(list.at[1].has_kernel_or_ust);
        chunk_list_clear(&list);
    }
}

Test(chunk_list, takes_a_plain_trace_as_one_open_chunk)
{
    make_trace("plain", "", &(struct fake_packet){.begin = 7, .end = 9}, 1);
    make_trace("session/kernel", "", &(struct fake_packet){.begin = 7, .end = 9}, 1);
    struct chunk_list list = list_of("plain");
    cr_assert(eq(sz, list.count, 1));
    expect_interval(&list.at[0], 0, 0, INTERVAL_OPEN);
    cr_expect(list.at[0].has_kernel_or_ust);
    chunk_list_clear(&list);
    list = list_of("session");
    cr_assert(eq(sz, list.count, 1));
    expect_interval(&list.at[0], 0, 0, INTERVAL_OPEN);
    chunk_list_clear(&list);
}

Test(chunk_list, marks_what_comes_behind_a_missing_chunk)
{
    make_chunk("session/archives", 1, 100, 220);
    make_chunk("session/archives", 3, 300, 420);
    make_chunk("session/archives", 4, 400, 520);
    struct chunk_list list = list_of("session");
    cr_assert(eq(sz, list.count, 3));
    expect_interval(&list.at[0], 1, 0, 221);
    expect_interval(&list.at[1], 3, 300, 400);
    cr_expect(not(list.at[0].gap_before));
    cr_expect(list.at[1].gap_before);
    cr_expect(eq(ptr, list.at[1].seam_path, NULL));
    cr_expect(not(list.at[2].gap_before));
    cr_expect(ne(ptr, list.at[2].seam_path, NULL));
    chunk_list_clear(&list);
}

Test(chunk_list, drops_a_chunk_that_is_there_twice)
{
    make_chunk("a/archives", 0, 0, 120);
    make_chunk("a/archives", 1, 100, 220);
    make_chunk("copy", 1, 100, 220);
    struct chunk_list list = list_of(".");
    cr_assert(eq(sz, list.count, 2));
    chunk_list_clear(&list);
}

Test(chunk_list, joins_chunks_of_one_session_wherever_they_lie)
{
    make_chunk("here", 1, 100, 220);
    make_chunk("there", 2, 200, 320);
    struct chunk_list list = list_of(".");
    cr_assert(eq(sz, list.count, 2));
    cr_expect(eq(str, list.at[0].session, list.at[1].session));
    expect_interval(&list.at[0], 1, 0, 200);
    expect_interval(&list.at[1], 2, 200, INTERVAL_OPEN);
    chunk_list_clear(&list);
}

Test(chunk_list, puts_what_a_session_still_records_last)
{
    make_chunk("session/archives", 0, 0, 120);
    make_chunk("session/archives", 1, 100, 220);
    make_trace("session/kernel", CREATED,
               &(struct fake_packet){.begin = 200, .end = 250, .sequence = 2}, 1);
    struct chunk_list list = list_of("session");
    cr_assert(eq(sz, list.count, 3));
    expect_interval(&list.at[2], 2, 200, INTERVAL_OPEN);
    chunk_list_clear(&list);
}

static void make_growing(const char *name, uint64_t begin)
{
    make_trace(name, CREATED, &(struct fake_packet){.begin = begin, .end = begin + 9}, 1);
}

Test(chunk_list, takes_what_was_recorded_since_the_last_rotation_by_its_number)
{
    make_chunk("session/archives", 0, 0, 120);
    make_chunk("session/archives", 1, 100, 220);
    make_growing("session/20260101T000200+0000-3/kernel", 300);
    struct chunk_list list = list_of("session");
    cr_assert(eq(sz, list.count, 3));
    expect_interval(&list.at[2], 3, 300, INTERVAL_OPEN);
    cr_expect(list.at[2].growing && list.at[2].gap_before && !list.at[1].growing);
    chunk_list_clear(&list);
    list = (struct chunk_list){.archived_only = true};
    char *path = memory_format("%s/session", root);
    cr_assert(eq(int, chunk_list_add(&list, path, NULL), STATUS_OK));
    cr_expect(eq(sz, list.count, 2));
    free(path);
    chunk_list_clear(&list);
}

Test(chunk_list, takes_the_archived_chunk_of_two_with_one_number)
{
    make_chunk("session/archives", 0, 0, 120);
    make_growing("session/20260101T000200+0000-0/kernel", 0);
    struct chunk_list list = list_of("session");
    cr_assert(eq(sz, list.count, 1));
    cr_expect(list.at[0].growing == false);
    chunk_list_clear(&list);
}

Test(chunk_list, leaves_out_what_a_session_has_not_yet_recorded)
{
    make_chunk("session/archives", 0, 0, 120);
    make_trace("session/kernel", CREATED, NULL, 0);
    struct chunk_list list = list_of("session");
    cr_expect(eq(sz, list.count, 1));
    chunk_list_clear(&list);
}

Test(chunk_list, takes_each_snapshot_as_a_session_of_its_own)
{
    make_trace("session/snapshot-1-20260101-000001-0/kernel", CREATED,
               &(struct fake_packet){.begin = 100, .end = 200, .sequence = 7}, 1);
    make_trace("session/snapshot-2-20260101-000002-1/kernel", CREATED,
               &(struct fake_packet){.begin = 150, .end = 300, .sequence = 8}, 1);
    struct chunk_list list = list_of("session");
    cr_assert(eq(sz, list.count, 2));
    cr_expect(ne(str, list.at[0].session, list.at[1].session));
    cr_expect(eq(str, list.at[0].snapshot, "snapshot-1-20260101-000001-0"));
    expect_interval(&list.at[0], 0, 0, INTERVAL_OPEN);
    expect_interval(&list.at[1], 0, 0, INTERVAL_OPEN);
    chunk_list_clear(&list);
}

Test(chunk_list, begins_where_losses_begin_that_only_the_next_chunk_tells_of)
{
    /* the last packet before the rotation ends at 150, the first one after it begins at 200 */
    make_chunk("session/archives", 0, 0, 150);
    make_trace("session/archives/20260101T000001+0000-20260101T000002+0000-1/kernel", CREATED,
               &(struct fake_packet){.begin = 200, .end = 300, .sequence = 1, .discarded = 5}, 1);
    struct chunk_list list = list_of("session");
    expect_interval(&list.at[0], 0, 0, 150);
    expect_interval(&list.at[1], 1, 150, INTERVAL_OPEN);
    chunk_list_clear(&list);
}

Test(chunk_list, gives_a_chunk_without_packets_no_time)
{
    make_chunk("session/archives", 0, 0, 120);
    make_trace("session/archives/20260101T000001+0000-20260101T000002+0000-1/kernel", CREATED, NULL,
               0);
    make_chunk("session/archives", 2, 200, 320);
    struct chunk_list list = list_of("session");
    cr_assert(eq(sz, list.count, 3));
    expect_interval(&list.at[0], 0, 0, list.at[1].interval.begin_ns);
    cr_expect(eq(u64, list.at[1].interval.begin_ns, list.at[1].interval.end_ns));
    expect_interval(&list.at[2], 2, list.at[1].interval.end_ns, INTERVAL_OPEN);
    cr_expect(eq(str, list.at[2].seam_path, list.at[0].path));
    chunk_list_clear(&list);
}

static void count_warning(void *context, const char *sentence)
{
    (void)sentence;
    ++*(size_t *)context;
}

Test(chunk_list, says_what_is_left_out)
{
    make_chunk("session", 0, 0, 120);
    make_file("session/damaged.tar.zst", fake_bytes("no archive"));
    size_t warnings = 0;
    struct chunk_list list = {.say = count_warning, .context = &warnings};
    struct failure why;
    cr_assert(eq(int, chunk_list_add(&list, root, &why), STATUS_OK));
    cr_expect(eq(int, chunk_list_finish(&list, &why), STATUS_OK));
    cr_expect(eq(sz, list.count, 1));
    cr_expect(eq(sz, warnings, 1));
    chunk_list_clear(&list);
}

Test(chunk_list, refuses_what_is_no_trace)
{
    struct chunk_list list = {.at = NULL};
    struct failure why;
    make_file("folder/readme", fake_bytes("hello"));
    cr_expect(eq(int, chunk_list_add(&list, root, &why), STATUS_REJECT));
    cr_expect(eq(int, chunk_list_add(&list, "/nonexistent", &why), STATUS_REJECT));
    cr_expect(ne(ptr, strstr(why.text, "/nonexistent"), NULL));
    chunk_list_clear(&list);
}

/* Copies chunk `from` as chunk `to`: a packet of chunk N begins at 100 * N and has number N. */
static void make_copy(const char *folder, int from, int to)
{
    char *name = memory_format("%s/20260101T%06d+0000-20260101T000100+0000-%d/kernel", folder,
                               100 - from, to);
    make_trace(name, CREATED,
               &(struct fake_packet){.begin = (uint64_t)(100 * from),
                                     .end = (uint64_t)(100 * from + 120),
                                     .sequence = (uint64_t)from},
               1);
    free(name);
}

struct said {
    size_t count;
    char last[512];
};

static void hear(void *context, const char *sentence)
{
    struct said *said = context;
    said->count++;
    snprintf(said->last, sizeof said->last, "%s", sentence);
}

/* Chunks 0 to 4 except `missing`, and a copy of `from` as `to`: exactly the copy is left out. */
static void expect_left_out(int missing, int from, int to)
{
    char folder[64], path[128];
    snprintf(folder, sizeof folder, "s%d%d%d/archives", missing + 1, from, to);
    for (int i = 0; i < 5; i++)
        if (i != missing)
            make_chunk(folder, i, (uint64_t)(100 * i), (uint64_t)(100 * i + 120));
    make_copy(folder, from, to);
    struct said said = {.count = 0};
    struct chunk_list list = {.say = hear, .context = &said};
    struct failure why;
    snprintf(path, sizeof path, "%s/%s", root, folder);
    cr_assert(eq(int, chunk_list_add(&list, path, &why), STATUS_OK), "%s", why.text);
    cr_assert(eq(int, chunk_list_finish(&list, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(sz, list.count, missing < 0 ? 5 : 4), "%s", path);
    for (size_t i = 0; i < list.count; i++) {
        const struct chunk_ref *ref = &list.at[i];
        int64_t number = (int64_t)i + (missing >= 0 && (int64_t)i >= missing);
        cr_expect(eq(i64, ref->number, number), "%s", path);
        if (i > 0)
            cr_expect(eq(u64, ref->interval.begin_ns, (uint64_t)(100 * number)), "%s", path);
    }
    cr_expect(eq(sz, said.count, 1), "%s", path);
    snprintf(path, sizeof path, "same packets as chunk %d of the session", from);
    cr_expect(ne(ptr, strstr(said.last, path), NULL), "%s", said.last);
    chunk_list_clear(&list);
}

Test(chunk_list, leaves_out_a_copy_under_another_number_and_not_what_it_copies)
{
    expect_left_out(-1, 1, 5); /* a new number */
    expect_left_out(-1, 4, 9);
    expect_left_out(2, 0, 2); /* the number of a lost chunk */
    expect_left_out(2, 1, 2);
    expect_left_out(2, 3, 2);
    expect_left_out(2, 4, 2);
    expect_left_out(0, 3, 0);
    expect_left_out(0, 1, 0);  /* before all others */
    expect_left_out(-1, 1, 3); /* the number of another chunk */
    expect_left_out(-1, 3, 1);
}

Test(chunk_list, names_the_path_of_a_chunk_once)
{
    const struct chunk_ref ref = {.path = (char *)(uintptr_t) "s/c-1"};
    cr_expect(
        eq(str, (char *)(uintptr_t)chunk_reason(&ref, "s/c-1/kernel: denied"), "kernel: denied"));
    cr_expect(eq(str, (char *)(uintptr_t)chunk_reason(&ref, "s/c-1: s/c-1: denied"), "denied"));
    cr_expect(eq(str, (char *)(uintptr_t)chunk_reason(&ref, "s/c-10: denied"), "s/c-10: denied"));
}
