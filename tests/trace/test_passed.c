#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "trace/passed.h"
#include "trace/syscalls.h"

/* Two descriptors: one with a name and no use, one without a name and with uses. */
static struct passed_out two(void)
{
    struct passed_out out = {.count = 0};
    struct passed used = {.fd = 70,
                          .kind = DESCRIPTOR_SOCKET,
                          .end_hard = true,
                          .begin_ns = 900,
                          .end_ns = 5000,
                          .uses = {.read_bytes = 300, .write_bytes = 1}};
    for (uint64_t ns = 1; ns <= 5; ns++)
        durations_add(&used.uses.calls, ns * 100);
    passed_put(&out, &(struct passed){.fd = 3,
                                      .kind = DESCRIPTOR_FILE,
                                      .named = true,
                                      .name = text_of("/etc/hosts"),
                                      .begin_ns = 1000,
                                      .end_ns = 1100});
    passed_put(&out, &used);
    use_cell_clear(&used.uses);
    return out;
}

Test(passed, are_read_as_they_were_put)
{
    struct passed_out out = two();
    struct passed_in in = passed_in((struct bytes){out.at, out.count});
    struct arena arena = {.first = NULL};
    struct passed each;
    cr_assert(passed_take(&in, &arena, &each));
    cr_expect(eq(i32, each.fd, 3));
    cr_expect(eq(u8, each.kind, DESCRIPTOR_FILE));
    cr_expect(each.named && !each.end_hard);
    cr_expect(text_equal(each.name, text_of("/etc/hosts")));
    cr_expect(eq(u64, each.begin_ns, 1000));
    cr_expect(eq(u64, each.end_ns, 1100));
    cr_expect(eq(u64, each.uses.calls.count, 0));
    cr_assert(passed_take(&in, &arena, &each));
    cr_expect(eq(i32, each.fd, 70));
    cr_expect(each.end_hard && !each.named);
    cr_expect(eq(u64, each.begin_ns, 900));
    cr_expect(eq(u64, each.end_ns, 5000));
    cr_expect(eq(u64, each.uses.calls.count, 5));
    cr_expect(eq(u64, each.uses.calls.total_ns, 1500));
    cr_expect(eq(u64, each.uses.read_bytes, 300));
    cr_expect(eq(u64, each.uses.write_bytes, 1));
    cr_expect(passed_take(&in, &arena, &each) == false);
    cr_expect(in.row.bad == false);
    arena_clear(&arena);
    free(out.at);
}

/* As the first version wrote them: the contents of partials stay readable. */
Test(passed, have_the_bytes_of_before)
{
    static const char kept[] = "\3\11\xd0\x0f\xc8\1\12/etc/hosts";
    struct passed_out out = two();
    cr_expect(out.count > sizeof kept - 1);
    cr_expect(memcmp(out.at, kept, sizeof kept - 1) == 0);
    free(out.at);
}

Test(passed, are_refused_if_cut_short_or_of_another_count)
{
    struct passed_out out = two();
    cr_expect(passed_are((struct bytes){out.at, out.count}, 2));
    cr_expect(passed_are((struct bytes){out.at, out.count}, 1) == false);
    cr_expect(passed_are((struct bytes){out.at, out.count}, 3) == false);
    for (size_t count = 0; count < out.count; count++)
        cr_expect(passed_are((struct bytes){out.at, count}, 2) == false, "%zu bytes", count);
    out.at[1] = DESCRIPTOR_KINDS << 3;
    cr_expect(passed_are((struct bytes){out.at, out.count}, 2) == false);
    free(out.at);
}
