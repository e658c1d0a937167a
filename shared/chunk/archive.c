#include "chunk/archive.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/memory.h"

/* First line of the file `chunk`. */
#define ARCHIVE_VERSION "spanmill-archive 2"
/* Without index/. */
#define ARCHIVE_VERSION_1 "spanmill-archive 1"

/* --- the file `chunk` --- */

enum fact_type { FACT_TEXT, FACT_UUID, FACT_SIGNED, FACT_UNSIGNED, FACT_BOOL };

static const struct {
    const char *key;
    enum fact_type type;
    size_t offset;
} FACTS[] = {
    {"host", FACT_TEXT, offsetof(struct archive_facts, host)},
    {"session", FACT_TEXT, offsetof(struct archive_facts, session)},
    {"created", FACT_TEXT, offsetof(struct archive_facts, created)},
    {"clock", FACT_UUID, offsetof(struct archive_facts, clock_uuid)},
    {"group", FACT_TEXT, offsetof(struct archive_facts, group)},
    {"snapshot", FACT_TEXT, offsetof(struct archive_facts, snapshot)},
    {"number", FACT_SIGNED, offsetof(struct archive_facts, number)},
    {"first_number", FACT_SIGNED, offsetof(struct archive_facts, first_number)},
    {"begin_ns", FACT_UNSIGNED, offsetof(struct archive_facts, begin_ns)},
    {"end_ns", FACT_UNSIGNED, offsetof(struct archive_facts, end_ns)},
    {"final", FACT_BOOL, offsetof(struct archive_facts, final)},
    {"has_traces", FACT_BOOL, offsetof(struct archive_facts, has_traces)},
    {"growing", FACT_BOOL, offsetof(struct archive_facts, growing)},
};
enum {
    FACT_COUNT = sizeof FACTS / sizeof *FACTS,
    FACT_COUNT_1 = FACT_COUNT - 1 /* of version 1 */
};

static bool is_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ')
            return false;
    return true;
}

static void put_fact(char *into, size_t room, const struct archive_facts *facts, size_t i)
{
    const char *at = (const char *)facts + FACTS[i].offset;
    switch (FACTS[i].type) {
    case FACT_TEXT: snprintf(into, room, "%s", at); break;
    case FACT_UUID:
        for (size_t j = 0; j < 16; j++)
            snprintf(into + 2 * j, room - 2 * j, "%02x", (unsigned)(uint8_t)at[j]);
        break;
    case FACT_SIGNED: {
        int64_t value;
        memcpy(&value, at, sizeof value);
        snprintf(into, room, "%" PRId64, value);
        break;
    }
    case FACT_UNSIGNED: {
        uint64_t value;
        memcpy(&value, at, sizeof value);
        snprintf(into, room, "%" PRIu64, value);
        break;
    }
    case FACT_BOOL: {
        bool value;
        memcpy(&value, at, sizeof value);
        snprintf(into, room, "%d", value);
        break;
    }
    }
}

/* The file's text, to be freed. */
static enum status facts_text(const struct archive_facts *facts, char **out, struct failure *why)
{
    enum { LINE_ROOM = 32 + ARCHIVE_TEXT_MAX };
    char *text = memory_new(FACT_COUNT * LINE_ROOM + 64);
    size_t used = (size_t)sprintf(text, "%s\n", ARCHIVE_VERSION);
    for (size_t i = 0; i < FACT_COUNT; i++) {
        char value[ARCHIVE_TEXT_MAX];
        put_fact(value, sizeof value, facts, i);
        if (!is_line(value)) {
            free(text);
            return fail(why, STATUS_REJECT, "chunk: %s: not a line of text", FACTS[i].key);
        }
        used += (size_t)sprintf(text + used, "%s=%s\n", FACTS[i].key, value);
    }
    assert(used < FACT_COUNT * LINE_ROOM + 64);
    *out = text;
    return STATUS_OK;
}

