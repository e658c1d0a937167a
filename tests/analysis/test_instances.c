/* Finding open instances: compared with a search through all of them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/instances.h"
#include "laws/random_trace.h"
#include "trace/given_phases.h"
#include "trace/schema.h"

enum { THREADS = 4, IDS = 400, STEPS = 20000, OPEN_MOST = 2000 };

static const char yaml[] = "phases:\n"
                           "  - {name: request, begin: 'app:begin', end: 'app:end', match: [id]}\n";

static uint64_t draw(uint64_t *state, uint64_t below)
{
    return law_random(state) % below;
}

/* The youngest with that value on a thread whose process is known or unknown as that of `thread`. */
static struct instance *search(struct instance *const *open, size_t count,
                               const struct phase_thread *thread, uint64_t value)
{
    struct instance *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (open[i]->values[0].u == value &&
            open[i]->thread->thread_group == thread->thread_group &&
            (!best || open[i]->mark.order > best->mark.order))
            best = open[i];
    return best;
}

Test(instances, are_found_by_their_values)
{
    struct phase_definitions phases;
    given_phases(&phases, yaml);
    struct schema *schema = schema_new(&phases);
    struct instances all;
    instances_init(&all, schema_own_set(schema));
    all.ungrouped_are_one = true;
    struct phase_thread threads[THREADS] = {{.id = 1}, {.id = 2}, {.id = 3}, {.id = 4}};
    static struct instance *open[OPEN_MOST];
    size_t count = 0, most = 0;
    uint64_t state = 1;
    for (unsigned step = 0; step < STEPS; step++) {
        struct phase_thread *thread = &threads[draw(&state, THREADS)];
        struct field_value value = {.type = FIELD_UINT, .u = draw(&state, IDS)};
        if (draw(&state, 1000) == 0) {
            instances_learn_pid(&all, thread, 0, 1 + (int32_t)draw(&state, 2));
        } else if (draw(&state, 1000) == 0) {
            instances_forget_pid(&all, thread);
        } else if (count < OPEN_MOST && draw(&state, step < STEPS / 2 ? 3 : 2) > 0) {
            const struct instance_begin begin = {
                .begin_ns = step, .order = instance_order(step, 0), .values = &value};
            open[count++] = instances_begin(&all, thread, &begin);
            most = count > most ? count : most;
        } else {
            struct instance *found = instances_to_end(&all, thread, 0, &value);
            cr_assert(found == search(open, count, thread, value.u), "step %u", step);
            for (size_t i = 0; found && i < count; i++)
                if (open[i] == found)
                    open[i] = open[--count];
            if (found)
                instances_close(&all, found);
        }
    }
    cr_assert(gt(sz, most, 500));
    instances_close_all(&all);
    for (size_t i = 0; i < THREADS; i++)
        instances_forget(&threads[i]);
    instances_clear(&all);
    schema_free(schema);
    phases_clear(&phases);
}
