#include <babeltrace2/babeltrace.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/metadata.h"
#include "archive/packets.h"
#include "base/memory.h"
#include "mapper/ctf/bt2_graph.h"
#include "mapper/ctf/bt2_plan.h"
#include "mapper/ctf/reader_kind.h"
#include "ctf/cycles.h"
#include "mapper/ctf/scratch.h"
#include "mapper/ctf/stage.h"

/* Events per reader_next(): enough to forget the call, few enough to stay in the cache. */
enum { BATCH_EVENTS = 512 };

/* One stream file of a trace, as its packets' headers tell. */
struct part {
    const struct stream_file *file;
    struct packet_list packets; /* whole ones: of the seam, then of the file */
    size_t seam_count;          /* packets of the seam */
    bool damaged;               /* bytes of it are left out */
    bool cut;                   /* its end among them */
};

struct input {
    const struct trace_files *files;
    struct metadata metadata;
    enum domain domain;
    uint32_t index; /* in reader_info.traces */
    struct part *parts;
    size_t part_count;
    struct bt2_graph *graph;
    struct bt2_plans *plans;
};

enum head { HEAD_NONE, HEAD_EVENT, HEAD_LOSS };

/* A stream: the messages of one output port, and the next event of it. */
struct lane {
    struct input *input;
    size_t port;
    const char *name;           /* of its first file */
    struct packet_list packets; /* over all its files */
    bool cut;
    bt_message_array_const messages;
    uint64_t message_count, at;
    bool over;               /* no more messages */
    bool backwards;          /* said that its time went backwards */
    size_t packet_next;      /* the packet whose begin comes next */
    struct packet_loss loss; /* around the packet in hand */
    uint64_t packet_end_ns;
    int32_t cpu;
    uint32_t rank;  /* event.stream */
    uint32_t order; /* among all streams, for equal times */
    uint64_t last_ns;
    enum head head;
    uint64_t head_ns;
    uint64_t head_discarded; /* HEAD_LOSS */
};

struct reader_bt2 {
    struct reader reader;
    struct reader_warnings warnings;
    struct schema *schema;
    struct input *inputs;
    size_t input_count;
    struct trace_info *infos;
    struct reader_info info;
    int32_t *cpus;
    struct stage *stage;
    struct lane *lanes;
    size_t lane_count, lane_room;
    struct lane **heap; /* those with a head, least first */
    size_t heap_count;
    struct scratch scratch;
    struct event *events; /* BATCH_EVENTS */
};

