/* Older begins against a plain array of marks. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/older_begins.h"
#include "base/memory.h"
#include "laws/random_trace.h"

enum { MARKS = 3000, CALLS = 400 };

struct model {
    struct older_begins *older_begins;
    struct instance_mark at[MARKS], now;
    size_t first, count;
    uint64_t random;
};

static uint64_t below(struct model *model, uint64_t limit)
{
    return law_random(&model->random) % limit;
}

/* The thread continues. */
static void spend(struct model *model)
{
    struct instance_mark *now = &model->now;
    uint64_t before_ns = time_vector_whole(&now->total_at);
    now->total_at.user_ns += below(model, 3) ? below(model, 3000) : 0;
    now->total_at.sys_ns += below(model, 2) ? below(model, UINT64_C(1) << below(model, 60)) : 0;
    now->total_at.before_running_ns += below(model, 9) ? 0 : below(model, 500);
    now->total_at.before_blocked_ns += below(model, 9) ? 0 : below(model, 500);
    uint64_t calls = below(model, 50) ? below(model, 5) : below(model, CALLS);
    for (uint64_t i = 0; i < calls; i++)
        time_vector_add_blocked_in(&now->total_at, (uint32_t)below(model, CALLS),
                                   below(model, 90000));
    now->begin_ns += time_vector_whole(&now->total_at) - before_ns + !below(model, 4);
    now->order += (1 + below(model, 300)) << EVENT_SHIFT;
    now->calls_at += below(model, 3) ? below(model, 4) : below(model, 1000);
}

static void copy(struct instance_mark *to, const struct instance_mark *from)
{
    struct time_vector time = to->total_at;
    *to = *from;
    to->total_at = time;
    time_vector_copy(&to->total_at, &from->total_at);
}

static void push(struct model *model)
{
    spend(model);
    copy(&model->at[model->first + model->count++], &model->now);
    struct instance_mark mark = {.begin_ns = 0};
    copy(&mark, &model->now);
    older_begins_push(model->older_begins, &mark);
    time_vector_free(&mark.total_at);
}

static void expect_equal(const struct instance_mark *mark, const struct instance_mark *expected)
{
    cr_assert(eq(u64, mark->begin_ns, expected->begin_ns));
    cr_assert(eq(u64, mark->order, expected->order));
    cr_assert(eq(u64, mark->calls_at, expected->calls_at));
    struct time_vector rest = {0};
    time_vector_copy(&rest, &mark->total_at);
    time_vector_subtract(&rest, &expected->total_at);
    cr_assert(eq(u32, rest.blocked_count, 0));
    cr_assert(zero(u64, rest.user_ns | rest.sys_ns | rest.before_running_ns |
                            rest.before_blocked_ns | rest.blocked_ns));
    time_vector_free(&rest);
}

static void pop(struct model *model)
{
    struct instance_mark mark = {.begin_ns = 0};
    older_begins_pop(model->older_begins, &mark);
    expect_equal(&mark, &model->at[model->first + --model->count]);
    time_vector_free(&mark.total_at);
}

static void drop_oldest(struct model *model)
{
    expect_equal(&model->older_begins->oldest, &model->at[model->first]);
    older_begins_drop_oldest(model->older_begins);
    model->first++;
    model->count--;
}

static void resolve(struct time_vector *time, const void *context)
{
    time->user_ns += time->before_running_ns;
    time_vector_add_blocked_in(time, *(const uint32_t *)context, time->before_blocked_ns);
    time->before_running_ns = time->before_blocked_ns = 0;
}

static void resolve_all(struct model *model)
{
    uint32_t call = (uint32_t)below(model, CALLS);
    if (model->count > 0)
        older_begins_resolve(model->older_begins, resolve, &call);
    for (size_t i = 0; i < model->count; i++)
        resolve(&model->at[model->first + i].total_at, &call);
    resolve(&model->now.total_at, &call);
}

