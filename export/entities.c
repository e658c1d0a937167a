#include "export/entities.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/row.h"
#include "base/session_name.h"
#include "results/fold.h"
#include "results/fold_state.h"

enum { FORMAT = 2 /* 1: without the names of calls */ };

static void free_thread(struct entity *thread)
{
    for (struct entity_before *next; thread->befores; thread->befores = next) {
        next = thread->befores->next;
        free(thread->befores);
    }
    for (struct entity_first *next; thread->firsts; thread->firsts = next) {
        next = thread->firsts->next;
        free(thread->firsts);
    }
    free(thread);
}

void entities_clear(struct entities *entities)
{
    struct entity *thread;
    for (struct id_walk walk = {0}; (thread = id_map_next(&entities->threads, &walk));)
        free_thread(thread);
    id_map_clear(&entities->threads);
    map_clear(&entities->called);
    map_clear(&entities->dirty);
    names_clear(&entities->names);
    *entities = (struct entities){.threads = {.count = 0}};
}

/* --- threads --- */

static void touch(struct entities *entities, uint64_t id)
{
    map_put(&entities->dirty, id / ENTITY_BLOCK + 1, entities);
}

static struct entity *thread_at(struct entities *entities, uint64_t id)
{
    struct entity *thread = id_map_get(&entities->threads, id);
    if (!thread) {
        thread = memory_new(sizeof *thread);
        *thread = (struct entity){.id = id, .name = NAMES_NONE, .program = NAMES_NONE};
        id_map_put(&entities->threads, id, thread);
    }
    return thread;
}

struct entity *entities_thread(struct entities *entities, uint64_t id, uint64_t chunk)
{
    struct entity *thread = thread_at(entities, id);
    thread->result_chunk = chunk;
    touch(entities, id);
    return thread;
}

static uint32_t name_id(struct entities *entities, struct text stated)
{
    char room[SESSION_NAME_ROOM];
    session_name_part(stated, room);
    return names_id(&entities->names, text_of(room));
}

void entities_take(struct entities *entities, const struct thread_fact *fact, uint64_t chunk)
{
    struct entity *thread = entities_thread(entities, fact->id, chunk);
    if (fact->process)
        thread->process = fact->process;
    thread->tid = fact->tid;
    thread->kernel_named = fact->kernel_named;
    thread->name = fact->name.count > 0 ? name_id(entities, fact->name) : NAMES_NONE;
    thread->program = fact->program.count > 0 ? name_id(entities, fact->program) : NAMES_NONE;
}

static const struct entity_first *first_of(const struct entity *thread, uint32_t stretch)
{
    const struct entity_first *first = thread->firsts;
    while (first && first->stretch != stretch)
        first = first->next;
    return first;
}

struct entity_before *entities_first_call(struct entities *entities, uint64_t id, uint32_t stretch,
                                          struct text call, uint64_t chunk)
{
    struct entity *thread = entities_thread(entities, id, chunk);
    if (first_of(thread, stretch))
        return NULL;
    struct entity_first *first = memory_new(sizeof *first);
    *first = (struct entity_first){thread->firsts, stretch, name_id(entities, call)};
    thread->firsts = first;
    struct entity_before *taken = NULL;
    for (struct entity_before **at = &thread->befores; *at;) {
        struct entity_before *before = *at;
        if (before->stretch != stretch) {
            at = &before->next;
            continue;
        }
        *at = before->next;
        before->next = taken;
        taken = before;
    }
    return taken;
}

bool entities_before(struct entities *entities, uint64_t id, uint32_t stretch, struct text phase,
                     int64_t running_ns, uint64_t chunk)
{
    struct entity *thread = entities_thread(entities, id, chunk);
    if (first_of(thread, stretch))
        return true;
    uint32_t name = name_id(entities, phase);
    struct entity_before *before = thread->befores;
    while (before && (before->stretch != stretch || before->phase != name))
        before = before->next;
    if (!before) {
        before = memory_new(sizeof *before);
        *before =
            (struct entity_before){.next = thread->befores, .stretch = stretch, .phase = name};
        thread->befores = before;
    }
    before->running_ns += running_ns;
    return false;
}

const struct entity *entities_find(const struct entities *entities, uint64_t id)
{
    return id_map_find(&entities->threads, id);
}

