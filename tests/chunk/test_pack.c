#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <unistd.h>

#include "chunk/pack.h"
#include "mapper/decode/reader.h"
#include "mapper/follow_threads.h"
#include "tests/chunk/fake_trace.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

enum { CHUNKS = 4 };

static struct chunk_list recorded(void)
{
    struct chunk_list list = {.at = NULL};
    cr_assert(eq(int, chunk_list_add(&list, TEST_DATA "/thumbnails", NULL), STATUS_OK));
    cr_assert(eq(int, chunk_list_finish(&list, NULL), STATUS_OK));
    cr_assert(eq(sz, list.count, CHUNKS));
    return list;
}

/* FNV-1a over time, class and slots. Source: draft-eastlake-fnv. */
static uint64_t digest_of(const struct chunk *chunk)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    struct schema *schema = schema_new(NULL);
    struct reader *reader;
    const struct event *events;
    size_t count;
    cr_assert(eq(int, reader_open(chunk_traces(chunk), schema, NULL, &reader, NULL), STATUS_OK));
    while (reader_next(reader, &events, &count, NULL) == STATUS_OK)
        for (size_t i = 0; i < count; i++) {
            uint64_t parts[] = {events[i].time_ns,
                                events[i].class->id,
                                (uint64_t)events[i].cpu,
                                (uint64_t)events[i].value[0],
                                (uint64_t)events[i].value[2],
                                events[i].text[0].count};
            for (size_t j = 0; j < sizeof parts; j++)
                hash = (hash ^ ((const uint8_t *)parts)[j]) * UINT64_C(1099511628211);
        }
    reader_close(reader);
    schema_free(schema);
    return hash;
}

static struct bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert(ne(ptr, file, NULL), "%s", path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *at = memory_new(size);
    cr_assert(eq(sz, fread(at, 1, size, file), size));
    fclose(file);
    return (struct bytes){at, size};
}

static void pack(const struct chunk_list *list, size_t index, const char *path)
{
    struct thread_directory threads = {.at = NULL};
    struct archive_effort effort = {.level = 1};
    struct failure why;
    for (size_t i = 0; i < index; i++)
        cr_assert(eq(int, follow_threads(&threads, &list->at[i], NULL, &why), STATUS_OK));
    cr_assert(eq(int, pack_chunk(list, index, &threads, path, effort, &why), STATUS_OK));
    thread_directory_clear(&threads);
}

