#include "cli/story/strace_text.h"

#include <string.h>

#include "trace/schema.h"
#include "trace/syscalls.h"

/* The highest error number. Source: MAX_ERRNO of the kernel's include/linux/err.h. */
enum { ERRNO_MAX = 4095, AT_FDCWD_NUMBER = -100 };
/* Such large numbers are almost always addresses. */
static const uint64_t ADDRESS_MIN = UINT64_C(1) << 40;

/* Absent fields, and lengths of sequences. */
static bool is_left_out(const struct field_shape *shape)
{
    return !shape->is_declared || shape->is_length;
}

static void value_text(struct line *line, const struct field_shape *shape,
                       const struct field_value *value)
{
    if (shape->float_bits > 0 && value->type == FIELD_UINT) {
        line_float(line, value->u, shape->float_bits);
        return;
    }
    switch (value->type) {
    case FIELD_ABSENT: line_string(line, "..."); break;
    case FIELD_TEXT: line_quoted(line, value->text); break;
    case FIELD_INT:
        if (shape->base == 16)
            line_hex(line, (uint64_t)value->i);
        else
            line_int(line, value->i);
        break;
    case FIELD_UINT:
        if (shape->base == 16 || value->u >= ADDRESS_MIN)
            line_hex(line, value->u);
        else
            line_uint(line, value->u);
        break;
    }
}

static void named_value(struct line *line, const struct field_shape *shape,
                        const struct field_value *value)
{
    char *at = line_room(line, shape->name_count + 3);
    memcpy(at, shape->name, shape->name_count);
    memcpy(at + shape->name_count, " = ", 3);
    line->count += shape->name_count + 3;
    value_text(line, shape, value);
}

/* False if the field is not a descriptor, or only its number is known. */
static bool descriptor_text(struct line *line, const struct field_shape *shape,
                            const struct field_value *value, const struct strace_names *names)
{
    bool is_number = value->type == FIELD_INT || value->type == FIELD_UINT;
    if (!is_number || !shape->is_descriptor)
        return false;
    int32_t fd = (int32_t)(value->type == FIELD_INT ? (uint64_t)value->i : value->u);
    if (fd == AT_FDCWD_NUMBER) {
        line_string(line, "AT_FDCWD");
        return true;
    }
    if (fd < 0 || names->pid == REPORT_NONE)
        return false;
    const struct fd_row *row = story_names_descriptor(names->names, names->pid, fd, names->wall_ns);
    if (!row || (!row->name && !row->kind))
        return false;
    if (names->numbers || !row->name) {
        line_int(line, fd);
        line_char(line, ' ');
    }
    if (row->name) {
        line_quoted(line, text_of(row->name));
    } else {
        line_char(line, '(');
        line_string(line, row->kind);
        line_char(line, ')');
    }
    return true;
}

void strace_text_entry(struct line *line, const struct event *event,
                       const struct strace_names *names)
{
    bool first = true;
    line_string(line, event->call ? event->call->name : event->class->name);
    line_char(line, '(');
    if (!event->shapes)
        line_string(line, "...");
    for (unsigned i = 0; event->shapes && i < event->field_count; i++) {
        const struct field_shape *shape = &event->shapes[i];
        if (is_left_out(shape))
            continue;
        if (!first)
            line_string(line, ", ");
        first = false;
        if (!descriptor_text(line, shape, &event->fields[i], names))
            named_value(line, shape, &event->fields[i]);
    }
    line_char(line, ')');
}

bool strace_error(const struct event *event, const char **out, char room[16])
{
    if (!event_has_value(event, 0) || event->value[0] >= 0 || event->value[0] < -ERRNO_MAX)
        return false;
    *out = errno_name(event->value[0], room);
    return true;
}

/* A list of numbers: new descriptors. */
static void list_text(struct line *line, const struct field_shape *shape, const struct event *event)
{
    line_text(line, (struct text){shape->name, shape->name_count});
    line_string(line, " = [");
    for (unsigned k = 0; k < event->int_count; k++) {
        line_string(line, k > 0 ? ", " : "");
        line_int(line, event->ints[k]);
    }
    line_char(line, ']');
}

/* Results that are useful numbers, texts, and new descriptors; no addresses, and nothing that the
 * begin of the call already had. */
static void outcome_text(struct line *line, const struct event *event, struct text entry)
{
    bool first = true;
    for (unsigned i = 0; event->shapes && i < event->field_count; i++) {
        const struct field_shape *shape = &event->shapes[i];
        const struct field_value *value = &event->fields[i];
        bool is_float = shape->float_bits > 0;
        bool is_list = !shape->is_taken && !is_float && event->int_count > 0;
        bool is_address =
            shape->base == 16 || (value->type == FIELD_UINT && value->u >= ADDRESS_MIN);
        bool is_useful = value->type == FIELD_TEXT || is_float || (shape->is_taken && !is_address);
        if (shape->is_return || is_left_out(shape) || shape->is_descriptor ||
            (!is_useful && !is_list))
            continue;
        size_t before = line->count;
        line_string(line, first ? " {" : ", ");
        size_t begin = line->count;
        if (is_list)
            list_text(line, shape, event);
        else
            named_value(line, shape, value);
        if (entry.count > 0 &&
            memmem(entry.at, entry.count, line->at + begin, line->count - begin) != NULL)
            line->count = before;
        else
            first = false;
    }
    if (!first)
        line_char(line, '}');
}

static bool returns_address(const struct event *event)
{
    for (unsigned i = 0; event->shapes && i < event->field_count; i++)
        if (event->shapes[i].is_return)
            return event->shapes[i].base == 16;
    return false;
}

void strace_text_exit(struct line *line, const struct event *event, struct text entry)
{
    char room[16];
    const char *error;
    line_string(line, "= ");
    if (strace_error(event, &error, room)) {
        line_string(line, "-1 ");
        line_string(line, error);
        return;
    }
    if (!event_has_value(event, 0))
        line_char(line, '?');
    else if (returns_address(event))
        line_hex(line, (uint64_t)event->value[0]);
    else
        line_int(line, event->value[0]);
    outcome_text(line, event, entry);
}

void strace_text_other(struct line *line, const struct event *event)
{
    bool first = true;
    line_string(line, event->class->name);
    for (unsigned i = 0; event->shapes && i < event->field_count; i++) {
        if (is_left_out(&event->shapes[i]))
            continue;
        line_string(line, first ? " {" : ", ");
        first = false;
        named_value(line, &event->shapes[i], &event->fields[i]);
    }
    if (!first)
        line_char(line, '}');
}
