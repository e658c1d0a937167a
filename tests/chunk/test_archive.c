#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>
#include <zstd.h>

#include "chunk/archive.h"
#include "tests/chunk/fake_trace.h"

static enum status keep(void *context, struct bytes bytes, struct failure *why)
{
    (void)why;
    fake_put(context, bytes.at, bytes.count);
    return STATUS_OK;
}

static struct archive_facts some_facts(void)
{
    return (struct archive_facts){.host = "web1",
                                  .session = "a=b",
                                  .created = "20260101T000000+0000",
                                  .clock_uuid = {1, 2, 0xff},
                                  .group = "web1/a=b/20260101T000000+0000/0102ff",
                                  .number = 17,
                                  .first_number = 3,
                                  .begin_ns = 5,
                                  .end_ns = UINT64_MAX,
                                  .final = true,
                                  .has_traces = true};
}

static enum status pack_with(struct archive_effort effort, const char *const *names, size_t count,
                             struct fake_file *out, struct failure *why)
{
    struct archive_entry entries[8];
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct archive_entry){names[i], fake_bytes(names[i])};
    struct archive_facts facts = some_facts();
    struct thread_directory threads = {.at = NULL};
    thread_directory_add(&threads, 4)->pid = 2;
    struct archive_sink sink = {keep, out};
    enum status status = archive_pack(&facts, &threads, entries, count, effort, &sink, why);
    thread_directory_clear(&threads);
    return status;
}

static enum status pack(const char *const *names, size_t count, struct fake_file *out,
                        struct failure *why)
{
    return pack_with((struct archive_effort){.level = ARCHIVE_LEVEL, .checksum = true}, names,
                     count, out, why);
}

static const char *const NAMES[] = {"kernel/kchan_0", "kernel/metadata", "seam/kernel/kchan_0"};

Test(archive, gives_back_what_was_packed)
{
    struct fake_file frame = {.at = NULL};
    cr_assert(eq(int, pack(NAMES, 3, &frame, NULL), STATUS_OK));
    struct archive *archive;
    cr_assert(
        eq(int, archive_open(fake_data(&frame), ARCHIVE_RAW_MAX, NULL, &archive, NULL), STATUS_OK));
    const struct archive_facts *facts = archive_facts(archive);
    cr_expect(eq(str, (char *)(uintptr_t)facts->host, "web1"));
    cr_expect(eq(str, (char *)(uintptr_t)facts->session, "a=b"));
    cr_expect(eq(str, (char *)(uintptr_t)facts->snapshot, ""));
    cr_expect(eq(int, facts->clock_uuid[2], 0xff));
    cr_expect(eq(i64, facts->number, 17));
    cr_expect(eq(i64, facts->first_number, 3));
    cr_expect(eq(u64, facts->begin_ns, 5));
    cr_expect(eq(u64, facts->end_ns, UINT64_MAX));
    cr_expect(facts->final);
    cr_expect(eq(sz, archive_threads(archive)->count, 1));
    size_t count;
    const struct tar_entry *entries = archive_entries(archive, &count);
    cr_assert(eq(sz, count, 3));
    for (size_t i = 0; i < count; i++) {
        cr_expect(eq(int, strcmp(entries[i].name, NAMES[i]), 0));
        cr_expect(eq(sz, entries[i].data.count, strlen(NAMES[i])));
        cr_expect(eq(int, memcmp(entries[i].data.at, NAMES[i], strlen(NAMES[i])), 0));
    }
    archive_close(archive);
    fake_clear(&frame);
}

Test(archive, is_the_same_bytes_for_the_same_content)
{
    struct fake_file a = {.at = NULL}, b = {.at = NULL};
    cr_assert(eq(int, pack(NAMES, 3, &a, NULL), STATUS_OK));
    cr_assert(eq(int, pack(NAMES, 3, &b, NULL), STATUS_OK));
    cr_assert(eq(sz, a.count, b.count));
    cr_expect(eq(int, memcmp(a.at, b.at, a.count), 0));
    fake_clear(&a);
    fake_clear(&b);
}

Test(archive, tells_its_facts_without_being_unpacked)
{
    struct fake_file frame = {.at = NULL};
    cr_assert(eq(int, pack(NAMES, 3, &frame, NULL), STATUS_OK));
    struct archive_facts facts;
    cr_assert(eq(int, archive_peek(fake_data(&frame), &facts, NULL), STATUS_OK));
    cr_expect(eq(i64, facts.number, 17));
    fake_clear(&frame);
}

Test(archive, is_refused_if_cut_anywhere)
{
    struct fake_file frame = {.at = NULL};
    cr_assert(eq(int, pack(NAMES, 3, &frame, NULL), STATUS_OK));
    for (size_t count = 0; count < frame.count; count++) {
        uint8_t *part = memory_new(count);
        memcpy(part, frame.at, count);
        struct archive *archive;
        struct failure why;
        cr_expect(
            eq(int,
               archive_open((struct bytes){part, count}, ARCHIVE_RAW_MAX, NULL, &archive, &why),
               STATUS_REJECT),
            "cut at %zu", count);
        cr_expect(eq(ptr, archive, NULL));
        free(part);
    }
    fake_clear(&frame);
}

