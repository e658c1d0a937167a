/* cli/story/story_phases.h -- which phases that a thread begins belong to the instance of its story,
 * and which belong to other instances that are open at the same time. */
#ifndef CLI_STORY_STORY_PHASES_H
#define CLI_STORY_STORY_PHASES_H

#include "cli/story/phase_stack.h"
#include "cli/story/story_tree.h"

/* Deeper ones are shown as other instances. */
enum { STORY_PHASE_DEPTH_MAX = 16 };

/* An open phase of a story. */
struct story_phase {
    struct story_node *node; /* in its tree */
    struct open_instance instance;
    bool is_known;  /* else its begin event and `instance` are unknown */
    size_t others;  /* open other instances of its definition */
    size_t doubles; /* of these, those with equal match fields */
};

/* Open instances of a definition that are not part of the story. */
struct story_others {
    const struct phase_definition *definition;
    size_t open;
};

/* Outermost first; the first is the root. Empty if all zero. */
struct story_phases {
    struct story_phase *at;
    size_t count, room;
    struct story_others *others;
    size_t other_count, other_room;
};

void story_phases_clear(struct story_phases *phases);
/* Adds one whose begin event is not known yet. */
void story_phases_push(struct story_phases *phases, struct story_node *node);
/* Sets the begin event of the last one. */
void story_phases_know(struct story_phases *phases, const struct phase_definition *definition,
                       const struct followed *followed);
/* Forgets those whose nodes have ended. */
void story_phases_settle(struct story_phases *phases);

/* Whether an instance of the definition (one of `all`) that begins at the event is part of an open
 * phase: its child, its segment, or a segment of the same request. Else it is one of the others. */
bool story_phases_take_begin(struct story_phases *phases, const struct phase_definitions *all,
                             const struct phase_definition *definition,
                             const struct followed *followed);

enum story_end { STORY_ENDS_NONE, STORY_ENDS_OTHER, STORY_ENDS_ROOT, STORY_ENDS_PHASE };

/* What the event, an end event of the definition that passes its filters, ends; *node is set for
 * the root and a phase. */
enum story_end story_phases_take_end(struct story_phases *phases,
                                     const struct phase_definition *definition,
                                     const struct event *event, struct story_node **node);

#endif
