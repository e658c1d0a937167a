#include "cli/commands.h"
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "chunk/archive.h"
#include "base/memory.h"
#include "chunk/chunk.h"
#include "chunk/pack.h"
#include "mapper/follow_threads.h"

struct pack_options {
    const char *folder;
    struct archive_effort effort;
};

static const struct config_row rows[] = {
    TEXT_ROW("output", 'o', "DIR", ".", "write the archives to DIR"),
    INTEGER_ROW("level", 0, "N", "1", 1, ARCHIVE_LEVEL_MAX, "zstd level, 1 to 22"),
};
static const struct config_section own = {"Archives", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own};
static const struct config_program program = {
    .command = "spanmill pack",
    .operands = "TRACE...",
    .about =
        "Packs recorded chunks into self-contained archives (CHUNK.tar.zst) that `report` and\n"
        "mappers can read one at a time. TRACE is a session folder, a chunk (its neighbors\n"
        "are read, too), or a plain trace.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill pack -o /tmp/packed ~/lttng-traces/web1/archives/*",
    .options_only = true,
};

static void say(void *context, const char *sentence)
{
    (void)context;
    fprintf(stderr, "spanmill pack: %s\n", sentence);
}

/* The operands, and the chunks next to them, which define the intervals. */
struct selection {
    struct chunk_list named, all;
    char **paths; /* realpath() of the named chunks, sorted */
    size_t count;
};

