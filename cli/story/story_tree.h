/* cli/story/story_tree.h -- what a thread did, as a tree of time ranges, and its output. */
#ifndef CLI_STORY_STORY_TREE_H
#define CLI_STORY_STORY_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "cli/story/line.h"

enum story_kind {
    STORY_PHASE,
    STORY_CALL,
    STORY_BLOCKED,
    STORY_RUNNABLE, /* ready, but another runs */
    STORY_UNKNOWN,  /* no data */
    STORY_IRQ,      /* interrupts and softirqs, which took the CPU from it */
    STORY_EVENT     /* without duration */
};

/* Whether an event begins or ends an instance that is not part of the story: the name of its phase
 * is the text of the node. */
enum story_other { STORY_NO_OTHER, STORY_OTHER_BEGINS, STORY_OTHER_ENDS };

struct story_node {
    uint8_t kind;  /* enum story_kind */
    uint8_t other; /* enum story_other */
    bool is_open;
    bool is_minor;            /* STORY_EVENT: consecutive ones may be shown as a number */
    int64_t begin_ns, end_ns; /* since the Unix epoch */
    const char *text, *more;  /* of the begin, of the end; or NULL */
    uint64_t key;             /* equal for equal-looking nodes */
    struct story_node *parent, *next, *first, *last;
};

/* Empty if all zero; arena_clear(&tree.arena). */
struct story_tree {
    struct arena arena;
    struct story_node *root;
    struct story_node *in; /* the innermost open one */
    bool knows_states;     /* else it is unknown when the thread ran */
};

/* Begins a node in the innermost open one; `text` is copied. The first is the root. */
struct story_node *story_tree_begin(struct story_tree *tree, enum story_kind kind, int64_t at_ns,
                                    struct text text, uint64_t key);
/* Ends it and its open descendants. `more` (may be empty) is copied. */
void story_tree_end(struct story_tree *tree, struct story_node *node, int64_t at_ns,
                    struct text more);
/* The innermost open one of that kind, or NULL. */
struct story_node *story_tree_open(const struct story_tree *tree, enum story_kind kind);

/* A line for each node: time since the begin of the root, duration, text. The time of a node
 * outside its children is one line after them, so that the durations of all lines in it add up to
 * its own. Repetitions are folded unless `unfolded`. */
void story_tree_print(const struct story_tree *tree, bool unfolded, FILE *out);
/* The same below other lines: times count from begin_ns, and the root has the given depth. */
void story_tree_print_below(const struct story_tree *tree, int64_t begin_ns, unsigned depth,
                            bool unfolded, FILE *out);
/* One line, `after_ns` after the begin. */
void story_line_print(int64_t after_ns, int64_t took_ns, unsigned depth, const char *text,
                      FILE *out);

#endif
