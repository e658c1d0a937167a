/* The output of core_save(), which core_restore() reads. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "core/keep.h"
#include "laws/saved_state.h"
#include "trace/schema.h"

enum { CPUS = 1000, RECORD_MOST = 8 << 10 };

static int32_t unknown_thread(void *context, const struct core *core, int32_t cpu, uint64_t time_ns)
{
    (void)context;
    (void)core;
    (void)cpu;
    (void)time_ns;
    return TID_SETTLED_UNKNOWN;
}

static int by_key(const void *a, const void *b)
{
    const struct kept_record *left = a, *right = b;
    return strcmp(left->key.at, right->key.at);
}

static struct saved_state save(struct core *core)
{
    struct saved_state saved = {.count = 0};
    core_save(core, saved_state_sink(&saved));
    qsort(saved.records, saved.count, sizeof *saved.records, by_key);
    return saved;
}

Test(keep, puts_no_machine_into_one_record)
{
    struct schema *schema = schema_new(NULL);
    const struct result_sink sink = {.take = NULL};
    const struct core_settle_source settle_source = {.settle = unknown_thread};
    struct core *core = core_new(schema, sink, settle_source), *restored;
    core_begin(core, (struct core_facts){.has_kernel = true, .counts_switches = true}, NULL);
    const struct event_class *class =
        schema_class(schema, DOMAIN_KERNEL, text_of("syscall_entry_read"));
    for (int32_t i = 0; i < CPUS; i++)
        core_event(core, &(struct event){.time_ns = 1000 + (uint64_t)i,
                                         .class = class,
                                         .call = class->call,
                                         .kind = class->kind,
                                         .cpu = i,
                                         .tid = 1 + i,
                                         .pid = 1 + i,
                                         .has = EVENT_HAS_TID | EVENT_HAS_PID,
                                         .present = 1});
    struct saved_state first = save(core);
    for (size_t i = 0; i < first.count; i++)
        cr_expect(lt(sz, first.records[i].record.count, RECORD_MOST), "%s",
                  first.records[i].key.at);
    struct failure why;
    cr_assert(eq(int,
                 core_restore(schema, core_phases(core), sink, settle_source, first.records,
                              first.count, &restored, &why),
                 STATUS_OK),
              "%s", why.text);
    struct saved_state second = save(restored);
    cr_assert(eq(sz, first.count, second.count));
    for (size_t i = 0; i < first.count; i++)
        cr_expect(first.records[i].record.count == second.records[i].record.count &&
                      memcmp(first.records[i].record.at, second.records[i].record.at,
                             first.records[i].record.count) == 0,
                  "%s", first.records[i].key.at);
    saved_state_clear(&first);
    saved_state_clear(&second);
    core_free(core);
    core_free(restored);
    schema_free(schema);
}