bool entities_call_before(const struct entities *entities, uint64_t id, uint32_t stretch,
                          struct text *call)
{
    *call = (struct text){"", 0};
    const struct entity *thread = entities_find(entities, id);
    const struct entity_first *first = thread ? first_of(thread, stretch) : NULL;
    if (first && first->call != NAMES_NONE)
        *call = names_text(&entities->names, first->call);
    return first != NULL;
}

/* --- names of processes --- */

struct called {
    uint64_t process;
    struct candidate candidate;
};

void entities_name(struct entities *entities)
{
    struct map found = {0};
    const struct entity *thread;
    for (struct id_walk walk = {0}; (thread = id_map_next(&entities->threads, &walk));) {
        if (!thread->process)
            continue;
        struct called *called = map_get(&found, thread->process);
        if (!called) {
            called = memory_new(sizeof *called);
            called->process = thread->process;
            map_put(&found, thread->process, called);
        }
        const struct candidate by_name = {.any = thread->name != NAMES_NONE,
                                          .leader =
                                              thread->tid == (int32_t)(uint32_t)thread->process,
                                          .kernel = thread->kernel_named,
                                          .tid = thread->tid,
                                          .thread = thread->id,
                                          .name = thread->name};
        const struct candidate by_program = {.any = thread->program != NAMES_NONE,
                                             .tid = TID_BEFORE_ALL,
                                             .thread = thread->id,
                                             .name = thread->program};
        fold_choose(&called->candidate, &by_name);
        fold_choose(&called->candidate, &by_program);
    }
    map_clear(&entities->called);
    struct called *each;
    for (size_t at = 0; (each = map_next(&found, &at));) {
        if (each->candidate.any)
            map_put(&entities->called, each->process,
                    (void *)(uintptr_t)(each->candidate.name + 1));
        free(each);
    }
    map_clear(&found);
}

struct text entities_process_name(const struct entities *entities, uint64_t id)
{
    const struct entity *thread = id_map_find(&entities->threads, id);
    uintptr_t name =
        thread && thread->process ? (uintptr_t)map_get(&entities->called, thread->process) : 0;
    return name > 0 ? names_text(&entities->names, (uint32_t)(name - 1)) : (struct text){"", 0};
}

/* --- dropping --- */

void entities_forget(struct entities *entities, uint64_t chunk)
{
    /* A main thread that has exited names its process while other threads live. */
    struct map living = {0};
    const struct entity *each;
    for (struct id_walk walk = {0}; (each = id_map_next(&entities->threads, &walk));)
        if (each->process && each->result_chunk + 2 * FOLD_ROUND > chunk)
            map_put(&living, each->process, entities);
    void **all = memory_new((entities->threads.count + 1) * sizeof *all);
    size_t count = entities->threads.count;
    id_map_all(&entities->threads, all);
    for (size_t i = 0; i < count; i++) {
        struct entity *thread = all[i];
        bool leads = thread->process && thread->tid == (int32_t)(uint32_t)thread->process &&
                     map_get(&living, thread->process);
        if (thread->result_chunk + 2 * FOLD_ROUND > chunk || leads)
            continue;
        touch(entities, thread->id);
        id_map_remove(&entities->threads, thread->id);
        free_thread(thread);
    }
    free(all);
    map_clear(&living);
}

/* --- as bytes ---
 *
 *     format; how many threads; of each: id; process; tid; kernel_named; result_chunk; name; program;
 *     how many befores; of each: stretch; phase; running_ns; how many firsts; of each: stretch;
 *     call (from format 2 on).
 *     A name: 0, or 1 + its bytes, and these. */

struct writer {
    uint8_t *bytes;
    size_t count, room;
};

static void put(struct writer *out, uint64_t number)
{
    out->bytes = memory_grow(out->bytes, &out->room, out->count + ROW_NUMBER + ROW_SLACK, 1);
    out->count = (size_t)(row_put(&out->bytes[out->count], number) - out->bytes);
}

static void put_name(struct writer *out, const struct entities *entities, uint32_t name)
{
    if (name == NAMES_NONE) {
        put(out, 0);
        return;
    }
    struct text text = names_text(&entities->names, name);
    put(out, text.count + 1);
    out->bytes = memory_grow(out->bytes, &out->room, out->count + text.count + 1, 1);
    memcpy(&out->bytes[out->count], text.at, text.count);
    out->count += text.count;
}

