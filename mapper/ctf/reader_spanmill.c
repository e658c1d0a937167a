#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mapper/ctf/merge.h"
#include "mapper/ctf/plan_cache.h"
#include "mapper/ctf/reader_kind.h"

/* Events per reader_next(): enough to forget the call, few enough to stay in the first cache. */
enum { BATCH_EVENTS = 128 };

struct input {
    const struct trace_files *files;
    struct plan_set *set;
    struct bound_trace bound;
};

/* One stream file of a trace. */
struct part {
    const struct stream_file *file;
    struct packet_row packets; /* whole ones: of the seam, then of the file */
    bool cut;                  /* its end is missing */
};

struct reader_spanmill {
    struct reader reader;
    struct reader_warnings warnings;
    struct schema *schema;
    struct input *inputs;
    size_t input_count;
    struct trace_info *infos;
    struct reader_info info;
    int32_t *cpus;
    struct stream *streams;
    size_t stream_count, stream_room;
    struct merge merge;
    struct scratch scratch;
    struct event *events; /* BATCH_EVENTS */
};

static PRINTF_LIKE(2, 3) void warn(const struct reader_spanmill *reader, const char *format, ...)
{
    if (!reader->warnings.say)
        return;
    char sentence[FAILURE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    reader->warnings.say(reader->warnings.context, sentence);
}

static const char *shown(const struct trace_files *files)
{
    return *files->name != '\0' ? files->name : "trace";
}

static const struct input *input_of(const struct stream *stream)
{
    return (const struct input *)((const char *)stream->trace - offsetof(struct input, bound));
}

static void warn_of_stream(void *context, const struct stream *stream, const char *sentence)
{
    warn(context, "%s: %s: %s", shown(input_of(stream)->files), stream->name, sentence);
}

/* --- what the metadata says --- */

static void copy_env(const struct layout *layout, const char *name, char *into, size_t room)
{
    const struct layout_env *env = layout_env(layout, name);
    snprintf(into, room, "%s", env && env->text ? env->text : "");
}

/* The clock of the trace: the first that a stream has. */
static const struct layout_clock *clock_of(const struct layout *layout)
{
    for (uint32_t i = 0; i < layout->stream_count; i++)
        if (layout->streams[i].clock < layout->clock_count)
            return &layout->clocks[layout->streams[i].clock];
    return layout->clock_count > 0 ? &layout->clocks[0] : NULL;
}

static struct trace_info info_of(const struct plan_set *set)
{
    const struct layout *layout = set->layout;
    struct trace_info info = {.domain = set->domain, .declared = set->declared};
    copy_env(layout, "hostname", info.hostname, sizeof info.hostname);
    copy_env(layout, "trace_name", info.session, sizeof info.session);
    copy_env(layout, "trace_creation_datetime", info.created, sizeof info.created);
    const struct layout_clock *clock = clock_of(layout);
    if (clock) {
        memcpy(info.clock_uuid, clock->uuid, sizeof info.clock_uuid);
        info.offset_ns = (int64_t)((uint64_t)clock->offset_s * 1000000000 +
                                   cycles_ns(clock->offset_cycles, clock->frequency));
    }
    return info;
}

static bool vpid_of(const struct layout *layout, int32_t *vpid)
{
    const struct layout_env *env = layout_env(layout, "vpid");
    if (!env || env->text || env->number < 0)
        return false;
    *vpid = (int32_t)(env->number & INT32_MAX);
    return true;
}

/* --- streams --- */

static void scan_part(const struct reader_spanmill *reader, const struct input *input,
                      struct part *part)
{
    const struct stream_file *file = part->file;
    const struct layout *layout = input->set->layout;
    const char *trace = shown(input->files);
    struct failure why;
    bool damaged = false;
    if (packet_row_add(&part->packets, layout, file->seam, (struct bytes){NULL, 0}, &why) !=
        STATUS_OK)
        warn(reader, "%s: %s: in the packets of the chunk before: %s", trace, file->name, why.text);
    size_t seam_count = part->packets.count;
    if (packet_row_add(&part->packets, layout, file->data, file->index, &why) != STATUS_OK) {
        damaged = true;
        warn(reader, "%s: %s: %s", trace, file->name, why.text);
    }
    size_t end = 0;
    if (part->packets.count > seam_count) {
        const struct packet *last = &part->packets.at[part->packets.count - 1].head;
        end = last->offset + last->size;
    }
    size_t told = packets_index_end(file->index);
    if (told > file->data.count && !damaged)
        warn(reader, "%s: %s: %zu bytes, but its index tells of %zu", trace, file->name,
             file->data.count, told);
    part->cut = end < file->data.count || told > file->data.count;
}

static int by_begin(const void *a, const void *b)
{
    const struct part *left = *(const struct part *const *)a;
    const struct part *right = *(const struct part *const *)b;
    uint64_t left_ns = left->packets.at[0].head.begin_ns;
    uint64_t right_ns = right->packets.at[0].head.begin_ns;
    if (left_ns != right_ns)
        return left_ns < right_ns ? -1 : 1;
    return strcmp(left->file->name, right->file->name);
}

static bool same_instance(const struct part *a, const struct part *b)
{
    const struct packet *left = &a->packets.at[0].head, *right = &b->packets.at[0].head;
    return left->has_instance && right->has_instance && left->stream_id == right->stream_id &&
           left->instance == right->instance;
}

/* Makes one stream of `parts`, which are of one instance of a stream class: LTTng splits a stream
 * into several files if told to. */
static void add_stream(struct reader_spanmill *reader, struct input *input, struct part **parts,
                       size_t count)
{
    qsort(parts, count, sizeof(struct part *), by_begin);
    struct packet_row packets = parts[0]->packets;
    for (size_t i = 1; i < count; i++) {
        struct packet_row *from = &parts[i]->packets;
        packets.at =
            memory_grow(packets.at, &packets.room, packets.count + from->count, sizeof *packets.at);
        memcpy(packets.at + packets.count, from->at, from->count * sizeof *packets.at);
        packets.count += from->count;
        packet_row_clear(from);
    }
    parts[0]->packets = (struct packet_row){.at = NULL};
    reader->streams = memory_grow(reader->streams, &reader->stream_room, reader->stream_count + 1,
                                  sizeof *reader->streams);
    struct stream *stream = &reader->streams[reader->stream_count++];
    stream_init(stream, &input->bound, packets, parts[0]->file->name);
    stream->cut = parts[count - 1]->cut;
    stream->say = warn_of_stream;
    stream->context = reader;
    stream->scratch = &reader->scratch;
}

static void add_streams(struct reader_spanmill *reader, struct input *input)
{
    size_t count = input->files->stream_count;
    struct part *parts = memory_new(count * sizeof *parts);
    struct part **joined = memory_new(count * sizeof(struct part *));
    for (size_t i = 0; i < count; i++) {
        parts[i].file = &input->files->streams[i];
        scan_part(reader, input, &parts[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].packets.count == 0)
            continue;
        size_t join = 0;
        joined[join++] = &parts[i];
        for (size_t j = i + 1; j < count; j++)
            if (parts[j].packets.count > 0 && same_instance(&parts[i], &parts[j]))
                joined[join++] = &parts[j];
        add_stream(reader, input, joined, join);
    }
    free(joined);
    free(parts);
}

static int by_place(const void *a, const void *b)
{
    const struct stream *left = a, *right = b;
    enum domain left_domain = left->trace->set->domain, right_domain = right->trace->set->domain;
    if (left_domain != right_domain)
        return left_domain < right_domain ? -1 : 1;
    if (left->cpu != right->cpu)
        return left->cpu < right->cpu ? -1 : 1;
    int trace = strcmp(input_of(left)->files->name, input_of(right)->files->name);
    return trace != 0 ? trace : strcmp(left->name, right->name);
}

static void rank_streams(struct reader_spanmill *reader)
{
    if (reader->stream_count == 0)
        return;
    qsort(reader->streams, reader->stream_count, sizeof *reader->streams, by_place);
    for (size_t i = 1; i < reader->stream_count; i++) {
        struct stream *stream = &reader->streams[i];
        if (stream[-1].cpu == stream->cpu &&
            stream[-1].trace->set->domain == stream->trace->set->domain)
            stream->rank = stream[-1].rank + 1;
    }
}

static void list_cpus(struct reader_spanmill *reader)
{
    size_t count = 0;
    reader->cpus = memory_new(reader->stream_count * sizeof *reader->cpus);
    for (size_t i = 0; i < reader->stream_count; i++) { /* ordered by domain and CPU */
        const struct stream *stream = &reader->streams[i];
        if (stream->trace->set->domain != DOMAIN_KERNEL || stream->cpu < 0)
            continue;
        if (count == 0 || reader->cpus[count - 1] != stream->cpu)
            reader->cpus[count++] = stream->cpu;
    }
    reader->info = (struct reader_info){
        .traces = reader->infos,
        .trace_count = reader->input_count,
        .cpus = reader->cpus,
        .cpu_count = count,
    };
}

/* --- the reader --- */

static enum status spanmill_next(struct reader *base, const struct event **events, size_t *count,
                                 struct failure *why)
{
    (void)why;
    struct reader_spanmill *reader = (struct reader_spanmill *)base;
    scratch_clean_rich(&reader->scratch);
    scratch_reset(&reader->scratch);
    *events = reader->events;
    *count = merge_next(&reader->merge, reader->events, BATCH_EVENTS);
    return *count > 0 ? STATUS_OK : STATUS_END;
}

static const struct reader_info *spanmill_info(const struct reader *base)
{
    return &((const struct reader_spanmill *)base)->info;
}

static void spanmill_close(struct reader *base)
{
    struct reader_spanmill *reader = (struct reader_spanmill *)base;
    merge_clear(&reader->merge);
    for (size_t i = 0; i < reader->stream_count; i++)
        stream_clear(&reader->streams[i]);
    for (size_t i = 0; i < reader->input_count; i++) {
        bound_trace_clear(&reader->inputs[i].bound);
        plan_set_release(reader->inputs[i].set);
    }
    scratch_clear(&reader->scratch);
    free(reader->events);
    free(reader->streams);
    free(reader->cpus);
    free(reader->infos);
    free(reader->inputs);
    free(reader);
}

/* Takes the trace in, or leaves it out with a warning; `first` keeps the first reason. */
static void add_input(struct reader_spanmill *reader, struct plan_cache *cache,
                      const struct trace_files *files, struct failure *first)
{
    struct failure why;
    struct input *input = &reader->inputs[reader->input_count];
    *input = (struct input){.files = files};
    enum status status =
        files->metadata.at == NULL
            ? fail(&why, STATUS_REJECT, "metadata: missing or empty")
            : plan_cache_take(cache, files->metadata, strncmp(files->name, "ust", 3) == 0,
                              schema_phases(reader->schema), &input->set, &why);
    if (status != STATUS_OK) {
        failure_prefix(&why, "%s", shown(files));
        warn(reader, "%s; the trace is left out", why.text);
        if (first->text[0] == '\0')
            *first = why;
        return;
    }
    struct trace_info *info = &reader->infos[reader->input_count];
    *info = info_of(input->set);
    if (info->declared.old_syscalls)
        warn(reader,
             "%s: recorded by LTTng before 2.6: its system calls (sys_*, exit_syscall) are not "
             "counted as such",
             shown(files));
    int32_t vpid;
    bool has_vpid = vpid_of(input->set->layout, &vpid);
    bound_trace_init(&input->bound, input->set, reader->schema, (uint32_t)reader->input_count,
                     declared_names_x86_64(&info->declared), has_vpid ? &vpid : NULL);
    reader->input_count++;
}

static enum status spanmill_open(const struct reader_choice *choice, const struct trace_set *set,
                                 struct schema *schema, const struct reader_warnings *warnings,
                                 struct reader **out, struct failure *why)
{
    *out = NULL;
    struct failure first = {.text = ""};
    struct reader_spanmill *reader = memory_new(sizeof *reader);
    reader->reader.kind = &reader_spanmill;
    reader->schema = schema;
    if (warnings)
        reader->warnings = *warnings;
    reader->inputs = memory_new(set->trace_count * sizeof *reader->inputs);
    reader->infos = memory_new(set->trace_count * sizeof *reader->infos);
    for (size_t i = 0; i < set->trace_count; i++)
        add_input(reader, choice->cache, &set->traces[i], &first);
    if (reader->input_count == 0) {
        spanmill_close(&reader->reader);
        return fail(why, STATUS_REJECT, "%s",
                    first.text[0] != '\0' ? first.text : "no trace in it");
    }
    for (size_t i = 0; i < reader->input_count; i++)
        add_streams(reader, &reader->inputs[i]);
    rank_streams(reader);
    list_cpus(reader);
    reader->events = memory_new(BATCH_EVENTS * sizeof *reader->events);
    for (size_t i = 0; i < reader->stream_count; i++)
        stream_start(&reader->streams[i], choice->begin_ns);
    merge_init(&reader->merge, reader->streams, reader->stream_count);
    *out = &reader->reader;
    return STATUS_OK;
}

const struct reader_kind reader_spanmill = {
    .name = "spanmill",
    .open = spanmill_open,
    .info = spanmill_info,
    .next = spanmill_next,
    .close = spanmill_close,
};
