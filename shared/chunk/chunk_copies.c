/* Copies of a chunk under other numbers: they begin with the same packets. Both would cover the same
 * time, and the chunks between them would lose their events. */
#include <stdlib.h>

#include "base/memory.h"
#include "chunk/chunk_list_parts.h"
#include "chunk/survey.h"

/* A chunk with packets, by the begin of the first. */
struct dated {
    uint64_t begin_ns;
    size_t index; /* in the list */
    bool copy;    /* to be left out */
};

static int by_begin(const void *a, const void *b)
{
    const struct dated *left = a, *right = b;
    if (left->begin_ns != right->begin_ns)
        return left->begin_ns < right->begin_ns ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

/* The nearest chunk with packets of the session of chunk `at`, except `but`; NULL if there is
 * none. */
static const struct chunk_ref *neighbor(const struct chunk_list *list, size_t at, size_t but,
                                        bool before)
{
    const struct chunk_ref *own = &list->at[at];
    while (before ? at > 0 : at + 1 < list->count) {
        at = before ? at - 1 : at + 1;
        const struct chunk_ref *other = &list->at[at];
        if (strcmp(other->session, own->session) != 0)
            return NULL;
        if (at != but && survey_has_packets(other->survey))
            return other;
    }
    return NULL;
}

/* Whether the chunk's time is between those of the chunks next to it, without its copy. */
static bool fits(const struct chunk_list *list, size_t at, size_t copy)
{
    uint64_t begin_ns = survey_begin_ns(list->at[at].survey);
    const struct chunk_ref *before = neighbor(list, at, copy, true);
    const struct chunk_ref *after = neighbor(list, at, copy, false);
    return (before == NULL || survey_begin_ns(before->survey) <= begin_ns) &&
           (after == NULL || begin_ns <= survey_begin_ns(after->survey));
}

/* Which of two copies has the wrong number; a < b. If both fit, they are next to each other: the
 * first is wrong if packets are missing before it; or if it is the first of the session, and the
 * next chunk continues the second. */
static size_t wrong_one(const struct chunk_list *list, size_t a, size_t b)
{
    bool a_fits = fits(list, a, b);
    if (a_fits != fits(list, b, a))
        return a_fits ? b : a;
    const struct chunk_ref *before = neighbor(list, a, b, true);
    const struct chunk_ref *after = neighbor(list, b, a, false);
    if (before != NULL)
        return survey_misses_packets(before->survey, list->at[a].survey) ? a : b;
    bool continues = after != NULL && after->number == list->at[b].number + 1 &&
                     !survey_misses_packets(list->at[b].survey, after->survey);
    return continues ? a : b;
}

static void say_copy(struct chunk_list *list, size_t copy, size_t kept)
{
    const struct chunk_ref *real = &list->at[kept];
    char *number = real->number < 0 ? memory_string(text_of("the newest chunk"))
                                    : memory_format("chunk %lld", (long long)real->number);
    char *sentence =
        memory_format("%s: skipped: it begins with the same packets as %s of the session, %s; "
                      "delete the copy, or restore the chunk that had its number",
                      list->at[copy].path, number, real->path);
    chunk_leave_out(list, sentence);
    free(sentence);
    free(number);
}

/* Marks the copies among chunks that begin at one time. */
static void mark_copies(struct chunk_list *list, struct dated *dated, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count && !dated[i].copy; j++) {
            const struct chunk_ref *a = &list->at[dated[i].index], *b = &list->at[dated[j].index];
            if (dated[j].copy || a->number == b->number || strcmp(a->session, b->session) != 0 ||
                !survey_is_copy(a->survey, b->survey))
                continue;
            bool is_first = wrong_one(list, dated[i].index, dated[j].index) == dated[i].index;
            struct dated *copy = &dated[is_first ? i : j], *kept = &dated[is_first ? j : i];
            copy->copy = true;
            say_copy(list, copy->index, kept->index);
        }
}

void chunk_drop_copies(struct chunk_list *list)
{
    struct dated *dated = memory_new((list->count + 1) * sizeof *dated);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        if (survey_has_packets(list->at[i].survey))
            dated[count++] = (struct dated){survey_begin_ns(list->at[i].survey), i, false};
    qsort(dated, count, sizeof *dated, by_begin);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && dated[end].begin_ns == dated[begin].begin_ns;)
            end++;
        mark_copies(list, &dated[begin], end - begin);
    }
    bool *is_copy = memory_new((list->count + 1) * sizeof *is_copy);
    for (size_t i = 0; i < count; i++)
        is_copy[dated[i].index] = dated[i].copy;
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (is_copy[i])
            chunk_ref_clear(&list->at[i]);
        else
            list->at[kept++] = list->at[i];
    }
    list->count = kept;
    free(is_copy);
    free(dated);
}
