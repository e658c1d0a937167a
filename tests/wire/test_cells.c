#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analysis/view.h"
#include "base/memory.h"
#include "wire/result_codec.h"

Test(cells, of_all_analyses_are_as_the_published_file_says)
{
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)) != NULL; i++) {
        const char *fault = result_cell_fault(kind);
        cr_expect(fault == NULL, "%s: %s", kind->name, fault);
    }
}

/* --- a cell of each kind, whose values are the numbers of its columns --- */

static struct atom *new_cell(const struct atom_kind *kind)
{
    struct atom *cell = memory_new(kind->size);
    cell->kind = kind;
    for (size_t i = 0; i < kind->column_count; i++) {
        const struct atom_column *column = &kind->columns[i];
        if (column->type == ATOM_IS_text)
            *atom_text_at(cell, column) = text_of(column->name);
        else if (column->type != ATOM_IS_durations)
            *atom_number_at(cell, column) = 100 + column->tag;
        else
            for (uint64_t ns = 1; ns <= column->tag; ns++)
                durations_add(atom_durations_at(cell, column), 1000 * ns);
    }
    return cell;
}

struct bytes_kept {
    uint8_t *at;
    size_t count;
};

static void keep(void *context, struct text key, struct bytes record)
{
    struct bytes_kept *kept = context;
    cr_assert(eq(sz, kept->count, 0));
    cr_expect(eq(int, memcmp(key.at + key.count - 5, "/host", 5), 0));
    kept->at = memory_new(record.count);
    memcpy(kept->at, record.at, record.count);
    kept->count = record.count;
}

/* The same cell twice, which becomes one. */
static struct bytes_kept encoded(const struct atom *cell)
{
    struct result_batch *batch = result_batch_new();
    struct result_sink sink = result_batch_sink(batch);
    struct result result = {.type = RESULT_CELL, .cell = cell};
    sink.take(sink.context, &result);
    sink.take(sink.context, &result);
    struct bytes_kept kept = {NULL, 0};
    const struct result_meta meta = {.session = text_of("host/s/t")};
    result_flush(&meta, batch, (struct record_sink){keep, &kept});
    result_batch_free(batch);
    return kept;
}

static void expect_same(const struct atom *found, const struct atom *cell)
{
    for (size_t i = 0; i < cell->kind->column_count; i++) {
        const struct atom_column *column = &cell->kind->columns[i];
        if (column->role == ATOM_REG)
            continue;
        const char *name = column->name;
        unsigned times = column->role == ATOM_SUM ? 2 : 1;
        if (column->type == ATOM_IS_text) {
            cr_expect(text_equal(*atom_text_at(found, column), text_of(name)), "%s", name);
        } else if (column->type == ATOM_IS_durations) {
            const struct durations *durations = atom_durations_at(found, column);
            cr_expect(eq(u64, durations->count, times * column->tag), "%s", name);
            cr_expect(eq(u64, durations->max_ns, 1000u * column->tag), "%s", name);
        } else {
            cr_expect(eq(u64, *atom_number_at(found, column), times * (100u + column->tag)), "%s",
                      name);
        }
    }
}

Test(cells, come_back_as_they_were)
{
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)) != NULL; i++) {
        struct atom *cell = new_cell(kind);
        struct bytes_kept kept = encoded(cell);
        struct arena arena = {.first = NULL};
        struct result_record record;
        cr_assert(eq(int, result_decode((struct bytes){kept.at, kept.count}, &arena, &record, NULL),
                     STATUS_OK));
        cr_assert(eq(sz, record.count, 1));
        cr_assert(eq(int, record.results[0].type, RESULT_CELL));
        cr_assert(eq(ptr, (void *)record.results[0].cell->kind, (void *)kind));
        expect_same(record.results[0].cell, cell);
        arena_clear(&arena);
        atom_clear(cell, ATOM_SUM);
        free(cell);
        free(kept.at);
    }
}

/* The output of protoc for a record with the published file; the caller frees it. */
static char *by_protoc(struct bytes_kept record)
{
    char path[] = "/tmp/record-XXXXXX";
    int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, record.at, record.count) == (ssize_t)record.count);
    close(file);
    char *command = memory_format("protoc --decode=spanmill.results.ResultRecord"
                                  " --proto_path=proto proto/result.proto < %s",
                                  path);
    FILE *in = popen(command, "r");
    cr_assert(in != NULL);
    char *text = memory_new(1 << 16);
    text[fread(text, 1, (1 << 16) - 1, in)] = '\0';
    cr_expect(eq(int, pclose(in), 0), "%s", command);
    unlink(path);
    free(command);
    return text;
}

Test(cells, are_read_by_others_with_the_published_file)
{
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)) != NULL; i++) {
        struct atom *cell = new_cell(kind);
        struct bytes_kept kept = encoded(cell);
        char *text = by_protoc(kept);
        cr_expect(strstr(text, kind->name) != NULL, "%s", text);
        for (size_t k = 0; k < kind->column_count; k++) {
            const struct atom_column *column = &kind->columns[k];
            if (column->role == ATOM_REG)
                continue;
            char *line = memory_format(
                column->type == ATOM_IS_durations ? "    %s {\n" : "    %s: ", column->name);
            cr_expect(strstr(text, line) != NULL, "%s is not in %s", line, text);
            free(line);
        }
        free(text);
        atom_clear(cell, ATOM_SUM);
        free(cell);
        free(kept.at);
    }
}