static bool read_uuid(const char *value, uint8_t uuid[16])
{
    if (strlen(value) != 32 || strspn(value, "0123456789abcdef") != 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        char digits[3] = {value[2 * i], value[2 * i + 1], '\0'};
        uuid[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return true;
}

static bool take_fact(struct archive_facts *facts, size_t i, const char *value)
{
    char *at = (char *)facts + FACTS[i].offset;
    char *end;
    bool is_number = *value != '\0' && strspn(value, "-0123456789") == strlen(value);
    errno = 0;
    switch (FACTS[i].type) {
    case FACT_TEXT: snprintf(at, ARCHIVE_TEXT_MAX, "%s", value); return true;
    case FACT_UUID: return read_uuid(value, (uint8_t *)at);
    case FACT_SIGNED: {
        int64_t number = strtoll(value, &end, 10);
        memcpy(at, &number, sizeof number);
        return is_number && *end == '\0' && errno == 0;
    }
    case FACT_UNSIGNED: {
        uint64_t number = strtoull(value, &end, 10);
        memcpy(at, &number, sizeof number);
        return is_number && *value != '-' && *end == '\0' && errno == 0;
    }
    case FACT_BOOL: {
        bool flag = value[0] == '1';
        memcpy(at, &flag, sizeof flag);
        return strcmp(value, "0") == 0 || strcmp(value, "1") == 0;
    }
    }
    return false;
}

/* One line `key=value`; unknown keys are of a later version. */
static bool read_line(struct archive_facts *facts, char *line, bool seen[FACT_COUNT])
{
    char *value = strchr(line, '=');
    if (value == NULL || strlen(value) > ARCHIVE_TEXT_MAX)
        return false;
    *value++ = '\0';
    for (size_t i = 0; i < FACT_COUNT; i++) {
        if (strcmp(line, FACTS[i].key) != 0)
            continue;
        if (seen[i])
            return false;
        seen[i] = true;
        return take_fact(facts, i, value);
    }
    return true;
}

static enum status read_facts(struct bytes file, struct archive_facts *out, struct failure *why)
{
    *out = (struct archive_facts){.host = ""};
    char *text = memory_string((struct text){(const char *)file.at, file.count});
    bool seen[FACT_COUNT] = {false}, read = strlen(text) == file.count;
    char *rest = NULL, *line = strtok_r(text, "\n", &rest);
    if (line == NULL ||
        (strcmp(line, ARCHIVE_VERSION) != 0 && strcmp(line, ARCHIVE_VERSION_1) != 0)) {
        enum status status = fail(
            why, STATUS_REJECT, "chunk: unsupported version `%.40s`; this program reads version 2",
            line != NULL ? line : "");
        free(text);
        return status;
    }
    while (read && (line = strtok_r(NULL, "\n", &rest)) != NULL)
        read = read_line(out, line, seen);
    for (size_t i = 0; i < FACT_COUNT_1; i++)
        read = read && seen[i];
    free(text);
    if (!read || out->begin_ns > out->end_ns || out->number < 0 || out->group[0] == '\0')
        return fail(why, STATUS_REJECT, "chunk: not a valid description of an archive");
    return STATUS_OK;
}

/* --- packing --- */

struct packer {
    ZSTD_CCtx *zstd;
    const struct archive_sink *sink;
    uint8_t *room;
    size_t size;
};

static enum status compress(struct packer *packer, struct bytes bytes, ZSTD_EndDirective directive,
                            struct failure *why)
{
    ZSTD_inBuffer in = {bytes.at, bytes.count, 0};
    for (;;) {
        ZSTD_outBuffer out = {packer->room, packer->size, 0};
        size_t left = ZSTD_compressStream2(packer->zstd, &out, &in, directive);
        if (ZSTD_isError(left))
            return fail(why, STATUS_REJECT, "zstd: %s", ZSTD_getErrorName(left));
        if (out.pos > 0) {
            enum status status = packer->sink->write(packer->sink->context,
                                                     (struct bytes){packer->room, out.pos}, why);
            if (status != STATUS_OK)
                return status;
        }
        if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size)
            return STATUS_OK;
    }
}

static enum status pack_entry(struct packer *packer, const struct archive_entry *entry,
                              struct failure *why)
{
    static const uint8_t PADDING[TAR_BLOCK];
    uint8_t header[TAR_BLOCK];
    enum status status = tar_header(entry->name, entry->data.count, header, why);
    size_t padding = tar_entry_size(entry->data.count) - TAR_BLOCK - entry->data.count;
    assert(padding < TAR_BLOCK);
    if (status == STATUS_OK)
        status = compress(packer, (struct bytes){header, sizeof header}, ZSTD_e_continue, why);
    if (status == STATUS_OK)
        status = compress(packer, entry->data, ZSTD_e_continue, why);
    if (status == STATUS_OK && padding > 0)
        status = compress(packer, (struct bytes){PADDING, padding}, ZSTD_e_continue, why);
    return status;
}

static enum status pack_all(struct packer *packer, const struct archive_entry *own,
                            const struct archive_entry *entries, size_t count,
                            struct archive_effort effort, struct failure *why)
{
    static const uint8_t END[TAR_END_SIZE];
    size_t raw =
        TAR_END_SIZE + tar_entry_size(own[0].data.count) + tar_entry_size(own[1].data.count);
    for (size_t i = 0; i < count; i++)
        raw += tar_entry_size(entries[i].data.count);
    if (raw > ARCHIVE_RAW_MAX)
        return fail(why, STATUS_REJECT,
                    "%zu bytes to pack, over the limit of %zu: rotate more often", raw,
                    ARCHIVE_RAW_MAX);
    if (ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, effort.level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, effort.checksum)) ||
        ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(packer->zstd, raw)))
        return fail(why, STATUS_REJECT, "zstd: invalid level %d", effort.level);
    /* The literals of a trace are times, which hardly compress: storing them makes packing 5 %
     * faster and unpacking 15 %, for 1.4 % more bytes. Level 1 is strategy ZSTD_fast, where a
     * target length of 1 changes nothing else. Source: zstd.h, ZSTD_c_targetLength. */
    if (effort.level == 1)
        (void)ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_targetLength, 1);
    /* Ignored if zstd was built without threads. */
    (void)ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_nbWorkers, (int)effort.threads);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++)
        status = pack_entry(packer, &own[i], why);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = pack_entry(packer, &entries[i], why);
    if (status == STATUS_OK)
        status = compress(packer, (struct bytes){END, sizeof END}, ZSTD_e_end, why);
    return status;
}

