#include "base/memory.h"
#include "model/parts.h"
#include "model/state.h"

/* So many more than were needed the last time may be there that no interval walks for them in vain. */
enum { PATHS_SPARE = 1024 };

struct renaming {
    const struct names *from;
    struct names to;
};

static void rename_path(struct renaming *renaming, uint32_t *path)
{
    *path = names_id(&renaming->to, names_text(renaming->from, *path));
}

static void rename_call(struct renaming *renaming, struct call_in_progress *call)
{
    rename_path(renaming, &call->path);
    for (size_t i = 0; i < call->credit_count; i++)
        rename_path(renaming, &call->credits[i].path);
}

static void rename_parts(struct renaming *renaming, const struct model_parts *parts)
{
    struct thread *thread;
    for (size_t at = 0; (thread = map_next(&parts->threads, &at));)
        rename_call(renaming, &thread->call);
    struct descriptor *descriptor;
    for (size_t at = 0; (descriptor = map_next(&parts->descriptors, &at));)
        for (size_t i = 0; i < descriptor->doubtful_count; i++)
            rename_path(renaming, &descriptor->doubtful[i].path);
}

void model_forget_paths(struct model *model)
{
    if (model->paths.count <= model->paths_most)
        return;
    struct renaming renaming = {.from = &model->paths};
    (void)names_id(&renaming.to, text_of(""));
    struct model_parts parts;
    model_parts_gather(model, &parts);
    rename_parts(&renaming, &parts);
    model_parts_clear(&parts);
    const struct instances *phases = &model->phases;
    for (size_t i = 0; i < phases->set->count; i++)
        for (struct instance *each = phases->newest[i]; each; each = each->older)
            rename_path(&renaming, &each->path);
    for (size_t i = 0; i < model->label_count; i++)
        rename_path(&renaming, &model->labels[i]);
    for (size_t i = 0; i < model->closing_count; i++)
        rename_path(&renaming, &model->closings[i].path);
    names_clear(&model->paths);
    model->paths = renaming.to;
    model->paths_most = 2 * model->paths.count + PATHS_SPARE;
}
