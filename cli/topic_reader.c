#include "cli/topic_reader.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

/* How long to ask again: some questions wait for seconds, others are answered at once, by a broker
 * that does not lead the partition any more. */
enum { ASK_MS = 10000, ASK_PAUSE_MS = 200 };

/* Number of empty polls after which it checks whether partitions were added. */
enum { LOOK_POLLS = 200 };

/* The callback that ends retries. */
struct patience {
    uint64_t since_ms;
    bool (*over)(void *context);
    void *context;
};

bool topic_ask_again(uint64_t since_ms, enum status status)
{
    if (status != STATUS_RETRY || clock_ms(CLOCK_MONOTONIC) - since_ms > ASK_MS)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = ASK_PAUSE_MS * 1000000L}, NULL);
    return true;
}

static bool ask_again(const struct patience *patience, enum status status)
{
    return !(patience->over && patience->over(patience->context)) &&
           topic_ask_again(patience->since_ms, status);
}

/* The start offset of a partition with records from `first` on. */
static enum status find_start(struct topic_reader *reader, int32_t partition,
                              const struct topic_from *from, int64_t first, int64_t *start,
                              struct failure *why)
{
    int64_t end = reader->partitions[partition].end;
    enum status status = STATUS_OK;
    *start = first;
    switch (from->begin) {
    case TOPIC_FIRST: break;
    case TOPIC_END: *start = end; break;
    case TOPIC_OFFSETS: *start = from->offsets[partition]; break;
    case TOPIC_TIME:
        status =
            bus_reader_at_time(reader->bus, reader->topic, partition, from->time_ms, start, why);
        break;
    }
    if (status == STATUS_OK && *start < first)
        *start = first;
    return status;
}

static enum status find_starts(struct topic_reader *reader, const struct topic_from *from,
                               struct bus_start *starts, const struct patience *patience,
                               struct failure *why)
{
    for (int32_t i = 0; i < reader->count; i++) {
        struct topic_partition *partition = &reader->partitions[i];
        int64_t first = 0;
        enum status status;
        do {
            status = bus_reader_range(reader->bus, reader->topic, i, &first, &partition->end, why);
            if (status == STATUS_OK)
                status = find_start(reader, i, from, first, &partition->next, why);
        } while (ask_again(patience, status));
        if (status != STATUS_OK)
            return status;
        partition->read = partition->next >= partition->end;
        reader->unread += !partition->read;
        starts[i] =
            (struct bus_start){.topic = reader->topic, .partition = i, .offset = partition->next};
    }
    return STATUS_OK;
}

static enum status open_reader(struct topic_reader *reader, const struct bus_settings *settings,
                               enum bus_topic topic, const struct topic_from *from,
                               struct patience patience, struct failure *why)
{
    *reader = (struct topic_reader){.topic = topic};
    enum status status = bus_reader_new(settings, true, &reader->bus, why);
    if (status != STATUS_OK)
        return status;
    do
        status = bus_reader_partitions(reader->bus, topic, &reader->count, why);
    while (ask_again(&patience, status));
    if (status != STATUS_OK)
        return status;
    size_t count = (size_t)reader->count;
    reader->partitions = memory_new(count * sizeof *reader->partitions);
    struct bus_start *starts = memory_new(count * sizeof *starts);
    status = find_starts(reader, from, starts, &patience, why);
    if (status == STATUS_OK)
        status = bus_reader_assign(reader->bus, starts, count, why);
    free(starts);
    return status;
}

enum status topic_reader_open(struct topic_reader *reader, const struct bus_settings *settings,
                              enum bus_topic topic, const struct topic_from *from,
                              bool (*over)(void *context), void *context, struct failure *why)
{
    struct patience patience = {
        .since_ms = clock_ms(CLOCK_MONOTONIC), .over = over, .context = context};
    enum status status = open_reader(reader, settings, topic, from, patience, why);
    if (status == STATUS_RETRY)
        failure_prefix(why, "no answer from brokers at %s", settings->brokers);
    return status;
}

void topic_reader_close(struct topic_reader *reader)
{
    bus_reader_free(reader->bus);
    free(reader->partitions);
    *reader = (struct topic_reader){.bus = NULL};
}

/* END, or STOP: partitions were added, which are not read. */
static enum status look_for_more(struct topic_reader *reader, struct failure *why)
{
    int32_t count;
    struct failure ignored;
    if (++reader->idle_polls % LOOK_POLLS != 0 ||
        bus_reader_partitions(reader->bus, reader->topic, &count, &ignored) != STATUS_OK ||
        count <= reader->count)
        return STATUS_END;
    return fail(why, STATUS_STOP,
                "the topic now has %d partitions instead of %d; restart to read all of them",
                (int)count, (int)reader->count);
}

enum status topic_reader_poll(struct topic_reader *reader, int timeout_ms, struct bus_message *out,
                              struct failure *why)
{
    enum status status = bus_reader_poll(reader->bus, timeout_ms, out, why);
    if (status == STATUS_END)
        return look_for_more(reader, why);
    if (status != STATUS_OK || out->partition < 0 || out->partition >= reader->count)
        return status;
    struct topic_partition *partition = &reader->partitions[out->partition];
    partition->next = out->end ? out->offset : out->offset + 1;
    if (!partition->read && (out->end || out->offset + 1 >= partition->end)) {
        partition->read = true;
        reader->unread--;
    }
    return status;
}

enum status topic_reader_renew(struct topic_reader *reader, struct failure *why)
{
    for (int32_t i = 0; i < reader->count; i++) {
        struct topic_partition *partition = &reader->partitions[i];
        int64_t first;
        enum status status =
            bus_reader_range(reader->bus, reader->topic, i, &first, &partition->end, why);
        if (status != STATUS_OK)
            return status;
        bool read = partition->next >= partition->end;
        reader->unread += partition->read && !read;
        reader->unread -= !partition->read && read;
        partition->read = read;
    }
    return STATUS_OK;
}

bool topic_reader_is_read(const struct topic_reader *reader)
{
    return reader->unread == 0;
}
