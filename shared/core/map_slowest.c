/* Mapping: instances that are listed individually: the slowest of each phase that ended here.
 *
 * Only instances that certainly have one process and one path are compared: of threads with the
 * same known process, or of one life; and with one label. Written ones stay in the comparison, so
 * later LINEs only list slower ones. */
#include "base/hash.h"
#include "base/memory.h"
#include "core/state.h"

/* The slowest of a group of instances that ended here. */
struct known_slowest {
    struct known_slowest *next; /* with the same hash */
    uint64_t set;               /* of set_of(): the threads */
    uint32_t label, definition;
    struct slowest list; /* of struct unsent_ended */
};

struct unsent_ended {
    struct unsent_ended *next, **back; /* of its life, until it is written */
    bool sent;                         /* then `line` owns nothing */
    struct ended_line line;
};

static uint64_t set_of(const struct life *life)
{
    const struct thread_group *thread_group = life->phases.thread_group;
    return thread_group ? thread_group->id << 1 : life->phases.id << 1 | 1;
}

static struct known_slowest *find(struct core *core, uint64_t set, uint32_t label,
                                  uint32_t definition)
{
    uint64_t key = hash_number(hash_number(set) ^ (uint64_t)label << 32 ^ definition);
    struct known_slowest *first = map_get(&core->slowest, key);
    for (struct known_slowest *each = first; each; each = each->next)
        if (each->set == set && each->label == label && each->definition == definition)
            return each;
    struct known_slowest *made = arena_take(&core->row->arena, sizeof *made);
    *made =
        (struct known_slowest){.next = first, .set = set, .label = label, .definition = definition};
    slowest_init(&made->list, core->phases.set->at[definition]->keep);
    map_put(&core->slowest, key, made);
    return made;
}

static void free_ended(struct unsent_ended *ended)
{
    ended_instance_clear(&ended->line.ended);
    free(ended);
}

static struct unsent_ended *new_ended(const struct core *core, const struct ended_line *line)
{
    struct unsent_ended *made = memory_new(sizeof *made);
    made->line = *line;
    struct ended_instance *ended = &made->line.ended;
    ended->time = (struct time_vector){0};
    time_vector_merge(&ended->time, &line->ended.time);
    ended->value_count = phase_value_count(core->phases.set->at[line->definition]);
    ended->values = memory_new((ended->value_count + 1) * sizeof *ended->values);
    for (size_t i = 0; i < ended->value_count; i++)
        ended->values[i] = phase_value_copy(&line->ended.values[i]);
    ended->waits = instance_waits_copy(line->ended.waits, line->ended.wait_count);
    return made;
}

bool map_keeps_ended(struct core *core, const struct life *life, struct phase_sum *sum,
                     uint32_t definition, uint64_t ns)
{
    struct known_slowest *known = sum->slowest;
    uint64_t set = set_of(life);
    if (!known || known->set != set || known->definition != definition)
        sum->slowest = known = find(core, set, sum->label, definition);
    return ns >= known->list.least_ns;
}

void map_keep_ended(struct core *core, struct life *life, struct phase_sum *sum,
                    const struct ended_line *line)
{
    struct known_slowest *known = sum->slowest;
    struct unsent_ended *made = new_ended(core, line);
    struct unsent_ended *left = slowest_put(&known->list, line->ended.rank, made);
    if (left != made) {
        made->next = life->ended;
        made->back = &life->ended;
        if (made->next)
            made->next->back = &made->next;
        life->ended = made;
        life_list(core, life);
    }
    if (!left)
        return;
    if (left != made && !left->sent) {
        *left->back = left->next;
        if (left->next)
            left->next->back = left->back;
    }
    free_ended(left);
}

void map_write_ended(struct life *life, struct life_line *line)
{
    size_t room = 0;
    struct unsent_ended *next;
    for (struct unsent_ended *each = life->ended; each; each = next) {
        next = each->next;
        line->ended = memory_grow(line->ended, &room, line->ended_count + 1, sizeof *line->ended);
        line->ended[line->ended_count++] = each->line; /* with what it owns */
        each->line.ended.values = NULL;
        each->line.ended.value_count = 0;
        each->line.ended.time = (struct time_vector){0};
        each->line.ended.waits = NULL;
        each->line.ended.wait_count = 0;
        each->sent = true;
    }
    life->ended = NULL;
}

void map_forget_slowest(struct core *core)
{
    struct known_slowest *first;
    for (size_t at = 0; (first = map_next(&core->slowest, &at));)
        for (struct known_slowest *each = first; each; each = each->next) {
            for (size_t i = 0; i < each->list.count; i++)
                free_ended(each->list.at[i].item);
            slowest_clear(&each->list);
        }
    map_clear(&core->slowest);
}
