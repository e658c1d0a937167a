#include "bt2_input.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mapper/decode/trace_facts.h"
#include "mapper/decode/phase_survey.h"

/* Limit of the padding that is written if a file lacks it; whole LTTng packets are smaller. */
static const size_t PADDING_MAX = (size_t)256 << 20;

/* --- survey --- */

static bool of_user_folder(const struct trace_files *files)
{
    return strncmp(files->name, "ust", 3) == 0;
}

/* The declarations are unknown: any phase may match. */
static void note_unknown_uses(const struct phase_definitions *phases,
                              const struct reader_warnings *warnings)
{
    struct arena arena = {.first = NULL};
    reader_note_uses(warnings, phase_survey_unknown(phases, &arena));
    arena_clear(&arena);
}

/* Fills `input` except its graph. `refusal`: why spanmill's parser rejects its metadata. */
static enum status survey(struct bt2_input *input, const struct trace_files *files,
                          const struct reader_choice *choice, const struct schema *schema,
                          const struct layout_clock **session,
                          const struct reader_warnings *warnings, struct trace_info *info,
                          struct failure *refusal, struct failure *why)
{
    *input = (struct bt2_input){.files = files};
    if (files->metadata.at == NULL)
        return fail(why, STATUS_REJECT, "metadata: missing or empty");
    input->domain = of_user_folder(files) ? DOMAIN_UST : DOMAIN_KERNEL;
    *info = (struct trace_info){.domain = input->domain};
    struct plan_wants wants = {schema_phases(schema), schema_rows(schema), choice->shows,
                               schema_is_of_names(schema)};
    if (plan_cache_take(choice->cache, files->metadata, of_user_folder(files), &wants, &input->set,
                        refusal) != STATUS_OK) {
        note_unknown_uses(schema_phases(schema), warnings);
        return STATUS_OK;
    }
    reader_note_uses(warnings, input->set->uses);
    const struct layout *layout = input->set->layout;
    input->domain = input->set->domain;
    input->origin = trace_origin(layout);
    *info = trace_info_of(layout, input->domain, &input->set->declared);
    enum status status = trace_times(layout, *session, &input->times, info, why);
    if (status != STATUS_OK)
        return status;
    if (*session == NULL)
        *session = session_clock_of(layout);
    trace_streams_init(&input->streams, files, layout, input->times, choice->begin_ns, warnings);
    for (size_t i = 0; i < input->streams.part_count; i++)
        if (input->streams.parts[i].misleads)
            return fail(why, STATUS_REJECT,
                        "%s: libbabeltrace2 would misread it because of its packet headers",
                        input->streams.parts[i].file->name);
    return STATUS_OK;
}

void bt2_input_clear(struct bt2_input *input)
{
    bt2_graph_close(input->graph);
    bt2_plans_free(input->plans);
    trace_streams_clear(&input->streams);
    free(input->times);
    plan_set_release(input->set);
    *input = (struct bt2_input){.files = NULL};
}

/* --- files for libbabeltrace2 --- */

static bool lies_ready(const struct stream_part *part)
{
    return part->file->seam.count == 0 && !part->damaged &&
           (part->file->path != NULL || part->file->data.count == 0);
}

static bool has_packets(const struct bt2_input *input)
{
    if (input->set != NULL)
        return input->streams.count > 0;
    for (size_t i = 0; i < input->files->stream_count; i++)
        if (input->files->streams[i].data.count > 0)
            return true;
    return false;
}

/* The folder on disk that contains exactly this trace, to be freed; NULL if there is none. */
static char *ready_folder(const struct bt2_input *input)
{
    for (size_t i = 0; i < input->streams.part_count; i++)
        if (!lies_ready(&input->streams.parts[i]))
            return NULL;
    for (size_t i = 0; i < input->files->stream_count; i++) {
        if (input->files->streams[i].path == NULL)
            continue;
        char *path = memory_string(text_of(input->files->streams[i].path));
        char *folder = memory_string(text_of(dirname(path)));
        free(path);
        return folder;
    }
    return NULL;
}

static bool is_in_bytes(struct bytes bytes, const struct packet_at *packet)
{
    return packet->bytes >= bytes.at && packet->bytes < bytes.at + bytes.count;
}

/* libbabeltrace2 joins the files of one stream instance by the begin of their packets, so the seam
 * may be in a separate file; not if two packets begin at the same time, because it would swap them,
 * nor before LTTng 2.8, when instances had no number. */
static bool may_be_separate(const struct stream_part *part, const struct packet_row *row)
{
    if (part->damaged || part->file->path == NULL || part->seam_count == 0 ||
        part->seam_count == part->packet_count)
        return false;
    for (size_t i = 1; i < row->count; i++)
        if (is_in_bytes(part->file->seam, &row->at[i - 1]) &&
            is_in_bytes(part->file->data, &row->at[i]))
            return row->at[i].head.has_instance &&
                   row->at[i - 1].head.begin_ns < row->at[i].head.begin_ns;
    return false;
}

