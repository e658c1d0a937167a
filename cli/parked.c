#include "cli/parked.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/value.h"

enum { POLL_MS = 50 };

/* Calls `take` for each record currently in the topic. */
static enum status for_each(const struct bus_settings *settings, bool (*stop)(void *context),
                            enum status (*take)(void *context, const struct topic_reader *reader,
                                                const struct bus_message *message,
                                                struct failure *why),
                            void *context, struct failure *why)
{
    struct topic_reader reader;
    enum status status =
        topic_reader_open(&reader, settings, BUS_PARKED, &(struct topic_from){0}, stop, NULL, why);
    while (status == STATUS_OK && !topic_reader_is_read(&reader)) {
        if (stop(NULL)) {
            status = STATUS_END;
            break;
        }
        struct bus_message message;
        status = topic_reader_poll(&reader, POLL_MS, &message, why);
        if (status == STATUS_OK && !message.end)
            status = take(context, &reader, &message, why);
        else if (status == STATUS_END)
            status = STATUS_OK;
    }
    topic_reader_close(&reader);
    return status;
}

static const char *header(struct parked_list *list, const struct topic_reader *reader,
                          const char *name)
{
    struct bytes bytes = bus_reader_header(reader->bus, name);
    return arena_string(&list->arena, (struct text){(const char *)bytes.at, bytes.count});
}

bool parked_split_key(struct text key, struct text *session, uint64_t *chunk)
{
    enum { DIGITS_MAX = 20 };
    size_t begin = key.count;
    char digits[DIGITS_MAX + 1];
    long long number;
    while (begin > 0 && key.at[begin - 1] != '/')
        begin--;
    size_t count = key.count - begin;
    *session = key;
    if (begin == 0 || count > DIGITS_MAX)
        return false;
    memcpy(digits, key.at + begin, count);
    digits[count] = '\0';
    if (value_integer(digits, &number, NULL) != STATUS_OK || number < 0)
        return false;
    session->count = begin - 1;
    *chunk = (uint64_t)number;
    return true;
}

static const char *place_of(struct parked_list *list, const char *topic, const char *partition,
                            const char *offset)
{
    char *place = memory_format("%s[%s] at %s", topic, partition, offset);
    const char *kept = *topic ? arena_string(&list->arena, text_of(place)) : "";
    free(place);
    return kept;
}

/* Marks identify the parked record by numbers. */
static void take_mark(struct parked_list *list, const char *partition, const char *offset)
{
    long long numbers[2];
    if (value_integer(partition, &numbers[0], NULL) != STATUS_OK ||
        value_integer(offset, &numbers[1], NULL) != STATUS_OK)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].partition == numbers[0] && list->at[i].offset == numbers[1])
            list->at[i].sent_again = true;
}

static enum status list_record(void *context, const struct topic_reader *reader,
                               const struct bus_message *message, struct failure *why)
{
    (void)why;
    struct parked_list *list = context;
    const char *kind = header(list, reader, "kind");
    const char *partition = header(list, reader, "partition");
    const char *offset = header(list, reader, "offset");
    if (!message->value.at) {
        if (strcmp(kind, PARKED_MARK) == 0)
            take_mark(list, partition, offset); /* the mark follows in the same partition */
        return STATUS_OK;
    }
    list->at = memory_grow(list->at, &list->room, list->count + 1, sizeof *list->at);
    struct parked *parked = &list->at[list->count++];
    *parked =
        (struct parked){.partition = message->partition,
                        .offset = message->offset,
                        .time_ms = message->time_ms,
                        .key = arena_string(&list->arena, message->key),
                        .kind = kind,
                        .reason = header(list, reader, "reason"),
                        .from = place_of(list, header(list, reader, "topic"), partition, offset)};
    parked->has_chunk = parked_split_key(text_of(parked->key), &parked->session, &parked->chunk);
    return STATUS_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct parked *left = a, *right = b;
    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    if (left->partition != right->partition)
        return left->partition < right->partition ? -1 : 1;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

enum status parked_list_read(struct parked_list *list, const struct bus_settings *settings,
                             bool (*stop)(void *context), struct failure *why)
{
    *list = (struct parked_list){.count = 0};
    enum status status = for_each(settings, stop, list_record, list, why);
    if (list->count > 0)
        qsort(list->at, list->count, sizeof *list->at, by_time);
    return status;
}

void parked_list_clear(struct parked_list *list)
{
    arena_clear(&list->arena);
    free(list->at);
    *list = (struct parked_list){.count = 0};
}

static enum status visit_record(void *context, const struct topic_reader *reader,
                                const struct bus_message *message, struct failure *why)
{
    (void)reader;
    const struct parked_visitor *visitor = context;
    if (!visitor->wants(visitor->context, message->partition, message->offset))
        return STATUS_OK;
    return visitor->take(visitor->context, message, why);
}

enum status parked_visit(const struct bus_settings *settings, const struct parked_visitor *visitor,
                         bool (*stop)(void *context), struct failure *why)
{
    return for_each(settings, stop, visit_record, (void *)(uintptr_t)visitor, why);
}
