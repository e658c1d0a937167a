#include "cli/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chunk/archive.h"
#include "base/file_map.h"
#include "base/memory.h"
#include "cli/progress.h"
#include "chunk/chunk.h"
#include "chunk/pack.h"
#include "chunk/session_marks.h"
#include "mapper/follow_threads.h"
#include "publish/publisher.h"
#include "service/kafka.h"
#include "service/service.h"

static const struct config_row rows[] = {
    INTEGER_ROW("level", 0, "N", "1", 1, ARCHIVE_LEVEL_MAX, "zstd level, 1 to 22"),
    INTEGER_ROW("zstd-threads", 0, "N", "0", 0, ARCHIVE_THREADS_MAX,
                "additional threads for compression; 0: none"),
    TEXT_ROW("store-root", 0, "DIR", NULL, "shared folder for archives larger than 64 MiB"),
    FLAG_ROW("by-reference", 0, "store all archives in --store-root"),
    BYTES_ROW("inline-max", 0, "SIZE", "768K", 1, CHUNK_INLINE_MAX,
              "largest archive to embed in its announcement"),
    FLAG_ROW("open", 0,
             "the session continues: do not mark a final chunk, and keep\n"
             "back the last one, whose end the next chunk determines"),
    INTEGER_ROW("shuffle", 0, "SEED", "0", 0, 1ll << 31, "for tests: publish in a random order"),
    INTEGER_ROW("twice-every", 0, "N", "0", 0, 1ll << 31,
                "for tests: publish every Nth chunk twice"),
    FLAG_ROW("quiet", 'q', "no progress output"),
};
static const struct config_section own = {"Publishing", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section};
static const struct config_program program = {
    .command = "spanmill publish",
    .block = "publish",
    .operands = "PATH...",
    .about = "Publishes recorded sessions, chunks, or archives to the mappers through Kafka.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill publish -b kafka-1:9092 ~/lttng-traces/shop-20261122\n"
                "spanmill publish --shuffle 7 --twice-every 10 packed/*.tar.zst",
};

/* An announcement: of an archive, or of a lost chunk. */
struct parcel {
    char *path; /* of the archive; NULL: the chunk is lost */
    bool temporary;
    struct chunk_ready ready; /* its texts are owned here */
};

/* Chunks that were named one by one. The chunks next to them define where they end: the list has
 * all chunks of their folders, and only the named ones are published. */
struct named_chunks {
    char **chunks, **folders; /* from realpath() */
    size_t chunk_count, chunk_room, folder_count, folder_room;
};

struct publishing {
    const struct config *config;
    struct named_chunks named;
    struct archive_effort effort;
    struct chunk_list list;
    char **marks;    /* by chunk (chunk/session_marks.h); or NULL */
    char folder[64]; /* for new archives */
    struct parcel *parcels;
    size_t count, room;
    struct progress progress;
};

static void say(void *context, const char *sentence)
{
    progress_say(context, sentence);
}

/* --- parcels --- */

static enum status peek(const char *path, struct archive_facts *out, struct failure *why)
{
    struct file_map *file;
    enum status status = file_map_open(path, &file, why);
    if (status == STATUS_OK && file_map_bytes(file).count == 0)
        status = fail(why, STATUS_REJECT, "%s: empty", path);
    if (status == STATUS_OK)
        status = archive_peek(file_map_bytes(file), out, why);
    if (status == STATUS_OK)
        status = file_map_check(file, why);
    file_map_close(file);
    return status;
}

/* The same name as in a report. */
static char *session_id(const struct archive_facts *facts, const char *mark)
{
    char *told = memory_format("%s/%s/%s", facts->host, facts->session, facts->created);
    char *session = session_marked(told, facts->snapshot[0] ? facts->snapshot : mark);
    free(told);
    return session;
}

