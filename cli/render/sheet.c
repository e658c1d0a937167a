#include "cli/render/sheet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "cli/render/quantity.h"

static const char bold[] = "\033[1m";
static const char red[] = "\033[31m";
static const char plain[] = "\033[0m";

/* A count with its noun: `1 span`, `1,204 spans`. */
void sheet_put_counted(FILE *out, uint64_t count, const char *one, const char *more)
{
    fprintf(out, "%s %s", quantity_count(count).text, count == 1 ? one : more);
}

/* The same, red if there is any. */
void sheet_put_loss(const struct sheet *sheet, uint64_t count, const char *one, const char *more)
{
    if (sheet->style.color && count)
        fputs(red, sheet->out);
    sheet_put_counted(sheet->out, count, one, more);
    if (sheet->style.color && count)
        fputs(plain, sheet->out);
}

void sheet_put_warning(const struct sheet *sheet, const char *text)
{
    fprintf(sheet->out, "%s%s%s", sheet->style.color ? red : "", text,
            sheet->style.color ? plain : "");
}

void sheet_put_printable(FILE *out, const char *text)
{
    char *printable = utf8_printable(text_of(text));
    fputs(printable, out);
    free(printable);
}

/* `process shopd (pid 4242)` */
void sheet_put_process(FILE *out, const char *process, int64_t pid)
{
    if (pid == REPORT_NONE) {
        fputs("threads of unknown processes", out);
        return;
    }
    fputs("process ", out);
    sheet_put_printable(out, process ? process : "?");
    fprintf(out, " (pid %" PRId64 ")", pid);
}

void sheet_put_bold(const struct sheet *sheet, const char *text)
{
    if (sheet->style.color)
        fputs(bold, sheet->out);
    sheet_put_printable(sheet->out, text);
    if (sheet->style.color)
        fputs(plain, sheet->out);
}

void sheet_put_heading(const struct sheet *sheet, const char *heading)
{
    fputc('\n', sheet->out);
    sheet_put_bold(sheet, heading);
}

struct sheet sheet_wrap(const struct sheet *sheet, struct wrapped *wrapped)
{
    struct sheet inner = *sheet;
    *wrapped = (struct wrapped){sheet, NULL, NULL, 0};
    if (sheet->style.width > 0)
        wrapped->out = open_memstream(&wrapped->text, &wrapped->count);
    if (wrapped->out)
        inner.out = wrapped->out;
    return inner;
}

/* The columns of a word; sequences of colors have none. */
static size_t word_width(const char *word, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && word[end] != '\033')
            end++;
        width += utf8_width((struct text){word + i, end - i});
        while (end < count && word[end] != 'm')
            end++;
        i = end < count ? end + 1 : count;
    }
    return width;
}

/* One line, without its end; words go on below, indented. */
static void put_broken(FILE *out, const char *line, size_t count, size_t limit)
{
    size_t indent = strspn(line, " "), used = 0;
    for (size_t i = 0; i < count;) {
        size_t blanks = strspn(line + i, " ");
        if (i + blanks >= count)
            break;
        size_t letters = strcspn(line + i + blanks, " \n");
        size_t width = word_width(line + i + blanks, letters);
        if (used > indent + 2 && used + blanks + width > limit) {
            fprintf(out, "\n%*s", (int)indent + 2, "");
            used = indent + 2;
        } else {
            fprintf(out, "%*s", (int)blanks, "");
            used += blanks;
        }
        fprintf(out, "%.*s", (int)letters, line + i + blanks);
        used += width;
        i += blanks + letters;
    }
}

void sheet_unwrap(struct wrapped *wrapped)
{
    if (!wrapped->out)
        return;
    fclose(wrapped->out);
    const struct sheet *sheet = wrapped->sheet;
    for (const char *line = wrapped->text; line && *line;) {
        size_t count = strcspn(line, "\n");
        put_broken(sheet->out, line, count, sheet->style.width);
        line += count;
        if (*line) {
            fputc('\n', sheet->out);
            line++;
        }
    }
    free(wrapped->text);
}

/* The rows of a table that were not printed. */
void sheet_put_lines(const struct sheet *sheet, const char *const *lines, size_t count)
{
    struct wrapped wrapped;
    struct sheet inner = sheet_wrap(sheet, &wrapped);
    size_t shown = count < sheet->top ? count : sheet->top;
    for (size_t i = 0; i < shown; i++) {
        fputs("  ", inner.out);
        sheet_put_printable(inner.out, lines[i]);
        fputc('\n', inner.out);
    }
    sheet_put_rest(&inner, shown, count);
    sheet_unwrap(&wrapped);
}

void sheet_put_rest(const struct sheet *sheet, size_t shown, size_t whole)
{
    if (whole > shown)
        fprintf(sheet->out, "  ... and %s more\n", quantity_count(whole - shown).text);
}

int sheet_compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int sheet_compare_signed(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* NULL first. */
int sheet_compare_strings(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

/* A pid, tid or fd, if there is one. */
void sheet_cell_identity(struct table *table, int64_t identity)
{
    if (identity == REPORT_NONE)
        table_none(table);
    else
        table_signed(table, identity);
}

void sheet_cell_text(struct table *table, char *take_text)
{
    if (*take_text)
        table_text(table, take_text);
    else
        table_none(table);
    free(take_text);
}

char *sheet_add_others(char *take_text, uint64_t others_ns, uint64_t first_ns)
{
    if (others_ns == 0 || others_ns < first_ns / 100)
        return take_text;
    char *longer =
        memory_format("%s, others %s", take_text, quantity_lone_duration(others_ns).text);
    free(take_text);
    return longer;
}

void sheet_cell_counted(struct table *table, uint64_t count)
{
    if (count)
        table_number(table, count);
    else
        table_none(table);
}

void sheet_cell_quantile(struct table *table, unsigned per_mille, const struct durations *durations)
{
    if (durations->count)
        table_number(table, durations_quantile_rounded(durations, per_mille));
    else
        table_none(table);
}

bool sheet_selects(struct selection selection, int64_t pid, const char *phase)
{
    return !selection.phase ||
           (selection.phase->pid == pid && strcmp(selection.phase->phase, phase) == 0);
}

static bool has_nested(const struct session_report *session, const struct phase_row *phase)
{
    for (size_t i = 0; i < session->phase_count; i++)
        if (session->phases[i].pid == phase->pid &&
            sheet_phase_is_below(session->phases[i].phase, phase->phase))
            return true;
    return false;
}

void sheet_put_selection(const struct sheet *sheet, const char *what, struct selection selection,
                         bool without_nested)
{
    struct wrapped wrapped;
    const struct sheet lines = sheet_wrap(sheet, &wrapped);
    sheet_put_heading(&lines, what);
    if (selection.phase) {
        sheet_put_bold(&lines, " in phase ");
        sheet_put_bold(&lines, selection.phase->phase);
        if (without_nested && has_nested(sheet->session, selection.phase))
            fputs(", without those in nested phases", lines.out);
        fputs("  ", lines.out);
        sheet_put_process(lines.out, selection.phase->process, selection.phase->pid);
    } else {
        fputs(sheet->session->some_processes ? "  selected processes" : "  all processes",
              lines.out);
    }
    fputc('\n', lines.out);
    sheet_unwrap(&wrapped);
}
