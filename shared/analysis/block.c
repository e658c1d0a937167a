/* Requests of block devices, by device and kind: from the issue to the driver to the completion.
 *
 * A request is identified by its device and sector. It may be completed in parts: the rest begins
 * at the sector after the part, and the request ends with its last part. A flush has no sector; it
 * is issued with 0 and completed with all bits set. A completion of a read, write, or discard
 * without sectors belongs to a request that was never issued: the kernel turned it into a flush. A
 * request that the driver returns (requeue) is issued again.
 * Source: block/blk-mq.c, blk_update_request(); block/blk-flush.c; lttng-modules, block.h. */
#include <inttypes.h>
#include <stdio.h>

#include "analysis/block.h"
#include "analysis/rule.h"
#include "analysis/view.h"
#include "base/memory.h"

#define BLOCK(T, KEY, REG, SUM)                                                                    \
    KEY(T, 1, number, dev, "device number of the kernel")                                          \
    KEY(T, 2, text, kind, "read, write, discard, flush, other")                                    \
    SUM(T, 3, durations, run, "from the issue of a request to its completion")                     \
    SUM(T, 4, bytes, bytes, "bytes of completed requests")                                         \
    SUM(T, 5, count, errors, "completions with an error")                                          \
    SUM(T, 6, count, requeues, "requests requeued by the driver")                                  \
    SUM(T, 7, count, merges, "requests merged into a waiting request")                             \
    SUM(T, 8, count, begin_unknown, "completions without an issue in the trace")                   \
    SUM(T, 9, count, end_unknown, "issues without a completion in the trace")
ATOM_DEFINE(block, BLOCK)

#define BLOCK_OPEN(T, KEY, REG, SUM)                                                               \
    KEY(T, 1, number, dev, "device number of the kernel")                                          \
    KEY(T, 2, number, sector, "the first sector not complete")                                     \
    REG(T, 3, time, issued_ns, "time of the issue")                                                \
    REG(T, 4, number, left, "remaining sectors")                                                   \
    REG(T, 5, number, rwbs, "operation")
ATOM_DEFINE(block_open, BLOCK_OPEN)

/* MAJOR:MINOR. Source: include/linux/kdev_t.h. */
static const char *device_name(uint64_t dev, char room[VIEW_NAME_ROOM])
{
    snprintf(room, VIEW_NAME_ROOM, "%" PRIu64 ":%" PRIu64, dev >> 20, dev & 0xFFFFF);
    return room;
}

char *block_device_name(uint64_t dev)
{
    char room[VIEW_NAME_ROOM];
    return memory_string(text_of(device_name(dev, room)));
}

static const struct atom_view view = {.title = "Block requests",
                                      .named = "dev",
                                      .label = "device",
                                      .name = device_name,
                                      .columns = {{"Device", "dev", VIEW_NAME},
                                                  {"Kind", "kind", VIEW_VALUE},
                                                  {"Requests", "run", VIEW_COUNT},
                                                  {"Bytes", "bytes", VIEW_VALUE},
                                                  {"Total", "run", VIEW_TOTAL},
                                                  {"p50", "run", VIEW_P50},
                                                  {"p99", "run", VIEW_P99},
                                                  {"Max", "run", VIEW_MAX},
                                                  {"Merges", "merges", VIEW_VALUE},
                                                  {"Requeues", "requeues", VIEW_VALUE},
                                                  {"Errors", "errors", VIEW_VALUE}},
                                      .by = {NULL, "run", VIEW_TOTAL},
                                      .unknown = {"begin_unknown", "end_unknown"}};

static const struct atom_kind block_kind = {.tag = 35, ATOM_COLUMNS_OF(block), .view = &view};

/* Source: lttng-modules, block.h, enum of RWBS_FLAG_*. */
enum { FLAG_WRITE = 1, FLAG_DISCARD = 2, FLAG_READ = 4, FLAG_FLUSH = 256 };
static const struct {
    uint16_t flag;
    const char *name;
} kind_names[] = {{FLAG_DISCARD, "discard"},
                  {FLAG_WRITE, "write"},
                  {FLAG_READ, "read"},
                  {FLAG_FLUSH, "flush"},
                  {0, "other"}};
