/* Waits of threads, in both modes: wakers of blocked time, and threads that ran during runnable
 * time.
 *
 * They are purely additive, under the name of a life: they can be written at any time before that
 * life ends. But if the past may have open instances on it, they are written before anything that
 * may end these, or begin others (core/wait_layers.c). */
#include "base/memory.h"
#include "core/state.h"

/* --- sums --- */

/* Initial capacity. */
enum { WAITS_FIRST = 4 };

NEVER_INLINE static struct wait_sum *find_sum(struct core *core, struct life *life, uint32_t label,
                                              uint64_t who, unsigned cached)
{
    bool is_new;
    size_t at = cell_index_at(&life->wait_index, (uint64_t)label << WAIT_WHO_BITS | who, &is_new);
    if (is_new) {
        if (life->wait_count == life->wait_room) {
            life->wait_room = life->wait_room > 0 ? 2 * life->wait_room : WAITS_FIRST;
            life->waits = memory_resize(life->waits, life->wait_room, sizeof *life->waits);
        }
        life->waits[life->wait_count++] = (struct wait_sum){.label = label, .who = who};
        life_list(core, life);
    }
    life->wait_at[cached] = at < UINT8_MAX ? (uint8_t)(at + 1) : 0;
    return &life->waits[at];
}

static inline struct wait_sum *sum_at(struct core *core, struct life *life, uint32_t label,
                                      uint64_t who)
{
    unsigned cached = (unsigned)(who ^ who >> WAIT_KIND_BITS) % WAITS_CACHED;
    unsigned at = life->wait_at[cached];
    if (at > 0) {
        struct wait_sum *sum = &life->waits[at - 1];
        if (sum->who == who && sum->label == label)
            return sum;
    }
    return find_sum(core, life, label, who, cached);
}

static inline uint64_t max_of(const struct wait_sum *sum)
{
    return sum->more > 0 ? sum->max_ns : sum->total_ns;
}

/* A sum of 0 is new. */
static inline void add(struct wait_sum *to, uint64_t ns)
{
    bool is_new = to->total_ns == 0 && to->more == 0;
    uint64_t max_ns = max_of(to);
    to->more += !is_new;
    to->total_ns += ns;
    to->max_ns = is_new ? 0 : ns > max_ns ? ns : max_ns;
}

static void empty(struct life *life)
{
    life->wait_count = 0;
    memset(life->wait_at, 0, sizeof life->wait_at);
    cell_index_clear(&life->wait_index);
}

/* --- in both modes --- */

void wait_add(struct core *core, struct life *life, uint64_t who, uint64_t ns)
{
    assert(ns > 0);
    add(sum_at(core, life, life_label(core, life), who), ns);
    if (life->phases.count > 0)
        layers_add(life, &(struct instance_wait){who, 1, ns});
}

void wait_lost(struct core *core, struct life *life)
{
    if (life->state != STATE_BLOCKED && life->state != STATE_RUNNABLE)
        return;
    uint64_t ns = wait_ns(life);
    if (ns > 0)
        wait_add(core, life,
                 wait_who(life->state == STATE_BLOCKED ? WAKER_UNKNOWN : RAN_UNKNOWN, 0), ns);
}

/* --- mapping --- */

void waits_write(struct core *core, struct life *life)
{
    if (life->wait_count == 0)
        return;
    row_add(core->row, RECORD_WAITS)->waits =
        (struct waits_line){.life = life->name, .sums = life->waits, .sum_count = life->wait_count};
    life->waits = NULL;
    life->wait_room = 0;
    empty(life);
}

/* --- joining --- */

/* Emits the waits of a life in one phase. */
static void emit_of_phase(const struct core *core, const struct life *life, uint32_t path,
                          const struct waits_item *items, size_t count)
{
    struct waits_result waits = {.pid = life->process ? life->process->pid : 0,
                                 .tid = life->tid,
                                 .thread = life->name,
                                 .phase = names_text(&core->paths, path),
                                 .at = items,
                                 .count = count};
    if (core->sink.take_waits) {
        core->sink.take_waits(core->sink.context, &waits);
        return;
    }
    struct result result = {.type = RESULT_WAITS, .phase = waits.phase};
    for (size_t i = 0; i < count; i++) {
        result.wait_who = items[i].who;
        result.wait = items[i].cell;
        core_emit_of(core, life, &result);
    }
}

/* So many are emitted at once. */
enum { ITEMS_MAX = 32 };

/* Waits on their way to results: those of one phase in sequence are emitted together. */
struct emitting {
    uint32_t path;
    size_t count;
    struct waits_item items[ITEMS_MAX];
};

static void emit_last(const struct core *core, const struct life *life, struct emitting *emitting)
{
    if (emitting->count > 0)
        emit_of_phase(core, life, emitting->path, emitting->items, emitting->count);
    emitting->count = 0;
}

static inline void emit_sum(const struct core *core, const struct life *life, uint32_t path,
                            uint64_t who, const struct wait_sum *sum, struct emitting *emitting)
{
    if (emitting->count == ITEMS_MAX || emitting->path != path)
        emit_last(core, life, emitting);
    emitting->path = path;
    emitting->items[emitting->count++] =
        (struct waits_item){who, {sum->more + 1, sum->total_ns, max_of(sum)}};
}

void waits_emit(struct core *core, struct life *life)
{
    struct emitting emitting;
    emitting.count = emitting.path = 0;
    for (size_t i = 0; i < life->wait_count; i++)
        emit_sum(core, life, life->waits[i].label, life->waits[i].who, &life->waits[i], &emitting);
    emit_last(core, life, &emitting);
    empty(life);
}

uint64_t join_who(const struct core *core, uint64_t who)
{
    enum wait_kind kind = wait_kind_of(who);
    if (!wait_is_by_thread(kind))
        return who;
    const struct life *by = join_named(core, wait_by(who));
    if (by == &core->idle)
        return wait_who(kind == WAKER_THREAD ? WAKER_IDLE : RAN_IDLE, 0);
    if (!by || by == &core->unknown_thread)
        return wait_who(kind == WAKER_THREAD ? WAKER_UNKNOWN : RAN_UNKNOWN, 0);
    return wait_who(kind, by->name);
}

/* The sums of a LINE are emitted as they are: readers add them up anyway. */
void waits_join(struct core *core, const struct waits_line *line)
{
    struct life *life = join_life_of(core, line->life);
    struct emitting emitting;
    emitting.count = emitting.path = 0;
    for (size_t i = 0; life && i < line->sum_count; i++) {
        const struct wait_sum *sum = &line->sums[i];
        uint64_t who = join_who(core, sum->who);
        emit_sum(core, life, join_labeled(core, sum->label), who, sum, &emitting);
        if (life->phases.count > 0)
            layers_add(life, &(struct instance_wait){who, sum->more + 1, sum->total_ns});
    }
    if (life)
        emit_last(core, life, &emitting);
}
