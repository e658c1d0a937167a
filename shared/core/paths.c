/* Joining: paths of phases. Field values create new names all the time, so unused paths are
 * dropped, between intervals. */
#include "core/descriptors.h"

/* This many more than were in use the last time are kept, so that most intervals need no search. */
enum { PATHS_SPARE = 1024 };

struct renaming {
    struct core *core;
    struct names to;
    struct map done; /* descriptors, by address */
};

static void rename_path(struct renaming *renaming, uint32_t *path)
{
    *path = names_id(&renaming->to, names_text(&renaming->core->paths, *path));
}

static void rename_descriptor(struct renaming *renaming, struct descriptor *descriptor)
{
    if (!descriptor || map_get(&renaming->done, (uintptr_t)descriptor))
        return;
    map_put(&renaming->done, (uintptr_t)descriptor, descriptor);
    for (size_t i = 0; i < descriptor->doubtful_count; i++)
        rename_path(renaming, &descriptor->doubtful[i].label);
}

static void rename_life(struct renaming *renaming, struct life *life)
{
    life_emit_sums(renaming->core, life); /* sums have labels, too */
    rename_path(renaming, &life->open_label);
    for (size_t i = 0; i < life->credit_count; i++)
        rename_path(renaming, &life->credits[i].label);
    for (size_t i = 0; i < 2; i++)
        rename_descriptor(renaming, life->used[i]);
}

static void rename_all(struct renaming *renaming)
{
    struct core *core = renaming->core;
    for (struct life *life = core->all; life; life = life->next_of_all)
        rename_life(renaming, life);
    for (struct table *table = core->tables; table; table = table->next) {
        struct descriptor *each;
        for (size_t at = 0; (each = map_next(&table->places, &at));)
            rename_descriptor(renaming, each);
    }
    const struct instances *phases = &core->phases;
    for (size_t i = 0; i < phases->set->count; i++)
        for (struct instance *each = phases->newest[i]; each; each = each->older)
            rename_path(renaming, &each->path);
}

void join_forget_paths(struct core *core)
{
    if (core->paths.count <= core->paths_most || core->old_paths.count > 0)
        return;
    struct renaming renaming = {.core = core};
    (void)names_id(&renaming.to, text_of(""));
    rename_all(&renaming);
    map_clear(&renaming.done);
    core->old_paths = core->paths;
    core->paths = renaming.to;
    core->paths_most = 2 * core->paths.count + PATHS_SPARE;
}
