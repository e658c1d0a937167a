#include "cli/timeline/phase_tracks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "trace/schema.h"

static_assert(PHASE_CAPTURE_MAX <= 64, "a bit each");

struct open_phase {
    const struct phase_definition *definition;
    uint32_t index; /* of it */
    struct track_thread *thread;
    int64_t pid; /* or REPORT_NONE: only of its thread */
    int64_t begin_ns;
    bool of_user_space;
    uint64_t captured;          /* bits of captured fields already written */
    char *path, *name;          /* the name is the last part of the path */
    struct field_value *values; /* of the match fields */
    uint64_t key;
    struct open_phase *same;            /* with the same key, begun before */
    struct open_phase *below;           /* on its thread, begun before */
    struct open_phase *earlier, *later; /* of all */
    struct open_phase *parent;          /* while it is open; or NULL */
    size_t children;                    /* open ones whose parent it is */
};

static const struct field_value *field_of(const struct event *event, const char *name)
{
    static const struct field_value ABSENT = {.type = FIELD_ABSENT};
    const struct field_value *value = event_payload_field(event, name);
    return value ? value : &ABSENT;
}

static struct text name_of(const struct phase_definition *definition, const struct event *event,
                           char room[24])
{
    if (!definition->name_is_field)
        return text_of(definition->name);
    const struct field_value *value = field_of(event, definition->name);
    if (value->type == FIELD_TEXT)
        return value->text;
    if (value->type == FIELD_INT)
        snprintf(room, 24, "%lld", (long long)value->i);
    else
        snprintf(room, 24, "%llu", (unsigned long long)value->u);
    return text_of(room);
}

/* --- keys --- */

/* The key that an end must have to end it; false if a field is missing. */
static bool key_of(const struct phase_definition *definition, uint32_t index, bool is_begin,
                   const struct track_thread *thread, const struct event *event, uint64_t *out)
{
    if (definition->name_is_field && field_of(event, definition->name)->type == FIELD_ABSENT)
        return false;
    bool by_process = definition->match_count > 0 && thread->pid != REPORT_NONE;
    uint64_t who = by_process ? (uint64_t)thread->pid : (uint64_t)thread->tid;
    uint64_t key = hash_number(((uint64_t)index << 1 | by_process) ^ hash_number(who));
    for (size_t i = 0; i < definition->match_count; i++) {
        const struct phase_match *match = &definition->match[i];
        const struct field_value *value =
            field_of(event, is_begin ? match->begin_field : match->end_field);
        if (value->type == FIELD_ABSENT)
            return false;
        key = hash_number(key + (value->type == FIELD_TEXT ? hash_text(value->text) : value->u));
    }
    *out = key;
    return true;
}

static bool is_ended_by(const struct open_phase *phase, uint32_t index,
                        const struct track_thread *thread, const struct event *event)
{
    const struct phase_definition *definition = phase->definition;
    if (phase->index != index)
        return false;
    bool by_process = definition->match_count > 0 && thread->pid != REPORT_NONE;
    if (by_process ? phase->pid != thread->pid : phase->thread != thread)
        return false;
    for (size_t i = 0; i < definition->match_count; i++)
        if (!field_value_equal(&phase->values[i], field_of(event, definition->match[i].end_field)))
            return false;
    return true;
}

/* --- open phases --- */

static void unlink_from(struct open_phase **link, const struct open_phase *phase, size_t next)
{
    while (*link && *link != phase)
        link = (struct open_phase **)((char *)*link + next);
    if (*link)
        *link = *(struct open_phase **)((char *)*link + next);
}

/* Moves its children, which all began later, to its parent. */
static void leave_family(struct open_phase *phase)
{
    for (struct open_phase *other = phase->later; phase->children > 0; other = other->later) {
        assert(other);
        if (other->parent != phase)
            continue;
        other->parent = phase->parent;
        phase->children--;
        if (phase->parent)
            phase->parent->children++;
    }
    if (phase->parent)
        phase->parent->children--;
}

static void forget(struct phase_tracks *phases, struct open_phase *phase)
{
    struct open_phase *first = map_get(&phases->by_key, phase->key);
    unlink_from(&first, phase, offsetof(struct open_phase, same));
    if (first)
        map_put(&phases->by_key, phase->key, first);
    else
        map_remove(&phases->by_key, phase->key);
    unlink_from(&phase->thread->phases, phase, offsetof(struct open_phase, below));
    if (phase->earlier)
        phase->earlier->later = phase->later;
    else
        phases->first = phase->later;
    if (phase->later)
        phase->later->earlier = phase->earlier;
    else
        phases->last = phase->earlier;
    leave_family(phase);
    for (size_t i = 0; i < phase->definition->match_count; i++)
        if (phase->values[i].type == FIELD_TEXT)
            free((char *)(uintptr_t)phase->values[i].text.at);
    free(phase->values);
    free(phase->path);
    free(phase);
}

