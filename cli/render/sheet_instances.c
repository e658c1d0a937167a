#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

/* `waits_apart`: what blocked it is in the table of waits. */
static void add_row(struct table *table, const struct instance_row *row, bool waits_apart)
{
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
    if (waits_apart)
        table_none(table);
    else
        sheet_cell_text(table, sheet_text_of_causes(row->blocked_by));
    sheet_cell_text(table, text_of_values(row));
}

static bool knows_whom(const struct instance_row *row)
{
    return row->waker_count + row->ran_instead_count > 0;
}

/* Whether it is known for whom an instance waited. */
static bool any_knows_whom(const struct session_report *session, struct selection selection)
{
    for (size_t i = 0; i < session->instance_count; i++)
        if (sheet_selects(selection, session->instances[i].pid, session->instances[i].phase) &&
            knows_whom(&session->instances[i]))
            return true;
    return false;
}

/* The same instance in the table of its waits: what it waited for, and for whom. */
static void add_waits(struct table *table, const struct instance_row *row)
{
    table_text(table, quantity_time(row->begin_ns).text);
    sheet_cell_identity(table, row->tid);
    sheet_cell_text(table, sheet_text_of_causes(row->blocked_by));
    sheet_cell_text(table, sheet_text_of_waits(row->wakers, row->waker_count));
    sheet_cell_text(table, sheet_text_of_waits(row->ran_instead, row->ran_instead_count));
}

/* The number of instances above the threshold that were not kept for lack of room. */
static void note_over(const struct sheet *sheet, const struct phase_row *phase)
{
    if (phase->over > SLOWEST_OVER_MAX)
        fprintf(sheet->out, "  %s exceed keep_over; the slowest %s of them are kept\n",
                quantity_count(phase->over).text, quantity_count(SLOWEST_OVER_MAX).text);
}

void sheet_instances_write(const struct sheet *sheet, struct selection selection)
{
    static const struct column columns[] = {
        {"Begin", COLUMN_TEXT, CUT_NOT},      {"TID", COLUMN_NUMBER, CUT_NOT},
        {"Wall", COLUMN_SPENT, CUT_NOT},      {"CPU", COLUMN_SPENT, CUT_NOT},
        {"IRQ", COLUMN_SPENT, CUT_NOT},       {"Softirq", COLUMN_SPENT, CUT_NOT},
        {"Runnable", COLUMN_SPENT, CUT_NOT},  {"Blocked", COLUMN_SPENT, CUT_NOT},
        {"Queued", COLUMN_SPENT, CUT_NOT},    {"Parallel", COLUMN_SPENT, CUT_NOT},
        {"Unknown", COLUMN_SPENT, CUT_NOT},   {"System calls", COLUMN_COUNT, CUT_NOT},
        {"Blocked by", COLUMN_TEXT, CUT_NOT}, {"Values", COLUMN_TEXT, CUT_RIGHT},
    };
    /* Apart from the times: they have long texts. */
    static const struct column waits_columns[] = {
        {"Begin", COLUMN_TEXT, CUT_NOT},         {"TID", COLUMN_NUMBER, CUT_NOT},
        {"Blocked by", COLUMN_TEXT, CUT_RIGHT},  {"Woken by", COLUMN_TEXT, CUT_RIGHT},
        {"Ran instead", COLUMN_TEXT, CUT_RIGHT},
    };
    const struct session_report *session = sheet->session;
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    struct table *waits = table_new(waits_columns, sizeof waits_columns / sizeof *waits_columns);
    bool waits_apart = any_knows_whom(session, selection);
    size_t count = 0;
    for (size_t i = 0; i < session->instance_count; i++) {
        const struct instance_row *row = &session->instances[i];
        if (!sheet_selects(selection, row->pid, row->phase))
            continue;
        if (count++ >= sheet->top)
            continue;
        add_row(table, row, waits_apart);
        if (waits_apart && (knows_whom(row) || row->blocked_by.count > 0))
            add_waits(waits, row);
    }
    if (count > 0) {
        sheet_put_selection(sheet, "Slowest instances", selection, false);
        table_print(table, sheet->out, &sheet->style);
        sheet_put_rest(sheet, table_rows(table), count);
        note_over(sheet, selection.phase);
        if (table_rows(waits) > 0) {
            fputc('\n', sheet->out);
            table_print(waits, sheet->out, &sheet->style);
        }
    }
    table_free(waits);
    table_free(table);
}
