#include "chunk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/metadata.h"
#include "base/memory.h"
#include "mapper/folder.h"
#include "mapper/source.h"
#include "mapper/survey.h"

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

/* A folder that holds traces. `number` -1: told by nothing, so the session's last. */
static void add_folder(struct chunk_list *list, const char *path, int64_t number)
{
    struct chunk_ref *ref = add_ref(list, path);
    char *real = realpath(path, NULL);
    const char *name = base_name(real != NULL ? real : path);
    ref->has_kernel_or_ust = true;
    int64_t told = chunk_number_of_name(name);
    ref->number = number < 0 ? -1 : told >= 0 ? told : number;
    if (told < 0 && is_snapshot_name(name))
        ref->snapshot = memory_string(text_of(name));
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
    if (folder_has_traces(path)) {
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

/* "host/name/created/clock"; NULL if that is not enough to know the session again. */
static char *told_session(const struct metadata *metadata)
{
    if (metadata->hostname.count == 0 || metadata->created.count == 0)
        return NULL;
    char clock[33];
    append_hex(clock, metadata->clock_uuid, sizeof metadata->clock_uuid);
    return memory_format("%.*s/%.*s/%.*s/%s", (int)metadata->hostname.count, metadata->hostname.at,
                         (int)metadata->session.count, metadata->session.at,
                         (int)metadata->created.count, metadata->created.at, clock);
}

static void survey_traces(struct chunk_ref *ref, const struct trace_set *set)
{
    struct chunk_survey *survey = ref->survey = survey_new();
    for (size_t i = 0; i < set->trace_count; i++) {
        const struct trace_files *trace = &set->traces[i];
        struct metadata metadata;
        if (metadata_read(trace->metadata, &metadata, NULL) == STATUS_OK) {
            if (ref->session == NULL)
                ref->session = told_session(&metadata);
            survey_trace(survey, &metadata, trace);
        }
        metadata_clear(&metadata);
    }
    survey_sort(survey);
}

static enum status survey_archive(struct chunk_ref *ref, struct failure *why)
{
    struct archive_facts facts;
    enum status status = source_peek(ref->path, &facts, why);
    if (status != STATUS_OK)
        return status;
    ref->session = memory_string(text_of(facts.group));
    if (facts.snapshot[0] != '\0')
        ref->snapshot = memory_string(text_of(facts.snapshot));
    ref->number = facts.number;
    ref->has_kernel_or_ust = facts.has_traces;
    ref->interval = (struct interval){facts.begin_ns, facts.end_ns};
    return STATUS_OK;
}

static enum status survey(struct chunk_ref *ref, struct failure *why)
{
    if (ref->packed)
        return survey_archive(ref, why);
    struct folder *folder;
    enum status status = folder_open(ref->path, &folder, why);
    if (status != STATUS_OK)
        return status;
    survey_traces(ref, folder_traces(folder));
    folder_close(folder);
    char *real = realpath(ref->path, NULL);
    const char *path = real != NULL ? real : ref->path;
    bool numbered = chunk_number_of_name(base_name(path)) >= 0;
    char *told = ref->session;
    if (told == NULL)
        ref->session = memory_format(
            "%.*s", numbered ? (int)(base_name(path) - path) : (int)strlen(path), path);
    else if (ref->snapshot != NULL)
        ref->session = memory_format("%s:%s", told, ref->snapshot);
    else if (!numbered && ref->number >= 0)
        ref->session = memory_format("%s:%s", told, path);
    if (ref->session != told)
        free(told);
    free(real);
    return STATUS_OK;
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

static void clear_ref(struct chunk_ref *ref)
{
    free(ref->path);
    free(ref->session);
    free(ref->snapshot);
    free(ref->seam_path);
    survey_free(ref->survey);
}

static bool same_session(const struct chunk_ref *a, const struct chunk_ref *b)
{
    return strcmp(a->session, b->session) == 0;
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
        if (ref->number < 0) {
            drop = !survey_has_packets(ref->survey) && before != NULL;
            ref->number = before != NULL ? before->number + 1 : 0;
        }
        if (drop)
            clear_ref(ref);
        else
            list->at[kept++] = *ref;
    }
    list->count = kept;
}

/* Where interval `after` begins, if `before` is the chunk with packets before it. */
static uint64_t boundary_ns(const struct chunk_ref *before, const struct chunk_ref *after)
{
    uint64_t boundary = survey_boundary_ns(before->survey, after->survey);
    return boundary > before->interval.begin_ns ? boundary : before->interval.begin_ns;
}

/* Chunks [begin, end) are one session's. One without packets answers for no time: it ends where
 * the next begins, and the seam goes on from the chunk before it. What an archive says of its
 * interval was decided when it was packed. */
static void decide_boundaries(struct chunk_list *list, size_t begin, size_t end)
{
    struct chunk_ref *past = NULL; /* the last that is packed or has packets, since a gap */
    for (size_t i = begin; i < end; i++) {
        struct chunk_ref *ref = &list->at[i];
        struct chunk_ref *before = i > begin ? ref - 1 : NULL;
        ref->gap_before = before != NULL && before->number + 1 != ref->number;
        if (ref->gap_before)
            past = NULL;
        uint64_t begin_ns = 0;
        if (ref->packed)
            begin_ns = ref->interval.begin_ns;
        else if (before == NULL)
            begin_ns = 0;
        else if (before->packed && !ref->gap_before)
            begin_ns = before->interval.end_ns;
        else if (past != NULL && past->survey != NULL && survey_has_packets(ref->survey))
            begin_ns = boundary_ns(past, ref);
        else if (survey_has_packets(ref->survey))
            begin_ns = survey_begin_ns(ref->survey);
        else
            begin_ns = INTERVAL_OPEN; /* until the next tells */
        if (before != NULL && begin_ns < before->interval.begin_ns && !before->packed)
            begin_ns = before->interval.begin_ns;
        if (!ref->packed)
            ref->interval = (struct interval){begin_ns, INTERVAL_OPEN};
        if (past != NULL && !ref->packed) {
            ref->seam_path = memory_string(text_of(past->path));
            ref->seam_packed = past->packed;
        }
        if (ref->packed || survey_has_packets(ref->survey))
            past = ref;
    }
    for (size_t i = end; i-- > begin + 1;) {
        struct chunk_ref *ref = &list->at[i], *before = ref - 1;
        if (ref->interval.begin_ns == INTERVAL_OPEN)
            ref->interval.begin_ns = ref->interval.end_ns;
        if (before->packed)
            continue;
        before->interval.end_ns = ref->interval.begin_ns;
        uint64_t last_ns = survey_end_ns(before->survey);
        if (ref->gap_before && last_ns < before->interval.end_ns)
            before->interval.end_ns = last_ns + 1;
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
            if (list->say != NULL)
                list->say(list->context, reason.text);
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
