#include "cli/story/story_tree.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

/* A repetition: at most PERIOD_MAX nodes, at least REPEATS_MIN times. */
enum { PERIOD_MAX = 8, REPEATS_MIN = 4 };
/* Maximum number of events in one line. */
enum { MINOR_ROW_MAX = 256 };
/* Other instances: minimum number of events in one line, and maximum number of kinds in it. */
enum { OTHERS_ROW_MIN = 4, OTHER_KINDS_MAX = 8 };

struct story_node *story_tree_begin(struct story_tree *tree, enum story_kind kind, int64_t at_ns,
                                    struct text text, uint64_t key)
{
    struct story_node *node = arena_take(&tree->arena, sizeof *node);
    struct story_node *parent = tree->in;
    *node = (struct story_node){.kind = (uint8_t)kind,
                                .is_open = true,
                                .begin_ns = at_ns,
                                .end_ns = at_ns,
                                .text = arena_string(&tree->arena, text),
                                .key = key,
                                .parent = parent};
    assert(parent || !tree->root);
    if (!parent)
        tree->root = node;
    else if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    if (parent)
        parent->last = node;
    tree->in = node;
    return node;
}

void story_tree_end(struct story_tree *tree, struct story_node *node, int64_t at_ns,
                    struct text more)
{
    while (tree->in != node) {
        assert(tree->in);
        tree->in->end_ns = at_ns;
        tree->in->is_open = false;
        tree->in = tree->in->parent;
    }
    node->end_ns = at_ns;
    node->is_open = false;
    if (more.count > 0)
        node->more = arena_string(&tree->arena, more);
    tree->in = node->parent;
}

struct story_node *story_tree_open(const struct story_tree *tree, enum story_kind kind)
{
    struct story_node *node = tree->in;
    while (node && node->kind != kind)
        node = node->parent;
    return node;
}

/* --- print --- */

struct printing {
    struct line line;
    int64_t begin_ns;
    bool knows_states;
    bool unfolded;
    FILE *out;
};

static void begin_line(struct printing *printing, int64_t at_ns, int64_t took_ns, bool has_duration,
                       unsigned depth)
{
    struct line *line = &printing->line;
    line->count = 0;
    line_char(line, '+');
    line_seconds(line, (uint64_t)(at_ns - printing->begin_ns), 9);
    while (line->count < 16)
        line_char(line, ' ');
    if (has_duration)
        line_seconds(line, (uint64_t)took_ns, 9);
    else
        line_char(line, '-');
    while (line->count < 30)
        line_char(line, ' ');
    for (unsigned i = 0; i < depth; i++)
        line_string(line, "  ");
}

static void end_line(struct printing *printing)
{
    line_char(&printing->line, '\n');
    fwrite(printing->line.at, 1, printing->line.count, printing->out);
}

static int64_t duration(const struct story_node *node)
{
    return node->end_ns - node->begin_ns;
}

/* How often the `period` nodes from `at` on repeat consecutively. */
static size_t repeats(struct story_node *const *nodes, size_t count, size_t at, size_t period)
{
    size_t same = 0;
    while (at + period + same < count && nodes[at + same]->key == nodes[at + period + same]->key)
        same++;
    return same / period;
}

static const char *between_text(const struct printing *printing, const struct story_node *node)
{
    switch ((enum story_kind)node->kind) {
    case STORY_CALL: return "(in the kernel";
    case STORY_IRQ: return "(in the handler";
    case STORY_PHASE: return printing->knows_states ? "(in the program" : "(unknown";
    case STORY_BLOCKED:
    case STORY_RUNNABLE:
    case STORY_UNKNOWN:
    case STORY_EVENT: break;
    }
    return "(no other event";
}

