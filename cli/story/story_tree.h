/* cli/story/story_tree.h -- what a thread did, as a tree of stretches of time, and how it is shown. */
#ifndef CLI_STORY_STORY_TREE_H
#define CLI_STORY_STORY_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "cli/story/line.h"

enum story_kind {
    STORY_PHASE,
    STORY_CALL,
    STORY_BLOCKED,
    STORY_RUNNABLE, /* ready, but another runs */
    STORY_UNKNOWN,  /* nothing was seen */
    STORY_IRQ,      /* and softirqs: the CPU was taken from it */
    STORY_EVENT     /* of no duration */
};

struct story_node {
    uint8_t kind; /* enum story_kind */
    bool is_open;
    bool is_minor;            /* STORY_EVENT: of a row of such, how many there are is enough */
    int64_t begin_ns, end_ns; /* since the Unix epoch */
    const char *text, *more;  /* of the begin, of the end; or NULL */
    uint64_t key;             /* of those that look the same */
    uint32_t definition;      /* STORY_PHASE */
    struct story_node *parent, *next, *first, *last;
};

/* All zero is empty; arena_clear(&tree.arena). */
struct story_tree {
    struct arena arena;
    struct story_node *root;
    struct story_node *in; /* the innermost that is open */
    bool knows_states;     /* else nobody knows when the thread ran */
};

/* Begins a stretch in the innermost that is open; `text` is copied. The first is the root. */
struct story_node *story_tree_begin(struct story_tree *tree, enum story_kind kind, int64_t at_ns,
                                    struct text text, uint64_t key);
/* Ends it, and what is open in it. `more` (empty: nothing) is copied. */
void story_tree_end(struct story_tree *tree, struct story_node *node, int64_t at_ns,
                    struct text more);
/* The innermost open one of that kind, or NULL. */
struct story_node *story_tree_open(const struct story_tree *tree, enum story_kind kind);

/* A line for each stretch: how long after the begin of the root, its duration, what it was. What a stretch
 * did between those in it is one line behind them, so that the durations of all lines in it add up to its own.
 * Repetitions are folded unless `unfolded`. */
void story_tree_print(const struct story_tree *tree, bool unfolded, FILE *out);
/* The same, below lines of others: instants count from begin_ns, and the root is as deep as that. */
void story_tree_print_below(const struct story_tree *tree, int64_t begin_ns, unsigned depth,
                            bool unfolded, FILE *out);
/* One line, `after_ns` behind the begin. */
void story_line_print(int64_t after_ns, int64_t took_ns, unsigned depth, const char *text,
                      FILE *out);

#endif
