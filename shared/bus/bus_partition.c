#include "bus/bus_partition.h"

uint32_t bus_murmur2(struct text key)
{
    static const uint32_t seed = 0x9747b28c, m = 0x5bd1e995;
    const unsigned char *at = (const unsigned char *)key.at;
    uint32_t hash = seed ^ (uint32_t)key.count;
    size_t left = key.count;
    for (; left >= 4; left -= 4, at += 4) {
        uint32_t k =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        hash = hash * m ^ k;
    }
    if (left > 2)
        hash ^= (uint32_t)at[2] << 16;
    if (left > 1)
        hash ^= (uint32_t)at[1] << 8;
    if (left > 0)
        hash = (hash ^ at[0]) * m;
    hash ^= hash >> 13;
    hash *= m;
    return hash ^ hash >> 15;
}

int32_t bus_partition(struct text key, int32_t count)
{
    return (int32_t)((bus_murmur2(key) & 0x7fffffff) % (uint32_t)count);
}
