#include "trace/partial.h"

#include <stddef.h>
#include <string.h>

#include "trace/syscalls.h"

static struct text copy_text(struct arena *arena, struct text text)
{
    return (struct text){arena_string(arena, text), text.count};
}

static void copy_thread(struct arena *arena, struct thread_piece *piece)
{
    if (piece->kernel_named)
        piece->kernel_name = copy_text(arena, piece->kernel_name);
    if (piece->user_named)
        piece->user_name = copy_text(arena, piece->user_name);
    if (piece->call_register == CALL_OPEN)
        piece->open.text = copy_text(arena, piece->open.text);
    piece->latency = durations_copy(arena, &piece->latency);
    struct piece_call *calls = arena_take(arena, piece->call_count * sizeof *calls);
    for (size_t i = 0; i < piece->call_count; i++) {
        calls[i] = piece->calls[i];
        struct call_cell *cell = &calls[i].cell;
        struct error_count *errors = arena_take(arena, cell->error_count * sizeof *errors);
        if (cell->error_count)
            memcpy(errors, cell->errors, cell->error_count * sizeof *errors);
        cell->errors = errors;
        cell->complete = durations_copy(arena, &cell->complete);
    }
    piece->calls = calls;
    struct blocked_in *blocked = arena_take(arena, piece->time.blocked_count * sizeof *blocked);
    if (piece->time.blocked_count)
        memcpy(blocked, piece->time.blocked_in, piece->time.blocked_count * sizeof *blocked);
    piece->time.blocked_in = blocked;
}

size_t item_bytes(enum item_kind kind)
{
    static const struct item *const item; /* for its members' sizes */
    switch (kind) {
    case ITEM_EVENT: return offsetof(struct item, event) + sizeof item->event;
    case ITEM_THREAD: return offsetof(struct item, thread) + sizeof item->thread;
    case ITEM_CPU: return offsetof(struct item, cpu) + sizeof item->cpu;
    case ITEM_USES: return offsetof(struct item, uses) + sizeof item->uses;
    case ITEM_DESCRIPTOR_CALL:
        return offsetof(struct item, descriptor_call) + sizeof item->descriptor_call;
    case ITEM_LIFE: return offsetof(struct item, life) + sizeof item->life;
    }
    return sizeof(struct item);
}

struct item item_copy(struct arena *arena, const struct item *from)
{
    struct item to = {.kind = from->kind};
    memcpy(&to, from, item_bytes((enum item_kind)from->kind));
    switch ((enum item_kind)from->kind) {
    case ITEM_EVENT: to.event.event = event_copy(arena, &from->event.event); break;
    case ITEM_THREAD: copy_thread(arena, &to.thread); break;
    case ITEM_DESCRIPTOR_CALL:
        to.descriptor_call.text = copy_text(arena, from->descriptor_call.text);
        break;
    case ITEM_LIFE:
        if (to.life.named)
            to.life.name = copy_text(arena, from->life.name);
        to.life.cell.calls = durations_copy(arena, &from->life.cell.calls);
        break;
    case ITEM_USES: to.uses.cell.calls = durations_copy(arena, &from->uses.cell.calls); break;
    case ITEM_CPU: break;
    }
    return to;
}