enum status archive_pack(const struct archive_facts *facts, const struct thread_directory *threads,
                         const struct archive_entry *entries, size_t count,
                         struct archive_effort effort, const struct archive_sink *sink,
                         struct failure *why)
{
    char *chunk_text;
    enum status status = facts_text(facts, &chunk_text, why);
    if (status != STATUS_OK)
        return status;
    char *thread_text = threads_text(threads);
    struct archive_entry own[2] = {
        {"chunk", {(const uint8_t *)chunk_text, strlen(chunk_text)}},
        {"threads", {(const uint8_t *)thread_text, strlen(thread_text)}},
    };
    struct packer packer = {.zstd = ZSTD_createCCtx(), .sink = sink, .size = ZSTD_CStreamOutSize()};
    packer.room = memory_new(packer.size);
    if (packer.zstd == NULL)
        status = fail(why, STATUS_STOP, "zstd: out of memory");
    else
        status = pack_all(&packer, own, entries, count, effort, why);
    ZSTD_freeCCtx(packer.zstd);
    free(packer.room);
    free(thread_text);
    free(chunk_text);
    return status;
}

static enum status write_file(void *context, struct bytes bytes, struct failure *why)
{
    const int *fd = context;
    while (bytes.count > 0) {
        ssize_t done = write(*fd, bytes.at, bytes.count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(why, STATUS_RETRY, "%s", strerror(errno));
        bytes.at += done;
        bytes.count -= (size_t)done;
    }
    return STATUS_OK;
}

/* Ensures that the new name survives a crash. */
static enum status sync_folder(const char *path, struct failure *why)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? memory_string(text_of("."))
                   : slash == path ? memory_string(text_of("/"))
                                   : memory_string((struct text){path, (size_t)(slash - path)});
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = STATUS_OK;
    /* EINVAL: a file system that cannot sync folders */
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        status = fail(why, STATUS_RETRY, "%s: %s", folder, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(folder);
    return status;
}

enum status archive_pack_file(const struct archive_facts *facts,
                              const struct thread_directory *threads,
                              const struct archive_entry *entries, size_t count,
                              struct archive_effort effort, const char *path, struct failure *why)
{
    char *temporary = memory_format("%s.%ld.tmp", path, (long)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        enum status status = fail(why, STATUS_RETRY, "%s: %s", temporary, strerror(errno));
        free(temporary);
        return status;
    }
    struct archive_sink sink = {write_file, &fd};
    enum status status = archive_pack(facts, threads, entries, count, effort, &sink, why);
    if (status == STATUS_OK && fsync(fd) != 0)
        status = fail(why, STATUS_RETRY, "%s", strerror(errno));
    if (close(fd) != 0 && status == STATUS_OK)
        status = fail(why, STATUS_RETRY, "%s", strerror(errno));
    if (status == STATUS_OK && rename(temporary, path) != 0)
        status = fail(why, STATUS_RETRY, "%s", strerror(errno));
    if (status == STATUS_OK) {
        status = sync_folder(path, why);
    } else {
        unlink(temporary);
        failure_prefix(why, "%s", path);
    }
    free(temporary);
    return status;
}

/* --- unpacking --- */

struct archive {
    struct archive_facts facts;
    struct thread_directory threads;
    struct tar_entry *entries;
    size_t count, room;
    struct archive_room own;
    struct archive_room *memory; /* `own`, or the caller's */
    size_t size;                 /* of the tar in it */
};

void archive_room_clear(struct archive_room *room)
{
    free(room->at);
    *room = (struct archive_room){.at = NULL};
}

/* Makes it at least that large; its contents are lost. */
static void provide(struct archive_room *room, size_t size)
{
    if (room->size >= size)
        return;
    archive_room_clear(room);
    *room = (struct archive_room){memory_buffer(size), size};
}

/* Unpacks up to `limit` bytes. OK: the frame ends there; END: it continues. */
static enum status unpack(ZSTD_DCtx *zstd, struct bytes frame, size_t limit,
                          struct archive_room *room, size_t *size, struct failure *why)
{
    unsigned long long stated = ZSTD_getFrameContentSize(frame.at, frame.count);
    if (stated == ZSTD_CONTENTSIZE_ERROR)
        return fail(why, STATUS_REJECT, "not a zstd frame");
    /* One more than stated, so that the end of the frame is found before the end of the memory. */
    bool is_stated = stated != ZSTD_CONTENTSIZE_UNKNOWN && stated < limit;
    provide(room, is_stated ? (size_t)stated + 1 : 1 << 16);
    *size = 0;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, ARCHIVE_WINDOW_LOG_MAX)))
        return fail(why, STATUS_STOP, "zstd: window limit refused");
    ZSTD_inBuffer in = {frame.at, frame.count, 0};
    for (;;) {
        if (*size == limit)
            return STATUS_END;
        assert(*size < limit && *size <= room->size);
        if (*size == room->size)
            room->at = memory_grow(room->at, &room->size, room->size + 1, 1);
        ZSTD_outBuffer out = {room->at, room->size < limit ? room->size : limit, *size};
        size_t read = in.pos;
        size_t left = ZSTD_decompressStream(zstd, &out, &in);
        if (ZSTD_isError(left))
            return fail(why, STATUS_REJECT, "zstd: %s", ZSTD_getErrorName(left));
        bool stuck = out.pos == *size && in.pos == read;
        *size = out.pos;
        if (left == 0)
            return in.pos == frame.count
                       ? STATUS_OK
                       : fail(why, STATUS_REJECT, "zstd: %zu bytes after the frame",
                              frame.count - in.pos);
        if (stuck && out.pos < out.size)
            return fail(why, STATUS_REJECT, "zstd: truncated after %zu bytes", frame.count);
    }
}

