#include "cli/timeline/perfetto.h"

#include "cli/timeline/packet.h"

/* Numbers of fields. Source: protos/perfetto/trace of github.com/google/perfetto, version 50. */
enum { TRACE_PACKET = 1 };
enum {
    PACKET_FTRACE_EVENTS = 1,
    PACKET_CLOCK_SNAPSHOT = 6,
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE = 10, /* trusted_packet_sequence_id */
    PACKET_TRACK_EVENT = 11,
    PACKET_TRACK_DESCRIPTOR = 60
};
enum { SNAPSHOT_CLOCKS = 1, CLOCK_ID = 1, CLOCK_TIMESTAMP = 2 };
enum {
    CLOCK_REALTIME_ID = 1,
    CLOCK_BOOTTIME_ID = 6
}; /* the latter is the clock of all timestamps */
enum {
    DESCRIPTOR_UUID = 1,
    DESCRIPTOR_NAME = 2,
    DESCRIPTOR_PROCESS = 3,
    DESCRIPTOR_THREAD = 4,
    DESCRIPTOR_PARENT = 5,
    DESCRIPTOR_COUNTER = 8
};
enum { PROCESS_PID = 1, PROCESS_NAME = 6, THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum {
    EVENT_NOTE = 4, /* debug_annotations */
    EVENT_TYPE = 9,
    EVENT_TRACK = 11,
    EVENT_CATEGORY = 22,
    EVENT_NAME = 23,
    EVENT_COUNTER_VALUE = 30
};
enum { TYPE_BEGIN = 1, TYPE_END = 2, TYPE_INSTANT = 3, TYPE_COUNTER = 4 };
enum { NOTE_UNSIGNED = 3, NOTE_NUMBER = 4, NOTE_TEXT = 6, NOTE_NAME = 10 };
enum { BUNDLE_CPU = 1, BUNDLE_EVENT = 2 };
enum {
    FTRACE_TIMESTAMP = 1,
    FTRACE_PID = 2,
    FTRACE_SWITCH = 4,
    FTRACE_FLAGS = 5,
    FTRACE_WAKING = 20,
    FTRACE_SOFTIRQ_ENTRY = 24,
    FTRACE_SOFTIRQ_EXIT = 25,
    FTRACE_IRQ_ENTRY = 36,
    FTRACE_IRQ_EXIT = 37
};
enum {
    SWITCH_PREV_COMM = 1,
    SWITCH_PREV = 2,
    SWITCH_STATE = 4,
    SWITCH_NEXT_COMM = 5,
    SWITCH_NEXT = 6
};
enum { WAKING_COMM = 1, WAKING_PID = 2, WAKING_SUCCESS = 4 };
enum { IRQ_NUMBER = 1, IRQ_NAME = 2 };
/* Bits of `common_flags`. Source: TRACE_FLAG_HARDIRQ, TRACE_FLAG_SOFTIRQ of the kernel's
 * include/linux/trace_events.h. */
enum { FLAG_HARDIRQ = 8, FLAG_SOFTIRQ = 16 };

/* All packets have one writer. */
enum { SEQUENCE = 1, WRITE_BYTES = 1 << 18 };

static void write_out(struct perfetto *file)
{
    if (file->packets.count > 0 &&
        fwrite(file->packets.at, 1, file->packets.count, file->out) != file->packets.count)
        file->is_broken = true;
    file->packets.count = 0;
}

bool perfetto_flush(struct perfetto *file)
{
    write_out(file);
    return !file->is_broken;
}

static size_t open_packet(struct perfetto *file)
{
    size_t place = packet_open(&file->packets, TRACE_PACKET);
    packet_number(&file->packets, PACKET_SEQUENCE, SEQUENCE);
    return place;
}

static void close_packet(struct perfetto *file, size_t place)
{
    packet_close(&file->packets, place);
    if (file->packets.count >= WRITE_BYTES)
        write_out(file);
}

static void put_clock(struct perfetto *file, unsigned clock, int64_t at_ns)
{
    size_t place = packet_open(&file->packets, SNAPSHOT_CLOCKS);
    packet_number(&file->packets, CLOCK_ID, clock);
    packet_number(&file->packets, CLOCK_TIMESTAMP, (uint64_t)at_ns);
    packet_close(&file->packets, place);
}

void perfetto_clock(struct perfetto *file, int64_t at_ns)
{
    size_t packet = open_packet(file);
    packet_number(&file->packets, PACKET_TIMESTAMP, (uint64_t)at_ns);
    size_t snapshot = packet_open(&file->packets, PACKET_CLOCK_SNAPSHOT);
    put_clock(file, CLOCK_BOOTTIME_ID, at_ns);
    put_clock(file, CLOCK_REALTIME_ID, at_ns);
    packet_close(&file->packets, snapshot);
    close_packet(file, packet);
}

/* --- tracks --- */

struct description {
    size_t packet, descriptor;
    uint64_t uuid;
};

static struct description describe(struct perfetto *file, const char *name)
{
    struct description out = {.packet = open_packet(file), .uuid = ++file->last_track};
    out.descriptor = packet_open(&file->packets, PACKET_TRACK_DESCRIPTOR);
    packet_number(&file->packets, DESCRIPTOR_UUID, out.uuid);
    if (name)
        packet_text(&file->packets, DESCRIPTOR_NAME, text_of(name));
    return out;
}

static uint64_t described(struct perfetto *file, struct description of)
{
    packet_close(&file->packets, of.descriptor);
    close_packet(file, of.packet);
    return of.uuid;
}

uint64_t perfetto_process(struct perfetto *file, int64_t pid, const char *name)
{
    struct description description = describe(file, NULL);
    size_t place = packet_open(&file->packets, DESCRIPTOR_PROCESS);
    packet_number(&file->packets, PROCESS_PID, (uint64_t)pid);
    if (name)
        packet_text(&file->packets, PROCESS_NAME, text_of(name));
    packet_close(&file->packets, place);
    return described(file, description);
}

uint64_t perfetto_thread(struct perfetto *file, int64_t pid, int32_t tid, const char *name)
{
    struct description description = describe(file, NULL);
    size_t place = packet_open(&file->packets, DESCRIPTOR_THREAD);
    packet_number(&file->packets, THREAD_PID, (uint64_t)pid);
    packet_number(&file->packets, THREAD_TID, (uint64_t)(int64_t)tid);
    if (name)
        packet_text(&file->packets, THREAD_NAME, text_of(name));
    packet_close(&file->packets, place);
    return described(file, description);
}

uint64_t perfetto_track(struct perfetto *file, uint64_t parent, const char *name)
{
    struct description description = describe(file, name);
    if (parent != 0)
        packet_number(&file->packets, DESCRIPTOR_PARENT, parent);
    return described(file, description);
}

uint64_t perfetto_counter(struct perfetto *file, const char *name)
{
    struct description description = describe(file, name);
    packet_close(&file->packets, packet_open(&file->packets, DESCRIPTOR_COUNTER));
    return described(file, description);
}

/* --- slices, instants, counters --- */

struct opened {
    size_t packet, event;
};

static struct opened open_event(struct perfetto *file, uint64_t track, int64_t at_ns, unsigned type)
{
    struct opened out = {.packet = open_packet(file)};
    packet_number(&file->packets, PACKET_TIMESTAMP, (uint64_t)at_ns);
    out.event = packet_open(&file->packets, PACKET_TRACK_EVENT);
    packet_number(&file->packets, EVENT_TYPE, type);
    packet_number(&file->packets, EVENT_TRACK, track);
    return out;
}

static void close_event(struct perfetto *file, struct opened of)
{
    packet_close(&file->packets, of.event);
    close_packet(file, of.packet);
}

static void put_notes(struct perfetto *file, struct perfetto_notes notes)
{
    for (size_t i = 0; i < notes.count; i++) {
        size_t place = packet_open(&file->packets, EVENT_NOTE);
        packet_text(&file->packets, NOTE_NAME, text_of(notes.at[i].name));
        if (notes.at[i].text.at)
            packet_text(&file->packets, NOTE_TEXT, notes.at[i].text);
        else
            packet_number(&file->packets, notes.at[i].is_unsigned ? NOTE_UNSIGNED : NOTE_NUMBER,
                          (uint64_t)notes.at[i].number);
        packet_close(&file->packets, place);
    }
}

static void put_event(struct perfetto *file, uint64_t track, int64_t at_ns, unsigned type,
                      const char *category, struct text name, struct perfetto_notes notes)
{
    struct opened event = open_event(file, track, at_ns, type);
    packet_text(&file->packets, EVENT_CATEGORY, text_of(category));
    packet_text(&file->packets, EVENT_NAME, name);
    put_notes(file, notes);
    close_event(file, event);
}

void perfetto_begin(struct perfetto *file, uint64_t track, int64_t at_ns, const char *category,
                    struct text name, struct perfetto_notes notes)
{
    put_event(file, track, at_ns, TYPE_BEGIN, category, name, notes);
}

void perfetto_instant(struct perfetto *file, uint64_t track, int64_t at_ns, const char *category,
                      struct text name, struct perfetto_notes notes)
{
    put_event(file, track, at_ns, TYPE_INSTANT, category, name, notes);
}

void perfetto_end(struct perfetto *file, uint64_t track, int64_t at_ns, struct perfetto_notes notes)
{
    struct opened event = open_event(file, track, at_ns, TYPE_END);
    put_notes(file, notes);
    close_event(file, event);
}

void perfetto_count(struct perfetto *file, uint64_t track, int64_t at_ns, int64_t value)
{
    struct opened event = open_event(file, track, at_ns, TYPE_COUNTER);
    packet_number(&file->packets, EVENT_COUNTER_VALUE, (uint64_t)value);
    close_event(file, event);
}

/* --- kernel events --- */

struct bundle {
    size_t packet, events, event, payload;
};

static struct bundle open_bundle(struct perfetto *file, int32_t cpu, int64_t at_ns, int32_t current,
                                 unsigned flags, unsigned what)
{
    struct bundle out = {.packet = open_packet(file)};
    out.events = packet_open(&file->packets, PACKET_FTRACE_EVENTS);
    packet_number(&file->packets, BUNDLE_CPU, (uint64_t)cpu);
    out.event = packet_open(&file->packets, BUNDLE_EVENT);
    packet_number(&file->packets, FTRACE_TIMESTAMP, (uint64_t)at_ns);
    packet_number(&file->packets, FTRACE_PID, (uint32_t)current);
    if (flags != 0)
        packet_number(&file->packets, FTRACE_FLAGS, flags);
    out.payload = packet_open(&file->packets, what);
    return out;
}

static void close_bundle(struct perfetto *file, struct bundle of)
{
    packet_close(&file->packets, of.payload);
    packet_close(&file->packets, of.event);
    packet_close(&file->packets, of.events);
    close_packet(file, of.packet);
}

void perfetto_switch(struct perfetto *file, int32_t cpu, int64_t at_ns, struct perfetto_task prev,
                     int64_t prev_state, struct perfetto_task next)
{
    struct bundle bundle = open_bundle(file, cpu, at_ns, prev.tid, 0, FTRACE_SWITCH);
    packet_text(&file->packets, SWITCH_PREV_COMM, prev.comm);
    packet_number(&file->packets, SWITCH_PREV, (uint64_t)prev.tid);
    packet_number(&file->packets, SWITCH_STATE, (uint64_t)prev_state);
    packet_text(&file->packets, SWITCH_NEXT_COMM, next.comm);
    packet_number(&file->packets, SWITCH_NEXT, (uint64_t)next.tid);
    close_bundle(file, bundle);
}

void perfetto_waking(struct perfetto *file, int32_t cpu, int64_t at_ns, int32_t waker,
                     enum perfetto_context context, struct perfetto_task woken)
{
    static const unsigned FLAGS[] = {
        [BY_THREAD] = 0, [BY_IRQ] = FLAG_HARDIRQ, [BY_SOFTIRQ] = FLAG_SOFTIRQ};
    struct bundle bundle = open_bundle(file, cpu, at_ns, waker, FLAGS[context], FTRACE_WAKING);
    packet_text(&file->packets, WAKING_COMM, woken.comm);
    packet_number(&file->packets, WAKING_PID, (uint64_t)woken.tid);
    packet_number(&file->packets, WAKING_SUCCESS, 1);
    close_bundle(file, bundle);
}

void perfetto_interrupt(struct perfetto *file, int32_t cpu, int64_t at_ns, enum perfetto_irq what,
                        int64_t number, struct text name)
{
    static const unsigned FIELDS[] = {[IRQ_ENTRY] = FTRACE_IRQ_ENTRY,
                                      [IRQ_EXIT] = FTRACE_IRQ_EXIT,
                                      [SOFTIRQ_ENTRY] = FTRACE_SOFTIRQ_ENTRY,
                                      [SOFTIRQ_EXIT] = FTRACE_SOFTIRQ_EXIT};
    struct bundle bundle = open_bundle(file, cpu, at_ns, 0, 0, FIELDS[what]);
    packet_number(&file->packets, IRQ_NUMBER, (uint64_t)number);
    if (name.count > 0 && what == IRQ_ENTRY)
        packet_text(&file->packets, IRQ_NAME, name);
    close_bundle(file, bundle);
}
