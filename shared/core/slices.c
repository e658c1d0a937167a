/* Which threads had each CPU before its current one, in both modes: for threads that wait for the
 * CPU.
 *
 * The last CPU_SLICES slices of a CPU are stored, without a gap from the oldest to the begin of the
 * current one. If there are that many, earlier time is RAN_EARLIER; else the thread there is
 * unknown. When mapping with fewer slices, only the past has the earlier ones: a wait that began
 * before them is a STEP. */
#include "base/memory.h"
#include "core/state.h"

struct slices {
    uint32_t end, count; /* at[end - count .. end - 1] */
    uint32_t unsent;     /* mapping: number of the latest ones, or more, that are not in the row */
    struct cpu_slice at[2 * CPU_SLICES];
};

void slices_add(struct cpu *cpu, const struct cpu_slice *slice)
{
    if (!cpu->slices)
        cpu->slices = memory_new(sizeof *cpu->slices);
    struct slices *slices = cpu->slices;
    if (slices->end == 2 * CPU_SLICES) {
        memcpy(slices->at, slices->at + CPU_SLICES, CPU_SLICES * sizeof *slices->at);
        slices->end = CPU_SLICES;
    }
    slices->at[slices->end++] = *slice;
    slices->count += slices->count < CPU_SLICES;
}

void slices_forget(struct cpu *cpu)
{
    if (cpu->slices)
        cpu->slices->end = cpu->slices->count = 0;
}

void slices_end_wait(struct core *core, const struct cpu *cpu, struct life *life, uint64_t ns)
{
    uint64_t until_ns = life->clock_ns;
    const uint64_t since_ns = until_ns - ns;
    const struct slices *slices = cpu->slices;
    const uint32_t count = slices ? slices->count : 0;
    for (uint32_t i = 1; i <= count && until_ns > since_ns; i++) {
        const struct cpu_slice *slice = &slices->at[slices->end - i];
        uint64_t from_ns = slice->begin_ns > since_ns ? slice->begin_ns : since_ns;
        if (from_ns >= until_ns)
            continue;
        wait_add(core, life, slice->who, until_ns - from_ns);
        until_ns = from_ns;
    }
    if (until_ns > since_ns)
        wait_add(core, life, wait_who(count == CPU_SLICES ? RAN_EARLIER : RAN_UNKNOWN, 0),
                 until_ns - since_ns);
}

struct cpu_slice *slices_last(const struct cpu *cpu, size_t most, size_t *count)
{
    struct slices *slices = cpu->slices;
    *count = slices && slices->count < most ? slices->count : slices ? most : 0;
    return slices ? slices->at + slices->end - *count : NULL;
}

/* --- mapping --- */

void slices_add_here(struct cpu *cpu, const struct cpu_slice *slice)
{
    slices_add(cpu, slice);
    cpu->slices->unsent++;
}

bool slices_cover(const struct cpu *cpu, uint64_t since_ns)
{
    const struct slices *slices = cpu->slices;
    if (!slices || slices->count == 0)
        return since_ns >= cpu->run_begin_ns;
    return slices->count >= CPU_SLICES - 1 ||
           since_ns >= slices->at[slices->end - slices->count].begin_ns;
}

void slices_write(struct core *core, struct cpu *cpu, struct cpu_line *line)
{
    if (!cpu->slices || cpu->slices->unsent == 0)
        return;
    const struct cpu_slice *last = slices_last(cpu, cpu->slices->unsent, &line->slice_count);
    line->slices = arena_copy(&core->row->arena, last, line->slice_count * sizeof *last);
    cpu->slices->unsent = 0;
}

/* --- joining --- */

void join_slices(const struct core *core, struct cpu *cpu, const struct cpu_line *line)
{
    for (size_t i = 0; i < line->slice_count; i++) {
        const struct cpu_slice *slice = &line->slices[i];
        slices_add(cpu, &(struct cpu_slice){slice->begin_ns, join_who(core, slice->who)});
    }
}
