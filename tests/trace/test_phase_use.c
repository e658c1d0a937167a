#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "trace/phase_use.h"

static struct phase_use use_of(const char *phase, bool of_end, enum phase_use_state state,
                               const char *field, const char *near)
{
    return (struct phase_use){.state = (uint8_t)state,
                              .part = of_end ? PHASE_END : PHASE_BEGIN,
                              .phase = text_of(phase),
                              .begin = text_of("a:begin"),
                              .end = text_of("a:end"),
                              .match = text_of("id"),
                              .field = text_of(field),
                              .near = text_of(near)};
}

static bool same(struct phase_uses a, struct phase_uses b)
{
    bool same = a.count == b.count;
    for (size_t i = 0; i < a.count && same; i++)
        same = phase_use_compare(&a.at[i], &b.at[i]) == 0 && a.at[i].state == b.at[i].state &&
               text_equal(a.at[i].field, b.at[i].field) && text_equal(a.at[i].near, b.at[i].near);
    return same;
}

Test(phase_use, of_several_traces_is_the_best_word_in_any_order)
{
    struct arena arena = {.first = NULL};
    struct phase_use words[] = {use_of("p", false, PHASE_USE_UNDECLARED, "", ""),
                                use_of("p", false, PHASE_USE_UNDECLARED, "", "a:bgin"),
                                use_of("p", false, PHASE_USE_NO_FIELD, "id", "idd"),
                                use_of("p", false, PHASE_USE_FIT, "n", ""),
                                use_of("p", true, PHASE_USE_BAD_FIELD, "id", "an array")};
    enum { WORDS = sizeof words / sizeof *words };
    struct phase_uses forth = {NULL, 0}, back = {NULL, 0};
    for (size_t i = 0; i < WORDS; i++) {
        phase_uses_add(&forth, &arena, (struct phase_uses){&words[i], 1});
        phase_uses_add(&back, &arena, (struct phase_uses){&words[WORDS - 1 - i], 1});
    }
    cr_assert(eq(sz, forth.count, 2));
    cr_expect(eq(int, forth.at[0].state, PHASE_USE_FIT));
    cr_expect(eq(int, forth.at[1].state, PHASE_USE_BAD_FIELD));
    cr_expect(same(forth, back));
    arena_clear(&arena);
}

Test(phase_use, is_packed_and_unpacked_and_what_is_cut_is_left_out)
{
    struct arena arena = {.first = NULL};
    struct phase_use words[] = {use_of("p", false, PHASE_USE_FIT, "nt", ""),
                                use_of("p", true, PHASE_USE_NO_FIELD, "id", "")};
    struct phase_uses uses = {words, 2};
    struct bytes packed = phase_uses_pack(uses);
    cr_expect(same(phase_uses_unpack(&arena, packed), uses));
    for (size_t count = 0; count < packed.count; count++)
        cr_expect(lt(sz, phase_uses_unpack(&arena, (struct bytes){packed.at, count}).count, 2));
    free((void *)(uintptr_t)packed.at);
    arena_clear(&arena);
}

Test(phase_use, tells_what_is_wrong)
{
    struct arena arena = {.first = NULL};
    struct phase_use words[] = {use_of("p", false, PHASE_USE_UNDECLARED, "", "a:begun"),
                                use_of("p", true, PHASE_USE_NO_FIELD, "id", ""),
                                use_of("q", false, PHASE_USE_FIT, "n", ""),
                                use_of("q", true, PHASE_USE_FIT, "t", ""),
                                use_of("r", false, PHASE_USE_FIT, "n", ""),
                                use_of("r", true, PHASE_USE_FIT, "n", "")};
    size_t count;
    char **faults = phase_uses_faults((struct phase_uses){words, 6}, &arena, &count);
    cr_assert(eq(sz, count, 3));
    cr_expect(eq(str, faults[0], "p: no trace declares a:begin; the nearest is a:begun"));
    cr_expect(eq(str, faults[1], "p: a:end has no field id"));
    cr_expect(eq(str, faults[2],
                 "q: a match field is a number in one of a:begin (id) and a:end (id) and text in "
                 "the other, so they never match"));
    arena_clear(&arena);
}

