/* core/settle.h -- who ran on a CPU before its first switch, by looking ahead (docs/RESULTS.md, section 3).
 *
 *     struct settle_search search = {.cpu = cpu, .first_ns = first_ns};
 *
 * is shown the records from where nobody is known to be current until search.over, by settle_look(); then
 * the same ones but the last, by settle_elsewhere(). */
#ifndef CORE_SETTLE_H
#define CORE_SETTLE_H

#include "core/core.h"

struct settle_search {
    int32_t cpu;
    uint64_t first_ns; /* of the CPU's first event */
    bool over;
    bool found; /* the first switch, or exec: */
    int32_t tid;
    bool elsewhere; /* as the mapper of that switch knows */
};

void settle_look(struct settle_search *search, const struct record *record);
/* Whether it shows the thread that was found on another CPU, or born. */
bool settle_elsewhere(const struct settle_search *search, const struct record *record);
/* The same of an event as it was. */
void settle_look_at(struct settle_search *search, const struct event *event);
bool settle_names_elsewhere(const struct settle_search *search, const struct event *event);
/* Whom the search comes to, if nothing showed it elsewhere: a thread, 0 (idle), or TID_NOBODY. */
int32_t settle_found(const struct settle_search *search, const struct core *core);

#endif
