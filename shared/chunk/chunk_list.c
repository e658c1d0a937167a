#include "chunk/chunk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "chunk/metadata.h"
#include "base/memory.h"
#include "base/session_name.h"
#include "base/utf8.h"
#include "chunk/folder.h"
#include "chunk/source.h"
#include "chunk/survey.h"

/* Deepest layout: the relay daemon's, HOST/SESSION/archives/CHUNK, below a folder of hosts. */
enum { SEARCH_DEPTH_MAX = 6 };

/* --- names of folders --- */

/* Matches `name` against a pattern: 9 any digit, + a sign, * digits to the end, else itself. */
static bool matches(const char *name, const char *pattern)
{
    for (; *pattern != '\0' && *pattern != '*'; name++, pattern++) {
        bool same = *pattern == '9'   ? *name >= '0' && *name <= '9'
                    : *pattern == '+' ? *name == '+' || *name == '-'
                                      : *name == *pattern;
        if (!same)
            return false;
    }
    if (*pattern == '\0')
        return *name == '\0';
    return *name != '\0' && strspn(name, "0123456789") == strlen(name);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

int64_t chunk_number_of_name(const char *name)
{
    if (!matches(name, "99999999T999999+9999-99999999T999999+9999-*"))
        return -1;
    return strtoll(strrchr(name, '-') + 1, NULL, 10);
}

/* What a session that was rotated records now lies beside `archives/`, as <begin>-<number>. */
static bool is_growing_name(const char *name)
{
    return matches(name, "99999999T999999+9999-*");
}

static int64_t number_of_name(const char *name)
{
    return is_growing_name(name) ? strtoll(strrchr(name, '-') + 1, NULL, 10)
                                 : chunk_number_of_name(name);
}

/* LTTng: <snapshot name>-<date>-<time>-<number>. */
static bool is_snapshot_name(const char *name)
{
    for (const char *dash = strchr(name, '-'); dash != NULL; dash = strchr(dash + 1, '-'))
        if (matches(dash, "-99999999-999999-*"))
            return true;
    return false;
}

static bool is_archive_name(const char *name)
{
    static const char END[] = ".tar.zst";
    size_t length = strlen(name), end = sizeof END - 1;
    return length > end && strcmp(name + length - end, END) == 0;
}

/* --- finding --- */

static struct chunk_ref *add_ref(struct chunk_list *list, const char *path)
{
    list->at = memory_grow(list->at, &list->room, list->count + 1, sizeof *list->at);
    struct chunk_ref *ref = &list->at[list->count++];
    *ref = (struct chunk_ref){.path = memory_string(text_of(path))};
    return ref;
}

/* The number that a chunk's folder is called by, if `path` is one, or one of its traces; else -1. */
static int64_t number_of_path(const char *path)
{
    int64_t number = number_of_name(base_name(path));
    const char *domain = folder_domain(path);
    if (number >= 0 || domain == NULL)
        return number;
    char *chunk = memory_string((struct text){path, (size_t)(domain - path)});
    char *slash = strrchr(chunk, '/');
    if (slash != NULL)
        *slash = '\0';
    number = number_of_name(base_name(chunk));
    free(chunk);
    return number;
}

/* A folder that holds traces, or at least is called like a chunk's. `number` -1: told by nothing,
 * so the session's last. */
static void add_folder(struct chunk_list *list, const char *path, int64_t number)
{
    struct chunk_ref *ref = add_ref(list, path);
    char *real = realpath(path, NULL);
    const char *name = real != NULL ? real : path;
    ref->has_kernel_or_ust = folder_has_traces(path);
    int64_t told = number_of_path(name);
    ref->number = number < 0 ? -1 : told >= 0 ? told : number;
    ref->growing =
        (told < 0 || is_growing_name(base_name(name))) && !is_snapshot_name(base_name(name));
    if (told < 0 && is_snapshot_name(base_name(name)))
        ref->snapshot = utf8_printable(text_of(base_name(name)));
    free(real);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted, but those that begin with a dot. Each and all to be freed. */
static char **names_in(const char *path, size_t *count)
{
    char **names = NULL;
    size_t room = 0;
    *count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        names = memory_grow(names, &room, *count + 1, sizeof *names);
        names[(*count)++] = memory_string(text_of(entry->d_name));
    }
    if (dir != NULL)
        closedir(dir);
    if (*count > 0)
        qsort(names, *count, sizeof *names, by_name);
    return names;
}

/* What a session records, or has recorded since its last rotation, until it is destroyed. */
static void find_growing(struct chunk_list *list, const char *session)
{
    size_t count;
    char **names = names_in(session, &count);
    for (size_t i = 0; i < count; i++) {
        char *path = memory_format("%s/%s", session, names[i]);
        bool found = is_growing_name(names[i]) && folder_has_traces(path);
        if (found && !list->archived_only)
            add_folder(list, path, 0);
        if (found && list->archived_only && list->say != NULL) {
            char *sentence = memory_format("%s: not in an archived chunk yet, so it is left out: "
                                           "rotate the session, or destroy it",
                                           path);
            list->say(list->context, sentence);
            free(sentence);
        }
        free(path);
        free(names[i]);
    }
    free(names);
}

static void find_below(struct chunk_list *list, const char *path, int depth)
{
    struct stat stat_of;
    if (stat(path, &stat_of) != 0)
        return;
    if (S_ISREG(stat_of.st_mode)) {
        if (is_archive_name(path))
            add_ref(list, path)->packed = true;
        return;
    }
    if (!S_ISDIR(stat_of.st_mode))
        return;
    char *archives = memory_format("%s/archives", path);
    bool is_session = stat(archives, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
    if (is_session)
        find_below(list, archives, depth + 1);
    free(archives);
    char *real = realpath(path, NULL);
    if (is_session && !folder_has_traces(path))
        find_growing(list, path);
    bool is_chunk = real != NULL && chunk_number_of_name(base_name(real)) >= 0;
    free(real);
    if (is_chunk || folder_has_traces(path)) {
        add_folder(list, path, is_session ? -1 : 0);
        return;
    }
    if (is_session || depth >= SEARCH_DEPTH_MAX)
        return;
    size_t count;
    char **names = names_in(path, &count);
    for (size_t i = 0; i < count; i++) {
        char *below = memory_format("%s/%s", path, names[i]);
        find_below(list, below, depth + 1);
        free(below);
        free(names[i]);
    }
    free(names);
}

enum status chunk_list_add(struct chunk_list *list, const char *path, struct failure *why)
{
    struct stat stat_of;
    if (stat(path, &stat_of) != 0)
        return fail(why, STATUS_REJECT, "%s: %s", path, strerror(errno));
    char *clean = memory_string(text_of(path));
    for (size_t length = strlen(clean); length > 1 && clean[length - 1] == '/'; length--)
        clean[length - 1] = '\0';
    size_t before = list->count;
    if (S_ISREG(stat_of.st_mode))
        add_ref(list, clean)->packed = true;
    else
        find_below(list, clean, 0);
    free(clean);
    if (list->count == before)
        return fail(why, STATUS_REJECT,
                    "%s: no LTTng trace there: looked for folders `kernel` or `ust`, a file "
                    "`metadata`, `archives/` and files .tar.zst, in it and %d levels below",
                    path, SEARCH_DEPTH_MAX);
    return STATUS_OK;
}

static void clear_ref(struct chunk_ref *ref)
{
    free(ref->path);
    free(ref->session);
    free(ref->snapshot);
    free(ref->seam_path);
    free(ref->name);
    free(ref->told);
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

/* Whether it is one trace, without its session's folders around it. */
static bool is_plain(const struct chunk_ref *ref)
{
    return !ref->packed && ref->snapshot == NULL && ref->number >= 0 && folder_is_trace(ref->path);
}

static void leave_out(struct chunk_list *list, const char *why)
{
    list->left_out++;
    if (list->say != NULL)
        list->say(list->context, why);
}

/* --- what a chunk's own files tell: its session, the first and last packets --- */

static void append_hex(char *into, const uint8_t *bytes, size_t count)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *into++ = DIGITS[bytes[i] >> 4];
        *into++ = DIGITS[bytes[i] & 15];
    }
    *into = '\0';
}

/* "host/name/created" into ref->told, and with the clock into ref->session, unless that is not enough
 * to know the session again. */
static void take_told(struct chunk_ref *ref, const struct metadata *metadata)
{
    if (ref->told == NULL)
        ref->told =
            memory_format("%.*s/%.*s/%.*s", (int)metadata->hostname.count, metadata->hostname.at,
                          (int)metadata->session.count, metadata->session.at,
                          (int)metadata->created.count, metadata->created.at);
    if (ref->session != NULL || metadata->hostname.count == 0 || metadata->created.count == 0)
        return;
    char clock[33];
    append_hex(clock, metadata->clock_uuid, sizeof metadata->clock_uuid);
    ref->session = memory_format("%s/%s", ref->told, clock);
}

static void add_uuid(struct chunk_ref *ref, const uint8_t uuid[16])
{
    ref->uuids = memory_resize(ref->uuids, ref->uuid_count + 1, sizeof *ref->uuids);
    memcpy(ref->uuids[ref->uuid_count++], uuid, sizeof *ref->uuids);
}

static void survey_traces(struct chunk_ref *ref, const struct trace_set *set)
{
    struct chunk_survey *survey = ref->survey = survey_new();
    for (size_t i = 0; i < set->trace_count; i++) {
        const struct trace_files *trace = &set->traces[i];
        struct metadata metadata;
        if (metadata_read(trace->metadata, &metadata, NULL) == STATUS_OK) {
            take_told(ref, &metadata);
            if (metadata.layout->has_uuid)
                add_uuid(ref, metadata.layout->uuid);
            survey_trace(survey, &metadata, trace);
        }
        metadata_clear(&metadata);
    }
    survey_sort(survey);
    for (size_t i = 0; i < set->trace_count && ref->told == NULL; i++)
        ref->unusable |= trace_files_bytes(&set->traces[i]) > 0;
}

static enum status survey_archive(struct chunk_ref *ref, struct failure *why)
{
    struct archive_facts facts;
    enum status status = source_peek(ref->path, &facts, why);
    if (status != STATUS_OK)
        return status;
    ref->session = memory_string(text_of(facts.group));
    ref->told = memory_format("%s/%s/%s", facts.host, facts.session, facts.created);
    if (facts.snapshot[0] != '\0')
        ref->snapshot = memory_string(text_of(facts.snapshot));
    ref->number = facts.number;
    ref->has_kernel_or_ust = facts.has_traces;
    ref->interval = (struct interval){facts.begin_ns, facts.end_ns};
    return STATUS_OK;
}

/* What groups a plain trace that does not tell its session: those that lie side by side. */
static char *untold_session(const struct chunk_ref *ref, const char *path)
{
    const char *name = base_name(path);
    int length = name > path + 1 ? (int)(name - path - 1) : (int)strlen(path);
    return memory_format("%s:%.*s", ref->told != NULL ? ref->told : "", length, path);
}

static char *session_of(struct chunk_ref *ref, const char *path)
{
    bool numbered = number_of_path(path) >= 0;
    char *told = ref->session;
    if (ref->told == NULL && chunk_number_of_name(base_name(path)) >= 0)
        return NULL; /* its neighbours tell */
    if (told == NULL && chunk_number_of_name(base_name(path)) >= 0)
        return memory_format("%.*s", (int)(base_name(path) - path), path);
    if (told == NULL)
        return is_plain(ref) ? untold_session(ref, path) : memory_string(text_of(path));
    if (ref->snapshot != NULL)
        return memory_format("%s:%s", told, ref->snapshot);
    if (!numbered && ref->number >= 0 && !is_plain(ref))
        return memory_format("%s:%s", told, path);
    return memory_string(text_of(told));
}

static enum status survey(struct chunk_ref *ref, struct failure *why)
{
    if (ref->packed)
        return survey_archive(ref, why);
    if (!ref->has_kernel_or_ust)
        return STATUS_OK; /* its neighbours tell */
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

/* --- traces that were named one by one --- */

static bool same_folder(const char *a, const char *b)
{
    const char *slash = strrchr(a, '/'), *other = strrchr(b, '/');
    size_t length = slash != NULL ? (size_t)(slash - a) : 0;
    return length == (other != NULL ? (size_t)(other - b) : 0) && strncmp(a, b, length) == 0;
}

/* A chunk with traces of which none tells, nor any beside it, is of the session of its folder, which is
 * all that there is to name it by: SESSION in SESSION/archives/CHUNK. */
static void tell_by_folder(struct chunk_ref *ref)
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
        session_name_part(text_of(base_name(path)), name);
        ref->told = memory_format("/%s/", name);
    }
    free(path);
}

