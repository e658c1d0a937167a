#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/memory.h"
#include "base/names.h"
#include "partial.pb-c.h"
#include "wire/format.h"
#include "wire/partial_codec.h"

/* A record's items are split above this, so that a record stays well below a broker's limit. */
enum { RECORD_BYTES = 600 << 10, ZSTD_LEVEL = 5 };

struct encoder {
    struct record_meta meta;
    struct record_sink sink;
    uint64_t records;
    /* of the record in hand */
    struct arena arena;
    struct names names;
    size_t name_bytes;
    uint64_t base_ns, last_ns;
    bool has_base;
    uint64_t next_position;
    Spanmill__Item **items;
    size_t item_count, item_room, item_bytes;
    /* for packing */
    ZSTD_CCtx *zstd;
    uint8_t *room;
    size_t room_size;
};

static int64_t delta(struct encoder *encoder, uint64_t time_ns)
{
    if (!encoder->has_base) {
        encoder->has_base = true;
        encoder->base_ns = encoder->last_ns = time_ns;
    }
    int64_t difference = (int64_t)(time_ns - encoder->last_ns);
    encoder->last_ns = time_ns;
    return difference;
}

static uint32_t name(struct encoder *encoder, struct text text)
{
    size_t before = encoder->names.count;
    uint32_t id = names_id(&encoder->names, text);
    if (encoder->names.count > before)
        encoder->name_bytes += text.count + 4;
    return id;
}

