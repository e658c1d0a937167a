#include "reducer/waiting_room.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/memory.h"

/* Precedes a record in the file: the records of an attempt are a linked list, the last first, so
 * only one bit per record is in memory. */
struct spilled {
    int64_t before; /* -1: none */
    uint32_t index, count;
};

int room_open_file(const char *folder)
{
    return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

void room_init(struct waiting_room *room)
{
    *room = (struct waiting_room){.file = -1};
}

void room_close(struct waiting_room *room)
{
    assert(room->memory == 0 && room->in_file == 0);
    if (room->file >= 0)
        close(room->file);
}

/* --- accounted memory --- */

void *room_grow(struct waiting_room *room, void *old, size_t *count, size_t needed, size_t size)
{
    size_t before = *count;
    void *grown = memory_grow(old, count, needed, size);
    room->memory += (*count - before) * size + (old ? 0 : HEAP_BYTES);
    return grown;
}

void room_give_back(struct waiting_room *room, void *old, size_t count, size_t size)
{
    assert(!old || room->memory >= count * size + HEAP_BYTES);
    if (old)
        room->memory -= count * size + HEAP_BYTES;
    free(old);
}

/* --- records --- */

static bool write_all(int file, const void *bytes, size_t count, int64_t place)
{
    const char *at = bytes;
    while (count > 0) {
        ssize_t written = pwrite(file, at, count, place);
        if (written <= 0 && errno != EINTR)
            return false;
        size_t done = written > 0 ? (size_t)written : 0;
        at += done;
        count -= done;
        place += (int64_t)done;
    }
    return true;
}

static bool read_all(int file, void *bytes, size_t count, int64_t place)
{
    char *at = bytes;
    while (count > 0) {
        ssize_t taken = pread(file, at, count, place);
        if (taken == 0 || (taken < 0 && errno != EINTR))
            return false;
        size_t done = taken > 0 ? (size_t)taken : 0;
        at += done;
        count -= done;
        place += (int64_t)done;
    }
    return true;
}

/* False if the file cannot be written: the record stays in memory. */
static bool spill(struct waiting_room *room, struct attempt *attempt, uint32_t index,
                  struct bytes record)
{
    if (room->file < 0)
        room->file = room_open_file(room->folder);
    struct spilled head = {attempt->last_spilled, index, (uint32_t)record.count};
    int64_t place = room->file_end;
    if (room->file < 0 || !write_all(room->file, &head, sizeof head, place) ||
        !write_all(room->file, record.at, record.count, place + (int64_t)sizeof head))
        return false;
    size_t bytes = sizeof head + record.count;
    attempt->last_spilled = place;
    attempt->spilled_bytes += bytes;
    room->file_end += (int64_t)bytes;
    room->in_file += bytes;
    return true;
}

bool attempt_has(const struct attempt *attempt, uint64_t index)
{
    return index / 64 < attempt->seen_room && (attempt->seen[index / 64] >> index % 64 & 1) != 0;
}

static void see(struct waiting_room *room, struct attempt *attempt, uint64_t index)
{
    size_t before = attempt->seen_room, word = (size_t)(index / 64);
    if (word >= before) {
        attempt->seen =
            room_grow(room, attempt->seen, &attempt->seen_room, word + 1, sizeof *attempt->seen);
        memset(attempt->seen + before, 0, (attempt->seen_room - before) * sizeof *attempt->seen);
    }
    invariant(!attempt_has(attempt, index));
    attempt->seen[word] |= UINT64_C(1) << index % 64;
    attempt->present++;
    if (index > attempt->most_index)
        attempt->most_index = index;
}

/* Whether a record of `count` bytes and its bookkeeping fit the limit. */
static bool fits(const struct waiting_room *room, const struct attempt *attempt, size_t count)
{
    size_t more = attempt->held_count < attempt->held_room ? 0 : attempt->held_room / 2 + 16;
    size_t bytes = count + HEAP_BYTES + more * sizeof *attempt->held;
    size_t taken = room->memory + room->elsewhere;
    return room->limit == 0 || (taken < room->limit && bytes <= room->limit - taken);
}

void attempt_keep(struct waiting_room *room, struct attempt *attempt, uint32_t index,
                  struct bytes record)
{
    see(room, attempt, index);
    if (!fits(room, attempt, record.count) && spill(room, attempt, index, record))
        return;
    attempt->held = room_grow(room, attempt->held, &attempt->held_room, attempt->held_count + 1,
                              sizeof *attempt->held);
    uint8_t *copy = memory_buffer(record.count);
    memcpy(copy, record.at, record.count);
    attempt->held[attempt->held_count++] = (struct held){index, (uint32_t)record.count, copy};
    room->memory += record.count + HEAP_BYTES;
}

static int by_index(const void *a, const void *b)
{
    const struct held *left = a, *right = b;
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Reads the attempt's records back from the file. RETRY: they cannot be read. */
static enum status unspill(struct waiting_room *room, struct attempt *attempt)
{
    for (int64_t place = attempt->last_spilled; place >= 0;) {
        struct spilled head;
        if (!read_all(room->file, &head, sizeof head, place))
            return STATUS_RETRY;
        uint8_t *copy = memory_new(head.count);
        attempt->held = room_grow(room, attempt->held, &attempt->held_room, attempt->held_count + 1,
                                  sizeof *attempt->held);
        attempt->held[attempt->held_count++] = (struct held){head.index, head.count, copy};
        room->memory += head.count + HEAP_BYTES;
        if (!read_all(room->file, copy, head.count, place + (int64_t)sizeof head))
            return STATUS_RETRY;
        place = attempt->last_spilled = head.before;
    }
    assert(room->in_file >= attempt->spilled_bytes);
    room->in_file -= attempt->spilled_bytes;
    attempt->spilled_bytes = 0;
    return STATUS_OK;
}

/* Moves the attempt's records, by index, to the caller: `out` has room for `present`. */
enum status attempt_take(struct waiting_room *room, struct attempt *attempt, struct bytes *out)
{
    enum status status = unspill(room, attempt);
    if (status != STATUS_OK)
        return status;
    assert(attempt->held_count == attempt->present);
    qsort(attempt->held, attempt->held_count, sizeof *attempt->held, by_index);
    for (size_t i = 0; i < attempt->held_count; i++) {
        invariant(i == 0 || attempt->held[i - 1].index < attempt->held[i].index);
        out[i] = (struct bytes){attempt->held[i].at, attempt->held[i].count};
        room->memory -= attempt->held[i].count + HEAP_BYTES;
    }
    attempt->held_count = 0;
    return STATUS_OK;
}

/* Truncates the file when it has no records any more. */
static void shrink_file(struct waiting_room *room)
{
    if (room->file >= 0 && room->in_file == 0 && room->file_end > 0 &&
        ftruncate(room->file, 0) == 0)
        room->file_end = 0;
}

void attempt_clear(struct waiting_room *room, struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->held_count; i++) {
        room->memory -= attempt->held[i].count + HEAP_BYTES;
        free(attempt->held[i].at);
    }
    room->in_file -= attempt->spilled_bytes;
    room_give_back(room, attempt->held, attempt->held_room, sizeof *attempt->held);
    room_give_back(room, attempt->seen, attempt->seen_room, sizeof *attempt->seen);
    shrink_file(room);
}