/* A chunk's folder whose traces do not tell is of the session whose chunks lie beside it. */
static void adopt_empty(struct chunk_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct chunk_ref *ref = &list->at[i];
        for (size_t j = 0; j < list->count && ref->session == NULL; j++) {
            const struct chunk_ref *other = &list->at[j];
            if (other->session == NULL || other->told == NULL || other->packed ||
                !same_folder(ref->path, other->path))
                continue;
            ref->session = memory_string(text_of(other->session));
            ref->told = memory_string(text_of(other->told));
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct chunk_ref *ref = &list->at[i];
        if (ref->session == NULL && ref->has_kernel_or_ust)
            tell_by_folder(ref);
        if (ref->session != NULL) {
            list->at[kept++] = *ref;
            continue;
        }
        char *sentence = memory_format("%s: no trace there, nor beside it", list->at[i].path);
        leave_out(list, sentence);
        free(sentence);
        clear_ref(&list->at[i]);
    }
    list->count = kept;
}

static char *part_name(const struct chunk_ref *ref)
{
    char *real = realpath(ref->path, NULL);
    const char *path = real != NULL ? real : ref->path;
    const char *domain = folder_domain(path);
    char *name = memory_string(text_of(domain != NULL ? domain : base_name(path)));
    free(real);
    return name;
}

