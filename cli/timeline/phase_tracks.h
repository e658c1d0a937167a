/* cli/timeline/phase_tracks.h -- phases as slices: events begin and end instances by the rules of
 * docs/RESULTS.md, section 7. Processes are those of the final report. */
#ifndef CLI_TIMELINE_PHASE_TRACKS_H
#define CLI_TIMELINE_PHASE_TRACKS_H

#include "cli/story/follow.h"
#include "cli/timeline/tracks.h"
#include "trace/phases.h"

struct phase_tracks {
    struct tracks *tracks;
    struct map by_key; /* struct open_phase: candidates of one end event, the last begun first */
    struct open_phase *first, *last; /* in begin order */
};

/* Ends, then begins instances at the event. */
void phase_tracks_take(struct phase_tracks *phases, struct track_thread *thread,
                       const struct followed *followed);
/* Ends all instances of the process, or only those begun by user-space events. */
void phase_tracks_end_process(struct phase_tracks *phases, int64_t pid, bool of_user_space,
                              int64_t at_ns);
void phase_tracks_clear(struct phase_tracks *phases);

#endif
