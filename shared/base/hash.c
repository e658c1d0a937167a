#include "base/hash.h"

#include <string.h>
#include <sys/auxv.h>
#include <xxhash.h>

uint64_t hash_seed;

/* The only file-scope variable that is written: once, before there is a second thread. The bytes
 * also seed the stack protector, so they are mixed and not used directly.
 * Source: getauxval(3), AT_RANDOM, "the address of sixteen bytes containing a random value". */
__attribute__((constructor)) static void draw_seed(void)
{
    const uint8_t *random = (const uint8_t *)(uintptr_t)getauxval(AT_RANDOM);
    uint64_t parts[2] = {0, 0};
    if (random)
        memcpy(parts, random, sizeof parts);
    hash_seed = hash_mix(hash_mix(parts[0]) ^ parts[1]);
}

uint64_t hash_text(struct text text)
{
    return XXH3_64bits_withSeed(text.at, text.count, hash_seed);
}

uint64_t hash_bytes(struct bytes bytes)
{
    return XXH3_64bits_withSeed(bytes.at, bytes.count, hash_seed);
}

void hash_for_ever(struct bytes bytes, uint8_t out[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.at, bytes.count));
    memcpy(out, canonical.digest, 16);
}
