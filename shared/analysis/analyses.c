#include "analysis/analyses.h"

#include "analysis/view.h"

#define ANALYSIS_POINTER(name) &name##_analysis,
static const struct analysis *const list[] = {ANALYSES(ANALYSIS_POINTER) NULL};

const struct analyses *analyses_all(void)
{
    static const struct analyses all = {list, sizeof list / sizeof *list - 1};
    return &all;
}

const struct atom_kind *analyses_kind(const struct analyses *analyses, uint64_t tag)
{
    for (size_t i = 0; i < analyses->count; i++)
        for (size_t k = 0; k < analyses->at[i]->kind_count; k++)
            if (analyses->at[i]->kinds[k]->tag == tag)
                return analyses->at[i]->kinds[k];
    return NULL;
}

const struct rule *analyses_rule(const struct analyses *analyses, uint64_t tag)
{
    for (size_t i = 0; i < analyses->count; i++)
        for (size_t k = 0; k < analyses->at[i]->rule_count; k++)
            if (analyses->at[i]->rules[k].tag == tag)
                return &analyses->at[i]->rules[k];
    return NULL;
}

const struct event_row *analyses_event_row(size_t index)
{
    const struct analyses *all = analyses_all();
    for (size_t i = 0; i < all->count; i++) {
        if (index < all->at[i]->rule_count)
            return &all->at[i]->rules[index].row;
        index -= all->at[i]->rule_count;
    }
    return NULL;
}

const struct count_definition *analyses_count(size_t number)
{
    const struct analyses *all = analyses_all();
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; all->at[i]->counts && all->at[i]->counts[k]; k++)
            if (all->at[i]->counts[k]->built_in->number == number)
                return all->at[i]->counts[k];
    return NULL;
}

const struct count_definition *analyses_count_named(struct text name)
{
    const struct count_definition *count;
    for (size_t i = 0; (count = analyses_count(i)) != NULL; i++)
        if (text_equal(text_of(count->name), name))
            return count;
    return NULL;
}

/* The next kind with a view, by tag, after `tag`. */
static const struct atom_kind *next_shown(unsigned tag)
{
    const struct analyses *all = analyses_all();
    const struct atom_kind *next = NULL;
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < all->at[i]->kind_count; k++) {
            const struct atom_kind *kind = all->at[i]->kinds[k];
            if (kind->view && kind->tag > tag && (!next || kind->tag < next->tag))
                next = kind;
        }
    return next;
}

const struct atom_kind *analyses_shown(size_t index)
{
    const struct atom_kind *kind = next_shown(0);
    for (; kind && index > 0; index--)
        kind = next_shown(kind->tag);
    return kind;
}
