#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/metadata_cache.h"
#include "base/file_map.h"
#include "base/memory.h"
#include "base/session_name.h"
#include "base/utf8.h"
#include "base/workers.h"
#include "chunk/chunk_list_parts.h"
#include "chunk/folder.h"
#include "chunk/source.h"
#include "chunk/survey.h"

void chunk_ref_clear(struct chunk_ref *ref)
{
    free(ref->path);
    free(ref->session);
    free(ref->snapshot);
    free(ref->seam_path);
    free(ref->name);
    free(ref->session_names);
    for (size_t i = 0; i < ref->part_count; i++) {
        free(ref->parts[i].path);
        free(ref->parts[i].name);
    }
    free(ref->parts);
    free(ref->uuids);
    survey_free(ref->survey);
}

static bool same_session(const struct chunk_ref *a, const struct chunk_ref *b)
{
    return strcmp(a->session, b->session) == 0;
}

/* Whether it is a single trace, without the folders of its session. */
static bool is_plain(const struct chunk_ref *ref)
{
    return !ref->packed && ref->snapshot == NULL && ref->number >= 0 && folder_is_trace(ref->path);
}

void chunk_leave_out(struct chunk_list *list, const char *why)
{
    list->left_out++;
    if (list->say != NULL)
        list->say(list->context, why);
}

/* --- identity, first and last packets of a chunk, from its files --- */

static void append_hex(char *into, const uint8_t *bytes, size_t count)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *into++ = DIGITS[bytes[i] >> 4];
        *into++ = DIGITS[bytes[i] & 15];
    }
    *into = '\0';
}

/* Stores "host/name/created" in ref->session_names, and with the clock in ref->session, unless that
 * is not enough to identify the session. */
static void take_session_names(struct chunk_ref *ref, const struct metadata *metadata)
{
    if (ref->session_names == NULL)
        ref->session_names =
            memory_format("%.*s/%.*s/%.*s", (int)metadata->hostname.count, metadata->hostname.at,
                          (int)metadata->session.count, metadata->session.at,
                          (int)metadata->created.count, metadata->created.at);
    if (ref->session != NULL || metadata->hostname.count == 0 || metadata->created.count == 0)
        return;
    char clock[33];
    append_hex(clock, metadata->clock_uuid, sizeof metadata->clock_uuid);
    ref->session = memory_format("%s/%s", ref->session_names, clock);
}

static void add_uuid(struct chunk_ref *ref, const uint8_t uuid[16])
{
    ref->uuids = memory_resize(ref->uuids, ref->uuid_count + 1, sizeof *ref->uuids);
    memcpy(ref->uuids[ref->uuid_count++], uuid, sizeof *ref->uuids);
}

size_t chunk_ref_bytes(const struct chunk_ref *ref)
{
    return ref->packed ? 0 : survey_bytes(ref->survey);
}

static void survey_traces(struct chunk_ref *ref, const struct trace_set *set)
{
    struct chunk_survey *survey = ref->survey = survey_new();
    for (size_t i = 0; i < set->trace_count; i++) {
        const struct trace_files *trace = &set->traces[i];
        struct metadata metadata;
        if (metadata_cache_read(ref->metadata, trace->metadata, &metadata, NULL) == STATUS_OK) {
            take_session_names(ref, &metadata);
            if (metadata.layout->has_uuid)
                add_uuid(ref, metadata.layout->uuid);
            survey_trace(survey, &metadata, trace);
        }
        metadata_clear(&metadata);
    }
    survey_sort(survey);
    for (size_t i = 0; i < set->trace_count && ref->session_names == NULL; i++)
        ref->unusable |= trace_files_bytes(&set->traces[i]) > 0;
}

static enum status survey_archive(struct chunk_ref *ref, struct failure *why)
{
    struct archive_facts facts;
    enum status status = source_peek(ref->path, &facts, why);
    if (status != STATUS_OK)
        return status;
    ref->session = memory_string(text_of(facts.group));
    ref->session_names = memory_format("%s/%s/%s", facts.host, facts.session, facts.created);
    if (facts.snapshot[0] != '\0')
        ref->snapshot = memory_string(text_of(facts.snapshot));
    ref->number = facts.number;
    ref->has_kernel_or_ust = facts.has_traces;
    ref->interval = (struct interval){facts.begin_ns, facts.end_ns};
    return STATUS_OK;
}

