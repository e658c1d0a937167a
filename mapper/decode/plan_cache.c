#include "mapper/decode/plan_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ctf/metadata_text.h"
#include "mapper/decode/phase_survey.h"

/* Number of sets kept: those of the kernel and user space for two or three sessions. */
enum { KEPT_MAX = 8 };
/* Limit of their texts. */
static const size_t KEPT_BYTES_MAX = (size_t)16 << 20;

struct plan_cache {
    struct plan_set *kept[KEPT_MAX];
    size_t count;
    size_t bytes; /* of their texts */
    uint64_t uses;
    bool missed; /* plan_cache_first_miss() was called */
};

/* --- a set --- */

static enum domain domain_of(const struct layout *layout, bool of_user_folder)
{
    const struct layout_env *domain = layout_env(layout, "domain");
    if (domain && domain->text && *domain->text)
        return strcmp(domain->text, "kernel") == 0 ? DOMAIN_KERNEL : DOMAIN_UST;
    return of_user_folder ? DOMAIN_UST : DOMAIN_KERNEL;
}

static void make_plans(struct plan_set *set, const struct plan_wants *wants)
{
    const struct layout *layout = set->layout;
    /* Classes define by name what is needed; each reader has a schema of its own. */
    struct schema *schema = wants->is_of_names ? schema_new_of_names(wants->phases)
                                               : schema_new_with(wants->phases, wants->rows, NULL);
    const struct plan **plans = arena_take(&set->arena, layout->event_count * sizeof *plans);
    struct plan_header *headers = arena_take(&set->arena, layout->stream_count * sizeof *headers);
    for (uint32_t i = 0; i < layout->stream_count; i++) {
        const struct layout_stream *stream = &layout->streams[i];
        headers[i] = plan_header(stream);
        for (uint32_t j = 0; j < stream->event_count; j++) {
            const struct layout_event *event = stream->by_id[j];
            const struct event_class *class =
                schema_class(schema, set->domain, text_of(event->name));
            bool shown = wants->shows && wants->shows(set->domain, event->name);
            plans[event->number] = plan_new(&set->arena, stream, event, class, &headers[i], shown);
            if (set->domain == DOMAIN_KERNEL)
                declared_names_add(&set->declared, text_of(event->name));
        }
    }
    set->plans = plans;
    set->headers = headers;
    set->uses = phase_uses_copy(&set->arena, phase_survey(layout, wants->phases, &set->arena));
    schema_free(schema);
}

/* `like`: a set of the same text, whose layout is used; or NULL. */
static enum status set_new(struct bytes metadata, const struct plan_set *like, bool of_user_folder,
                           const struct plan_wants *wants, struct plan_set **out,
                           struct failure *why)
{
    struct layout *layout = like ? like->layout : NULL;
    enum status status = like ? STATUS_OK : layout_open(metadata, &layout, why);
    if (status != STATUS_OK)
        return status;
    if (layout->stream_count == 0) {
        layout_close(layout);
        return fail(why, STATUS_REJECT, "metadata: declares no stream");
    }
    struct plan_set *set = memory_new(sizeof *set);
    set->layout = layout;
    set->owner = like ? like->owner : set;
    set->owner->users += like != NULL;
    set->domain = domain_of(layout, of_user_folder);
    set->of_user_folder = of_user_folder;
    set->phases_digest = wants->phases ? phases_digest(wants->phases) : 0;
    set->rows = wants->rows;
    set->shows = wants->shows;
    set->is_of_names = wants->is_of_names;
    set->users = 1;
    make_plans(set, wants);
    *out = set;
    return STATUS_OK;
}

void plan_set_release(struct plan_set *set)
{
    if (!set || --set->users > 0)
        return;
    if (set->owner == set)
        layout_close(set->layout);
    else
        plan_set_release(set->owner);
    arena_clear(&set->arena);
    free(set);
}

/* --- the cache --- */

struct plan_cache *plan_cache_new(void)
{
    return memory_new(sizeof(struct plan_cache));
}

static void drop(struct plan_cache *cache, size_t at)
{
    cache->bytes -= cache->kept[at]->text.count;
    plan_set_release(cache->kept[at]);
    cache->kept[at] = cache->kept[--cache->count];
}

void plan_cache_free(struct plan_cache *cache)
{
    if (!cache)
        return;
    while (cache->count > 0)
        drop(cache, cache->count - 1);
    free(cache);
}

static void drop_oldest(struct plan_cache *cache)
{
    size_t oldest = 0;
    for (size_t i = 1; i < cache->count; i++)
        if (cache->kept[i]->used < cache->kept[oldest]->used)
            oldest = i;
    drop(cache, oldest);
}

static void keep(struct plan_cache *cache, struct plan_set *set, struct bytes file)
{
    size_t count;
    enum metadata_division division = metadata_division_of(file, &count);
    if (count > KEPT_BYTES_MAX)
        return;
    while (cache->count == KEPT_MAX || cache->bytes + count > KEPT_BYTES_MAX)
        drop_oldest(cache);
    uint8_t *copy = arena_take(&set->arena, count);
    metadata_copy_text(file, division, copy);
    set->text = (struct bytes){copy, count};
    set->used = cache->uses;
    set->users++;
    cache->bytes += count;
    cache->kept[cache->count++] = set;
}

static bool is_for(const struct plan_set *set, bool of_user_folder, const struct plan_wants *wants)
{
    uint64_t digest = wants->phases ? phases_digest(wants->phases) : 0;
    return set->of_user_folder == of_user_folder && set->phases_digest == digest &&
           set->rows == wants->rows && set->shows == wants->shows &&
           set->is_of_names == wants->is_of_names;
}

/* A set of this text, for these arguments if there is one; or NULL. */
static struct plan_set *find(struct plan_cache *cache, struct bytes file, bool of_user_folder,
                             const struct plan_wants *wants)
{
    struct plan_set *like = NULL;
    size_t count;
    enum metadata_division division = metadata_division_of(file, &count);
    for (size_t i = 0; i < cache->count; i++) {
        struct plan_set *set = cache->kept[i];
        if (set->text.count != count || !metadata_has_text(file, division, set->text))
            continue;
        like = set;
        if (is_for(set, of_user_folder, wants))
            return set;
    }
    return like;
}

enum status plan_cache_take(struct plan_cache *cache, struct bytes metadata, bool of_user_folder,
                            const struct plan_wants *wants, struct plan_set **out,
                            struct failure *why)
{
    *out = NULL;
    if (!cache || metadata.count == 0 || metadata.count > LAYOUT_METADATA_MAX)
        return set_new(metadata, NULL, of_user_folder, wants, out, why);
    cache->uses++;
    struct plan_set *found = find(cache, metadata, of_user_folder, wants);
    if (found && is_for(found, of_user_folder, wants)) {
        *out = found;
        found->users++;
        found->used = cache->uses;
        return STATUS_OK;
    }
    enum status status = set_new(metadata, found, of_user_folder, wants, out, why);
    if (status == STATUS_OK)
        keep(cache, *out, metadata);
    return status;
}

bool plan_cache_first_miss(struct plan_cache *cache)
{
    bool first = !cache->missed;
    cache->missed = true;
    return first;
}