static int by_entry_name(const void *a, const void *b)
{
    return strcmp(((const struct tar_entry *)a)->name, ((const struct tar_entry *)b)->name);
}

static enum status read_entries(struct archive *archive, struct failure *why)
{
    struct bytes tar = {archive->memory->at, archive->size};
    size_t offset = 0;
    for (;;) {
        struct tar_entry entry;
        enum status status = tar_next(tar, &offset, &entry, why);
        if (status == STATUS_END)
            break;
        if (status != STATUS_OK)
            return status;
        archive->entries = memory_grow(archive->entries, &archive->room, archive->count + 1,
                                       sizeof *archive->entries);
        archive->entries[archive->count++] = entry;
    }
    if (archive->count > 0)
        qsort(archive->entries, archive->count, sizeof *archive->entries, by_entry_name);
    for (size_t i = 1; i < archive->count; i++)
        if (strcmp(archive->entries[i - 1].name, archive->entries[i].name) == 0)
            return fail(why, STATUS_REJECT, "tar: %s: duplicate file", archive->entries[i].name);
    return STATUS_OK;
}

/* Removes the entry `name` from the list. */
static enum status take_entry(struct archive *archive, const char *name, struct bytes *out,
                              struct failure *why)
{
    for (size_t i = 0; i < archive->count; i++) {
        if (strcmp(archive->entries[i].name, name) != 0)
            continue;
        *out = archive->entries[i].data;
        archive->count--;
        memmove(&archive->entries[i], &archive->entries[i + 1],
                (archive->count - i) * sizeof *archive->entries);
        return STATUS_OK;
    }
    return fail(why, STATUS_REJECT, "contains no file `%s`: not a spanmill archive", name);
}

