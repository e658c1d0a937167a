#include "export/exemplars.h"

#include <assert.h>

#include "base/session_name.h"
#include "export/told_instances.h"
#include "export/trace_ids.h"
#include "results/report.h"

static_assert((int)EXEMPLAR_ID_ROOM == (int)INSTANCE_ID_ROOM,
              "ids are written by report_instance_id()");

/* As series have it (export/series.h). */
static bool is_label(struct text label, struct text value)
{
    char room[SESSION_NAME_ROOM];
    session_name_part(value, room);
    return text_equal(label, text_of(room));
}

static int64_t duration_of(const struct told_one *one)
{
    return one->end_ns - one->begin_ns;
}

/* Of equals, the first one. NULL: none is told. */
static const struct told_one *slowest_of(const struct told_instances *told,
                                         const struct sample *sample)
{
    const struct told_one *slowest = NULL;
    for (size_t i = 0; i < told->count; i++) {
        const struct told_one *one = &told->at[i];
        if (slowest && duration_of(one) <= duration_of(slowest))
            continue;
        if (is_label(sample->labels[0], one->process) && is_label(sample->labels[1], one->phase))
            slowest = one;
    }
    return slowest;
}

static const struct exemplar *exemplar_of(struct text session, const struct told_one *one,
                                          struct arena *arena)
{
    struct trace_ids ids;
    trace_ids_of(session, one, &ids);
    struct exemplar *exemplar = arena_take(arena, sizeof *exemplar);
    *exemplar = (struct exemplar){.end_ns = one->end_ns, .ns = duration_of(one)};
    memcpy(exemplar->trace, ids.trace, sizeof ids.trace);
    memcpy(exemplar->span, ids.span, sizeof ids.span);
    report_instance_id(one->order, exemplar->id);
    return exemplar;
}

void exemplars_put(const struct export_interval *interval, const struct family *durations,
                   struct sample *samples, size_t count, struct arena *arena)
{
    struct told_instances told;
    told_instances_of(interval, arena, &told);
    for (size_t i = 0; i < count; i++) {
        if (samples[i].family != durations)
            continue;
        const struct told_one *slowest = slowest_of(&told, &samples[i]);
        if (slowest)
            samples[i].exemplar = exemplar_of(interval->samples.session, slowest, arena);
    }
}
