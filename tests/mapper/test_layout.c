/* Metadata files as on disk: in packets or as text, complete or damaged, recorded by LTTng. */
#include <dirent.h>
#include <stdio.h>
#include <time.h>

#include "tests/chunk/fake_trace.h"
#include "tests/mapper/layout_text.h"

static const char TEXT[] = "/* CTF 1.8 */ trace { major = 1; minor = 8; byte_order = le; };\n"
                           "event { name = \"e\"; id = 7; };\n";

enum { HEADER = 37 };

struct packet {
    bool big_endian;
    size_t padding;      /* bytes after the text */
    uint32_t extra_bits; /* stated, beyond the actual size */
    uint8_t compression;
    uint8_t encryption;
    uint8_t checksum;
    uint8_t major, minor; /* 0: 1.8 */
};

static void number(struct fake_file *file, uint32_t value, bool big_endian)
{
    for (unsigned i = 0; i < 4; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * (big_endian ? 3 - i : i));
        fake_put(file, &byte, 1);
    }
}

/* The packet that holds `text`. */
static void put_packet(struct fake_file *file, const char *text, size_t count,
                       const struct packet *packet)
{
    static const uint8_t UUID[16] = {1, 2, 3};
    number(file, UINT32_C(0x75D11D57), packet->big_endian);
    fake_put(file, UUID, sizeof UUID);
    number(file, 0, packet->big_endian);
    number(file, (uint32_t)(HEADER + count) * 8 + packet->extra_bits, packet->big_endian);
    number(file, (uint32_t)(HEADER + count + packet->padding) * 8, packet->big_endian);
    const uint8_t tail[5] = {packet->compression, packet->encryption, packet->checksum,
                             packet->major > 0 ? packet->major : 1,
                             packet->major > 0 ? packet->minor : 8};
    fake_put(file, tail, sizeof tail);
    fake_put(file, text, count);
    for (size_t i = 0; i < packet->padding; i++)
        fake_put(file, "\xee", 1);
}

/* TEXT in packets of `room` bytes each. */
static struct fake_file packets_of(size_t room, bool big_endian)
{
    struct fake_file file = {.at = NULL};
    size_t left = strlen(TEXT);
    for (const char *at = TEXT; left > 0;) {
        size_t part = left < room ? left : room;
        struct packet packet = {.big_endian = big_endian, .padding = room - part + 5};
        put_packet(&file, at, part, &packet);
        at += part;
        left -= part;
    }
    return file;
}

static enum status open_copy(const uint8_t *at, size_t count, struct layout **out,
                             struct failure *why)
{
    uint8_t *copy = memory_new(count); /* so that reads past the end are detected */
    memcpy(copy, at, count);
    enum status status = layout_open((struct bytes){copy, count}, out, why);
    free(copy);
    return status;
}

static void refused_packet(const struct packet *packet, const char *sentence)
{
    struct fake_file file = {.at = NULL};
    struct layout *layout;
    struct failure why = {""};
    put_packet(&file, TEXT, strlen(TEXT), packet);
    cr_expect(eq(int, open_copy(file.at, file.count, &layout, &why), STATUS_REJECT));
    cr_expect(eq(str, why.text, STRING(sentence)));
    free(file.at);
}

Test(layout, reads_packets_of_any_size_and_byte_order)
{
    static const size_t ROOMS[] = {1, 7, 64, 4096};
    for (size_t i = 0; i < 8; i++) {
        struct fake_file file = packets_of(ROOMS[i / 2], i % 2 > 0);
        struct layout *layout;
        struct failure why = {""};
        cr_assert(eq(int, open_copy(file.at, file.count, &layout, &why), STATUS_OK), "%s",
                  why.text);
        cr_expect(eq(str, STRING(layout->events[0].name), "e"));
        /* The byte order of the file does not determine that of the trace. */
        cr_expect(not(layout->big_endian));
        layout_close(layout);
        free(file.at);
    }
}

Test(layout, refuses_packets_whose_content_is_cut)
{
    struct fake_file file = packets_of(40, false);
    size_t packet = HEADER + 45, last = strlen(TEXT) % 40;
    for (size_t count = 1; count < file.count; count++) {
        struct layout *layout;
        struct failure why = {""};
        /* Of the last one, only padding is missing. */
        bool is_whole = count >= strlen(TEXT) / 40 * packet + HEADER + last;
        enum status status = open_copy(file.at, count, &layout, &why);
        cr_expect(eq(int, status, is_whole ? STATUS_OK : STATUS_REJECT), "%zu", count);
        char *begin = memory_format("metadata: truncated: only %zu ", count % packet);
        if (count % packet >= 4 && count % packet < HEADER + 40 && !is_whole)
            cr_expect(strncmp(why.text, begin, strlen(begin)) == 0, "%zu: %s", count, why.text);
        free(begin);
        layout_close(layout);
    }
    free(file.at);
}

