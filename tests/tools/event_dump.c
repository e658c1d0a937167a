/* event_dump -- what the reader gives of the traces at a path, to compare with babeltrace2:
 * per event name the count, and a checksum over order, times, places and slots of all events.
 *
 *   event_dump [--events] [--all] [--reader NAME] [--phases FILE] PATH...
 *
 * Events outside of a chunk's interval are left out, so that the sum over a session's chunks is
 * each event once; --all counts whatever the reader gives. --events prints each event. Fields are
 * fetched for the definitions of --phases. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "chunk/chunk.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "trace/phases.h"

struct dump {
    struct schema *schema;
    struct phase_definitions phases;
    struct reader_choice choice;
    bool events, all;
    uint64_t *counts; /* by class id */
    size_t room;
    uint64_t total, discarded, borders, checksum;
    uint64_t last_ns; /* of the current chunk */
};

static void say(void *context, const char *sentence)
{
    fprintf(stderr, "event_dump: %s: %s\n", (const char *)context, sentence);
}

/* FNV-1a. Source: draft-eastlake-fnv. */
static uint64_t mixed(uint64_t hash, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t number_mixed(uint64_t hash, uint64_t number)
{
    return mixed(hash, &number, sizeof number);
}

static uint64_t text_mixed(uint64_t hash, struct text text)
{
    return mixed(number_mixed(hash, text.count), text.at, text.count);
}

static uint64_t fields_mixed(uint64_t hash, const struct event *event)
{
    for (unsigned i = 0; i < event->field_count; i++) {
        const struct field_value *field = &event->fields[i];
        hash = number_mixed(hash, field->type);
        if (field->type == FIELD_TEXT)
            hash = text_mixed(hash, field->text);
        else if (field->type != FIELD_ABSENT)
            hash = number_mixed(hash, field->u);
    }
    return hash;
}

static uint64_t event_mixed(uint64_t hash, const struct event *event)
{
    hash = number_mixed(hash, event->time_ns);
    hash = number_mixed(hash, (uint64_t)event->cpu << 8 | event->domain);
    hash = number_mixed(hash, (uint64_t)event->stream << 8 | event->trace);
    hash = text_mixed(hash, text_of(event->class->name));
    if (event->call != NULL)
        hash = text_mixed(hash, text_of(event->call->name));
    hash = number_mixed(hash, event->has);
    if (event->has & EVENT_HAS_TID)
        hash = number_mixed(hash, (uint64_t)event->tid);
    if (event->has & EVENT_HAS_PID)
        hash = number_mixed(hash, (uint64_t)event->pid);
    if (event->has & EVENT_HAS_VTID)
        hash = number_mixed(hash, (uint64_t)event->vtid);
    if (event->has & EVENT_HAS_VPID)
        hash = number_mixed(hash, (uint64_t)event->vpid);
    if (event->has & EVENT_HAS_PROCNAME)
        hash = text_mixed(hash, event->procname);
    if (event->has & EVENT_HAS_PID_NS)
        hash = number_mixed(hash, event->pid_ns);
    if (event->has & EVENT_HAS_PROGRAM)
        hash = text_mixed(hash, event->program);
    hash = number_mixed(hash, event->present);
    for (unsigned i = 0; i < EVENT_VALUES; i++) /* absent ones are 0 */
        hash = number_mixed(hash, (uint64_t)event->value[i]);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            hash = text_mixed(hash, event->text[i]);
    return mixed(fields_mixed(hash, event), event->ints, event->int_count * sizeof *event->ints);
}

static void print_event(const struct event *event)
{
    printf("%" PRIu64 " %s cpu %d.%u %s", event->time_ns,
           event->domain == DOMAIN_KERNEL ? "kernel" : "ust", event->cpu, event->stream,
           event->class->name);
    if (event->call != NULL)
        printf(" call=%s", event->call->name);
    for (unsigned i = 0; i < EVENT_VALUES; i++)
        if (event_has_value(event, i))
            printf(" %u=%" PRId64, i, event->value[i]);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            printf(" %u=\"%.*s\"", i, (int)event->text[i].count, event->text[i].at);
    for (unsigned i = 0; i < event->int_count; i++)
        printf("%s%" PRId64, i == 0 ? " ints " : ",", event->ints[i]);
    if (event->has & EVENT_HAS_TID)
        printf(" tid=%d", event->tid);
    if (event->has & EVENT_HAS_PID)
        printf(" pid=%d", event->pid);
    if (event->has & EVENT_HAS_VTID)
        printf(" vtid=%d", event->vtid);
    if (event->has & EVENT_HAS_VPID)
        printf(" vpid=%d", event->vpid);
    if (event->has & EVENT_HAS_PROCNAME)
        printf(" procname=%.*s", (int)event->procname.count, event->procname.at);
    if (event->has & EVENT_HAS_PID_NS)
        printf(" pid_ns=%" PRIu32, event->pid_ns);
    if (event->has & EVENT_HAS_PROGRAM)
        printf(" program=%.*s", (int)event->program.count, event->program.at);
    putchar('\n');
}

static void add_event(struct dump *dump, const struct event *event, struct interval interval)
{
    if (event->time_ns < dump->last_ns)
        printf("out of order: %" PRIu64 " after %" PRIu64 "\n", event->time_ns, dump->last_ns);
    dump->last_ns = event->time_ns;
    if (!dump->all && (event->time_ns < interval.begin_ns || event->time_ns >= interval.end_ns))
        return;
    if (dump->events)
        print_event(event);
    dump->checksum = event_mixed(dump->checksum, event);
    if (event->kind == EVENT_LOSS) {
        dump->discarded += (uint64_t)event->value[0];
        dump->borders += event->value[1] != 0;
        return;
    }
    if (event->class->id >= dump->room) {
        size_t old = dump->room;
        dump->counts =
            memory_grow(dump->counts, &dump->room, event->class->id + 1, sizeof *dump->counts);
        memset(dump->counts + old, 0, (dump->room - old) * sizeof *dump->counts);
    }
    dump->counts[event->class->id]++;
    dump->total++;
}

static enum status dump_chunk(struct dump *dump, const struct chunk_ref *ref, struct failure *why)
{
    struct chunk *chunk = NULL;
    struct reader *reader = NULL;
    enum status status = chunk_open(ref, NULL, &chunk, why);
    if (status == STATUS_OK) {
        struct reader_warnings warnings = {.say = say, .context = ref->path};
        status = reader_open_as(&dump->choice, chunk_traces(chunk), dump->schema, &warnings,
                                &reader, why);
    }
    dump->last_ns = 0;
    while (status == STATUS_OK) {
        const struct event *events;
        size_t count;
        status = reader_next(reader, &events, &count, why);
        for (size_t i = 0; status == STATUS_OK && i < count; i++)
            add_event(dump, &events[i], chunk_interval(chunk));
    }
    reader_close(reader);
    chunk_close(chunk);
    return status == STATUS_END ? STATUS_OK : status;
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_counts(const struct dump *dump)
{
    size_t count = schema_class_count(dump->schema), lines = 0;
    char **line = memory_new(count * sizeof *line);
    for (size_t i = 0; i < count && i < dump->room; i++)
        if (dump->counts[i] > 0)
            line[lines++] =
                memory_format("%s %" PRIu64, schema_class_by_id(dump->schema, (uint32_t)i)->name,
                              dump->counts[i]);
    if (lines > 0)
        qsort(line, lines, sizeof *line, by_line);
    for (size_t i = 0; i < lines; i++) {
        puts(line[i]);
        free(line[i]);
    }
    free(line);
    printf("total %" PRIu64 "\ndiscarded %" PRIu64 "\nborders %" PRIu64 "\nchecksum %016" PRIx64
           "\n",
           dump->total, dump->discarded, dump->borders, dump->checksum);
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"events", no_argument, NULL, 'e'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"reader", required_argument, NULL, 'r'},
                                            {"phases", required_argument, NULL, 'p'},
                                            {NULL, 0, NULL, 0}};
    struct dump dump = {.checksum = UINT64_C(14695981039346656037)};
    struct failure why;
    enum status status = STATUS_OK;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == '?')
            return 2;
        dump.events |= option == 'e';
        dump.all |= option == 'a';
        if (option == 'r' && !(dump.choice.kind = readers_by_name(optarg))) {
            fprintf(stderr, "event_dump: there is no reader %s\n", optarg);
            return 2;
        }
        if (option == 'p' && status == STATUS_OK)
            status = phases_add_file(&dump.phases, optarg, &why);
    }
    struct chunk_list list = {.at = NULL};
    dump.choice.cache = plan_cache_new();
    for (int i = optind; i < argc && status == STATUS_OK; i++)
        status = chunk_list_add(&list, argv[i], &why);
    if (status == STATUS_OK)
        status = chunk_list_finish(&list, &why);
    dump.schema = schema_new_with(&dump.phases, analyses_event_row, analyses_count);
    for (size_t i = 0; i < list.count && status == STATUS_OK; i++) {
        const struct chunk_ref *ref = &list.at[i];
        printf("# %s: number %" PRId64 " of %s: %" PRIu64 " to %" PRIu64 "%s, seam of %s\n",
               ref->path, ref->number, ref->session, ref->interval.begin_ns, ref->interval.end_ns,
               ref->gap_before ? ", gap before" : "",
               ref->seam_path != NULL ? ref->seam_path : "none");
        status = dump_chunk(&dump, ref, &why);
    }
    if (status == STATUS_OK)
        print_counts(&dump);
    else
        fprintf(stderr, "event_dump: %s\n", why.text);
    free(dump.counts);
    schema_free(dump.schema);
    plan_cache_free(dump.choice.cache);
    phases_clear(&dump.phases);
    chunk_list_clear(&list);
    return status == STATUS_OK ? 0 : 1;
}
