#include "expectation.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/view.h"
#include "base/memory.h"

enum { KEY_FIELDS_MAX = 5 };

/* docs/RESULTS.md, "Types"; every object has `session` besides. */
static const struct {
    const char *type;
    const char *key[KEY_FIELDS_MAX];
} types[] = {
    {"summary", {NULL}},
    {"process", {"pid", "begin_ns"}},
    {"thread", {"tid", "begin_ns"}},
    {"syscall", {"pid", "phase", "syscall"}},
    {"phase", {"pid", "phase"}},
    {"instance", {"pid", "phase", "id"}},
    {"fd", {"pid", "fd", "begin_ns"}},
    {"cpu", {"cpu"}},
    {"sched", {"tid", "begin_ns"}},
    {"count", {"name", "by"}},
    {"span", {"name", "by"}},
    {"waker", {"pid", "phase", "by", "by_tid", "number"}},
    {"ran_instead", {"pid", "phase", "by", "by_tid"}},
};

struct found {
    json_t *object;
    bool expected; /* by some line of the case */
};

struct check {
    const struct case_file *file;
    FILE *out;
    struct found *found;
    size_t found_count, found_room;
    bool good;
};

static void miss(struct check *check, size_t line, const char *what, const char *json)
{
    fprintf(check->out, "%s:%zu: %s %s\n", check->file->name, line, what, json);
    check->good = false;
}

static bool same_field(const json_t *a, const json_t *b, const char *field)
{
    const json_t *value = json_object_get(b, field);
    return value && json_equal(json_object_get(a, field), value);
}

/* The kind whose cells have that type; NULL: not of an analysis. */
static const struct atom_kind *cells_named(const char *type)
{
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)) != NULL; i++)
        if (strcmp(kind->name, type) == 0)
            return kind;
    return NULL;
}

static bool is_key(const char *type, const char *field)
{
    if (strcmp(field, "type") == 0 || strcmp(field, "session") == 0)
        return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (size_t k = 0; k < KEY_FIELDS_MAX && types[i].key[k]; k++)
            if (strcmp(types[i].type, type) == 0 && strcmp(types[i].key[k], field) == 0)
                return true;
    const struct atom_kind *kind = cells_named(type);
    const struct atom_column *column = kind ? atom_kind_column(kind, field) : NULL;
    return column && column->role == ATOM_KEY;
}

static bool is_type(const char *type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (type && strcmp(types[i].type, type) == 0)
            return true;
    return type && cells_named(type);
}

/* Whether `object` has the fields of `wanted`: all of them, or only the key fields. */
static bool has_fields(json_t *wanted, const json_t *object, const char *type, bool keys_only)
{
    const char *field;
    json_t *value;
    json_object_foreach(wanted, field, value) if ((!keys_only || is_key(type, field)) &&
                                                  !same_field(wanted, object, field)) return false;
    return true;
}

static void check_absent(struct check *check, const struct expectation *expected, json_t *wanted)
{
    for (size_t i = 0; i < check->found_count; i++)
        if (has_fields(wanted, check->found[i].object, "", false))
            miss(check, expected->line, "is there, and must not be:", expected->json);
}

static void tell_differences(struct check *check, const struct expectation *expected,
                             json_t *wanted, const json_t *object)
{
    const char *field;
    json_t *value;
    json_object_foreach(wanted, field, value)
    {
        if (same_field(wanted, object, field))
            continue;
        const json_t *got = json_object_get(object, field);
        char *is = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        char *wants = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        fprintf(check->out, "%s:%zu: %s is %s, not %s, in %s\n", check->file->name, expected->line,
                field, is ? is : "(absent)", wants ? wants : "?", expected->json);
        check->good = false;
        free(is);
        free(wants);
    }
}

static void check_present(struct check *check, const struct expectation *expected, json_t *wanted,
                          const char *type)
{
    struct found *match = NULL;
    size_t matches = 0;
    for (size_t i = 0; i < check->found_count; i++) {
        if (!has_fields(wanted, check->found[i].object, type, true))
            continue;
        matches++;
        match = &check->found[i];
    }
    if (matches == 0)
        miss(check, expected->line, "no such object:", expected->json);
    else if (matches > 1)
        miss(check, expected->line, "more than one object has this key:", expected->json);
    else if (match->expected)
        miss(check, expected->line, "is expected twice:", expected->json);
    if (matches != 1)
        return;
    match->expected = true;
    tell_differences(check, expected, wanted, match->object);
}

static void check_one(struct check *check, const struct expectation *expected)
{
    json_error_t error;
    json_t *wanted = json_loads(expected->json, JSON_REJECT_DUPLICATES, &error);
    const char *type = json_string_value(json_object_get(wanted, "type"));
    if (!wanted)
        miss(check, expected->line, error.text, expected->json);
    else if (!is_type(type))
        miss(check, expected->line, "no such type:", expected->json);
    else if (expected->absent)
        check_absent(check, expected, wanted);
    else
        check_present(check, expected, wanted, type);
    json_decref(wanted);
}

static void check_complete(struct check *check, const struct complete_type *complete)
{
    if (!is_type(complete->type))
        miss(check, complete->line, "no such type:", complete->type);
    for (size_t i = 0; i < check->found_count; i++) {
        const char *type = json_string_value(json_object_get(check->found[i].object, "type"));
        if (check->found[i].expected || !type || strcmp(type, complete->type) != 0)
            continue;
        char *json = json_dumps(check->found[i].object, JSON_COMPACT);
        miss(check, complete->line, "is not expected:", json ? json : "?");
        free(json);
    }
}

/* The objects of the report, one per line. */
static void read_report(struct check *check, const char *json_lines)
{
    while (*json_lines) {
        size_t count = strcspn(json_lines, "\n");
        json_error_t error;
        json_t *object = json_loadb(json_lines, count, JSON_REJECT_DUPLICATES, &error);
        if (object) {
            check->found = memory_grow(check->found, &check->found_room, check->found_count + 1,
                                       sizeof *check->found);
            check->found[check->found_count++] = (struct found){.object = object};
        } else {
            fprintf(check->out, "%s: the report has a line that is not JSON: %s: %.*s\n",
                    check->file->name, error.text, (int)count, json_lines);
            check->good = false;
        }
        json_lines += count + (json_lines[count] == '\n');
    }
}

bool expectation_check(const struct case_file *file, const char *json_lines, FILE *out)
{
    struct check check = {.file = file, .out = out, .good = true};
    read_report(&check, json_lines);
    for (size_t i = 0; i < file->expected_count; i++)
        check_one(&check, &file->expected[i]);
    for (size_t i = 0; i < file->complete_count; i++)
        check_complete(&check, &file->complete[i]);
    for (size_t i = 0; i < check.found_count; i++)
        json_decref(check.found[i].object);
    free(check.found);
    return check.good;
}