struct runs {
    struct bytes *at;
    size_t count, room;
};

static void add_run(struct runs *runs, struct bytes bytes)
{
    if (runs->count > 0 &&
        runs->at[runs->count - 1].at + runs->at[runs->count - 1].count == bytes.at) {
        runs->at[runs->count - 1].count += bytes.count;
        return;
    }
    runs->at = memory_grow(runs->at, &runs->room, runs->count + 1, sizeof *runs->at);
    runs->at[runs->count++] = bytes;
}

/* Writes the complete packets of a file, contiguous ones at once, with all of their padding. */
static enum status write_packets(struct stage *stage, const char *folder,
                                 const struct stream_part *part, const struct packet_row *row,
                                 struct failure *why)
{
    struct runs runs = {.count = 0};
    uint8_t *zeros = NULL;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < row->count && status == STATUS_OK; i++) {
        const struct packet_at *packet = &row->at[i];
        size_t padding = packet->stated_size - packet->head.size;
        if (!is_in_bytes(part->file->seam, packet) && !is_in_bytes(part->file->data, packet))
            continue;
        add_run(&runs, (struct bytes){packet->bytes, packet->head.size});
        if (padding > PADDING_MAX)
            status = fail(why, STATUS_REJECT, "%s: %zu bytes of padding are missing",
                          part->file->name, padding);
        if (padding == 0 || status != STATUS_OK)
            continue;
        free(zeros); /* only the last packet of a file lacks any; of two, the seam's is kept */
        zeros = memory_new(padding);
        add_run(&runs, (struct bytes){zeros, padding});
    }
    if (status == STATUS_OK)
        status = stage_write(stage, folder, part->file->name, runs.at, runs.count, why);
    free(zeros);
    free(runs.at);
    return status;
}

static enum status stage_part(struct stage *stage, const char *folder,
                              const struct trace_streams *streams, size_t index,
                              struct failure *why)
{
    const struct stream_part *part = &streams->parts[index];
    if (part->packet_count == 0)
        return STATUS_OK;
    if (lies_ready(part))
        return stage_link(stage, folder, part->file->name, part->file->path, why);
    const struct packet_row *row = &streams->at[streams->stream_of[index]].packets;
    if (!may_be_separate(part, row))
        return write_packets(stage, folder, part, row, why);
    char *seam_name = memory_format("%s.seam", part->file->name);
    enum status status = stage_write(stage, folder, seam_name, &part->file->seam, 1, why);
    free(seam_name);
    if (status == STATUS_OK)
        status = stage_link(stage, folder, part->file->name, part->file->path, why);
    return status;
}

