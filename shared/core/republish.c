/* Joining: repeated emission of live entities, for readers that start late. */
#include "core/descriptors.h"

/* An emitted entity is in the set of its turn. With fewer turns than REPUBLISH_TURNS, a turn covers
 * several sets. */
static struct changes *turn_of(struct republishing *all, uint64_t id)
{
    return &all->turns[id % REPUBLISH_TURNS];
}

static struct changes *set_of(struct republishing *all, uint64_t id, bool republished)
{
    return republished ? turn_of(all, id) : &all->unpublished;
}

static void unpublished(struct republishing *all, uint64_t id, bool *republished,
                        struct change *publishing)
{
    if (*republished)
        changes_forget(turn_of(all, id), publishing);
    *republished = false;
    changes_note(&all->unpublished, publishing);
}

static void mark_published(struct republishing *all, uint64_t id, bool *republished,
                           struct change *publishing)
{
    changes_forget(&all->unpublished, publishing);
    *republished = true;
    changes_note(turn_of(all, id), publishing);
}

void republishing_clear(struct republishing *all)
{
    changes_clear(&all->unpublished);
    for (size_t i = 0; i < REPUBLISH_TURNS; i++)
        changes_clear(&all->turns[i]);
}

void life_not_published(struct life *life)
{
    if (life->changed)
        unpublished(&life->changed->published_lives, life->name, &life->republished,
                    &life->publishing);
}

void life_unpublish(struct life *life)
{
    if (life->changed)
        changes_forget(set_of(&life->changed->published_lives, life->name, life->republished),
                       &life->publishing);
}

void descriptor_not_published(struct descriptor *descriptor)
{
    if (descriptor->proven)
        unpublished(&descriptor->table->changed->published_descriptors, descriptor->id,
                    &descriptor->republished, &descriptor->publishing);
}

void descriptor_unpublish(struct descriptor *descriptor)
{
    changes_forget(set_of(&descriptor->table->changed->published_descriptors, descriptor->id,
                          descriptor->republished),
                   &descriptor->publishing);
}

void process_is_published(struct process *process)
{
    changes_note(turn_of(&process->changed->published_processes, process->id),
                 &process->publishing);
}

void process_unpublish(struct process *process)
{
    changes_forget(turn_of(&process->changed->published_processes, process->id),
                   &process->publishing);
}

static void republish_turn(struct core *core, size_t turn)
{
    struct changed *changed = core->changed;
    const struct process *process;
    for (EACH_CHANGED(process, struct process, publishing,
                      &changed->published_processes.turns[turn]))
        process_emit_fact(core, process);
    const struct life *life;
    for (EACH_CHANGED(life, struct life, publishing, &changed->published_lives.turns[turn]))
        life_emit_fact(core, life);
    const struct descriptor *descriptor;
    for (EACH_CHANGED(descriptor, struct descriptor, publishing,
                      &changed->published_descriptors.turns[turn]))
        descriptor_emit_fact(core, descriptor);
}

static void emit_unpublished(struct core *core)
{
    struct republishing *lives = &core->changed->published_lives;
    while (lives->unpublished.count > 0) {
        struct life *life = CONTAINER_OF(
            struct life, lives->unpublished.at[lives->unpublished.count - 1], publishing);
        life_emit_fact(core, life);
        mark_published(lives, life->name, &life->republished, &life->publishing);
    }
    struct republishing *descriptors = &core->changed->published_descriptors;
    while (descriptors->unpublished.count > 0) {
        struct descriptor *descriptor = CONTAINER_OF(
            struct descriptor, descriptors->unpublished.at[descriptors->unpublished.count - 1],
            publishing);
        descriptor_emit_fact(core, descriptor);
        mark_published(descriptors, descriptor->id, &descriptor->republished,
                       &descriptor->publishing);
    }
}

void core_republish(struct core *core, uint64_t turn, uint64_t turns)
{
    assert(turn < turns && turns <= REPUBLISH_TURNS);
    for (uint64_t i = turn; i < REPUBLISH_TURNS; i += turns)
        republish_turn(core, i);
    emit_unpublished(core);
    struct life *life;
    for (EACH_CHANGED(life, struct life, change, &core->changed->lives))
        life_emit_sums(core, life);
    core_end(core, 0);
}
