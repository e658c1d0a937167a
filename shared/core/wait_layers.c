/* The waits of open instances of a thread, in both modes: wakers of blocked time, and threads that
 * ran during runnable time.
 *
 * Instances do not copy the waits of their thread: there may be many instances, and many wakers.
 * The waits of a thread are stored in *layers*, one on top of the other. A layer has the waits from
 * the begin of one instance to the begin of that of the next layer: so an instance has those of its
 * own layer and of all above. An instance without waits of its own has no layer, and a layer may
 * outlive its instance.
 *
 * The row has the waits of a life before each STEP that may end one of its instances
 * (RECORD_WAITS): they are added to the topmost layer of the past. An instance that passes brings
 * its layers (RECORD_LAYERS), which are subtracted from that one, because it already has them as
 * waits.
 *
 * Instances that never end, or an instance that is open for long and woken by ever new threads,
 * must not grow without limit. So an instance with more than INSTANCE_WAITS_COUNTED waits reports
 * none. This number only grows and adds up over rows, so it does not depend on the cuts. Layers
 * beyond it are reduced to their number of waits (layers_bound()). */
#include "base/memory.h"
#include "core/state.h"

struct wait_layer {
    uint64_t order; /* not before the begin of its instance: instance_order() */
    struct instance_wait *at;
    size_t count, room;
    struct cell_index index; /* by who */
};

struct wait_layers {
    struct wait_layer *at; /* `room` of them have memory, `count` are in use */
    size_t count, room;
    size_t look_at; /* at this count, layers that no instance needs are merged */
    size_t added;   /* entries since layers_bound() */
};

enum { LAYERS_FIRST = 2, LAYERS_LOOKED_AT = 32, BOUND_AGAIN = INSTANCE_WAITS_COUNTED / 4 };

/* --- one layer --- */

static struct instance_wait *find(struct wait_layer *layer, uint64_t who)
{
    bool is_new;
    size_t at = cell_index_at(&layer->index, who, &is_new);
    if (is_new) {
        layer->at = memory_grow(layer->at, &layer->room, layer->count + 1, sizeof *layer->at);
        layer->at[layer->count++] = (struct instance_wait){.who = who};
    }
    return &layer->at[at];
}

static void add(struct wait_layer *layer, const struct instance_wait *wait)
{
    struct instance_wait *to = find(layer, wait->who);
    to->count += wait->count;
    to->total_ns += wait->total_ns;
}

static void empty(struct wait_layer *layer)
{
    layer->count = 0;
    cell_index_clear(&layer->index);
}

static void merge(struct wait_layer *to, struct wait_layer *from)
{
    for (size_t i = 0; i < from->count; i++)
        add(to, &from->at[i]);
    empty(from);
}

/* Removes entries that were taken out entirely. */
static void drop_empty(struct wait_layer *layer)
{
    size_t count = layer->count;
    empty(layer);
    for (size_t i = 0; i < count; i++) {
        const struct instance_wait wait = layer->at[i];
        if (wait.count > 0 || wait.total_ns > 0)
            add(layer, &wait);
    }
}

/* `sum` plus the number of waits of the layer; above the limit, any number above it. */
static uint64_t count_waits(const struct wait_layer *layer, uint64_t sum)
{
    for (size_t i = 0; i < layer->count && sum <= INSTANCE_WAITS_COUNTED; i++) {
        uint64_t count = layer->at[i].count;
        if (count == 0)
            count = layer->at[i].total_ns > 0; /* not empty: of a row that is not sound */
        sum = count <= INSTANCE_WAITS_COUNTED ? sum + count : count;
    }
    return sum;
}

/* --- all layers of a thread --- */

static struct wait_layers *layers_of(struct life *life)
{
    if (!life->layers)
        life->layers = memory_new(sizeof *life->layers);
    return life->layers;
}

static struct wait_layer *push(struct wait_layers *layers, uint64_t order)
{
    if (layers->count == layers->room) {
        size_t room = layers->room > 0 ? 2 * layers->room : LAYERS_FIRST;
        layers->at = memory_resize(layers->at, room, sizeof *layers->at);
        memset(layers->at + layers->room, 0, (room - layers->room) * sizeof *layers->at);
        layers->room = room;
    }
    struct wait_layer *layer = &layers->at[layers->count++];
    layer->order = order;
    assert(layer->count == 0);
    return layer;
}

