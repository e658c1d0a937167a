#include "trace/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Initial capacity; most cells need no more. */
enum { ERRORS_FIRST = 2 };

void call_cell_add_error(struct call_cell *cell, uint32_t number, uint64_t count)
{
    uint32_t at = 0;
    while (at < cell->error_count && cell->errors[at].number < number)
        at++;
    if (at < cell->error_count && cell->errors[at].number == number) {
        cell->errors[at].count += count;
        return;
    }
    if (cell->error_count == cell->error_room) {
        cell->error_room = cell->error_room > 0 ? 2 * cell->error_room : ERRORS_FIRST;
        cell->errors = memory_resize(cell->errors, cell->error_room, sizeof *cell->errors);
    }
    memmove(cell->errors + at + 1, cell->errors + at,
            (cell->error_count - at) * sizeof *cell->errors);
    cell->errors[at] = (struct error_count){number, count};
    cell->error_count++;
}

void call_cell_merge(struct call_cell *cell, const struct call_cell *other)
{
    if (other->complete.count)
        call_cell_note_slowest(cell, other->complete.max_ns, other->slowest_entry_ns);
    durations_merge(&cell->complete, &other->complete);
    cell->bytes += other->bytes;
    cell->begin_unknown += other->begin_unknown;
    cell->end_unknown += other->end_unknown;
    cell->refused += other->refused;
    for (uint32_t i = 0; i < other->error_count; i++)
        call_cell_add_error(cell, other->errors[i].number, other->errors[i].count);
}

void call_cell_clear(struct call_cell *cell)
{
    free(cell->errors);
    durations_clear(&cell->complete);
    *cell = (struct call_cell){0};
}

void use_cell_merge(struct use_cell *cell, const struct use_cell *other)
{
    durations_merge(&cell->calls, &other->calls);
    cell->read_bytes += other->read_bytes;
    cell->write_bytes += other->write_bytes;
}

void use_cell_clear(struct use_cell *cell)
{
    durations_clear(&cell->calls);
    *cell = (struct use_cell){0};
}

void time_vector_add_blocked_in(struct time_vector *vector, uint32_t call, uint64_t ns)
{
    if (ns == 0)
        return;
    for (uint32_t i = 0; i < vector->blocked_count; i++) {
        if (vector->blocked_in[i].call == call) {
            vector->blocked_in[i].ns += ns;
            return;
        }
    }
    size_t room = vector->blocked_room;
    vector->blocked_in = memory_grow(vector->blocked_in, &room, (size_t)vector->blocked_count + 1,
                                     sizeof *vector->blocked_in);
    vector->blocked_room = (uint32_t)room;
    vector->blocked_in[vector->blocked_count++] = (struct blocked_in){call, ns};
}

void time_vector_merge(struct time_vector *restrict vector, const struct time_vector *other)
{
    vector->user_ns += other->user_ns;
    vector->sys_ns += other->sys_ns;
    vector->runnable_ns += other->runnable_ns;
    vector->unknown_ns += other->unknown_ns;
    vector->blocked_ns += other->blocked_ns;
    vector->before_running_ns += other->before_running_ns;
    vector->before_blocked_ns += other->before_blocked_ns;
    vector->as_before_ns += other->as_before_ns;
    interrupted_add(&vector->interrupted, &other->interrupted);
    for (uint32_t i = 0; i < other->blocked_count; i++)
        time_vector_add_blocked_in(vector, other->blocked_in[i].call, other->blocked_in[i].ns);
}

void time_vector_copy(struct time_vector *vector, const struct time_vector *other)
{
    struct blocked_in *blocked_in = vector->blocked_in;
    size_t count = other->blocked_count, room = vector->blocked_room;
    *vector = *other;
    vector->blocked_in = blocked_in;
    vector->blocked_room = (uint32_t)room;
    if (count == 0)
        return;
    if (room < count) {
        vector->blocked_in = memory_grow(blocked_in, &room, count, sizeof *blocked_in);
        vector->blocked_room = (uint32_t)room;
    }
    memcpy(vector->blocked_in, other->blocked_in, count * sizeof *blocked_in);
}