static void print_between(struct printing *printing, const struct story_node *node,
                          struct story_node *const *nodes, size_t count, unsigned depth)
{
    int64_t at_ns = node->begin_ns, between_ns = 0;
    size_t pieces = 0;
    for (size_t i = 0; i <= count; i++) {
        int64_t until_ns = i < count ? nodes[i]->begin_ns : node->end_ns;
        pieces += until_ns > at_ns;
        between_ns += until_ns - at_ns;
        at_ns = i < count ? nodes[i]->end_ns : at_ns;
    }
    if (pieces == 0)
        return;
    begin_line(printing, node->begin_ns, between_ns, true, depth);
    line_string(&printing->line, between_text(printing, node));
    if (pieces > 1) {
        line_string(&printing->line, ", in ");
        line_uint(&printing->line, pieces);
        line_string(&printing->line, " parts");
    }
    line_char(&printing->line, ')');
    end_line(printing);
}

/* Prints one line for `count` nodes, which repeat the `period` nodes before them. */
static void print_folded(struct printing *printing, struct story_node *const *nodes, size_t count,
                         size_t period, unsigned depth)
{
    int64_t took_ns = 0;
    for (size_t i = 0; i < count; i++)
        took_ns += duration(nodes[i]);
    begin_line(printing, nodes[0]->begin_ns, took_ns, true, depth);
    struct line *line = &printing->line;
    line_string(line, "... ");
    line_uint(line, count / period);
    line_string(line, " more times");
    bool first = true;
    for (size_t i = 0; period > 1 && i < period; i++) {
        int64_t each_ns = 0;
        for (size_t k = i; k < count; k += period)
            each_ns += duration(nodes[k]);
        if (nodes[i]->kind == STORY_EVENT)
            continue;
        line_string(line, first ? ": " : ", ");
        first = false;
        line_text(line, (struct text){nodes[i]->text, strcspn(nodes[i]->text, "( ;")});
        line_char(line, ' ');
        line_seconds(line, (uint64_t)each_ns, 9);
    }
    line_string(line, ", until +");
    line_seconds(line, (uint64_t)(nodes[count - 1]->end_ns - printing->begin_ns), 9);
    end_line(printing);
}

static void print_node(struct printing *printing, const struct story_node *node, unsigned depth);

/* The number of consecutive minor events from `at` on. */
static size_t minor_row(struct story_node *const *nodes, size_t count, size_t at)
{
    size_t row = 0;
    while (row < MINOR_ROW_MAX && at + row < count && nodes[at + row]->is_minor)
        row++;
    return row;
}

/* `4 events: irq_softirq_raise 2, timer_hrtimer_expire_entry, timer_hrtimer_expire_exit` */
static void print_minor(struct printing *printing, struct story_node *const *nodes, size_t count,
                        unsigned depth)
{
    struct line *line = &printing->line;
    begin_line(printing, nodes[0]->begin_ns, 0, false, depth);
    line_uint(line, count);
    line_string(line, " events");
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0, before = 0;
        for (size_t k = 0; k < count; k++) {
            same += nodes[k]->key == nodes[i]->key;
            before += k < i && nodes[k]->key == nodes[i]->key;
        }
        if (before > 0)
            continue;
        line_string(line, first ? ": " : ", ");
        first = false;
        line_text(line, (struct text){nodes[i]->text, strcspn(nodes[i]->text, " ")});
        if (same > 1) {
            line_char(line, ' ');
            line_uint(line, same);
        }
    }
    end_line(printing);
}

/* The number of consecutive events of other instances from `at` on. */
static size_t others_row(struct story_node *const *nodes, size_t count, size_t at)
{
    size_t row = 0;
    while (at + row < count && nodes[at + row]->other != STORY_NO_OTHER)
        row++;
    return row;
}