/* Sets an optional field if it says more than its default. */
#define SET(message, field, number)                                                                \
    ((message)->has_##field = (number) != 0, (message)->field = (number))
#define SET_ALWAYS(message, field, number)                                                         \
    ((message)->has_##field = true, (message)->field = (number))

static ProtobufCBinaryData binary(struct text text)
{
    return (ProtobufCBinaryData){text.count, (uint8_t *)(uintptr_t)text.at};
}

static Spanmill__Durations *durations(struct encoder *encoder, const struct duration_cell *cell)
{
    if (cell->count == 0)
        return NULL;
    Spanmill__Durations *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__durations__init(out);
    SET(out, count, cell->count);
    SET(out, total_ns, cell->total_ns);
    if (cell->count == 1)
        return out;
    SET(out, min_ns, cell->min_ns);
    SET(out, above_min_ns, cell->max_ns - cell->min_ns);
    if (cell->count <= DURATIONS_TOLD)
        return out;
    out->spread = arena_take(&encoder->arena, 2 * HISTOGRAM_BUCKETS * sizeof *out->spread);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (cell->spread.count[i] == 0)
            continue;
        out->spread[out->n_spread++] = i;
        out->spread[out->n_spread++] = cell->spread.count[i];
    }
    return out;
}

static int64_t *present_values(struct encoder *encoder, uint8_t present, const int64_t *value,
                               unsigned room, size_t *count)
{
    int64_t *values = arena_take(&encoder->arena, room * sizeof *values);
    *count = 0;
    for (unsigned i = 0; i < room; i++)
        if (present >> i & 1)
            values[(*count)++] = value[i];
    return values;
}

static void encode_fields(struct encoder *encoder, const struct event *event, Spanmill__Event *out)
{
    out->n_fields = event->field_count;
    out->fields = arena_take(&encoder->arena, event->field_count * sizeof *out->fields);
    for (size_t i = 0; i < event->field_count; i++) {
        const struct field_value *value = &event->fields[i];
        Spanmill__Field *field = arena_take(&encoder->arena, sizeof *field);
        spanmill__field__init(field);
        switch (value->type) {
        case FIELD_ABSENT: break;
        case FIELD_INT: SET_ALWAYS(field, i, value->i); break;
        case FIELD_UINT: SET_ALWAYS(field, u, value->u); break;
        case FIELD_TEXT: SET_ALWAYS(field, text, name(encoder, value->text)); break;
        }
        out->fields[i] = field;
    }
}

static Spanmill__Event *encode_event(struct encoder *encoder, const struct item *item)
{
    const struct event *event = &item->event.event;
    Spanmill__Event *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__event__init(out);
    out->name = name(encoder, text_of(event->class->name));
    SET(out, user, event->domain == DOMAIN_UST);
    SET(out, loss, event->kind == EVENT_LOSS);
    out->time_ns = delta(encoder, event->time_ns);
    if (event->cpu >= 0)
        SET_ALWAYS(out, cpu, event->cpu);
    if (item->event.tid != TID_BY_CPU)
        SET_ALWAYS(out, thread, item->event.tid == TID_NOBODY ? 0 : item->event.tid);
    if (event->call && event->call != event->class->call)
        SET_ALWAYS(out, call, name(encoder, text_of(event->call->name)));
    SET(out, present, event->present);
    out->values =
        present_values(encoder, event->present, event->value, EVENT_VALUES, &out->n_values);
    out->texts = arena_take(&encoder->arena, EVENT_TEXTS * sizeof *out->texts);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            out->texts[out->n_texts++] = name(encoder, event->text[i]);
    out->n_ints = event->int_count;
    out->ints = (int64_t *)(uintptr_t)event->ints;
    encode_fields(encoder, event, out);
    if (event->has & EVENT_HAS_TID)
        SET_ALWAYS(out, tid, event->tid);
    if (event->has & EVENT_HAS_PID)
        SET_ALWAYS(out, pid, event->pid);
    if (event->has & EVENT_HAS_VTID)
        SET_ALWAYS(out, vtid, event->vtid);
    if (event->has & EVENT_HAS_VPID)
        SET_ALWAYS(out, vpid, event->vpid);
    if (event->has & EVENT_HAS_PROCNAME)
        SET_ALWAYS(out, procname, name(encoder, event->procname));
    SET(out, elsewhere, item->event.elsewhere);
    return out;
}

static Spanmill__OpenCall *encode_open(struct encoder *encoder, const struct open_call *open)
{
    Spanmill__OpenCall *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__open_call__init(out);
    out->call = name(encoder, text_of(open->call->name));
    out->entry_ns = delta(encoder, open->entry_ns);
    SET(out, present, open->present);
    out->values = present_values(encoder, open->present, open->value, CALL_VALUES, &out->n_values);
    if (open->present & PRESENT_TEXT)
        SET_ALWAYS(out, text, name(encoder, open->text));
    return out;
}

static Spanmill__CallCell *encode_call(struct encoder *encoder, const struct piece_call *call)
{
    const struct call_cell *cell = &call->cell;
    Spanmill__CallCell *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__call_cell__init(out);
    out->call = name(encoder, text_of(call->call->name));
    out->complete = durations(encoder, &cell->complete);
    SET(out, bytes, cell->bytes);
    SET(out, begin_unknown, cell->begin_unknown);
    SET(out, end_unknown, cell->end_unknown);
    if (cell->slowest_entry_ns)
        SET_ALWAYS(out, slowest_entry_ns, delta(encoder, cell->slowest_entry_ns));
    out->errors = arena_take(&encoder->arena, 2 * cell->error_count * sizeof *out->errors);
    for (uint32_t i = 0; i < cell->error_count; i++) {
        out->errors[out->n_errors++] = cell->errors[i].number;
        out->errors[out->n_errors++] = cell->errors[i].count;
    }
    return out;
}

static void encode_time(struct encoder *encoder, const struct schema *schema,
                        const struct time_vector *time, Spanmill__Thread *out)
{
    SET(out, user_ns, time->user_ns);
    SET(out, sys_ns, time->sys_ns);
    SET(out, runnable_ns, time->runnable_ns);
    SET(out, unknown_ns, time->unknown_ns);
    SET(out, blocked_ns, time->blocked_ns);
    SET(out, before_running_ns, time->before_running_ns);
    SET(out, before_blocked_ns, time->before_blocked_ns);
    out->blocked_in =
        arena_take(&encoder->arena, 2 * time->blocked_count * sizeof *out->blocked_in);
    for (uint32_t i = 0; i < time->blocked_count; i++) {
        const struct syscall *call = schema_call_by_id(schema, time->blocked_in[i].call);
        out->blocked_in[out->n_blocked_in++] = name(encoder, text_of(call->name));
        out->blocked_in[out->n_blocked_in++] = time->blocked_in[i].ns;
    }
}

static Spanmill__Thread *encode_thread(struct encoder *encoder, const struct schema *schema,
                                       const struct thread_piece *piece)
{
    Spanmill__Thread *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__thread__init(out);
    out->tid = piece->tid;
    /* Most of a piece's times are its end. */
    uint64_t until_ns = piece->until_ns;
    if (piece->state_known) {
        SET_ALWAYS(out, state, piece->state);
        out->has_until_ns = true;
        out->until_ns = delta(encoder, piece->until_ns);
        SET(out, whole_ns, piece->until_ns - piece->from_ns);
        SET(out, state_since_ns, (int64_t)(until_ns - piece->state_since_ns));
        if (piece->wake_ns != TIME_NONE)
            SET_ALWAYS(out, wake_ns, (int64_t)(until_ns - piece->wake_ns));
    }
    bool known = piece->state_known;
    if (piece->last_ns != TIME_NONE)
        SET_ALWAYS(out, last_ns,
                   known ? (int64_t)(until_ns - piece->last_ns) : delta(encoder, piece->last_ns));
    if (piece->named_ns != TIME_NONE)
        SET_ALWAYS(out, named_ns,
                   known ? (int64_t)(until_ns - piece->named_ns) : delta(encoder, piece->named_ns));
    SET(out, call_register, piece->call_register);
    if (piece->call_register == CALL_OPEN)
        out->open = encode_open(encoder, &piece->open);
    SET(out, cpu_ns, piece->cpu_ns);
    SET(out, switches, piece->switches);
    out->latency = durations(encoder, &piece->latency);
    encode_time(encoder, schema, &piece->time, out);
    out->n_calls = piece->call_count;
    out->calls = arena_take(&encoder->arena, piece->call_count * sizeof *out->calls);
    for (size_t i = 0; i < piece->call_count; i++)
        out->calls[i] = encode_call(encoder, &piece->calls[i]);
    if (piece->kernel_named)
        SET_ALWAYS(out, kernel_name, name(encoder, piece->kernel_name));
    if (piece->user_named)
        SET_ALWAYS(out, user_name, name(encoder, piece->user_name));
    return out;
}

static Spanmill__Cpu *encode_cpu(struct encoder *encoder, const struct cpu_piece *piece)
{
    Spanmill__Cpu *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__cpu__init(out);
    out->cpu = (uint32_t)piece->cpu;
    if (piece->current != TID_NOBODY)
        SET_ALWAYS(out, current, piece->current);
    SET_ALWAYS(out, run_begin_ns, delta(encoder, piece->run_begin_ns));
    SET(out, run_whole, piece->run_whole);
    SET_ALWAYS(out, last_ns, delta(encoder, piece->last_ns));
    SET(out, busy_ns, piece->busy_ns);
    return out;
}

static Spanmill__Uses *encode_uses(struct encoder *encoder, const struct uses_piece *piece)
{
    Spanmill__Uses *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__uses__init(out);
    out->tid = piece->tid;
    out->fd = piece->fd;
    if (piece->proven_ns != TIME_NONE)
        SET_ALWAYS(out, proven_ns, delta(encoder, piece->proven_ns));
    out->calls = durations(encoder, &piece->cell.calls);
    SET(out, read_bytes, piece->cell.read_bytes);
    SET(out, write_bytes, piece->cell.write_bytes);
    return out;
}

static Spanmill__DescriptorCall *encode_descriptor_call(struct encoder *encoder,
                                                        const struct descriptor_call *call)
{
    Spanmill__DescriptorCall *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__descriptor_call__init(out);
    out->tid = call->tid;
    out->call = name(encoder, text_of(call->call->name));
    out->entry_ns = delta(encoder, call->entry_ns);
    out->whole_ns = call->exit_ns - call->entry_ns;
    SET(out, ret, call->ret);
    SET(out, present, call->present);
    out->values = present_values(encoder, call->present, call->value, CALL_VALUES, &out->n_values);
    if (call->present & PRESENT_TEXT)
        SET_ALWAYS(out, text, name(encoder, call->text));
    if (call->has_pair) {
        out->n_pair = 2;
        out->pair = (int64_t *)(uintptr_t)call->pair;
    }
    return out;
}

static Spanmill__Life *encode_life(struct encoder *encoder, const struct life_piece *piece)
{
    Spanmill__Life *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__life__init(out);
    out->tid = piece->tid;
    out->fd = piece->fd;
    out->begin_ns = delta(encoder, piece->begin_ns);
    if (piece->named)
        SET_ALWAYS(out, name, name(encoder, piece->name));
    SET(out, kind, piece->kind);
    SET(out, cloexec, piece->cloexec);
    if (piece->ended)
        SET_ALWAYS(out, whole_ns, piece->end_ns - piece->begin_ns);
    out->calls = durations(encoder, &piece->cell.calls);
    SET(out, read_bytes, piece->cell.read_bytes);
    SET(out, write_bytes, piece->cell.write_bytes);
    return out;
}

static Spanmill__Item *encode_item(struct encoder *encoder, const struct schema *schema,
                                   const struct item *item)
{
    Spanmill__Item *out = arena_take(&encoder->arena, sizeof *out);
    spanmill__item__init(out);
    switch ((enum item_kind)item->kind) {
    case ITEM_EVENT: out->event = encode_event(encoder, item); break;
    case ITEM_THREAD: out->thread = encode_thread(encoder, schema, &item->thread); break;
    case ITEM_CPU: out->cpu = encode_cpu(encoder, &item->cpu); break;
    case ITEM_USES: out->uses = encode_uses(encoder, &item->uses); break;
    case ITEM_DESCRIPTOR_CALL:
        out->descriptor_call = encode_descriptor_call(encoder, &item->descriptor_call);
        break;
    case ITEM_LIFE: out->life = encode_life(encoder, &item->life); break;
    }
    return out;
}

/* --- records --- */

static void pack(struct encoder *encoder, struct text key, Spanmill__Record *record)
{
    record->format = RECORD_FORMAT;
    record->session = binary(encoder->meta.session);
    record->chunk = encoder->meta.chunk;
    SET(record, first_chunk, encoder->meta.first_chunk);
    record->attempt = encoder->meta.attempt;
    record->index = encoder->records++;
    size_t size = spanmill__record__get_packed_size(record);
    encoder->room = memory_grow(encoder->room, &encoder->room_size, size, 1);
    spanmill__record__pack(record, encoder->room);
    encoder->sink.take(encoder->sink.context, key, (struct bytes){encoder->room, size});
}

/* Puts the partial into the record, compressed if that makes it smaller. */
static void put_partial(struct encoder *encoder, Spanmill__Partial *partial,
                        Spanmill__Record *record)
{
    size_t size = spanmill__partial__get_packed_size(partial);
    uint8_t *plain = arena_take(&encoder->arena, size);
    spanmill__partial__pack(partial, plain);
    size_t room = ZSTD_compressBound(size);
    uint8_t *frame = arena_take(&encoder->arena, room);
    size_t count = ZSTD_compressCCtx(encoder->zstd, frame, room, plain, size, ZSTD_LEVEL);
    if (ZSTD_isError(count) || count >= size) {
        record->partial = partial;
        return;
    }
    record->has_zstd_partial = true;
    record->zstd_partial = (ProtobufCBinaryData){count, frame};
}

static void flush(struct encoder *encoder, struct text key)
{
    if (encoder->item_count == 0)
        return;
    Spanmill__Partial partial;
    spanmill__partial__init(&partial);
    partial.n_names = encoder->names.count;
    partial.names = arena_take(&encoder->arena, encoder->names.count * sizeof *partial.names);
    for (uint32_t i = 0; i < encoder->names.count; i++)
        partial.names[i] = binary(names_text(&encoder->names, i));
    SET(&partial, base_ns, encoder->base_ns);
    partial.n_items = encoder->item_count;
    partial.items = encoder->items;
    Spanmill__Record record;
    spanmill__record__init(&record);
    put_partial(encoder, &partial, &record);
    pack(encoder, key, &record);

    arena_clear(&encoder->arena);
    names_clear(&encoder->names);
    encoder->name_bytes = encoder->item_bytes = encoder->item_count = 0;
    encoder->has_base = false;
    encoder->next_position = 0;
}

static void add(struct encoder *encoder, const struct schema *schema, struct text key,
                const struct item *item, uint64_t position)
{
    if (encoder->item_bytes + encoder->name_bytes > RECORD_BYTES)
        flush(encoder, key);
    Spanmill__Item *out = encode_item(encoder, schema, item);
    SET(out, skipped, position - encoder->next_position);
    encoder->next_position = position + 1;
    encoder->items = memory_grow(encoder->items, &encoder->item_room, encoder->item_count + 1,
                                 sizeof *encoder->items);
    encoder->items[encoder->item_count++] = out;
    encoder->item_bytes += spanmill__item__get_packed_size(out) + 4;
}

static void pack_for_host(struct encoder *encoder, Spanmill__Record *record)
{
    char *key =
        memory_format("%.*s/host", (int)encoder->meta.session.count, encoder->meta.session.at);
    pack(encoder, text_of(key), record);
    free(key);
}

static void encode_end(struct encoder *encoder, const struct interval_end *end)
{
    Spanmill__IntervalEnd out;
    spanmill__interval_end__init(&out);
    out.records = encoder->records;
    out.items = end->items;
    out.begin_ns = end->begin_ns;
    out.end_ns = end->end_ns;
    SET(&out, has_traces, end->has_traces);
    SET(&out, has_kernel, end->has_kernel);
    SET(&out, has_user, end->has_user);
    SET(&out, counts_switches, end->counts_switches);
    SET(&out, gap_before, end->gap_before);
    SET(&out, events, end->events);
    SET(&out, single_events, end->single_events);
    SET(&out, discarded, end->discarded);
    SET(&out, borders, end->borders);
    if (end->first_ns != TIME_NONE) {
        SET_ALWAYS(&out, first_ns, end->first_ns);
        SET_ALWAYS(&out, last_ns, end->last_ns);
    }
    if (end->has_offset)
        SET_ALWAYS(&out, offset_ns, end->offset_ns);
    out.cpus = memory_new(end->cpu_count * sizeof *out.cpus);
    for (size_t i = 0; i < end->cpu_count; i++)
        out.cpus[out.n_cpus++] = (uint32_t)end->cpus[i];
    out.has_host = out.has_session = out.has_created = true;
    out.host = binary(end->host);
    out.session = binary(end->session);
    out.created = binary(end->created);
    SET(&out, phases_digest, end->phases_digest);
    SET(&out, raw_bytes, end->raw_bytes);
    static const uint8_t no_clock[sizeof end->clock_uuid];
    if (memcmp(end->clock_uuid, no_clock, sizeof no_clock) != 0) {
        out.has_clock_uuid = true;
        out.clock_uuid = binary((struct text){(const char *)end->clock_uuid, sizeof no_clock});
    }
    SET(&out, final, end->final);

    Spanmill__Record record;
    spanmill__record__init(&record);
    record.end = &out;
    pack_for_host(encoder, &record);
    free(out.cpus);
}

void partial_encode_gap(const struct record_meta *meta, const struct gap *gap,
                        struct record_sink sink)
{
    struct encoder encoder = {.meta = *meta, .sink = sink};
    Spanmill__Gap out;
    spanmill__gap__init(&out);
    out.cause = gap->cause;
    out.has_reason = gap->reason.count > 0;
    out.reason = binary(gap->reason);
    SET(&out, final, gap->final);
    Spanmill__Record record;
    spanmill__record__init(&record);
    record.gap = &out;
    pack_for_host(&encoder, &record);
    free(encoder.room);
}

/* Where an item is filed: equal for items of one record. */
struct filed {
    int64_t key; /* pid; below 0: -tid of a thread without; 0: the host */
    uint64_t position;
};

static int compare_filed(const void *a, const void *b)
{
    const struct filed *left = a, *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

static char *key_text(struct text session, int64_t key)
{
    int count = (int)session.count;
    if (key == 0)
        return memory_format("%.*s/host", count, session.at);
    return key > 0 ? memory_format("%.*s/%lld", count, session.at, (long long)key)
                   : memory_format("%.*s/t/%lld", count, session.at, (long long)-key);
}

void partial_encode(const struct schema *schema, const struct record_meta *meta,
                    const struct item *items, size_t count, const struct interval_end *end,
                    struct record_sink sink)
{
    struct filed *filed = memory_new(count * sizeof *filed);
    for (size_t i = 0; i < count; i++)
        filed[i] =
            (struct filed){items[i].key_pid > 0 ? items[i].key_pid : -(int64_t)items[i].key_tid, i};
    qsort(filed, count, sizeof *filed, compare_filed);

    struct encoder encoder = {.meta = *meta, .sink = sink, .zstd = ZSTD_createCCtx()};
    for (size_t i = 0; i < count;) {
        int64_t key = filed[i].key;
        char *text = key_text(meta->session, key);
        for (; i < count && filed[i].key == key; i++)
            add(&encoder, schema, text_of(text), &items[filed[i].position], filed[i].position);
        flush(&encoder, text_of(text));
        free(text);
    }
    free(filed);
    encode_end(&encoder, end);
    arena_clear(&encoder.arena);
    names_clear(&encoder.names);
    free(encoder.items);
    free(encoder.room);
    ZSTD_freeCCtx(encoder.zstd);
}
