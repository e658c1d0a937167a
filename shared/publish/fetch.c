#include "publish/fetch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "publish/publisher.h"

enum { POLL_MS = 100, READ_ON_RECORDS = 16 };

/* --- segments --- */

/* Whether the record is the announced segment: a topic that was created again, or mirrored, has
 * other records at the same offsets. */
static enum status check_segment(const struct chunk_ready *ready, size_t index,
                                 const struct archive_segment *segment, struct failure *why)
{
    if (text_equal(segment->session, ready->session) && segment->chunk == ready->chunk &&
        segment->upload == ready->upload && segment->index == index)
        return STATUS_OK;
    return fail(why, STATUS_REJECT,
                "segment %zu at partition %d, offset %lld belongs to another upload", index,
                (int)ready->segments[index].partition, (long long)ready->segments[index].offset);
}

static enum status append_segment(const struct chunk_ready *ready, size_t index,
                                  struct bytes record, uint8_t *archive, size_t *filled,
                                  struct failure *why)
{
    struct arena arena = {.first = NULL};
    struct archive_segment segment;
    enum status status = archive_segment_decode(record, &arena, &segment, why);
    if (status == STATUS_OK)
        status = check_segment(ready, index, &segment, why);
    if (status == STATUS_OK && segment.bytes.count > ready->length - *filled)
        status = fail(why, STATUS_REJECT, "segments exceed the announced %llu bytes",
                      (unsigned long long)ready->length);
    if (status == STATUS_OK) {
        memcpy(archive + *filled, segment.bytes.at, segment.bytes.count);
        *filled += segment.bytes.count;
    }
    arena_clear(&arena);
    return status;
}

/* The position of the reader. */
struct position {
    int32_t partition; /* -1: nothing is assigned yet */
    int64_t offset;    /* of the next record */
};

/* Segments of an archive share a partition and are mostly adjacent: continuing to read is cheap,
 * while an assignment takes some hundred milliseconds. */
static enum status go_to(const struct fetch_options *options, struct segment_place place,
                         struct position *position, struct failure *why)
{
    if (place.partition == position->partition && place.offset >= position->offset &&
        place.offset - position->offset <= READ_ON_RECORDS)
        return STATUS_OK;
    struct bus_start start = {BUS_ARCHIVES, place.partition, place.offset};
    enum status status = bus_reader_assign(options->reader, &start, 1, why);
    *position = (struct position){place.partition, place.offset};
    return status;
}

static enum status say_gone(struct segment_place place, struct failure *why)
{
    return fail(why, STATUS_END,
                "the segment at partition %d, offset %lld was deleted by retention",
                (int)place.partition, (long long)place.offset);
}

/* The reader cannot continue, for the reason in `why`. RETRY, unless the partition does not exist.
 */
static enum status check_partition(const struct fetch_options *options, struct segment_place place,
                                   struct failure *why)
{
    int32_t count;
    struct failure ignored;
    if (bus_reader_partitions(options->reader, BUS_ARCHIVES, &count, &ignored) == STATUS_OK &&
        place.partition >= count)
        return say_gone(place, why);
    return STATUS_RETRY;
}

/* Reads the record at this position. */
static enum status read_segment(const struct fetch_options *options, struct segment_place place,
                                uint64_t deadline_ms, struct position *position,
                                struct bus_message *message, struct failure *why)
{
    enum status status = go_to(options, place, position, why);
    while (status == STATUS_OK) {
        status = bus_reader_poll(options->reader, POLL_MS, message, why);
        if (status == STATUS_OK && !message->end) {
            position->offset = message->offset + 1;
            if (message->offset == place.offset)
                return STATUS_OK;
            if (message->offset > place.offset)
                return say_gone(place, why);
        } else if (status == STATUS_OK && message->offset > place.offset) {
            return say_gone(place, why); /* the whole partition was deleted */
        } else if (status == STATUS_OK) {
            status = fail(why, STATUS_RETRY, "partition %d of archives ends at %lld",
                          (int)place.partition, (long long)message->offset);
        }
        if (status == STATUS_END)
            status = STATUS_OK;
        if (status == STATUS_OK &&
            (clock_ms(CLOCK_MONOTONIC) > deadline_ms ||
             (options->patience.over && options->patience.over(options->patience.context))))
            status =
                fail(why, STATUS_RETRY, "no answer for the segment at partition %d, offset %lld",
                     (int)place.partition, (long long)place.offset);
    }
    return status == STATUS_STOP ? check_partition(options, place, why) : status;
}

