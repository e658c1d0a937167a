/* Descriptors that were seen from creation to end: later results do not change them, so they are
 * kept encoded until needed. */
#include "results/fold.h"
#include "results/fold_state.h"
#include "trace/passed.h"

void fold_take_passed(struct fold *fold, const struct passed_result *passed)
{
    struct arena *arena = &fold->passed_arena;
    struct passed_kept *kept = arena_buffer(arena, sizeof *kept);
    *kept = (struct passed_kept){.content = *passed, .path = fold_name_id(fold, passed->phase)};
    kept->content.bytes.at = arena_copy(arena, passed->bytes.at, passed->bytes.count);
    *(fold->passed ? fold->passed_end : &fold->passed) = kept;
    fold->passed_end = &kept->next;
}

static void settle(struct fold *fold, const struct passed_kept *kept, struct arena *arena)
{
    const struct passed_result *content = &kept->content;
    struct passed_in in = passed_in(content->bytes);
    struct passed passed;
    for (uint64_t id = content->first; passed_take(&in, arena, &passed); id++) {
        fold_take(fold, &(struct result){.type = RESULT_DESCRIPTOR,
                                         .descriptor_fact = {.id = id,
                                                             .process = content->process,
                                                             .fd = passed.fd,
                                                             .begin_ns = passed.begin_ns,
                                                             .end_ns = passed.end_ns,
                                                             .begin_hard = true,
                                                             .ended = true,
                                                             .end_hard = passed.end_hard,
                                                             .named = passed.named,
                                                             .kind = passed.kind,
                                                             .name = passed.name}});
        if (passed.uses.calls.count > 0)
            fold_take(fold, &(struct result){.type = RESULT_USES,
                                             .descriptor = id,
                                             .thread = content->thread,
                                             .phase = names_text(&fold->names, kept->path),
                                             .uses = &passed.uses});
    }
}

void fold_settle(struct fold *fold)
{
    struct arena arena = {.first = NULL};
    for (const struct passed_kept *kept = fold->passed; kept; kept = kept->next)
        settle(fold, kept, &arena);
    arena_clear(&arena);
    fold->passed = NULL;
    arena_clear(&fold->passed_arena);
}
