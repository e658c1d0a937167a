/* The tables of waits: blocked time by waker, runnable time by running thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"

/* Waits of an instance shown in its row. */
enum { WAITS_IN_CELL = 3 };

static int by_most(const void *a, const void *b)
{
    const struct wait_row *left = *(const struct wait_row *const *)a;
    const struct wait_row *right = *(const struct wait_row *const *)b;
    int order = sheet_compare(right->cell.total_ns, left->cell.total_ns);
    return order ? order : (left > right) - (left < right);
}

/* `nginx (265)`, `worker (266) of nginx (265)`, `irq 11 (eth0)`, `softirq TIMER`: the thread first,
 * because a narrow terminal truncates the end. */
char *sheet_text_of_who(const struct wait_row *row)
{
    if (row->kind == WAKER_IRQ)
        return row->by_name ? memory_format("irq %" PRId64 " (%s)", row->number, row->by_name)
                            : memory_format("irq %" PRId64, row->number);
    if (row->number != REPORT_NONE)
        return row->by_name ? memory_format("%s %s", wait_kind_name(row->kind), row->by_name)
                            : memory_format("%s %" PRId64, wait_kind_name(row->kind), row->number);
    if (!wait_is_by_thread(row->kind))
        return memory_format("(%s)", wait_kind_name(row->kind));
    const char *name = row->by_name ? row->by_name : "?";
    if (row->by_tid == REPORT_NONE)
        return memory_string(text_of(name));
    if (row->by_pid == row->by_tid || row->by_pid == REPORT_NONE)
        return memory_format("%s (%" PRId64 ")", name, row->by_tid);
    return memory_format("%s (%" PRId64 ") of %s (%" PRId64 ")", name, row->by_tid,
                         row->by_process ? row->by_process : "?", row->by_pid);
}

static bool has_segments(const struct session_report *session, const struct wait_row *wait)
{
    for (size_t i = 0; i < session->phase_count; i++) {
        const struct phase_row *row = &session->phases[i];
        if (row->pid == wait->pid && strcmp(row->phase, wait->phase) == 0)
            return row->queued_ns + row->parallel_ns > 0;
    }
    return false;
}

/* Waits in segments are in the phase of these. The caller frees it. */
static char *text_of_phase(const struct session_report *session, const struct wait_row *wait)
{
    return memory_format("%s%s", wait->phase,
                         has_segments(session, wait) ? ", outside segments" : "");
}

static void write_table(const struct sheet *sheet, const char *other, const struct wait_row **rows,
                        size_t count, bool has_phase)
{
    struct column columns[] = {
        {"Process", COLUMN_TEXT, CUT_RIGHT},  {"PID", COLUMN_NUMBER, CUT_NOT},
        {other, COLUMN_TEXT, CUT_RIGHT},      {"Waits", COLUMN_COUNT, CUT_NOT},
        {"Total", COLUMN_DURATION, CUT_NOT},  {"Max", COLUMN_DURATION, CUT_NOT},
        {"In phase", COLUMN_TEXT, CUT_RIGHT},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns - !has_phase);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct wait_row *row = rows[i];
        table_text(table, row->process ? row->process : "?");
        sheet_cell_identity(table, row->pid);
        sheet_cell_text(table, sheet_text_of_who(row));
        table_number(table, row->cell.count);
        table_number(table, row->cell.total_ns);
        table_number(table, row->cell.max_ns);
        if (has_phase)
            sheet_cell_text(table, text_of_phase(sheet->session, row));
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), count);
    table_free(table);
}

/* Most threads are idle most of the time: if there are phases, the table only has waits in phases.
 * For threads that ran before a CPU's last runs, only the sum is known: it is not a row. */
static void write_waits(const struct sheet *sheet, const char *heading, const char *other,
                        const struct wait_row *all, size_t count)
{
    const struct wait_row **rows = memory_new((count + 1) * sizeof *rows);
    bool has_phase = false, has_nested = false;
    for (size_t i = 0; i < count; i++) {
        has_phase |= all[i].phase[0] != '\0';
        has_nested |= strchr(all[i].phase, '/') != NULL;
    }
    size_t shown = 0;
    uint64_t outside_ns = 0, earlier_ns = 0;
    for (size_t i = 0; i < count; i++) {
        if (has_phase && all[i].phase[0] == '\0')
            outside_ns += all[i].cell.total_ns;
        else if (all[i].kind == RAN_EARLIER)
            earlier_ns += all[i].cell.total_ns;
        else
            rows[shown++] = &all[i];
    }
    if (shown > 0) {
        qsort(rows, shown, sizeof *rows, by_most);
        sheet_put_heading(sheet, heading);
        fputs(has_nested ? ", without those in nested phases\n" : "\n", sheet->out);
        write_table(sheet, other, rows, shown, has_phase);
        struct wrapped wrapped;
        struct sheet notes = sheet_wrap(sheet, &wrapped);
        if (earlier_ns > 0)
            fprintf(notes.out, "  by others, before the last %d runs on the CPU: %s\n", CPU_SLICES,
                    quantity_lone_duration(earlier_ns).text);
        if (outside_ns > 0)
            fprintf(notes.out, "  in no phase: %s\n", quantity_lone_duration(outside_ns).text);
        sheet_unwrap(&wrapped);
    }
    free(rows);
}

/* The same for a thread without its process. */
static char *text_of_thread(const struct wait_row *row)
{
    if (wait_is_by_thread(row->kind) && row->by_name && row->by_tid != REPORT_NONE)
        return memory_format("%s (%" PRId64 ")", row->by_name, row->by_tid);
    return sheet_text_of_who(row);
}

char *sheet_text_of_waits(const struct wait_row *rows, size_t count, uint64_t whole_ns)
{
    char *text = memory_string(text_of(""));
    uint64_t others_ns = count > 0 ? whole_ns : 0;
    for (size_t i = 0; i < count && i < WAITS_IN_CELL; i++) {
        char *who = text_of_thread(&rows[i]);
        char *longer = memory_format("%s%s%s %s", text, i ? ", " : "", who,
                                     quantity_lone_duration(rows[i].cell.total_ns).text);
        others_ns -= rows[i].cell.total_ns < others_ns ? rows[i].cell.total_ns : others_ns;
        free(who);
        free(text);
        text = longer;
    }
    return sheet_add_others(text, others_ns, count ? rows[0].cell.total_ns : 0);
}

void sheet_waits_write(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    write_waits(sheet, "Blocked time by waker", "Woken by", session->wakers, session->waker_count);
    write_waits(sheet, "Runnable time by running thread", "Ran instead", session->ran_instead,
                session->ran_instead_count);
}
