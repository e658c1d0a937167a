#include <string.h>

#include "base/cpu_number.h"
#include "result.pb-c.h"
#include "wire/cell_codec.h"
#include "wire/format.h"
#include "wire/in_arena.h"
#include "wire/log2_durations.h"
#include "wire/result_codec.h"

struct decoder {
    unsigned format;
    struct arena *arena;
    struct text *names;
    size_t name_count;
    bool bad; /* the record is inconsistent; anything decoded since is invalid */
};

static struct text text(ProtobufCBinaryData bytes)
{
    return (struct text){bytes.len ? (const char *)bytes.data : "", bytes.len};
}

static struct text name(struct decoder *decoder, uint32_t id)
{
    if (id < decoder->name_count)
        return decoder->names[id];
    decoder->bad = true;
    return text_of("");
}

/* --- numbers --- */

static bool few_durations(const Spanmill__Results__Durations *from, struct durations *to)
{
    uint64_t min_ns = from->count > 1 ? from->min_ns : from->total_ns;
    uint64_t max_ns = from->count > 1 ? from->max_ns : from->total_ns;
    uint64_t rest_ns = from->total_ns - from->min_ns - from->max_ns;
    return durations_of_few(to, from->count, min_ns,
                            from->has_middle_ns ? from->middle_ns : rest_ns, max_ns) &&
           to->total_ns == from->total_ns;
}

/* Of an earlier format. */
static bool old_durations(struct decoder *decoder, const Spanmill__Results__Durations *from,
                          struct durations *to)
{
    struct log2_durations old = {.count = from->count,
                                 .total_ns = from->total_ns,
                                 .min_ns = from->min_ns,
                                 .max_ns = from->max_ns};
    for (size_t i = 0; i + 1 < from->n_spread; i += 2) {
        if (from->spread[i] >= LOG2_POWERS)
            return false;
        old.powers[from->spread[i]] += from->spread[i + 1];
    }
    return from->n_spread % 2 == 0 && log2_durations_read(&old, decoder->arena, to);
}

static bool new_durations(struct decoder *decoder, const Spanmill__Results__Durations *from,
                          struct durations *to)
{
    size_t count = from->n_buckets / 2;
    struct durations_bucket *buckets = arena_take(decoder->arena, count * sizeof *buckets);
    for (size_t i = 0; i < count; i++) {
        if (from->buckets[2 * i] >= DURATIONS_BUCKETS)
            return false;
        buckets[i].bucket = (uint16_t)from->buckets[2 * i];
        buckets[i].count = from->buckets[2 * i + 1];
    }
    return from->n_buckets % 2 == 0 &&
           durations_of_buckets(to, buckets, count, from->total_ns, from->min_ns, from->max_ns) &&
           to->count == from->count;
}

static void durations(struct decoder *decoder, const Spanmill__Results__Durations *from,
                      struct durations *to)
{
    if (!from || from->count == 0)
        return;
    if (from->count <= DURATIONS_EXACT)
        decoder->bad |= !few_durations(from, to);
    else if (decoder->format > RESULT_FORMAT_LOG2)
        decoder->bad |= !new_durations(decoder, from, to);
    else
        decoder->bad |= !old_durations(decoder, from, to);
}

/* Call ids become indices of names. */
static void time_of(struct decoder *decoder, const Spanmill__Results__Time *from,
                    struct time_vector *to)
{
    if (!from)
        return;
    to->user_ns = (uint64_t)from->user_ns;
    to->sys_ns = (uint64_t)from->sys_ns;
    to->runnable_ns = (uint64_t)from->runnable_ns;
    to->blocked_ns = (uint64_t)from->blocked_ns;
    to->unknown_ns = (uint64_t)from->unknown_ns;
    to->before_running_ns = (uint64_t)from->before_running_ns;
    to->before_blocked_ns = (uint64_t)from->before_blocked_ns;
    if (from->interrupted)
        to->interrupted =
            (struct interrupted){.irq_ns = (uint64_t)from->interrupted->irq_ns,
                                 .softirq_ns = (uint64_t)from->interrupted->softirq_ns,
                                 .sys_ns = (uint64_t)from->interrupted->sys_ns,
                                 .before_ns = (uint64_t)from->interrupted->before_ns};
    to->blocked_in = arena_take(decoder->arena, from->n_blocked_in * sizeof *to->blocked_in);
    for (size_t i = 0; i < from->n_blocked_in; i++) {
        const Spanmill__Results__BlockedIn *blocked = from->blocked_in[i];
        name(decoder, blocked->call);
        to->blocked_in[to->blocked_count++] =
            (struct blocked_in){blocked->call, (uint64_t)blocked->ns};
    }
}

