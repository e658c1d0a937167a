/* ctf/layout_builder.h -- the fields of a layout while it is built, and the position of the lengths
 * and tags among them. For layout_build.c and its helpers. */
#ifndef CTF_LAYOUT_BUILDER_H
#define CTF_LAYOUT_BUILDER_H

#include "ctf/layout_draft.h"

/* A structure, variant, array ... whose child `current` is being built. */
struct frame {
    struct layout_field *field;
    const struct draft_type *type;
    uint32_t current;
};

/* While fields are built, `align` 0 marks one that is not built yet. */
struct builder {
    struct draft *draft;
    struct failure *why;
    uint32_t fields; /* built so far, over all classes */
    uint32_t steps;  /* of searches for lengths and tags */
    /* Current position. */
    enum draft_scope scope;
    uint32_t *stream_clock;
    const struct draft_type *stray; /* a field that shows the clock and is not a timestamp */
    struct frame frames[LAYOUT_DEPTH_MAX];
    uint32_t depth;
    /* Finished fields, by scope; NULL if there is none. */
    struct layout_field *roots[DRAFT_SCOPES];
    const struct draft_type *root_types[DRAFT_SCOPES];
    /* Slots: each event counts its own from 0; those of packets and event headers, which any later
     * event may use, get their final numbers at the end. */
    uint32_t event_slots, event_slots_most, shared_slots;
    uint32_t **shared; /* every `save` and `from` with a shared slot */
    size_t shared_count, shared_room;
};

/* --- layout_fields.c --- */

/* Builds the field in `scope`, after all earlier scopes; *out is NULL if there is none (`type` is
 * NULL). */
MUST_CHECK enum status fields_build(struct builder *builder, enum draft_scope scope,
                                    const struct draft_type *type, const struct layout_field **out);
/* REJECT: a field shows the clock and is not a timestamp, and timestamps of events have less than
 * 64 bits, so that its value would be needed. */
MUST_CHECK enum status fields_check_stray(struct builder *builder);

/* --- layout_resolve.c --- */

/* The integer that is the length or tag for `type`. */
struct target {
    const struct layout_field *field;
    const struct draft_type *type;
};

/* Finds the field of `type->path`, has its value saved, and stores the slot number in `*from`,
 * whose address must not change. If it can be one of several fields, depending on options, they
 * share their slot and `*out` is the first.
 * REJECT: there is none, or it is not an integer. */
MUST_CHECK enum status resolve_path(struct builder *builder, const struct draft_type *type,
                                    uint32_t *from, struct target *out);

/* Sets the final numbers of all slots; there are event_slots_most + shared_slots. */
void resolve_number_slots(struct builder *builder);

/* --- layout_measure.c --- */

/* Sets is_fixed and bits of all fields of event contexts and payloads. */
void layout_measure(const struct layout *layout);

#endif
