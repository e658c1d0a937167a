#include <stdlib.h>

#include "base/memory.h"
#include "model/state.h"

void call_tell(struct model *model, const struct thread *thread, uint32_t path,
               const struct syscall *call, const struct call_cell *cell)
{
    struct result result = {.type = RESULT_CALLS,
                            .thread = thread->id,
                            .phase = model_path(model, path),
                            .call = text_of(call->name),
                            .calls = cell};
    model_tell_of(model, thread, &result);
}

void call_drop(struct call_in_progress *call)
{
    for (unsigned i = 0; i < 2; i++) {
        struct descriptor *used = call->use[i];
        if (used && --used->refs == 0)
            descriptor_free(used);
    }
    if (call->table)
        table_unref(call->table);
    free(call->credits);
    free(call->text);
    *call = (struct call_in_progress){0};
}

void call_add_credit(struct call_in_progress *call, const struct thread *thread, uint32_t path,
                     uint64_t count)
{
    for (size_t i = 0; i < call->credit_count; i++) {
        struct call_credit *credit = &call->credits[i];
        if (credit->thread == thread->id && credit->stretch == thread->stretch &&
            credit->path == path) {
            credit->count += count;
            return;
        }
    }
    call->credits = memory_grow(call->credits, &call->credit_room, call->credit_count + 1,
                                sizeof *call->credits);
    call->credits[call->credit_count++] = (struct call_credit){
        .thread = thread->id, .stretch = thread->stretch, .path = path, .count = count};
}

void call_move(struct call_in_progress *to, struct call_in_progress *from)
{
    *to = *from;
    *from = (struct call_in_progress){0};
}

void call_open(struct model *model, struct thread *thread, const struct open_call *open,
               uint32_t path)
{
    struct call_in_progress *call = &thread->call;
    call_end_unknown(model, thread); /* there is one in records that contradict themselves */
    call->open = *open;
    if (open->text.count) {
        call->text = memory_string(open->text);
        call->open.text.at = call->text;
    }
    call->path = path;
    descriptor_bind(model, thread);
}

void call_whole(struct model *model, struct thread *thread, const struct open_call *open,
                uint32_t path, const struct call_exit *exit)
{
    call_end_unknown(model, thread); /* likewise */
    thread->call.open = *open;
    thread->call.path = path;
    descriptor_bind(model, thread);
    descriptor_complete(model, thread, exit);
    call_drop(&thread->call);
}

void call_complete(struct model *model, struct thread *thread, const struct call_exit *exit)
{
    struct call_in_progress *call = &thread->call;
    const struct call_role *role = call->open.call->role;
    struct call_cell cell = {0};
    uint64_t ns = exit->time_ns - call->open.entry_ns;
    call_cell_add(&cell, call->open.entry_ns, ns, durations_bucket(ns), exit->ret,
                  role->flags & (CALL_READS | CALL_WRITES));
    call_tell(model, thread, call->path, call->open.call, &cell);
    call_cell_clear(&cell);
    instances_call_over(&thread->phases, true);
    for (size_t i = 0; i < call->credit_count; i++)
        phase_call_completed(model, thread, &call->credits[i]);
    descriptor_complete(model, thread, exit);
    call_drop(call);
}

void call_end_unknown(struct model *model, struct thread *thread)
{
    if (!thread->call.open.call)
        return;
    struct call_cell cell = {.end_unknown = 1};
    call_tell(model, thread, thread->call.path, thread->call.open.call, &cell);
    instances_call_over(&thread->phases, false);
    call_drop(&thread->call);
}