/* Whether a trace of both is the same one. */
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

/* Makes the plain trace `part` one of the chunk. False: it has that, or one of its name. */
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
    clear_ref(part);
    return true;
}

static void tell_apart(struct chunk_ref *ref)
{
    char *real = realpath(ref->path, NULL);
    char *session = memory_format("%s:%s", ref->session, real != NULL ? real : ref->path);
    free(ref->session);
    ref->session = session;
    free(real);
}

/* Plain traces of one session and number are one chunk. One that is there twice is two sessions. */
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
            apart = !taken && number_of_path(ref->path) < 0;
        }
        if (apart)
            tell_apart(ref);
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
    if (left->number != right->number) /* -1 stands for the last */
        return (uint64_t)left->number < (uint64_t)right->number ? -1 : 1;
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

/* A chunk that was named twice is one. Of two that are the same by what they tell, one is left out. */
static void say_twin(struct chunk_list *list, const struct chunk_ref *ref,
                     const struct chunk_ref *before)
{
    if (same_path(ref, before))
        return;
    char *sentence = memory_format("%s: left out: is chunk %lld of the same session as %s",
                                   ref->path, (long long)ref->number, before->path);
    leave_out(list, sentence);
    free(sentence);
}

/* Numbers what a session still records, unless it is empty; drops what is there twice. */
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
            say_twin(list, ref, before);
        if (ref->growing && !ref->unusable && !survey_has_packets(ref->survey) && before != NULL)
            drop = true;
        if (ref->number < 0) {
            ref->number = before != NULL ? before->number + 1 : 0;
        }
        if (drop)
            clear_ref(ref);
        else
            list->at[kept++] = *ref;
    }
    list->count = kept;
}

