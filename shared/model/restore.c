#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/keep.h"
#include "model/parts.h"
#include "model/sound.h"

/* A record whose object is made, but not filled yet. */
struct pending {
    enum keep_kind kind;
    uint32_t format;
    uint64_t serial;
    void *object;
    const uint8_t *at, *end; /* of its fields */
};

static size_t size_of(enum keep_kind kind)
{
    switch (kind) {
    case KEEP_HOST: return 1;
    case KEEP_PROCESS: return sizeof(struct process);
    case KEEP_THREAD: return sizeof(struct thread);
    case KEEP_TABLE: return sizeof(struct table);
    case KEEP_DESCRIPTOR: return sizeof(struct descriptor);
    case KEEP_INSTANCE: return sizeof(struct kept_instance);
    case KEEP_CLOSINGS: return sizeof(struct kept_closings);
    }
    return 0;
}

static struct map *map_of(struct keep *keep, enum keep_kind kind)
{
    switch (kind) {
    case KEEP_PROCESS: return &keep->processes;
    case KEEP_THREAD: return &keep->threads;
    case KEEP_TABLE: return &keep->tables;
    case KEEP_DESCRIPTOR: return &keep->descriptors;
    case KEEP_INSTANCE: return &keep->instances;
    case KEEP_CLOSINGS: return &keep->closings;
    case KEEP_HOST: break;
    }
    return NULL;
}

/* Gives the object its serial, where it has a field for it. */
static void number(const struct pending *pending)
{
    switch (pending->kind) {
    case KEEP_PROCESS: ((struct process *)pending->object)->serial = pending->serial; break;
    case KEEP_THREAD: ((struct thread *)pending->object)->id = pending->serial; break;
    case KEEP_TABLE: ((struct table *)pending->object)->serial = pending->serial; break;
    case KEEP_DESCRIPTOR: ((struct descriptor *)pending->object)->serial = pending->serial; break;
    case KEEP_INSTANCE: ((struct kept_instance *)pending->object)->order = pending->serial; break;
    case KEEP_CLOSINGS:
    case KEEP_HOST: break;
    }
}

static enum status make(struct keep *keep, const struct state_record *record, struct pending *out,
                        struct failure *why)
{
    uint8_t kind;
    keep->at = record->record.at;
    keep->end = keep->at + record->record.count;
    keep->bad = false;
    keep_u32(keep, &out->format);
    if (!keep->bad && out->format > KEEP_FORMAT)
        return fail(why, STATUS_STOP, "format %u of state, newer than this program knows (%d)",
                    out->format, KEEP_FORMAT);
    keep_u8(keep, &kind);
    keep_u64(keep, &out->serial);
    out->kind = (enum keep_kind)kind;
    size_t size = size_of(out->kind);
    struct map *map = map_of(keep, out->kind);
    if (keep->bad || size == 0 || out->serial == 0 || (map && map_get(map, out->serial)))
        return fail(why, STATUS_REJECT, "%.*s: damaged", (int)record->key.count, record->key.at);
    out->at = keep->at;
    out->end = keep->end;
    if (!map) {
        out->object = NULL;
        return STATUS_OK;
    }
    out->object = memory_new(size);
    map_put(map, out->serial, out->object);
    number(out);
    return STATUS_OK;
}

static void fill(struct keep *keep, const struct pending *pending)
{
    keep->at = pending->at;
    keep->end = pending->end;
    keep->format = pending->format;
    switch (pending->kind) {
    case KEEP_HOST: break;
    case KEEP_PROCESS: keep_process_fields(keep, pending->object); break;
    case KEEP_THREAD: keep_thread_fields(keep, pending->object); break;
    case KEEP_TABLE: keep_table_fields(keep, pending->object); break;
    case KEEP_DESCRIPTOR: keep_descriptor_fields(keep, pending->object); break;
    case KEEP_INSTANCE: keep_instance_fields(keep, pending->object); break;
    case KEEP_CLOSINGS: keep_closings_fields(keep, pending->object); break;
    }
}

/* --- lists: all are begun with the newest, by serial --- */

static void link_tables(struct model *model, struct pending *pending, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pending[i].kind == KEEP_TABLE)
            table_link(model, pending[i].object);
}

/* What their ends look like is not known: what they were called is told, and no end is looked for any
 * more. */
static void end_instances(struct model *model, const struct pending *pending, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct kept_instance *kept = pending[i].object;
        if (pending[i].kind == KEEP_INSTANCE && kept->open)
            phase_end_forgotten(model, kept->thread, kept->path);
        model->tallies.at[TALLY_PHASES_CHANGED] += pending[i].kind == KEEP_INSTANCE && kept->open;
    }
}

static void add_closings(struct model *model, const struct pending *pending, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct kept_closings *kept = pending[i].object;
        if (pending[i].kind != KEEP_CLOSINGS)
            continue;
        model->closings = memory_grow(model->closings, &model->closing_room,
                                      model->closing_count + kept->count, sizeof *model->closings);
        memcpy(model->closings + model->closing_count, kept->at, kept->count * sizeof *kept->at);
        model->closing_count += kept->count;
    }
}

