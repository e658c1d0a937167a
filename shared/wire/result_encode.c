#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "result.pb-c.h"
#include "wire/cell_codec.h"
#include "wire/format.h"
#include "wire/result_codec.h"

/* A record is closed above this. The next result has at most two long names, or one and those of
 * the fields of a phase definition, with their values. */
enum { RECORD_BYTES = RESULT_RECORD_MAX - 4 * RESULT_NAME_MAX };

struct encoder {
    const struct result_meta *meta;
    struct record_sink sink;
    uint32_t part;
    /* of the current record */
    struct arena arena;
    struct names names;
    size_t bytes;
    Spanmill__Results__Result **results;
    size_t count, room;
    /* for packing */
    uint8_t *packed;
    size_t packed_room;
};

/* Sets an optional field if its value is not the default. */
#define SET(message, field, number)                                                                \
    ((message)->has_##field = (number) != 0, (message)->field = (number))
#define SET_ALWAYS(message, field, number)                                                         \
    ((message)->has_##field = true, (message)->field = (number))

static uint32_t name(struct encoder *encoder, struct text text)
{
    size_t before = encoder->names.count;
    if (text.count > RESULT_NAME_MAX)
        text.count = RESULT_NAME_MAX;
    uint32_t id = names_id(&encoder->names, text);
    if (encoder->names.count > before)
        encoder->bytes += text.count + 4;
    return id;
}

static ProtobufCBinaryData binary(struct text text)
{
    return (ProtobufCBinaryData){text.count, (uint8_t *)(uintptr_t)text.at};
}

/* A new message of that type, in the arena. */
static void *new_message(struct encoder *encoder, const ProtobufCMessageDescriptor *type)
{
    void *out = arena_take(&encoder->arena, type->sizeof_message);
    protobuf_c_message_init(type, out);
    return out;
}

/* A new message as the content of the result, which is of that kind. */
static void *new_content(struct encoder *encoder, Spanmill__Results__Result *result,
                         Spanmill__Results__Result__KindCase kind)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(&spanmill__results__result__descriptor, kind);
    result->kind_case = kind;
    return result->process = new_message(encoder, field->descriptor); /* a union of pointers */
}

/* --- facts --- */

static void encode_process(struct encoder *encoder, const struct process_fact *fact,
                           Spanmill__Results__Result *result)
{
    Spanmill__Results__Process *out = new_content(encoder, result, KIND(PROCESS));
    out->id = fact->id;
    out->pid = fact->pid;
    if (fact->ppid >= 0)
        SET_ALWAYS(out, ppid, fact->ppid);
    if (fact->fork_seen)
        SET_ALWAYS(out, fork_ns, fact->fork_ns);
}

static void encode_thread(struct encoder *encoder, const struct thread_fact *fact,
                          Spanmill__Results__Result *result)
{
    Spanmill__Results__Thread *out = new_content(encoder, result, KIND(THREAD));
    out->id = fact->id;
    SET(out, process, fact->process);
    out->tid = fact->tid;
    out->begin_ns = fact->begin_ns;
    out->end_ns = fact->end_ns;
    SET(out, begin_hard, fact->begin_hard);
    SET(out, end_hard, fact->end_hard);
    if (fact->name.at)
        SET_ALWAYS(out, name, name(encoder, fact->name));
    SET(out, kernel_named, fact->kernel_named);
    if (fact->program.count > 0)
        SET_ALWAYS(out, program, name(encoder, fact->program));
}

static void encode_descriptor(struct encoder *encoder, const struct descriptor_fact *fact,
                              Spanmill__Results__Result *result)
{
    Spanmill__Results__Descriptor *out = new_content(encoder, result, KIND(DESCRIPTOR));
    out->id = fact->id;
    out->process = fact->process;
    out->fd = fact->fd;
    out->begin_ns = fact->begin_ns;
    SET(out, begin_hard, fact->begin_hard);
    if (fact->ended)
        SET_ALWAYS(out, end_ns, fact->end_ns);
    SET(out, end_hard, fact->end_hard);
    if (fact->named)
        SET_ALWAYS(out, name, name(encoder, fact->name));
    SET(out, kind, fact->kind);
}

static void encode_first_call(struct encoder *encoder, const struct result *from,
                              Spanmill__Results__Result *result)
{
    Spanmill__Results__FirstCall *out = new_content(encoder, result, KIND(FIRST_CALL));
    out->thread = from->thread;
    SET(out, stretch, from->stretch);
    out->call = name(encoder, from->call);
}

/* --- cells --- */

static Spanmill__Results__Durations *durations(struct encoder *encoder,
                                               const struct durations *from)
{
    Spanmill__Results__Durations *out =
        new_message(encoder, &spanmill__results__durations__descriptor);
    out->count = from->count;
    out->total_ns = from->total_ns;
    if (from->count > 1) {
        SET_ALWAYS(out, min_ns, from->min_ns);
        SET_ALWAYS(out, max_ns, from->max_ns);
    }
    if (from->form == DURATIONS_FEW) {
        if (from->count > 2 && from->total_ns == UINT64_MAX)
            SET_ALWAYS(out, middle_ns, from->middle_ns);
        return out;
    }
    out->buckets = arena_take(&encoder->arena, 2 * (size_t)from->size * sizeof *out->buckets);
    struct durations_bucket each;
    for (size_t at = 0; durations_next(from, &at, &each);) {
        out->buckets[out->n_buckets++] = each.bucket;
        out->buckets[out->n_buckets++] = each.count;
    }
    return out;
}

static Spanmill__Results__Interrupted *interrupted(struct encoder *encoder,
                                                   const struct interrupted *from)
{
    Spanmill__Results__Interrupted *out =
        new_message(encoder, &spanmill__results__interrupted__descriptor);
    SET(out, irq_ns, (int64_t)from->irq_ns);
    SET(out, softirq_ns, (int64_t)from->softirq_ns);
    SET(out, sys_ns, (int64_t)from->sys_ns);
    SET(out, before_ns, (int64_t)from->before_ns);
    return out;
}

static Spanmill__Results__Time *time_of(struct encoder *encoder, const struct result *from,
                                        const struct time_vector *time)
{
    Spanmill__Results__Time *out = new_message(encoder, &spanmill__results__time__descriptor);
    SET(out, user_ns, (int64_t)time->user_ns);
    SET(out, sys_ns, (int64_t)time->sys_ns);
    SET(out, runnable_ns, (int64_t)time->runnable_ns);
    SET(out, blocked_ns, (int64_t)time->blocked_ns);
    SET(out, unknown_ns, (int64_t)time->unknown_ns);
    SET(out, before_running_ns, (int64_t)time->before_running_ns);
    SET(out, before_blocked_ns, (int64_t)time->before_blocked_ns);
    if (interrupted_any(&time->interrupted))
        out->interrupted = interrupted(encoder, &time->interrupted);
    out->blocked_in = arena_take(&encoder->arena, time->blocked_count * sizeof *out->blocked_in);
    for (uint32_t i = 0; i < time->blocked_count; i++) {
        if (time->blocked_in[i].ns == 0)
            continue;
        Spanmill__Results__BlockedIn *blocked =
            new_message(encoder, &spanmill__results__blocked_in__descriptor);
        blocked->call = name(encoder, result_call_name(from, time->blocked_in[i].call));
        blocked->ns = (int64_t)time->blocked_in[i].ns;
        out->blocked_in[out->n_blocked_in++] = blocked;
    }
    return out;
}

static void encode_calls(struct encoder *encoder, const struct result *from,
                         Spanmill__Results__Result *result)
{
    const struct call_cell *cell = from->calls;
    Spanmill__Results__Calls *out = new_content(encoder, result, KIND(CALLS));
    out->thread = from->thread;
    out->phase = name(encoder, from->phase);
    out->call = name(encoder, from->call);
    if (cell->complete.count)
        out->complete = durations(encoder, &cell->complete);
    SET(out, bytes, cell->bytes);
    SET(out, begin_unknown, cell->begin_unknown);
    SET(out, end_unknown, cell->end_unknown);
    SET(out, refused, cell->refused);
    SET(out, slowest_entry_ns, cell->slowest_entry_ns);
    out->errors = arena_take(&encoder->arena, 2 * cell->error_count * sizeof *out->errors);
    for (uint32_t i = 0; i < cell->error_count; i++) {
        out->errors[out->n_errors++] = cell->errors[i].number;
        out->errors[out->n_errors++] = cell->errors[i].count;
    }
}

static void encode_phase(struct encoder *encoder, const struct result *from,
                         Spanmill__Results__Result *result)
{
    const struct phase_cell *cell = from->phase_cell;
    Spanmill__Results__Phase *out = new_content(encoder, result, KIND(PHASE));
    out->thread = from->thread;
    SET(out, stretch, from->stretch);
    out->phase = name(encoder, from->phase);
    if (cell->complete.count)
        out->complete = durations(encoder, &cell->complete);
    SET(out, hopped, cell->hopped);
    SET(out, begin_unknown, cell->begin_unknown);
    SET(out, end_unknown, cell->end_unknown);
    SET(out, syscalls, cell->syscalls);
    SET(out, over, cell->over);
    SET(out, queued_ns, cell->queued_ns);
    SET(out, parallel_ns, cell->parallel_ns);
    out->time = time_of(encoder, from, &cell->time);
}

static Spanmill__Results__Value *value_of(struct encoder *encoder, struct text field,
                                          const struct field_value *value)
{
    Spanmill__Results__Value *out = new_message(encoder, &spanmill__results__value__descriptor);
    out->field = name(encoder, field);
    switch (value->type) {
    case FIELD_ABSENT: break;
    case FIELD_INT: SET_ALWAYS(out, number, value->i); break;
    case FIELD_UINT: SET_ALWAYS(out, unsigned_number, value->u); break;
    case FIELD_TEXT:
        out->has_text = true;
        out->text = binary(value->text);
        break;
    }
    return out;
}

static void encode_values(struct encoder *encoder, const struct instance_result *content,
                          Spanmill__Results__Instance *out)
{
    const struct ended_instance *ended = &content->ended;
    out->match = arena_take(&encoder->arena, (ended->value_count + 1) * sizeof *out->match);
    out->captured = out->match + content->match_count;
    for (size_t i = 0; i < ended->value_count; i++)
        out->match[i] = value_of(encoder, content->names[i], &ended->values[i]);
    out->n_match = content->match_count;
    out->n_captured = ended->value_count - content->match_count;
}

static void encode_instance_waits(struct encoder *encoder, const struct ended_instance *ended,
                                  Spanmill__Results__Instance *out)
{
    out->waits = arena_take(&encoder->arena, (ended->wait_count + 1) * sizeof *out->waits);
    out->n_waits = ended->wait_count;
    for (size_t i = 0; i < ended->wait_count; i++) {
        const struct instance_wait *from = &ended->waits[i];
        Spanmill__Results__InstanceWait *wait =
            new_message(encoder, &spanmill__results__instance_wait__descriptor);
        enum wait_kind kind = wait_kind_of(from->who);
        SET(wait, by, (uint32_t)kind);
        if (wait_is_by_thread(kind))
            SET_ALWAYS(wait, by_thread, wait_by(from->who));
        else
            SET(wait, number, wait_by(from->who));
        wait->count = from->count;
        wait->total_ns = from->total_ns;
        out->waits[i] = wait;
    }
}

static void encode_instance(struct encoder *encoder, const struct result *from,
                            Spanmill__Results__Result *result)
{
    const struct instance_result *content = from->instance;
    const struct ended_instance *ended = &content->ended;
    Spanmill__Results__Instance *out = new_content(encoder, result, KIND(INSTANCE));
    out->thread = from->thread;
    SET(out, stretch, from->stretch);
    out->phase = name(encoder, from->phase);
    out->order = ended->rank.order;
    SET(out, pid, ended->pid);
    SET(out, correction, content->is_correction);
    if (!content->is_correction) {
        SET_ALWAYS(out, begin_ns, ended->rank.begin_ns);
        SET_ALWAYS(out, ns, ended->rank.ns);
        SET(out, end_tid, ended->end_tid);
        SET(out, syscalls, ended->calls);
        SET(out, queued_ns, ended->queued_ns);
        SET(out, parallel_ns, ended->parallel_ns);
        SET_ALWAYS(out, keep, content->rule.count);
        SET(out, keep_over_ns, content->rule.over_ns);
        encode_values(encoder, content, out);
        encode_instance_waits(encoder, ended, out);
    }
    out->time = time_of(encoder, from, &ended->time);
}

static void encode_uses(struct encoder *encoder, const struct result *from,
                        Spanmill__Results__Result *result)
{
    Spanmill__Results__Uses *out = new_content(encoder, result, KIND(USES));
    out->descriptor = from->descriptor;
    out->thread = from->thread;
    out->phase = name(encoder, from->phase);
    if (from->uses->calls.count)
        out->calls = durations(encoder, &from->uses->calls);
    SET(out, read_bytes, from->uses->read_bytes);
    SET(out, write_bytes, from->uses->write_bytes);
}

static void encode_latency(struct encoder *encoder, const struct result *from,
                           Spanmill__Results__Result *result)
{
    Spanmill__Results__Latency *out = new_content(encoder, result, KIND(LATENCY));
    out->thread = from->thread;
    out->latency = durations(encoder, from->latency);
}

static void encode_run(struct encoder *encoder, const struct result *from,
                       Spanmill__Results__Result *result)
{
    Spanmill__Results__Run *out = new_content(encoder, result, KIND(RUN));
    out->thread = from->thread;
    SET(out, cpu_ns, from->run.cpu_ns);
    SET(out, switches, from->run.switches);
    out->time = time_of(encoder, from, from->run.time);
}

static void encode_cpu(struct encoder *encoder, const struct result *from,
                       Spanmill__Results__Result *result)
{
    Spanmill__Results__Cpu *out = new_content(encoder, result, KIND(CPU));
    out->cpu = (uint32_t)from->cpu;
    SET(out, busy_ns, from->ran.busy_ns);
    SET(out, idle_ns, from->ran.idle_ns);
}

static void encode_count(struct encoder *encoder, const struct result *from,
                         Spanmill__Results__Result *result)
{
    const struct count_result *content = from->count;
    Spanmill__Results__Count *out = new_content(encoder, result, KIND(COUNT));
    out->name = name(encoder, content->name);
    SET(out, thread, from->thread);
    bool in_handler = content->whose == COUNT_OF_HANDLER; /* older readers show an unknown thread */
    SET(out, whose, in_handler ? COUNT_OF_UNKNOWN : content->whose);
    SET(out, in_handler, in_handler);
    SET(out, count, content->cell->count);
    SET(out, has_value, content->has_value);
    SET(out, negative, content->cell->negative);
    if (content->cell->value.count)
        out->value = durations(encoder, &content->cell->value);
    if (content->is_span) {
        Spanmill__Results__Count__Span *span =
            new_message(encoder, &spanmill__results__count__span__descriptor);
        SET(span, lost, content->cell->lost);
        SET(span, timed_out, content->cell->timed_out);
        SET(span, open, content->cell->open);
        SET(span, begin_unknown, content->cell->begin_unknown);
        SET(span, unmatched, content->cell->unmatched);
        out->span = span;
    }
    out->n_by = content->part_count;
    out->by = arena_take(&encoder->arena, (content->part_count + 1) * sizeof *out->by);
    for (size_t i = 0; i < content->part_count; i++) {
        const struct count_part *part = &content->parts[i];
        Spanmill__Results__Count__By *by =
            new_message(encoder, &spanmill__results__count__by__descriptor);
        by->value = value_of(encoder, part->field, &part->value);
        SET(by, word, part->word);
        out->by[i] = by;
    }
}

static void encode_waits(struct encoder *encoder, const struct result *from,
                         Spanmill__Results__Result *result)
{
    Spanmill__Results__Waits *out = new_content(encoder, result, KIND(WAITS));
    out->thread = from->thread;
    out->phase = name(encoder, from->phase);
    enum wait_kind kind = wait_kind_of(from->wait_who);
    SET(out, by, kind);
    if (wait_is_by_thread(kind))
        SET_ALWAYS(out, by_thread, wait_by(from->wait_who));
    else
        SET(out, number, wait_by(from->wait_who));
    out->count = from->wait.count;
    out->total_ns = from->wait.total_ns;
    out->max_ns = from->wait.max_ns;
}

static uint32_t name_in(void *encoder, struct text text)
{
    return name(encoder, text);
}

static Spanmill__Results__Durations *durations_in(void *encoder, const struct durations *from)
{
    return durations(encoder, from);
}

static void encode_cell(struct encoder *encoder, const struct atom *cell,
                        Spanmill__Results__Result *result)
{
    const struct cell_parts parts = {
        .name = name_in, .durations = durations_in, .context = encoder, .arena = &encoder->arena};
    cell_encode(&parts, cell, result);
}

/* --- marks --- */

static void encode_damage(struct encoder *encoder, struct damages from,
                          Spanmill__Results__Interval *to)
{
    to->damage = arena_take(&encoder->arena, (from.count + 1) * sizeof *to->damage);
    to->n_damage = from.count;
    SET(to, damage_more, from.more);
    for (size_t i = 0; i < from.count; i++) {
        const struct damage *damage = &from.at[i];
        Spanmill__Results__Damage *out =
            new_message(encoder, &spanmill__results__damage__descriptor);
        to->damage[i] = out;
        out->scope = damage_scope_tag(damage->scope);
        out->cause = damage_cause_tag(damage->cause);
        SET(out, chunk, damage->chunk);
        SET(out, count, damage->count);
        SET(out, bytes, damage->bytes);
        out->name = binary(damage->name);
        out->text = binary(damage->text);
    }
}

static void encode_phase_uses(struct encoder *encoder, struct phase_uses uses,
                              Spanmill__Results__Interval *to)
{
    struct bytes packed = phase_uses_pack(uses);
    to->has_phase_uses = packed.count > 0;
    to->phase_uses.len = packed.count;
    to->phase_uses.data = arena_take(&encoder->arena, packed.count + 1);
    memcpy(to->phase_uses.data, packed.at, packed.count);
    free((void *)(uintptr_t)packed.at);
}

static void encode_interval(struct encoder *encoder, const struct interval_fact *mark,
                            Spanmill__Results__Result *result)
{
    Spanmill__Results__Interval *out = new_content(encoder, result, KIND(INTERVAL));
    out->chunk = mark->chunk;
    SET(out, chunks, mark->chunks);
    SET(out, gap, mark->gap);
    SET(out, events, mark->events);
    out->tallies = arena_take(&encoder->arena, TALLY_PAIRS_MAX * sizeof *out->tallies);
    out->n_tallies = tallies_pack(&mark->tallies, out->tallies);
    encode_damage(encoder, mark->damage, out);
    encode_phase_uses(encoder, mark->uses, out);
    if (mark->any_event) {
        SET_ALWAYS(out, first_ns, mark->first_ns);
        SET_ALWAYS(out, last_ns, mark->last_ns);
    }
    SET(out, offset_ns, mark->offset_ns);
    SET(out, kernel, mark->kernel);
    SET(out, user, mark->user);
    if (mark->host.count)
        SET_ALWAYS(out, host, name(encoder, mark->host));
}

static Spanmill__Results__Result *encode_result(struct encoder *encoder, const struct result *from)
{
    Spanmill__Results__Result *out = new_message(encoder, &spanmill__results__result__descriptor);
    switch (from->type) {
    case RESULT_PROCESS: encode_process(encoder, &from->process, out); break;
    case RESULT_THREAD: encode_thread(encoder, &from->thread_fact, out); break;
    case RESULT_DESCRIPTOR: encode_descriptor(encoder, &from->descriptor_fact, out); break;
    case RESULT_CALLS: encode_calls(encoder, from, out); break;
    case RESULT_PHASE: encode_phase(encoder, from, out); break;
    case RESULT_INSTANCE: encode_instance(encoder, from, out); break;
    case RESULT_FIRST_CALL: encode_first_call(encoder, from, out); break;
    case RESULT_USES: encode_uses(encoder, from, out); break;
    case RESULT_LATENCY: encode_latency(encoder, from, out); break;
    case RESULT_RUN: encode_run(encoder, from, out); break;
    case RESULT_CPU: encode_cpu(encoder, from, out); break;
    case RESULT_CELL: encode_cell(encoder, from->cell, out); break;
    case RESULT_COUNT: encode_count(encoder, from, out); break;
    case RESULT_WAITS: encode_waits(encoder, from, out); break;
    case RESULT_INTERVAL: encode_interval(encoder, from->interval, out); break;
    }
    return out;
}

/* --- records --- */

static void pack(struct encoder *encoder, struct text key, bool last)
{
    static const uint8_t no_clock[sizeof encoder->meta->clock_uuid];
    Spanmill__Results__ResultRecord record;
    spanmill__results__result_record__init(&record);
    record.format = RESULT_FORMAT;
    record.session = binary(encoder->meta->session);
    record.chunk = encoder->meta->chunk;
    record.part = encoder->part++;
    SET(&record, last, last);
    if (memcmp(encoder->meta->clock_uuid, no_clock, sizeof no_clock) != 0) {
        record.has_clock_uuid = true;
        record.clock_uuid =
            binary((struct text){(const char *)encoder->meta->clock_uuid, sizeof no_clock});
    }
    record.n_names = encoder->names.count;
    record.names = arena_take(&encoder->arena, encoder->names.count * sizeof *record.names);
    for (uint32_t i = 0; i < encoder->names.count; i++)
        record.names[i] = binary(names_text(&encoder->names, i));
    record.n_results = encoder->count;
    record.results = encoder->results;

    size_t size = spanmill__results__result_record__get_packed_size(&record);
    if (size > encoder->packed_room)
        encoder->packed = memory_grow(encoder->packed, &encoder->packed_room, size, 1);
    spanmill__results__result_record__pack(&record, encoder->packed);
    encoder->sink.take(encoder->sink.context, key, (struct bytes){encoder->packed, size});

    encoder->count = encoder->bytes = 0;
    names_clear(&encoder->names);
    arena_clear(&encoder->arena);
}

static void add(struct encoder *encoder, struct text key, const struct result *result)
{
    if (encoder->bytes > RECORD_BYTES)
        pack(encoder, key, false);
    Spanmill__Results__Result *out = encode_result(encoder, result);
    encoder->bytes += spanmill__results__result__get_packed_size(out) + 4;
    encoder->results =
        memory_grow(encoder->results, &encoder->room, encoder->count + 1, sizeof *encoder->results);
    encoder->results[encoder->count++] = out;
}

static char *key_of(struct text session, const struct result_group *group)
{
    int count = (int)session.count;
    if (group->pid)
        return memory_format("%.*s/%d", count, session.at, group->pid);
    return group->tid ? memory_format("%.*s/t/%d", count, session.at, group->tid)
                      : memory_format("%.*s/host", count, session.at);
}

void result_encode(const struct result_meta *meta, const struct result_group *groups, size_t count,
                   struct record_sink sink)
{
    struct encoder encoder = {.meta = meta, .sink = sink};
    for (size_t i = 0; i < count; i++) {
        char *key = key_of(meta->session, &groups[i]);
        for (size_t k = 0; k < groups[i].count; k++)
            add(&encoder, text_of(key), &groups[i].results[k]);
        pack(&encoder, text_of(key), i + 1 == count);
        free(key);
    }
    free(encoder.results);
    free(encoder.packed);
}

void result_flush(const struct result_meta *meta, struct result_batch *batch,
                  struct record_sink sink)
{
    const struct result_group *groups;
    size_t count = result_batch_groups(batch, &groups);
    result_encode(meta, groups, count, sink);
    result_batch_clear(batch);
}
