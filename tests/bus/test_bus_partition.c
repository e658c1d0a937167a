/* Keys go to the partitions that Kafka's own clients choose. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "bus/bus_partition.h"

/* Source: org.apache.kafka.common.utils.UtilsTest, testMurmur2(). */
Test(partition, hashes_like_kafka)
{
    static const struct {
        const char *key;
        int32_t hash;
    } rows[] = {{"21", -973932308},
                {"foobar", -790332482},
                {"a-little-bit-long-string", -985981536},
                {"a-little-bit-longer-string", -1486304829},
                {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
                {"abc", 479470107}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(eq(i32, (int32_t)bus_murmur2(text_of(rows[i].key)), rows[i].hash), "%s",
                  rows[i].key);
}

/* The partitions chosen by Kafka's console producer, of 16. */
Test(partition, chooses_like_kafka)
{
    static const struct {
        const char *key;
        int32_t partition;
    } rows[] = {{"a", 12},
                {"ab", 10},
                {"abc", 11},
                {"abcd", 4},
                {"abcde", 13},
                {"x/y/z/1234567", 4},
                {"web1/s:3/20260101-000000", 6},
                {"host/shop/20261122-113000", 11},
                {"node-1/auto-20261122-101112/2026-11-22T10:11:12.123+0100", 11},
                {"Zürich/größe/1", 9},
                {"漢字/セッション", 9}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(eq(i32, bus_partition(text_of(rows[i].key), 16), rows[i].partition), "%s",
                  rows[i].key);
}
