/* announcements BROKERS PREFIX FOLDER [STORE_ROOT] -- what was announced to a pool: a line of JSON for
 * each record of its chunks, in the order of their partitions. Archives are fetched as a mapper
 * fetches them, into FOLDER/PARTITION-OFFSET.tar.zst. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "publish/fetch.h"

enum { ANSWER_MS = 5000, FETCH_MS = 20000 };

struct reading {
    struct bus_reader *chunks, *archives;
    const char *folder, *store_root;
};

static enum status fetch(const struct reading *reading, const struct chunk_ready *ready,
                         const struct bus_message *message, struct failure *why)
{
    struct fetch_options options = {.reader = reading->archives,
                                    .store_root = reading->store_root,
                                    .stored_max = 256 << 20,
                                    .timeout_ms = FETCH_MS};
    struct bytes archive;
    enum status status = fetch_archive(&options, ready, &archive, why);
    if (status != STATUS_OK)
        return status;
    char *path = memory_format("%s/%d-%lld.tar.zst", reading->folder, (int)message->partition,
                               (long long)message->offset);
    FILE *file = fopen(path, "we");
    if (!file || fwrite(archive.at, 1, archive.count, file) != archive.count || fclose(file) != 0)
        status = fail(why, STATUS_STOP, "%s: cannot be written", path);
    free(path);
    free((void *)(uintptr_t)archive.at);
    return status;
}

static void put(const char *name, struct text text)
{
    printf("\"%s\": \"", name);
    for (size_t i = 0; i < text.count; i++)
        printf(text.at[i] == '"' || text.at[i] == '\\' ? "\\%c" : "%c", text.at[i]);
    printf("\", ");
}

static void tell(const struct chunk_ready *ready, const struct bus_message *message)
{
    printf("{");
    put("key", message->key);
    put("session", ready->session);
    put("reason", ready->lost_reason);
    printf("\"chunk\": %llu, \"first\": %llu, \"begin\": %llu, \"end\": %llu, \"final\": %s, "
           "\"lost\": %s, \"place\": \"%s\", \"length\": %llu, \"file\": \"%d-%lld.tar.zst\"}\n",
           (unsigned long long)ready->chunk, (unsigned long long)ready->first_chunk,
           (unsigned long long)ready->begin_ns, (unsigned long long)ready->end_ns,
           ready->final ? "true" : "false", ready->lost ? "true" : "false",
           ready->segment_count > 0 ? "segments"
           : ready->uri.count > 0   ? "file"
                                    : "inline",
           (unsigned long long)ready->length, (int)message->partition, (long long)message->offset);
}

static enum status read_partition(const struct reading *reading, int32_t partition,
                                  struct failure *why)
{
    struct bus_start start = {BUS_CHUNKS, partition, 0};
    enum status status = bus_reader_assign(reading->chunks, &start, 1, why);
    while (status == STATUS_OK) {
        struct bus_message message;
        status = bus_reader_poll(reading->chunks, ANSWER_MS, &message, why);
        if (status == STATUS_END)
            return fail(why, STATUS_RETRY, "no record, and no end of partition %d", partition);
        if (status != STATUS_OK || message.end)
            break;
        struct arena arena = {.first = NULL};
        struct chunk_ready ready;
        status = chunk_ready_decode(message.value, &arena, &ready, why);
        if (status == STATUS_OK && !ready.lost)
            status = fetch(reading, &ready, &message, why);
        if (status == STATUS_OK)
            tell(&ready, &message);
        arena_clear(&arena);
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: %s BROKERS PREFIX FOLDER [STORE_ROOT]\n", argv[0]);
        return 2;
    }
    struct bus_settings settings = {.brokers = argv[1], .prefix = argv[2]};
    struct reading reading = {.folder = argv[3], .store_root = argc > 4 ? argv[4] : NULL};
    struct failure why;
    int32_t partitions = 0;
    enum status status = bus_reader_new(&settings, true, &reading.chunks, &why);
    if (status == STATUS_OK)
        status = bus_reader_new(&settings, false, &reading.archives, &why);
    if (status == STATUS_OK)
        status = bus_reader_partitions(reading.chunks, BUS_CHUNKS, &partitions, &why);
    for (int32_t i = 0; i < partitions && status == STATUS_OK; i++)
        status = read_partition(&reading, i, &why);
    bus_reader_free(reading.chunks);
    bus_reader_free(reading.archives);
    if (status != STATUS_OK)
        fprintf(stderr, "%s: %s\n", argv[0], why.text);
    return status != STATUS_OK;
}