/* --- facts --- */

static void decode_process(const Spanmill__Results__Process *from, struct result *to)
{
    to->type = RESULT_PROCESS;
    to->process = (struct process_fact){.id = from->id,
                                        .pid = from->pid,
                                        .ppid = from->has_ppid ? from->ppid : -1,
                                        .fork_ns = from->fork_ns,
                                        .fork_seen = from->has_fork_ns};
}

static void decode_thread(struct decoder *decoder, const Spanmill__Results__Thread *from,
                          struct result *to)
{
    to->type = RESULT_THREAD;
    to->thread_fact = (struct thread_fact){.id = from->id,
                                           .process = from->process,
                                           .tid = from->tid,
                                           .begin_ns = from->begin_ns,
                                           .end_ns = from->end_ns,
                                           .begin_hard = from->begin_hard,
                                           .end_hard = from->end_hard,
                                           .kernel_named = from->kernel_named};
    if (from->has_name)
        to->thread_fact.name = name(decoder, from->name);
    if (from->has_program)
        to->thread_fact.program = name(decoder, from->program);
}

static void decode_descriptor(struct decoder *decoder, const Spanmill__Results__Descriptor *from,
                              struct result *to)
{
    to->type = RESULT_DESCRIPTOR;
    to->descriptor_fact = (struct descriptor_fact){
        .id = from->id,
        .process = from->process,
        .fd = from->fd,
        .begin_ns = from->begin_ns,
        .end_ns = from->end_ns,
        .begin_hard = from->begin_hard,
        .end_hard = from->end_hard,
        .ended = from->has_end_ns,
        .named = from->has_name,
        .kind = from->kind < DESCRIPTOR_KINDS ? (uint8_t)from->kind : DESCRIPTOR_UNKNOWN};
    if (from->has_name)
        to->descriptor_fact.name = name(decoder, from->name);
}

static void decode_first_call(struct decoder *decoder, const Spanmill__Results__FirstCall *from,
                              struct result *to)
{
    to->type = RESULT_FIRST_CALL;
    to->thread = from->thread;
    to->stretch = from->stretch;
    to->call = name(decoder, from->call);
    to->in_call = true;
}

/* --- cells --- */

static void decode_calls(struct decoder *decoder, const Spanmill__Results__Calls *from,
                         struct result *to)
{
    struct call_cell *cell = arena_take(decoder->arena, sizeof *cell);
    to->type = RESULT_CALLS;
    to->thread = from->thread;
    to->phase = name(decoder, from->phase);
    to->call = name(decoder, from->call);
    to->calls = cell;
    durations(decoder, from->complete, &cell->complete);
    cell->bytes = from->bytes;
    cell->begin_unknown = from->begin_unknown;
    cell->end_unknown = from->end_unknown;
    cell->refused = from->refused;
    cell->slowest_entry_ns = from->slowest_entry_ns;
    decoder->bad |= from->n_errors % 2 != 0;
    cell->errors = arena_take(decoder->arena, from->n_errors / 2 * sizeof *cell->errors);
    for (size_t i = 0; i + 1 < from->n_errors; i += 2) {
        decoder->bad |= from->errors[i] < 1 || from->errors[i] > 4095;
        cell->errors[cell->error_count++] =
            (struct error_count){(uint32_t)from->errors[i], from->errors[i + 1]};
    }
}

static void decode_phase(struct decoder *decoder, const Spanmill__Results__Phase *from,
                         struct result *to)
{
    struct phase_cell *cell = arena_take(decoder->arena, sizeof *cell);
    to->type = RESULT_PHASE;
    to->thread = from->thread;
    to->stretch = from->stretch;
    to->phase = name(decoder, from->phase);
    to->phase_cell = cell;
    durations(decoder, from->complete, &cell->complete);
    cell->hopped = from->hopped;
    cell->begin_unknown = from->begin_unknown;
    cell->end_unknown = from->end_unknown;
    cell->syscalls = from->syscalls;
    cell->over = from->over;
    cell->queued_ns = from->queued_ns;
    cell->parallel_ns = from->parallel_ns;
    time_of(decoder, from->time, &cell->time);
}

