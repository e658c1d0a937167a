/* Pages and page faults, by CPU. Source: mm/page_alloc.c, __alloc_pages(), free_pages_prepare();
 * arch/x86/mm/fault.c. */
#include "analysis/rule.h"
#include "analysis/view.h"

#define PAGES(T, KEY, REG, SUM)                                                                    \
    KEY(T, 1, cpu, cpu, "CPU")                                                                     \
    SUM(T, 2, count, user_faults, "page faults in user mode")                                      \
    SUM(T, 3, count, kernel_faults, "page faults in the kernel")                                   \
    SUM(T, 4, count, allocations, "allocations of pages")                                          \
    SUM(T, 5, count, allocated_pages, "pages of these")                                            \
    SUM(T, 6, count, failures, "allocations that found no pages")                                  \
    SUM(T, 7, count, frees, "times that pages were freed")                                         \
    SUM(T, 8, count, freed_pages, "pages of these")
ATOM_DEFINE(pages, PAGES)

static const struct view_column shown[] = {
    {"CPU", "cpu", VIEW_VALUE},
    {"User faults", "user_faults", VIEW_VALUE},
    {"Kernel faults", "kernel_faults", VIEW_VALUE},
    {"Allocations", "allocations", VIEW_VALUE},
    {"Pages", "allocated_pages", VIEW_VALUE},
    {"Failed", "failures", VIEW_VALUE},
    {"Frees", "frees", VIEW_VALUE},
    {"Pages", "freed_pages", VIEW_VALUE},
};
static const struct atom_view view = {.title = "Page faults and pages",
                                      .columns = shown,
                                      .column_count = sizeof shown / sizeof *shown,
                                      .by = {NULL, "user_faults", VIEW_VALUE}};

static const struct atom_kind pages_kind = {.tag = 44, ATOM_COLUMNS_OF(pages), .view = &view};

static void find(struct found *found, const struct event *event)
{
    const struct pages_key key = {.cpu = (uint64_t)event->cpu};
    if (event->cpu >= 0)
        found_atom(found, &pages_kind, &key.atom);
}

enum { ORDER, PFN };

/* An event has 2^order of them. */
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
    if (event_has_value(event, PFN) && event->value[PFN] == -1) {
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

/* Pages that are freed in a batch (kmem_mm_page_free_batched) are freed by kmem_mm_page_free as well. */
static const struct rule rules[] = {
    {{"x86_exceptions_page_fault_user", {{NULL}}, 0}, .tag = 46, ANALYSIS_RULE_OF(user_fault)},
    {{"x86_exceptions_page_fault_kernel", {{NULL}}, 0}, .tag = 47, ANALYSIS_RULE_OF(kernel_fault)},
    {{"kmem_mm_page_alloc", {{"order", SLOT_VALUE, ORDER}, {"pfn", SLOT_VALUE, PFN}}, 1 << ORDER},
     .tag = 48,
     ANALYSIS_RULE_OF(alloc)},
    {{"kmem_mm_page_free", {{"order", SLOT_VALUE, ORDER}}, 1 << ORDER},
     .tag = 49,
     ANALYSIS_RULE_OF(free)},
};

static const struct atom_kind *const kinds[] = {&pages_kind};
const struct analysis pages_analysis = {"pages", kinds, 1, rules, sizeof rules / sizeof *rules};
