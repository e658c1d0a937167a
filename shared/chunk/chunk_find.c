#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "chunk/chunk_list_parts.h"
#include "chunk/folder.h"

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

int64_t chunk_number_of_name(const char *name)
{
    if (!matches(name, "99999999T999999+9999-99999999T999999+9999-*"))
        return -1;
    return strtoll(strrchr(name, '-') + 1, NULL, 10);
}

/* The current recording of a rotated session, next to `archives/`: <begin>-<number>. */
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

int64_t chunk_number_of_path(const char *path)
{
    int64_t number = number_of_name(chunk_base_name(path));
    const char *domain = folder_domain(path);
    if (number >= 0 || domain == NULL)
        return number;
    char *chunk = memory_string((struct text){path, (size_t)(domain - path)});
    char *slash = strrchr(chunk, '/');
    if (slash != NULL)
        *slash = '\0';
    number = number_of_name(chunk_base_name(chunk));
    free(chunk);
    return number;
}

/* A folder that contains traces, or at least has the name of a chunk. `number` -1: unknown, so it
 * is the session's last. */
static void add_folder(struct chunk_list *list, const char *path, int64_t number)
{
    struct chunk_ref *ref = add_ref(list, path);
    char *real = realpath(path, NULL);
    const char *name = real != NULL ? real : path;
    ref->has_kernel_or_ust = folder_has_traces(path);
    int64_t path_number = chunk_number_of_path(name);
    ref->number = number < 0 ? -1 : path_number >= 0 ? path_number : number;
    ref->growing = (path_number < 0 || is_growing_name(chunk_base_name(name))) &&
                   !is_snapshot_name(chunk_base_name(name));
    if (path_number < 0 && is_snapshot_name(chunk_base_name(name)))
        ref->snapshot = utf8_printable(text_of(chunk_base_name(name)));
    free(real);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted, without those that begin with a dot. The caller frees each and the
 * array. A folder without permission is left out. */
static char **names_in(struct chunk_list *list, const char *path, size_t *count)
{
    char **names = NULL;
    size_t room = 0;
    *count = 0;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        char *sentence = memory_format("%s: %s", path, strerror(errno));
        chunk_leave_out(list, sentence);
        free(sentence);
    }
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

/* The recording since the session's last rotation, which exists until the session is destroyed. */
static void find_growing(struct chunk_list *list, const char *session)
{
    size_t count;
    char **names = names_in(list, session, &count);
    for (size_t i = 0; i < count; i++) {
        char *path = memory_format("%s/%s", session, names[i]);
        bool found = is_growing_name(names[i]) && folder_has_traces(path);
        if (found && !list->archived_only)
            add_folder(list, path, 0);
        if (found && list->archived_only && list->say != NULL) {
            char *sentence = memory_format(
                "%s: skipped: not in an archived chunk yet; rotate or destroy the session", path);
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
    bool is_chunk = real != NULL && chunk_number_of_name(chunk_base_name(real)) >= 0;
    free(real);
    if (is_chunk || folder_has_traces(path)) {
        add_folder(list, path, is_session ? -1 : 0);
        return;
    }
    if (is_session || depth >= SEARCH_DEPTH_MAX)
        return;
    size_t count;
    char **names = names_in(list, path, &count);
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
    size_t before = list->count, left_out = list->left_out;
    if (S_ISREG(stat_of.st_mode))
        add_ref(list, clean)->packed = true;
    else
        find_below(list, clean, 0);
    free(clean);
    if (list->count == before && list->left_out == left_out)
        return fail(why, STATUS_REJECT,
                    "%s: no LTTng trace found: searched for folders `kernel` or `ust`, a file "
                    "`metadata`, `archives/` and files .tar.zst, there and %d levels below",
                    path, SEARCH_DEPTH_MAX);
    return STATUS_OK;
}
