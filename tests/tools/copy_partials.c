/* copy_partials BROKERS FROM_PREFIX TO_PREFIX -- every record of one pool's partials to another's, into
 * the same partitions, in their order: what a second group of reducers would read. */
#include <stdio.h>
#include <stdlib.h>

#include "bus/producer.h"
#include "bus/bus_reader.h"

static enum status copy_partition(struct bus_reader *reader, struct bus_producer *producer,
                                  int32_t partition, unsigned *count, struct failure *why)
{
    struct bus_start start = {BUS_PARTIALS, partition, 0};
    enum status status = bus_reader_assign(reader, &start, 1, why);
    while (status == STATUS_OK) {
        struct bus_message message;
        status = bus_reader_poll(reader, 5000, &message, why);
        if (status == STATUS_END)
            status = fail(why, STATUS_RETRY, "no record, and no end of partition %d", partition);
        if (status != STATUS_OK || message.end)
            break;
        struct bus_record record = {.topic = BUS_PARTIALS,
                                    .partition = partition,
                                    .key = message.key,
                                    .value = message.value};
        status = bus_deliver(producer, &record, 1, 10000, NULL, NULL, why);
        ++*count;
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s BROKERS FROM_PREFIX TO_PREFIX\n", argv[0]);
        return 2;
    }
    struct bus_settings from = {.brokers = argv[1], .prefix = argv[2]};
    struct bus_settings to = {.brokers = argv[1], .prefix = argv[3]};
    struct bus_reader *reader = NULL;
    struct bus_producer *producer = NULL;
    struct failure why;
    int32_t partitions = 0;
    unsigned count = 0;
    enum status status = bus_reader_new(&from, true, &reader, &why);
    if (status == STATUS_OK)
        status = bus_producer_new(&to, NULL, NULL, &producer, &why);
    if (status == STATUS_OK)
        status = bus_reader_partitions(reader, BUS_PARTIALS, &partitions, &why);
    for (int32_t i = 0; i < partitions && status == STATUS_OK; i++)
        status = copy_partition(reader, producer, i, &count, &why);
    bus_producer_free(producer);
    bus_reader_free(reader);
    if (status != STATUS_OK)
        fprintf(stderr, "%s: %s\n", argv[0], why.text);
    else
        printf("%u records\n", count);
    return status != STATUS_OK;
}
