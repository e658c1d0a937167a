/* Chains: a hash table of open instances by the values of match fields. Instances that begin and end
 * soon are the usual case, so it is intrusive, and its chains are short. */
#include <stdlib.h>

#include "analysis/instances_parts.h"
#include "base/memory.h"

/* Instances of other keys in a chain are usually not in the cache: there are four times as many
 * chains as instances. */
enum { CHAINS_LEAST = 64, CHAINS_EACH = 4 };

static uint64_t place_key(const struct instances *all, const struct instance *instance,
                          size_t place)
{
    const struct subset *subset = &all->links[instance->definition].subsets[place];
    uint64_t key = key_begin(all, instance->thread, instance->definition, place);
    for (size_t i = 0; i < subset->count; i++)
        key = key_add(key, &instance->values[subset->at[i]]);
    return key;
}

static void link_place(struct instance_chains *chains, struct instance_place *place,
                       struct instance_place *above)
{
    struct instance_place **to = above ? &above->below : &chains->at[place->key & chains->mask];
    place->above = above;
    place->below = *to;
    if (place->below)
        place->below->above = place;
    *to = place;
}

static void unlink_place(struct instance_chains *chains, const struct instance_place *place)
{
    *(place->above ? &place->above->below : &chains->at[place->key & chains->mask]) = place->below;
    if (place->below)
        place->below->above = place->above;
}

static void grow(struct instance_chains *chains)
{
    struct instance_chains old = *chains;
    size_t size = old.at ? 2 * (old.mask + 1) : CHAINS_LEAST;
    chains->at = memory_new(size * sizeof(struct instance_place *));
    chains->mask = size - 1;
    for (size_t i = 0; old.at && i <= old.mask; i++) {
        /* From the bottom up, so that each becomes the top of its chain. */
        struct instance_place *place = old.at[i], *above;
        while (place && place->below)
            place = place->below;
        for (; place; place = above) {
            above = place->above;
            link_place(chains, place, NULL);
        }
    }
    free(old.at);
}

void chain_add(struct instances *all, struct instance *instance, size_t at)
{
    struct instance_chains *chains = &all->chains;
    if (!chains->at || CHAINS_EACH * chains->count > chains->mask)
        grow(chains);
    struct instance_place *place = &instance->places[at];
    place->key = place_key(all, instance, at);
    place->instance = instance;
    struct instance_place *above = NULL, *younger = chain_of(all, place->key);
    for (; younger && younger->instance->mark.order > instance->mark.order;
         younger = chain_seek(younger->below, place->key))
        above = younger;
    link_place(chains, place, above);
    chains->count++;
}

void chain_remove(struct instances *all, struct instance *instance, size_t at)
{
    unlink_place(&all->chains, &instance->places[at]);
    all->chains.count--;
}

void chains_clear(struct instance_chains *chains)
{
    free(chains->at);
    *chains = (struct instance_chains){.at = NULL};
}