static enum status fetch_segments(const struct fetch_options *options,
                                  const struct chunk_ready *ready, struct bytes *out,
                                  struct failure *why)
{
    uint8_t *archive = memory_new((size_t)ready->length + 1);
    uint64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + options->timeout_ms;
    size_t filled = 0;
    struct position position = {.partition = -1};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ready->segment_count && status == STATUS_OK; i++) {
        struct bus_message message;
        status = read_segment(options, ready->segments[i], deadline_ms, &position, &message, why);
        if (status == STATUS_OK)
            status = append_segment(ready, i, message.value, archive, &filled, why);
    }
    /* Prefetched records are not needed. */
    struct failure ignored;
    enum status stopped = bus_reader_assign(options->reader, NULL, 0, &ignored);
    (void)stopped; /* the next archive reports it */
    if (status == STATUS_OK && filled != ready->length)
        status = fail(why, STATUS_REJECT, "segments have %zu bytes instead of the announced %llu",
                      filled, (unsigned long long)ready->length);
    if (status == STATUS_OK)
        *out = (struct bytes){archive, filled};
    else
        free(archive);
    return status;
}

/* --- files --- */

/* Both from realpath(). */
static bool is_below(const char *path, const char *root)
{
    size_t count = strcmp(root, "/") == 0 ? 0 : strlen(root);
    return strncmp(path, root, count) == 0 && path[count] == '/';
}

/* The path of a file:// URI, if it is below the root after resolving links; the caller frees it. */
static enum status path_of(const struct fetch_options *options, struct text uri, char **out,
                           struct failure *why)
{
    static const char scheme[] = "file://";
    size_t prefix = sizeof scheme - 1;
    if (uri.count <= prefix || memcmp(uri.at, scheme, prefix) != 0 || uri.at[prefix] != '/')
        return fail(why, STATUS_REJECT, "%.*s: only file:///PATH is read", (int)uri.count, uri.at);
    if (!options->store_root)
        return fail(why, STATUS_REJECT, "%.*s: needs --store-root", (int)uri.count, uri.at);
    char *named = memory_string((struct text){uri.at + prefix, uri.count - prefix});
    char *path = realpath(named, NULL);
    int code = errno; /* of the first failure */
    char *root = realpath(options->store_root, NULL);
    enum status status = STATUS_OK;
    if (!path || !root)
        status = fail(why, STATUS_RETRY, "%s: %s", path ? options->store_root : named,
                      strerror(path ? errno : code));
    else if (!is_below(path, root))
        status = fail(why, STATUS_REJECT, "%s: not below %s", named, root);
    free(named);
    free(root);
    if (status == STATUS_OK)
        *out = path;
    else
        free(path);
    return status;
}

static enum status fetch_file(const struct fetch_options *options, const struct chunk_ready *ready,
                              struct bytes *out, struct failure *why)
{
    char *path = NULL;
    enum status status = path_of(options, ready->uri, &path, why);
    if (status != STATUS_OK)
        return status;
    assert(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *archive = memory_new((size_t)ready->length + 1);
    size_t filled = 0;
    ssize_t count = fd < 0 ? -1 : 1;
    /* Reads one byte more than announced to detect a longer file. */
    while (count > 0 && filled <= ready->length) {
        count = read(fd, archive + filled, (size_t)ready->length + 1 - filled);
        filled += count > 0 ? (size_t)count : 0;
    }
    if (count < 0)
        status = fail(why, STATUS_RETRY, "%s: %s", path, strerror(errno));
    else if (filled != ready->length)
        status = fail(why, STATUS_REJECT, "%s: its size is not the announced %llu bytes", path,
                      (unsigned long long)ready->length);
    if (fd >= 0)
        close(fd);
    if (status == STATUS_OK)
        *out = (struct bytes){archive, filled};
    else
        free(archive);
    free(path);
    return status;
}

enum status fetch_archive(const struct fetch_options *options, const struct chunk_ready *ready,
                          struct bytes *out, struct failure *why)
{
    *out = (struct bytes){NULL, 0};
    if (ready->length > options->stored_max)
        return fail(why, STATUS_REJECT, "an archive of %llu bytes exceeds the limit of %zu",
                    (unsigned long long)ready->length, options->stored_max);
    enum status status = STATUS_OK;
    if (ready->segment_count > 0) {
        status = fetch_segments(options, ready, out, why);
    } else if (ready->uri.count > 0) {
        status = fetch_file(options, ready, out, why);
    } else {
        uint8_t *copy = memory_new(ready->archive.count + 1);
        memcpy(copy, ready->archive.at, ready->archive.count);
        *out = (struct bytes){copy, ready->archive.count};
    }
    if (status == STATUS_OK && archive_digest(*out) != ready->digest) {
        status =
            fail(why, STATUS_REJECT, "the digest of the archive differs from the announced one");
        free((void *)(uintptr_t)out->at);
        *out = (struct bytes){NULL, 0};
    }
    return status;
}
