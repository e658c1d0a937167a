#include "trace/phase_use.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trace/event.h"

static int compare_texts(struct text a, struct text b)
{
    size_t least = a.count < b.count ? a.count : b.count;
    int order = least ? memcmp(a.at, b.at, least) : 0;
    return order ? order : (a.count > b.count) - (a.count < b.count);
}

/* Compares what both sides of a definition have in common. */
static int compare_definitions(const struct phase_use *a, const struct phase_use *b)
{
    int order = compare_texts(a->phase, b->phase);
    if (order == 0)
        order = compare_texts(a->begin, b->begin);
    return order ? order : compare_texts(a->end, b->end);
}

int phase_use_compare(const struct phase_use *a, const struct phase_use *b)
{
    int order = compare_definitions(a, b);
    if (order == 0)
        order = (int)a->part - (int)b->part;
    return order ? order : compare_texts(a->match, b->match);
}

static struct text *const *texts_of(struct phase_use *use, struct text *texts[6])
{
    texts[0] = &use->phase;
    texts[1] = &use->begin;
    texts[2] = &use->end;
    texts[3] = &use->match;
    texts[4] = &use->field;
    texts[5] = &use->near;
    return texts;
}

enum { TEXTS = 6 };

static struct phase_use copy(struct arena *arena, const struct phase_use *from)
{
    struct phase_use to = *from;
    struct text *texts[TEXTS];
    texts_of(&to, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        struct text text = *texts[i];
        if (text.count > PHASE_USE_TEXT_MAX)
            text.count = PHASE_USE_TEXT_MAX;
        *texts[i] = (struct text){arena_string(arena, text), text.count};
    }
    return to;
}

bool phase_use_is_better(const struct phase_use *a, const struct phase_use *b)
{
    if (a->state != b->state)
        return a->state > b->state;
    if ((a->near.count > 0) != (b->near.count > 0))
        return a->near.count > 0;
    int order = compare_texts(a->field, b->field);
    if (order == 0)
        order = compare_texts(a->near, b->near);
    return order < 0;
}

static int by_side(const void *a, const void *b)
{
    const struct phase_use *left = a, *right = b;
    int order = phase_use_compare(left, right);
    return order ? order : phase_use_is_better(right, left) - phase_use_is_better(left, right);
}

struct phase_uses phase_uses_sort(struct phase_use *at, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(at, count, sizeof *at, by_side);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || phase_use_compare(&at[kept - 1], &at[i]) != 0)
            at[kept++] = at[i];
    return (struct phase_uses){at, kept < PHASE_USES_MAX ? kept : PHASE_USES_MAX};
}

static const struct phase_use *find(struct phase_uses uses, const struct phase_use *like)
{
    for (size_t i = 0; i < uses.count; i++)
        if (phase_use_compare(&uses.at[i], like) == 0)
            return &uses.at[i];
    return NULL;
}

/* Whether `more` contains anything that `to` does not. */
static bool is_news(struct phase_uses to, struct phase_uses more)
{
    for (size_t i = 0; i < more.count; i++) {
        bool same_place = i < to.count && phase_use_compare(&to.at[i], &more.at[i]) == 0;
        const struct phase_use *known = same_place ? &to.at[i] : find(to, &more.at[i]);
        if (!known || phase_use_is_better(&more.at[i], known))
            return true;
    }
    return false;
}

void phase_uses_add(struct phase_uses *to, struct arena *arena, struct phase_uses more)
{
    if (!is_news(*to, more))
        return;
    struct phase_use *at = arena_take(arena, (to->count + more.count) * sizeof *at);
    for (size_t i = 0; i < to->count; i++)
        at[i] = to->at[i];
    for (size_t i = 0; i < more.count; i++)
        at[to->count + i] = copy(arena, &more.at[i]);
    *to = phase_uses_sort(at, to->count + more.count);
}

struct phase_uses phase_uses_copy(struct arena *arena, struct phase_uses from)
{
    struct phase_uses to = {NULL, 0};
    phase_uses_add(&to, arena, from);
    return to;
}

/* --- encoding --- */

struct bytes phase_uses_pack(struct phase_uses uses)
{
    size_t count = 0;
    struct text *texts[TEXTS];
    for (size_t i = 0; i < uses.count; i++) {
        struct phase_use use = uses.at[i];
        texts_of(&use, texts);
        count += 2;
        for (size_t k = 0; k < TEXTS; k++)
            count += texts[k]->count + 1;
    }
    uint8_t *packed = memory_new(count + 1), *at = packed;
    for (size_t i = 0; i < uses.count; i++) {
        struct phase_use use = uses.at[i];
        texts_of(&use, texts);
        *at++ = use.state;
        *at++ = use.part;
        for (size_t k = 0; k < TEXTS; k++) {
            if (texts[k]->count)
                memcpy(at, texts[k]->at, texts[k]->count);
            at += texts[k]->count;
            *at++ = 0;
        }
    }
    return (struct bytes){packed, count};
}

