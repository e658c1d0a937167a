#include <string.h>
#include <zstd.h>

#include "partial.pb-c.h"
#include "wire/format.h"
#include "wire/partial_codec.h"

struct decoder {
    struct schema *schema;
    struct arena *arena;
    const Spanmill__Partial *partial;
    const struct text *names;     /* as in the partial, copied */
    const struct syscall **calls; /* by name, looked up when first met */
    uint64_t last_ns;
    bool bad; /* something contradicted itself; what was decoded since is of no use */
};

static void *take(void *arena, size_t size)
{
    return arena_take(arena, size);
}

static void give_back(void *arena, void *memory)
{
    (void)arena;
    (void)memory; /* the arena goes as a whole */
}

static uint64_t time_at(struct decoder *decoder, int64_t delta)
{
    decoder->last_ns += (uint64_t)delta;
    return decoder->last_ns;
}

static struct text name(struct decoder *decoder, uint32_t id)
{
    if (id >= decoder->partial->n_names) {
        decoder->bad = true;
        return text_of("");
    }
    return decoder->names[id];
}

static const struct syscall *call(struct decoder *decoder, uint32_t id)
{
    struct text text = name(decoder, id);
    if (decoder->bad)
        return schema_call(decoder->schema, text_of("unknown"));
    if (!decoder->calls[id])
        decoder->calls[id] = schema_call(decoder->schema, text);
    return decoder->calls[id];
}

static void durations(struct decoder *decoder, const Spanmill__Durations *from,
                      struct duration_cell *to)
{
    if (!from)
        return;
    if (from->count == 1) {
        duration_cell_add(to, from->total_ns);
        return;
    }
    if (from->count <= DURATIONS_TOLD) {
        uint64_t max_ns = from->min_ns + from->above_min_ns;
        if (from->count > 1) {
            duration_cell_add(to, from->min_ns);
            duration_cell_add(to, max_ns);
        }
        if (from->count == 3)
            duration_cell_add(to, from->total_ns - from->min_ns - max_ns);
        decoder->bad |=
            to->total_ns != from->total_ns || to->min_ns != from->min_ns || to->max_ns != max_ns;
        return;
    }
    to->count = from->count;
    to->total_ns = from->total_ns;
    to->min_ns = from->min_ns;
    to->max_ns = from->min_ns + from->above_min_ns;
    for (size_t i = 0; i + 1 < from->n_spread; i += 2) {
        if (from->spread[i] >= HISTOGRAM_BUCKETS) {
            decoder->bad = true;
            return;
        }
        to->spread.count[from->spread[i]] = from->spread[i + 1];
    }
}

/* Puts the values whose bits are set where they belong. */
static void values(struct decoder *decoder, uint8_t present, const int64_t *from, size_t count,
                   int64_t *to, unsigned room)
{
    size_t next = 0;
    for (unsigned i = 0; i < room; i++) {
        if (!(present >> i & 1))
            continue;
        if (next >= count) {
            decoder->bad = true;
            return;
        }
        to[i] = from[next++];
    }
    decoder->bad |= next != count;
}

static void decode_fields(struct decoder *decoder, const Spanmill__Event *from, struct event *event)
{
    if (from->n_fields == 0)
        return;
    if (from->n_fields != event->class->field_count) {
        decoder->bad = true; /* mapped with other phase definitions */
        return;
    }
    struct field_value *fields = arena_take(decoder->arena, from->n_fields * sizeof *fields);
    for (size_t i = 0; i < from->n_fields; i++) {
        const Spanmill__Field *field = from->fields[i];
        if (field->has_i)
            fields[i] = (struct field_value){.type = FIELD_INT, .i = field->i};
        else if (field->has_u)
            fields[i] = (struct field_value){.type = FIELD_UINT, .u = field->u};
        else if (field->has_text)
            fields[i] =
                (struct field_value){.type = FIELD_TEXT, .text = name(decoder, field->text)};
    }
    event->fields = fields;
    event->field_count = (uint16_t)from->n_fields;
}