void layers_forget(struct life *life)
{
    struct wait_layers *layers = life->layers;
    for (size_t i = 0; layers && i < layers->count; i++)
        empty(&layers->at[i]);
    if (layers)
        layers->count = 0;
}

void layers_free(struct life *life)
{
    struct wait_layers *layers = life->layers;
    if (!layers)
        return;
    for (size_t i = 0; i < layers->room; i++) {
        free(layers->at[i].at);
        cell_index_free(&layers->at[i].index);
    }
    free(layers->at);
    free(layers);
    life->layers = NULL;
}

/* No open instance began after `order`: higher layers belong to the same instances. */
static void close_above(struct wait_layers *layers, uint64_t order)
{
    while (layers->count > 0 && layers->at[layers->count - 1].order > order) {
        struct wait_layer *last = &layers->at[layers->count - 1];
        if (layers->count == 1 || last[-1].order < order) {
            last->order = order;
            return;
        }
        merge(last - 1, last);
        layers->count--;
    }
}

/* Whether an open instance may have begun after `from` and not after `to`; *above is where the
 * search continues. */
static bool begins_between(const struct instance **above, uint64_t from, uint64_t to)
{
    const struct instance *each = *above;
    while (each && instance_oldest(each)->order > to)
        each = each->below;
    *above = each;
    return each && each->mark.order > from;
}

static void swap(struct wait_layer *a, struct wait_layer *b)
{
    struct wait_layer was = *a;
    *a = *b;
    *b = was;
}

/* Merges layers that no instance distinguishes; layers below all instances are dropped. */
static void join_like(const struct life *life, struct wait_layers *layers)
{
    const struct instance *above = life->phases.top;
    size_t kept = layers->count; /* at[kept ..] stay */
    for (size_t i = layers->count; i-- > 0;) {
        bool is_apart =
            begins_between(&above, i > 0 ? layers->at[i - 1].order : 0, layers->at[i].order);
        if (!is_apart && i > 0)
            merge(&layers->at[i - 1], &layers->at[i]);
        else if (!is_apart)
            empty(&layers->at[i]);
        else
            swap(&layers->at[--kept], &layers->at[i]);
    }
    for (size_t i = kept; i < layers->count && kept > 0; i++)
        swap(&layers->at[i - kept], &layers->at[i]);
    layers->count -= kept;
}

/* The topmost layer: of the youngest instance. */
static struct wait_layer *topmost(struct life *life)
{
    struct wait_layers *layers = layers_of(life);
    uint64_t order = life->phases.top->mark.order;
    close_above(layers, order);
    if (layers->count > 0 && layers->at[layers->count - 1].order == order)
        return &layers->at[layers->count - 1];
    if (layers->count >= LAYERS_LOOKED_AT && layers->count >= layers->look_at) {
        join_like(life, layers);
        layers->look_at = 2 * layers->count + life->phases.count;
    }
    return push(layers, order);
}

/* Replaces the layers up to `last`, whose instances report no waits, by one that only has their
 * number. */
static void give_up(struct wait_layers *layers, size_t last)
{
    struct instance_wait all = {.who = wait_who(WAKER_UNKNOWN, 0),
                                .count = INSTANCE_WAITS_COUNTED + 1};
    for (size_t i = 0; i <= last; i++) {
        for (size_t k = 0; k < layers->at[i].count; k++)
            all.total_ns += layers->at[i].at[k].total_ns;
        empty(&layers->at[i]);
    }
    layers->at[0].order = layers->at[last].order;
    add(&layers->at[0], &all);
    for (size_t i = last + 1; i < layers->count && last > 0; i++)
        swap(&layers->at[i - last], &layers->at[i]);
    layers->count -= last;
}

/* Limits the number of entries to about that of the waits that an instance reports. */
static void layers_bound(struct wait_layers *layers)
{
    size_t kept = 0;
    for (size_t i = 0; i < layers->count; i++) {
        drop_empty(&layers->at[i]);
        if (layers->at[i].count > 0)
            swap(&layers->at[kept++], &layers->at[i]);
    }
    layers->count = kept;
    layers->added = 0;
    uint64_t sum = 0;
    for (size_t i = layers->count; i-- > 0;) {
        sum = count_waits(&layers->at[i], sum);
        if (sum > INSTANCE_WAITS_COUNTED) {
            give_up(layers, i);
            return;
        }
    }
}