static void decode_values(struct decoder *decoder, Spanmill__Results__Value *const *from,
                          size_t count, struct text *names, struct field_value *values)
{
    for (size_t i = 0; i < count; i++) {
        names[i] = name(decoder, from[i]->field);
        if (from[i]->has_number)
            values[i] = (struct field_value){.type = FIELD_INT, .i = from[i]->number};
        else if (from[i]->has_unsigned_number)
            values[i] = (struct field_value){.type = FIELD_UINT, .u = from[i]->unsigned_number};
        else if (from[i]->has_text)
            values[i] = (struct field_value){.type = FIELD_TEXT, .text = text(from[i]->text)};
    }
}

/* Of a wait: its enum wait_kind, and the id within the kind. */
static uint64_t who(struct decoder *decoder, uint32_t kind, uint64_t by_thread, uint32_t number)
{
    decoder->bad |= !wait_is_known(kind) || by_thread > UINT32_MAX;
    return wait_who((enum wait_kind)kind, wait_is_by_thread(kind) ? (uint32_t)by_thread : number);
}

static void decode_instance_waits(struct decoder *decoder, const Spanmill__Results__Instance *from,
                                  struct ended_instance *ended)
{
    decoder->bad |= from->n_waits > INSTANCE_WAITS_MAX;
    if (decoder->bad)
        return;
    ended->waits = arena_take(decoder->arena, (from->n_waits + 1) * sizeof *ended->waits);
    ended->wait_count = from->n_waits;
    for (size_t i = 0; i < from->n_waits; i++) {
        const Spanmill__Results__InstanceWait *wait = from->waits[i];
        ended->waits[i] = (struct instance_wait){
            who(decoder, wait->by, wait->by_thread, wait->number), wait->count, wait->total_ns};
    }
}

static void decode_instance(struct decoder *decoder, const Spanmill__Results__Instance *from,
                            struct result *to)
{
    struct instance_result *content = arena_take(decoder->arena, sizeof *content);
    to->type = RESULT_INSTANCE;
    to->thread = from->thread;
    to->stretch = from->stretch;
    to->phase = name(decoder, from->phase);
    to->instance = content;
    content->ended = (struct ended_instance){
        .rank = {.ns = from->ns, .begin_ns = from->begin_ns, .order = from->order},
        .pid = from->pid,
        .end_tid = from->end_tid,
        .calls = from->syscalls,
        .queued_ns = from->queued_ns,
        .parallel_ns = from->parallel_ns,
        .value_count = from->n_match + from->n_captured};
    size_t count = content->ended.value_count, match_count = from->n_match;
    struct text *names = arena_take(decoder->arena, (count + 1) * sizeof *names);
    content->ended.values = arena_take(decoder->arena, (count + 1) * sizeof *content->ended.values);
    decode_values(decoder, from->match, match_count, names, content->ended.values);
    decode_values(decoder, from->captured, from->n_captured, names + match_count,
                  content->ended.values + match_count);
    content->names = names;
    content->match_count = match_count;
    decoder->bad |= from->keep > SLOWEST_COUNT_MAX;
    content->rule = (struct slowest_rule){.count = from->keep, .over_ns = from->keep_over_ns};
    content->is_correction = from->correction;
    time_of(decoder, from->time, &content->ended.time);
    decode_instance_waits(decoder, from, &content->ended);
}

static void decode_uses(struct decoder *decoder, const Spanmill__Results__Uses *from,
                        struct result *to)
{
    struct use_cell *cell = arena_take(decoder->arena, sizeof *cell);
    to->type = RESULT_USES;
    to->descriptor = from->descriptor;
    to->thread = from->thread;
    to->phase = name(decoder, from->phase);
    to->uses = cell;
    durations(decoder, from->calls, &cell->calls);
    cell->read_bytes = from->read_bytes;
    cell->write_bytes = from->write_bytes;
}

static void decode_latency(struct decoder *decoder, const Spanmill__Results__Latency *from,
                           struct result *to)
{
    struct durations *cell = arena_take(decoder->arena, sizeof *cell);
    to->type = RESULT_LATENCY;
    to->thread = from->thread;
    to->latency = cell;
    durations(decoder, from->latency, cell);
}

static void decode_run(struct decoder *decoder, const Spanmill__Results__Run *from,
                       struct result *to)
{
    struct time_vector *time = arena_take(decoder->arena, sizeof *time);
    to->type = RESULT_RUN;
    to->thread = from->thread;
    to->run.cpu_ns = from->cpu_ns;
    to->run.switches = from->switches;
    to->run.time = time;
    time_of(decoder, from->time, time);
    decoder->bad |= time->blocked_count > 0;
}

