#include "chunk/session_marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool same_session(const struct chunk_ref *a, const struct chunk_ref *b)
{
    return strcmp(a->session, b->session) == 0;
}

static const char *name_of(const struct chunk_ref *ref)
{
    return ref->session_names != NULL ? ref->session_names : "//";
}

/* The parts of a session in the list, "host/name/created/clock:PATH" or PATH
 * (shared/chunk/chunk_list.c), besides its name. */
struct session_key {
    const char *clock; /* its hexadecimal digits; NULL: unknown */
    const char *path;  /* NULL: without */
};

enum { CLOCK_DIGITS = 32 };

static struct session_key key_of(const struct chunk_ref *ref)
{
    struct session_key key = {.clock = NULL};
    size_t session_names = ref->session_names != NULL ? strlen(ref->session_names) : 0;
    if (session_names == 0 || strncmp(ref->session, ref->session_names, session_names) != 0) {
        key.path = ref->session;
        return key;
    }
    const char *rest = ref->session + session_names;
    if (rest[0] == '/' && strspn(rest + 1, "0123456789abcdef") >= CLOCK_DIGITS) {
        key.clock = rest + 1;
        rest += 1 + CLOCK_DIGITS;
    }
    if (rest[0] == ':')
        key.path = rest + 1;
    return key;
}

static char *mark_of(const struct chunk_list *list, const struct chunk_ref *ref)
{
    if (ref->snapshot)
        return NULL;
    const struct session_key key = key_of(ref);
    bool path = false, clock = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct chunk_ref *other = &list->at[i];
        if (same_session(other, ref) || other->snapshot ||
            strcmp(name_of(other), name_of(ref)) != 0)
            continue;
        const struct session_key others = key_of(other);
        bool clocks_differ =
            key.clock && others.clock && strncmp(key.clock, others.clock, CLOCK_DIGITS) != 0;
        clock |= clocks_differ;
        path |= !clocks_differ && key.path;
    }
    if (path)
        return memory_string(text_of(key.path));
    return clock ? memory_format("clock-%.*s", CLOCK_DIGITS, key.clock) : NULL;
}

char **session_marks(const struct chunk_list *list)
{
    char **marks = memory_new((list->count + 1) * sizeof *marks);
    for (size_t i = 0; i < list->count; i++) {
        bool known = i > 0 && same_session(&list->at[i - 1], &list->at[i]);
        if (!known)
            marks[i] = mark_of(list, &list->at[i]);
        else if (marks[i - 1] != NULL)
            marks[i] = memory_string(text_of(marks[i - 1]));
    }
    return marks;
}

void session_marks_free(char **marks, size_t count)
{
    for (size_t i = 0; marks != NULL && i < count; i++)
        free(marks[i]);
    free(marks);
}

char *session_marked(const char *session_names, const char *mark)
{
    struct text host, name, created;
    text_session(text_of(session_names != NULL ? session_names : "//"), &host, &name, &created);
    return memory_format("%.*s/%.*s%s%s/%.*s", (int)host.count, host.at, (int)name.count, name.at,
                         mark != NULL ? ":" : "", mark != NULL ? mark : "", (int)created.count,
                         created.at);
}
