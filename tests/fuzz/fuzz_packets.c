/* Any bytes as the metadata and the packets of a trace: read to the end by spanmill's reader. */
#include <assert.h>
#include <string.h>

#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "trace/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte that an event points to. */
static size_t touched(const struct event *event)
{
    size_t sum = strlen(event->class->name) + (event->call ? strlen(event->call->name) : 0);
    const struct text texts[] = {event->text[0], event->text[1], event->procname};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t j = 0; j < texts[i].count; j++)
            sum += texts[i].at[j] != 0;
    for (size_t i = 0; i < event->int_count; i++)
        sum += event->ints[i] != 0;
    return sum;
}

static void read_all(const struct trace_set *set, size_t bits)
{
    struct schema *schema = schema_new(NULL);
    struct reader_choice choice = {.kind = readers_by_name("spanmill")};
    struct reader *reader;
    uint64_t last_ns = 0;
    size_t events = 0, sum = 0;
    if (reader_open_as(&choice, set, schema, NULL, &reader, NULL) == STATUS_OK) {
        const struct event *batch;
        size_t count;
        while (reader_next(reader, &batch, &count, NULL) == STATUS_OK) {
            for (size_t i = 0; i < count; i++) {
                assert(batch[i].time_ns >= last_ns);
                last_ns = batch[i].time_ns;
                events += batch[i].kind != EVENT_LOSS;
                sum += touched(&batch[i]);
            }
        }
        assert(events <= bits);
        assert(sum <= (size_t)-1 / 2);
        reader_close(reader);
    }
    schema_free(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* First the length of the metadata, then the division of the rest. */
    if (size < 4)
        return 0;
    size_t first = (size_t)data[0] << 8 | data[1];
    struct bytes rest = {data + 4, size - 4};
    if (first > rest.count)
        first = rest.count;
    struct bytes packets = {rest.at + first, rest.count - first};
    size_t seam = packets.count * data[2] / 256, one = (packets.count - seam) * data[3] / 256;

    char name[] = "kernel", streams[2][8] = {"c_0", "c_1"};
    struct stream_file files[2] = {
        {.name = streams[0],
         .seam = {packets.at, seam},
         .data = {packets.at + seam, one},
         .index = {packets.at, seam}},
        {.name = streams[1], .data = {packets.at + seam + one, packets.count - seam - one}},
    };
    struct trace_files trace = {
        .name = name, .metadata = {rest.at, first}, .streams = files, .stream_count = 2};
    read_all(&(struct trace_set){&trace, 1}, packets.count * 8);
    return 0;
}