static void decode_cpu(struct decoder *decoder, const Spanmill__Results__Cpu *from,
                       struct result *to)
{
    decoder->bad |= from->cpu > CPU_NUMBER_MAX;
    to->type = RESULT_CPU;
    to->cpu = (int32_t)from->cpu;
    to->ran = (struct cpu_ran){from->busy_ns, from->idle_ns};
}

static void decode_count(struct decoder *decoder, const Spanmill__Results__Count *from,
                         struct result *to)
{
    struct count_result *content = arena_take(decoder->arena, sizeof *content);
    struct count_cell *cell = arena_take(decoder->arena, sizeof *cell);
    struct count_part *parts = arena_take(decoder->arena, (from->n_by + 1) * sizeof *parts);
    to->type = RESULT_COUNT;
    to->thread = from->thread;
    to->count = content;
    *content =
        (struct count_result){.name = name(decoder, from->name),
                              .whose = from->in_handler ? COUNT_OF_HANDLER : (uint8_t)from->whose,
                              .has_value = from->has_value,
                              .is_span = from->span != NULL,
                              .parts = parts,
                              .part_count = from->n_by,
                              .cell = cell};
    decoder->bad |= from->whose > COUNT_OF_IDLE || from->n_by > COUNT_BY_MAX;
    for (size_t i = 0; i < from->n_by; i++) {
        decoder->bad |= from->by[i]->word > COUNT_BY_LAST;
        parts[i].word = decoder->bad ? COUNT_BY_FIELD : (enum count_word)from->by[i]->word;
        decode_values(decoder, &from->by[i]->value, 1, &parts[i].field, &parts[i].value);
    }
    cell->count = from->count;
    cell->negative = from->negative;
    if (from->span) {
        cell->lost = from->span->lost;
        cell->timed_out = from->span->timed_out;
        cell->open = from->span->open;
        cell->begin_unknown = from->span->begin_unknown;
        cell->unmatched = from->span->unmatched;
    }
    durations(decoder, from->value, &cell->value);
    decoder->bad |=
        cell->negative > cell->count || cell->value.count > cell->count - cell->negative;
}

static void decode_waits(struct decoder *decoder, const Spanmill__Results__Waits *from,
                         struct result *to)
{
    to->type = RESULT_WAITS;
    to->thread = from->thread;
    to->phase = name(decoder, from->phase);
    to->wait_who = who(decoder, from->by, from->by_thread, from->number);
    to->wait = (struct wait_cell){from->count, from->total_ns, from->max_ns};
}

static struct text text_in(void *decoder, uint32_t id)
{
    return name(decoder, id);
}

static void durations_in(void *decoder, const Spanmill__Results__Durations *from,
                         struct durations *to)
{
    durations(decoder, from, to);
}

/* False: it is of no analysis that this program knows. */
static bool decode_cell(struct decoder *decoder, const Spanmill__Results__Result *from,
                        struct result *to)
{
    const struct cell_parts parts = {.text = text_in,
                                     .take_durations = durations_in,
                                     .context = decoder,
                                     .arena = decoder->arena};
    to->type = RESULT_CELL;
    to->cell = cell_decode(&parts, from);
    return to->cell != NULL;
}

/* --- marks --- */

static struct damages decode_damage(struct decoder *decoder,
                                    const Spanmill__Results__Interval *from)
{
    struct damage *items = arena_take(decoder->arena, (from->n_damage + 1) * sizeof *items);
    for (size_t i = 0; i < from->n_damage; i++) {
        const Spanmill__Results__Damage *item = from->damage[i];
        items[i] = (struct damage){.scope = damage_scope_of_tag(item->scope),
                                   .cause = damage_cause_of_tag(item->cause),
                                   .chunk = item->chunk,
                                   .name = text(item->name),
                                   .count = item->count,
                                   .bytes = item->bytes,
                                   .text = text(item->text)};
    }
    return (struct damages){items, from->n_damage, from->damage_more};
}