/* Decodes the next one at `*at`; false if there is none, or only a part. */
static bool unpack_one(struct phase_use *use, const uint8_t **at, const uint8_t *end)
{
    struct text *texts[TEXTS];
    if (end - *at < 2)
        return false;
    *use = (struct phase_use){.state = (*at)[0], .part = (*at)[1]};
    *at += 2;
    texts_of(use, texts);
    for (size_t k = 0; k < TEXTS; k++) {
        const uint8_t *zero = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
        if (!zero)
            return false;
        *texts[k] = (struct text){(const char *)*at, (size_t)(zero - *at)};
        *at = zero + 1;
    }
    return true;
}

struct phase_uses phase_uses_unpack(struct arena *arena, struct bytes packed)
{
    struct phase_use *uses = arena_take(arena, PHASE_USES_MAX * sizeof *uses), use;
    size_t count = 0;
    if (packed.count == 0) /* its address may be NULL */
        return phase_uses_sort(uses, count);
    const uint8_t *at = packed.at, *end = packed.at + packed.count;
    while (count < PHASE_USES_MAX && unpack_one(&use, &at, end))
        if (use.state >= PHASE_USE_UNDECLARED && use.state <= PHASE_USE_FIT &&
            use.part <= PHASE_COUNT)
            uses[count++] = use;
    return phase_uses_sort(uses, count);
}

/* --- faults --- */

#define SHOWN(text) (int)(text).count, (text).at