Test(pack, makes_archives_that_read_like_the_folders_in_any_order)
{
    char folder[] = "/tmp/test-pack-XXXXXX";
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    struct chunk_list list = recorded(), packed = {.at = NULL};
    char *paths[CHUNKS];
    for (size_t i = CHUNKS; i-- > 0;) {
        struct failure why;
        paths[i] = memory_format("%s/%zu.tar.zst", folder, CHUNKS - i);
        pack(&list, i, paths[i]);
        cr_assert(eq(int, chunk_list_add(&packed, paths[i], &why), STATUS_OK));
    }
    cr_assert(eq(int, chunk_list_finish(&packed, NULL), STATUS_OK));
    cr_assert(eq(sz, packed.count, CHUNKS));
    for (size_t i = 0; i < CHUNKS; i++) {
        const struct chunk_ref *a = &list.at[i], *b = &packed.at[i];
        struct chunk *left, *right;
        cr_expect(eq(str, a->session, b->session));
        cr_expect(eq(i64, a->number, b->number));
        cr_expect(eq(u64, a->interval.begin_ns, b->interval.begin_ns));
        cr_expect(eq(u64, a->interval.end_ns, b->interval.end_ns));
        cr_expect(eq(int, a->has_kernel_or_ust, b->has_kernel_or_ust));
        cr_assert(eq(int, chunk_open(a, NULL, &left, NULL), STATUS_OK));
        cr_assert(eq(int, chunk_open(b, NULL, &right, NULL), STATUS_OK));
        cr_expect(eq(u64, digest_of(left), digest_of(right)));
        cr_expect(eq(sz, chunk_raw_bytes(left), chunk_raw_bytes(right)));
        chunk_close(left);
        chunk_close(right);
    }
    for (size_t i = 0; i < CHUNKS; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    cr_expect(eq(int, rmdir(folder), 0), "nothing else was left there");
    chunk_list_clear(&packed);
    chunk_list_clear(&list);
}

static const struct thread_entry *thread_of(const struct chunk *chunk, int32_t tid)
{
    size_t count;
    const struct thread_entry *threads = chunk_threads(chunk, &count);
    for (size_t i = 0; i < count; i++)
        if (threads[i].tid == tid)
            return &threads[i];
    return NULL;
}

Test(pack, tells_the_threads_that_the_chunks_before_told_of)
{
    char path[] = "/tmp/test-pack-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    close(fd);
    struct chunk_list list = recorded();
    pack(&list, 2, path);
    struct bytes frame = read_file(path);
    struct chunk *chunk;
    cr_assert(eq(int, chunk_open_frame(frame, ARCHIVE_RAW_MAX, NULL, &chunk, NULL), STATUS_OK));
    cr_expect(eq(i64, chunk_facts(chunk)->number, 2));
    cr_expect(eq(i64, chunk_facts(chunk)->first_number, 0));
    cr_expect(not(chunk_facts(chunk)->final));
    cr_expect(not(chunk_threads_from_proc(chunk)));
    const struct thread_entry *init = thread_of(chunk, 1);
    cr_assert(ne(ptr, (void *)(uintptr_t)init, NULL));
    cr_expect(eq(i32, init->pid, 1));
    cr_expect(eq(int, strcmp(init->name, "init"), 0));
    /* a worker of the thumbnail server, from the state dump */
    const struct thread_entry *worker = thread_of(chunk, 354);
    cr_assert(ne(ptr, (void *)(uintptr_t)worker, NULL));
    cr_expect(eq(i32, worker->pid, 345));
    cr_expect(eq(int, strcmp(worker->name, "thumb-w0"), 0));
    chunk_close(chunk);

    pack(&list, 0, path);
    struct chunk_ref first = {.path = path, .packed = true};
    cr_assert(eq(int, chunk_open(&first, NULL, &chunk, NULL), STATUS_OK));
    size_t count;
    chunk_threads(chunk, &count);
    cr_expect(eq(sz, count, 0));
    chunk_close(chunk);
    uint8_t *mine = (uint8_t *)(uintptr_t)frame.at;
    free(mine);
    unlink(path);
    chunk_list_clear(&list);
}

/* Like an agent that died before it knew that the chunk was published. */
Test(pack, of_two_equal_archives_nothing_is_left_out)
{
    char folder[] = "/tmp/test-pack-XXXXXX";
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    struct chunk_list list = recorded(), packed = {.at = NULL};
    char *paths[2];
    for (size_t i = 0; i < 2; i++) {
        paths[i] = memory_format("%s/%zu.tar.zst", folder, i);
        pack(&list, 1, paths[i]);
        cr_assert(eq(int, chunk_list_add(&packed, paths[i], NULL), STATUS_OK));
    }
    cr_assert(eq(int, chunk_list_finish(&packed, NULL), STATUS_OK));
    cr_expect(eq(sz, packed.count, 1));
    cr_expect(eq(sz, packed.left_out, 0));
    for (size_t i = 0; i < 2; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    rmdir(folder);
    chunk_list_clear(&packed);
    chunk_list_clear(&list);
}

/* As mappers receive it: only the seam shows what the previous chunk contained. */
Test(pack, tells_of_a_received_archive_which_traces_it_lacks)
{
    static const struct thread_directory none;
    static const struct archive_facts facts = {
        .group = "host/name/now", .begin_ns = 1, .end_ns = 2, .number = 1, .has_traces = true};
    const struct bytes some = {(const uint8_t *)"packets", 7}, empty = {NULL, 0};
    const struct archive_entry entries[] = {
        {"seam/kernel/k_0", some},
        {"seam/kernel/metadata", some},
        {"seam/ust/uid/0/64-bit/u_0", empty},
        {"ust/uid/0/64-bit/metadata", some},
        {"ust/uid/0/64-bit/u_0", some},
    };
    char path[] = "/tmp/test-pack-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    close(fd);
    struct failure why;
    cr_assert(eq(int,
                 archive_pack_file(&facts, &none, entries, sizeof entries / sizeof *entries,
                                   (struct archive_effort){.level = 1}, path, &why),
                 STATUS_OK),
              "%s", why.text);
    struct bytes frame = read_file(path);
    unlink(path);
    struct chunk *chunk;
    cr_assert(eq(int, chunk_open_frame(frame, ARCHIVE_RAW_MAX, NULL, &chunk, &why), STATUS_OK),
              "%s", why.text);
    const struct trace_set *set = chunk_traces(chunk);
    cr_assert(eq(sz, set->trace_count, 2));
    const struct trace_files *kernel = &set->traces[0], *user = &set->traces[1];
    cr_expect(kernel->is_gone);
    cr_expect(kernel->follows);
    cr_expect(not(user->is_gone));
    cr_expect(user->follows, "a chunk before is in hand, if only of the other trace");
    cr_expect(user->streams[0].was_idle);
    chunk_close(chunk);
    uint8_t *mine = (uint8_t *)(uintptr_t)frame.at;
    free(mine);
}