static void decode_contexts(struct decoder *decoder, const Spanmill__Event *from,
                            struct event *event)
{
    event->tid = from->tid;
    event->pid = from->pid;
    event->vtid = from->vtid;
    event->vpid = from->vpid;
    if (from->has_procname)
        event->procname = name(decoder, from->procname);
    event->has =
        (uint8_t)((from->has_tid ? EVENT_HAS_TID : 0) | (from->has_pid ? EVENT_HAS_PID : 0) |
                  (from->has_vtid ? EVENT_HAS_VTID : 0) | (from->has_vpid ? EVENT_HAS_VPID : 0) |
                  (from->has_procname ? EVENT_HAS_PROCNAME : 0));
}

static void decode_event(struct decoder *decoder, const Spanmill__Event *from, struct item *to)
{
    struct event *event = &to->event.event;
    enum domain domain = from->user ? DOMAIN_UST : DOMAIN_KERNEL;
    event->domain = (uint8_t)domain;
    event->class = from->loss ? schema_loss_class(decoder->schema, domain)
                              : schema_class(decoder->schema, domain, name(decoder, from->name));
    event->kind = from->loss ? EVENT_LOSS : event->class->kind;
    event->call = from->has_call ? call(decoder, from->call) : event->class->call;
    bool is_call = event->kind == EVENT_CALL_ENTRY || event->kind == EVENT_CALL_EXIT;
    decoder->bad |= is_call && !event->call;
    event->time_ns = time_at(decoder, from->time_ns);
    event->cpu = from->has_cpu ? from->cpu : -1;
    decoder->bad |= event->cpu > CPU_MAX || event->cpu < -1 || from->n_texts > EVENT_TEXTS ||
                    from->n_ints > UINT16_MAX || from->n_fields > UINT16_MAX;
    if (decoder->bad)
        return;
    to->event.tid = !from->has_thread ? TID_BY_CPU : from->thread == 0 ? TID_NOBODY : from->thread;
    to->event.elsewhere = from->elsewhere;
    event->present = (uint8_t)from->present;
    values(decoder, event->present, from->values, from->n_values, event->value, EVENT_VALUES);
    size_t next = 0;
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i)) {
            if (next >= from->n_texts) {
                decoder->bad = true;
                return;
            }
            event->text[i] = name(decoder, from->texts[next++]);
        }
    int64_t *ints = arena_take(decoder->arena, from->n_ints * sizeof *ints);
    if (from->n_ints > 0)
        memcpy(ints, from->ints, from->n_ints * sizeof *ints);
    event->ints = ints;
    event->int_count = (uint16_t)from->n_ints;
    decode_fields(decoder, from, event);
    decode_contexts(decoder, from, event);
}

static void decode_open(struct decoder *decoder, const Spanmill__OpenCall *from,
                        struct open_call *to)
{
    to->call = call(decoder, from->call);
    to->entry_ns = time_at(decoder, from->entry_ns);
    to->present = (uint8_t)(from->present & PRESENT_CALL);
    values(decoder, to->present, from->values, from->n_values, to->value, CALL_VALUES);
    if (to->present & PRESENT_TEXT)
        to->text = name(decoder, from->text);
}

static void decode_call(struct decoder *decoder, const Spanmill__CallCell *from,
                        struct piece_call *to)
{
    to->call = call(decoder, from->call);
    durations(decoder, from->complete, &to->cell.complete);
    to->cell.bytes = from->bytes;
    to->cell.begin_unknown = from->begin_unknown;
    to->cell.end_unknown = from->end_unknown;
    if (from->has_slowest_entry_ns)
        to->cell.slowest_entry_ns = time_at(decoder, from->slowest_entry_ns);
    size_t count = from->n_errors / 2;
    struct error_count *errors = arena_take(decoder->arena, count * sizeof *errors);
    for (size_t i = 0; i < count; i++)
        errors[i] = (struct error_count){from->errors[2 * i], from->errors[2 * i + 1]};
    to->cell.errors = errors;
    to->cell.error_count = (uint32_t)count;
}

static void decode_time(struct decoder *decoder, const Spanmill__Thread *from,
                        struct time_vector *to)
{
    *to = (struct time_vector){.user_ns = from->user_ns,
                               .sys_ns = from->sys_ns,
                               .runnable_ns = from->runnable_ns,
                               .unknown_ns = from->unknown_ns,
                               .blocked_ns = from->blocked_ns,
                               .before_running_ns = from->before_running_ns,
                               .before_blocked_ns = from->before_blocked_ns};
    size_t count = from->n_blocked_in / 2;
    to->blocked_in = arena_take(decoder->arena, count * sizeof *to->blocked_in);
    for (size_t i = 0; i < count; i++) {
        uint64_t id = from->blocked_in[2 * i];
        to->blocked_in[i].call = call(decoder, id > UINT32_MAX ? UINT32_MAX : (uint32_t)id)->id;
        to->blocked_in[i].ns = from->blocked_in[2 * i + 1];
    }
    to->blocked_count = (uint32_t)count;
}

