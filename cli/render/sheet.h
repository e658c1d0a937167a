/* cli/render/sheet.h -- common code of the sections of a text report: the session, its format, and
 * small helpers. Private to cli/render/tables.c and cli/render/sheet_*.c. */
#ifndef CLI_RENDER_SHEET_H
#define CLI_RENDER_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/durations.h"
#include "cli/render/table.h"
#include "results/report.h"

struct sheet {
    FILE *out;
    const struct session_report *session;
    struct table_style style;
    size_t top; /* rows of a table */
};

/* The rows of a table: all, or those of one phase. */
struct selection {
    const struct phase_row *phase; /* NULL: all */
};

bool sheet_selects(struct selection selection, int64_t pid, const char *phase);

/* Whether the phase with this path is nested in the other. */
bool sheet_phase_is_below(const char *path, const char *parent);

/* Sections; each begins with an empty line. A section without rows prints nothing. */
void sheet_phases_write(const struct sheet *sheet); /* with the calls and files of each */
void sheet_instances_write(const struct sheet *sheet, struct selection selection); /* of a phase */
void sheet_calls_write(const struct sheet *sheet, struct selection selection);
void sheet_errors_write(const struct sheet *sheet); /* of system calls, by their names */
void sheet_files_write(const struct sheet *sheet, struct selection selection);
void sheet_cpu_write_processes(const struct sheet *sheet);
void sheet_cpu_write_threads(const struct sheet *sheet);
void sheet_cpu_write_waits(const struct sheet *sheet);
void sheet_waits_write(const struct sheet *sheet); /* wakers, and threads that ran instead */
void sheet_cpu_write_load(const struct sheet *sheet);
void sheet_counts_write(
    const struct sheet *sheet); /* user-defined counts and spans, one table each */
void sheet_cells_write(const struct sheet *sheet);           /* of analyses, one table each */
void sheet_built_in_counts_write(const struct sheet *sheet); /* of analyses, by process */

/* One line below a table: the unknown share, and the number of rows without begin or end in the
 * trace; none if all is known. */
void sheet_note_phases(const struct sheet *sheet, const struct phase_row *const *rows,
                       size_t count);
void sheet_note_calls(const struct sheet *sheet, struct selection selection); /* of a phase */
void sheet_note_files(const struct sheet *sheet);
void sheet_note_processes(const struct sheet *sheet, const struct process_row *const *rows,
                          size_t count);
void sheet_note_load(const struct sheet *sheet);

/* Text between tables. What is written to the returned sheet is broken at the width of the
 * terminal, and written by sheet_unwrap(). */
struct wrapped {
    const struct sheet *sheet; /* borrowed */
    FILE *out;                 /* owned; NULL: lines are not broken */
    char *text;                /* owned */
    size_t count;
};
struct sheet sheet_wrap(const struct sheet *sheet, struct wrapped *wrapped);
void sheet_unwrap(struct wrapped *wrapped);
void sheet_put_bold(const struct sheet *sheet, const char *text); /* made printable */
void sheet_put_printable(FILE *out, const char *text);
void sheet_put_counted(FILE *out, uint64_t count, const char *one, const char *more);
void sheet_put_loss(const struct sheet *sheet, uint64_t count, const char *one, const char *more);
void sheet_put_warning(const struct sheet *sheet, const char *text); /* in red */
void sheet_put_process(FILE *out, const char *process, int64_t pid);
void sheet_put_heading(const struct sheet *sheet, const char *heading);
/* `without_nested`: the table excludes nested phases of the selected one; the heading says so if
 * there are any. */
void sheet_put_selection(const struct sheet *sheet, const char *what, struct selection selection,
                         bool without_nested);
void sheet_put_lines(const struct sheet *sheet, const char *const *lines, size_t count);
void sheet_put_rest(const struct sheet *sheet, size_t shown, size_t whole);

/* Cells. */
void sheet_cell_identity(struct table *table, int64_t identity);
void sheet_cell_text(struct table *table, char *take_text); /* "-" if it is empty */
/* Zero is a dash, so that other values stand out. */
void sheet_cell_spent(struct table *table, uint64_t ns);
void sheet_cell_counted(struct table *table, uint64_t count);
void sheet_cell_quantile(struct table *table, unsigned per_mille,
                         const struct durations *durations);

/* `futex 5.12 s, pread64 1.12 s`, the largest ones; the caller frees it. */
char *sheet_text_of_causes(struct named_numbers blocked_by);
/* Who ended a wait or ran during it; the caller frees it. */
char *sheet_text_of_who(const struct wait_row *row);
/* `take_text` and `, others 1.2 s`, unless this is below a hundredth of the first; the caller frees
 * it. */
char *sheet_add_others(char *take_text, uint64_t others_ns, uint64_t first_ns);
/* The first rows, with their time, and what remains of the whole; the caller frees it. */
char *sheet_text_of_waits(const struct wait_row *rows, size_t count, uint64_t whole_ns);

/* For qsort(). */
int sheet_compare(uint64_t a, uint64_t b);
int sheet_compare_signed(int64_t a, int64_t b);
int sheet_compare_strings(const char *a, const char *b); /* NULL first */

#endif
