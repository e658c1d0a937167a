#include "mapper/decode/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/metadata.h"
#include "base/memory.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader_kind.h"

const char *reader_kind_name(const struct reader_kind *kind)
{
    return kind->name;
}

/* Number of reports per name and cause that are given individually. */
enum { REPORTS_SAID = 4 };

void reader_report(const struct reader_warnings *warnings, struct damage damage, const char *format,
                   ...)
{
    if (warnings == NULL)
        return;
    char text[FAILURE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    damage.text = text_of(text);
    uint64_t count = damage.count;
    if (warnings->notes != NULL)
        count = interval_notes_add(warnings->notes, &damage);
    if (warnings->say == NULL || count - damage.count >= REPORTS_SAID)
        return;
    char *sentence = memory_format(
        "%.*s%s%s%s", (int)damage.name.count, damage.name.at, damage.name.count > 0 ? ": " : "",
        text,
        count - damage.count + 1 >= REPORTS_SAID ? "; further ones are counted, not listed" : "");
    warnings->say(warnings->context, sentence);
    free(sentence);
}

void reader_say(const struct reader_warnings *warnings, const char *format, ...)
{
    if (warnings->say == NULL)
        return;
    char sentence[FAILURE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    warnings->say(warnings->context, sentence);
}

void reader_note_uses(const struct reader_warnings *warnings, struct phase_uses uses)
{
    if (warnings != NULL && warnings->notes != NULL)
        phase_uses_add(&warnings->notes->uses, &warnings->notes->arena, uses);
}

enum status reader_open(const struct trace_set *set, struct schema *schema,
                        const struct reader_warnings *warnings, struct reader **out,
                        struct failure *why)
{
    static const struct reader_choice USUAL = {.kind = NULL, .other = NULL, .cache = NULL};
    return reader_open_as(&USUAL, set, schema, warnings, out, why);
}

/* Whether `metadata`, which our own parser did not understand, is complete CTF 1.8, so that another
 * may understand it. */
static bool others_may_read(struct bytes metadata)
{
    struct metadata read;
    bool whole =
        metadata.at != NULL && metadata_read(metadata, &read, NULL) == STATUS_OK && !read.is_ctf2;
    if (metadata.at != NULL)
        metadata_clear(&read);
    return whole;
}

/* Whether libbabeltrace2 is the better reader of a trace; `why` has the reason. */
static bool is_beyond_us(const struct reader_choice *choice, const struct trace_set *set,
                         const struct schema *schema, struct failure *why)
{
    struct plan_wants wants = {schema_phases(schema), schema_rows(schema), choice->shows,
                               schema_is_of_names(schema)};
    for (size_t i = 0; i < set->trace_count; i++) {
        const struct trace_files *files = &set->traces[i];
        struct plan_set *plans;
        if (plan_cache_take(choice->cache, files->metadata, strncmp(files->name, "ust", 3) == 0,
                            &wants, &plans, why) == STATUS_OK) {
            plan_set_release(plans);
        } else if (others_may_read(files->metadata)) {
            failure_prefix(why, "%s", *files->name != '\0' ? files->name : "trace");
            return true;
        }
    }
    return false;
}

/* Our own reader, unless there is metadata that only another may understand. */
static const struct reader_kind *usual_kind(const struct reader_choice *choice,
                                            const struct trace_set *set,
                                            const struct schema *schema,
                                            const struct reader_warnings *warnings)
{
    struct failure reason;
    if (choice->other == NULL || !is_beyond_us(choice, set, schema, &reason))
        return &reader_spanmill;
    if (plan_cache_first_miss(choice->cache) && warnings != NULL && warnings->say != NULL) {
        char sentence[FAILURE_TEXT_MAX + 64];
        snprintf(sentence, sizeof sentence, "%s; %s reads it instead, which is slower", reason.text,
                 choice->other->name);
        warnings->say(warnings->context, sentence);
    }
    return choice->other;
}

enum status reader_open_as(const struct reader_choice *choice, const struct trace_set *set,
                           struct schema *schema, const struct reader_warnings *warnings,
                           struct reader **out, struct failure *why)
{
    if (choice->kind != NULL)
        return choice->kind->open(choice, set, schema, warnings, out, why);
    struct plan_cache *own = choice->cache != NULL ? NULL : plan_cache_new();
    struct reader_choice made = *choice;
    made.cache = own != NULL ? own : choice->cache;
    made.kind = usual_kind(&made, set, schema, warnings);
    enum status status = made.kind->open(&made, set, schema, warnings, out, why);
    plan_cache_free(own);
    return status;
}

const struct reader_info *reader_info(const struct reader *reader)
{
    return reader->kind->info(reader);
}

enum status reader_next(struct reader *reader, const struct event **events, size_t *count,
                        struct failure *why)
{
    return reader->kind->next(reader, events, count, why);
}

bool reader_kind_reads_parts(const struct reader_kind *kind)
{
    return kind->cuts != NULL;
}

size_t reader_cuts(const struct reader *reader, size_t parts_max, size_t bytes_min, uint64_t *cuts)
{
    return reader_kind_reads_parts(reader->kind)
               ? reader->kind->cuts(reader, parts_max, bytes_min, cuts)
               : 0;
}

void reader_close(struct reader *reader)
{
    if (reader != NULL)
        reader->kind->close(reader);
}
