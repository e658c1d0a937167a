/* bench/save.c -- the cost of saving a reducer's state when much is live and little changes.
 *
 *     bench_save [--threads N] [--changed N] [--saves N]
 *
 * N threads are live, each in its own process, with a descriptor; between two saves, some of them
 * make a call. Prints milliseconds of CPU time per save, the best of all: for writing everything,
 * and for writing only the changes, with the number of written records. `republishing` is what an
 * interval emits about live entities before the save: one in 32 of them, and the new ones. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "core/core.h"
#include "core/keep.h"
#include "reducer/state_diff.h"

struct machine {
    struct schema *schema;
    struct core *core;
    const struct event_class *entry, *exit;
    uint64_t now_ns;
};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int32_t unknown_thread(void *context, const struct core *core, int32_t cpu, uint64_t time_ns)
{
    (void)context;
    (void)core;
    (void)cpu;
    (void)time_ns;
    return TID_SETTLED_UNKNOWN;
}

static void count_record(void *context, struct text key, struct bytes record)
{
    (void)key;
    (void)record;
    ++*(size_t *)context;
}

static struct event event_of(struct machine *machine, const struct event_class *class, int32_t tid)
{
    return (struct event){.time_ns = machine->now_ns += 300,
                          .class = class,
                          .call = class->call,
                          .kind = class->kind,
                          .tid = tid,
                          .pid = tid,
                          .has = EVENT_HAS_TID | EVENT_HAS_PID,
                          .present = 1};
}

/* The thread reads from descriptor 3. */
static void read_once(struct machine *machine, int32_t tid)
{
    struct event entry = event_of(machine, machine->entry, tid);
    entry.value[0] = 3;
    core_event(machine->core, &entry);
    struct event exit = event_of(machine, machine->exit, tid);
    exit.value[0] = 100;
    core_event(machine->core, &exit);
}

static double republish(struct machine *machine, uint64_t turn)
{
    double begin_ms = now_ms();
    core_republish(machine->core, turn % 32, 32);
    return now_ms() - begin_ms;
}

static double save(struct machine *machine, struct state_diff *diff, size_t *records)
{
    *records = 0;
    core_end(machine->core, 0);
    double begin_ms = now_ms();
    struct keep_sink out = {.take = count_record, .context = records};
    core_save(machine->core, state_diff_begin(diff, out));
    state_diff_end(diff);
    return now_ms() - begin_ms;
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"threads", required_argument, NULL, 0},
                                            {"changed", required_argument, NULL, 1},
                                            {"saves", required_argument, NULL, 2},
                                            {NULL, 0, NULL, 0}};
    int numbers[] = {200000, 100, 10};
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        if (option < 0 || option > 2 || (numbers[option] = atoi(optarg)) <= 0)
            return 2;
    const int threads = numbers[0], changed = numbers[1], saves = numbers[2];
    struct machine machine = {.schema = schema_new(NULL), .now_ns = 1000000000};
    machine.core = core_new(machine.schema, (struct result_sink){.take = NULL},
                            (struct core_settle_source){.settle = unknown_thread});
    core_begin(machine.core, (struct core_facts){.has_kernel = true, .counts_switches = true},
               NULL);
    machine.entry = schema_class(machine.schema, DOMAIN_KERNEL, text_of("syscall_entry_read"));
    machine.exit = schema_class(machine.schema, DOMAIN_KERNEL, text_of("syscall_exit_read"));
    for (int i = 0; i < threads; i++)
        read_once(&machine, 1000 + i);
    struct state_diff *diff = state_diff_new();
    size_t records;
    (void)republish(&machine, 0);
    double all_ms = save(&machine, diff, &records);
    printf("all       %9.2f ms %9zu records\n", all_ms, records);
    double best_ms = 1e9, republish_ms = 1e9;
    for (int round = 0; round < saves; round++) {
        for (int i = 0; i < changed; i++)
            read_once(&machine, 1000 + (int)((long long)i * threads / changed) + round % 2);
        double ms = republish(&machine, (uint64_t)round);
        republish_ms = ms < republish_ms ? ms : republish_ms;
        ms = save(&machine, diff, &records);
        best_ms = ms < best_ms ? ms : best_ms;
    }
    printf("retelling %9.2f ms\n", republish_ms);
    printf("%-9d %9.2f ms %9zu records\n", changed, best_ms, records);
    state_diff_free(diff);
    core_free(machine.core);
    schema_free(machine.schema);
    return 0;
}
