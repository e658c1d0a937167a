#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"
#include "results/phase_faults.h"

enum { CAUSES_SHOWN = 3 };

/* Tree order: a parent precedes its descendants, and these precede its next sibling. */
static int compare_paths(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    int left = *a == '/' ? 1 : (uint8_t)*a ? (uint8_t)*a + 1 : 0;
    int right = *b == '/' ? 1 : (uint8_t)*b ? (uint8_t)*b + 1 : 0;
    return left - right;
}

static int compare_phase_places(const void *left, const void *right)
{
    const struct phase_row *a = *(const struct phase_row *const *)left;
    const struct phase_row *b = *(const struct phase_row *const *)right;
    int order = sheet_compare_signed(a->pid, b->pid);
    return order ? order : compare_paths(a->phase, b->phase);
}

/* The phases of one process, in tree order. */
struct process_phases {
    const struct phase_row **at;
    size_t count;
    uint64_t top_ns, top_count; /* of the phases without a parent */
};

static int compare_process_phases(const void *left, const void *right)
{
    const struct process_phases *a = left;
    const struct process_phases *b = right;
    int order = sheet_compare(b->top_ns, a->top_ns);
    return order ? order : sheet_compare_signed(a->at[0]->pid, b->at[0]->pid);
}

/* Groups sorted rows by process, the longest first; the caller frees the array. */
static struct process_phases *group_phases(const struct phase_row **rows, size_t count,
                                           size_t *group_count)
{
    struct process_phases *groups = memory_new(count * sizeof *groups);
    *group_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || rows[i]->pid != rows[i - 1]->pid)
            groups[(*group_count)++].at = rows + i;
        struct process_phases *group = &groups[*group_count - 1];
        group->count++;
        if (!strchr(rows[i]->phase, '/')) {
            group->top_ns += rows[i]->complete.total_ns;
            group->top_count += rows[i]->complete.count;
        }
    }
    qsort(groups, *group_count, sizeof *groups, compare_process_phases);
    return groups;
}

/* A phase in the tree of its process. */
struct phase_node {
    const struct phase_row *row;
    const struct phase_node *parent; /* NULL: none */
    unsigned depth;
    bool shown;
};

static int compare_totals(const struct phase_row *a, const struct phase_row *b)
{
    int order = sheet_compare(b->complete.total_ns, a->complete.total_ns);
    return order ? order : compare_paths(a->phase, b->phase);
}

static const struct phase_node *ancestor(const struct phase_node *node, unsigned depth)
{
    while (node->depth > depth)
        node = node->parent;
    return node;
}

/* Siblings by time, each followed by its descendants. */
static int compare_nodes(const void *left, const void *right)
{
    const struct phase_node *a = *(const struct phase_node *const *)left;
    const struct phase_node *b = *(const struct phase_node *const *)right;
    unsigned least = a->depth < b->depth ? a->depth : b->depth;
    const struct phase_node *above_a = ancestor(a, least), *above_b = ancestor(b, least);
    if (above_a == above_b)
        return (a->depth > b->depth) - (a->depth < b->depth);
    while (above_a->parent != above_b->parent) {
        above_a = above_a->parent;
        above_b = above_b->parent;
    }
    return compare_totals(above_a->row, above_b->row);
}

static int compare_node_totals(const void *left, const void *right)
{
    const struct phase_node *a = *(const struct phase_node *const *)left;
    const struct phase_node *b = *(const struct phase_node *const *)right;
    return compare_totals(a->row, b->row);
}

/* The tree of a process: its longest phases, up to `top`, and their ancestors; the rest is not
 * `shown`. */
struct phase_tree {
    struct phase_node *nodes;         /* owned */
    const struct phase_node **sorted; /* owned; in printing order */
    size_t count, shown;
};

static void show(struct phase_tree *tree, const struct phase_node *node)
{
    for (; node && !node->shown; node = node->parent) {
        tree->nodes[node - tree->nodes].shown = true;
        tree->shown++;
    }
}

static struct phase_tree plant(const struct process_phases *group, size_t top)
{
    struct phase_tree tree = {.count = group->count};
    tree.nodes = memory_new(group->count * sizeof *tree.nodes);
    tree.sorted = memory_new(group->count * sizeof *tree.sorted);
    for (size_t i = 0; i < group->count; i++) {
        /* Rows are sorted by path: the parent is the last row, or one of its ancestors. */
        const struct phase_node *above = i ? &tree.nodes[i - 1] : NULL;
        while (above && !sheet_phase_is_below(group->at[i]->phase, above->row->phase))
            above = above->parent;
        tree.nodes[i] =
            (struct phase_node){group->at[i], above, above ? above->depth + 1 : 0, false};
        tree.sorted[i] = &tree.nodes[i];
    }
    qsort(tree.sorted, tree.count, sizeof *tree.sorted, compare_node_totals);
    for (size_t i = 0; i < tree.count && i < top; i++)
        show(&tree, tree.sorted[i]);
    qsort(tree.sorted, tree.count, sizeof *tree.sorted, compare_nodes);
    return tree;
}

