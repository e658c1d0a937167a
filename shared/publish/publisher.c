#include "publish/publisher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/memory.h"

enum { DELIVERY_MS = 60000 };

struct publisher {
    struct publisher_options options;
    struct bus_producer *producer; /* NULL: not created yet */
    struct publisher_counts counts;
};

uint64_t archive_digest(struct bytes archive)
{
    return XXH3_64bits(archive.at, archive.count);
}

struct publisher *publisher_new(const struct publisher_options *options)
{
    struct publisher *publisher = memory_new(sizeof *publisher);
    publisher->options = *options;
    if (publisher->options.inline_max == 0 || publisher->options.inline_max > CHUNK_INLINE_MAX)
        publisher->options.inline_max = CHUNK_INLINE_MAX;
    if (publisher->options.segment_bytes == 0)
        publisher->options.segment_bytes = PUBLISH_SEGMENT_BYTES;
    if (publisher->options.timeout_ms == 0)
        publisher->options.timeout_ms = DELIVERY_MS;
    return publisher;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    bus_producer_free(publisher->producer);
    free(publisher);
}

/* Idempotent producers may fail permanently when a broker restarts (before librdkafka 2.3.0): then
 * the next try uses a new one. */
static enum status deliver(struct publisher *publisher, const struct bus_record *records,
                           size_t count, struct bus_place *places, struct failure *why)
{
    enum status status = STATUS_OK;
    if (!publisher->producer)
        status = bus_producer_new(publisher->options.bus, NULL, &publisher->options.patience,
                                  &publisher->producer, why);
    if (status != STATUS_OK)
        return status == STATUS_REJECT ? STATUS_STOP : status;
    status = bus_deliver(publisher->producer, records, count, publisher->options.timeout_ms,
                         &publisher->options.patience, places, why);
    if (status == STATUS_STOP) {
        bus_producer_free(publisher->producer);
        publisher->producer = NULL;
        status = STATUS_RETRY;
    }
    return status;
}

static char *key_of(const struct chunk_ready *ready)
{
    return memory_format("%.*s/%llu", (int)ready->session.count, ready->session.at,
                         (unsigned long long)ready->chunk);
}

/* --- storing --- */

static enum status store_segments(struct publisher *publisher, struct chunk_ready *ready,
                                  struct text key, struct bytes archive, struct arena *arena,
                                  struct failure *why)
{
    size_t size = publisher->options.segment_bytes;
    size_t count = (archive.count + size - 1) / size;
    if (count > CHUNK_SEGMENTS_MAX)
        return fail(why, STATUS_REJECT, "%zu segments", count);
    if (getrandom(&ready->upload, sizeof ready->upload, 0) != (ssize_t)sizeof ready->upload)
        return fail(why, STATUS_RETRY, "no random number: %s", strerror(errno));
    struct bus_place *places = arena_take(arena, count * sizeof *places);
    struct segment_place *segments = arena_take(arena, count * sizeof *segments);
    for (size_t i = 0; i < count; i++) {
        size_t begin = i * size;
        size_t bytes = archive.count - begin < size ? archive.count - begin : size;
        struct arena record_arena = {.first = NULL};
        struct archive_segment segment = {.session = ready->session,
                                          .chunk = ready->chunk,
                                          .upload = ready->upload,
                                          .index = (uint32_t)i,
                                          .bytes = {archive.at + begin, bytes}};
        struct bus_record record = {.topic = BUS_ARCHIVES,
                                    .partition = -1,
                                    .route = key,
                                    .key = key,
                                    .value = archive_segment_encode(&segment, &record_arena)};
        enum status status = deliver(publisher, &record, 1, &places[i], why);
        arena_clear(&record_arena);
        if (status != STATUS_OK)
            return status;
        segments[i] = (struct segment_place){places[i].partition, places[i].offset};
        publisher->counts.segments++;
    }
    ready->segments = segments;
    ready->segment_count = count;
    return STATUS_OK;
}

static enum status write_all(int fd, struct bytes bytes)
{
    for (size_t at = 0; at < bytes.count;) {
        ssize_t count = write(fd, bytes.at + at, bytes.count - at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return STATUS_RETRY;
        at += (size_t)count;
    }
    return STATUS_OK;
}

/* Makes a new name in a folder durable. */
static enum status sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = fd >= 0 && fsync(fd) == 0 ? STATUS_OK : STATUS_RETRY;
    if (fd >= 0)
        close(fd);
    return status;
}