/* The group of a plain trace that does not state its session: those in the same folder. */
static char *unnamed_session(const struct chunk_ref *ref, const char *path)
{
    const char *name = chunk_base_name(path);
    int length = name > path + 1 ? (int)(name - path - 1) : (int)strlen(path);
    return memory_format("%s:%.*s", ref->session_names != NULL ? ref->session_names : "", length,
                         path);
}

static char *session_of(struct chunk_ref *ref, const char *path)
{
    bool numbered = chunk_number_of_path(path) >= 0;
    char *session_names = ref->session;
    if (ref->session_names == NULL && chunk_number_of_name(chunk_base_name(path)) >= 0)
        return NULL; /* neighbors have it */
    if (session_names == NULL && chunk_number_of_name(chunk_base_name(path)) >= 0)
        return memory_format("%.*s", (int)(chunk_base_name(path) - path), path);
    if (session_names == NULL)
        return is_plain(ref) ? unnamed_session(ref, path) : memory_string(text_of(path));
    if (ref->snapshot != NULL)
        return memory_format("%s:%s", session_names, ref->snapshot);
    if (!numbered && ref->number >= 0 && !is_plain(ref))
        return memory_format("%s:%s", session_names, path);
    return memory_string(text_of(session_names));
}

static enum status survey(struct chunk_ref *ref, struct failure *why)
{
    if (ref->packed)
        return survey_archive(ref, why);
    if (!ref->has_kernel_or_ust)
        return STATUS_OK; /* neighbors have it */
    struct folder *folder;
    enum status status = folder_open(ref->path, &folder, why);
    if (status != STATUS_OK)
        return status;
    survey_traces(ref, folder_traces(folder));
    folder_close(folder);
    char *real = realpath(ref->path, NULL);
    char *session = session_of(ref, real != NULL ? real : ref->path);
    free(ref->session);
    ref->session = session != NULL ? utf8_printable(text_of(session)) : NULL;
    free(session);
    free(real);
    return STATUS_OK;
}

/* --- plain traces that were given one by one --- */

static bool same_folder(const char *a, const char *b)
{
    const char *slash = strrchr(a, '/'), *other = strrchr(b, '/');
    size_t length = slash != NULL ? (size_t)(slash - a) : 0;
    return length == (other != NULL ? (size_t)(other - b) : 0) && strncmp(a, b, length) == 0;
}

/* If no trace of a chunk, or of a chunk next to it, states the session, it is named by its folder:
 * SESSION in SESSION/archives/CHUNK. */
static void name_by_folder(struct chunk_ref *ref)
{
    char *path = realpath(ref->path, NULL);
    char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash == NULL || chunk_number_of_name(slash + 1) < 0) {
        ref->session = utf8_printable(text_of(path != NULL ? path : ref->path));
        free(path);
        return;
    }
    *slash = '\0';
    ref->session = utf8_printable(text_of(path));
    slash = strrchr(path, '/');
    if (slash != NULL && strcmp(slash, "/archives") == 0) {
        *slash = '\0';
        char name[SESSION_NAME_ROOM];
        session_name_part(text_of(chunk_base_name(path)), name);
        ref->session_names = memory_format("/%s/", name);
    }
    free(path);
}

/* A chunk's folder whose traces do not state the session has the session of the chunks next to
 * it. */
static void adopt_empty(struct chunk_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct chunk_ref *ref = &list->at[i];
        for (size_t j = 0; j < list->count && ref->session == NULL; j++) {
            const struct chunk_ref *other = &list->at[j];
            if (other->session == NULL || other->session_names == NULL || other->packed ||
                !same_folder(ref->path, other->path))
                continue;
            ref->session = memory_string(text_of(other->session));
            ref->session_names = memory_string(text_of(other->session_names));
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct chunk_ref *ref = &list->at[i];
        if (ref->session == NULL && ref->has_kernel_or_ust)
            name_by_folder(ref);
        if (ref->session != NULL) {
            list->at[kept++] = *ref;
            continue;
        }
        char *sentence =
            memory_format("%s: no trace in it or in the same folder", list->at[i].path);
        chunk_leave_out(list, sentence);
        free(sentence);
        chunk_ref_clear(&list->at[i]);
    }
    list->count = kept;
}

static char *part_name(const struct chunk_ref *ref)
{
    char *real = realpath(ref->path, NULL);
    const char *path = real != NULL ? real : ref->path;
    const char *domain = folder_domain(path);
    char *name = memory_string(text_of(domain != NULL ? domain : chunk_base_name(path)));
    free(real);
    return name;
}

