/* bench/turns.c -- whether the core's cost of an event depends on the number of threads.
 *
 *     bench_turns [--rounds N] [--threads N]
 *
 * Four CPUs, in memory: threads alternate; each reads ten times and gives its CPU to the next.
 * Prints the best of several rounds, in nanoseconds of CPU time per event. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "core/core.h"

enum { CPUS = 4, READS = 10, BATCH = 1024, EVENTS = 4000000 };

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct machine {
    struct schema *schema;
    const struct event_class *switched, *entry, *exit;
    unsigned threads;
    uint64_t now_ns;
    unsigned cpu, next[CPUS], running[CPUS], done[CPUS];
    char names[CPUS][2][16];
};

static struct event event_of(struct machine *machine, const struct event_class *class)
{
    return (struct event){.time_ns = machine->now_ns += 300,
                          .class = class,
                          .call = class->call,
                          .cpu = (int32_t)machine->cpu,
                          .kind = class->kind,
                          .present = 1};
}

/* Each CPU has its own threads. */
static unsigned thread_after(const struct machine *machine, unsigned thread)
{
    return thread + CPUS < machine->threads ? thread + CPUS : machine->cpu;
}

static struct event next_event(struct machine *machine)
{
    unsigned cpu = machine->cpu = (machine->cpu + 1) % CPUS;
    if (machine->done[cpu] == 2 * READS || machine->running[cpu] == 0) {
        struct event event = event_of(machine, machine->switched);
        unsigned next = machine->running[cpu] ? thread_after(machine, machine->next[cpu]) : cpu;
        event.value[0] = machine->running[cpu];
        event.value[1] = 1;
        event.value[2] = 1000 + next;
        event.present = 7 | 3 << EVENT_VALUES;
        for (unsigned i = 0; i < 2; i++) {
            snprintf(machine->names[cpu][i], 16, "thread-%u", (unsigned)event.value[2 * i]);
            event.text[i] = text_of(machine->names[cpu][i]);
        }
        machine->next[cpu] = next;
        machine->running[cpu] = 1000 + next;
        machine->done[cpu] = 0;
        return event;
    }
    bool enters = machine->done[cpu]++ % 2 == 0;
    struct event event = event_of(machine, enters ? machine->entry : machine->exit);
    event.value[0] = enters ? 3 + machine->running[cpu] % 4 : 100;
    return event;
}

static double run(unsigned threads)
{
    struct machine machine = {.schema = schema_new(NULL), .threads = threads, .now_ns = 1000000000};
    machine.switched = schema_class(machine.schema, DOMAIN_KERNEL, text_of("sched_switch"));
    machine.entry = schema_class(machine.schema, DOMAIN_KERNEL, text_of("syscall_entry_read"));
    machine.exit = schema_class(machine.schema, DOMAIN_KERNEL, text_of("syscall_exit_read"));
    struct row row = {.count = 0};
    struct core_mapping mapping = {.facts = {true, true}, .end_ns = UINT64_MAX};
    struct core *core = core_new_mapping(machine.schema, &mapping, &row);
    struct event *batch = memory_new(BATCH * sizeof *batch);
    double spent_s = 0;
    for (unsigned at = 0; at < EVENTS / BATCH; at++) {
        for (unsigned i = 0; i < BATCH; i++)
            batch[i] = next_event(&machine);
        double begin_s = now_s();
        core_map(core, batch, BATCH);
        spent_s += now_s() - begin_s;
    }
    free(batch);
    core_free(core);
    row_clear(&row);
    schema_free(machine.schema);
    return spent_s * 1e9 / EVENTS;
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"rounds", required_argument, NULL, 'n'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    static const unsigned THREADS[] = {12, 100, 1000, 10000};
    enum { KINDS = sizeof THREADS / sizeof *THREADS };
    int rounds = 3, only = 0;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        int *to = option == 'n' ? &rounds : option == 't' ? &only : NULL;
        if (!to || (*to = atoi(optarg)) <= 0)
            return 2;
    }
    double best[KINDS];
    /* Alternating, so that other load on the machine affects all. */
    for (int round = 0; round < rounds; round++)
        for (unsigned i = 0; i < KINDS; i++) {
            if (only > 0 && (unsigned)only != THREADS[i])
                continue;
            double ns = run(THREADS[i]);
            best[i] = round == 0 || ns < best[i] ? ns : best[i];
        }
    for (unsigned i = 0; i < KINDS; i++)
        if (only == 0 || (unsigned)only == THREADS[i])
            printf("%6u threads %6.1f ns/event\n", THREADS[i], best[i]);
    return 0;
}
