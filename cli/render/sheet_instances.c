#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"

static char *value_text(const struct field_value *value)
{
    switch (value->type) {
    case FIELD_ABSENT: break;
    case FIELD_INT: return memory_format("%" PRId64, value->i);
    case FIELD_UINT: return memory_format("%" PRIu64, value->u);
    case FIELD_TEXT: return memory_string(value->text);
    }
    return memory_string(text_of("-"));
}

/* `take_text`, which is freed, and `id=5 file=a` after it. */
static char *add_values(char *take_text, struct named_values values)
{
    for (size_t i = 0; i < values.count; i++) {
        char *value = value_text(&values.at[i].value);
        char *longer =
            memory_format("%s%s%s=%s", take_text, *take_text ? " " : "", values.at[i].name, value);
        free(value);
        free(take_text);
        take_text = longer;
    }
    return take_text;
}

static char *text_of_values(const struct instance_row *row)
{
    char *text = add_values(memory_string(text_of("")), row->match);
    text = add_values(text, row->captured);
    if (row->end_tid == row->tid || row->end_tid == REPORT_NONE)
        return text;
    char *longer =
        memory_format("%s%sended by tid %" PRId64, text, *text ? ", " : "", row->end_tid);
    free(text);
    return longer;
}

static void add_row(struct table *table, size_t rank, const struct instance_row *row)
{
    table_number(table, rank);
    table_text(table, quantity_time(row->begin_ns).text);
    sheet_cell_identity(table, row->tid);
    sheet_cell_spent(table, row->total_ns);
    sheet_cell_spent(table, report_user_alone(row->user_cpu_ns, &row->interrupted) +
                                report_sys_alone(row->sys_cpu_ns, &row->interrupted));
    sheet_cell_spent(table, row->interrupted.irq_ns);
    sheet_cell_spent(table, row->interrupted.softirq_ns);
    sheet_cell_spent(table, row->runnable_ns);
    sheet_cell_spent(table, row->blocked_ns);
    sheet_cell_spent(table, row->queued_ns);
    sheet_cell_spent(table, row->parallel_ns);
    sheet_cell_spent(table, row->unknown_ns);
    sheet_cell_counted(table, row->syscalls);
    sheet_cell_text(table, text_of_values(row));
    sheet_cell_text(table, sheet_text_of_causes(row->blocked_by));
    sheet_cell_text(table, sheet_text_of_waits(row->wakers, row->waker_count, row->blocked_ns));
    sheet_cell_text(
        table, sheet_text_of_waits(row->ran_instead, row->ran_instead_count, row->runnable_ns));
}

/* The number of instances above the threshold that were not kept for lack of room. */
static void note_over(const struct sheet *sheet, const struct phase_row *phase)
{
    struct wrapped wrapped;
    const struct sheet note = sheet_wrap(sheet, &wrapped);
    if (phase->over > SLOWEST_OVER_MAX)
        fprintf(note.out, "  %s exceed keep_over; the slowest %s of them are kept\n",
                quantity_count(phase->over).text, quantity_count(SLOWEST_OVER_MAX).text);
    sheet_unwrap(&wrapped);
}

void sheet_instances_write(const struct sheet *sheet, struct selection selection)
{
    static const struct column columns[] = {
        {"#", COLUMN_NUMBER, CUT_NOT},           {"Begin", COLUMN_TEXT, CUT_NOT},
        {"TID", COLUMN_NUMBER, CUT_NOT},         {"Wall", COLUMN_SPENT, CUT_NOT},
        {"CPU", COLUMN_SPENT, CUT_NOT},          {"IRQ", COLUMN_SPENT, CUT_NOT},
        {"Softirq", COLUMN_SPENT, CUT_NOT},      {"Runnable", COLUMN_SPENT, CUT_NOT},
        {"Blocked", COLUMN_SPENT, CUT_NOT},      {"Queued", COLUMN_SPENT, CUT_NOT},
        {"Parallel", COLUMN_SPENT, CUT_NOT},     {"Unknown", COLUMN_SPENT, CUT_NOT},
        {"System calls", COLUMN_COUNT, CUT_NOT}, {"Values", COLUMN_TEXT, CUT_RIGHT},
        {"Blocked by", COLUMN_TEXT, CUT_ITEMS},  {"Woken by", COLUMN_TEXT, CUT_ITEMS},
        {"Ran instead", COLUMN_TEXT, CUT_ITEMS},
    };
    const struct session_report *session = sheet->session;
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    table_split(table, 1);
    size_t count = 0;
    for (size_t i = 0; i < session->instance_count; i++) {
        const struct instance_row *row = &session->instances[i];
        if (!sheet_selects(selection, row->pid, row->phase))
            continue;
        if (count++ < sheet->top)
            add_row(table, count, row);
    }
    if (count > 0) {
        sheet_put_selection(sheet, "Slowest instances", selection, false);
        table_print(table, sheet->out, &sheet->style);
        sheet_put_rest(sheet, table_rows(table), count);
        note_over(sheet, selection.phase);
    }
    table_free(table);
}