enum { KINDS = sizeof kind_names / sizeof *kind_names };

/* The kind of its first known flag. */
static unsigned kind_of(uint64_t rwbs)
{
    unsigned kind = 0;
    while (kind < KINDS - 1 && !(rwbs & kind_names[kind].flag))
        kind++;
    return kind;
}

const char *block_kind_name(uint64_t rwbs)
{
    return kind_names[kind_of(rwbs)].name;
}

bool block_has_sectors(uint64_t rwbs)
{
    return rwbs & (FLAG_WRITE | FLAG_DISCARD | FLAG_READ);
}

static struct block_key sums_of(uint64_t dev, uint64_t rwbs)
{
    return (struct block_key){.dev = dev, .kind = text_of(block_kind_name(rwbs))};
}

static void lose(struct engine *engine, struct atom *atom)
{
    const struct block_open *open = (const struct block_open *)atom;
    const struct block_key key = sums_of(open->dev, open->rwbs);
    ((struct block *)lost_atom(engine, &block_kind, &key.atom))->end_unknown++;
}

static const struct atom_kind block_open_kind = {
    .tag = 36, ATOM_COLUMNS_OF(block_open), .lose = lose, .open_ns = BLOCK_OPEN_NS};

/* The slots of all its events. */
enum { DEV, SECTOR, COUNT, RWBS, ERROR };

static struct block_open request_of(const struct event *event)
{
    uint64_t sector = (uint64_t)event->value[SECTOR];
    return (struct block_open){.dev = (uint64_t)event->value[DEV],
                               .sector = sector == UINT64_MAX ? 0 : sector,
                               .issued_ns = event->time_ns,
                               .left = (uint64_t)event->value[COUNT],
                               .rwbs = (uint64_t)event->value[RWBS]};
}

static void find_sums(struct found *found, const struct event *event)
{
    const struct block_key key = sums_of((uint64_t)event->value[DEV], (uint64_t)event->value[RWBS]);
    found_atom(found, &block_kind, &key.atom);
}

static void find_issue(struct found *found, const struct event *event)
{
    struct block_open request = request_of(event);
    found_opening(found, &block_open_kind, &request.atom);
}

static bool is_part(const struct block_open *open, uint64_t count)
{
    return count > 0 && count < open->left;
}

static void find_complete(struct found *found, const struct event *event)
{
    struct block_open request = request_of(event);
    if (request.left == 0 && block_has_sectors(request.rwbs))
        return;
    find_sums(found, event);
    const struct block_open *open =
        (const struct block_open *)found_ending(found, &block_open_kind, &request.atom);
    if (!open || !is_part(open, request.left))
        return;
    struct block_open rest = *open;
    rest.sector += request.left;
    rest.left -= request.left;
    found_opening(found, &block_open_kind, &rest.atom);
}

static void find_requeue(struct found *found, const struct event *event)
{
    const struct block_open request = request_of(event);
    find_sums(found, event);
    found_ending(found, &block_open_kind, &request.atom);
}

static void apply_issue(struct atom *const *atoms, const struct event *event)
{
    (void)atoms;
    (void)event;
}

static void apply_complete(struct atom *const *atoms, const struct event *event)
{
    struct block *sums = (struct block *)atoms[0];
    const struct block_open *open = (const struct block_open *)atoms[1];
    uint64_t count = (uint64_t)event->value[COUNT];
    sums->bytes += BLOCK_SECTOR_BYTES * count;
    sums->errors += event_has_value(event, ERROR) && event->value[ERROR] != 0;
    if (!open)
        sums->begin_unknown++;
    else if (!is_part(open, count))
        durations_add(&sums->run, event->time_ns - open->issued_ns);
}

static void apply_requeue(struct atom *const *atoms, const struct event *event)
{
    (void)event;
    ((struct block *)atoms[0])->requeues++;
}