/* The content of the records: a copy with the ids of its blocks. */
static void write_and_read(struct model *model)
{
    if (model->count == 0)
        return;
    struct older_begins *from = model->older_begins, *to = older_begins_new(NULL);
    struct instance_mark mark = {.begin_ns = 0};
    copy(&mark, &from->oldest);
    older_begins_push(to, &mark);
    for (const struct begin_block *block = from->bottom; block; block = block->above) {
        struct begin_steps steps = {.count = block->count,
                                    .events = older_begins_events(from, block),
                                    .bytes = {block->at + block->begin, block->end - block->begin},
                                    .calls = block->calls,
                                    .call_count = block->call_count};
        cr_assert(older_begins_valid(&steps));
        cr_expect(le(int, steps.has_other, block->has_other));
        older_begins_add_block(to, block->id, &steps);
    }
    cr_assert(eq(sz, to->count, from->count));
    cr_assert(eq(u64, to->youngest.order, from->youngest.order));
    copy(&to->youngest, &from->youngest);
    time_vector_free(&mark.total_at);
    older_begins_free(from);
    model->older_begins = to;
}

static void run(uint64_t seed)
{
    struct model *model = memory_new(sizeof *model);
    model->random = seed;
    model->older_begins = older_begins_new(NULL);
    for (unsigned round = 0; round < 40; round++) {
        size_t pushes = below(model, round % 4 ? 30 : 200);
        for (size_t i = 0; i < pushes && model->first + model->count < MARKS; i++)
            push(model);
        for (uint64_t i = below(model, 20); i > 0 && model->count > 0; i--)
            pop(model);
        if (below(model, 3) == 0)
            resolve_all(model);
        for (uint64_t i = below(model, 40); i > 0 && model->count > 0; i--)
            drop_oldest(model);
        if (below(model, 3) == 0)
            write_and_read(model);
    }
    cr_assert(eq(sz, model->older_begins->count, model->count));
    while (model->count > 0)
        pop(model);
    older_begins_free(model->older_begins);
    for (size_t i = 0; i < MARKS; i++)
        time_vector_free(&model->at[i].total_at);
    time_vector_free(&model->now.total_at);
    free(model);
}

Test(older_begins, are_the_marks_that_were_pushed)
{
    for (uint64_t seed = 1; seed <= 30; seed++)
        run(seed);
}

/* The memory per begin of a phase without ends, on a thread that alternately reads and is
 * blocked. */
Test(older_begins, take_some_bytes_each)
{
    enum { BEGINS = 20000 };
    struct older_begins *older_begins = older_begins_new(NULL);
    struct instance_mark now = {.begin_ns = 1}, mark = {.begin_ns = 0};
    for (unsigned i = 0; i < BEGINS; i++) {
        now.order += UINT64_C(8) << EVENT_SHIFT;
        now.calls_at += 2;
        now.total_at.user_ns += 1000 + i % 700;
        now.total_at.sys_ns += 2000 + i % 900;
        time_vector_add_blocked_in(&now.total_at, i % 5, 30000 + i % 5000);
        now.begin_ns = 1 + time_vector_whole(&now.total_at);
        copy(&mark, &now);
        older_begins_push(older_begins, &mark);
    }
    size_t bytes = 0;
    for (const struct begin_block *block = older_begins->bottom; block; block = block->above)
        bytes += sizeof *block + block->room + block->call_room * sizeof *block->calls;
    cr_expect(lt(sz, bytes / BEGINS, 24), "%zu bytes each", bytes / BEGINS);
    time_vector_free(&now.total_at);
    time_vector_free(&mark.total_at);
    older_begins_free(older_begins);
}

/* Any bytes are valid steps or refused. */
Test(older_begins, other_bytes_are_refused_or_are_steps)
{
    uint64_t random = 1;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        size_t count = law_random(&random) % (sizeof bytes + 1);
        for (size_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)(law_random(&random) % (round % 2 ? 256 : 16));
        static const uint32_t calls[] = {1, 2, 3};
        struct begin_steps steps = {.count = 1 + law_random(&random) % 3,
                                    .events = 1 + law_random(&random) % 20,
                                    .bytes = {bytes, count},
                                    .calls = calls,
                                    .call_count = 3};
        bool sound = older_begins_valid(&steps);
        struct begin_reader reader = older_begins_reader(&steps);
        struct begin_step step = {.events = 0};
        size_t found = 0;
        while (older_begins_read(&reader, &step))
            found++;
        if (sound)
            cr_expect(eq(u64, reader.row.bad ? 0 : found, steps.count));
        time_vector_free(&step.time);
    }
}