void time_vector_subtract(struct time_vector *vector, const struct time_vector *other)
{
    vector->user_ns -= other->user_ns;
    vector->sys_ns -= other->sys_ns;
    vector->runnable_ns -= other->runnable_ns;
    vector->unknown_ns -= other->unknown_ns;
    vector->blocked_ns -= other->blocked_ns;
    vector->before_running_ns -= other->before_running_ns;
    vector->before_blocked_ns -= other->before_blocked_ns;
    vector->as_before_ns -= other->as_before_ns;
    interrupted_subtract(&vector->interrupted, &other->interrupted);
    for (uint32_t i = 0; i < other->blocked_count; i++)
        time_vector_add_blocked_in(vector, other->blocked_in[i].call, 0 - other->blocked_in[i].ns);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < vector->blocked_count; i++)
        if (vector->blocked_in[i].ns != 0)
            vector->blocked_in[kept++] = vector->blocked_in[i];
    vector->blocked_count = kept;
}

void time_vector_difference(struct time_vector *restrict to, const struct time_vector *total,
                            const struct time_vector *before)
{
    if (total->blocked_count + before->blocked_count > 0) {
        time_vector_merge(to, total);
        time_vector_subtract(to, before);
        return;
    }
    to->user_ns = total->user_ns - before->user_ns;
    to->sys_ns = total->sys_ns - before->sys_ns;
    to->runnable_ns = total->runnable_ns - before->runnable_ns;
    to->unknown_ns = total->unknown_ns - before->unknown_ns;
    to->blocked_ns = total->blocked_ns - before->blocked_ns;
    to->before_running_ns = total->before_running_ns - before->before_running_ns;
    to->before_blocked_ns = total->before_blocked_ns - before->before_blocked_ns;
    to->as_before_ns = total->as_before_ns - before->as_before_ns;
    to->interrupted = total->interrupted;
    interrupted_subtract(&to->interrupted, &before->interrupted);
}

uint64_t time_vector_whole(const struct time_vector *vector)
{
    uint64_t whole = vector->user_ns + vector->sys_ns + vector->runnable_ns + vector->unknown_ns +
                     vector->blocked_ns + vector->before_running_ns + vector->before_blocked_ns +
                     vector->as_before_ns;
    for (uint32_t i = 0; i < vector->blocked_count; i++)
        whole += vector->blocked_in[i].ns;
    return whole;
}

void time_vector_clear(struct time_vector *vector)
{
    struct blocked_in *kept = vector->blocked_in;
    uint32_t room = vector->blocked_room;
    *vector = (struct time_vector){.blocked_in = kept, .blocked_room = room};
}

void time_vector_free(struct time_vector *vector)
{
    free(vector->blocked_in);
    *vector = (struct time_vector){0};
}

struct instance_wait *instance_waits_copy(const struct instance_wait *waits, size_t count)
{
    if (count == 0)
        return NULL;
    struct instance_wait *copy = memory_buffer(count * sizeof *copy);
    memcpy(copy, waits, count * sizeof *copy);
    return copy;
}

void ended_instance_clear(struct ended_instance *ended)
{
    time_vector_free(&ended->time);
    for (size_t i = 0; i < ended->value_count; i++)
        if (ended->values[i].type == FIELD_TEXT)
            free((char *)(uintptr_t)ended->values[i].text.at);
    free(ended->values);
    free(ended->waits);
    *ended = (struct ended_instance){.value_count = 0};
}

void phase_cell_merge_counts(struct phase_cell *to, const struct phase_cell *from)
{
    durations_merge(&to->complete, &from->complete);
    to->hopped += from->hopped;
    to->queued_ns += from->queued_ns;
    to->parallel_ns += from->parallel_ns;
    to->over += from->over;
    to->begin_unknown += from->begin_unknown;
    to->end_unknown += from->end_unknown;
    to->syscalls += from->syscalls;
}

void phase_cell_clear(struct phase_cell *cell)
{
    durations_clear(&cell->complete);
    time_vector_free(&cell->time);
}

void count_cell_add(struct count_cell *cell, const struct field_value *value)
{
    cell->count++;
    if (value->type == FIELD_INT && value->i < 0)
        cell->negative++;
    else if (value->type == FIELD_INT || value->type == FIELD_UINT)
        durations_add(&cell->value, value->u);
}

void count_cell_merge(struct count_cell *cell, const struct count_cell *other)
{
    cell->count += other->count;
    cell->negative += other->negative;
    durations_merge(&cell->value, &other->value);
    cell->lost += other->lost;
    cell->timed_out += other->timed_out;
    cell->open += other->open;
    cell->begin_unknown += other->begin_unknown;
    cell->unmatched += other->unmatched;
}

void count_cell_clear(struct count_cell *cell)
{
    durations_clear(&cell->value);
    *cell = (struct count_cell){.count = 0};
}