static void decode_thread(struct decoder *decoder, const Spanmill__Thread *from,
                          struct thread_piece *to)
{
    to->tid = from->tid;
    to->wake_ns = TIME_NONE;
    to->state_known = from->has_state;
    uint64_t until_ns = 0;
    if (from->has_state) {
        decoder->bad |= from->state > STATE_BLOCKED;
        to->state = (uint8_t)from->state;
        to->until_ns = until_ns = time_at(decoder, from->until_ns);
        to->from_ns = until_ns - from->whole_ns;
        to->state_since_ns = until_ns - (uint64_t)from->state_since_ns;
        if (from->has_wake_ns)
            to->wake_ns = until_ns - (uint64_t)from->wake_ns;
    }
    to->last_ns = to->named_ns = TIME_NONE;
    if (from->has_last_ns)
        to->last_ns =
            from->has_state ? until_ns - (uint64_t)from->last_ns : time_at(decoder, from->last_ns);
    if (from->has_named_ns)
        to->named_ns = from->has_state ? until_ns - (uint64_t)from->named_ns
                                       : time_at(decoder, from->named_ns);
    decoder->bad |= from->call_register > CALL_OPEN ||
                    (from->call_register == CALL_OPEN) != (from->open != NULL);
    to->call_register = (uint8_t)from->call_register;
    if (from->open)
        decode_open(decoder, from->open, &to->open);
    to->cpu_ns = from->cpu_ns;
    to->switches = from->switches;
    durations(decoder, from->latency, &to->latency);
    decode_time(decoder, from, &to->time);
    to->calls = arena_take(decoder->arena, from->n_calls * sizeof *to->calls);
    to->call_count = from->n_calls;
    for (size_t i = 0; i < from->n_calls; i++)
        decode_call(decoder, from->calls[i], &to->calls[i]);
    to->kernel_named = from->has_kernel_name;
    if (from->has_kernel_name)
        to->kernel_name = name(decoder, from->kernel_name);
    to->user_named = from->has_user_name;
    if (from->has_user_name)
        to->user_name = name(decoder, from->user_name);
}

static void decode_cpu(struct decoder *decoder, const Spanmill__Cpu *from, struct cpu_piece *to)
{
    decoder->bad |= from->cpu > CPU_MAX;
    to->cpu = (int32_t)(from->cpu & INT32_MAX);
    to->current = from->has_current ? from->current : TID_NOBODY;
    to->run_begin_ns = time_at(decoder, from->run_begin_ns);
    to->run_whole = from->run_whole;
    to->last_ns = time_at(decoder, from->last_ns);
    to->busy_ns = from->busy_ns;
}

static void decode_uses(struct decoder *decoder, const Spanmill__Uses *from, struct uses_piece *to)
{
    to->tid = from->tid;
    to->fd = from->fd;
    decoder->bad |= from->fd < 0;
    to->proven_ns = from->has_proven_ns ? time_at(decoder, from->proven_ns) : TIME_NONE;
    durations(decoder, from->calls, &to->cell.calls);
    to->cell.read_bytes = from->read_bytes;
    to->cell.write_bytes = from->write_bytes;
}

static void decode_descriptor_call(struct decoder *decoder, const Spanmill__DescriptorCall *from,
                                   struct descriptor_call *to)
{
    to->tid = from->tid;
    to->call = call(decoder, from->call);
    to->entry_ns = time_at(decoder, from->entry_ns);
    to->exit_ns = to->entry_ns + from->whole_ns;
    to->ret = from->ret;
    to->present = (uint8_t)(from->present & PRESENT_CALL);
    values(decoder, to->present, from->values, from->n_values, to->value, CALL_VALUES);
    if (to->present & PRESENT_TEXT)
        to->text = name(decoder, from->text);
    if (from->n_pair == 2) {
        to->has_pair = true;
        to->pair[0] = from->pair[0];
        to->pair[1] = from->pair[1];
    }
}