Test(layout, refuses_packets_that_lie)
{
    size_t size = HEADER + strlen(TEXT);
    char *sentence = memory_format(
        "metadata: packet at byte 0: content size of %zu bits in a packet of %zu bytes",
        size * 8 + 3, size);
    refused_packet(&(struct packet){.extra_bits = 3}, sentence);
    free(sentence);
    sentence = memory_format(
        "metadata: packet at byte 0: content size of %zu bits in a packet of %zu bytes",
        size * 8 + 8, size);
    refused_packet(&(struct packet){.extra_bits = 8}, sentence);
    free(sentence);
    refused_packet(&(struct packet){.compression = 1},
                   "metadata: packet at byte 0: compression scheme 1 is not supported");
    refused_packet(&(struct packet){.encryption = 2},
                   "metadata: packet at byte 0: encryption scheme 2 is not supported");
    refused_packet(&(struct packet){.checksum = 3},
                   "metadata: packet at byte 0: checksum scheme 3 is not supported");
    refused_packet(
        &(struct packet){.major = 2, .minor = 8},
        "metadata: packet at byte 0: version 2.8 is not supported; supported: 1.8 and 2.0");
}

Test(layout, refuses_packets_of_two_traces)
{
    struct fake_file file = packets_of(40, false);
    size_t packet = HEADER + 45;
    struct layout *layout;
    struct failure why = {""};
    file.at[packet + 4] ^= 1;
    cr_expect(eq(int, open_copy(file.at, file.count, &layout, &why), STATUS_REJECT));
    cr_expect(eq(str, why.text,
                 "metadata: packet at byte 82: its UUID differs from that of the first packet"));
    free(file.at);
}

Test(layout, text_in_no_packets_begins_with_its_version)
{
    refused("/* CTF 1.9 */ trace { };",
            "metadata:1:8: CTF version \"1.9\" is not supported; supported: 1.8 and 2");
    refused("/* CTF 1.80 */ trace { };",
            "metadata:1:8: CTF version \"1.80\" is not supported; supported: 1.8 and 2");
    struct layout *layout;
    struct failure why = {""};
    cr_expect(eq(int, open_copy((const uint8_t *)"trace { };", 10, &layout, &why), STATUS_REJECT));
    cr_expect(eq(str, why.text, "metadata:1:1: not CTF: expected \"/* CTF 1.8\""));
    layout_close(
        opened("/* CTF 1.8 and more */ trace { major = 1; minor = 8; byte_order = le; };"));
}

Test(layout, refuses_what_is_between_packets)
{
    struct fake_file file = packets_of(4096, false);
    struct layout *layout;
    struct failure why = {""};
    size_t count = file.count;
    fake_put(&file, "rubbish", 7);
    cr_expect(eq(int, open_copy(file.at, file.count, &layout, &why), STATUS_REJECT));
    char *sentence = memory_format("metadata: no packet at byte %zu", count);
    cr_expect(eq(str, why.text, sentence));
    free(sentence);
    free(file.at);
}

Test(layout, refuses_nothing_and_too_much)
{
    struct layout *layout;
    struct failure why = {""};
    cr_expect(eq(int, layout_open((struct bytes){NULL, 0}, &layout, &why), STATUS_REJECT));
    cr_expect(eq(str, why.text, "metadata: empty"));
    /* The limit is checked before anything is read. */
    struct bytes much = {(const uint8_t *)TEXT, LAYOUT_METADATA_MAX + 1};
    cr_expect(eq(int, layout_open(much, &layout, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "bytes exceed the limit") != NULL);
}

Test(layout, a_failure_need_not_be_told)
{
    struct layout *layout;
    cr_expect(eq(int, layout_open((struct bytes){(const uint8_t *)"x", 1}, &layout, NULL),
                 STATUS_REJECT));
    layout_close(NULL);
}

/* --- recorded --- */

static struct layout *opened_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file != NULL, "%s", path);
    size_t room = (size_t)1 << 20;
    uint8_t *at = memory_new(room);
    struct bytes bytes = {at, fread(at, 1, room, file)};
    fclose(file);
    struct layout *layout = NULL;
    struct failure why = {""};
    cr_assert(eq(int, layout_open(bytes, &layout, &why), STATUS_OK), "%s: %s", path, why.text);
    free(at);
    return layout;
}

