#include "base/nearest.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* LTTng's longest name of an event; longer ones have no suggestion. */
enum { WORD_MAX = 255 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char lower(char letter)
{
    return (char)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
}

/* Letter frequencies of a word; letters with equal low bits are counted together. */
struct letters {
    uint8_t count[32];
};

static struct letters letters_of(struct text word)
{
    struct letters letters = {{0}};
    assert(word.count <= WORD_MAX);
    for (size_t i = 0; i < word.count; i++)
        letters.count[(unsigned char)lower(word.at[i]) % sizeof letters.count]++;
    return letters;
}

/* Whether the letter frequencies alone show a distance above `limit`, as for most words: one edit
 * changes at most two of them by one. */
static bool is_far(const struct letters *a, const struct letters *b, size_t limit)
{
    size_t differing = 0;
    for (size_t i = 0; i < sizeof a->count; i++)
        differing += (size_t)abs(a->count[i] - b->count[i]);
    return differing > 2 * limit;
}

/* Optimal string alignment distance (Damerau-Levenshtein without a letter edited twice). */
static size_t distance(struct text a, struct text b)
{
    assert(a.count <= WORD_MAX && b.count <= WORD_MAX);
    size_t rows[3][WORD_MAX + 1]; /* of a[..i-2], a[..i-1], a[..i], rotating */
    for (size_t j = 0; j <= b.count; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.count; i++) {
        size_t *here = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];
        const size_t *before_that = rows[(i + 1) % 3];
        here[0] = i;
        for (size_t j = 1; j <= b.count; j++) {
            size_t change = lower(a.at[i - 1]) == lower(b.at[j - 1]) ? 0 : 1;
            here[j] = least(least(before[j] + 1, here[j - 1] + 1), before[j - 1] + change);
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
                here[j] = least(here[j], before_that[j - 2] + 1);
        }
    }
    return rows[a.count % 3][b.count];
}

/* Whether `word` is PROVIDER:`wrong`. */
static bool is_name_of(struct text wrong, struct text word)
{
    return wrong.count > 0 && word.count > wrong.count + 1 &&
           word.at[word.count - wrong.count - 1] == ':' &&
           memcmp(word.at + word.count - wrong.count, wrong.at, wrong.count) == 0;
}

const char *nearest_word(struct text wrong, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t nearest_distance = 0;
    if (wrong.count > WORD_MAX)
        return NULL;
    struct letters letters = letters_of(wrong);
    for (size_t i = 0; i < count; i++) {
        struct text word = text_of(words[i]);
        if (word.count > WORD_MAX)
            continue;
        size_t allowed = (word.count + 2) / 3;
        bool is_name = is_name_of(wrong, word);
        if (!is_name && (wrong.count > word.count + allowed || word.count > wrong.count + allowed))
            continue;
        struct letters other = letters_of(word);
        if (!is_name &&
            is_far(&letters, &other, nearest ? least(allowed, nearest_distance) : allowed))
            continue;
        size_t far = is_name ? 1 : distance(wrong, word);
        if (far <= allowed && far < word.count && (!nearest || far < nearest_distance)) {
            nearest = words[i];
            nearest_distance = far;
        }
    }
    return nearest;
}