void layers_add(struct life *life, const struct instance_wait *wait)
{
    assert(life->phases.count > 0);
    struct wait_layer *top = topmost(life);
    size_t before = top->count;
    add(top, wait);
    life->layers->added += top->count - before;
    if (life->layers->added >= BOUND_AGAIN)
        layers_bound(life->layers);
}

/* Blocked time before runnable time; within each, the largest first. */
static int largest_first(const void *a, const void *b)
{
    const struct instance_wait *left = a, *right = b;
    bool blocked = wait_is_of_blocked(wait_kind_of(left->who));
    if (blocked != wait_is_of_blocked(wait_kind_of(right->who)))
        return blocked ? -1 : 1;
    if (left->total_ns != right->total_ns)
        return left->total_ns > right->total_ns ? -1 : 1;
    return (left->who > right->who) - (left->who < right->who);
}

bool layers_since(const struct life *life, uint64_t order, struct ended_instance *ended)
{
    const struct wait_layers *layers = life->layers;
    struct wait_layer all = {.order = order};
    uint64_t sum = 0;
    for (size_t i = layers ? layers->count : 0; i-- > 0 && layers->at[i].order >= order;)
        sum = count_waits(&layers->at[i], sum);
    if (sum > INSTANCE_WAITS_COUNTED)
        return false;
    for (size_t i = layers ? layers->count : 0; i-- > 0 && layers->at[i].order >= order;)
        for (size_t k = 0; k < layers->at[i].count; k++)
            if (layers->at[i].at[k].total_ns > 0)
                add(&all, &layers->at[i].at[k]);
    cell_index_free(&all.index);
    ended->waits = all.at;
    ended->wait_count = all.count;
    return true;
}

/* --- mapping --- */

void layers_write(struct core *core, struct life *life)
{
    const struct wait_layers *layers = life->layers;
    size_t count = 0;
    for (size_t i = 0; layers && i < layers->count; i++)
        count += layers->at[i].count;
    if (count == 0)
        return;
    struct layers_line *line = &row_add(core->row, RECORD_LAYERS)->layers;
    *line = (struct layers_line){.life = life->name};
    line->waits = arena_take(&core->row->records, count * sizeof *line->waits);
    for (size_t i = 0; i < layers->count; i++)
        for (size_t k = 0; k < layers->at[i].count; k++)
            line->waits[line->wait_count++] =
                (struct layer_wait){layers->at[i].order, layers->at[i].at[k]};
    layers_forget(life);
}

/* --- joining --- */

static void take_out(struct wait_layer *layer, const struct instance_wait *wait)
{
    struct instance_wait *from = find(layer, wait->who);
    from->count -= wait->count < from->count ? wait->count : from->count;
    from->total_ns -= wait->total_ns < from->total_ns ? wait->total_ns : from->total_ns;
}

bool layers_join(struct core *core, const struct layers_line *line)
{
    for (size_t i = 0; i < line->wait_count; i++)
        if (!core_has_room(core, line->waits[i].order >> EVENT_SHIFT))
            return false;
    struct life *life = join_life_of(core, line->life);
    if (!life || life->phases.count == 0)
        return true;
    life_touch(life);
    struct wait_layers *layers = layers_of(life);
    size_t below = layers->count;
    for (size_t i = 0; i < line->wait_count; i++) {
        struct instance_wait wait = line->waits[i].wait;
        uint64_t order = line->waits[i].order + (core->past_events << EVENT_SHIFT);
        wait.who = join_who(core, wait.who);
        if (below > 0)
            take_out(&layers->at[below - 1], &wait);
        if (layers->count == 0 || layers->at[layers->count - 1].order < order)
            push(layers, order);
        add(&layers->at[layers->count - 1], &wait);
    }
    layers->added += line->wait_count;
    if (layers->added >= BOUND_AGAIN)
        layers_bound(layers);
    return true;
}

/* Only the largest are kept. */
void waits_resolve(const struct core *core, const struct ended_instance *from,
                   struct ended_instance *to)
{
    struct wait_layer all = {.order = 0};
    for (size_t i = 0; i < from->wait_count; i++) {
        struct instance_wait wait = from->waits[i];
        wait.who = join_who(core, wait.who);
        add(&all, &wait);
    }
    cell_index_free(&all.index);
    to->waits = all.at;
    to->wait_count = all.count;
}