/* Whether both contain the same trace. */
static bool share_trace(const struct chunk_ref *a, const struct chunk_ref *b)
{
    for (size_t i = 0; i < a->uuid_count; i++)
        for (size_t j = 0; j < b->uuid_count; j++)
            if (memcmp(a->uuids[i], b->uuids[j], sizeof a->uuids[i]) == 0)
                return true;
    return false;
}

static bool has_part(const struct chunk_ref *ref, const char *name)
{
    if (strcmp(ref->name, name) == 0)
        return true;
    for (size_t i = 0; i < ref->part_count; i++)
        if (strcmp(ref->parts[i].name, name) == 0)
            return true;
    return false;
}

/* Adds the plain trace `part` to the chunk. False: the chunk has it, or one of its name. */
static bool take_part(struct chunk_ref *ref, struct chunk_ref *part)
{
    if (ref->name == NULL)
        ref->name = part_name(ref);
    char *name = part_name(part);
    if (has_part(ref, name) || share_trace(ref, part)) {
        free(name);
        return false;
    }
    ref->parts = memory_resize(ref->parts, ref->part_count + 1, sizeof *ref->parts);
    ref->parts[ref->part_count++] = (struct trace_part){memory_string(text_of(part->path)), name};
    for (size_t i = 0; i < part->uuid_count; i++)
        add_uuid(ref, part->uuids[i]);
    survey_adopt(ref->survey, part->survey);
    chunk_ref_clear(part);
    return true;
}

static void name_apart(struct chunk_ref *ref)
{
    char *real = realpath(ref->path, NULL);
    char *session = memory_format("%s:%s", ref->session, real != NULL ? real : ref->path);
    free(ref->session);
    ref->session = session;
    free(real);
}

/* Plain traces with the same session and number are one chunk. A duplicate trace makes two
 * sessions. */
static void join_plain(struct chunk_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct chunk_ref *ref = &list->at[i];
        bool taken = false, apart = false;
        for (size_t j = 0; j < kept && is_plain(ref) && !taken; j++) {
            struct chunk_ref *other = &list->at[j];
            if (!is_plain(other) || other->number != ref->number || !same_session(other, ref))
                continue;
            taken = take_part(other, ref);
            apart = !taken && chunk_number_of_path(ref->path) < 0;
        }
        if (apart)
            name_apart(ref);
        if (!taken)
            list->at[kept++] = *ref;
    }
    list->count = kept;
}

/* --- order and boundaries --- */

static int by_session_and_number(const void *a, const void *b)
{
    const struct chunk_ref *left = a, *right = b;
    int session = strcmp(left->session, right->session);
    if (session != 0)
        return session;
    if (left->number != right->number) /* -1 is last */
        return (uint64_t)left->number < (uint64_t)right->number ? -1 : 1;
    if (left->growing != right->growing) /* an archived chunk is complete */
        return left->growing ? 1 : -1;
    if (left->unusable != right->unusable) /* of two duplicates, one is dropped */
        return left->unusable ? 1 : -1;
    return strcmp(left->path, right->path);
}

static bool same_path(const struct chunk_ref *a, const struct chunk_ref *b)
{
    char *left = realpath(a->path, NULL), *right = realpath(b->path, NULL);
    bool same = left != NULL && right != NULL && strcmp(left, right) == 0;
    free(left);
    free(right);
    return same;
}

/* Whether both are archives, and equal in all bytes: a chunk that was published again is packed
 * again. */
static bool same_archive(const struct chunk_ref *a, const struct chunk_ref *b)
{
    struct file_map *left = NULL, *right = NULL;
    bool same = a->packed && b->packed && file_map_open(a->path, &left, NULL) == STATUS_OK &&
                file_map_open(b->path, &right, NULL) == STATUS_OK;
    if (same) {
        struct bytes one = file_map_bytes(left), other = file_map_bytes(right);
        same = one.count == other.count && memcmp(one.at, other.at, one.count) == 0 &&
               file_map_check(left, NULL) == STATUS_OK && file_map_check(right, NULL) == STATUS_OK;
    }
    file_map_close(left);
    file_map_close(right);
    return same;
}

/* A chunk that was given twice, or has two equal archives, is one. Of two with only the same
 * identity, one is left out. */
static void report_duplicate(struct chunk_list *list, const struct chunk_ref *ref,
                             const struct chunk_ref *before)
{
    if (same_path(ref, before) || same_archive(ref, before))
        return;
    char *sentence = memory_format("%s: skipped: it is chunk %lld of the same session as %s",
                                   ref->path, (long long)ref->number, before->path);
    chunk_leave_out(list, sentence);
    free(sentence);
}

