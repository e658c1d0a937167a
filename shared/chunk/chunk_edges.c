#include "chunk/chunk_edges.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The number of a chunk's folder or archive; -1 if it has another name. */
static int64_t number_of_entry(const char *name)
{
    static const char END[] = ".tar.zst";
    size_t length = strlen(name), end = sizeof END - 1;
    if (length > end && strcmp(name + length - end, END) == 0)
        length -= end;
    char *stem = memory_string((struct text){name, length});
    int64_t number = chunk_number_of_name(stem);
    free(stem);
    return number;
}

/* Whether `number` is relevant next to the chunk `own`: all before the first, or the ones after the
 * last. */
static bool is_wanted(int64_t number, const struct chunk_ref *own, bool before)
{
    return number >= 0 && (before ? number < own->number : number == own->number + 1);
}

/* The chunks of its session next to `own`, and itself. */
static struct chunk_list list_beside(const struct chunk_ref *own, bool before)
{
    struct chunk_list list = {.at = NULL};
    struct failure ignored;
    char *real = realpath(own->path, NULL);
    char *slash = real != NULL ? strrchr(real, '/') : NULL;
    if (slash == NULL || chunk_list_add(&list, real, &ignored) != STATUS_OK) {
        free(real);
        return list;
    }
    *slash = '\0';
    DIR *dir = opendir(slash > real ? real : "/");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (!is_wanted(number_of_entry(entry->d_name), own, before))
            continue;
        char *path = memory_format("%s/%s", real, entry->d_name);
        enum status status = chunk_list_add(&list, path, &ignored);
        (void)status; /* the session of an unreadable one is unknown */
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
    free(real);
    if (chunk_list_finish(&list, &ignored) != STATUS_OK)
        chunk_list_clear(&list);
    return list;
}

/* The highest chunk number of `own`'s session next to it, before or after its own; -1 if there is
 * none. */
static int64_t number_beside(const struct chunk_ref *own, bool before)
{
    struct chunk_list list = list_beside(own, before);
    int64_t number = -1;
    for (size_t i = 0; i < list.count; i++) {
        const struct chunk_ref *other = &list.at[i];
        if (strcmp(other->session, own->session) == 0 && is_wanted(other->number, own, before) &&
            other->number > number)
            number = other->number;
    }
    chunk_list_clear(&list);
    return number;
}

void chunk_edges_find(const struct chunk_list *list, size_t begin, size_t end,
                      struct chunk_edges *out)
{
    const struct chunk_ref *first = &list->at[begin], *last = &list->at[end - 1];
    out->begin = first->number > 0 ? (uint64_t)(number_beside(first, true) + 1) : 0;
    out->cut_short =
        last->packed && last->interval.end_ns != INTERVAL_OPEN && number_beside(last, false) < 0;
}