static void apply_merge(struct atom *const *atoms, const struct event *event)
{
    (void)event;
    ((struct block *)atoms[0])->merges++;
}

ANALYSIS_RULE(issue, find_issue, apply_issue, DEFINES_NOTHING)
ANALYSIS_RULE(complete, find_complete, apply_complete, DEFINES_NOTHING)
ANALYSIS_RULE(requeue, find_requeue, apply_requeue, DEFINES_NOTHING)
ANALYSIS_RULE(merge, find_sums, apply_merge, DEFINES_NOTHING)

#define REQUEST                                                                                    \
    {"dev", SLOT_VALUE, DEV}, {"sector", SLOT_VALUE, SECTOR}, {"nr_sector", SLOT_VALUE, COUNT},    \
    {                                                                                              \
        "rwbs", SLOT_VALUE, RWBS                                                                   \
    }
enum { NEEDS_REQUEST = 1 << DEV | 1 << SECTOR | 1 << COUNT | 1 << RWBS };

static const struct rule rules[] = {
    {{"block_rq_issue", {REQUEST}, NEEDS_REQUEST}, .tag = 6, ANALYSIS_RULE_OF(issue)},
    {{"block_rq_complete", {REQUEST, {"error", SLOT_VALUE, ERROR}}, NEEDS_REQUEST},
     .tag = 7,
     ANALYSIS_RULE_OF(complete)},
    {{"block_rq_requeue", {REQUEST}, NEEDS_REQUEST}, .tag = 8, ANALYSIS_RULE_OF(requeue)},
    {{"block_rq_merge", {REQUEST}, NEEDS_REQUEST}, .tag = 9, ANALYSIS_RULE_OF(merge)},
    {{"block_bio_backmerge", {REQUEST}, NEEDS_REQUEST}, .tag = 10, ANALYSIS_RULE_OF(merge)},
    {{"block_bio_frontmerge", {REQUEST}, NEEDS_REQUEST}, .tag = 11, ANALYSIS_RULE_OF(merge)},
};

/* --- by issuer --- */

static struct field_value read_device(const struct event *event)
{
    return (struct field_value){.type = FIELD_UINT, .u = (uint64_t)event->value[DEV]};
}

static struct field_value read_kind(const struct event *event)
{
    return (struct field_value){.type = FIELD_UINT, .u = kind_of((uint64_t)event->value[RWBS])};
}

static const char *name_kind(uint64_t kind, char room[COUNT_NAME_ROOM])
{
    (void)room;
    return kind < KINDS ? kind_names[kind].name : kind_names[KINDS - 1].name;
}

static struct field_value read_bytes(const struct event *event)
{
    return (struct field_value){.type = FIELD_UINT,
                                .u = BLOCK_SECTOR_BYTES * (uint64_t)event->value[COUNT]};
}

static_assert((int)VIEW_NAME_ROOM == (int)COUNT_NAME_ROOM, "device_name() is of both");
static const struct count_by by[] = {{COUNT_BY_FIELD, "device", read_device, device_name},
                                     {COUNT_BY_FIELD, "kind", read_kind, name_kind},
                                     {COUNT_BY_PROCESS, "process", NULL, NULL},
                                     {COUNT_BY_PHASE, "phase", NULL, NULL},
                                     {COUNT_BY_CALL, "call", NULL, NULL}};
static const struct built_in_count requests = {.number = 0,
                                               .needs = NEEDS_REQUEST,
                                               .read = read_bytes,
                                               .title = "Block requests issued",
                                               .value_title = "Bytes",
                                               .of_bytes = true};
static const struct count_definition counted = {.name = BUILT_IN_PREFIX "block_requests",
                                                .event = "block_rq_issue",
                                                .by = by,
                                                .by_count = sizeof by / sizeof *by,
                                                .value = "bytes",
                                                .built_in = &requests};

static const struct atom_kind *const kinds[] = {&block_kind, &block_open_kind};
static const struct count_definition *const counts[] = {&counted, NULL};
const struct analysis block_analysis = {"block", kinds, 2, rules, sizeof rules / sizeof *rules,
                                        counts};