/* Numbers what a session is still recording, unless it is empty; drops duplicates. */
static void number_and_drop(struct chunk_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct chunk_ref *ref = &list->at[i];
        const struct chunk_ref *before = kept > 0 ? &list->at[kept - 1] : NULL;
        if (before != NULL && !same_session(before, ref))
            before = NULL;
        bool drop = before != NULL && before->number == ref->number;
        if (drop)
            report_duplicate(list, ref, before);
        if (ref->growing && !ref->unusable && !survey_has_packets(ref->survey) && before != NULL)
            drop = true;
        if (ref->number < 0) {
            ref->number = before != NULL ? before->number + 1 : 0;
        }
        if (drop)
            chunk_ref_clear(ref);
        else
            list->at[kept++] = *ref;
    }
    list->count = kept;
}

/* Chunks are surveyed in parallel: each by the thread that took it. */
struct surveying {
    struct chunk_list *list;
    char **faults; /* by chunk: why it is unreadable, owned; else NULL */
    atomic_size_t next;
};

static void survey_next(void *context, unsigned number)
{
    (void)number;
    struct surveying *surveying = context;
    struct failure why;
    for (size_t i; (i = atomic_fetch_add(&surveying->next, 1)) < surveying->list->count;)
        if (surveying->list->at[i].session == NULL &&
            survey(&surveying->list->at[i], &why) != STATUS_OK)
            surveying->faults[i] = memory_string(text_of(why.text));
}

/* Whether it is a chunk that exists but is unreadable: it is reported when it is mapped. */
static bool is_known_chunk(const struct chunk_ref *ref)
{
    return !ref->packed && ref->has_kernel_or_ust && ref->number >= 0 && !ref->growing &&
           chunk_number_of_name(chunk_base_name(ref->path)) >= 0;
}

/* Drops unreadable entries, except folders of chunks; `faults` as above, which are freed. */
static enum status drop_unreadable(struct chunk_list *list, char **faults, struct failure *why)
{
    size_t kept = 0;
    bool failed = false;
    for (size_t i = 0; i < list->count; i++) {
        if (faults[i] == NULL) {
            list->at[kept++] = list->at[i];
            continue;
        }
        if (is_known_chunk(&list->at[i])) {
            list->at[kept] = list->at[i];
            list->at[kept++].unusable = true;
            free(faults[i]);
            continue;
        }
        chunk_leave_out(list, faults[i]);
        if (!failed)
            (void)fail(why, STATUS_REJECT, "%s", faults[i]);
        failed = true;
        chunk_ref_clear(&list->at[i]);
        free(faults[i]);
    }
    list->count = kept;
    return failed && kept == 0 ? STATUS_REJECT : STATUS_OK;
}

static enum status survey_all(struct chunk_list *list, struct failure *why)
{
    struct surveying surveying = {.list = list};
    if (list->metadata == NULL)
        list->metadata = metadata_cache_new();
    for (size_t i = 0; i < list->count; i++)
        list->at[i].metadata = list->metadata;
    size_t helpers = list->jobs < list->count ? list->jobs : list->count;
    surveying.faults = memory_new((list->count + 1) * sizeof *surveying.faults);
    workers_run(helpers > 1 ? (unsigned)helpers - 1 : 0, survey_next, survey_next, &surveying);
    enum status status = drop_unreadable(list, surveying.faults, why);
    free(surveying.faults);
    return status;
}

enum status chunk_list_finish(struct chunk_list *list, struct failure *why)
{
    enum status status = survey_all(list, why);
    if (status != STATUS_OK || list->count == 0)
        return status;
    adopt_empty(list);
    join_plain(list);
    if (list->count == 0)
        return fail(why, STATUS_REJECT, "no trace found");
    qsort(list->at, list->count, sizeof *list->at, by_session_and_number);
    chunk_drop_copies(list);
    number_and_drop(list);
    for (size_t begin = 0, end; begin < list->count; begin = end) {
        for (end = begin + 1; end < list->count; end++)
            if (!same_session(&list->at[begin], &list->at[end]))
                break;
        chunk_decide_intervals(list, begin, end);
    }
    return STATUS_OK;
}

void chunk_list_clear(struct chunk_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        chunk_ref_clear(&list->at[i]);
    free(list->at);
    metadata_cache_free(list->metadata);
    *list = (struct chunk_list){.say = list->say, .context = list->context};
}
