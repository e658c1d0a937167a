#include "trace/partial.h"

#include <stddef.h>
#include <string.h>

#include "trace/syscalls.h"

static struct text copy_text(struct arena *arena, struct text text)
{
    return (struct text){arena_string(arena, text), text.count};
}

static void *copy_array(struct arena *arena, const void *at, size_t count, size_t size)
{
    void *copy = arena_take(arena, count * size);
    if (count > 0)
        memcpy(copy, at, count * size);
    return copy;
}

static void copy_time(struct arena *arena, struct time_vector *time)
{
    time->blocked_in =
        copy_array(arena, time->blocked_in, time->blocked_count, sizeof *time->blocked_in);
}

static struct field_value *copy_values(struct arena *arena, const struct field_value *values,
                                       size_t count)
{
    struct field_value *copy = copy_array(arena, values, count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        if (copy[i].type == FIELD_TEXT)
            copy[i].text = copy_text(arena, copy[i].text);
    return copy;
}

static void copy_instance(struct arena *arena, struct instance_piece *piece)
{
    copy_time(arena, &piece->time);
    piece->values = copy_values(arena, piece->values, piece->value_count);
}

static void copy_ended(struct arena *arena, struct thread_piece *piece)
{
    piece->ended = copy_array(arena, piece->ended, piece->ended_count, sizeof *piece->ended);
    for (size_t i = 0; i < piece->ended_count; i++) {
        struct ended_instance *ended = &piece->ended[i].ended;
        copy_time(arena, &ended->time);
        ended->values = copy_values(arena, ended->values, ended->value_count);
    }
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
    copy_time(arena, &piece->time);
    piece->phases = copy_array(arena, piece->phases, piece->phase_count, sizeof *piece->phases);
    for (size_t i = 0; i < piece->phase_count; i++) {
        struct phase_cell *cell = &piece->phases[i].cell;
        copy_time(arena, &cell->time);
        cell->complete = durations_copy(arena, &cell->complete);
    }
    copy_ended(arena, piece);
    piece->closings =
        copy_array(arena, piece->closings, piece->closing_count, sizeof *piece->closings);
    piece->credits = copy_array(arena, piece->credits, piece->credit_count, sizeof *piece->credits);
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
    case ITEM_LABEL: return offsetof(struct item, label) + sizeof item->label;
    case ITEM_INSTANCE: return offsetof(struct item, instance) + sizeof item->instance;
    case ITEM_ANALYSIS: return offsetof(struct item, analysis) + sizeof item->analysis;
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
    case ITEM_LABEL: to.label.name = copy_text(arena, from->label.name); break;
    case ITEM_INSTANCE: copy_instance(arena, &to.instance); break;
    case ITEM_ANALYSIS:
        to.analysis.at = copy_array(arena, from->analysis.at, from->analysis.count, 1);
        break;
    }
    return to;
}