static void fell(struct phase_tree *tree)
{
    free(tree->nodes);
    free(tree->sorted);
}

bool sheet_phase_is_below(const char *path, const char *parent)
{
    size_t count = strlen(parent);
    return strncmp(path, parent, count) == 0 && path[count] == '/';
}

/* The last name of a path, indented by its depth. */
static char *indented_phase(const struct phase_node *node)
{
    size_t above = node->parent ? strlen(node->parent->row->phase) + 1 : 0;
    return memory_format("%*s%s", (int)(2 * node->depth), "", node->row->phase + above);
}

static int compare_causes(const void *left, const void *right)
{
    const struct named_number *a = left;
    const struct named_number *b = right;
    int order = sheet_compare(b->number, a->number);
    return order ? order : strcmp(a->name, b->name);
}

/* `numbers`, greatest first; the caller frees the array. */
static struct named_number *sorted_numbers(struct named_numbers numbers)
{
    struct named_number *sorted = memory_new(numbers.count * sizeof *sorted);
    if (numbers.count)
        memcpy(sorted, numbers.at, numbers.count * sizeof *sorted);
    qsort(sorted, numbers.count, sizeof *sorted, compare_causes);
    return sorted;
}

char *sheet_text_of_causes(struct named_numbers blocked_by)
{
    struct named_number *sorted = sorted_numbers(blocked_by);
    char *text = memory_string(text_of(""));
    size_t i = 0;
    for (; i < blocked_by.count && i < CAUSES_SHOWN; i++) {
        /* Less than a hundredth of the first is not shown. */
        if (sorted[i].number < sorted[0].number / 100 || sorted[i].number == 0)
            break;
        char *longer = memory_format("%s%s%s %s", text, i ? ", " : "",
                                     *sorted[i].name ? sorted[i].name : "(no call)",
                                     quantity_lone_duration(sorted[i].number).text);
        free(text);
        text = longer;
    }
    uint64_t rest_ns = 0, first_ns = blocked_by.count ? sorted[0].number : 0;
    while (i < blocked_by.count)
        rest_ns += sorted[i++].number;
    free(sorted);
    return sheet_add_others(text, rest_ns, first_ns);
}

void sheet_cell_spent(struct table *table, uint64_t ns)
{
    if (ns)
        table_number(table, ns);
    else
        table_none(table);
}

/* The share of its parent's time; a root phase has none. */
static void cell_share(struct table *table, const struct phase_node *node)
{
    uint64_t whole = node->parent ? node->parent->row->complete.total_ns : 0;
    if (whole)
        table_text(table,
                   quantity_percent((double)node->row->complete.total_ns / (double)whole).text);
    else
        table_none(table);
}

