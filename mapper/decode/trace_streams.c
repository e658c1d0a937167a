#include "mapper/decode/trace_streams.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mapper/decode/trace_facts.h"

/* --- one file --- */

struct scan {
    const struct trace_files *files;
    const struct layout *layout;
    const struct stream_time *times;
    uint64_t begin_ns; /* of the interval */
    const struct reader_warnings *warnings;
};

static PRINTF_LIKE(4, 5) void report(const struct scan *scan, const struct stream_part *part,
                                     struct damage damage, const char *format, ...)
{
    char text[2 * FAILURE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    trace_report(scan->warnings, scan->files, part->file->name, damage, text);
}

static const uint8_t CAUSES[] = {
    [PACKET_DAMAGED] = DAMAGE_BY_DAMAGED,
    [PACKET_CUT] = DAMAGE_BY_CUT,
    [PACKET_OF_ANOTHER_TRACE] = DAMAGE_BY_OTHER_TRACE,
    [PACKET_UNFINISHED] = DAMAGE_BY_RECORDING,
    [PACKET_OUT_OF_TIME] = DAMAGE_BY_CLOCK,
};

static void report_holes(const struct scan *scan, const struct stream_part *part,
                         const struct packet_damage *found)
{
    if (found->holes == 0)
        return;
    bool all = part->packets.count == part->seam_count;
    char further[64] = "";
    if (found->holes > 1)
        snprintf(further, sizeof further, " in %zu places", found->holes);
    struct damage damage = {.scope = all ? DAMAGE_STREAM : DAMAGE_PACKET,
                            .cause = CAUSES[found->fault],
                            .count = all ? 1 : found->holes,
                            .bytes = found->bytes};
    bool recording = scan->files->may_grow && found->fault == PACKET_CUT && found->holes == 1;
    if (recording)
        damage.cause = DAMAGE_BY_RECORDING;
    report(scan, part, damage, "%s; %zu bytes left out%s%s%s", found->first.text, found->bytes,
           further, all ? ", the whole stream" : "",
           recording ? "; the session is probably still being recorded: stop or rotate it" : "");
}

/* A file has the packets of one stream instance. If they name several, some are wrong: its events
 * are kept, but it is not joined with other files. */
static void check_instances(const struct scan *scan, struct stream_part *part)
{
    const struct packet_row *row = &part->packets;
    bool said = false;
    for (size_t i = 1; i < row->count; i++) {
        const struct packet *first = &row->at[i - 1].head, *head = &row->at[i].head;
        if (first->has_instance == head->has_instance && first->instance == head->instance)
            continue;
        if (!said && i > part->seam_count)
            report(scan, part,
                   (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_DAMAGED, .count = 1},
                   "packet at byte %zu: belongs to stream instance %llu, the previous packet to "
                   "%llu; its events are counted",
                   head->offset, (unsigned long long)head->instance,
                   (unsigned long long)first->instance);
        said |= i > part->seam_count;
        part->mixed = true;
    }
}

static void scan_part(const struct scan *scan, struct stream_part *part)
{
    const struct stream_file *file = part->file;
    struct bytes none = {NULL, 0};
    struct packet_damage seam, data;
    struct packet_row *row = &part->packets;
    packet_row_add(row, scan->layout, scan->times, file->seam, none, &seam);
    if (row->count > 0 && row->at[0].stream->clock == LAYOUT_NONE)
        row->count = 0; /* events without time belong to the chunk that they are in */
    part->seam_count = row->count;
    for (size_t i = 0; i < row->count; i++)
        row->at[i].of_seam = true;
    packet_row_add(row, scan->layout, scan->times, file->data, file->index, &data);
    part->packet_count = row->count;
    check_instances(scan, part);
    part->misleads = part->mixed || seam.size_lies || data.size_lies;
    report_holes(scan, part, &data); /* the previous chunk reports those of the seam */
    if (data.has_wrong_cpu)
        report(scan, part,
               (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_CPU, .count = 1},
               "packet at byte %zu: CPU number %llu is out of range; its events are counted "
               "without a CPU",
               data.wrong_cpu_offset, (unsigned long long)data.wrong_cpu);
    size_t end = 0; /* of the last packet, with its padding */
    if (row->count > part->seam_count)
        end = row->at[row->count - 1].head.offset + row->at[row->count - 1].stated_size;
    size_t stated = packets_index_end(file->index);
    bool short_of = stated > file->data.count && stated > end;
    if (data.padding > 0 && !short_of)
        report(scan, part,
               (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_CUT, .count = 1},
               "truncated: the last %zu bytes are missing, which are padding; no event is lost",
               data.padding);
    if (short_of && data.holes == 0)
        report(scan, part,
               (struct damage){.scope = DAMAGE_STREAM,
                               .cause = DAMAGE_BY_CUT,
                               .count = 1,
                               .bytes = stated - file->data.count},
               "has %zu bytes, but its index lists %zu: the others are lost", file->data.count,
               stated);
    bool emptied = stream_is_emptied(file);
    if (emptied)
        report(scan, part,
               (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_CUT, .count = 1},
               "the file and its index are truncated to 0 bytes: its events are lost");
    part->damaged = emptied || seam.holes > 0 || data.holes > 0 || data.padding > 0 || short_of;
    part->cut = end < file->data.count || short_of || emptied;
}

/* --- joining files to streams --- */

static int by_begin(const void *a, const void *b)
{
    const struct stream_part *left = *(const struct stream_part *const *)a;
    const struct stream_part *right = *(const struct stream_part *const *)b;
    uint64_t left_ns = left->packets.at[0].head.begin_ns;
    uint64_t right_ns = right->packets.at[0].head.begin_ns;
    if (left_ns != right_ns)
        return left_ns < right_ns ? -1 : 1;
    return strcmp(left->file->name, right->file->name);
}

static bool same_instance(const struct stream_part *a, const struct stream_part *b)
{
    const struct packet *left = &a->packets.at[0].head, *right = &b->packets.at[0].head;
    return left->has_instance && right->has_instance && left->stream_id == right->stream_id &&
           left->instance == right->instance;
}

static bool is_there(const struct packet_row *row, const struct packet_at *packet)
{
    for (size_t i = row->count; i-- > 0 && row->at[i].head.begin_ns == packet->head.begin_ns;)
        if (row->at[i].head.size == packet->head.size &&
            memcmp(row->at[i].bytes, packet->bytes, packet->head.size) == 0)
            return true;
    return false;
}

/* Merges the packets of `from` into `row`, by their begin. Returns how many of the chunk's own were
 * already there: those of a copied file count once. */
static size_t merge(struct packet_row *row, const struct packet_row *from)
{
    struct packet_row all = {.at = NULL};
    size_t twice = 0;
    for (size_t i = 0, j = 0; i < row->count || j < from->count;) {
        bool first = j == from->count ||
                     (i < row->count && row->at[i].head.begin_ns <= from->at[j].head.begin_ns);
        const struct packet_at *packet = first ? &row->at[i++] : &from->at[j++];
        if (!first && is_there(&all, packet)) {
            twice += !packet->of_seam;
            continue;
        }
        all.at = memory_grow(all.at, &all.room, all.count + 1, sizeof *all.at);
        all.at[all.count++] = *packet;
    }
    packet_row_clear(row);
    *row = all;
    return twice;
}

/* Makes one stream of `parts`, at least one. */
static struct trace_stream join(const struct scan *scan, struct stream_part **parts, size_t count)
{
    qsort(parts, count, sizeof(struct stream_part *), by_begin);
    struct packet_row packets = parts[0]->packets;
    parts[0]->packets = (struct packet_row){.at = NULL};
    for (size_t i = 1; i < count; i++) {
        size_t twice = merge(&packets, &parts[i]->packets);
        packet_row_clear(&parts[i]->packets);
        if (twice > 0)
            report(scan, parts[i],
                   (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_OTHER, .count = 1},
                   "%zu of its packets are also in %s; their events are counted once", twice,
                   parts[0]->file->name);
    }
    return (struct trace_stream){.name = parts[0]->file->name,
                                 .packets = packets,
                                 .cpu = packets.at[0].head.cpu,
                                 .cut = parts[count - 1]->cut};
}

static void join_all(const struct scan *scan, struct trace_streams *streams)
{
    size_t count = streams->part_count;
    size_t *stream_of = memory_new(count * sizeof *stream_of);
    struct stream_part **joined = memory_new(count * sizeof(struct stream_part *));
    for (size_t i = 0; i < count; i++)
        stream_of[i] = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        struct stream_part *part = &streams->parts[i];
        size_t join_count = 0;
        if (part->packets.count == 0)
            continue;
        for (size_t j = i; j < count; j++) {
            struct stream_part *other = &streams->parts[j];
            if (other != part && (other->packets.count == 0 || part->mixed || other->mixed ||
                                  !same_instance(part, other)))
                continue;
            joined[join_count++] = other;
            stream_of[j] = streams->count;
        }
        streams->at[streams->count++] = join(scan, joined, join_count);
    }
    free(joined);
    streams->stream_of = stream_of;
}