static struct parcel *add_parcel(struct publishing *publishing, const struct archive_facts *facts,
                                 const char *mark)
{
    publishing->parcels = memory_grow(publishing->parcels, &publishing->room, publishing->count + 1,
                                      sizeof *publishing->parcels);
    struct parcel *parcel = &publishing->parcels[publishing->count++];
    *parcel = (struct parcel){
        .ready = {.session = text_of(session_id(facts, mark)),
                  .chunk = (uint64_t)facts->number,
                  .first_chunk = (uint64_t)facts->first_number,
                  .begin_ns = facts->begin_ns,
                  .end_ns = facts->end_ns,
                  .final = facts->final && !config_flag(publishing->config, "open")}};
    memcpy(parcel->ready.clock_uuid, facts->clock_uuid, sizeof facts->clock_uuid);
    return parcel;
}

/* Chunks that were deleted before they could be published are announced as lost, so that nothing
 * waits for them. */
static void add_lost(struct publishing *publishing, const struct archive_facts *facts,
                     const char *mark, int64_t before)
{
    struct archive_facts lost = *facts;
    lost.final = false;
    for (lost.number = before + 1; lost.number < facts->number; lost.number++) {
        struct parcel *parcel = add_parcel(publishing, &lost, mark);
        parcel->ready.lost = true;
        parcel->ready.lost_reason = text_of("it did not exist when the session was published");
        parcel->ready.begin_ns = 0;
        parcel->ready.end_ns = UINT64_MAX;
    }
}

static enum status add_chunk(struct publishing *publishing, size_t index,
                             const struct thread_directory *threads, struct failure *why)
{
    const struct chunk_ref *ref = &publishing->list.at[index];
    char *path = ref->packed ? memory_string(text_of(ref->path))
                             : memory_format("%s/%zu.tar.zst", publishing->folder, index);
    enum status status = STATUS_OK;
    if (!ref->packed)
        status = pack_chunk(&publishing->list, index, threads, path, publishing->effort, why);
    struct archive_facts facts;
    if (status == STATUS_OK)
        status = peek(path, &facts, why);
    if (status != STATUS_OK) {
        free(path);
        return status;
    }
    bool follows = index > 0 && strcmp(ref[-1].session, ref->session) == 0;
    const char *mark = publishing->marks[index];
    if (follows)
        add_lost(publishing, &facts, mark, ref[-1].number);
    struct parcel *parcel = add_parcel(publishing, &facts, mark);
    parcel->path = path;
    parcel->temporary = !ref->packed;
    return STATUS_OK;
}

static bool has(char *const *paths, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(paths[i], path) == 0)
            return true;
    return false;
}

static bool is_first(const struct chunk_list *list, size_t index)
{
    return index == 0 || strcmp(list->at[index - 1].session, list->at[index].session) != 0;
}

static bool is_last(const struct chunk_list *list, size_t index)
{
    return index + 1 == list->count || is_first(list, index + 1);
}

static bool is_named(const struct publishing *publishing, size_t index)
{
    const struct named_chunks *named = &publishing->named;
    const char *path = publishing->list.at[index].path;
    char *folder = memory_string(text_of(path));
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    bool is_of_named = has(named->folders, named->folder_count, folder);
    free(folder);
    return !is_of_named || has(named->chunks, named->chunk_count, path);
}

/* Whether to publish the chunk. The one before a single named chunk may not be published yet, and is
 * published as well: twice is harmless. */
static bool is_wanted(const struct publishing *publishing, size_t index)
{
    const struct chunk_list *list = &publishing->list;
    bool open = config_flag(publishing->config, "open") && !list->at[index].packed;
    if (open && is_last(list, index))
        return false;
    return is_named(publishing, index) ||
           (!is_last(list, index) && is_named(publishing, index + 1));
}

static void say_held_back(struct publishing *publishing, size_t index)
{
    const struct chunk_ref *ref = &publishing->list.at[index];
    if (!is_named(publishing, index))
        return;
    char *text = memory_format("%s: not published: its end depends on the next chunk; publish the "
                               "next one, or this one without --open if it is the last",
                               ref->path);
    progress_say(&publishing->progress, text);
    free(text);
}

/* Packs the archives of each session in order, since its threads are tracked from chunk to chunk.
 */
