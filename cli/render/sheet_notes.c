#include <string.h>

#include "cli/render/quantity.h"
#include "cli/render/sheet.h"

/* One line below a table, broken at the width; empty without parts. */
struct note {
    struct wrapped wrapped;
    struct sheet sheet; /* writes to it */
    bool begun;
};

static void begin(struct note *note, const struct sheet *sheet)
{
    note->begun = false;
    note->sheet = sheet_wrap(sheet, &note->wrapped);
}

static FILE *part(struct note *note)
{
    fputs(note->begun ? "; " : "  ", note->sheet.out);
    note->begun = true;
    return note->sheet.out;
}

static void finish(struct note *note)
{
    if (note->begun)
        fputc('\n', note->sheet.out);
    sheet_unwrap(&note->wrapped);
}

static bool any_lost(const struct session_report *session)
{
    return session->tallies.at[TALLY_LOSS_BORDERS] > 0 ||
           session->tallies.at[TALLY_LOST_CHUNKS] > 0;
}

/* `3.20 % of thread time unknown (kernel events lost)` */
static void put_unknown(struct note *note, const char *what, uint64_t unknown_ns, uint64_t whole_ns)
{
    if (unknown_ns == 0 || whole_ns == 0)
        return;
    const struct session_report *session = note->sheet.session;
    const char *why = "";
    if (any_lost(session))
        why = " (kernel events lost)";
    else if (unknown_ns == whole_ns && session->cpu_count == 0)
        why = " (sched_switch is not recorded)";
    else if (unknown_ns == whole_ns)
        why = " (no switch names these threads; for containers, record lttng_statedump_*)";
    fprintf(part(note), "%s of %s unknown%s",
            quantity_percent((double)unknown_ns / (double)whole_ns).text, what, why);
}

/* Numbers of items without a begin, and without an end. */
struct unseen {
    uint64_t begins, ends;
};

/* ` without a begin in the trace, 3 without an end` */
static void put_unseen(FILE *out, struct unseen unseen)
{
    if (unseen.begins)
        fputs(" without a begin in the trace", out);
    if (unseen.begins && unseen.ends)
        fprintf(out, ", %s without an end", quantity_count(unseen.ends).text);
    else if (unseen.ends)
        fputs(" without an end in the trace", out);
}

/* `12 of 40 descriptors without a begin in the trace` */
static void put_unseen_of(struct note *note, struct unseen unseen, uint64_t of, const char *one,
                          const char *more)
{
    if (unseen.begins == 0 && unseen.ends == 0)
        return;
    FILE *out = part(note);
    fprintf(out, "%s of ", quantity_count(unseen.begins ? unseen.begins : unseen.ends).text);
    sheet_put_counted(out, of, one, more);
    put_unseen(out, unseen);
}

/* `not counted: 3 calls without a begin in the trace, 5 without an end`: not in any row */
static void put_not_counted(struct note *note, struct unseen unseen, const char *one,
                            const char *more)
{
    if (unseen.begins == 0 && unseen.ends == 0)
        return;
    FILE *out = part(note);
    fputs("not counted: ", out);
    sheet_put_counted(out, unseen.begins ? unseen.begins : unseen.ends, one, more);
    put_unseen(out, unseen);
}

void sheet_note_phases(const struct sheet *sheet, const struct phase_row *const *rows, size_t count)
{
    struct note note;
    begin(&note, sheet);
    struct unseen unseen = {0, 0};
    uint64_t unknown_ns = 0, whole_ns = 0;
    bool has_segments = false; /* then time without a segment is not counted */
    for (size_t i = 0; i < count; i++) {
        unseen.begins += rows[i]->begin_unknown;
        unseen.ends += rows[i]->end_unknown;
        if (strchr(rows[i]->phase, '/'))
            continue; /* its time is included in its parent's */
        unknown_ns += rows[i]->unknown_ns;
        whole_ns += rows[i]->complete.total_ns + rows[i]->parallel_ns - rows[i]->queued_ns;
        has_segments |= rows[i]->parallel_ns + rows[i]->queued_ns > 0;
    }
    put_unknown(&note, has_segments ? "phase time on threads" : "phase time", unknown_ns, whole_ns);
    put_not_counted(&note, unseen, "instance", "instances");
    finish(&note);
}

void sheet_note_calls(const struct sheet *sheet, struct selection selection)
{
    struct note note;
    begin(&note, sheet);
    struct unseen unseen = {0, 0};
    for (size_t i = 0; i < sheet->session->syscall_count; i++) {
        const struct syscall_row *row = &sheet->session->syscalls[i];
        if (!sheet_selects(selection, row->pid, row->phase))
            continue;
        unseen.begins += row->begin_unknown;
        unseen.ends += row->end_unknown;
    }
    put_not_counted(&note, unseen, "call", "calls");
    finish(&note);
}

void sheet_note_files(const struct sheet *sheet)
{
    struct note note;
    begin(&note, sheet);
    struct unseen unseen = {0, 0};
    uint64_t used = 0;
    for (size_t i = 0; i < sheet->session->fd_count; i++) {
        const struct fd_row *row = &sheet->session->fds[i];
        if (row->calls == 0)
            continue;
        used++;
        unseen.begins += !row->begin_hard;
        unseen.ends += row->end_ns != REPORT_NONE && !row->end_hard;
    }
    put_unseen_of(&note, unseen, used, "descriptor in use", "descriptors in use");
    finish(&note);
}

void sheet_note_processes(const struct sheet *sheet, const struct process_row *const *rows,
                          size_t count)
{
    struct note note;
    begin(&note, sheet);
    struct unseen unseen = {0, 0};
    for (size_t i = 0; i < count; i++) {
        unseen.begins += !rows[i]->begin_hard;
        unseen.ends += !rows[i]->end_hard;
    }
    put_unseen_of(&note, unseen, count, "process (with CPU time)", "processes (with CPU time)");
    finish(&note);
}

void sheet_note_load(const struct sheet *sheet)
{
    struct note note;
    begin(&note, sheet);
    uint64_t running_ns = 0, whole_ns = 0;
    for (size_t i = 0; i < sheet->session->thread_count; i++) {
        const struct thread_row *row = &sheet->session->threads[i];
        running_ns += row->user_cpu_ns + row->sys_cpu_ns;
        whole_ns += row->cpu_ns;
    }
    if (running_ns > whole_ns)
        fprintf(part(&note),
                "not counted: %s of running time without a begin or an end in the trace",
                quantity_percent((double)(running_ns - whole_ns) / (double)running_ns).text);
    finish(&note);
}