static PRINTF_LIKE(2, 3) void warn(const struct reader_bt2 *reader, const char *format, ...)
{
    if (reader->warnings.say == NULL)
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

/* --- what is there --- */

static enum domain domain_of(const struct input *input)
{
    if (input->metadata.domain.count > 0)
        return text_equal(input->metadata.domain, text_of("kernel")) ? DOMAIN_KERNEL : DOMAIN_UST;
    return strncmp(input->files->name, "ust", 3) == 0 ? DOMAIN_UST : DOMAIN_KERNEL;
}

static void copy_text(char *into, size_t room, struct text text)
{
    size_t count = text.count < room - 1 ? text.count : room - 1;
    if (count > 0)
        memcpy(into, text.at, count);
    into[count] = '\0';
}

static struct trace_info info_of(const struct input *input)
{
    const struct metadata *metadata = &input->metadata;
    struct trace_info info = {.domain = input->domain, .offset_ns = metadata->offset_ns};
    copy_text(info.hostname, sizeof info.hostname, metadata->hostname);
    copy_text(info.session, sizeof info.session, metadata->session);
    copy_text(info.created, sizeof info.created, metadata->created);
    memcpy(info.clock_uuid, metadata->clock_uuid, sizeof info.clock_uuid);
    const struct layout *layout = metadata->layout;
    for (uint32_t i = 0; i < layout->event_count && input->domain == DOMAIN_KERNEL; i++)
        declared_names_add(&info.declared, text_of(layout->events[i].name));
    return info;
}

static void scan_part(const struct reader_bt2 *reader, const struct input *input, struct part *part)
{
    const struct stream_file *file = part->file;
    const char *trace = shown(input->files);
    struct failure why;
    if (packets_scan(&input->metadata, file->seam, (struct bytes){NULL, 0}, &part->packets, &why) !=
        STATUS_OK) {
        part->damaged = true;
        warn(reader, "%s: %s: in the packets of the chunk before: %s", trace, file->name, why.text);
    }
    part->seam_count = part->packets.count;
    if (packets_scan(&input->metadata, file->data, file->index, &part->packets, &why) !=
        STATUS_OK) {
        part->damaged = true;
        warn(reader, "%s: %s: %s", trace, file->name, why.text);
    }
    size_t end = 0;
    if (part->packets.count > part->seam_count) {
        const struct packet *last = &part->packets.at[part->packets.count - 1];
        end = last->offset + last->size;
    }
    size_t told = packets_index_end(file->index);
    if (told > file->data.count && !part->damaged) {
        part->damaged = true;
        warn(reader, "%s: %s: %zu bytes, but its index tells of %zu", trace, file->name,
             file->data.count, told);
    }
    part->cut = end < file->data.count || told > file->data.count;
}

/* Fills `input`. REJECT: nothing of the trace can be read. */
static enum status survey(const struct reader_bt2 *reader, const struct trace_files *files,
                          struct input *input, struct failure *why)
{
    *input = (struct input){.files = files};
    enum status status = files->metadata.at == NULL
                             ? fail(why, STATUS_REJECT, "metadata: missing or empty")
                             : metadata_read(files->metadata, &input->metadata, why);
    if (status == STATUS_OK && input->metadata.is_ctf2)
        status = fail(why, STATUS_REJECT, "metadata: CTF 2 is not read by libbabeltrace2 2.0");
    if (status != STATUS_OK) {
        failure_prefix(why, "%s", shown(files));
        metadata_clear(&input->metadata);
        return status;
    }
    input->domain = domain_of(input);
    input->part_count = files->stream_count;
    input->parts = memory_new(input->part_count * sizeof *input->parts);
    for (size_t i = 0; i < input->part_count; i++) {
        input->parts[i].file = &files->streams[i];
        scan_part(reader, input, &input->parts[i]);
    }
    return STATUS_OK;
}

static void input_clear(struct input *input)
{
    bt2_graph_close(input->graph);
    bt2_plans_free(input->plans);
    for (size_t i = 0; i < input->part_count; i++)
        packets_clear(&input->parts[i].packets);
    free(input->parts);
    metadata_clear(&input->metadata);
}

/* --- handing it over --- */

/* Whether libbabeltrace2 may read the stream from where it lies. */
static bool lies_ready(const struct part *part)
{
    return part->file->seam.count == 0 && !part->damaged &&
           (part->file->path != NULL || part->file->data.count == 0);
}

static bool has_packets(const struct input *input)
{
    for (size_t i = 0; i < input->part_count; i++)
        if (input->parts[i].packets.count > 0)
            return true;
    return false;
}

/* The folder on disk that holds just this trace, to be freed; NULL if none does. */
static char *ready_folder(const struct input *input)
{
    char *folder = NULL;
    for (size_t i = 0; i < input->part_count; i++) {
        if (!lies_ready(&input->parts[i])) {
            free(folder);
            return NULL;
        }
        if (folder == NULL && input->parts[i].file->path != NULL) {
            char *path = memory_string(text_of(input->parts[i].file->path));
            folder = memory_string(text_of(dirname(path)));
            free(path);
        }
    }
    return folder;
}

/* libbabeltrace2 joins files of one stream instance by the begin of their packets, so the seam
 * may lie in a file of its own; not if two packets begin at one time, which it would turn round,
 * nor before LTTng 2.8, when instances had no number. */
static bool may_lie_apart(const struct part *part)
{
    if (part->damaged || part->file->path == NULL || part->seam_count == 0 ||
        part->seam_count == part->packets.count)
        return false;
    const struct packet *last = &part->packets.at[part->seam_count - 1];
    return last->has_instance && last[0].begin_ns < last[1].begin_ns;
}

/* The whole packets of a stream, in runs that lie together. */
static enum status write_packets(struct stage *stage, const char *folder, const struct part *part,
                                 struct failure *why)
{
    struct bytes *runs = NULL;
    size_t count = 0, room = 0;
    for (size_t i = 0; i < part->packets.count; i++) {
        const struct packet *packet = &part->packets.at[i];
        struct bytes file = i < part->seam_count ? part->file->seam : part->file->data;
        const uint8_t *at = file.at + packet->offset;
        if (count > 0 && runs[count - 1].at + runs[count - 1].count == at) {
            runs[count - 1].count += packet->size;
            continue;
        }
        runs = memory_grow(runs, &room, count + 1, sizeof *runs);
        runs[count++] = (struct bytes){at, packet->size};
    }
    enum status status = stage_write(stage, folder, part->file->name, runs, count, why);
    free(runs);
    return status;
}

static enum status stage_part(struct stage *stage, const char *folder, const struct part *part,
                              struct failure *why)
{
    if (part->packets.count == 0)
        return STATUS_OK;
    if (lies_ready(part))
        return stage_link(stage, folder, part->file->name, part->file->path, why);
    if (!may_lie_apart(part))
        return write_packets(stage, folder, part, why);
    char *seam_name = memory_format("%s.seam", part->file->name);
    enum status status = stage_write(stage, folder, seam_name, &part->file->seam, 1, why);
    free(seam_name);
    if (status == STATUS_OK)
        status = stage_link(stage, folder, part->file->name, part->file->path, why);
    return status;
}

static size_t staged_bytes(const struct trace_set *set)
{
    size_t bytes = 0;
    for (size_t i = 0; i < set->trace_count; i++) {
        bytes += set->traces[i].metadata.count;
        for (size_t j = 0; j < set->traces[i].stream_count; j++) {
            const struct stream_file *file = &set->traces[i].streams[j];
            bytes += file->seam.count + (file->path == NULL ? file->data.count : 0);
        }
    }
    return bytes;
}

static enum status stage_input(struct reader_bt2 *reader, const struct trace_set *set,
                               const struct input *input, const char **folder, struct failure *why)
{
    enum status status = STATUS_OK;
    if (reader->stage == NULL)
        status = stage_open(staged_bytes(set), &reader->stage, why);
    if (status == STATUS_OK)
        status = stage_folder(reader->stage, folder, why);
    if (status == STATUS_OK)
        status = stage_write(reader->stage, *folder, "metadata", &input->files->metadata, 1, why);
    for (size_t i = 0; i < input->part_count && status == STATUS_OK; i++)
        status = stage_part(reader->stage, *folder, &input->parts[i], why);
    return status;
}

static enum status open_graph(struct reader_bt2 *reader, const struct trace_set *set,
                              struct input *input, struct failure *why)
{
    if (!has_packets(input))
        return STATUS_OK;
    char *ready = ready_folder(input);
    if (ready != NULL) {
        enum status status = bt2_graph_open(ready, &input->graph, why);
        free(ready);
        if (status == STATUS_OK)
            return status;
        /* A damaged index stops libbabeltrace2, so once more without. */
    }
    const char *folder = NULL;
    enum status status = stage_input(reader, set, input, &folder, why);
    if (status == STATUS_OK)
        status = bt2_graph_open(folder, &input->graph, why);
    if (status != STATUS_OK)
        failure_prefix(why, "%s", shown(input->files));
    return status;
}

/* --- streams --- */

static const struct part *part_of_name(const struct input *input, const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    struct text name = text_of(slash != NULL ? slash + 1 : path != NULL ? path : "");
    for (size_t i = 0; i < input->part_count; i++) {
        struct text own = text_of(input->parts[i].file->name);
        if (text_equal(own, name) ||
            (name.count == own.count + 5 && memcmp(name.at, own.at, own.count) == 0 &&
             memcmp(name.at + own.count, ".seam", 5) == 0))
            return &input->parts[i];
    }
    return NULL;
}

static int by_begin(const void *a, const void *b)
{
    const struct part *left = *(const struct part *const *)a;
    const struct part *right = *(const struct part *const *)b;
    uint64_t left_ns = left->packets.at[0].begin_ns, right_ns = right->packets.at[0].begin_ns;
    if (left_ns != right_ns)
        return left_ns < right_ns ? -1 : 1;
    return strcmp(left->file->name, right->file->name);
}

/* Joins what libbabeltrace2 joins into one stream: the files of one instance of a stream class
 * (LTTng splits a stream into several if told to). */
static void join_parts(struct lane *lane, const struct part *any)
{
    const struct input *input = lane->input;
    const struct packet *first = &any->packets.at[0];
    const struct part **parts = memory_new(input->part_count * sizeof *parts);
    size_t count = 0;
    for (size_t i = 0; i < input->part_count; i++) {
        const struct part *part = &input->parts[i];
        if (part == any || (part->packets.count > 0 && first->has_instance &&
                            part->packets.at[0].stream_id == first->stream_id &&
                            part->packets.at[0].instance == first->instance))
            parts[count++] = part;
    }
    qsort(parts, count, sizeof *parts, by_begin);
    for (size_t i = 0; i < count; i++) {
        struct packet_list *to = &lane->packets;
        const struct packet_list *from = &parts[i]->packets;
        to->at = memory_grow(to->at, &to->room, to->count + from->count, sizeof *to->at);
        memcpy(to->at + to->count, from->at, from->count * sizeof *to->at);
        to->count += from->count;
    }
    lane->name = parts[0]->file->name;
    lane->cut = parts[count - 1]->cut;
    free(parts);
}

/* The first message of a stream names it. */
static void identify(const struct reader_bt2 *reader, struct lane *lane, const bt_message *message)
{
    const char *path = bt_stream_get_name(bt_message_stream_beginning_borrow_stream_const(message));
    const struct part *part = part_of_name(lane->input, path);
    lane->cpu = -1;
    lane->name = path != NULL ? path : "";
    if (part == NULL || part->packets.count == 0) {
        warn(reader, "%s: stream %s: not one of its files", shown(lane->input->files), lane->name);
        return;
    }
    join_parts(lane, part);
    lane->cpu = lane->packets.at[0].cpu;
}

static int by_place(const void *a, const void *b)
{
    const struct lane *left = a, *right = b;
    if (left->input->domain != right->input->domain)
        return left->input->domain < right->input->domain ? -1 : 1;
    if (left->cpu != right->cpu)
        return left->cpu < right->cpu ? -1 : 1;
    int trace = strcmp(left->input->files->name, right->input->files->name);
    return trace != 0 ? trace : strcmp(left->name, right->name);
}

static void rank_lanes(struct reader_bt2 *reader)
{
    if (reader->lane_count == 0)
        return;
    qsort(reader->lanes, reader->lane_count, sizeof *reader->lanes, by_place);
    for (size_t i = 0; i < reader->lane_count; i++) {
        struct lane *lane = &reader->lanes[i];
        lane->order = (uint32_t)i;
        if (i > 0 && lane[-1].cpu == lane->cpu && lane[-1].input->domain == lane->input->domain)
            lane->rank = lane[-1].rank + 1;
    }
}

static void drop_messages(struct lane *lane)
{
    while (lane->at < lane->message_count)
        bt_message_put_ref(lane->messages[lane->at++]);
}

/* Makes a message available, or sets `over`. Where a stream is broken it ends; what is lost
 * begins there. */
static void fetch(const struct reader_bt2 *reader, struct lane *lane)
{
    struct failure why;
    enum status status =
        bt2_graph_next(lane->input->graph, lane->port, &lane->messages, &lane->message_count, &why);
    lane->at = 0;
    if (status == STATUS_OK)
        return;
    lane->message_count = 0;
    lane->over = true;
    if (status == STATUS_END)
        return;
    lane->cut = true;
    lane->packet_next = lane->packets.count;
    lane->packet_end_ns = lane->last_ns;
    warn(reader, "%s: %s: read up to %llu ns of its clock, the rest is lost: %s",
         shown(lane->input->files), lane->name, (unsigned long long)lane->last_ns, why.text);
}

static uint64_t time_of(const struct reader_bt2 *reader, struct lane *lane,
                        const bt_clock_snapshot *snapshot)
{
    uint64_t time_ns =
        cycles_ns(bt_clock_snapshot_get_value(snapshot), lane->input->metadata.frequency);
    if (time_ns >= lane->last_ns)
        return time_ns;
    if (!lane->backwards)
        warn(reader,
             "%s: %s: its clock goes backwards at %llu ns; such events count as of the "
             "time before",
             shown(lane->input->files), lane->name, (unsigned long long)lane->last_ns);
    lane->backwards = true;
    return lane->last_ns;
}

static void set_loss(struct lane *lane, uint64_t time_ns, uint64_t discarded)
{
    lane->head = HEAD_LOSS;
    lane->head_ns = time_ns > lane->last_ns ? time_ns : lane->last_ns;
    lane->head_discarded = discarded;
}

/* Returns true if the packet begins with a loss. */
static bool begin_packet(struct lane *lane, const bt_message *message)
{
    const bt_stream_class *class = bt_stream_borrow_class_const(
        bt_packet_borrow_stream_const(bt_message_packet_beginning_borrow_packet_const(message)));
    size_t index = lane->packet_next;
    if (bt_stream_class_packets_have_beginning_default_clock_snapshot(class)) {
        uint64_t begin_ns =
            cycles_ns(bt_clock_snapshot_get_value(
                          bt_message_packet_beginning_borrow_default_clock_snapshot_const(message)),
                      lane->input->metadata.frequency);
        while (index < lane->packets.count && lane->packets.at[index].begin_ns != begin_ns)
            index++;
        if (index == lane->packets.count)
            index = lane->packet_next;
    }
    lane->loss = (struct packet_loss){.discarded = 0};
    if (index >= lane->packets.count)
        return false;
    const struct packet *packet = &lane->packets.at[index];
    lane->loss = packet_loss_of(index > 0 ? packet - 1 : NULL, packet);
    lane->packet_end_ns = packet->end_ns;
    lane->packet_next = index + 1;
    bool kernel = lane->input->domain == DOMAIN_KERNEL;
    if (!(kernel && lane->loss.before) && lane->loss.discarded == 0)
        return false;
    set_loss(lane, lane->loss.since_ns, lane->loss.discarded);
    return true;
}

static bool end_packet(struct lane *lane)
{
    if (!lane->loss.after || lane->input->domain != DOMAIN_KERNEL)
        return false;
    set_loss(lane, lane->packet_end_ns, 0);
    return true;
}

/* Sets `head` to what comes next in the stream. */
static void advance(const struct reader_bt2 *reader, struct lane *lane)
{
    lane->head = HEAD_NONE;
    while (lane->head == HEAD_NONE) {
        if (lane->at == lane->message_count && !lane->over)
            fetch(reader, lane);
        if (lane->over)
            break;
        const bt_message *message = lane->messages[lane->at];
        switch (bt_message_get_type(message)) {
        case BT_MESSAGE_TYPE_EVENT:
            lane->head = HEAD_EVENT;
            lane->head_ns = time_of(reader, lane,
                                    bt_message_event_borrow_default_clock_snapshot_const(message));
            return;
        case BT_MESSAGE_TYPE_PACKET_BEGINNING: begin_packet(lane, message); break;
        case BT_MESSAGE_TYPE_PACKET_END: end_packet(lane); break;
        case BT_MESSAGE_TYPE_STREAM_BEGINNING:
        case BT_MESSAGE_TYPE_STREAM_END:
        case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
        case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
        case BT_MESSAGE_TYPE_MESSAGE_ITERATOR_INACTIVITY: break;
        }
        bt_message_put_ref(message);
        lane->at++;
    }
    if (lane->head == HEAD_NONE && lane->cut && lane->input->domain == DOMAIN_KERNEL) {
        lane->cut = false;
        set_loss(lane, lane->packet_end_ns, 0);
    }
}

/* --- the row of all streams: a heap of lanes --- */

static bool before(const struct lane *a, const struct lane *b)
{
    return a->head_ns < b->head_ns || (a->head_ns == b->head_ns && a->order < b->order);
}

static void sift_down(struct reader_bt2 *reader, size_t at)
{
    struct lane **heap = reader->heap;
    for (;;) {
        size_t least = at, left = 2 * at + 1, right = left + 1;
        if (left < reader->heap_count && before(heap[left], heap[least]))
            least = left;
        if (right < reader->heap_count && before(heap[right], heap[least]))
            least = right;
        if (least == at)
            return;
        struct lane *lane = heap[at];
        heap[at] = heap[least];
        heap[least] = lane;
        at = least;
    }
}

/* The least of the others; NULL if the first is the only one. */
static const struct lane *second(const struct reader_bt2 *reader)
{
    if (reader->heap_count < 2)
        return NULL;
    if (reader->heap_count == 2 || before(reader->heap[1], reader->heap[2]))
        return reader->heap[1];
    return reader->heap[2];
}

static void emit(struct reader_bt2 *reader, struct lane *lane, struct event *event)
{
    const struct input *input = lane->input;
    *event = (struct event){
        .time_ns = lane->head_ns,
        .cpu = lane->cpu,
        .stream = lane->rank,
        .trace = input->index,
        .domain = (uint8_t)input->domain,
    };
    lane->last_ns = lane->head_ns;
    if (lane->head == HEAD_LOSS) {
        event->class = schema_loss_class(reader->schema, input->domain);
        event->kind = EVENT_LOSS;
        event->value[0] = (int64_t)lane->head_discarded;
        event->value[1] = input->domain == DOMAIN_KERNEL;
        event->present = 3;
        return;
    }
    const bt_message *message = lane->messages[lane->at++];
    bt2_plans_fill(input->plans, bt_message_event_borrow_event_const(message), &reader->scratch,
                   event);
    bt_message_put_ref(message);
}

static enum status bt2_next(struct reader *base, const struct event **events, size_t *count,
                            struct failure *why)
{
    (void)why;
    struct reader_bt2 *reader = (struct reader_bt2 *)base;
    size_t filled = 0;
    scratch_reset(&reader->scratch);
    while (filled < BATCH_EVENTS && reader->heap_count > 0) {
        struct lane *lane = reader->heap[0];
        const struct lane *next = second(reader);
        do { /* runs are long: stay with the stream while it is first */
            emit(reader, lane, &reader->events[filled++]);
            advance(reader, lane);
        } while (filled < BATCH_EVENTS && lane->head != HEAD_NONE &&
                 (next == NULL || before(lane, next)));
        if (lane->head == HEAD_NONE)
            reader->heap[0] = reader->heap[--reader->heap_count];
        sift_down(reader, 0);
    }
    *events = reader->events;
    *count = filled;
    return filled > 0 ? STATUS_OK : STATUS_END;
}

static const struct reader_info *bt2_info(const struct reader *base)
{
    return &((const struct reader_bt2 *)base)->info;
}

static void bt2_close(struct reader *base)
{
    struct reader_bt2 *reader = (struct reader_bt2 *)base;
    for (size_t i = 0; i < reader->lane_count; i++) {
        drop_messages(&reader->lanes[i]);
        packets_clear(&reader->lanes[i].packets);
    }
    for (size_t i = 0; i < reader->input_count; i++)
        input_clear(&reader->inputs[i]);
    stage_close(reader->stage);
    scratch_clear(&reader->scratch);
    free(reader->events);
    free(reader->heap);
    free(reader->lanes);
    free(reader->cpus);
    free(reader->infos);
    free(reader->inputs);
    free(reader);
}

/* --- opening --- */

/* Takes the trace in, or leaves it out with a warning; `first` keeps the first reason. */
static void add_input(struct reader_bt2 *reader, const struct trace_set *set,
                      const struct trace_files *files, struct failure *first)
{
    struct failure why;
    struct input *input = &reader->inputs[reader->input_count];
    enum status status = survey(reader, files, input, &why);
    if (status == STATUS_OK) {
        status = open_graph(reader, set, input, &why);
        if (status != STATUS_OK)
            input_clear(input);
    }
    if (status != STATUS_OK) {
        warn(reader, "%s; the trace is left out", why.text);
        if (first->text[0] == '\0')
            *first = why;
        return;
    }
    struct trace_info *info = &reader->infos[reader->input_count];
    *info = info_of(input);
    if (info->declared.old_syscalls)
        warn(reader,
             "%s: recorded by LTTng before 2.6: its system calls (sys_*, exit_syscall) are not "
             "counted as such",
             shown(files));
    input->index = (uint32_t)reader->input_count++;
    input->plans =
        bt2_plans_new(reader->schema, input->domain, declared_names_x86_64(&info->declared),
                      input->metadata.has_vpid ? &input->metadata.vpid : NULL);
}

static void add_lanes(struct reader_bt2 *reader, struct input *input)
{
    size_t count = input->graph != NULL ? bt2_graph_stream_count(input->graph) : 0;
    for (size_t i = 0; i < count; i++) {
        struct lane lane = {.input = input, .port = i, .name = "stream", .cpu = -1};
        fetch(reader, &lane);
        if (!lane.over && bt_message_get_type(lane.messages[0]) == BT_MESSAGE_TYPE_STREAM_BEGINNING)
            identify(reader, &lane, lane.messages[0]);
        reader->lanes = memory_grow(reader->lanes, &reader->lane_room, reader->lane_count + 1,
                                    sizeof *reader->lanes);
        reader->lanes[reader->lane_count++] = lane;
    }
}

static void fill_heap(struct reader_bt2 *reader)
{
    reader->heap = memory_new(reader->lane_count * sizeof *reader->heap);
    for (size_t i = 0; i < reader->lane_count; i++) {
        advance(reader, &reader->lanes[i]);
        if (reader->lanes[i].head != HEAD_NONE)
            reader->heap[reader->heap_count++] = &reader->lanes[i];
    }
    for (size_t i = reader->heap_count / 2; i-- > 0;)
        sift_down(reader, i);
}

static void list_cpus(struct reader_bt2 *reader)
{
    size_t count = 0;
    reader->cpus = memory_new(reader->lane_count * sizeof *reader->cpus);
    for (size_t i = 0; i < reader->lane_count; i++) { /* ordered by domain and CPU */
        const struct lane *lane = &reader->lanes[i];
        if (lane->input->domain != DOMAIN_KERNEL || lane->cpu < 0)
            continue;
        if (count == 0 || reader->cpus[count - 1] != lane->cpu)
            reader->cpus[count++] = lane->cpu;
    }
    reader->info = (struct reader_info){
        .traces = reader->infos,
        .trace_count = reader->input_count,
        .cpus = reader->cpus,
        .cpu_count = count,
    };
}

static enum status bt2_open(const struct reader_choice *choice, const struct trace_set *set,
                            struct schema *schema, const struct reader_warnings *warnings,
                            struct reader **out, struct failure *why)
{
    (void)choice;
    *out = NULL;
    struct failure first = {.text = ""};
    struct reader_bt2 *reader = memory_new(sizeof *reader);
    reader->reader.kind = &reader_bt2;
    reader->schema = schema;
    if (warnings != NULL)
        reader->warnings = *warnings;
    reader->inputs = memory_new(set->trace_count * sizeof *reader->inputs);
    reader->infos = memory_new(set->trace_count * sizeof *reader->infos);
    for (size_t i = 0; i < set->trace_count; i++)
        add_input(reader, set, &set->traces[i], &first);
    if (reader->input_count == 0) {
        bt2_close(&reader->reader);
        return fail(why, STATUS_REJECT, "%s",
                    first.text[0] != '\0' ? first.text : "no trace in it");
    }
    for (size_t i = 0; i < reader->input_count; i++)
        add_lanes(reader, &reader->inputs[i]);
    rank_lanes(reader);
    list_cpus(reader);
    fill_heap(reader);
    reader->events = memory_new(BATCH_EVENTS * sizeof *reader->events);
    *out = &reader->reader;
    return STATUS_OK;
}

const struct reader_kind reader_bt2 = {
    .name = "babeltrace2",
    .open = bt2_open,
    .info = bt2_info,
    .next = bt2_next,
    .close = bt2_close,
};