static enum status make_parcels(struct publishing *publishing, struct failure *why)
{
    struct thread_directory threads = {.at = NULL};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < publishing->list.count && status == STATUS_OK; i++) {
        const struct chunk_ref *ref = &publishing->list.at[i];
        bool last = is_last(&publishing->list, i);
        if (is_first(&publishing->list, i) || ref->gap_before)
            thread_directory_clear(&threads);
        if (!is_wanted(publishing, i)) {
            thread_directory_clear(&threads);
            if (last && config_flag(publishing->config, "open"))
                say_held_back(publishing, i);
            continue;
        }
        progress_show(&publishing->progress, i, 2 * publishing->list.count, 0);
        status = add_chunk(publishing, i, &threads, why);
        if (status == STATUS_OK && !last && !ref->packed &&
            follow_threads(&threads, ref, NULL, why) != STATUS_OK)
            thread_directory_clear(&threads);
    }
    thread_directory_clear(&threads);
    return status;
}

/* --- sending --- */

/* xorshift64*: the same order for the same seed everywhere. */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* The parcels to send, in order; *count of them; the caller frees the array. */
static size_t *order_of(const struct publishing *publishing, size_t *count)
{
    uint64_t seed = (uint64_t)config_integer(publishing->config, "shuffle"), state = seed + 1;
    size_t every = (size_t)config_integer(publishing->config, "twice-every");
    size_t *order = memory_new((2 * publishing->count + 1) * sizeof *order);
    *count = 0;
    for (size_t i = 0; i < publishing->count; i++) {
        order[(*count)++] = i;
        if (every > 0 && i % every == 0)
            order[(*count)++] = i;
    }
    for (size_t i = *count; seed && i > 1; i--) {
        size_t other = (size_t)(draw(&state) % i), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    return order;
}

static enum status send_parcel(struct publisher *publisher, struct parcel *parcel,
                               struct failure *why)
{
    struct chunk_ready ready = parcel->ready;
    if (!parcel->path)
        return publisher_announce_loss(publisher, &ready, why);
    struct file_map *file;
    enum status status = file_map_open(parcel->path, &file, why);
    if (status == STATUS_OK && file_map_bytes(file).count == 0)
        status = fail(why, STATUS_REJECT, "%s: empty", parcel->path);
    if (status == STATUS_OK)
        status = publisher_publish(publisher, &ready, file_map_bytes(file), why);
    if (status == STATUS_OK)
        status = file_map_check(file, why);
    file_map_close(file);
    return status;
}

static enum status send_all(struct publishing *publishing, const struct bus_settings *bus,
                            struct failure *why)
{
    struct publisher_options options = {
        .bus = bus,
        .store_root = config_text(publishing->config, "store-root"),
        .by_reference = config_flag(publishing->config, "by-reference"),
        .inline_max = (size_t)config_bytes(publishing->config, "inline-max")};
    struct publisher *publisher = publisher_new(&options);
    size_t count;
    size_t *order = order_of(publishing, &count);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        progress_show(&publishing->progress, count + i, 2 * count, 0);
        struct parcel *parcel = &publishing->parcels[order[i]];
        status = send_parcel(publisher, parcel, why);
        if (status != STATUS_OK)
            failure_prefix(why, "%.*s: chunk %llu", (int)parcel->ready.session.count,
                           parcel->ready.session.at, (unsigned long long)parcel->ready.chunk);
    }
    struct publisher_counts counts = publisher_counts(publisher);
    progress_clear(&publishing->progress);
    if (status == STATUS_OK)
        printf("%llu chunks published, %llu announced as lost, %llu bytes\n",
               (unsigned long long)counts.chunks, (unsigned long long)counts.losses,
               (unsigned long long)counts.bytes);
    free(order);
    publisher_free(publisher);
    return status;
}

