#include "cli/render/tables.h"

#include <stdlib.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"

/* Whether more is lost than the events that the tracer counted. */
static bool misses_data(const struct session_report *session)
{
    static const enum tally missing[] = {TALLY_LOST_CHUNKS,    TALLY_LOST_TRACES,
                                         TALLY_LOST_STREAMS,   TALLY_LOST_PACKETS,
                                         TALLY_DROPPED_EVENTS, TALLY_MISSING_PACKETS};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (session->tallies.at[missing[i]] > 0)
            return true;
    return false;
}

static void write_headline(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    FILE *out = sheet->out;
    sheet_put_bold(sheet, session->session);
    if (session->host_count) {
        fputs(session->host_count == 1 ? "  host " : "  hosts ", out);
        for (size_t i = 0; i < session->host_count; i++) {
            if (i)
                fputs(", ", out);
            sheet_put_printable(out, session->hosts[i]);
        }
    }
    fputs("  ", out);
    if (session->kernel || session->user)
        fprintf(out, "%s%s%s  ", session->kernel ? "kernel" : "",
                session->kernel && session->user ? ", " : "", session->user ? "user space" : "");
    if (session->cpu_count > 0) {
        sheet_put_counted(out, session->cpu_count, "CPU", "CPUs");
        fputs("  ", out);
    }
    sheet_put_counted(out, session->chunks, "chunk", "chunks");
    if (session->begin_ns != REPORT_NONE)
        fprintf(out, "  %s",
                quantity_lone_duration((uint64_t)(session->end_ns - session->begin_ns)).text);
    fputs("  ", out);
    sheet_put_counted(out, session->events, "event", "events");
    fputs("  ", out);
    sheet_put_loss(sheet, session->tallies.at[TALLY_DISCARDED], "lost", "lost");
    if (misses_data(session))
        sheet_put_warning(sheet, ", data missing (see the end)");
    fputc('\n', out);
}

/* `phases, not counted: 3 without a begin, 7 without an end in the trace`; nothing if there are none. */
static void put_half_seen(FILE *out, const char *what, uint64_t begin_unknown, uint64_t end_unknown)
{
    if (begin_unknown == 0 && end_unknown == 0)
        return;
    fprintf(out, "%s", what);
    if (begin_unknown)
        fprintf(out, " %s without a begin%s", quantity_count(begin_unknown).text,
                end_unknown ? "," : " in the trace");
    if (end_unknown)
        fprintf(out, " %s without an end in the trace", quantity_count(end_unknown).text);
    fputc('\n', out);
}

/* Tallies that share a line. */
static void write_losses(const struct sheet *sheet)
{
    const char *separator = "";
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        const struct tally_row *row = &tally_rows[i];
        uint64_t number = sheet->session->tallies.at[i];
        if (row->hint || (number == 0 && !(row->flags & TALLY_ALWAYS)))
            continue;
        fputs(separator, sheet->out);
        sheet_put_loss(sheet, number, row->one, row->several);
        separator = ", ";
    }
}

/* Tallies that a user can fix, one per line. */
static void write_hints(const struct sheet *sheet)
{
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        const struct tally_row *row = &tally_rows[i];
        if (!row->hint || sheet->session->tallies.at[i] == 0)
            continue;
        sheet_put_loss(sheet, sheet->session->tallies.at[i], row->one, row->several);
        fprintf(sheet->out, ": %s\n", row->hint);
    }
}

/* What was left out, by name, one per line. */
static void write_damage(const struct sheet *sheet)
{
    const struct damages *damage = &sheet->session->damage;
    if (damage->count == 0)
        return;
    sheet_put_heading(sheet, "Left out");
    size_t shown = damage->count < sheet->top ? damage->count : sheet->top;
    for (size_t i = 0; i < shown; i++) {
        const struct damage *item = &damage->at[i];
        char *line = memory_format("chunk %llu%s%.*s: %.*s", (unsigned long long)item->chunk,
                                   item->name.count ? ": " : "", (int)item->name.count,
                                   item->name.at, (int)item->text.count, item->text.at);
        fputs("  ", sheet->out);
        sheet_put_printable(sheet->out, line);
        fputc('\n', sheet->out);
        free(line);
    }
    sheet_put_rest(sheet, shown, damage->count + (size_t)damage->more);
}

static void write_unknown(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    uint64_t unknown = 0, whole = 0;
    for (size_t i = 0; i < session->thread_count; i++) {
        const struct thread_row *row = &session->threads[i];
        unknown += row->unknown_ns;
        whole += row->user_cpu_ns + row->sys_cpu_ns + row->runnable_ns + row->blocked_ns +
                 row->unknown_ns;
    }
    uint64_t phases[2] = {0}, calls[2] = {0}, hopped = 0;
    for (size_t i = 0; i < session->phase_count; i++) {
        phases[0] += session->phases[i].begin_unknown;
        phases[1] += session->phases[i].end_unknown;
        hopped += session->phases[i].hopped;
    }
    for (size_t i = 0; i < session->syscall_count; i++) {
        calls[0] += session->syscalls[i].begin_unknown;
        calls[1] += session->syscalls[i].end_unknown;
    }

    fputc('\n', sheet->out);
    write_losses(sheet);
    if (whole)
        fprintf(sheet->out, "; %s of thread time unknown\n",
                quantity_percent((double)unknown / (double)whole).text);
    else
        fputs("; no threads\n", sheet->out);
    put_half_seen(sheet->out, "phases, not counted:", phases[0], phases[1]);
    put_half_seen(sheet->out, "system calls, not counted:", calls[0], calls[1]);
    if (hopped > 0)
        fprintf(sheet->out,
                "phases ended by another thread: %s; their time is that of the beginning thread or "
                "of their segments\n",
                quantity_count(hopped).text);
    write_hints(sheet);
    write_damage(sheet);
}

static void write_left_out(FILE *out, const struct table_left_out *left_out)
{
    for (size_t i = 0; i < left_out->count; i++)
        fprintf(out, "%s%s", i ? ", " : "columns left out: ", left_out->titles[i]);
    if (left_out->count > 0)
        fprintf(out, "; they need %zu columns, or output to a file\n", left_out->needed);
}

void report_write_tables(FILE *out, const struct report *report,
                         const struct tables_options *options)
{
    for (size_t i = 0; i < report->session_count; i++) {
        struct sheet sheet = {out, &report->sessions[i], options->style,
                              options->top ? options->top : TABLES_TOP};
        struct table_left_out left_out = {.count = 0};
        sheet.style.left_out = &left_out;
        if (i)
            fputs("\n\n", out);
        struct wrapped wrapped;
        struct sheet inner = sheet_wrap(&sheet, &wrapped);
        write_headline(&inner);
        sheet_cpu_write_load(&inner);
        sheet_unwrap(&wrapped);
        sheet_phases_write(&sheet);
        sheet_counts_write(&sheet);
        sheet_calls_write(&sheet, (struct selection){NULL});
        sheet_errors_write(&sheet);
        sheet_files_write(&sheet, (struct selection){NULL});
        sheet_cpu_write_processes(&sheet);
        sheet_cpu_write_threads(&sheet);
        sheet_cpu_write_waits(&sheet);
        sheet_waits_write(&sheet);
        sheet_cells_write(&sheet);
        sheet_built_in_counts_write(&sheet);
        inner = sheet_wrap(&sheet, &wrapped);
        write_unknown(&inner);
        write_left_out(inner.out, &left_out);
        sheet_unwrap(&wrapped);
    }
}