static void decode_life(struct decoder *decoder, const Spanmill__Life *from, struct life_piece *to)
{
    to->tid = from->tid;
    to->fd = from->fd;
    decoder->bad |= from->fd < 0 || from->kind >= DESCRIPTOR_KINDS;
    to->begin_ns = time_at(decoder, from->begin_ns);
    to->named = from->has_name;
    if (from->has_name)
        to->name = name(decoder, from->name);
    to->kind = (uint8_t)from->kind;
    to->cloexec = from->cloexec;
    to->ended = from->has_whole_ns;
    to->end_ns = to->begin_ns + from->whole_ns;
    durations(decoder, from->calls, &to->cell.calls);
    to->cell.read_bytes = from->read_bytes;
    to->cell.write_bytes = from->write_bytes;
}

static void decode_item(struct decoder *decoder, const Spanmill__Item *from, struct item *to)
{
    int kinds = (from->event != NULL) + (from->thread != NULL) + (from->cpu != NULL) +
                (from->uses != NULL) + (from->descriptor_call != NULL) + (from->life != NULL);
    if (kinds != 1) {
        decoder->bad = true;
        return;
    }
    if (from->event) {
        to->kind = ITEM_EVENT;
        decode_event(decoder, from->event, to);
    } else if (from->thread) {
        to->kind = ITEM_THREAD;
        decode_thread(decoder, from->thread, &to->thread);
    } else if (from->cpu) {
        to->kind = ITEM_CPU;
        decode_cpu(decoder, from->cpu, &to->cpu);
    } else if (from->uses) {
        to->kind = ITEM_USES;
        decode_uses(decoder, from->uses, &to->uses);
    } else if (from->descriptor_call) {
        to->kind = ITEM_DESCRIPTOR_CALL;
        decode_descriptor_call(decoder, from->descriptor_call, &to->descriptor_call);
    } else {
        to->kind = ITEM_LIFE;
        decode_life(decoder, from->life, &to->life);
    }
}

static struct text copy(struct arena *arena, ProtobufCBinaryData bytes)
{
    return (struct text){arena_string(arena, (struct text){(const char *)bytes.data, bytes.len}),
                         bytes.len};
}

static const struct text *copy_names(struct arena *arena, const Spanmill__Partial *partial)
{
    struct text *names = arena_take(arena, partial->n_names * sizeof *names);
    for (size_t i = 0; i < partial->n_names; i++)
        names[i] = copy(arena, partial->names[i]);
    return names;
}

static enum status decode_partial(struct decoder *decoder, const Spanmill__Partial *partial,
                                  struct decoded_record *out, struct failure *why)
{
    decoder->partial = partial;
    decoder->names = copy_names(decoder->arena, partial);
    decoder->calls = arena_take(decoder->arena, partial->n_names * sizeof *decoder->calls);
    decoder->last_ns = partial->base_ns;
    out->items = arena_take(decoder->arena, partial->n_items * sizeof *out->items);
    uint64_t position = 0;
    for (size_t i = 0; i < partial->n_items; i++) {
        position += partial->items[i]->skipped;
        out->items[i].position = position++;
        decode_item(decoder, partial->items[i], &out->items[i].item);
        if (decoder->bad)
            return fail(why, STATUS_REJECT, "item %zu of %zu contradicts itself", i,
                        partial->n_items);
    }
    out->count = partial->n_items;
    return STATUS_OK;
}

