#include "chunk/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct chunk_survey *survey_new(void)
{
    return memory_new(sizeof(struct chunk_survey));
}

void survey_free(struct chunk_survey *survey)
{
    if (survey == NULL)
        return;
    for (size_t i = 0; i < survey->count; i++)
        free(survey->streams[i].name);
    free(survey->streams);
    free(survey);
}

static void survey_stream(struct chunk_survey *survey, const struct metadata *metadata,
                          const char *trace, const struct stream_file *stream)
{
    struct packet_list packets = {.at = NULL};
    enum status ignored = packets_scan(metadata, stream->data, stream->index, &packets, NULL);
    (void)ignored;
    if (packets.count > 0 && packets.at[0].has_begin) { /* others have no time */
        survey->streams =
            memory_grow(survey->streams, &survey->room, survey->count + 1, sizeof *survey->streams);
        survey->streams[survey->count++] = (struct stream_survey){
            .name = memory_format("%s/%s", trace, stream->name),
            .first = packets.at[0],
            .last = packets.at[packets.count - 1],
        };
    }
    packets_clear(&packets);
}

void survey_trace(struct chunk_survey *survey, struct metadata *metadata,
                  const struct trace_files *trace)
{
    if (metadata_join(metadata, &survey->clock, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; i < trace->stream_count; i++)
        survey_stream(survey, metadata, trace->name, &trace->streams[i]);
}

static int by_name(const void *a, const void *b)
{
    const struct stream_survey *left = a, *right = b;
    return strcmp(left->name, right->name);
}

void survey_sort(struct chunk_survey *survey)
{
    if (survey->count > 0)
        qsort(survey->streams, survey->count, sizeof *survey->streams, by_name);
}

void survey_adopt(struct chunk_survey *to, struct chunk_survey *from)
{
    for (size_t i = 0; i < from->count; i++) {
        to->streams = memory_grow(to->streams, &to->room, to->count + 1, sizeof *to->streams);
        to->streams[to->count++] = from->streams[i];
    }
    from->count = 0;
    survey_sort(to);
}

bool survey_has_packets(const struct chunk_survey *survey)
{
    return survey != NULL && survey->count > 0;
}

size_t survey_bytes(const struct chunk_survey *survey)
{
    size_t bytes = 0;
    for (size_t i = 0; survey_has_packets(survey) && i < survey->count; i++)
        bytes += survey->streams[i].last.offset + survey->streams[i].last.size;
    return bytes;
}

uint64_t survey_begin_ns(const struct chunk_survey *survey)
{
    uint64_t least_ns = UINT64_MAX;
    for (size_t i = 0; survey_has_packets(survey) && i < survey->count; i++) {
        uint64_t begin_ns = survey->streams[i].first.begin_ns;
        least_ns = begin_ns < least_ns ? begin_ns : least_ns;
    }
    return least_ns;
}

uint64_t survey_open_ns(const struct chunk_survey *survey)
{
    uint64_t most_ns = 0;
    for (size_t i = 0; survey_has_packets(survey) && i < survey->count; i++) {
        uint64_t begin_ns = survey->streams[i].first.begin_ns;
        most_ns = begin_ns > most_ns ? begin_ns : most_ns;
    }
    return most_ns;
}

uint64_t survey_end_ns(const struct chunk_survey *survey)
{
    uint64_t most_ns = 0;
    for (size_t i = 0; survey_has_packets(survey) && i < survey->count; i++) {
        uint64_t end_ns = survey->streams[i].last.end_ns;
        most_ns = end_ns > most_ns ? end_ns : most_ns;
    }
    return most_ns;
}

static const struct stream_survey *find(const struct chunk_survey *survey, const char *name)
{
    const struct stream_survey key = {.name = (char *)(uintptr_t)name};
    return survey_has_packets(survey)
               ? bsearch(&key, survey->streams, survey->count, sizeof key, by_name)
               : NULL;
}

uint64_t survey_loss_ns(const struct chunk_survey *before, const struct chunk_survey *after)
{
    uint64_t least_ns = UINT64_MAX;
    for (size_t i = 0; survey_has_packets(before) && i < before->count; i++) {
        const struct stream_survey *left = &before->streams[i];
        const struct stream_survey *right = find(after, left->name);
        if (right != NULL && packet_loss_of(&left->last, &right->first).before &&
            left->last.end_ns < least_ns)
            least_ns = left->last.end_ns;
    }
    return least_ns;
}

uint64_t survey_gone_ns(const struct chunk_survey *before, const struct chunk_survey *after)
{
    uint64_t least_ns = UINT64_MAX;
    for (size_t i = 0; survey_has_packets(before) && i < before->count; i++) {
        const struct stream_survey *left = &before->streams[i];
        if (find(after, left->name) == NULL && left->last.end_ns < least_ns)
            least_ns = left->last.end_ns;
    }
    return least_ns;
}

bool survey_misses_packets(const struct chunk_survey *before, const struct chunk_survey *after)
{
    for (size_t i = 0; survey_has_packets(before) && i < before->count; i++) {
        const struct stream_survey *left = &before->streams[i];
        const struct stream_survey *right = find(after, left->name);
        if (right != NULL && packet_loss_of(&left->last, &right->first).missing > 0)
            return true;
    }
    return false;
}

static bool is_same_packet(const struct packet *a, const struct packet *b)
{
    return a->begin_ns == b->begin_ns && a->sequence == b->sequence && a->size == b->size &&
           a->stream_id == b->stream_id && a->instance == b->instance && a->cpu == b->cpu;
}

bool survey_is_copy(const struct chunk_survey *a, const struct chunk_survey *b)
{
    if (!survey_has_packets(a) || !survey_has_packets(b))
        return false;
    const struct chunk_survey *less = a->count < b->count ? a : b, *more = less == a ? b : a;
    for (size_t i = 0; i < less->count; i++) {
        const struct stream_survey *other = find(more, less->streams[i].name);
        if (other == NULL || !is_same_packet(&less->streams[i].first, &other->first))
            return false;
    }
    return true;
}

bool survey_is_no_later(const struct chunk_survey *after, const struct chunk_survey *before)
{
    bool any = false;
    for (size_t i = 0; survey_has_packets(after) && i < after->count; i++) {
        const struct stream_survey *left = find(before, after->streams[i].name);
        if (left != NULL && after->streams[i].first.begin_ns > left->first.begin_ns)
            return false;
        any |= left != NULL;
    }
    return any;
}

uint64_t survey_boundary_ns(const struct chunk_survey *before, const struct chunk_survey *after)
{
    uint64_t begin_ns = survey_begin_ns(after), loss_ns = survey_loss_ns(before, after);
    return loss_ns < begin_ns ? loss_ns : begin_ns;
}