static void set_gone(const struct scan *scan, struct trace_stream *stream)
{
    stream->cut = true;
    stream->gone_ns = scan->begin_ns;
}

/* Finds streams that the previous chunk has, and of which this one has no file: they are lost from
 * there on. If the whole trace is missing, trace_report_gone() has reported it, unless it ended
 * with its process. */
static void check_ends(const struct scan *scan, struct trace_streams *streams)
{
    bool lost = scan->files->is_gone && !trace_is_of_process(scan->files);
    for (size_t i = 0; i < streams->count && lost; i++)
        set_gone(scan, &streams->at[i]);
    for (size_t i = 0; i < streams->count && !scan->files->is_gone; i++) {
        bool is_there = false, any = false;
        for (size_t j = 0; j < streams->part_count; j++) {
            is_there |= streams->stream_of[j] == i && streams->parts[j].file->is_there;
            any |= streams->parts[j].file->is_there;
        }
        if (is_there || !any)
            continue;
        set_gone(scan, &streams->at[i]);
        trace_report(
            scan->warnings, scan->files, streams->at[i].name,
            (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_MISSING, .count = 1},
            "its file is in the previous chunk, but not in this one: its events are lost");
    }
}

/* A stream that does not begin with its first packet, and of which the previous chunk has no
 * readable packet, although it has other streams: it was lost there. If that chunk has an empty
 * file of it, nothing was recorded. */