Test(archive, is_refused_if_any_byte_is_changed)
{
    struct fake_file frame = {.at = NULL};
    cr_assert(eq(int, pack(NAMES, 3, &frame, NULL), STATUS_OK));
    size_t refused = 0;
    for (size_t i = 0; i < frame.count; i++) {
        frame.at[i] ^= 0x41;
        struct archive *archive;
        refused +=
            archive_open(fake_data(&frame), ARCHIVE_RAW_MAX, NULL, &archive, NULL) == STATUS_REJECT;
        archive_close(archive);
        frame.at[i] ^= 0x41;
    }
    cr_expect(eq(sz, refused, frame.count));
    fake_clear(&frame);
}

Test(archive, without_a_checksum_of_zstd_never_breaks_the_reader)
{
    struct fake_file frame = {.at = NULL};
    cr_assert(
        eq(int, pack_with((struct archive_effort){.level = 1}, NAMES, 3, &frame, NULL), STATUS_OK));
    struct archive *archive;
    cr_assert(
        eq(int, archive_open(fake_data(&frame), ARCHIVE_RAW_MAX, NULL, &archive, NULL), STATUS_OK));
    archive_close(archive);
    for (size_t i = 0; i < frame.count; i++) {
        frame.at[i] ^= 0x41;
        if (archive_open(fake_data(&frame), ARCHIVE_RAW_MAX, NULL, &archive, NULL) == STATUS_OK)
            archive_close(archive);
        frame.at[i] ^= 0x41;
    }
    fake_clear(&frame);
}

Test(archive, with_something_behind_it_is_refused)
{
    struct fake_file frame = {.at = NULL};
    cr_assert(eq(int, pack(NAMES, 3, &frame, NULL), STATUS_OK));
    fake_number(&frame, 0, 1);
    struct archive *archive;
    cr_expect(eq(int, archive_open(fake_data(&frame), ARCHIVE_RAW_MAX, NULL, &archive, NULL),
                 STATUS_REJECT));
    fake_clear(&frame);
}

Test(archive, over_the_limit_is_refused_whether_it_says_so_or_not)
{
    struct fake_file frame = {.at = NULL};
    cr_assert(eq(int, pack(NAMES, 3, &frame, NULL), STATUS_OK));
    struct archive *archive;
    struct failure why;
    size_t raw = (size_t)ZSTD_getFrameContentSize(frame.at, frame.count);
    cr_assert(eq(int, archive_open(fake_data(&frame), raw, NULL, &archive, &why), STATUS_OK));
    archive_close(archive);
    cr_expect(eq(int, archive_open(fake_data(&frame), raw - 1, NULL, &archive, &why), STATUS_END));

    /* the same tar in a frame that states no size */
    uint8_t *tar = memory_new(raw), *silent = memory_new(raw + 1024);
    cr_assert(eq(sz, ZSTD_decompress(tar, raw, frame.at, frame.count), raw));
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    size_t size = ZSTD_compress2(zstd, silent, raw + 1024, tar, raw);
    ZSTD_freeCCtx(zstd);
    cr_assert(
        eq(int, archive_open((struct bytes){silent, size}, raw, NULL, &archive, &why), STATUS_OK));
    archive_close(archive);
    cr_expect(eq(int, archive_open((struct bytes){silent, size}, raw - 1, NULL, &archive, &why),
                 STATUS_END));
    free(silent);
    free(tar);
    fake_clear(&frame);
}

Test(archive, with_a_name_twice_is_refused)
{
    static const char *const TWICE[] = {"kernel/a", "kernel/a"};
    struct fake_file frame = {.at = NULL};
    cr_assert(eq(int, pack(TWICE, 2, &frame, NULL), STATUS_OK));
    struct archive *archive;
    cr_expect(eq(int, archive_open(fake_data(&frame), ARCHIVE_RAW_MAX, NULL, &archive, NULL),
                 STATUS_REJECT));
    fake_clear(&frame);
}

Test(archive, is_not_written_with_facts_of_two_lines)
{
    struct archive_facts facts = some_facts();
    snprintf(facts.session, sizeof facts.session, "a\nnumber=4");
    struct thread_directory threads = {.at = NULL};
    struct fake_file frame = {.at = NULL};
    struct archive_sink sink = {keep, &frame};
    struct failure why;
    cr_expect(eq(
        int,
        archive_pack(&facts, &threads, NULL, 0, (struct archive_effort){.level = 3}, &sink, &why),
        STATUS_REJECT));
    fake_clear(&frame);
}

Test(archive, into_a_folder_that_is_not_there_leaves_nothing)
{
    struct archive_facts facts = some_facts();
    struct thread_directory threads = {.at = NULL};
    struct failure why;
    cr_expect(eq(int,
                 archive_pack_file(&facts, &threads, NULL, 0, (struct archive_effort){.level = 3},
                                   "/nonexistent/x.tar.zst", &why),
                 STATUS_RETRY));

    char folder[] = "/tmp/test-archive-XXXXXX";
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    char *path = memory_format("%s/x.tar.zst", folder);
    cr_assert(eq(int,
                 archive_pack_file(&facts, &threads, NULL, 0, (struct archive_effort){.level = 3},
                                   path, &why),
                 STATUS_OK));
    cr_expect(eq(int, unlink(path), 0));
    cr_expect(eq(int, rmdir(folder), 0), "nothing else was left there");
    free(path);
}