Test(phase_use, tells_what_is_newly_wrong_once)
{
    struct arena arena = {.first = NULL};
    struct phase_uses session = {NULL, 0}, before = session;
    struct phase_use first[] = {use_of("p", false, PHASE_USE_UNDECLARED, "", ""),
                                use_of("q", false, PHASE_USE_FIT, "n", "")};
    struct phase_use second[] = {use_of("p", false, PHASE_USE_UNDECLARED, "", "a:begun"),
                                 use_of("q", true, PHASE_USE_FIT, "t", "")};
    size_t count;
    phase_uses_add(&session, &arena, (struct phase_uses){first, 2});
    char **faults = phase_uses_new_faults(before, session, &arena, &count);
    cr_assert(eq(sz, count, 1));
    cr_expect(eq(str, faults[0], "p: no trace declares a:begin"));
    before = session;
    phase_uses_add(&session, &arena, (struct phase_uses){second, 2});
    faults = phase_uses_new_faults(before, session, &arena, &count);
    cr_assert(eq(sz, count, 1), "of p it was told, though not what is near");
    cr_expect(eq(int, strncmp(faults[0], "q: a match field", 16), 0));
    before = session;
    phase_uses_add(&session, &arena, (struct phase_uses){second, 2});
    phase_uses_new_faults(before, session, &arena, &count);
    cr_expect(eq(sz, count, 0));
    arena_clear(&arena);
}

Test(phase_use, of_other_match_fields_is_of_another_definition)
{
    struct arena arena = {.first = NULL};
    struct phase_use was[] = {use_of("p", false, PHASE_USE_FIT, "n", ""),
                              use_of("p", true, PHASE_USE_FIT, "n", "")};
    struct phase_use is[] = {use_of("p", false, PHASE_USE_NO_FIELD, "idd", "id"),
                             use_of("p", true, PHASE_USE_FIT, "t", "")};
    is[0].match = is[1].match = text_of("idd");
    struct phase_uses uses = {NULL, 0};
    phase_uses_add(&uses, &arena, (struct phase_uses){was, 2});
    phase_uses_add(&uses, &arena, (struct phase_uses){is, 2});
    size_t count;
    char **faults = phase_uses_faults(uses, &arena, &count);
    cr_assert(eq(sz, count, 1), "and of which two go together nothing is said");
    cr_expect(eq(str, faults[0], "p: a:begin has no field idd; the nearest is id"));
    phase_uses_forget(&uses, &arena, (struct phase_uses){was, 2});
    phase_uses_faults(uses, &arena, &count);
    cr_expect(eq(sz, count, 0));
    arena_clear(&arena);
}

Test(phase_use, what_is_captured_of_neither_event_is_told_beside_its_sides)
{
    struct arena arena = {.first = NULL};
    struct phase_use words[] = {use_of("p", false, PHASE_USE_FIT, "n", ""),
                                use_of("p", true, PHASE_USE_FIT, "t", ""),
                                use_of("p", false, PHASE_USE_NO_FIELD, "statu", "status"),
                                use_of("p", false, PHASE_USE_BAD_FIELD, "body", "an array"),
                                use_of("p", false, PHASE_USE_UNDECLARED, "", "")};
    static const char *const captured[] = {"statu", "body", "size"};
    for (size_t i = 0; i < 3; i++) {
        words[2 + i].part = PHASE_CAPTURE;
        words[2 + i].match = text_of(captured[i]);
    }
    struct phase_uses uses = phase_uses_sort(words, 5);
    struct bytes packed = phase_uses_pack(uses);
    uses = phase_uses_unpack(&arena, packed);
    size_t count;
    char **faults = phase_uses_faults(uses, &arena, &count);
    cr_assert(eq(sz, count, 3));
    cr_expect(strstr(faults[0], "they never match") != NULL);
    cr_expect(eq(str, faults[1], (char *)"p: field body cannot be captured: it is an array"));
    cr_expect(eq(str, faults[2],
                 (char *)"p: neither a:begin nor a:end has a field statu to capture; the nearest "
                         "is status"));
    free((void *)(uintptr_t)packed.at);
    arena_clear(&arena);
}