/* Chunks [begin, end) are one session's. They tile its time: each ends where the next begins, but in
 * front of a gap. One without packets answers for no time, and the seam goes on from the chunk before
 * it. What an archive says of its interval was decided when it was packed. */

static bool has_time(const struct chunk_ref *ref)
{
    return ref->packed || survey_has_packets(ref->survey);
}

/* Where a chunk with packets begins. `past`: the one with packets before it, since a gap; `floor_ns`:
 * where the last that has time begins. */
static uint64_t begin_of(const struct chunk_ref *ref, const struct chunk_ref *past,
                         uint64_t floor_ns, bool is_first)
{
    uint64_t begin_ns = survey_begin_ns(ref->survey);
    if (is_first)
        return 0;
    if (past != NULL && past->packed)
        return past->interval.end_ns;
    if (past != NULL)
        begin_ns = survey_boundary_ns(past->survey, ref->survey);
    return begin_ns > floor_ns ? begin_ns : floor_ns;
}

/* The begins of all that have time; those of others are open. */
static void decide_begins(struct chunk_list *list, size_t begin, size_t end)
{
    struct chunk_ref *past = NULL;
    uint64_t floor_ns = 0;
    bool is_first = true;
    for (size_t i = begin; i < end; i++) {
        struct chunk_ref *ref = &list->at[i];
        ref->gap_before = i > begin && (ref[-1].number + 1 != ref->number || ref[-1].unusable);
        if (ref->gap_before)
            past = NULL;
        if (!ref->packed)
            ref->interval = (struct interval){INTERVAL_OPEN, INTERVAL_OPEN};
        if (!has_time(ref))
            continue;
        if (!ref->packed)
            ref->interval.begin_ns = begin_of(ref, past, floor_ns, is_first);
        if (past != NULL && !ref->packed) {
            ref->seam_path = memory_string(text_of(past->path));
            ref->seam_packed = past->packed;
            ref->seam_ref = past;
        }
        past = ref;
        floor_ns = ref->interval.begin_ns;
        is_first = false;
    }
}