#define CHUNK TEST_DATA "/thumbnails/archives/20261122T231017+0000-20261122T231045+0000-3"

/* Type, bits (bytes of arrays of characters) and signedness of a member. */
static void expect_member(const struct layout_field *structure, const char *name,
                          enum layout_type type, unsigned size, bool is_signed)
{
    const struct layout_field *field = layout_member(structure, name);
    cr_assert(field != NULL, "%s", name);
    cr_expect(eq(int, field->type, type), "%s", name);
    cr_expect(eq(u32, type == LAYOUT_INTEGER ? field->size : field->count, size), "%s", name);
    cr_expect(eq(int, field->is_signed, is_signed), "%s", name);
}

Test(layout, a_kernel_trace_has_its_events)
{
    struct layout *layout = opened_file(CHUNK "/kernel/metadata");
    cr_assert(eq(u32, layout->stream_count, 1));
    const struct layout_stream *stream = &layout->streams[0];
    const struct layout_event *wakeup = NULL, *change = NULL;
    for (uint32_t i = 0; i < stream->event_count; i++) {
        cr_expect(layout_event(stream, stream->by_id[i]->id) == stream->by_id[i]);
        change = strcmp(stream->by_id[i]->name, "sched_switch") == 0 ? stream->by_id[i] : change;
        wakeup = strcmp(stream->by_id[i]->name, "sched_wakeup") == 0 ? stream->by_id[i] : wakeup;
    }
    cr_assert(change != NULL && wakeup != NULL);
    expect_member(change->payload, "prev_comm", LAYOUT_STRING_FIXED, 16, false);
    expect_member(change->payload, "prev_tid", LAYOUT_INTEGER, 32, true);
    expect_member(change->payload, "prev_state", LAYOUT_INTEGER, 64, true);
    expect_member(change->payload, "next_tid", LAYOUT_INTEGER, 32, true);
    expect_member(wakeup->payload, "tid", LAYOUT_INTEGER, 32, true);
    cr_expect(eq(str, STRING(layout_env(layout, "domain")->text), "kernel"));
    cr_expect(eq(u64, layout->clocks[0].frequency, 1000000000));
    cr_expect(eq(int, stream->packet_context->fields[0].meaning, LAYOUT_PACKET_BEGIN));
    layout_close(layout);
}

Test(layout, a_user_space_trace_has_every_kind_of_field)
{
    struct layout *layout = opened_file(TEST_DATA "/user-space/uid/metadata");
    const struct layout_stream *stream = &layout->streams[0];
    const struct layout_event *all = NULL;
    for (uint32_t i = 0; i < stream->event_count; i++)
        if (strcmp(stream->by_id[i]->name, "zoo:all") == 0)
            all = stream->by_id[i];
    cr_assert(all != NULL);
    const struct layout_field *payload = all->payload;
    expect_member(payload, "i", LAYOUT_INTEGER, 32, true);
    cr_expect(eq(int, layout_member(payload, "hex")->base, 16));
    cr_expect(layout_member(payload, "net")->big_endian);
    cr_expect(eq(int, layout_member(payload, "f")->size, 32));
    cr_expect(eq(int, layout_member(payload, "d")->type, LAYOUT_FLOAT));
    cr_expect(layout_member(payload, "e")->is_enum);
    expect_member(payload, "arr", LAYOUT_ARRAY, 3, false);
    cr_expect(layout_member(payload, "arrnet")->fields->big_endian);
    expect_member(payload, "arrtext", LAYOUT_STRING_FIXED, 4, false);
    expect_member(payload, "seqtext", LAYOUT_STRING_SIZED, 0, false);
    cr_expect(
        eq(u32, layout_member(payload, "seq")->from, layout_member(payload, "_seq_length")->save));
    const struct layout_field *keeper = layout_member(stream->event_context, "_app_zoo_keeper");
    cr_assert(keeper != NULL);
    cr_expect(eq(u32, keeper->count, 12));
    cr_expect(eq(u64, layout_member(keeper, "string")->ranges[0].low, 11));
    layout_close(layout);
}