/* A file of a trace with metadata that we do not understand. */
static enum status stage_file(struct stage *stage, const char *folder,
                              const struct stream_file *file, struct failure *why)
{
    if (file->path != NULL)
        return stage_link(stage, folder, file->name, file->path, why);
    return stage_write(stage, folder, file->name, &file->data, 1, why);
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

static enum status stage_input(const struct bt2_input *input, const struct trace_set *set,
                               struct stage **stage, const char **folder, struct failure *why)
{
    enum status status = STATUS_OK;
    const struct trace_files *files = input->files;
    if (*stage == NULL)
        status = stage_open(staged_bytes(set), stage, why);
    if (status == STATUS_OK)
        status = stage_folder(*stage, folder, why);
    if (status == STATUS_OK)
        status = stage_write(*stage, *folder, "metadata", &files->metadata, 1, why);
    for (size_t i = 0; i < files->stream_count && status == STATUS_OK; i++)
        status = input->set != NULL ? stage_part(*stage, *folder, &input->streams, i, why)
                                    : stage_file(*stage, *folder, &files->streams[i], why);
    return status;
}

/* Removes the random name of the stage's folder from messages: results must not contain it. */
static void hide_folder(struct failure *why, const char *folder)
{
    struct failure whole = *why;
    const char *at = strstr(whole.text, folder);
    if (at != NULL)
        snprintf(why->text, sizeof why->text, "%.*s.%s", (int)(at - whole.text), whole.text,
                 at + strlen(folder));
}

/* If neither accepts the metadata, the error of our own parser is reported, as in a mapper, with
 * its position. */
static enum status open_graph(struct bt2_input *input, const struct trace_set *set,
                              struct stage **stage, const struct failure *refusal,
                              struct failure *why)
{
    if (!has_packets(input))
        return STATUS_OK;
    /* For metadata that only the library understands, use the protocol that provides the clock's
     * uuid. */
    unsigned version = input->set != NULL ? (unsigned)input->set->layout->version : 1;
    char *ready = ready_folder(input);
    if (ready != NULL) {
        enum status status = bt2_graph_open(ready, version, &input->graph, why);
        free(ready);
        if (status == STATUS_OK)
            return status;
        if (!bt2_graph_reads(version))
            return status;
        /* A damaged index stops libbabeltrace2, so try again without. */
    }
    const char *folder = NULL;
    enum status status = stage_input(input, set, stage, &folder, why);
    if (status != STATUS_OK)
        return status;
    status = bt2_graph_open(folder, version, &input->graph, why);
    if (status != STATUS_OK && input->set == NULL)
        *why = *refusal;
    else if (status != STATUS_OK)
        hide_folder(why, folder);
    return status;
}

enum status bt2_input_open(struct bt2_input *input, const struct trace_set *set,
                           const struct trace_files *files, const struct reader_choice *choice,
                           struct schema *schema, const struct layout_clock **session,
                           struct stage **stage, const struct reader_warnings *warnings,
                           struct trace_info *info, struct failure *why)
{
    struct failure refusal;
    enum status status =
        survey(input, files, choice, schema, session, warnings, info, &refusal, why);
    if (status == STATUS_OK)
        status = open_graph(input, set, stage, &refusal, why);
    if (status != STATUS_OK) {
        bt2_input_clear(input);
        failure_prefix(why, "%s", trace_shown(files));
    }
    return status;
}

/* --- traces that only libbabeltrace2 understands --- */

size_t bt2_input_part(const struct bt2_input *input, const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    struct text name = text_of(slash != NULL ? slash + 1 : path != NULL ? path : "");
    for (size_t i = 0; i < input->files->stream_count; i++) {
        struct text own = text_of(input->files->streams[i].name);
        if (text_equal(own, name) ||
            (name.count == own.count + 5 && memcmp(name.at, own.at, own.count) == 0 &&
             memcmp(name.at + own.count, ".seam", 5) == 0))
            return i;
    }
    return SIZE_MAX;
}

static const bt_value *env_of(const bt_trace *trace, const char *name, bt_value_type type)
{
    const bt_value *value = bt_trace_borrow_environment_entry_value_by_name_const(trace, name);
    return value != NULL && bt_value_get_type(value) == type ? value : NULL;
}

static void take_name(const bt_trace *trace, const char *name, char room[SESSION_NAME_ROOM])
{
    const bt_value *value = env_of(trace, name, BT_VALUE_TYPE_STRING);
    session_name_part(text_of(value != NULL ? bt_value_string_get(value) : ""), room);
}

static void take_names(const bt_trace *trace, struct declared_names *declared)
{
    const bt_trace_class *class = bt_trace_borrow_class_const(trace);
    for (uint64_t i = 0; i < bt_trace_class_get_stream_class_count(class); i++) {
        const bt_stream_class *stream = bt_trace_class_borrow_stream_class_by_index_const(class, i);
        for (uint64_t j = 0; j < bt_stream_class_get_event_class_count(stream); j++) {
            const char *name = bt_event_class_get_name(
                bt_stream_class_borrow_event_class_by_index_const(stream, j));
            if (name != NULL)
                declared_names_add(declared, text_of(name));
        }
    }
}

void bt2_input_describe(struct bt2_input *input, const bt_trace *trace, struct trace_info *info)
{
    const bt_value *domain = env_of(trace, "domain", BT_VALUE_TYPE_STRING);
    const bt_value *vpid = env_of(trace, "vpid", BT_VALUE_TYPE_SIGNED_INTEGER);
    if (domain != NULL && *bt_value_string_get(domain) != '\0')
        input->domain =
            strcmp(bt_value_string_get(domain), "kernel") == 0 ? DOMAIN_KERNEL : DOMAIN_UST;
    if (vpid != NULL && bt_value_integer_signed_get(vpid) >= 0) {
        input->origin.has_vpid = true;
        input->origin.vpid = (int32_t)(bt_value_integer_signed_get(vpid) & INT32_MAX);
    }
    const bt_value *program = env_of(trace, "procname", BT_VALUE_TYPE_STRING);
    if (program != NULL)
        input->origin.program = text_of(bt_value_string_get(program));
    info->domain = input->domain;
    take_name(trace, "hostname", info->hostname);
    take_name(trace, "trace_name", info->session);
    take_name(trace, "trace_creation_datetime", info->created);
    info->declared = (struct declared_names){.entry_open = false};
    if (input->domain != DOMAIN_KERNEL)
        return;
    take_names(trace, &info->declared);
    for (uint64_t i = 0; i < bt_trace_get_environment_entry_count(trace); i++) {
        const char *name;
        const bt_value *value;
        bt_trace_borrow_environment_entry_by_index_const(trace, i, &name, &value);
        if (bt_value_is_string(value))
            declared_names_env(&info->declared, name, bt_value_string_get(value));
    }
}