static void publishing_clear(struct publishing *publishing)
{
    for (size_t i = 0; i < publishing->count; i++) {
        struct parcel *parcel = &publishing->parcels[i];
        if (parcel->temporary)
            unlink(parcel->path);
        free(parcel->path);
        free((char *)(uintptr_t)parcel->ready.session.at);
    }
    for (size_t i = 0; i < publishing->named.chunk_count; i++)
        free(publishing->named.chunks[i]);
    for (size_t i = 0; i < publishing->named.folder_count; i++)
        free(publishing->named.folders[i]);
    free(publishing->named.chunks);
    free(publishing->named.folders);
    free(publishing->parcels);
    session_marks_free(publishing->marks, publishing->list.count);
    chunk_list_clear(&publishing->list);
    if (publishing->folder[0])
        rmdir(publishing->folder);
}

/* Adds the traces at `path`; for a chunk next to others, all of them. */
static enum status add_path(struct publishing *publishing, const char *path, struct failure *why)
{
    struct named_chunks *named = &publishing->named;
    char *chunk = realpath(path, NULL);
    char *name = chunk ? strrchr(chunk, '/') : NULL;
    struct stat stat_of;
    bool is_folder = chunk && stat(chunk, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
    char *folder = is_folder && name > chunk && chunk_number_of_name(name + 1) >= 0
                       ? memory_string((struct text){chunk, (size_t)(name - chunk)})
                       : NULL;
    if (!folder) {
        free(chunk);
        return chunk_list_add(&publishing->list, path, why);
    }
    named->chunks = memory_grow(named->chunks, &named->chunk_room, named->chunk_count + 1,
                                sizeof *named->chunks);
    named->chunks[named->chunk_count++] = chunk;
    if (has(named->folders, named->folder_count, folder)) {
        free(folder);
        return STATUS_OK;
    }
    named->folders = memory_grow(named->folders, &named->folder_room, named->folder_count + 1,
                                 sizeof *named->folders);
    named->folders[named->folder_count++] = folder;
    return chunk_list_add(&publishing->list, folder, why);
}

static enum status publish(struct publishing *publishing, const struct bus_settings *bus,
                           struct failure *why)
{
    char *const *paths;
    size_t count = config_operands(publishing->config, &paths);
    publishing->list.archived_only = config_flag(publishing->config, "open");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_path(publishing, paths[i], why);
    if (status == STATUS_OK)
        status = chunk_list_finish(&publishing->list, why);
    if (status != STATUS_OK)
        return status;
    publishing->marks = session_marks(&publishing->list);
    const char *temporary = getenv("TMPDIR");
    snprintf(publishing->folder, sizeof publishing->folder, "%.40s/spanmill-XXXXXX",
             temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(publishing->folder)) {
        publishing->folder[0] = '\0';
        return fail(why, STATUS_RETRY, "no temporary folder: %s", strerror(errno));
    }
    status = make_parcels(publishing, why);
    if (status == STATUS_OK)
        status = send_all(publishing, bus, why);
    return status;
}

int cmd_publish(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    char *const *paths;
    if (config_operands(config, &paths) == 0) {
        config_wrong(config, stderr, "no trace given");
        config_free(config);
        return EXIT_WRONG_USAGE;
    }
    struct log log = {.file = stderr, .program = "spanmill publish", .level = LOG_WARNING};
    struct kafka_settings kafka;
    struct failure why;
    enum status status = kafka_settings_init(&kafka, config, &log, &why);
    if (status != STATUS_OK) {
        config_wrong(config, stderr, "%s", why.text);
        config_free(config);
        return EXIT_WRONG_USAGE;
    }
    struct publishing publishing = {
        .config = config,
        .effort = {.level = (int)config_integer(config, "level"),
                   .threads = (unsigned)config_integer(config, "zstd-threads")}};
    progress_init(&publishing.progress, "spanmill publish",
                  !config_flag(config, "quiet") && isatty(STDERR_FILENO));
    publishing.list.say = say;
    publishing.list.context = &publishing.progress;
    status = publish(&publishing, &kafka.bus, &why);
    if (status != STATUS_OK)
        progress_say(&publishing.progress, why.text);
    bool all = publishing.list.left_out == 0;
    publishing_clear(&publishing);
    kafka_settings_clear(&kafka);
    config_free(config);
    return status == STATUS_OK && all && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
