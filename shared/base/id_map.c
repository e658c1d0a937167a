#include "base/id_map.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

static struct id_page *page_of(const struct id_map *map, uint64_t id)
{
    uint64_t number = id >> ID_PAGE_BITS;
    if (map->last && map->last->number == number)
        return map->last;
    return map_get(&map->pages, number);
}

void *id_map_find(const struct id_map *map, uint64_t id)
{
    const struct id_page *page = page_of(map, id);
    return page ? page->at[id % ID_PAGE] : NULL;
}

void *id_map_get(struct id_map *map, uint64_t id)
{
    struct id_page *page = page_of(map, id);
    if (!page)
        return NULL;
    map->last = page;
    return page->at[id % ID_PAGE];
}

void id_map_put(struct id_map *map, uint64_t id, void *value)
{
    assert(value);
    struct id_page *page = page_of(map, id);
    if (!page) {
        page = memory_new(sizeof *page);
        page->number = id >> ID_PAGE_BITS;
        map_put(&map->pages, page->number, page);
    }
    map->last = page;
    bool is_new = !page->at[id % ID_PAGE];
    page->count += is_new;
    map->count += is_new;
    page->at[id % ID_PAGE] = value;
}

void *id_map_remove(struct id_map *map, uint64_t id)
{
    struct id_page *page = page_of(map, id);
    void *value = page ? page->at[id % ID_PAGE] : NULL;
    if (!value)
        return NULL;
    page->at[id % ID_PAGE] = NULL;
    map->count--;
    if (--page->count > 0)
        return value;
    map_remove(&map->pages, page->number);
    if (map->last == page)
        map->last = NULL;
    free(page);
    return value;
}

void *id_map_next(const struct id_map *map, struct id_walk *walk)
{
    for (;; walk->next = 0) {
        for (; walk->page && walk->next < ID_PAGE; walk->next++)
            if (walk->page->at[walk->next])
                return walk->page->at[walk->next++];
        walk->page = map_next(&map->pages, &walk->at);
        if (!walk->page)
            return NULL;
    }
}

static int compare_pages(const void *a, const void *b)
{
    const struct id_page *const *left = a, *const *right = b;
    return (*left)->number < (*right)->number ? -1 : (*left)->number > (*right)->number;
}

void id_map_all(const struct id_map *map, void **out)
{
    const struct id_page **pages = memory_new((map->pages.count + 1) * sizeof *pages);
    size_t count = 0, page_count = 0;
    const struct id_page *page;
    for (size_t at = 0; (page = map_next(&map->pages, &at));)
        pages[page_count++] = page;
    qsort(pages, page_count, sizeof *pages, compare_pages);
    for (size_t i = 0; i < page_count; i++)
        for (size_t j = 0; j < ID_PAGE; j++)
            if (pages[i]->at[j])
                out[count++] = pages[i]->at[j];
    free(pages);
    assert(count == map->count);
}

void id_map_clear(struct id_map *map)
{
    void *page;
    for (size_t at = 0; (page = map_next(&map->pages, &at));)
        free(page);
    map_clear(&map->pages);
    *map = (struct id_map){.last = NULL};
}
