#include "export/exemplars.h"

#include <assert.h>

#include "base/names.h"
#include "base/session_name.h"
#include "export/listed_instances.h"
#include "export/trace_ids.h"
#include "results/report.h"

static_assert((int)EXEMPLAR_ID_ROOM == (int)INSTANCE_ID_ROOM,
              "ids are written by report_instance_id()");

static int64_t duration_of(const struct listed_instance *one)
{
    return one->end_ns - one->begin_ns;
}

/* Process and phase, as in series (export/series.h), each NUL-terminated. */
enum { KEY_MAX = 2 * SESSION_NAME_ROOM };

static struct text put_key(char room[KEY_MAX], struct text process, struct text phase)
{
    session_name_part(process, room);
    size_t count = strlen(room) + 1;
    session_name_part(phase, &room[count]);
    return (struct text){room, count + strlen(&room[count]) + 1};
}

/* The slowest listed instance of each process and phase in the interval; of equal ones, the first.
 */
struct slowest_listed {
    struct names keys;
    const struct listed_instance **at; /* by key; in the arena */
};

static void find_slowest(const struct listed_instances *listed, struct arena *arena,
                         struct slowest_listed *out)
{
    *out = (struct slowest_listed){.at = arena_take(arena, (listed->count + 1) * sizeof *out->at)};
    for (size_t i = 0; i < listed->count; i++) {
        char room[KEY_MAX];
        const struct listed_instance *one = &listed->at[i];
        size_t known = out->keys.count;
        uint32_t id = names_id(&out->keys, put_key(room, one->process, one->phase));
        if (id == known || duration_of(one) > duration_of(out->at[id]))
            out->at[id] = one;
    }
}

static const struct exemplar *exemplar_of(struct text session, const struct listed_instance *one,
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
    struct listed_instances listed;
    listed_instances_of(interval, arena, &listed);
    struct slowest_listed slowest;
    find_slowest(&listed, arena, &slowest);
    for (size_t i = 0; i < count; i++) {
        if (samples[i].family != durations)
            continue;
        char room[KEY_MAX];
        uint32_t id =
            names_find(&slowest.keys, put_key(room, samples[i].labels[0], samples[i].labels[1]));
        if (id != NAMES_NONE)
            samples[i].exemplar = exemplar_of(interval->samples.session, slowest.at[id], arena);
    }
    names_clear(&slowest.keys);
}
