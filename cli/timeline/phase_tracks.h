/* cli/timeline/phase_tracks.h -- phases as slices: which event begins and ends which instance, by the rules
 * of docs/RESULTS.md, section 7. Processes are those that the report knows in the end. */
#ifndef CLI_TIMELINE_PHASE_TRACKS_H
#define CLI_TIMELINE_PHASE_TRACKS_H

#include "cli/story/follow.h"
#include "cli/timeline/tracks.h"
#include "trace/phases.h"

struct phase_tracks {
    struct tracks *tracks;
    struct map by_key; /* struct open_phase: what one end event might end, the last begun first */
    struct open_phase *first, *last; /* in the order of their begins */
};

/* Ends what the event ends, then begins what it begins. */
void phase_tracks_take(struct phase_tracks *phases, struct track_thread *thread,
                       const struct followed *followed);
/* All instances of the process are over; of those begun by events of user space alone, if asked. */
void phase_tracks_end_process(struct phase_tracks *phases, int64_t pid, bool of_user_space,
                              int64_t at_ns);
void phase_tracks_clear(struct phase_tracks *phases);

#endif