static void put_thread(struct writer *out, const struct entities *entities,
                       const struct entity *thread)
{
    put(out, thread->id);
    put(out, thread->process);
    put(out, zigzag(thread->tid));
    put(out, thread->kernel_named);
    put(out, thread->result_chunk);
    put_name(out, entities, thread->name);
    put_name(out, entities, thread->program);
    size_t count = 0;
    for (const struct entity_before *each = thread->befores; each; each = each->next)
        count++;
    put(out, count);
    for (const struct entity_before *each = thread->befores; each; each = each->next) {
        put(out, each->stretch);
        put_name(out, entities, each->phase);
        put(out, zigzag(each->running_ns));
    }
    count = 0;
    for (const struct entity_first *each = thread->firsts; each; each = each->next)
        count++;
    put(out, count);
    for (const struct entity_first *each = thread->firsts; each; each = each->next) {
        put(out, each->stretch);
        put_name(out, entities, each->call);
    }
}

void entities_save(struct entities *entities,
                   void (*take)(void *context, uint64_t number, struct bytes block), void *context)
{
    struct writer out = {.count = 0};
    size_t at = 0;
    for (size_t places = entities->dirty.mask + 1; entities->dirty.count > 0 && at < places; at++) {
        if (!entities->dirty.at[at].value)
            continue;
        uint64_t number = entities->dirty.at[at].key - 1, first = number * ENTITY_BLOCK;
        const struct entity *threads[ENTITY_BLOCK];
        size_t count = 0;
        for (uint64_t id = first; id < first + ENTITY_BLOCK; id++)
            if ((threads[count] = id_map_get(&entities->threads, id)))
                count++;
        out.count = 0;
        put(&out, FORMAT);
        put(&out, count);
        for (size_t i = 0; i < count; i++)
            put_thread(&out, entities, threads[i]);
        take(context, number,
             count > 0 ? (struct bytes){out.bytes, out.count} : (struct bytes){NULL, 0});
    }
    map_clear(&entities->dirty);
    free(out.bytes);
}

static uint32_t take_name(struct row_reader *row, struct entities *entities)
{
    uint64_t stated = row_take(row);
    if (stated == 0 || stated - 1 > row_left(row)) {
        row->bad |= stated != 0;
        return NAMES_NONE;
    }
    struct text text = {(const char *)row->at, (size_t)(stated - 1)};
    row->at += stated - 1;
    return names_id(&entities->names, text);
}

static bool restore_thread(struct entities *entities, struct row_reader *row, uint64_t format)
{
    uint64_t id = row_take(row);
    if (row->bad || id_map_get(&entities->threads, id))
        return false;
    struct entity *thread = thread_at(entities, id);
    thread->process = row_take(row);
    thread->tid = (int32_t)row_take_signed(row);
    thread->kernel_named = row_take(row) != 0;
    thread->result_chunk = row_take(row);
    thread->name = take_name(row, entities);
    thread->program = take_name(row, entities);
    struct entity_before **before = &thread->befores;
    for (size_t count = row_take_count(row, 3); count > 0 && !row->bad; count--) {
        *before = memory_new(sizeof **before);
        (*before)->stretch = (uint32_t)row_take(row);
        (*before)->phase = take_name(row, entities);
        (*before)->running_ns = row_take_signed(row);
        row->bad |= (*before)->phase == NAMES_NONE;
        before = &(*before)->next;
    }
    struct entity_first **first = &thread->firsts;
    for (size_t count = row_take_count(row, 1); count > 0 && !row->bad; count--) {
        *first = memory_new(sizeof **first);
        (*first)->stretch = (uint32_t)row_take(row);
        (*first)->call = format > 1 ? take_name(row, entities) : NAMES_NONE;
        first = &(*first)->next;
    }
    return !row->bad;
}

enum status entities_restore(struct entities *entities, struct bytes block, struct failure *why)
{
    struct row_reader row = {.at = block.at, .end = block.at + block.count};
    uint64_t format = row_take(&row);
    if (format > FORMAT)
        return fail(why, STATUS_STOP,
                    "format %llu of threads is newer than this program supports (%d)",
                    (unsigned long long)format, FORMAT);
    uint64_t count = row_take(&row);
    bool good = !row.bad && count > 0 && count <= ENTITY_BLOCK;
    for (uint64_t i = 0; i < count && good; i++)
        good = restore_thread(entities, &row, format);
    if (!good || row_left(&row) > 0)
        return fail(why, STATUS_REJECT, "the threads are inconsistent: %zu bytes", block.count);
    return STATUS_OK;
}