/* The waits of blocked or of runnable time sum to `whole_ns`, the rest is unknown: all of it if
 * there are none, as the thread still waits, or if there are too many.
 *
 * A thread may seem to wait when an instance begins, if the event that ended the wait was lost.
 * Then the waits exceed the time by the part of that wait that was before the begin. It is in one
 * of them, or in several (of runnable time, and of a request: each segment may begin so): what each
 * has at least is its time without that part. */
static void fit(struct wait_layer *all, bool blocked, bool of_request, uint64_t whole_ns)
{
    const uint64_t unknown = wait_who(blocked ? WAKER_UNKNOWN : RAN_UNKNOWN, 0);
    uint64_t sum_ns = 0, certain_ns = 0;
    for (size_t i = 0; i < all->count; i++)
        if (wait_is_of_blocked(wait_kind_of(all->at[i].who)) == blocked)
            sum_ns += all->at[i].total_ns;
    if (sum_ns == whole_ns)
        return;
    uint64_t excess_ns = sum_ns > whole_ns ? sum_ns - whole_ns : 0;
    for (size_t i = 0; i < all->count; i++) {
        struct instance_wait *wait = &all->at[i];
        if (wait->who == unknown || wait_is_of_blocked(wait_kind_of(wait->who)) != blocked)
            continue;
        if (wait->total_ns >= excess_ns)
            wait->total_ns -= excess_ns;
        else if (!blocked || of_request)
            wait->total_ns = 0;
        certain_ns += wait->total_ns;
    }
    if (certain_ns > whole_ns)
        return; /* of a row that is not sound */
    struct instance_wait *rest = find(all, unknown);
    rest->count += sum_ns > 0 && rest->count == 0; /* 0: nothing is known */
    rest->total_ns = whole_ns - certain_ns;
}

void waits_fit(struct ended_instance *ended, bool is_request)
{
    struct wait_layer all = {.order = 0};
    for (size_t i = 0; i < ended->wait_count; i++)
        add(&all, &ended->waits[i]);
    const struct time_vector *time = &ended->time;
    uint64_t blocked_ns = time->blocked_ns + time->before_blocked_ns;
    for (uint32_t i = 0; i < time->blocked_count; i++)
        blocked_ns += time->blocked_in[i].ns;
    fit(&all, true, is_request, blocked_ns);
    fit(&all, false, is_request, time->runnable_ns);
    free(ended->waits);
    ended->waits = all.at;
    ended->wait_count = 0;
    for (size_t i = 0; i < all.count; i++)
        if (all.at[i].total_ns > 0)
            ended->waits[ended->wait_count++] = all.at[i];
    cell_index_free(&all.index);
}

void waits_sort(struct ended_instance *ended)
{
    if (ended->wait_count > 1)
        qsort(ended->waits, ended->wait_count, sizeof *ended->waits, largest_first);
    size_t kept = 0, of_kind[2] = {0};
    for (size_t i = 0; i < ended->wait_count; i++) {
        bool blocked = wait_is_of_blocked(wait_kind_of(ended->waits[i].who));
        if (of_kind[blocked]++ < INSTANCE_WAITS_MAX / 2)
            ended->waits[kept++] = ended->waits[i];
    }
    ended->wait_count = kept;
}

/* --- state --- */

struct layer_wait *layers_list(const struct life *life, size_t *count)
{
    const struct wait_layers *layers = life->layers;
    struct layer_wait *all = NULL;
    size_t room = 0;
    *count = 0;
    for (size_t i = 0; layers && life->phases.count > 0 && i < layers->count; i++)
        for (size_t k = 0; k < layers->at[i].count; k++) {
            all = memory_grow(all, &room, *count + 1, sizeof *all);
            all[(*count)++] = (struct layer_wait){layers->at[i].order, layers->at[i].at[k]};
        }
    return all;
}

bool layers_restore(struct life *life, const struct layer_wait *waits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wait_layers *layers = layers_of(life);
        uint64_t last = layers->count > 0 ? layers->at[layers->count - 1].order : 0;
        if (!layer_wait_is_sound(&waits[i]) || waits[i].order < last)
            return false;
        if (layers->count == 0 || last < waits[i].order)
            push(layers, waits[i].order);
        add(&layers->at[layers->count - 1], &waits[i].wait);
    }
    return true;
}
