/* base/bytes.h -- views of memory owned by others. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at;
    size_t count;
};

/* Characters without a terminator. `at` may be NULL only if `count` is 0. */
struct text {
    const char *at;
    size_t count;
};

/* A record of a topic. */
struct key_value {
    struct text key;
    struct bytes value;
};

static inline struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.count == b.count && (a.count == 0 || memcmp(a.at, b.at, a.count) == 0);
}

/* Splits "host/name/created"; only the name may contain a slash. */
static inline void text_session(struct text all, struct text *host, struct text *name,
                                struct text *created)
{
    size_t first = 0, last = all.count;
    while (first < all.count && all.at[first] != '/')
        first++;
    while (last > first && all.at[last - 1] != '/')
        last--;
    *host = (struct text){all.at, first};
    *created = (struct text){all.at + last, all.count - last};
    *name = (struct text){all.at + first, 0};
    if (last > first + 1)
        *name = (struct text){all.at + first + 1, last - first - 2};
}

#endif