/* Where the chunks up to `*ref`, behind which there is a gap, end: with their last packet. */
static uint64_t end_before_gap(const struct chunk_ref *ref, size_t index, size_t begin,
                               uint64_t next_ns)
{
    for (; index > begin && !has_time(ref) && !ref->gap_before; index--)
        ref--;
    uint64_t last_ns = survey_end_ns(ref->survey);
    return has_time(ref) && last_ns < next_ns ? last_ns + 1 : next_ns;
}

static void decide_ends(struct chunk_list *list, size_t begin, size_t end)
{
    uint64_t next_ns = INTERVAL_OPEN; /* where the chunk behind begins */
    for (size_t i = end; i-- > begin;) {
        struct chunk_ref *ref = &list->at[i];
        bool gap = i + 1 < end && ref[1].gap_before;
        if (!ref->packed)
            ref->interval.end_ns = gap ? end_before_gap(ref, i, begin, next_ns) : next_ns;
        if (!has_time(ref))
            ref->interval.begin_ns = ref->interval.end_ns;
        next_ns = ref->interval.begin_ns;
    }
    if (end > begin && !list->at[begin].packed)
        list->at[begin].interval.begin_ns = 0; /* the session's time begins with it */
}

static void decide_boundaries(struct chunk_list *list, size_t begin, size_t end)
{
    decide_begins(list, begin, end);
    decide_ends(list, begin, end);
    for (size_t i = begin; i < end; i++) {
        const struct chunk_ref *ref = &list->at[i];
        assert(ref->interval.begin_ns <= ref->interval.end_ns || ref->packed);
        assert(i == begin || ref->gap_before || ref->packed ||
               ref[-1].interval.end_ns == ref->interval.begin_ns || ref[-1].packed);
    }
}

/* Surveys all; drops what cannot be read. */
static enum status survey_all(struct chunk_list *list, struct failure *why)
{
    size_t kept = 0;
    bool failed = false;
    for (size_t i = 0; i < list->count; i++) {
        struct failure reason;
        struct chunk_ref *ref = &list->at[i];
        if (ref->session == NULL && survey(ref, &reason) != STATUS_OK) {
            leave_out(list, reason.text);
            if (!failed && why != NULL)
                *why = reason;
            failed = true;
            clear_ref(ref);
            continue;
        }
        list->at[kept++] = *ref;
    }
    list->count = kept;
    return failed && kept == 0 ? STATUS_REJECT : STATUS_OK;
}

enum status chunk_list_finish(struct chunk_list *list, struct failure *why)
{
    enum status status = survey_all(list, why);
    if (status != STATUS_OK || list->count == 0)
        return status;
    adopt_empty(list);
    join_plain(list);
    if (list->count == 0)
        return fail(why, STATUS_REJECT, "no trace in what was named");
    qsort(list->at, list->count, sizeof *list->at, by_session_and_number);
    number_and_drop(list);
    for (size_t begin = 0, end; begin < list->count; begin = end) {
        for (end = begin + 1; end < list->count; end++)
            if (!same_session(&list->at[begin], &list->at[end]))
                break;
        decide_boundaries(list, begin, end);
    }
    return STATUS_OK;
}

void chunk_list_clear(struct chunk_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        clear_ref(&list->at[i]);
    free(list->at);
    *list = (struct chunk_list){.say = list->say, .context = list->context};
}