static bool begins_late(const struct trace_streams *streams, size_t stream)
{
    const struct packet_at *first = &streams->at[stream].packets.at[0];
    if (first->of_seam || !first->head.has_sequence || first->head.sequence == 0)
        return false;
    for (size_t i = 0; i < streams->part_count; i++)
        if (streams->stream_of[i] == stream && streams->parts[i].file->was_idle)
            return false;
    return true;
}

static void report_late(const struct scan *scan, const char *name, uint64_t count, const char *text)
{
    trace_report(
        scan->warnings, scan->files, name,
        (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_MISSING, .count = count}, text);
}

static void check_begins(const struct scan *scan, struct trace_streams *streams)
{
    size_t count = 0;
    for (size_t i = 0; i < streams->count && scan->files->follows; i++) {
        bool late = begins_late(streams, i);
        streams->at[i].packets.at[0].after_lost = late;
        count += late;
    }
    if (count > 1 && count == streams->count) {
        report_late(scan, NULL, count,
                    "its streams do not begin with their first packets, and none of them could be "
                    "read in the previous chunk: the number of events lost in between is unknown");
        return;
    }
    for (size_t i = 0; i < streams->count && count > 0; i++) {
        const struct packet_at *first = &streams->at[i].packets.at[0];
        if (!first->after_lost)
            continue;
        char *text =
            memory_format("begins with packet %llu, and none of its packets could be read in the "
                          "previous chunk: the number of events lost in between is unknown",
                          (unsigned long long)first->head.sequence);
        report_late(scan, streams->at[i].name, 1, text);
        free(text);
    }
}

void trace_streams_init(struct trace_streams *streams, const struct trace_files *files,
                        const struct layout *layout, const struct stream_time *times,
                        uint64_t begin_ns, const struct reader_warnings *warnings)
{
    struct scan scan = {files, layout, times, begin_ns, warnings};
    size_t count = files->stream_count;
    *streams = (struct trace_streams){.part_count = count,
                                      .parts = memory_new(count * sizeof *streams->parts),
                                      .at = memory_new(count * sizeof *streams->at)};
    for (size_t i = 0; i < count; i++) {
        streams->parts[i].file = &files->streams[i];
        scan_part(&scan, &streams->parts[i]);
    }
    join_all(&scan, streams);
    check_ends(&scan, streams);
    check_begins(&scan, streams);
}

void trace_streams_clear(struct trace_streams *streams)
{
    for (size_t i = 0; i < streams->part_count; i++)
        packet_row_clear(&streams->parts[i].packets);
    for (size_t i = 0; i < streams->count; i++)
        packet_row_clear(&streams->at[i].packets);
    free(streams->parts);
    free(streams->at);
    free(streams->stream_of);
    *streams = (struct trace_streams){.part_count = 0};
}