Test(layout, a_trace_of_one_process_tells_it)
{
    struct layout *layout = opened_file(TEST_DATA "/user-space/pid/metadata");
    cr_expect(layout_env(layout, "vpid")->number > 0);
    cr_expect(eq(str, STRING(layout_env(layout, "procname")->text), "zoo"));
    cr_expect(eq(str, STRING(layout_env(layout, "tracer_buffering_scheme")->text), "pid"));
    layout_close(layout);
}

Test(layout, an_old_kernel_packs_and_an_old_arm_aligns)
{
    struct layout *layout = opened_file(TEST_DATA "/metadata/kernel-2.5");
    cr_assert(eq(u32, layout->stream_count, 2));
    const struct layout_stream *large = layout_stream(layout, 0),
                               *compact = layout_stream(layout, 1);
    cr_expect(eq(int, large->event_header->fields[0].size, 16));
    cr_expect(eq(int, compact->event_header->fields[0].size, 5));
    cr_expect(eq(u32, compact->event_header->align, 8));
    const struct layout_field *v = layout_member(compact->event_header, "v");
    cr_expect(eq(int, v->fields[0].fields[0].size, 27));
    cr_expect(eq(u32, v->fields[0].align, 1));
    expect_member(large->packet_context, "events_discarded", LAYOUT_INTEGER, 32, false);
    cr_expect(layout_member(large->packet_context, "packet_seq_num") == NULL);
    cr_expect(eq(str, STRING(layout_event(large, 0)->name), "sched_switch"));
    layout_close(layout);

    layout = opened_file(TEST_DATA "/metadata/ust-2.8");
    const struct layout_stream *stream = &layout->streams[0];
    cr_expect(layout->big_endian && stream->event_header->align == 32);
    const struct layout_field *tick = layout_event(stream, 0)->payload;
    cr_expect(eq(u32, tick->align, 64));
    cr_expect(layout_member(tick, "port")->big_endian && !layout_member(tick, "weird")->big_endian);
    cr_expect(eq(u64, layout->clocks[0].frequency, 512000000));
    cr_expect(eq(i64, layout->clocks[0].offset_s, 757594356867244272 / 512000000));
    layout_close(layout);
}

/* --- inputs from the fuzzer --- */

Test(layout, whatever_the_fuzzer_kept_is_read_or_refused)
{
    DIR *folder = opendir(TEST_DATA "/../fuzz/seeds/layout");
    cr_assert(folder != NULL);
    unsigned read = 0, refused_count = 0;
    static uint8_t room[1 << 16];
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char *path = memory_format("%s/../fuzz/seeds/layout/%s", TEST_DATA, entry->d_name);
        FILE *file = fopen(path, "rb");
        size_t count = file != NULL ? fread(room, 1, sizeof room, file) : 0;
        struct layout *layout;
        struct failure why = {""};
        enum status status = open_copy(room, count, &layout, &why);
        read += status == STATUS_OK;
        refused_count += status == STATUS_REJECT;
        cr_expect(status == STATUS_OK || strncmp(why.text, "metadata", 8) == 0, "%s", why.text);
        layout_close(layout);
        if (file != NULL)
            fclose(file);
        free(path);
    }
    closedir(folder);
    /* Both kinds are among them. */
    cr_expect(ge(u32, read, 10));
    cr_expect(ge(u32, refused_count, 100));
}

/* --- cost --- */

Test(layout, a_thousand_events_take_milliseconds)
{
    /* As in LTTng's kernel traces; sanitized builds take several times as long. */
    size_t room = (size_t)1 << 20, used;
    char *text = memory_new(room);
    used = (size_t)snprintf(text, room, "%s", TEXT);
    for (unsigned i = 0; i < 1200; i++)
        used += (size_t)snprintf(
            text + used, room - used,
            "event {\n\tname = \"syscall_entry_%u\";\n\tid = %u;\n\tstream_id = 0;\n"
            "\tfields := struct {\n"
            "\t\tinteger { size = 32; align = 8; signed = 1; encoding = none; base = 10; } _fd;\n"
            "\t\tinteger { size = 64; align = 8; signed = 0; encoding = none; base = 16; } _buf;\n"
            "\t\tstring _name;\n\t};\n};\n",
            i, i + 8);
    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    struct layout *layout = opened(text);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    double milliseconds =
        (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
    cr_expect(lt(dbl, milliseconds, 100));
    cr_expect(eq(u32, layout->event_count, 1201));
    /* A reader keeps one for every trace. */
    cr_expect(lt(sz, layout->bytes, (size_t)4 << 20));
    layout_close(layout);
    free(text);
}
