/* core/settle.h -- finds the current thread of a CPU before its first switch, by lookahead
 * (docs/RESULTS.md, section 3).
 *
 *     struct settle_search search = {.cpu = cpu, .first_ns = first_ns};
 *
 * Pass the records from where the current thread is unknown to settle_look() until search.over;
 * then the same records except the last to settle_elsewhere(). */
#ifndef CORE_SETTLE_H
#define CORE_SETTLE_H

#include "core/core.h"

struct settle_search {
    int32_t cpu;
    uint64_t first_ns; /* of the CPU's first event */
    bool over;
    bool found; /* the first switch or exec, with: */
    int32_t tid;
    bool elsewhere; /* the mapper knew that the thread was not on this CPU */
};

void settle_look(struct settle_search *search, const struct record *record);
/* Whether the record shows that the found thread was on another CPU, or was created later. */
bool settle_elsewhere(const struct settle_search *search, const struct record *record);
/* The same for an unchanged event. */
void settle_look_at(struct settle_search *search, const struct event *event);
bool settle_names_elsewhere(const struct settle_search *search, const struct event *event);
/* The result if no record showed the thread elsewhere: a thread, 0 (idle), or
 * TID_SETTLED_UNKNOWN. */
int32_t settle_found(const struct settle_search *search, const struct core *core);

#endif
