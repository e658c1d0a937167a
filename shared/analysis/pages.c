/* Pages and page faults, by CPU. Source: mm/page_alloc.c, __alloc_pages(), free_pages_prepare();
 * arch/x86/mm/fault.c. */
#include <string.h>

#include "analysis/rule.h"
#include "analysis/view.h"

#define PAGES(T, KEY, REG, SUM)                                                                    \
    KEY(T, 1, cpu, cpu, "CPU")                                                                     \
    SUM(T, 2, count, user_faults, "page faults in user mode")                                      \
    SUM(T, 3, count, kernel_faults, "page faults in the kernel")                                   \
    SUM(T, 4, count, allocations, "allocations of pages")                                          \
    SUM(T, 5, count, allocated_pages, "pages of them")                                             \
    SUM(T, 6, count, failures, "failed allocations of pages")                                      \
    SUM(T, 7, count, frees, "page frees")                                                          \
    SUM(T, 8, count, freed_pages, "pages of them")
ATOM_DEFINE(pages, PAGES)

static const struct atom_view view = {.title = "Page faults and pages",
                                      .columns = {{"CPU", "cpu", VIEW_VALUE},
                                                  {"User faults", "user_faults", VIEW_VALUE},
                                                  {"Kernel faults", "kernel_faults", VIEW_VALUE},
                                                  {"Allocations", "allocations", VIEW_VALUE},
                                                  {"Pages", "allocated_pages", VIEW_VALUE},
                                                  {"Failed", "failures", VIEW_VALUE},
                                                  {"Frees", "frees", VIEW_VALUE},
                                                  {"Pages", "freed_pages", VIEW_VALUE}},
                                      .by = {NULL, "user_faults", VIEW_VALUE}};

static const struct atom_kind pages_kind = {.tag = 44, ATOM_COLUMNS_OF(pages), .view = &view};

static void find(struct found *found, const struct event *event)
{
    const struct pages_key key = {.cpu = (uint64_t)event->cpu};
    if (event->cpu >= 0)
        found_atom(found, &pages_kind, &key.atom);
}

enum { ORDER, PFN };

static bool has_failed(const struct event *event)
{
    return event_has_value(event, PFN) && event->value[PFN] == -1;
}

/* An event is about 2^order pages. */
static uint64_t pages_of(const struct event *event)
{
    uint64_t order = (uint64_t)event->value[ORDER];
    return order < 64 ? UINT64_C(1) << order : 0;
}

static void apply_user_fault(struct atom *const *atoms, const struct event *event)
{
    (void)event;
    ((struct pages *)atoms[0])->user_faults++;
}

static void apply_kernel_fault(struct atom *const *atoms, const struct event *event)
{
    (void)event;
    ((struct pages *)atoms[0])->kernel_faults++;
}

static void apply_alloc(struct atom *const *atoms, const struct event *event)
{
    struct pages *pages = (struct pages *)atoms[0];
    if (has_failed(event)) {
        pages->failures++;
        return;
    }
    pages->allocations++;
    pages->allocated_pages += pages_of(event);
}

static void apply_free(struct atom *const *atoms, const struct event *event)
{
    struct pages *pages = (struct pages *)atoms[0];
    pages->frees++;
    pages->freed_pages += pages_of(event);
}

ANALYSIS_RULE(user_fault, find, apply_user_fault, DEFINES_NOTHING)
ANALYSIS_RULE(kernel_fault, find, apply_kernel_fault, DEFINES_NOTHING)
ANALYSIS_RULE(alloc, find, apply_alloc, DEFINES_NOTHING)
ANALYSIS_RULE(free, find, apply_free, DEFINES_NOTHING)

static const char USER_FAULT[] = "x86_exceptions_page_fault_user";

/* Pages freed in a batch (kmem_mm_page_free_batched) have a kmem_mm_page_free, too. */
static const struct rule rules[] = {
    {{USER_FAULT, {{NULL}}, 0}, .tag = 46, ANALYSIS_RULE_OF(user_fault)},
    {{"x86_exceptions_page_fault_kernel", {{NULL}}, 0}, .tag = 47, ANALYSIS_RULE_OF(kernel_fault)},
    {{"kmem_mm_page_alloc", {{"order", SLOT_VALUE, ORDER}, {"pfn", SLOT_VALUE, PFN}}, 1 << ORDER},
     .tag = 48,
     ANALYSIS_RULE_OF(alloc)},
    {{"kmem_mm_page_free", {{"order", SLOT_VALUE, ORDER}}, 1 << ORDER},
     .tag = 49,
     ANALYSIS_RULE_OF(free)},
};

/* --- by thread --- */

static struct field_value read_mode(const struct event *event)
{
    return (struct field_value){.type = FIELD_UINT,
                                .u = strcmp(event->class->name, USER_FAULT) != 0};
}

static const char *name_mode(uint64_t mode, char room[COUNT_NAME_ROOM])
{
    (void)room;
    return mode == 0 ? "user" : "kernel";
}

static struct field_value read_pages(const struct event *event)
{
    return (struct field_value){.type = FIELD_UINT, .u = pages_of(event)};
}

static bool has_pages(const struct event *event)
{
    return !has_failed(event);
}

static const struct count_by by_mode[] = {{COUNT_BY_FIELD, "mode", read_mode, name_mode},
                                          {COUNT_BY_PROCESS, "process", NULL, NULL},
                                          {COUNT_BY_PHASE, "phase", NULL, NULL}};
enum { BY_MODE = sizeof by_mode / sizeof *by_mode, BY = BY_MODE - 1 };

static const struct built_in_count faulted = {.number = 3, .title = "Page faults by process"};
static const struct count_definition faults = {.name = BUILT_IN_PREFIX "page_faults",
                                               .event = "x86_exceptions_page_fault_*",
                                               .by = by_mode,
                                               .by_count = BY_MODE,
                                               .built_in = &faulted};
static const struct built_in_count allocated = {.number = 4,
                                                .needs = 1 << ORDER,
                                                .read = read_pages,
                                                .takes = has_pages,
                                                .title = "Page allocations",
                                                .value_title = "Pages"};
static const struct count_definition allocations = {.name = BUILT_IN_PREFIX "page_allocations",
                                                    .event = "kmem_mm_page_alloc",
                                                    .by = by_mode + 1,
                                                    .by_count = BY,
                                                    .value = "pages",
                                                    .built_in = &allocated};
static const struct built_in_count freed = {.number = 5,
                                            .needs = 1 << ORDER,
                                            .read = read_pages,
                                            .title = "Page frees",
                                            .value_title = "Pages"};
static const struct count_definition frees = {.name = BUILT_IN_PREFIX "page_frees",
                                              .event = "kmem_mm_page_free",
                                              .by = by_mode + 1,
                                              .by_count = BY,
                                              .value = "pages",
                                              .built_in = &freed};

static const struct atom_kind *const kinds[] = {&pages_kind};
static const struct count_definition *const counts[] = {&faults, &allocations, &frees, NULL};
const struct analysis pages_analysis = {"pages", kinds, 1, rules, sizeof rules / sizeof *rules,
                                        counts};