/* Writes a file atomically. */
static enum status store_file(struct publisher *publisher, struct chunk_ready *ready,
                              struct bytes archive, struct arena *arena, struct failure *why)
{
    if (!publisher->options.store_root)
        return fail(
            why, STATUS_REJECT,
            "an archive of %zu bytes is too large for segments, and --store-root is not set",
            archive.count);
    char *root = realpath(publisher->options.store_root, NULL);
    if (!root)
        return fail(why, STATUS_RETRY, "%s: %s", publisher->options.store_root, strerror(errno));
    char *path = memory_format("%s/%016llx-%llu.tar.zst", root, (unsigned long long)ready->digest,
                               (unsigned long long)ready->chunk);
    char *beside = memory_format("%s.%ld", path, (long)getpid());
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    enum status status = fd < 0 ? STATUS_RETRY : write_all(fd, archive);
    if (status == STATUS_OK && fsync(fd) != 0)
        status = STATUS_RETRY;
    if (fd >= 0 && close(fd) != 0)
        status = STATUS_RETRY;
    if (status == STATUS_OK && (rename(beside, path) != 0 || sync_folder(root) != STATUS_OK))
        status = STATUS_RETRY;
    if (status == STATUS_OK) {
        char *uri = memory_format("file://%s", path);
        ready->uri = (struct text){arena_string(arena, text_of(uri)), strlen(uri)};
        free(uri);
    } else {
        fail(why, status, "%s: %s", beside, strerror(errno));
        if (fd >= 0)
            unlink(beside);
    }
    free(beside);
    free(path);
    free(root);
    return status;
}

static enum status store(struct publisher *publisher, struct chunk_ready *ready, struct text key,
                         struct bytes archive, struct arena *arena, struct failure *why)
{
    ready->archive = (struct bytes){NULL, 0};
    ready->segment_count = 0;
    ready->uri = (struct text){NULL, 0};
    ready->length = archive.count;
    ready->digest = archive_digest(archive);
    if (publisher->options.by_reference)
        return store_file(publisher, ready, archive, arena, why);
    if (archive.count <= publisher->options.inline_max) {
        ready->archive = archive;
        return STATUS_OK;
    }
    if (archive.count <= PUBLISH_SEGMENTS_MAX_BYTES)
        return store_segments(publisher, ready, key, archive, arena, why);
    return store_file(publisher, ready, archive, arena, why);
}

/* --- announcing --- */

static enum status announce(struct publisher *publisher, struct chunk_ready *ready, struct text key,
                            struct arena *arena, struct failure *why)
{
    ready->published_ms = (int64_t)clock_ms(CLOCK_REALTIME);
    struct bus_record record = {.topic = BUS_CHUNKS,
                                .partition = -1,
                                .route = key,
                                .key = key,
                                .value = chunk_ready_encode(ready, arena)};
    crash_point("chunk-stored");
    enum status status = deliver(publisher, &record, 1, NULL, why);
    crash_point("chunk-announced");
    return status;
}

enum status publisher_publish(struct publisher *publisher, struct chunk_ready *ready,
                              struct bytes archive, struct failure *why)
{
    struct arena arena = {.first = NULL};
    char *key = key_of(ready);
    enum status status = store(publisher, ready, text_of(key), archive, &arena, why);
    if (status == STATUS_OK)
        status = announce(publisher, ready, text_of(key), &arena, why);
    if (status == STATUS_OK) {
        publisher->counts.chunks++;
        publisher->counts.bytes += archive.count;
    }
    ready->archive = (struct bytes){NULL, 0};
    ready->segments = NULL; /* they were in the arena */
    ready->segment_count = 0;
    ready->uri = (struct text){NULL, 0};
    arena_clear(&arena);
    free(key);
    return status;
}

enum status publisher_announce_loss(struct publisher *publisher, struct chunk_ready *ready,
                                    struct failure *why)
{
    struct arena arena = {.first = NULL};
    char *key = key_of(ready);
    ready->lost = true;
    enum status status = announce(publisher, ready, text_of(key), &arena, why);
    if (status == STATUS_OK)
        publisher->counts.losses++;
    arena_clear(&arena);
    free(key);
    return status;
}

struct publisher_counts publisher_counts(const struct publisher *publisher)
{
    return publisher->counts;
}
