/* ctf/layout_builder.h -- the fields of a layout as they are being built, and where the
 * lengths and tags among them are. For layout_build.c and what helps it. */
#ifndef CTF_LAYOUT_BUILDER_H
#define CTF_LAYOUT_BUILDER_H

#include "ctf/layout_draft.h"

/* A structure, variant, array ... of which `current` is being built. */
struct frame {
    struct layout_field *field;
    const struct draft_type *type;
    uint32_t current;
};

/* While fields are built, `align` 0 is one that is not there yet. */
struct builder {
    struct draft *draft;
    struct failure *why;
    uint32_t fields; /* built so far, over all classes */
    uint32_t steps;  /* in search of lengths and tags */
    /* What is being built now. */
    enum draft_scope scope;
    uint32_t *stream_clock;
    const struct draft_type *stray; /* a field that shows the clock and is no timestamp */
    struct frame frames[LAYOUT_DEPTH_MAX];
    uint32_t depth;
    /* What is there already, by scope; NULL if there is none. */
    struct layout_field *roots[DRAFT_SCOPES];
    const struct draft_type *root_types[DRAFT_SCOPES];
    /* Slots: events count theirs from 0, each anew; those of packets and event headers, which
     * events may come to want at any time, get their final numbers at the end. */
    uint32_t event_slots, event_slots_most, shared_slots;
    uint32_t **shared; /* every `save` and `from` with a shared slot */
    size_t shared_count, shared_room;
};

/* --- layout_fields.c --- */

/* Builds what stands in `scope`, after all that stands before it; *out is NULL if nothing does
 * (`type` is NULL). */
MUST_CHECK enum status fields_build(struct builder *builder, enum draft_scope scope,
                                    const struct draft_type *type, const struct layout_field **out);
/* REJECT: a field shows the clock, which would be needed to know what time events have. A reader
 * of whole times is not in need of it. */
MUST_CHECK enum status fields_check_stray(struct builder *builder);

/* --- layout_resolve.c --- */

/* The integer that is the length or tag of what `type` describes. */
struct target {
    const struct layout_field *field;
    const struct draft_type *type;
};

/* Finds what `type->path` leads to, has it saved, and puts the slot into `*from`, which stays
 * where it is. If several fields may be meant, depending on options, they share their slot and
 * `*out` is the first.
 * REJECT: nothing there, or no integer. */
MUST_CHECK enum status resolve_path(struct builder *builder, const struct draft_type *type,
                                    uint32_t *from, struct target *out);

/* Gives all slots their final numbers; there are event_slots_most + shared_slots. */
void resolve_number_slots(struct builder *builder);

/* --- layout_measure.c --- */

/* Fills in is_fixed and bits of all fields of event contexts and payloads. */
void layout_measure(const struct layout *layout);

#endif