static enum status open_archive(struct archive *archive, struct bytes frame, size_t raw_max,
                                struct failure *why)
{
    if (frame.count > ARCHIVE_STORED_MAX)
        return fail(why, STATUS_REJECT, "%zu bytes stored, over the limit of %zu", frame.count,
                    ARCHIVE_STORED_MAX);
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (zstd == NULL)
        return fail(why, STATUS_STOP, "zstd: out of memory");
    unsigned long long stated = ZSTD_getFrameContentSize(frame.at, frame.count);
    enum status status =
        stated < ZSTD_CONTENTSIZE_ERROR && stated > raw_max
            ? STATUS_END
            : unpack(zstd, frame, raw_max + 1, archive->memory, &archive->size, why);
    ZSTD_freeDCtx(zstd);
    if (status == STATUS_END || (status == STATUS_OK && archive->size > raw_max))
        return fail(why, STATUS_END, "unpacks to more than %zu bytes", raw_max);
    if (status == STATUS_OK)
        status = read_entries(archive, why);
    struct bytes file;
    if (status == STATUS_OK)
        status = take_entry(archive, "chunk", &file, why);
    if (status == STATUS_OK)
        status = read_facts(file, &archive->facts, why);
    if (status == STATUS_OK)
        status = take_entry(archive, "threads", &file, why);
    if (status == STATUS_OK)
        status = threads_read(file, &archive->threads, why);
    return status;
}

enum status archive_open(struct bytes frame, size_t raw_max, struct archive_room *room,
                         struct archive **out, struct failure *why)
{
    *out = NULL;
    struct archive *archive = memory_new(sizeof *archive);
    archive->memory = room ? room : &archive->own;
    enum status status = open_archive(archive, frame, raw_max, why);
    if (status != STATUS_OK) {
        archive_close(archive);
        return status;
    }
    *out = archive;
    return STATUS_OK;
}

const struct archive_facts *archive_facts(const struct archive *archive)
{
    return &archive->facts;
}

const struct thread_directory *archive_threads(const struct archive *archive)
{
    return &archive->threads;
}

const struct tar_entry *archive_entries(const struct archive *archive, size_t *count)
{
    *count = archive->count;
    return archive->entries;
}

void archive_close(struct archive *archive)
{
    if (archive == NULL)
        return;
    thread_directory_clear(&archive->threads);
    free(archive->entries);
    archive_room_clear(&archive->own);
    free(archive);
}

enum status archive_peek(struct bytes frame, struct archive_facts *out, struct failure *why)
{
    enum { PEEK_BYTES = 64 << 10 };
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (zstd == NULL)
        return fail(why, STATUS_STOP, "zstd: out of memory");
    struct archive_room tar = {.at = NULL};
    size_t size = 0, offset = 0;
    struct tar_entry entry;
    enum status status = unpack(zstd, frame, PEEK_BYTES, &tar, &size, why);
    ZSTD_freeDCtx(zstd);
    if (status == STATUS_END)
        status = STATUS_OK;
    if (status == STATUS_OK)
        status = tar_next((struct bytes){tar.at, size}, &offset, &entry, why);
    if (status == STATUS_END || (status == STATUS_OK && strcmp(entry.name, "chunk") != 0))
        status = fail(why, STATUS_REJECT, "file `chunk` is not the first: not a spanmill archive");
    if (status == STATUS_OK)
        status = read_facts(entry.data, out, why);
    archive_room_clear(&tar);
    return status;
}
