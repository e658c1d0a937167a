/* Joining: repeated emission of live entities, for readers that start late. */
#include "core/descriptors.h"

/* An emitted entity is in the set of its turn. With fewer turns than RETELL_TURNS, a turn covers
 * several sets. */
static struct changes *turn_of(struct retelling *all, uint64_t id)
{
    return &all->turns[id % RETELL_TURNS];
}

static struct changes *set_of(struct retelling *all, uint64_t id, bool retold)
{
    return retold ? turn_of(all, id) : &all->untold;
}

static void untold(struct retelling *all, uint64_t id, bool *retold, struct change *telling)
{
    if (*retold)
        changes_forget(turn_of(all, id), telling);
    *retold = false;
    changes_note(&all->untold, telling);
}

static void told(struct retelling *all, uint64_t id, bool *retold, struct change *telling)
{
    changes_forget(&all->untold, telling);
    *retold = true;
    changes_note(turn_of(all, id), telling);
}

void retelling_clear(struct retelling *all)
{
    changes_clear(&all->untold);
    for (size_t i = 0; i < RETELL_TURNS; i++)
        changes_clear(&all->turns[i]);
}

void life_untold(struct life *life)
{
    if (life->changed)
        untold(&life->changed->told_lives, life->name, &life->retold, &life->telling);
}

void life_untell(struct life *life)
{
    if (life->changed)
        changes_forget(set_of(&life->changed->told_lives, life->name, life->retold),
                       &life->telling);
}

void descriptor_untold(struct descriptor *descriptor)
{
    if (descriptor->proven)
        untold(&descriptor->table->changed->told_descriptors, descriptor->id, &descriptor->retold,
               &descriptor->telling);
}

void descriptor_untell(struct descriptor *descriptor)
{
    changes_forget(
        set_of(&descriptor->table->changed->told_descriptors, descriptor->id, descriptor->retold),
        &descriptor->telling);
}

void process_told(struct process *process)
{
    changes_note(turn_of(&process->changed->told_processes, process->id), &process->telling);
}

void process_untell(struct process *process)
{
    changes_forget(turn_of(&process->changed->told_processes, process->id), &process->telling);
}

static void retell_turn(struct core *core, size_t turn)
{
    struct changed *changed = core->changed;
    const struct process *process;
    for (EACH_CHANGED(process, struct process, telling, &changed->told_processes.turns[turn]))
        process_tell_fact(core, process);
    const struct life *life;
    for (EACH_CHANGED(life, struct life, telling, &changed->told_lives.turns[turn]))
        life_tell_fact(core, life);
    const struct descriptor *descriptor;
    for (EACH_CHANGED(descriptor, struct descriptor, telling,
                      &changed->told_descriptors.turns[turn]))
        descriptor_tell_fact(core, descriptor);
}

static void tell_untold(struct core *core)
{
    struct retelling *lives = &core->changed->told_lives;
    while (lives->untold.count > 0) {
        struct life *life =
            CONTAINER_OF(struct life, lives->untold.at[lives->untold.count - 1], telling);
        life_tell_fact(core, life);
        told(lives, life->name, &life->retold, &life->telling);
    }
    struct retelling *descriptors = &core->changed->told_descriptors;
    while (descriptors->untold.count > 0) {
        struct descriptor *descriptor = CONTAINER_OF(
            struct descriptor, descriptors->untold.at[descriptors->untold.count - 1], telling);
        descriptor_tell_fact(core, descriptor);
        told(descriptors, descriptor->id, &descriptor->retold, &descriptor->telling);
    }
}

void core_retell(struct core *core, uint64_t turn, uint64_t turns)
{
    assert(turn < turns && turns <= RETELL_TURNS);
    for (uint64_t i = turn; i < RETELL_TURNS; i += turns)
        retell_turn(core, i);
    tell_untold(core);
    struct life *life;
    for (EACH_CHANGED(life, struct life, change, &core->changed->lives))
        life_tell_sums(core, life);
    core_end(core, 0);
}