static void selection_clear(struct selection *selection)
{
    for (size_t i = 0; i < selection->count; i++)
        free(selection->paths[i]);
    free(selection->paths);
    chunk_list_clear(&selection->named);
    chunk_list_clear(&selection->all);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *real_path(const char *path)
{
    char *real = realpath(path, NULL);
    return real != NULL ? real : memory_string(text_of(path));
}

/* Adds the folder of a rotation's chunk, else the chunk itself, unless it was added before. */
static enum status add_beside(struct selection *selection, const struct chunk_ref *ref, char **last,
                              struct failure *why)
{
    char *beside = real_path(ref->path);
    char *slash = strrchr(beside, '/');
    if (chunk_number_of_name(slash != NULL ? slash + 1 : beside) >= 0 && slash != NULL &&
        slash > beside)
        *slash = '\0';
    if (*last != NULL && strcmp(*last, beside) == 0) {
        free(beside);
        return STATUS_OK;
    }
    free(*last);
    *last = beside;
    return chunk_list_add(&selection->all, beside, why);
}

static enum status select_chunks(struct selection *selection, char *const *operands, size_t count,
                                 struct failure *why)
{
    enum status status = STATUS_OK;
    selection->named.say = selection->all.say = say;
    selection->named.archived_only = selection->all.archived_only = true;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = chunk_list_add(&selection->named, operands[i], why);
    char *last = NULL;
    selection->paths = memory_new(selection->named.count * sizeof *selection->paths);
    for (size_t i = 0; i < selection->named.count && status == STATUS_OK; i++) {
        const struct chunk_ref *ref = &selection->named.at[i];
        if (ref->packed) {
            status = fail(why, STATUS_REJECT, "%s: already packed", ref->path);
            break;
        }
        selection->paths[selection->count++] = real_path(ref->path);
        status = add_beside(selection, ref, &last, why);
    }
    free(last);
    if (selection->count > 0)
        qsort(selection->paths, selection->count, sizeof *selection->paths, by_text);
    return status == STATUS_OK ? chunk_list_finish(&selection->all, why) : status;
}

static bool is_named(const struct selection *selection, const struct chunk_ref *ref)
{
    char *path = real_path(ref->path);
    bool found = selection->count > 0 && !ref->packed &&
                 bsearch(&path, selection->paths, selection->count, sizeof path, by_text) != NULL;
    free(path);
    return found;
}

/* Folders of two sessions may have the same name. */
static const struct chunk_ref *same_name(const struct selection *selection, size_t index,
                                         const char *name)
{
    for (size_t i = 0; i < index; i++) {
        const struct chunk_ref *ref = &selection->all.at[i];
        char *other = is_named(selection, ref) ? pack_name(ref) : NULL;
        bool same = other != NULL && strcmp(other, name) == 0;
        free(other);
        if (same)
            return ref;
    }
    return NULL;
}

static enum status pack_one(const struct selection *selection, size_t index,
                            const struct thread_directory *threads,
                            const struct pack_options *options, struct failure *why)
{
    char *name = pack_name(&selection->all.at[index]);
    const struct chunk_ref *other = same_name(selection, index, name);
    if (other != NULL) {
        enum status status = fail(why, STATUS_REJECT,
                                  "%s: its archive would have the same name as that of %s; pack "
                                  "them into different folders",
                                  selection->all.at[index].path, other->path);
        free(name);
        return status;
    }
    char *path = memory_format("%s/%s", options->folder, name);
    enum status status = pack_chunk(&selection->all, index, threads, path, options->effort, why);
    if (status == STATUS_OK)
        puts(path);
    free(path);
    free(name);
    return status;
}

/* The last named chunk of the session of chunk `index`; SIZE_MAX if there is none. */
static size_t last_named(const struct selection *selection, size_t index)
{
    size_t last = SIZE_MAX;
    const struct chunk_list *all = &selection->all;
    for (size_t i = index;
         i < all->count && strcmp(all->at[i].session, all->at[index].session) == 0; i++)
        if (is_named(selection, &all->at[i]))
            last = i;
    return last;
}

/* Processes each session in order, so that its threads are tracked once. Returns the number of
 * failed chunks. */
static size_t pack_all(const struct selection *selection, const struct pack_options *options)
{
    const struct chunk_list *all = &selection->all;
    struct thread_directory threads = {.at = NULL};
    size_t failed = 0, last = SIZE_MAX;
    for (size_t i = 0; i < all->count; i++) {
        const struct chunk_ref *ref = &all->at[i];
        struct failure why;
        if (i == 0 || strcmp(ref[-1].session, ref->session) != 0) {
            last = last_named(selection, i);
            thread_directory_clear(&threads);
        }
        if (last == SIZE_MAX || i > last)
            continue;
        if (ref->gap_before) /* earlier threads may be outdated */
            thread_directory_clear(&threads);
        if (is_named(selection, ref) &&
            pack_one(selection, i, &threads, options, &why) != STATUS_OK) {
            say(NULL, why.text);
            failed++;
        }
        if (i < last && follow_threads(&threads, ref, NULL, &why) != STATUS_OK) {
            say(NULL, why.text);
            thread_directory_clear(&threads);
        }
    }
    thread_directory_clear(&threads);
    return failed;
}

static int pack(const struct config *config)
{
    char *const *traces;
    size_t count = config_operands(config, &traces);
    struct pack_options options = {
        .folder = config_text(config, "output"),
        .effort = {.level = (int)config_integer(config, "level"), .checksum = true}};
    if (count == 0)
        return (int)config_wrong(config, stderr, "no trace given");
    if (*options.folder == '\0')
        return (int)config_wrong(config, stderr, "--output: the folder name is empty");
    if (mkdir(options.folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "spanmill pack: %s: %s\n", options.folder, strerror(errno));
        return EXIT_FAILED;
    }
    struct selection selection = {.paths = NULL};
    struct failure why;
    size_t failed = 0;
    enum status status = select_chunks(&selection, traces, count, &why);
    if (status == STATUS_OK)
        failed = pack_all(&selection, &options) + selection.all.left_out;
    else
        say(NULL, why.text);
    selection_clear(&selection);
    bool written = fflush(stdout) == 0;
    return status == STATUS_OK && failed == 0 && written ? EXIT_DONE : EXIT_FAILED;
}

int cmd_pack(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
    int code = outcome == CONFIG_RUN ? pack(config) : (int)outcome;
    config_free(config);
    return code;
}