static enum status decode_end(struct arena *arena, const Spanmill__IntervalEnd *from,
                              struct decoded_record *out, struct failure *why)
{
    out->is_end = true;
    out->records = from->records;
    int32_t *cpus = arena_take(arena, from->n_cpus * sizeof *cpus);
    for (size_t i = 0; i < from->n_cpus; i++) {
        if (from->cpus[i] > CPU_MAX)
            return fail(why, STATUS_REJECT, "CPU %u", from->cpus[i]);
        cpus[i] = (int32_t)from->cpus[i];
    }
    out->end = (struct interval_end){.chunk = out->meta.chunk,
                                     .begin_ns = from->begin_ns,
                                     .end_ns = from->end_ns,
                                     .items = from->items,
                                     .has_traces = from->has_traces,
                                     .has_kernel = from->has_kernel,
                                     .has_user = from->has_user,
                                     .counts_switches = from->counts_switches,
                                     .gap_before = from->gap_before,
                                     .events = from->events,
                                     .single_events = from->single_events,
                                     .discarded = from->discarded,
                                     .borders = from->borders,
                                     .first_ns = from->has_first_ns ? from->first_ns : TIME_NONE,
                                     .last_ns = from->has_last_ns ? from->last_ns : TIME_NONE,
                                     .has_offset = from->has_offset_ns,
                                     .offset_ns = from->offset_ns,
                                     .cpus = cpus,
                                     .cpu_count = from->n_cpus,
                                     .host = copy(arena, from->host),
                                     .session = copy(arena, from->session),
                                     .created = copy(arena, from->created),
                                     .phases_digest = from->phases_digest,
                                     .raw_bytes = from->raw_bytes,
                                     .final = from->final};
    if (from->clock_uuid.len == sizeof out->end.clock_uuid)
        memcpy(out->end.clock_uuid, from->clock_uuid.data, sizeof out->end.clock_uuid);
    return STATUS_OK;
}

/* The partial of a record that carries it compressed; NULL: `why` says what is wrong with it. */
static const Spanmill__Partial *expand(ProtobufCBinaryData frame, ProtobufCAllocator *allocator,
                                       struct arena *arena, struct failure *why)
{
    unsigned long long size = ZSTD_getFrameContentSize(frame.data, frame.len);
    if (size > PARTIAL_BYTES_MAX) { /* or an error, which are the largest numbers */
        fail(why, STATUS_REJECT, "compressed partial without a size, or over %d bytes",
             PARTIAL_BYTES_MAX);
        return NULL;
    }
    uint8_t *plain = arena_take(arena, (size_t)size);
    size_t count = ZSTD_decompress(plain, (size_t)size, frame.data, frame.len);
    const Spanmill__Partial *partial =
        ZSTD_isError(count) ? NULL : spanmill__partial__unpack(allocator, count, plain);
    if (!partial)
        fail(why, STATUS_REJECT, "damaged compressed partial of %zu bytes", frame.len);
    return partial;
}

/* `unpacked` is for what is of no use afterwards. */
static enum status decode(struct bytes bytes, struct schema *schema, struct arena *arena,
                          struct arena *unpacked, struct decoded_record *out, struct failure *why)
{
    ProtobufCAllocator allocator = {.alloc = take, .free = give_back, .allocator_data = unpacked};
    const Spanmill__Record *record = spanmill__record__unpack(&allocator, bytes.count, bytes.at);
    if (!record)
        return fail(why, STATUS_REJECT, "not a partial: %zu bytes", bytes.count);
    if (record->format != RECORD_FORMAT)
        return fail(why, STATUS_STOP, "format %u of a partial, newer than this program knows (%d)",
                    record->format, RECORD_FORMAT);
    out->meta = (struct record_meta){.session = copy(arena, record->session),
                                     .chunk = record->chunk,
                                     .first_chunk = record->first_chunk,
                                     .attempt = record->attempt};
    out->index = record->index;
    int bodies = (record->partial != NULL) + (record->end != NULL) + record->has_zstd_partial +
                 (record->gap != NULL);
    if (bodies != 1)
        return fail(why, STATUS_REJECT, "not one of partial, interval end and gap");
    if (record->gap) {
        out->is_gap = true;
        out->gap = (struct gap){.cause = record->gap->cause,
                                .reason = copy(arena, record->gap->reason),
                                .final = record->gap->final};
        return STATUS_OK;
    }
    if (record->end)
        return decode_end(arena, record->end, out, why);
    const Spanmill__Partial *partial = record->partial;
    if (record->has_zstd_partial)
        partial = expand(record->zstd_partial, &allocator, unpacked, why);
    if (!partial)
        return STATUS_REJECT;
    struct decoder decoder = {.schema = schema, .arena = arena};
    return decode_partial(&decoder, partial, out, why);
}

enum status partial_decode(struct bytes bytes, struct schema *schema, struct arena *arena,
                           struct decoded_record *out, struct failure *why)
{
    *out = (struct decoded_record){0};
    struct arena unpacked = {.first = NULL};
    enum status status = decode(bytes, schema, arena, &unpacked, out, why);
    arena_clear(&unpacked);
    return status;
}