static void not_seen(struct phase_tracks *phases, struct open_phase *phase, int64_t at_ns)
{
    tracks_end(phases->tracks, phase->thread, phase, at_ns, tracks_not_seen());
    forget(phases, phase);
}

static void end_late(struct phase_tracks *phases, int64_t at_ns)
{
    for (struct open_phase *phase = phases->first, *next; phase; phase = next) {
        next = phase->later;
        if ((uint64_t)(at_ns - phase->begin_ns) <= phase->definition->timeout_ns)
            return;
        not_seen(phases, phase, at_ns);
    }
}

void phase_tracks_end_process(struct phase_tracks *phases, int64_t pid, bool of_user_space,
                              int64_t at_ns)
{
    for (struct open_phase *phase = phases->first, *next; phase; phase = next) {
        next = phase->later;
        if (phase->pid == pid && (!of_user_space || phase->of_user_space))
            not_seen(phases, phase, at_ns);
    }
}

void phase_tracks_clear(struct phase_tracks *phases)
{
    while (phases->first)
        forget(phases, phases->first);
    map_clear(&phases->by_key);
}

/* --- values --- */

static struct perfetto_note note_of(const char *name, const struct field_value *value)
{
    struct perfetto_note note = {.name = name};
    if (value->type == FIELD_TEXT)
        note.text = value->text.at ? value->text : text_of("");
    else
        note.number = value->i;
    note.is_unsigned = value->type == FIELD_UINT;
    return note;
}

/* Adds captured fields that the event has and earlier events lacked. */
static size_t capture(struct open_phase *phase, const struct event *event,
                      struct perfetto_note *notes)
{
    const struct phase_definition *definition = phase->definition;
    size_t count = 0;
    for (size_t i = 0; i < definition->capture_count; i++) {
        const struct field_value *value = field_of(event, definition->capture[i]);
        if (value->type == FIELD_ABSENT || (phase->captured >> i & 1) != 0)
            continue;
        phase->captured |= UINT64_C(1) << i;
        notes[count++] = note_of(definition->capture[i], value);
    }
    return count;
}

/* --- ends --- */

static void end_with(struct phase_tracks *phases, struct open_phase *phase,
                     const struct track_thread *thread, const struct followed *followed)
{
    struct perfetto_note notes[TRACK_NOTES_MAX];
    size_t count = capture(phase, followed->event, notes);
    if (thread != phase->thread)
        notes[count++] = (struct perfetto_note){.name = "ended by tid", .number = thread->tid};
    tracks_end(phases->tracks, phase->thread, phase, followed->wall_ns,
               (struct perfetto_notes){notes, count});
    forget(phases, phase);
}

static void take_ends(struct phase_tracks *phases, struct track_thread *thread,
                      const struct followed *followed)
{
    const struct event *event = followed->event;
    const struct event_class *class = event->class;
    for (size_t i = 0; i < class->end_count; i++) {
        uint32_t index = class->ends[i];
        const struct phase_definition *definition = class->phases->at[index];
        uint64_t key;
        if (!phase_filters_pass(definition->end_filter, definition->end_filter_count, event,
                                event_payload_field) ||
            !key_of(definition, index, false, thread, event, &key))
            continue;
        struct open_phase *phase = map_get(&phases->by_key, key);
        while (phase && !is_ended_by(phase, index, thread, event))
            phase = phase->same;
        if (!phase)
            continue;
        if ((uint64_t)(followed->wall_ns - phase->begin_ns) > definition->timeout_ns)
            not_seen(phases, phase, followed->wall_ns);
        else
            end_with(phases, phase, thread, followed);
    }
}

/* --- begins --- */

/* Whether both definitions have common match fields, and these agree. */
static bool agrees(const struct open_phase *parent, const struct phase_definition *definition,
                   const struct event *event)
{
    size_t common = 0;
    for (size_t i = 0; i < definition->match_count; i++)
        for (size_t k = 0; k < parent->definition->match_count; k++) {
            const char *name = definition->match[i].begin_field;
            if (strcmp(parent->definition->match[k].begin_field, name) != 0)
                continue;
            common++;
            if (!field_value_equal(&parent->values[k], field_of(event, name)))
                return false;
        }
    return common > 0;
}

