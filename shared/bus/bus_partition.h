/* bus/bus_partition.h -- which partition a key belongs to, as Kafka's own clients decide it. */
#ifndef BUS_BUS_PARTITION_H
#define BUS_BUS_PARTITION_H

#include <stdint.h>

#include "base/bytes.h"

/* MurmurHash2 with Kafka's seed. Source: org.apache.kafka.common.utils.Utils.murmur2. */
uint32_t bus_murmur2(struct text key);

/* The partition of Kafka's default partitioner, of `count` partitions. */
int32_t bus_partition(struct text key, int32_t count);

#endif
