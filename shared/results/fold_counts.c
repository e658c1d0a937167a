/* User-defined counts. The key of a cell has all dimensions of its row but the process, whose group
 * it is in: encoded, the id of the thread (0: not a dimension) and the count's values.
 *
 * The number of keys per definition is limited. Which ones are kept does not depend on their order:
 * those with the smallest hashes. A key that is not kept was never counted individually. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "results/fold.h"
#include "results/fold_rows.h"

/* The keys of a definition. */
struct count_keys {
    uint32_t name; /* of the definition */
    bool is_span;
    uint64_t last;     /* keys with larger hashes are summed as others */
    struct map hashes; /* of those that have cells, up to twice as many as are kept */
};

/* Unseeded: it determines the output. */
static uint64_t hash_of(struct text key)
{
    uint64_t halves[2];
    hash_for_ever((struct bytes){(const uint8_t *)key.at, key.count}, (uint8_t *)halves);
    return halves[0] == 0 ? 1 : halves[0];
}

static struct count_keys *keys_at(struct fold *fold, const struct count_result *content)
{
    uint32_t id = fold_name_id(fold, content->name);
    for (size_t i = 0; i < fold->count_count; i++)
        if (fold->counts[i].name == id && fold->counts[i].is_span == content->is_span)
            return &fold->counts[i];
    fold->counts =
        memory_grow(fold->counts, &fold->count_room, fold->count_count + 1, sizeof *fold->counts);
    fold->counts[fold->count_count] =
        (struct count_keys){.name = id, .is_span = content->is_span, .last = UINT64_MAX};
    return &fold->counts[fold->count_count++];
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* The largest hash that is kept. */
static uint64_t last_of(const struct count_keys *keys)
{
    if (keys->hashes.count <= FOLD_COUNT_KEYS)
        return keys->last;
    uint64_t *hashes = memory_new(keys->hashes.count * sizeof *hashes);
    const void *each;
    size_t count = 0;
    for (size_t at = 0; (each = map_next(&keys->hashes, &at));)
        hashes[count++] = (uintptr_t)each;
    qsort(hashes, count, sizeof *hashes, by_number);
    uint64_t last = hashes[FOLD_COUNT_KEYS - 1];
    free(hashes);
    return last;
}

/* The key of the others of a definition. */
static struct count_result others_of(const struct count_result *content, struct count_part *parts)
{
    struct count_result others = *content;
    for (size_t i = 0; i < content->part_count; i++) {
        parts[i] = content->parts[i];
        parts[i].value = (struct field_value){.type = FIELD_ABSENT};
    }
    others.parts = parts;
    others.whose = COUNT_OF_OTHERS;
    return others;
}

static struct cell *cell_of(struct fold *fold, struct text key, uint64_t thread)
{
    struct cell_key at = {.type = CELL_COUNT, .name = fold_name_id(fold, key)};
    return thread ? fold_cell_of_thread(fold, &at, thread)
                  : fold_cell_at(fold, fold_group_at(fold, PID_NONE), &at);
}

static struct cell *cell_of_others(struct fold *fold, const struct count_result *content)
{
    struct count_part parts[COUNT_BY_MAX];
    struct count_result others = others_of(content, parts);
    struct text key = count_result_pack(&others, 0);
    struct cell *cell = cell_of(fold, key, 0);
    free((char *)(uintptr_t)key.at);
    return cell;
}

/* --- limit of keys --- */

/* Whether the cell is one of the definition that has to be summed as others. */
static bool goes(const struct fold *fold, const struct cell *cell, const struct count_keys *keys,
                 struct arena *arena)
{
    if (cell->key.type != CELL_COUNT)
        return false;
    struct text key = names_text(&fold->names, cell->key.name);
    uint64_t thread;
    struct count_result content = count_result_unpack(key, &thread, arena);
    return content.whose != COUNT_OF_OTHERS && content.is_span == keys->is_span &&
           text_equal(content.name, names_text(&fold->names, keys->name)) &&
           hash_of(key) > keys->last;
}

static void prune_group(struct fold *fold, struct cell_group *group, const struct count_keys *keys,
                        struct arena *arena, struct count_cell *others)
{
    struct map cells = group->cells;
    group->cells = (struct map){.at = NULL};
    struct cell *cell, *next;
    for (size_t at = 0; (cell = map_next(&cells, &at));)
        for (; cell; cell = next) {
            next = cell->next;
            if (!goes(fold, cell, keys, arena)) {
                fold_move_cell(fold, group, cell);
                continue;
            }
            count_cell_merge(others, &cell->count);
            fold_free_cell(fold, cell);
        }
    map_clear(&cells);
}

static void prune(struct fold *fold, struct count_keys *keys, const struct count_result *content)
{
    struct arena arena = {.first = NULL};
    struct count_cell others = {.count = 0};
    struct map hashes = keys->hashes;
    keys->last = last_of(keys);
    keys->hashes = (struct map){.at = NULL};
    void *each;
    for (size_t at = 0; (each = map_next(&hashes, &at));)
        if ((uintptr_t)each <= keys->last)
            map_put(&keys->hashes, (uintptr_t)each, each);
    map_clear(&hashes);
    size_t count;
    const struct cell_group **groups = fold_groups(fold, &arena, &count);
    for (size_t i = 0; i < count; i++)
        prune_group(fold, (struct cell_group *)(uintptr_t)groups[i], keys, &arena, &others);
    count_cell_merge(&cell_of_others(fold, content)->count, &others);
    count_cell_clear(&others);
    arena_clear(&arena);
}

void fold_take_count(struct fold *fold, const struct result *result)
{
    const struct count_result *content = result->count;
    bool by_thread = count_result_asks(content, COUNT_BY_THREAD);
    struct text key = count_result_pack(content, by_thread ? result->thread : 0);
    uint64_t hash = hash_of(key);
    struct count_keys *keys = keys_at(fold, content);
    if (hash > keys->last) {
        count_cell_merge(&cell_of_others(fold, content)->count, content->cell);
    } else {
        map_put(&keys->hashes, hash, (void *)(uintptr_t)hash);
        count_cell_merge(&cell_of(fold, key, result->thread)->count, content->cell);
        if (keys->hashes.count > 2 * (size_t)FOLD_COUNT_KEYS)
            prune(fold, keys, content);
    }
    free((char *)(uintptr_t)key.at);
}

void fold_free_counts(struct fold *fold)
{
    for (size_t i = 0; i < fold->count_count; i++)
        map_clear(&fold->counts[i].hashes);
    free(fold->counts);
}

/* --- rows --- */

static struct count_value value_of(const struct fold_rows *rows, const struct session_report *out,
                                   const struct count_result *content,
                                   const struct count_part *part, int64_t pid, uint64_t thread)
{
    struct count_value value = {
        .by = arena_string(rows->arena, part->field), .value = part->value, .number = REPORT_NONE};
    bool is_idle = content->whose == COUNT_OF_IDLE;
    const struct folded_thread *folded = thread ? fold_thread(rows->fold, thread) : NULL;
    if (value.value.type == FIELD_TEXT)
        value.value.text.at = arena_string(rows->arena, value.value.text);
    if (part->word == COUNT_BY_HOST && out->host_count > 0 && content->whose != COUNT_OF_OTHERS)
        value.value = (struct field_value){.type = FIELD_TEXT, .text = text_of(out->hosts[0])};
    value.is_field = part->word == COUNT_BY_FIELD;
    value.is_process = part->word == COUNT_BY_PROCESS || part->word == COUNT_BY_THREAD;
    if (!value.is_process)
        return value;
    if (is_idle) {
        value.number = 0;
        value.name = "idle";
    } else if (content->whose == COUNT_OF_HANDLER) {
        value.name = "interrupt";
    } else if (part->word == COUNT_BY_PROCESS && pid != PID_NONE) {
        value.number = pid;
        value.name = fold_rows_process(rows, pid);
    } else if (part->word == COUNT_BY_THREAD && folded && folded->fact.id &&
               folded->fact.tid != TID_UNKNOWN) {
        value.number = folded->fact.tid;
        value.name = fold_rows_text(rows, folded->name);
    }
    return value;
}

/* Whether there are too many for a row of its own. */
static bool is_other(const struct fold *fold, const uint64_t *lasts,
                     const struct count_result *content, struct text key)
{
    for (size_t i = 0; i < fold->count_count; i++)
        if (fold->counts[i].is_span == content->is_span &&
            text_equal(names_text(&fold->names, fold->counts[i].name), content->name))
            return hash_of(key) > lasts[i];
    return false;
}

static struct count_row row_of(const struct fold_rows *rows, const struct session_report *out,
                               const struct cell *cell, int64_t pid, const uint64_t *lasts)
{
    uint64_t thread;
    struct text key = names_text(&rows->fold->names, cell->key.name);
    struct count_result content = count_result_unpack(key, &thread, rows->arena);
    struct count_part parts[COUNT_BY_MAX];
    if (content.whose != COUNT_OF_OTHERS && is_other(rows->fold, lasts, &content, key)) {
        content = others_of(&content, parts);
        pid = PID_NONE;
        thread = 0;
    }
    struct count_value *values = arena_take(rows->arena, content.part_count * sizeof *values);
    for (size_t i = 0; i < content.part_count; i++)
        values[i] = value_of(rows, out, &content, &content.parts[i], pid, thread);
    return (struct count_row){.name = arena_string(rows->arena, content.name),
                              .others = content.whose == COUNT_OF_OTHERS,
                              .values = values,
                              .value_count = content.part_count,
                              .pid = pid == PID_NONE ? REPORT_NONE : pid,
                              .has_value = content.has_value,
                              .is_span = content.is_span,
                              .cell = cell->count};
}

static int compare_texts(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int compare_fields(const struct field_value *a, const struct field_value *b)
{
    if (a->type != b->type)
        return (int)a->type - (int)b->type;
    if (a->type == FIELD_TEXT)
        return strcmp(a->text.at, b->text.at);
    return a->type == FIELD_INT ? fold_rows_compare(a->i, b->i) : (a->u > b->u) - (a->u < b->u);
}

int count_row_compare_definitions(const struct count_row *left, const struct count_row *right)
{
    int order = strcmp(left->name, right->name);
    if (order == 0)
        order = fold_rows_compare((int64_t)left->value_count, (int64_t)right->value_count);
    for (size_t i = 0; order == 0 && i < left->value_count; i++)
        order = strcmp(left->values[i].by, right->values[i].by);
    return order;
}

static int compare_rows(const void *a, const void *b)
{
    const struct count_row *left = a, *right = b;
    int order = count_row_compare_definitions(left, right);
    if (order == 0)
        order = (int)left->others - (int)right->others;
    for (size_t i = 0; order == 0 && i < left->value_count; i++) {
        const struct count_value *x = &left->values[i], *y = &right->values[i];
        order = fold_rows_compare(x->number, y->number);
        if (order == 0)
            order = compare_texts(x->name, y->name);
        if (order == 0)
            order = compare_fields(&x->value, &y->value);
    }
    return order;
}

static int compare_for_order(const void *a, const void *b)
{
    const struct count_row *left = a, *right = b;
    int order = compare_rows(a, b);
    return order ? order : fold_rows_compare(left->pid, right->pid);
}

/* Merges rows with equal keys; the sums are in the arena. */
static void merge_rows(const struct fold_rows *rows, struct count_row *all, size_t count,
                       struct count_row **out, size_t *out_count)
{
    *out = arena_take(rows->arena, count * sizeof **out);
    *out_count = 0;
    if (!all)
        return; /* none was made */
    qsort(all, count, sizeof *all, compare_for_order);
    for (size_t i = 0, next; i < count; i = next) {
        struct count_cell sum = {.count = 0};
        struct count_row row = all[i];
        for (next = i; next < count && compare_rows(&all[i], &all[next]) == 0; next++) {
            count_cell_merge(&sum, &all[next].cell);
            row.has_value |= all[next].has_value;
        }
        row.cell = sum;
        row.cell.value = durations_copy(rows->arena, &sum.value);
        count_cell_clear(&sum);
        (*out)[(*out_count)++] = row;
    }
}

static bool is_made(const struct count_row *rows, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(text_of(rows[i].name), name))
            return true;
    return false;
}

/* A count or span of 0 is a result: adds a row without dimensions. */
static size_t add_nones(const struct fold_rows *rows, bool is_span, struct count_row **all,
                        size_t made, size_t *room)
{
    const struct phase_uses *uses = &rows->fold->uses;
    for (size_t i = 0; i < uses->count; i++) {
        const struct phase_use *use = &uses->at[i];
        if (use->part != PHASE_COUNT || phase_use_is_of_span(use) != is_span ||
            is_made(*all, made, use->phase))
            continue;
        *all = memory_grow(*all, room, made + 1, sizeof **all);
        (*all)[made++] = (struct count_row){
            .name = arena_string(rows->arena, use->phase), .pid = REPORT_NONE, .is_span = is_span};
    }
    return made;
}

void fold_rows_counts(struct fold_rows *rows, struct session_report *out)
{
    const struct fold *fold = rows->fold;
    size_t count, made[2] = {0, 0}, room[2] = {0, 0};
    const struct cell_group **groups = fold_groups(fold, rows->arena, &count);
    uint64_t *lasts = arena_take(rows->arena, fold->count_count * sizeof *lasts);
    for (size_t i = 0; i < fold->count_count; i++)
        lasts[i] = last_of(&fold->counts[i]);
    struct count_row *all[2] = {NULL, NULL}; /* counts, spans */
    for (size_t i = 0; i < count && fold->count_count > 0; i++) {
        const struct cell *cell;
        for (size_t at = 0; (cell = map_next(&groups[i]->cells, &at));)
            for (; cell; cell = cell->next) {
                if (cell->key.type != CELL_COUNT)
                    continue;
                struct count_row row = row_of(rows, out, cell, groups[i]->pid, lasts);
                unsigned which = row.is_span;
                all[which] = memory_grow(all[which], &room[which], made[which] + 1, sizeof **all);
                all[which][made[which]++] = row;
            }
    }
    for (unsigned which = 0; which < 2; which++)
        made[which] = add_nones(rows, which == 1, &all[which], made[which], &room[which]);
    merge_rows(rows, all[0], made[0], &out->counts, &out->count_count);
    merge_rows(rows, all[1], made[1], &out->spans, &out->span_count);
    free(all[0]);
    free(all[1]);
}