/* The user-space context with the same meaning as a kernel context; else the same. */
static struct text user_context(struct text context)
{
    static const char *const names[][2] = {{"tid", "vtid"}, {"pid", "vpid"}, {"ppid", "vppid"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal(context, text_of(names[i][0])))
            return text_of(names[i][1]);
    return context;
}

/* Message: none of the events has a context. The names of user-space events contain colons. */
static char *no_context(const struct phase_use *use, const char *none, struct text event,
                        struct text context)
{
    bool user = memchr(event.at, ':', event.count) != NULL;
    struct text wanted = user ? user_context(context) : context;
    bool other = !text_equal(wanted, context);
    struct text shown = other ? wanted : text_of("");
    return memory_format("%.*s: %s%.*s has %s context %.*s: %s%.*s%srecord with lttng add-context "
                         "--%s --type=%.*s",
                         SHOWN(use->phase), none, SHOWN(event), *none ? "the" : "no",
                         SHOWN(context), other ? "in user space it is " : "", SHOWN(shown),
                         other ? "; " : "", user ? "userspace" : "kernel", SHOWN(wanted));
}

/* Message: none of the events has a field, or a context. */
static char *no_field(const struct phase_use *use, const char *none, struct text event)
{
    static const struct text mark = {EVENT_CONTEXT, sizeof EVENT_CONTEXT - 1};
    struct text field = use->field;
    if (field.count > mark.count && memcmp(field.at, mark.at, mark.count) == 0) {
        field = (struct text){field.at + mark.count, field.count - mark.count};
        return no_context(use, none, event, field);
    }
    bool near = use->near.count > 0;
    return memory_format("%.*s: %s%.*s has %s field %.*s%s%.*s", SHOWN(use->phase), none,
                         SHOWN(event), *none ? "a" : "no", SHOWN(field),
                         near ? "; the nearest is " : "", SHOWN(use->near));
}

static bool is_pattern(struct text event)
{
    return memchr(event.at, '*', event.count) || memchr(event.at, '?', event.count);
}

static char *capture_fault(const struct phase_use *use)
{
    bool near = use->near.count > 0;
    if (use->state == PHASE_USE_NO_FIELD)
        return memory_format("%.*s: neither %.*s nor %.*s has a field %.*s to capture%s%.*s",
                             SHOWN(use->phase), SHOWN(use->begin), SHOWN(use->end),
                             SHOWN(use->match), near ? "; the nearest is " : "", SHOWN(use->near));
    if (use->state == PHASE_USE_BAD_FIELD)
        return memory_format("%.*s: field %.*s cannot be captured: it is %.*s", SHOWN(use->phase),
                             SHOWN(use->match), SHOWN(use->near));
    return NULL; /* an undeclared event is reported for its side */
}

static char *count_fault(const struct phase_use *use)
{
    bool near = use->near.count > 0;
    switch ((enum phase_use_state)use->state) {
    case PHASE_USE_UNDECLARED:
        return memory_format("%.*s: no trace declares %.*s%s%.*s", SHOWN(use->phase),
                             SHOWN(use->begin), near ? "; the nearest is " : "", SHOWN(use->near));
    case PHASE_USE_NO_FIELD: return no_field(use, "no event ", use->begin);
    case PHASE_USE_BAD_FIELD:
        return memory_format("%.*s: field %.*s of %.*s is %.*s", SHOWN(use->phase),
                             SHOWN(use->field), SHOWN(use->begin), SHOWN(use->near));
    case PHASE_USE_FIT: break;
    }
    return NULL;
}

/* The fault of one side; NULL if none. The caller frees it. */
static char *side_fault(const struct phase_use *use)
{
    if (use->part == PHASE_COUNT)
        return count_fault(use);
    if (use->part == PHASE_CAPTURE)
        return capture_fault(use);
    struct text event = use->part == PHASE_END ? use->end : use->begin;
    bool near = use->near.count > 0;
    switch ((enum phase_use_state)use->state) {
    case PHASE_USE_UNDECLARED:
        return memory_format("%.*s: no trace declares %.*s%s%.*s%s", SHOWN(use->phase),
                             SHOWN(event), near ? "; the nearest is " : "", SHOWN(use->near),
                             is_pattern(event) ? "; phases need event names, not patterns" : "");
    case PHASE_USE_NO_FIELD: return no_field(use, "", event);
    case PHASE_USE_BAD_FIELD:
        return memory_format("%.*s: field %.*s of %.*s is %.*s", SHOWN(use->phase),
                             SHOWN(use->field), SHOWN(event), SHOWN(use->near));
    case PHASE_USE_FIT: break;
    }
    return NULL;
}

/* The side before `at` if both belong to one definition; NULL if not, or if it had other match
 * fields at another time, because the pairs of sides are then unknown. */
static const struct phase_use *begin_of(struct phase_uses uses, size_t at)
{
    size_t alike = 0;
    for (size_t i = at >= 2 ? at - 2 : 0; i < uses.count && i <= at + 1; i++)
        alike +=
            uses.at[i].part <= PHASE_END && compare_definitions(&uses.at[i], &uses.at[at]) == 0;
    bool pair = at > 0 && alike == 2 && uses.at[at].part == PHASE_END &&
                uses.at[at - 1].part == PHASE_BEGIN &&
                compare_definitions(&uses.at[at - 1], &uses.at[at]) == 0;
    return pair ? &uses.at[at - 1] : NULL;
}

/* Both sides fit, but a number never equals a text. */
static char *pair_fault(const struct phase_use *begin, const struct phase_use *end)
{
    bool fit = begin && begin->state == PHASE_USE_FIT && end->state == PHASE_USE_FIT;
    if (!fit || begin->field.count != end->field.count ||
        compare_texts(begin->field, end->field) == 0)
        return NULL;
    return memory_format("%.*s: a match field is a number in one of %.*s (%.*s) and %.*s (%.*s) "
                         "and text in the other, so they never match",
                         SHOWN(begin->phase), SHOWN(begin->begin), SHOWN(begin->match),
                         SHOWN(end->end), SHOWN(end->match));
}

/* Whether `before` has the pair, with the same fault. */
static bool had_pair_fault(struct phase_uses before, const struct phase_use *end)
{
    const struct phase_use *had = find(before, end);
    char *fault = had ? pair_fault(begin_of(before, (size_t)(had - before.at)), had) : NULL;
    free(fault);
    return fault != NULL;
}

char **phase_uses_new_faults(struct phase_uses before, struct phase_uses uses, struct arena *arena,
                             size_t *count)
{
    char **faults = arena_take(arena, (2 * uses.count + 1) * sizeof *faults);
    *count = 0;
    for (size_t i = 0; i < uses.count; i++) {
        const struct phase_use *use = &uses.at[i], *had = find(before, use);
        char *found[] = {had && had->state == use->state ? NULL : side_fault(use),
                         had_pair_fault(before, use) ? NULL : pair_fault(begin_of(uses, i), use)};
        for (size_t k = 0; k < 2; k++) {
            bool again = found[k] && *count > 0 && strcmp(faults[*count - 1], found[k]) == 0;
            if (found[k] && !again)
                faults[(*count)++] = (char *)(uintptr_t)arena_string(arena, text_of(found[k]));
            free(found[k]);
        }
    }
    return faults;
}

char **phase_uses_faults(struct phase_uses uses, struct arena *arena, size_t *count)
{
    return phase_uses_new_faults((struct phase_uses){NULL, 0}, uses, arena, count);
}

void phase_uses_forget(struct phase_uses *uses, struct arena *arena, struct phase_uses of_now)
{
    struct phase_use *at = arena_take(arena, uses->count * sizeof *at);
    size_t kept = 0;
    for (size_t i = 0; i < uses->count; i++)
        if (uses->at[i].state == PHASE_USE_FIT || find(of_now, &uses->at[i]))
            at[kept++] = uses->at[i];
    if (kept < uses->count)
        *uses = (struct phase_uses){at, kept};
}
