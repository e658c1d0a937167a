/* tests/core/core_law.h -- reports of the core, to be compared with those of the models that it
 * replaces. */
#ifndef TESTS_CORE_CORE_LAW_H
#define TESTS_CORE_CORE_LAW_H

#include "laws/law.h"

/* As law_report(), of those objects alone that the core tells: all events joined as they are ... */
char *core_uncut_report(const struct law_trace *trace);
/* ... or mapped in pieces, then joined. */
struct core_figures {
    uint64_t events, records, steps, lets, lines;
};
char *core_cut_report(const struct law_trace *trace, struct law_cuts cuts,
                      struct core_figures *figures);
/* Of a report, what comes from beside the core: the summary, and analyses. */
char *core_beside_of(const char *report);
/* Of a report, the objects that the core tells; to be freed. */
char *core_part_of(const char *report);
/* Of a report, the descriptors. */
char *core_fds_of(const char *report);
/* Of a report, all else that the core tells, as far as the models tell it likewise: of phases not where the time went, since of a thread that
 * runs while another ends its instance the core knows that up to its last own event. `taken_back`: nor of
 * threads. To be freed. */
char *core_likewise(const char *report, bool taken_back);

#endif