/* `2400 other instances of request begin, 2388 of request end, until +0.117999667` */
static void print_others(struct printing *printing, struct story_node *const *nodes, size_t count,
                         unsigned depth)
{
    const struct story_node *kinds[OTHER_KINDS_MAX];
    size_t often[OTHER_KINDS_MAX] = {0}, known = 0, rest = count;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < known && kinds[k]->key != nodes[i]->key)
            k++;
        if (k == OTHER_KINDS_MAX)
            continue;
        if (k == known)
            kinds[known++] = nodes[i];
        often[k]++;
        rest--;
    }
    struct line *line = &printing->line;
    begin_line(printing, nodes[0]->begin_ns, 0, false, depth);
    for (size_t k = 0; k < known; k++) {
        line_string(line, k > 0 ? ", " : "");
        line_uint(line, often[k]);
        if (k == 0)
            line_string(line, often[k] == 1 ? " other instance" : " other instances");
        line_string(line, " of ");
        line_string(line, kinds[k]->text);
        line_string(line, kinds[k]->other == STORY_OTHER_BEGINS ? " begin" : " end");
        line_string(line, often[k] == 1 ? "s" : "");
    }
    if (rest > 0) {
        line_string(line, ", ");
        line_uint(line, rest);
        line_string(line, " more begin or end");
    }
    line_string(line, ", until +");
    line_seconds(line, (uint64_t)(nodes[count - 1]->end_ns - printing->begin_ns), 9);
    end_line(printing);
}

static void print_children(struct printing *printing, const struct story_node *node, unsigned depth)
{
    size_t count = 0;
    for (const struct story_node *child = node->first; child; child = child->next)
        count++;
    if (count == 0)
        return;
    struct story_node **nodes = memory_new(count * sizeof(struct story_node *));
    count = 0;
    for (struct story_node *child = node->first; child; child = child->next)
        nodes[count++] = child;
    for (size_t i = 0; i < count;) {
        size_t minor = printing->unfolded ? 0 : minor_row(nodes, count, i);
        if (minor > 1) {
            print_minor(printing, &nodes[i], minor, depth);
            i += minor;
            continue;
        }
        size_t others = printing->unfolded ? 0 : others_row(nodes, count, i);
        if (others >= OTHERS_ROW_MIN) {
            print_others(printing, &nodes[i], others, depth);
            i += others;
            continue;
        }
        size_t period = 1, often = 0;
        for (; !printing->unfolded && period <= PERIOD_MAX; period++)
            if ((often = repeats(nodes, count, i, period)) >= REPEATS_MIN - 1)
                break;
        if (printing->unfolded || period > PERIOD_MAX) {
            print_node(printing, nodes[i++], depth);
            continue;
        }
        for (size_t k = 0; k < period; k++)
            print_node(printing, nodes[i + k], depth);
        print_folded(printing, &nodes[i + period], often * period, period, depth);
        i += (often + 1) * period;
    }
    print_between(printing, node, nodes, count, depth);
    free(nodes);
}

static void print_node(struct printing *printing, const struct story_node *node, unsigned depth)
{
    begin_line(printing, node->begin_ns, duration(node), node->kind != STORY_EVENT, depth);
    if (node->other != STORY_NO_OTHER)
        line_string(&printing->line, "another instance of ");
    line_string(&printing->line, node->text);
    if (node->other != STORY_NO_OTHER)
        line_string(&printing->line, node->other == STORY_OTHER_BEGINS ? " begins:" : " ends:");
    if (node->more) {
        bool waits = node->kind == STORY_BLOCKED || node->kind == STORY_RUNNABLE ||
                     node->kind == STORY_UNKNOWN;
        line_string(&printing->line, waits ? "; " : " ");
        line_string(&printing->line, node->more);
    }
    end_line(printing);
    print_children(printing, node, depth + 1);
}

void story_tree_print_below(const struct story_tree *tree, int64_t begin_ns, unsigned depth,
                            bool unfolded, FILE *out)
{
    if (!tree->root)
        return;
    struct printing printing = {
        .begin_ns = begin_ns, .knows_states = tree->knows_states, .unfolded = unfolded, .out = out};
    print_node(&printing, tree->root, depth);
    free(printing.line.at);
}

void story_tree_print(const struct story_tree *tree, bool unfolded, FILE *out)
{
    if (tree->root)
        story_tree_print_below(tree, tree->root->begin_ns, 0, unfolded, out);
}

void story_line_print(int64_t after_ns, int64_t took_ns, unsigned depth, const char *text,
                      FILE *out)
{
    struct printing printing = {.out = out};
    begin_line(&printing, after_ns, took_ns, true, depth);
    line_string(&printing.line, text);
    end_line(&printing);
    free(printing.line.at);
}
