/* A trace in memory for tests: metadata in LTTng's format, and custom packets. */
#ifndef TESTS_CHUNK_FAKE_TRACE_H
#define TESTS_CHUNK_FAKE_TRACE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

/* As LTTng 2.8 and later: 32 bytes of packet header, sequence numbers. */
#define FAKE_PREFIX                                                                                \
    "/* CTF 1.8 */\n"                                                                              \
    "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"                     \
    "typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"                   \
    "typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"                   \
    "typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"                   \
    "typealias integer { size = 64; align = 8; signed = false; } := unsigned long;\n"              \
    "trace { major = 1; minor = 8; uuid = \"00010203-0405-0607-0809-0a0b0c0d0e0f\";\n"             \
    "  byte_order = le;\n"                                                                         \
    "  packet.header := struct { uint32_t magic; uint8_t uuid[16]; uint32_t stream_id;\n"          \
    "    uint64_t stream_instance_id; };\n"                                                        \
    "};\n"

#define FAKE_CLOCK                                                                                 \
    "clock { name = \"monotonic\"; uuid = \"10111213-1415-1617-1819-1a1b1c1d1e1f\";\n"             \
    "  description = \"{ clock }\"; freq = 1000000000; /* Hz */ offset = 5000000007;\n};\n"        \
    "typealias integer { size = 32; align = 8; signed = false; map = clock.monotonic.value; }\n"   \
    "  := uint32_clock_monotonic_t;\n"                                                             \
    "typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; }\n"   \
    "  := uint64_clock_monotonic_t;\n"                                                             \
    "struct packet_context { uint64_clock_monotonic_t timestamp_begin;\n"                          \
    "  uint64_clock_monotonic_t timestamp_end; uint64_t content_size; uint64_t packet_size;\n"     \
    "  uint64_t packet_seq_num; unsigned long events_discarded; uint32_t cpu_id; };\n"             \
    "struct event_header { uint16_t id; uint64_clock_monotonic_t timestamp; } align(8);\n"         \
    "stream { id = 0; event.header := struct event_header;\n"                                      \
    "  packet.context := struct packet_context; };\n"

#define FAKE_EVENT(id, name, fields)                                                               \
    "event { name = \"" name "\"; id = " id "; stream_id = 0; fields := struct { " fields " }; "   \
    "};\n"

#define FAKE_INT32 "integer { size = 32; align = 8; signed = 1; }"

/* Event 0 sched_process_exit (comm, tid), event 1 sched_process_fork, event 2 "other". */
#define FAKE_EVENTS                                                                                \
    FAKE_EVENT("0", "sched_process_exit", "string _comm; " FAKE_INT32 " _tid;")                    \
    FAKE_EVENT("1", "sched_process_fork",                                                          \
               "string _parent_comm; " FAKE_INT32 " _parent_tid; " FAKE_INT32 " _parent_pid; "     \
               "string _child_comm; " FAKE_INT32 " _child_tid; " FAKE_INT32 " _child_pid;")        \
    FAKE_EVENT("2", "other", FAKE_INT32 " _n;")

/* Text of the metadata; the caller frees it. */
static inline char *fake_metadata(const char *domain, const char *host, const char *session,
                                  const char *created)
{
    return memory_format("%senv { hostname = \"%s\"; domain = \"%s\"; trace_name = \"%s\";\n"
                         "  trace_creation_datetime = \"%s\"; };\n%s%s",
                         FAKE_PREFIX, host, domain, session, created, FAKE_CLOCK, FAKE_EVENTS);
}

static inline struct bytes fake_bytes(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* A growing file. */
struct fake_file {
    uint8_t *at;
    size_t count, room;
};

static inline struct bytes fake_data(const struct fake_file *file)
{
    return (struct bytes){file->at, file->count};
}

static inline void fake_put(struct fake_file *file, const void *bytes, size_t count)
{
    file->at = memory_grow(file->at, &file->room, file->count + count, 1);
    memcpy(file->at + file->count, bytes, count);
    file->count += count;
}

static inline void fake_number(struct fake_file *file, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        fake_put(file, &byte, 1);
    }
}

struct fake_packet {
    uint64_t begin, end, sequence, discarded;
    uint32_t cpu;
    size_t start; /* its position; set by fake_begin() */
};

enum { FAKE_HEADER = 32, FAKE_CONTEXT = 52, FAKE_PADDING = 20 };

static inline void fake_begin(struct fake_file *file, struct fake_packet *packet)
{
    packet->start = file->count;
    fake_number(file, 0xC1FC1FC1, 4);
    for (unsigned i = 0; i < 16; i++)
        fake_number(file, i, 1);
    fake_number(file, 0, 4);
    fake_number(file, packet->cpu, 8);
    fake_number(file, packet->begin, 8);
    fake_number(file, packet->end, 8);
    fake_number(file, 0, 8);
    fake_number(file, 0, 8);
    fake_number(file, packet->sequence, 8);
    fake_number(file, packet->discarded, 8);
    fake_number(file, packet->cpu, 4);
}

static inline void fake_event(struct fake_file *file, uint16_t id, uint64_t time)
{
    fake_number(file, id, 2);
    fake_number(file, time, 8);
}

static inline void fake_other(struct fake_file *file, uint64_t time, int32_t n)
{
    fake_event(file, 2, time);
    fake_number(file, (uint32_t)n, 4);
}

static inline void fake_exit(struct fake_file *file, uint64_t time, const char *comm, int32_t tid)
{
    fake_event(file, 0, time);
    fake_put(file, comm, strlen(comm) + 1);
    fake_number(file, (uint32_t)tid, 4);
}

static inline void fake_fork(struct fake_file *file, uint64_t time, int32_t parent,
                             int32_t child_tid, int32_t child_pid)
{
    fake_event(file, 1, time);
    fake_put(file, "parent", 7);
    fake_number(file, (uint32_t)parent, 4);
    fake_number(file, (uint32_t)parent, 4);
    fake_put(file, "child", 6);
    fake_number(file, (uint32_t)child_tid, 4);
    fake_number(file, (uint32_t)child_pid, 4);
}

static inline void fake_end(struct fake_file *file, const struct fake_packet *packet)
{
    uint64_t content = (file->count - packet->start) * 8;
    static const uint8_t ZEROS[FAKE_PADDING];
    fake_put(file, ZEROS, sizeof ZEROS);
    uint64_t size = (file->count - packet->start) * 8;
    for (size_t i = 0; i < 8; i++) {
        file->at[packet->start + FAKE_HEADER + 16 + i] = (uint8_t)(content >> 8 * i);
        file->at[packet->start + FAKE_HEADER + 24 + i] = (uint8_t)(size >> 8 * i);
    }
}

/* A packet with events 2 at `times`, each with its number as `n`. */
static inline void fake_add(struct fake_file *file, struct fake_packet packet,
                            const uint64_t *times, size_t count)
{
    fake_begin(file, &packet);
    for (size_t i = 0; i < count; i++)
        fake_other(file, times[i], (int32_t)i);
    fake_end(file, &packet);
}

static inline void fake_clear(struct fake_file *file)
{
    free(file->at);
    *file = (struct fake_file){.at = NULL};
}

#endif
