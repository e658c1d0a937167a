#include "model/keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- numbers and texts --- */

static void put(struct keep *keep, const void *bytes, size_t count)
{
    keep->out = memory_grow(keep->out, &keep->room, keep->count + count + 1, 1);
    if (count > 0)
        memcpy(keep->out + keep->count, bytes, count);
    keep->count += count;
}

void keep_u64(struct keep *keep, uint64_t *number)
{
    if (keep->saving) {
        uint8_t bytes[10];
        size_t count = 0;
        uint64_t rest = *number;
        for (; rest >= 0x80; rest >>= 7)
            bytes[count++] = (uint8_t)(rest | 0x80);
        bytes[count++] = (uint8_t)rest;
        put(keep, bytes, count);
        return;
    }
    *number = 0;
    for (unsigned shift = 0; shift < 70 && keep->at < keep->end; shift += 7) {
        uint8_t byte = *keep->at++;
        *number |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (byte < 0x80)
            return;
    }
    keep->bad = true;
}

void keep_i64(struct keep *keep, int64_t *number)
{
    uint64_t folded = (uint64_t)*number << 1 ^ (uint64_t)(*number < 0 ? -1 : 0);
    keep_u64(keep, &folded);
    if (!keep->saving)
        *number = (int64_t)(folded >> 1 ^ (0 - (folded & 1)));
}

void keep_u32(struct keep *keep, uint32_t *number)
{
    uint64_t wide = *number;
    keep_u64(keep, &wide);
    if (!keep->saving)
        *number = (uint32_t)wide;
}

void keep_i32(struct keep *keep, int32_t *number)
{
    int64_t wide = *number;
    keep_i64(keep, &wide);
    if (!keep->saving)
        *number = (int32_t)wide;
}

void keep_unsigned(struct keep *keep, unsigned *number)
{
    uint32_t same = *number;
    keep_u32(keep, &same);
    *number = same;
}

void keep_u8(struct keep *keep, uint8_t *number)
{
    keep_bytes(keep, number, 1);
}

void keep_bool(struct keep *keep, bool *flag)
{
    uint8_t byte = *flag;
    keep_u8(keep, &byte);
    *flag = byte != 0;
}

void keep_bytes(struct keep *keep, void *at, size_t count)
{
    if (keep->saving) {
        put(keep, at, count);
    } else if ((size_t)(keep->end - keep->at) < count) {
        keep->bad = true;
        memset(at, 0, count);
    } else {
        memcpy(at, keep->at, count);
        keep->at += count;
    }
}

size_t keep_count(struct keep *keep, size_t count)
{
    uint64_t wide = count;
    keep_u64(keep, &wide);
    if (!keep->saving && wide > (uint64_t)(keep->end - keep->at)) {
        keep->bad = true; /* each element takes a byte at least */
        return 0;
    }
    return (size_t)wide;
}

void keep_text(struct keep *keep, struct text *text)
{
    size_t count = keep_count(keep, text->count);
    if (keep->saving) {
        put(keep, text->at, count);
        return;
    }
    char *copy = memory_new(count + 1);
    keep_bytes(keep, copy, count);
    *text = (struct text){copy, count};
}

void keep_string(struct keep *keep, char **string)
{
    bool is_there = *string != NULL;
    keep_bool(keep, &is_there);
    struct text text = {"", 0};
    if (is_there && keep->saving)
        text = text_of(*string);
    if (is_there)
        keep_text(keep, &text);
    if (!keep->saving)
        *string = is_there ? (char *)(uintptr_t)text.at : NULL;
}

void keep_path(struct keep *keep, uint32_t *path)
{
    struct text text = {"", 0};
    if (keep->saving)
        text = model_path(keep->model, *path);
    keep_text(keep, &text);
    if (keep->saving)
        return;
    *path = names_id(&keep->model->paths, text);
    free((char *)(uintptr_t)text.at);
}

void keep_call(struct keep *keep, const struct syscall **call)
{
    bool is_there = *call != NULL;
    keep_bool(keep, &is_there);
    struct text text = {"", 0};
    if (is_there && keep->saving)
        text = text_of((*call)->name);
    if (is_there)
        keep_text(keep, &text);
    if (keep->saving)
        return;
    *call = is_there ? schema_call(keep->model->schema, text) : NULL;
    if (is_there)
        free((char *)(uintptr_t)text.at);
}

void keep_time_vector(struct keep *keep, struct time_vector *time)
{
    keep_u64(keep, &time->user_ns);
    keep_u64(keep, &time->sys_ns);
    keep_u64(keep, &time->runnable_ns);
    keep_u64(keep, &time->unknown_ns);
    keep_u64(keep, &time->blocked_ns);
    keep_u64(keep, &time->before_running_ns);
    keep_u64(keep, &time->before_blocked_ns);
    size_t count = keep_count(keep, time->blocked_count);
    for (size_t i = 0; i < count; i++) {
        const struct syscall *call = NULL;
        uint64_t ns = 0;
        if (keep->saving) {
            call = schema_call_by_id(keep->model->schema, time->blocked_in[i].call);
            ns = time->blocked_in[i].ns;
        }
        keep_call(keep, &call);
        keep_u64(keep, &ns);
        if (!keep->saving && call)
            time_vector_add_blocked_in(time, call->id, ns);
    }
}

/* --- references --- */

/* Restoring: what has that serial; 0 is none. */
static void *look_up(struct keep *keep, const struct map *map, uint64_t serial)
{
    void *found = serial ? map_get(map, serial) : NULL;
    if (serial && !found)
        keep->bad = true;
    return found;
}

#define KEEP_REFERENCE(noun, map, serial)                                                          \
    void keep_##noun(struct keep *keep, struct noun **noun)                                        \
    {                                                                                              \
        uint64_t number = keep->saving && *noun ? (*noun)->serial : 0;                             \
        keep_u64(keep, &number);                                                                   \
        if (!keep->saving)                                                                         \
            *noun = look_up(keep, &keep->map, number);                                             \
    }

KEEP_REFERENCE(thread, threads, id)
KEEP_REFERENCE(process, processes, serial)
KEEP_REFERENCE(table, tables, serial)
KEEP_REFERENCE(descriptor, descriptors, serial)
