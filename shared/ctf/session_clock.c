#include "session_clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

__extension__ typedef __int128 cycles_signed;

const struct layout_clock *session_clock_of(const struct layout *layout)
{
    for (uint32_t i = 0; i < layout->stream_count; i++)
        if (layout->streams[i].clock < layout->clock_count)
            return &layout->clocks[layout->streams[i].clock];
    return layout->clock_count > 0 ? &layout->clocks[0] : NULL;
}

void session_clock_learn(struct session_clock *session, const struct layout *layout)
{
    const struct layout_clock *clock = session_clock_of(layout);
    if (session->is_known || !clock)
        return;
    session->clock = *clock;
    snprintf(session->name, sizeof session->name, "%s", clock->name);
    session->clock.name = session->name;
    session->is_known = true;
}

static bool same_clock(const struct layout_clock *a, const struct layout_clock *b)
{
    if (a == b)
        return true;
    if (a->has_uuid && b->has_uuid)
        return memcmp(a->uuid, b->uuid, sizeof a->uuid) == 0;
    return a->frequency == b->frequency && strcmp(a->name, b->name) == 0;
}

/* Nanoseconds from the origin to the clock's zero. */
static enum status zero_of(const struct layout_clock *clock, int64_t *out, struct failure *why)
{
    cycles_wide cycles = (cycles_wide)clock->offset_cycles * CYCLES_NS_PER_S / clock->frequency;
    cycles_signed zero =
        (cycles_signed)clock->offset_s * (int64_t)CYCLES_NS_PER_S + (cycles_signed)cycles;
    if (zero > INT64_MAX || zero < INT64_MIN)
        return fail(why, STATUS_REJECT,
                    "metadata: clock %s: its zero, %lld s and %llu cycles from its origin, exceeds "
                    "64 bits of nanoseconds",
                    clock->name, (long long)clock->offset_s,
                    (unsigned long long)clock->offset_cycles);
    *out = (int64_t)zero;
    return STATUS_OK;
}

static enum status shift_between(const struct layout_clock *session, const struct layout_clock *own,
                                 int64_t *shift, struct failure *why)
{
    int64_t session_zero = 0, own_zero = 0;
    *shift = 0;
    if (same_clock(session, own))
        return STATUS_OK;
    if (!session->is_unix || !own->is_unix)
        return fail(why, STATUS_REJECT,
                    "metadata: clock %s cannot be compared with clock %s of the session: they "
                    "declare no common origin",
                    own->name, session->name);
    enum status status = zero_of(session, &session_zero, why);
    if (status == STATUS_OK)
        status = zero_of(own, &own_zero, why);
    if (status == STATUS_OK && __builtin_sub_overflow(own_zero, session_zero, shift))
        status = fail(why, STATUS_REJECT, "metadata: clocks %s and %s are too far apart", own->name,
                      session->name);
    return status;
}

enum status session_clock_times(const struct layout *layout, const struct layout_clock *session,
                                struct stream_time **times, const struct layout_clock **event_clock,
                                int64_t *offset_ns, struct failure *why)
{
    const struct layout_clock *trace = session_clock_of(layout);
    enum status status = STATUS_OK;
    if (!session)
        session = trace;
    /* Converted times are of the session's clock; otherwise each trace has its own offset. */
    *event_clock = trace && same_clock(trace, session) ? trace : session;
    *offset_ns = 0;
    if (*event_clock)
        status = zero_of(*event_clock, offset_ns, why);
    uint64_t last_ns = (uint64_t)INT64_MAX - (*offset_ns > 0 ? (uint64_t)*offset_ns : 0);
    struct stream_time *out = memory_new(layout->stream_count * sizeof *out);
    for (uint32_t i = 0; i < layout->stream_count && status == STATUS_OK; i++) {
        uint32_t clock = layout->streams[i].clock;
        out[i] = (struct stream_time){.frequency = CYCLES_NS_PER_S, .last_ns = last_ns};
        if (clock >= layout->clock_count)
            continue;
        assert(session); /* the trace's clock, if there is no other */
        out[i].frequency = layout->clocks[clock].frequency;
        status = shift_between(session, &layout->clocks[clock], &out[i].shift_ns, why);
    }
    if (status != STATUS_OK) {
        free(out);
        out = NULL;
    }
    *times = out;
    return status;
}