static void decode_interval(struct decoder *decoder, const Spanmill__Results__Interval *from,
                            struct result *to)
{
    to->type = RESULT_INTERVAL;
    struct interval_fact *mark = arena_take(decoder->arena, sizeof *mark);
    *mark = (struct interval_fact){.chunk = from->chunk,
                                   .chunks = from->chunks,
                                   .gap = from->gap,
                                   .events = from->events,
                                   .tallies = tallies_unpack(from->tallies, from->n_tallies),
                                   .any_event = from->has_first_ns,
                                   .first_ns = from->first_ns,
                                   .last_ns = from->last_ns,
                                   .offset_ns = from->offset_ns,
                                   .kernel = from->kernel,
                                   .user = from->user,
                                   .host = text_of("")};
    mark->damage = decode_damage(decoder, from);
    mark->uses = phase_uses_unpack(decoder->arena,
                                   (struct bytes){from->phase_uses.data, from->phase_uses.len});
    uint64_t *tallies = mark->tallies.at;
    if (from->gap && decoder->format < 2) /* such a mark counts a lost chunk */
        tallies[TALLY_LOST_CHUNKS] = 1;
    tallies[TALLY_DISCARDED] += from->discarded;
    tallies[TALLY_LOSS_BORDERS] += from->borders;
    if (from->has_host)
        mark->host = name(decoder, from->host);
    to->interval = mark;
}

/* False: its kind is unknown, of a newer program. */
static bool decode_result(struct decoder *decoder, const Spanmill__Results__Result *from,
                          struct result *to)
{
    *to = (struct result){.call_names = decoder->names};
    switch ((int)from->kind_case) {
    case KIND(PROCESS): decode_process(from->process, to); return true;
    case KIND(THREAD): decode_thread(decoder, from->thread, to); return true;
    case KIND(DESCRIPTOR): decode_descriptor(decoder, from->descriptor, to); return true;
    case KIND(CALLS): decode_calls(decoder, from->calls, to); return true;
    case KIND(PHASE): decode_phase(decoder, from->phase, to); return true;
    case KIND(INSTANCE): decode_instance(decoder, from->instance, to); return true;
    case KIND(FIRST_CALL): decode_first_call(decoder, from->first_call, to); return true;
    case KIND(USES): decode_uses(decoder, from->uses, to); return true;
    case KIND(LATENCY): decode_latency(decoder, from->latency, to); return true;
    case KIND(RUN): decode_run(decoder, from->run, to); return true;
    case KIND(CPU): decode_cpu(decoder, from->cpu, to); return true;
    case KIND(COUNT): decode_count(decoder, from->count, to); return true;
    case KIND(WAITS): decode_waits(decoder, from->waits, to); return true;
    case KIND(INTERVAL): decode_interval(decoder, from->interval, to); return true;
    default: return decode_cell(decoder, from, to);
    }
}

static void take_names(struct decoder *decoder, const Spanmill__Results__ResultRecord *record)
{
    decoder->names = arena_take(decoder->arena, record->n_names * sizeof *decoder->names);
    decoder->name_count = record->n_names;
    for (size_t i = 0; i < record->n_names; i++)
        decoder->names[i] = text(record->names[i]);
}

enum status result_decode(struct bytes bytes, struct arena *arena, struct result_record *out,
                          struct failure *why)
{
    *out = (struct result_record){.part = 0};
    ProtobufCAllocator allocator = in_arena(arena);
    const Spanmill__Results__ResultRecord *record =
        spanmill__results__result_record__unpack(&allocator, bytes.count, bytes.at);
    if (!record)
        return fail(why, STATUS_REJECT, "not a record of results: %zu bytes", bytes.count);
    if (record->format > RESULT_FORMAT)
        return fail(why, STATUS_STOP,
                    "format %u of results is newer than this program supports (%d)", record->format,
                    RESULT_FORMAT);
    if (record->format == 0)
        return fail(why, STATUS_REJECT, "format 0 of results is not supported");
    out->meta = (struct result_meta){.session = text(record->session), .chunk = record->chunk};
    if (record->clock_uuid.len == sizeof out->meta.clock_uuid)
        memcpy(out->meta.clock_uuid, record->clock_uuid.data, sizeof out->meta.clock_uuid);
    out->part = record->part;
    out->last = record->last;

    struct decoder decoder = {.format = record->format, .arena = arena};
    take_names(&decoder, record);
    out->results = arena_take(arena, record->n_results * sizeof *out->results);
    for (size_t i = 0; i < record->n_results; i++) {
        if (decode_result(&decoder, record->results[i], &out->results[out->count]))
            out->count++;
        if (decoder.bad)
            return fail(why, STATUS_REJECT, "result %zu of %zu is inconsistent", i,
                        record->n_results);
    }
    return STATUS_OK;
}