static struct open_phase *parent_of(const struct phase_tracks *phases,
                                    const struct phase_definition *definition,
                                    const struct track_thread *thread, const struct event *event)
{
    if (!definition->parent)
        return NULL;
    for (struct open_phase *phase = thread->phases; phase; phase = phase->below)
        if (phase_is_named(phase->definition, definition->parent))
            return phase;
    for (struct open_phase *phase = phases->last; phase; phase = phase->earlier)
        if (thread->pid != REPORT_NONE && phase->pid == thread->pid &&
            phase_is_named(phase->definition, definition->parent) &&
            agrees(phase, definition, event))
            return phase;
    return NULL;
}

/* Whether the innermost phase slice of the thread's track, if any, is an ancestor of the phase. */
static bool is_nested(const struct open_phase *phase)
{
    const struct track_slice *top = tracks_top(phase->thread, "phase");
    for (const struct open_phase *in = phase->parent; top && in; in = in->parent)
        if (in == top->owner)
            return true;
    return !top;
}

/* Copies texts, of any length, since they are compared. */
static struct field_value copy_of(const struct field_value *value)
{
    struct field_value copy = *value;
    if (value->type == FIELD_TEXT)
        copy.text.at = memory_string(value->text);
    return copy;
}

static void link_phase(struct phase_tracks *phases, struct open_phase *phase)
{
    void **place = map_place(&phases->by_key, phase->key);
    phase->same = *place;
    *place = phase;
    phase->below = phase->thread->phases;
    phase->thread->phases = phase;
    phase->earlier = phases->last;
    if (phases->last)
        phases->last->later = phase;
    else
        phases->first = phase;
    phases->last = phase;
}

static void write_begin(struct phase_tracks *phases, struct open_phase *phase,
                        const struct followed *followed)
{
    const struct phase_definition *definition = phase->definition;
    struct perfetto_note notes[TRACK_NOTES_MAX];
    size_t count = capture(phase, followed->event, notes);
    for (size_t i = 0; i < definition->match_count; i++)
        notes[count++] = note_of(definition->match[i].begin_field, &phase->values[i]);
    struct track_slice slice = {
        .category = "phase", .name = text_of(phase->name), .path = phase->path, .owner = phase};
    tracks_begin(phases->tracks, phase->thread, slice, is_nested(phase), followed->wall_ns,
                 (struct perfetto_notes){notes, count});
}

static void take_begin(struct phase_tracks *phases, struct track_thread *thread,
                       const struct followed *followed, uint32_t index)
{
    const struct event *event = followed->event;
    const struct phase_definition *definition = event->class->phases->at[index];
    char room[24];
    struct text name = name_of(definition, event, room);
    uint64_t key;
    if (!phase_filters_pass(definition->begin_filter, definition->begin_filter_count, event,
                            event_payload_field) ||
        !key_of(definition, index, true, thread, event, &key))
        return;
    struct open_phase *phase = memory_new(sizeof *phase);
    *phase = (struct open_phase){.definition = definition,
                                 .index = index,
                                 .thread = thread,
                                 .pid = thread->pid,
                                 .begin_ns = followed->wall_ns,
                                 .of_user_space = event->domain == DOMAIN_UST,
                                 .key = key};
    phase->parent = parent_of(phases, definition, thread, event);
    phase->path = memory_format("%s%s%.*s", phase->parent ? phase->parent->path : "",
                                phase->parent ? "/" : "", (int)name.count, name.at);
    phase->name = phase->path + strlen(phase->path) - name.count;
    phase->values = memory_new((definition->match_count + 1) * sizeof *phase->values);
    for (size_t i = 0; i < definition->match_count; i++)
        phase->values[i] = copy_of(field_of(event, definition->match[i].begin_field));
    if (phase->parent)
        phase->parent->children++;
    write_begin(phases, phase, followed);
    link_phase(phases, phase);
}

void phase_tracks_take(struct phase_tracks *phases, struct track_thread *thread,
                       const struct followed *followed)
{
    const struct event_class *class = followed->event->class;
    if (class->end_count > 0)
        take_ends(phases, thread, followed);
    if (class->begin_count == 0)
        return;
    end_late(phases, followed->wall_ns);
    for (size_t i = 0; i < class->begin_count; i++)
        take_begin(phases, thread, followed, class->begins[i]);
}