static bool open_instance(struct instances *phases, const struct kept_instance *kept)
{
    const struct phase_set *set = phases->set;
    if (kept->definition >= set->count)
        return false;
    const struct phase_definition *definition = set->at[kept->definition];
    /* Older formats have values of the match fields alone. */
    if (kept->value_count != definition->match_count &&
        kept->value_count != phase_value_count(definition))
        return false;
    struct field_value values[PHASE_VALUES_MAX] = {{.type = FIELD_ABSENT}};
    for (size_t i = 0; i < kept->value_count; i++)
        values[i] = kept->values[i];
    struct instance *instance = instances_open(phases, &kept->thread->phases, kept->definition,
                                               values, kept->begin_ns, kept->order);
    instance->path = kept->path;
    instance->by_user = kept->by_user;
    instance->in_call = kept->in_call;
    instance->after_exit = kept->after_exit;
    instances_set_spent(instance, &kept->time, kept->calls);
    return true;
}

static bool open_instances(struct model *model, const struct pending *pending, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct kept_instance *kept = pending[i].object;
        if (pending[i].kind == KEEP_INSTANCE && kept->open && !open_instance(&model->phases, kept))
            return false;
    }
    return true;
}

static int by_serial(const void *a, const void *b)
{
    const struct pending *left = a, *right = b;
    return left->serial < right->serial ? -1 : left->serial > right->serial;
}

static bool read_host(struct keep *keep, const struct pending *host)
{
    const struct map *maps[] = {&keep->threads,     &keep->processes, &keep->tables,
                                &keep->descriptors, &keep->instances, &keep->closings};
    keep->at = host->at;
    keep->end = host->end;
    keep->format = host->format;
    /* Format 2 has closings in this record. */
    size_t count = sizeof maps / sizeof *maps - !keep_since(keep, 3);
    for (size_t i = 0; i < count; i++) {
        uint64_t expected = 0;
        keep_u64(keep, &expected);
        if (keep->bad || expected != maps[i]->count)
            return false;
    }
    keep_host_fields(keep);
    return !keep->bad;
}

static enum status restore_all(struct keep *keep, struct pending *pending, size_t count,
                               struct failure *why)
{
    const struct pending *host = NULL;
    for (size_t i = 0; i < count; i++)
        if (pending[i].kind == KEEP_HOST)
            host = &pending[i];
    if (!host || !read_host(keep, host))
        return fail(why, STATUS_REJECT, "records are missing, or there are too many");
    /* Places are of a table, which is filled by its descriptors: the order does not matter. */
    for (size_t i = 0; i < count && !keep->bad; i++)
        fill(keep, &pending[i]);
    process_restored(keep->model);
    thread_restored(keep->model);
    bool sound = !keep->bad && model_is_sound(keep);
    if (sound && keep->phases_untold)
        end_instances(keep->model, pending, count);
    else if (sound)
        sound = open_instances(keep->model, pending, count);
    if (sound)
        add_closings(keep->model, pending, count);
    if (!sound)
        return fail(why, STATUS_REJECT, "a record is damaged, or tells of what is not there");
    return STATUS_OK;
}

static void clear_maps(struct keep *keep)
{
    map_clear(&keep->threads);
    map_clear(&keep->processes);
    map_clear(&keep->tables);
    map_clear(&keep->descriptors);
    struct kept_instance *instance;
    for (size_t at = 0; (instance = map_next(&keep->instances, &at));)
        kept_instance_free(instance);
    map_clear(&keep->instances);
    map_clear(&keep->kins);
    struct kept_closings *closings;
    for (size_t at = 0; (closings = map_next(&keep->closings, &at));)
        free(closings);
    map_clear(&keep->closings);
}

enum status model_restore(struct schema *schema, const struct phase_set *phases,
                          struct result_sink sink, const struct state_record *records, size_t count,
                          struct model **out, struct failure *why)
{
    *out = NULL;
    struct model *model = model_new(schema, sink);
    phase_use_set(model, phases);
    struct keep keep = {.model = model};
    struct pending *pending = memory_new((count + 1) * sizeof *pending);
    size_t made = 0;
    enum status status = STATUS_OK;
    for (; made < count && status == STATUS_OK; made++)
        status = make(&keep, &records[made], &pending[made], why);
    if (status == STATUS_OK) {
        qsort(pending, made, sizeof *pending, by_serial);
        link_tables(model, pending, made);
        status = restore_all(&keep, pending, made, why);
    }
    if (status == STATUS_OK) {
        *out = model;
    } else {
        /* What was made is in these maps, wherever else it hangs. */
        instances_close_all(&model->phases);
        struct model_parts parts = {keep.threads, keep.processes, keep.tables, keep.descriptors};
        model_parts_free(&parts);
        keep.threads = keep.processes = keep.tables = keep.descriptors = (struct map){.count = 0};
        model_free_empty(model);
    }
    clear_maps(&keep);
    free(pending);
    return status;
}