static void write_times(const struct sheet *sheet, const struct phase_tree *tree)
{
    static const struct column columns[] = {
        {"Phase", COLUMN_TEXT, CUT_NOT},        {"Count", COLUMN_COUNT, CUT_NOT},
        {"Wall", COLUMN_SPENT, CUT_NOT},        {"Of parent", COLUMN_SHARE, CUT_NOT},
        {"User CPU", COLUMN_SPENT, CUT_NOT},    {"Sys CPU", COLUMN_SPENT, CUT_NOT},
        {"IRQ", COLUMN_SPENT, CUT_NOT},         {"Softirq", COLUMN_SPENT, CUT_NOT},
        {"Runnable", COLUMN_SPENT, CUT_NOT},    {"Blocked", COLUMN_SPENT, CUT_NOT},
        {"Queued", COLUMN_SPENT, CUT_NOT},      {"Parallel", COLUMN_SPENT, CUT_NOT},
        {"Unknown", COLUMN_SPENT, CUT_NOT},     {"System calls", COLUMN_COUNT, CUT_NOT},
        {"Blocked by", COLUMN_TEXT, CUT_ITEMS},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    table_split(table, 1);
    for (size_t i = 0; i < tree->count; i++) {
        const struct phase_row *row = tree->sorted[i]->row;
        if (!tree->sorted[i]->shown)
            continue;
        sheet_cell_text(table, indented_phase(tree->sorted[i]));
        table_number(table, row->complete.count);
        sheet_cell_spent(table, row->complete.total_ns);
        cell_share(table, tree->sorted[i]);
        sheet_cell_spent(table, report_user_alone(row->user_cpu_ns, &row->interrupted));
        sheet_cell_spent(table, report_sys_alone(row->sys_cpu_ns, &row->interrupted));
        sheet_cell_spent(table, row->interrupted.irq_ns);
        sheet_cell_spent(table, row->interrupted.softirq_ns);
        sheet_cell_spent(table, row->runnable_ns);
        sheet_cell_spent(table, row->blocked_ns);
        sheet_cell_spent(table, row->queued_ns);
        sheet_cell_spent(table, row->parallel_ns);
        sheet_cell_spent(table, row->unknown_ns);
        sheet_cell_counted(table, row->syscalls);
        sheet_cell_text(table, sheet_text_of_causes(row->blocked_by));
    }
    table_print(table, sheet->out, &sheet->style);
    table_free(table);
}

/* Durations of instances. */
static void write_durations(const struct sheet *sheet, const struct phase_tree *tree)
{
    static const struct column columns[] = {
        {"Phase", COLUMN_TEXT, CUT_NOT}, {"Mean", COLUMN_SINGLE, CUT_NOT},
        {"p50", COLUMN_ABOUT, CUT_NOT},  {"p95", COLUMN_ABOUT, CUT_NOT},
        {"p99", COLUMN_ABOUT, CUT_NOT},  {"Max", COLUMN_SINGLE, CUT_NOT},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    table_split(table, 1);
    for (size_t i = 0; i < tree->count; i++) {
        const struct durations *complete = &tree->sorted[i]->row->complete;
        if (!tree->sorted[i]->shown || complete->count == 0)
            continue;
        sheet_cell_text(table, indented_phase(tree->sorted[i]));
        table_number(table, complete->total_ns / complete->count);
        sheet_cell_quantile(table, 500, complete);
        sheet_cell_quantile(table, 950, complete);
        sheet_cell_quantile(table, 990, complete);
        table_number(table, complete->max_ns);
    }
    if (table_rows(table) > 0) {
        fputc('\n', sheet->out);
        table_print(table, sheet->out, &sheet->style);
    }
    table_free(table);
}

static void write_phase_group(const struct sheet *sheet, const struct process_phases *group)
{
    sheet_put_heading(sheet, "Time per phase");
    fputs("  ", sheet->out);
    sheet_put_process(sheet->out, group->at[0]->process, group->at[0]->pid);
    fputs(", ", sheet->out);
    sheet_put_counted(sheet->out, group->top_count, "complete instance", "complete instances");
    fputc('\n', sheet->out);
    struct phase_tree tree = plant(group, sheet->top);
    write_times(sheet, &tree);
    write_durations(sheet, &tree);
    sheet_put_rest(sheet, tree.shown, tree.count);
    sheet_note_phases(sheet, group->at, group->count);
    fell(&tree);
}

static int compare_phase_times(const void *left, const void *right)
{
    const struct phase_row *a = *(const struct phase_row *const *)left;
    const struct phase_row *b = *(const struct phase_row *const *)right;
    int order = sheet_compare(b->complete.total_ns, a->complete.total_ns);
    return order ? order : compare_phase_places(left, right);
}

/* A requested table is printed even if it is empty, with the reason; also definitions without a row
 * because they match nothing. */
static void write_faults(const struct sheet *sheet)
{
    struct arena arena = {.first = NULL};
    size_t count;
    const char *const *faults = phase_faults(sheet->session, 1, FAULTS_OF_PHASES, &arena, &count);
    bool none = sheet->session->phase_count == 0;
    if (none || count > 0) {
        sheet_put_heading(sheet, none ? "Time per phase" : "Phase definitions that cannot match");
        fputc('\n', sheet->out);
    }
    if (none && count == 0)
        fputs(sheet->session->some_processes
                  ? "  none: the selected processes have no instance of these phases\n"
                  : "  none: no event begins or ends one of these phases\n",
              sheet->out);
    sheet_put_lines(sheet, faults, count);
    arena_clear(&arena);
}

static bool asks_for_phases(const struct phase_uses *uses)
{
    for (size_t i = 0; i < uses->count; i++)
        if (uses->at[i].part != PHASE_COUNT)
            return true;
    return false;
}

void sheet_phases_write(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    const struct phase_row **rows = memory_new(session->phase_count * sizeof *rows);
    for (size_t i = 0; i < session->phase_count; i++)
        rows[i] = &session->phases[i];
    qsort(rows, session->phase_count, sizeof *rows, compare_phase_places);
    size_t group_count = 0;
    struct process_phases *groups = group_phases(rows, session->phase_count, &group_count);
    for (size_t i = 0; i < group_count && i < sheet->top; i++)
        write_phase_group(sheet, &groups[i]);
    if (asks_for_phases(&session->uses))
        write_faults(sheet);
    if (group_count > sheet->top)
        fprintf(sheet->out, "\n... and %s more processes with phases\n",
                quantity_count(group_count - sheet->top).text);
    free(groups);

    qsort(rows, session->phase_count, sizeof *rows, compare_phase_times);
    for (size_t i = 0; i < session->phase_count && i < sheet->top; i++) {
        if (!strchr(rows[i]->phase, '/'))
            sheet_instances_write(sheet, (struct selection){rows[i]});
        sheet_calls_write(sheet, (struct selection){rows[i]});
        sheet_files_write(sheet, (struct selection){rows[i]});
    }
    free(rows);
}
